/* SPDX-License-Identifier: ISC
 *
 * The asking side of the control socket; control.h has the protocol.
 */
#include "control.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

/* A status with 100,000 SAs is some 100 MB: an answer past this is not one of ours. */
#define CONTROL_REPLY_MAX_BYTES ((size_t)1 << 30)

struct control_lines {
    int fd;
    bool is_answered; /* from then on nobody knows when the next line comes */
    size_t next, end; /* what was received, and where the next line begins in it */
    char bytes[65536];
};

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

/* The first byte, which is what they travel with. */
static int send_first(int fd, const char *byte, const int *descriptors, size_t count)
{
    union {
        struct cmsghdr alignment;
        char bytes[CMSG_SPACE(sizeof(int) * CONTROL_DESCRIPTORS_MAX)];
    } room = {0};
    struct iovec part = {.iov_base = (void *)(uintptr_t)byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = room.bytes,
                             .msg_controllen = CMSG_SPACE(sizeof(int) * count)};
    if (count > CONTROL_DESCRIPTORS_MAX)
        return EINVAL;
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(header), descriptors, sizeof(int) * count);
    for (;;) {
        const ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        return sent >= 0 ? 0 : errno == EAGAIN ? ETIMEDOUT : errno;
    }
}

static int send_question(int fd, const char *request_json, const int *descriptors, size_t count)
{
    const size_t first_bytes = count > 0 && request_json[0] != '\0' ? 1 : 0;
    int error = first_bytes ? send_first(fd, request_json, descriptors, count) : 0;
    if (!error)
        error = send_all(fd, request_json + first_bytes, strlen(request_json) - first_bytes);
    return error ? error : send_all(fd, "\n", 1);
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

static int ask(const char *path, const char *request_json, const int *descriptors, size_t count,
               unsigned patience_seconds, int *ret_fd)
{
    int fd = -1;
    int error = connect_to(path, patience_seconds, &fd);
    if (error)
        return error;
    error = send_question(fd, request_json, descriptors, count);
    if (error)
        close(fd);
    else
        *ret_fd = fd;
    return error;
}

int control_ask(const char *path, const char *request_json, char **ret_reply_json)
{
    return control_ask_patiently(path, request_json, CONTROL_PATIENCE_SECONDS, ret_reply_json);
}

int control_ask_patiently(const char *path, const char *request_json, unsigned patience_seconds,
                          char **ret_reply_json)
{
    return control_ask_with(path, request_json, NULL, 0, patience_seconds, ret_reply_json);
}

int control_ask_with(const char *path, const char *request_json, const int *descriptors, size_t count,
                     unsigned patience_seconds, char **ret_reply_json)
{
    int fd = -1;
    int error = ask(path, request_json, descriptors, count, patience_seconds, &fd);
    if (error)
        return error;
    error = receive_all(fd, ret_reply_json);
    close(fd);
    return error;
}

int control_lines_open(const char *path, const char *request_json, struct control_lines **ret_lines)
{
    struct control_lines *lines = calloc(1, sizeof *lines);
    if (!lines)
        return ENOMEM;
    const int error = ask(path, request_json, NULL, 0, CONTROL_PATIENCE_SECONDS, &lines->fd);
    if (error)
        free(lines);
    else
        *ret_lines = lines;
    return error;
}

static int receive_some(struct control_lines *lines)
{
    memmove(lines->bytes, lines->bytes + lines->next, lines->end - lines->next);
    lines->end -= lines->next;
    lines->next = 0;
    const size_t room_bytes = sizeof lines->bytes - lines->end;
    if (room_bytes == 0)
        return EMSGSIZE;
    const ssize_t got = recv(lines->fd, lines->bytes + lines->end, room_bytes, 0);
    if (got < 0)
        return errno == EINTR ? 0 : errno == EAGAIN ? ETIMEDOUT : errno;
    lines->end += (size_t)got;
    if (got > 0)
        return 0;
    if (lines->is_answered)
        return EPIPE;
    if (lines->end == 0)
        return EPROTO;
    lines->bytes[lines->end++] = '\n'; /* a refusal is an answer as to other questions: up to the end */
    return 0;
}

int control_lines_next(struct control_lines *lines, const char **ret_line)
{
    const struct timeval endless = {0};
    char *end;
    while (!(end = memchr(lines->bytes + lines->next, '\n', lines->end - lines->next))) {
        const int error = receive_some(lines);
        if (error)
            return error;
    }
    if (!lines->is_answered && setsockopt(lines->fd, SOL_SOCKET, SO_RCVTIMEO, &endless, sizeof endless) != 0)
        return errno;
    lines->is_answered = true;
    *end = '\0';
    *ret_line = lines->bytes + lines->next;
    lines->next = (size_t)(end - lines->bytes) + 1;
    return 0;
}

void control_lines_close(struct control_lines **lines)
{
    if (!*lines)
        return;
    close((*lines)->fd);
    free(*lines);
    *lines = NULL;
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
    else if (error == EPIPE)
        snprintf(text, size_bytes, "sallyportd at %s has hung up", path);
    else
        snprintf(text, size_bytes, "%s: %s", path, strerror(error));
    return text;
}
