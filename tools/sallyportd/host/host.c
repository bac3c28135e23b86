/* SPDX-License-Identifier: ISC
 *
 * Asks the host about itself; host.h says what.
 */
#include "host/host.h"

#include "guard_lock.h"
#include "log.h"
#include "own_addresses.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof((struct host_lock){0}.path) == GUARD_LOCK_PATH_BYTES, "guard_lock_path fills it");

bool host_addresses(const char *own_device, struct sp_me *ret_me)
{
    if (own_addresses(own_device, ret_me))
        return true;
    log_errno("can't list this host's addresses");
    return false;
}

void host_addresses_free(struct sp_me *me)
{
    own_addresses_free(me);
}

bool host_addresses_equal(const struct sp_me *left, const struct sp_me *right)
{
    return left->count == right->count &&
           (left->count == 0 ||
            memcmp(left->addresses, right->addresses, left->count * sizeof *left->addresses) == 0);
}

bool host_has_address(const struct sp_me *me, const struct sp_address *address)
{
    return own_addresses_hold(me, address);
}

/* Who only looks whether a daemon has it holds it for a moment (guard_lock.h). */
static bool lock_soon(int fd)
{
    const struct timespec nap = {.tv_nsec = 10000000};
    for (int i = 0; i < 10; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        (void)nanosleep(&nap, NULL);
    }
    return false;
}

bool host_lock_take(struct host_lock *ret_lock)
{
    struct stat space, opened, named;
    struct host_lock lock;
    if ((mkdir(HOST_RUN_FOLDER, 0755) != 0 && errno != EEXIST) || stat("/proc/self/ns/net", &space) != 0) {
        log_errno("can't make " HOST_RUN_FOLDER);
        return false;
    }
    guard_lock_path(space.st_ino, lock.path);
    for (;;) {
        lock.fd = open(lock.path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (lock.fd < 0) {
            log_errno("%s", lock.path);
            return false;
        }
        if (!lock_soon(lock.fd)) {
            log_line("another sallyportd guards this network namespace; there can be only one");
            close(lock.fd);
            return false;
        }
        /* One that was just ending may have removed the file between our open and our lock. */
        if (fstat(lock.fd, &opened) == 0 && stat(lock.path, &named) == 0 && opened.st_ino == named.st_ino)
            break;
        close(lock.fd);
    }
    *ret_lock = lock;
    return true;
}

void host_lock_release(struct host_lock *lock)
{
    unlink(lock->path);
    close(lock->fd);
    lock->fd = -1;
}
