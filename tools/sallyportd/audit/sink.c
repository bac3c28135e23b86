/* SPDX-License-Identifier: ISC
 *
 * A line is one write, or one datagram: it is there whole, or not at all.
 *
 * The journal is spoken to by its own protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL), so that each field can
 * be searched for: journalctl SALLYPORT_EVENT=failed-icv.
 */
#include "audit/sink.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#define JOURNAL_PATH "/run/systemd/journal/socket"

bool audit_sink_choose(const char *destination, struct audit_sink *ret_sink)
{
    static const char *const names[] = {[AUDIT_SINK_NONE] = "none",
                                        [AUDIT_SINK_STDERR] = "stderr",
                                        [AUDIT_SINK_SYSLOG] = "syslog",
                                        [AUDIT_SINK_JOURNAL] = "journal"};
    struct audit_sink sink = {.kind = AUDIT_SINK_FILE, .path = destination, .fd = -1};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(destination, names[i]) == 0)
            sink.kind = (enum audit_sink_kind)i;
    if (sink.kind == AUDIT_SINK_FILE && !strchr(destination, '/'))
        return false;
    *ret_sink = sink;
    return true;
}

/* A link there would let whoever put it there choose what is written to. */
static int open_file(const char *path)
{
    struct stat file;
    const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0 || (fstat(fd, &file) == 0 && S_ISREG(file.st_mode)))
        return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

bool audit_sink_open(struct audit_sink *sink)
{
    int fd = -1;
    switch (sink->kind) {
    case AUDIT_SINK_NONE:
    case AUDIT_SINK_STDERR:
        return true;
    case AUDIT_SINK_SYSLOG:
        openlog("sallyportd", LOG_PID, LOG_AUTHPRIV);
        return true;
    case AUDIT_SINK_JOURNAL:
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        break;
    case AUDIT_SINK_FILE:
        fd = open_file(sink->path);
        break;
    }
    if (fd < 0) {
        log_errno("can't write the audit log to %s", sink->path);
        return false;
    }
    audit_sink_close(sink);
    sink->fd = fd;
    return true;
}

void audit_sink_close(struct audit_sink *sink)
{
    if (sink->fd >= 0)
        close(sink->fd);
    sink->fd = -1;
}

static bool write_file(const struct audit_sink *sink, const struct audit_line *line)
{
    const struct iovec pieces[] = {
        {.iov_base = (void *)(uintptr_t)line->text, .iov_len = line->text_bytes},
        {.iov_base = (void *)(uintptr_t) "\n", .iov_len = 1},
    };
    return writev(sink->fd, pieces, 2) == (ssize_t)(line->text_bytes + 1);
}

static bool write_journal(const struct audit_sink *sink, const struct audit_line *line, int priority)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = JOURNAL_PATH};
    char head[64];
    const int head_bytes =
        snprintf(head, sizeof head, "PRIORITY=%d\nSYSLOG_IDENTIFIER=sallyportd\nMESSAGE=", priority);
    struct iovec pieces[] = {
        {.iov_base = head, .iov_len = (size_t)head_bytes},
        {.iov_base = (void *)(uintptr_t)line->text, .iov_len = line->text_bytes},
        {.iov_base = (void *)(uintptr_t) "\n", .iov_len = 1},
        {.iov_base = (void *)(uintptr_t)line->fields, .iov_len = line->fields_bytes},
    };
    const struct msghdr message = {
        .msg_name = &address, .msg_namelen = sizeof address, .msg_iov = pieces, .msg_iovlen = 4};
    return sendmsg(sink->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

void audit_sink_write(struct audit_sink *sink, const struct audit_line *line, int priority)
{
    bool is_written = true;
    switch (sink->kind) {
    case AUDIT_SINK_NONE:
        break;
    case AUDIT_SINK_STDERR:
        fprintf(stderr, "sallyportd: audit: %s\n", line->text);
        break;
    case AUDIT_SINK_SYSLOG:
        syslog(LOG_AUTHPRIV | priority, "%s", line->text);
        break;
    case AUDIT_SINK_JOURNAL:
        is_written = write_journal(sink, line, priority);
        break;
    case AUDIT_SINK_FILE:
        is_written = write_file(sink, line);
        break;
    }
    if (!is_written && !sink->is_failing)
        log_errno("the audit log can't be written to %s", sink->path);
    sink->is_failing = !is_written;
}
