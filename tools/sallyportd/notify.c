/* SPDX-License-Identifier: ISC
 *
 * The protocol of sd_notify(3) is a datagram of VARIABLE=VALUE lines: too little to take a library for.
 * Nobody waits for it, and a manager that doesn't listen is not our concern.
 *
 * The sign of life is the control thread's: as long as it comes, reloads, repairs and the clock of lifetimes
 * work.
 */
#include "notify.h"

#include "daemon.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define STATUS_BYTES 512

/* False: there is no manager. A name that begins with "@" is of the abstract kind (unix(7)). */
static bool find_manager(struct sockaddr_un *ret_address, socklen_t *ret_len)
{
    const char *path = getenv("NOTIFY_SOCKET");
    const size_t len_bytes = path ? strlen(path) : 0;
    if (len_bytes < 2 || len_bytes >= sizeof ret_address->sun_path || (path[0] != '/' && path[0] != '@'))
        return false;
    *ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret_address->sun_path, path, len_bytes);
    if (path[0] == '@')
        ret_address->sun_path[0] = '\0';
    *ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len_bytes);
    return true;
}

static void tell(const char *lines)
{
    struct sockaddr_un address;
    socklen_t len;
    if (!find_manager(&address, &len))
        return;
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    (void)!sendto(fd, lines, strlen(lines), MSG_NOSIGNAL, (const struct sockaddr *)&address, len);
    close(fd);
}

/* What "systemctl status" shows. A line of ours must stay one, whatever the file is called. */
void notify_ready(const struct daemon *daemon, bool is_refused)
{
    char lines[STATUS_BYTES];
    const int head_bytes = snprintf(lines, sizeof lines, "READY=1\nSTATUS=");
    snprintf(lines + head_bytes, sizeof lines - (size_t)head_bytes, "%u rules are in force%s: %s",
             sp_policy_rule_count(sp_engine_policy(daemon->engine)),
             is_refused ? " as before, the last reload was refused" : "", daemon->options.policy_path);
    for (char *at = lines + head_bytes; *at; at++)
        if ((unsigned char)*at < ' ')
            *at = '?';
    tell(lines);
}

void notify_reloading(void)
{
    char lines[64];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(lines, sizeof lines, "RELOADING=1\nMONOTONIC_USEC=%lld%06ld", (long long)now.tv_sec,
             now.tv_nsec / 1000);
    tell(lines);
}

void notify_stopping(void)
{
    tell("STOPPING=1");
}

void notify_tick(void)
{
    const char *pid = getenv("WATCHDOG_PID");
    if (getenv("WATCHDOG_USEC") && (!pid || strtol(pid, NULL, 10) == (long)getpid()))
        tell("WATCHDOG=1");
}
