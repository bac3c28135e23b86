/* SPDX-License-Identifier: ISC
 *
 * Files with keys, as keygen and import make them.
 */
#include "secret_output.h"

#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool secret_write(int fd, const char *bytes, size_t len_bytes)
{
    while (len_bytes > 0) {
        const ssize_t written = write(fd, bytes, len_bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes += written;
        len_bytes -= (size_t)written;
    }
    return true;
}

static bool write_parts(int fd, const struct iovec *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!secret_write(fd, parts[i].iov_base, parts[i].iov_len))
            return false;
    return true;
}

int secret_file_make(const char *path, const struct iovec *parts, size_t count)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        tool_say("%s: %s%s", path, strerror(errno), errno == EEXIST ? "; it is never overwritten" : "");
        return TOOL_NOT_APPLIED;
    }
    const bool is_written = fchmod(fd, 0600) == 0 && write_parts(fd, parts, count) && fsync(fd) == 0;
    int error = errno;
    if (close(fd) == 0 && is_written)
        return TOOL_OK;
    unlink(path);
    tool_say("%s: %s", path, strerror(is_written ? errno : error));
    return TOOL_NOT_APPLIED;
}
