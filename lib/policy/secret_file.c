/* SPDX-License-Identifier: ISC
 *
 * Files with keys in them.
 *
 * A key file that another user may write is not our key, one that another user may read is not a secret. What
 * is judged is the open file, not its name, so nothing can be swapped in between; a symbolic link is refused,
 * because whoever owns it could point it elsewhere. The text goes straight from read() to locked memory: no
 * stdio buffer, no realloc.
 */
#include "policy/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_BYTES ((size_t)4096)
#define DESCRIPTOR_FOLDER "/dev/fd/"

void sp_secret_free(struct sp_secret *secret)
{
    sodium_free(secret->bytes);
    *secret = (struct sp_secret){0};
}

static enum sp_status read_failed(char *reason)
{
    snprintf(reason, SP_SECRET_REASON_BYTES, "can't be read: %s", strerror(errno));
    return SP_ERR_IO;
}

enum sp_status sp_secret_check(const struct stat *file, uid_t reader, bool is_descriptor, const char *path,
                               char *reason)
{
    bool is_pipe = is_descriptor && S_ISFIFO(file->st_mode);
    if (!S_ISREG(file->st_mode) && !is_pipe) {
        snprintf(reason, SP_SECRET_REASON_BYTES,
                 "is not a regular file%s, and keys are read from nothing else",
                 is_descriptor ? " or a pipe" : "");
        return SP_ERR_PERMISSION;
    }
    if (file->st_uid != reader && file->st_uid != 0) {
        snprintf(reason, SP_SECRET_REASON_BYTES,
                 "belongs to user %u, not to you or root, so its keys can't be trusted: chown %u %.120s",
                 (unsigned)file->st_uid, (unsigned)reader, path);
        return SP_ERR_PERMISSION;
    }
    if ((file->st_mode & 077) != 0) {
        snprintf(reason, SP_SECRET_REASON_BYTES,
                 "is open to others (mode %04o), so its keys are no secret: chmod 600 %.120s",
                 (unsigned)file->st_mode & 07777, path);
        return SP_ERR_PERMISSION;
    }
    return SP_OK;
}

/* Doubles the room; sodium_malloc knows no realloc. */
static bool enlarge(struct sp_secret *secret, size_t *capacity)
{
    char *wider = sodium_malloc(*capacity * 2);
    if (wider == NULL)
        return false;
    memcpy(wider, secret->bytes, secret->len_bytes);
    sodium_free(secret->bytes);
    secret->bytes = wider;
    *capacity *= 2;
    return true;
}

/* secret->bytes has room for capacity bytes. */
static enum sp_status read_all(int descriptor, size_t capacity, size_t max_bytes, struct sp_secret *secret,
                               char *reason)
{
    for (;;) {
        if (secret->len_bytes == capacity && !enlarge(secret, &capacity))
            return SP_ERR_MEMORY;
        ssize_t got = read(descriptor, secret->bytes + secret->len_bytes, capacity - secret->len_bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return read_failed(reason);
        if (got == 0)
            return SP_OK;
        secret->len_bytes += (size_t)got;
        if (secret->len_bytes > max_bytes) {
            snprintf(reason, SP_SECRET_REASON_BYTES,
                     "is larger than %zu bytes, the most that this file may have", max_bytes);
            return SP_ERR_IO;
        }
    }
}

static enum sp_status read_whole(int descriptor, const struct stat *file, size_t max_bytes,
                                 struct sp_secret *ret_secret, char *reason)
{
    /* one byte more than the file has, so that its end is seen without growing */
    size_t size = file->st_size > 0 ? (size_t)file->st_size + 1 : FIRST_BYTES;
    size_t capacity = size > max_bytes ? max_bytes + 1 : size;
    struct sp_secret secret = {.bytes = sodium_malloc(capacity)};
    if (secret.bytes == NULL)
        return SP_ERR_MEMORY;
    enum sp_status status = read_all(descriptor, capacity, max_bytes, &secret, reason);
    if (status == SP_OK)
        *ret_secret = secret;
    else
        sp_secret_free(&secret);
    return status;
}

static enum sp_status read_descriptor(int descriptor, const char *path, bool is_descriptor, size_t max_bytes,
                                      struct sp_secret *ret_secret, char *reason)
{
    struct stat file;
    if (fstat(descriptor, &file) != 0)
        return read_failed(reason);
    enum sp_status status = sp_secret_check(&file, geteuid(), is_descriptor, path, reason);
    return status != SP_OK ? status : read_whole(descriptor, &file, max_bytes, ret_secret, reason);
}

/* The descriptor that path names, or -1. */
static int named_descriptor(const char *path)
{
    if (strcmp(path, "-") == 0 || strcmp(path, "/dev/stdin") == 0)
        return STDIN_FILENO;
    int descriptor = -1, end = 0;
    if (sscanf(path, DESCRIPTOR_FOLDER "%6d%n", &descriptor, &end) != 1 || path[end] != '\0')
        return -1;
    return descriptor;
}

enum sp_status sp_secret_read(const char *path, bool may_be_descriptor, size_t max_bytes,
                              struct sp_secret *ret_secret, char *reason)
{
    int descriptor = may_be_descriptor ? named_descriptor(path) : -1;
    if (descriptor >= 0)
        return read_descriptor(descriptor, path, true, max_bytes, ret_secret, reason);
    /* O_NONBLOCK: a FIFO is refused, not waited for */
    descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0 && errno == ELOOP) {
        snprintf(reason, SP_SECRET_REASON_BYTES,
                 "is a symbolic link, which others could turn: name the file itself");
        return SP_ERR_PERMISSION;
    }
    if (descriptor < 0)
        return read_failed(reason);
    enum sp_status status = read_descriptor(descriptor, path, false, max_bytes, ret_secret, reason);
    (void)close(descriptor);
    return status;
}

enum sp_status sp_secret_read_handed(int descriptor, const char *path, size_t max_bytes,
                                     struct sp_secret *ret_secret, char *reason)
{
    /* what can't be read from its beginning is refused for what it is */
    (void)lseek(descriptor, 0, SEEK_SET);
    return read_descriptor(descriptor, path, false, max_bytes, ret_secret, reason);
}

static enum sp_status read_open(int descriptor, bool is_include, size_t max_bytes,
                                struct sp_secret *ret_secret, bool *ret_is_open, char *reason)
{
    struct stat file;
    if (fstat(descriptor, &file) != 0)
        return read_failed(reason);
    if (is_include && !S_ISREG(file.st_mode)) {
        snprintf(reason, SP_SECRET_REASON_BYTES, "is not a regular file, and only such can be included");
        return SP_ERR_IO;
    }
    const enum sp_status status = read_whole(descriptor, &file, max_bytes, ret_secret, reason);
    if (status == SP_OK)
        *ret_is_open = S_ISREG(file.st_mode) && (file.st_mode & 077) != 0;
    return status;
}

enum sp_status sp_secret_read_open(const char *path, bool is_include, size_t max_bytes,
                                   struct sp_secret *ret_secret, bool *ret_is_open, char *reason)
{
    if (!is_include && strcmp(path, "-") == 0)
        return read_open(STDIN_FILENO, false, max_bytes, ret_secret, ret_is_open, reason);
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (is_include ? O_NONBLOCK : 0));
    if (descriptor < 0)
        return read_failed(reason);
    const enum sp_status status =
        read_open(descriptor, is_include, max_bytes, ret_secret, ret_is_open, reason);
    (void)close(descriptor);
    return status;
}
