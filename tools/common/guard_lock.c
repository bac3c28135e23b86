/* SPDX-License-Identifier: ISC
 *
 * /run is often shared by namespaces: the inode in the file's name tells them apart.
 */
#include "guard_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

void guard_lock_path(uint64_t network_namespace, char *path)
{
    snprintf(path, GUARD_LOCK_PATH_BYTES, "/run/sallyport/netns-%llu.lock",
             (unsigned long long)network_namespace);
}

uint64_t own_namespace(void)
{
    struct stat own;
    return stat("/proc/self/ns/net", &own) == 0 ? own.st_ino : 0;
}

/* A shared lock can be had unless the daemon has its own; it is gone again before anybody could wait for it.
 */
bool guard_is_at_work(void)
{
    char path[GUARD_LOCK_PATH_BYTES];
    guard_lock_path(own_namespace(), path);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    const bool is_locked = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(fd);
    return is_locked;
}
