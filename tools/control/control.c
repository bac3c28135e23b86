/* SPDX-License-Identifier: ISC
 *
 * The asking side of the control socket; control.h has the protocol.
 */
#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* A status with 100,000 SAs is some 100 MB: an answer past this is not one of ours. */
#define CONTROL_REPLY_MAX_BYTES ((size_t)1 << 30)

static int connect_to(const char *path, unsigned patience_seconds, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path) + 1);

    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    const struct timeval patience = {.tv_sec = patience_seconds};
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        const int error = errno == EAGAIN ? ETIMEDOUT : errno;
        close(fd);
        return error;
    }
    *ret_fd = fd;
    return 0;
}

static int send_all(int fd, const char *bytes, size_t len_bytes)
{
    while (len_bytes > 0) {
        const ssize_t sent = send(fd, bytes, len_bytes, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN ? ETIMEDOUT : errno;
        bytes += sent;
        len_bytes -= (size_t)sent;
    }
    return 0;
}

static int grow(char **buffer, size_t *capacity_bytes)
{
    const size_t wanted = *capacity_bytes ? *capacity_bytes * 2 : 65536;
    if (wanted > CONTROL_REPLY_MAX_BYTES)
        return EMSGSIZE;
    char *larger = realloc(*buffer, wanted);
    if (!larger)
        return ENOMEM;
    *buffer = larger;
    *capacity_bytes = wanted;
    return 0;
}

static int receive_all(int fd, char **ret_text)
{
    char *text = NULL;
    size_t capacity_bytes = 0, len_bytes = 0;
    int error = 0;
    for (;;) {
        if (len_bytes + 1 >= capacity_bytes && (error = grow(&text, &capacity_bytes)) != 0)
            goto out;
        const ssize_t got = recv(fd, text + len_bytes, capacity_bytes - 1 - len_bytes, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            error = errno == EAGAIN ? ETIMEDOUT : errno;
            goto out;
        }
        if (got == 0)
            break;
        len_bytes += (size_t)got;
    }
    if (len_bytes == 0) {
        error = EPROTO;
        goto out;
    }
    text[len_bytes] = '\0';
    *ret_text = text;
    text = NULL;
out:
    free(text);
    return error;
}

int control_ask(const char *path, const char *request_json, char **ret_reply_json)
{
    return control_ask_patiently(path, request_json, CONTROL_PATIENCE_SECONDS, ret_reply_json);
}

int control_ask_patiently(const char *path, const char *request_json, unsigned patience_seconds,
                          char **ret_reply_json)
{
    int fd = -1;
    int error = connect_to(path, patience_seconds, &fd);
    if (error)
        return error;
    error = send_all(fd, request_json, strlen(request_json));
    if (!error)
        error = send_all(fd, "\n", 1);
    if (!error)
        error = receive_all(fd, ret_reply_json);
    close(fd);
    return error;
}

const char *control_error_text(int error, const char *path, char *text)
{
    const size_t size_bytes = 256;
    if (error == ENOENT || error == ECONNREFUSED)
        snprintf(text, size_bytes, "no sallyportd answers at %s: start it, or name its socket", path);
    else if (error == EACCES || error == EPERM)
        snprintf(text, size_bytes, "%s may only be opened by its owner: try as root", path);
    else if (error == EPROTO)
        snprintf(text, size_bytes, "sallyportd at %s hung up without an answer", path);
    else
        snprintf(text, size_bytes, "%s: %s", path, strerror(error));
    return text;
}
