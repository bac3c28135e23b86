/* SPDX-License-Identifier: ISC
 *
 * Whole files into memory, with a limit: whoever names /dev/zero as a policy gets a sentence, not a full
 * memory. The size is taken from what was read, not from what the file system promises, so pipes are fine.
 */
#include "policy/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REASON_BYTES 256
#define FIRST_BYTES ((size_t)16384)

static enum sp_status read_failed(char *reason)
{
    snprintf(reason, REASON_BYTES, "can't be read: %s", strerror(errno));
    return SP_ERR_IO;
}

/* Reads to the end; one byte more than the limit is enough to know. */
static enum sp_status read_all(int descriptor, struct sp_loaded *loaded, char *reason)
{
    size_t capacity = 0;
    for (;;) {
        if (loaded->len_bytes == capacity) {
            capacity = capacity == 0 ? FIRST_BYTES : capacity * 2;
            char *grown = realloc(loaded->bytes, capacity);
            if (grown == NULL)
                return SP_ERR_MEMORY;
            loaded->bytes = grown;
        }
        ssize_t got = read(descriptor, loaded->bytes + loaded->len_bytes, capacity - loaded->len_bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return read_failed(reason);
        if (got == 0)
            return SP_OK;
        loaded->len_bytes += (size_t)got;
        if (loaded->len_bytes > SP_POLICY_FILE_MAX_BYTES) {
            snprintf(reason, REASON_BYTES, "is larger than 16 MiB, the most that a policy file may have");
            return SP_ERR_IO;
        }
    }
}

static enum sp_status read_descriptor(int descriptor, bool is_include, struct sp_loaded *ret_loaded,
                                      char *reason)
{
    struct stat file;
    if (fstat(descriptor, &file) != 0)
        return read_failed(reason);
    if (is_include && !S_ISREG(file.st_mode)) {
        snprintf(reason, REASON_BYTES, "is not a regular file, and only such can be included");
        return SP_ERR_IO;
    }
    struct sp_loaded loaded = {.device = file.st_dev, .inode = file.st_ino};
    enum sp_status status = read_all(descriptor, &loaded, reason);
    if (status != SP_OK) {
        free(loaded.bytes);
        return status;
    }
    *ret_loaded = loaded;
    return SP_OK;
}

enum sp_status sp_loader_read(const char *path, bool is_include, struct sp_loaded *ret_loaded, char *reason)
{
    if (!is_include && strcmp(path, "-") == 0)
        return read_descriptor(STDIN_FILENO, is_include, ret_loaded, reason);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (is_include ? O_NONBLOCK : 0));
    if (descriptor < 0)
        return read_failed(reason);
    enum sp_status status = read_descriptor(descriptor, is_include, ret_loaded, reason);
    (void)close(descriptor);
    return status;
}
