/* SPDX-License-Identifier: ISC
 *
 * Asks the host about itself; host.h says what.
 */
#include "host.h"

#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* The loopback addresses are left out, the loopback interface isn't: a service's address may live there. */
static bool is_loopback(const struct sp_address *address)
{
    static const uint8_t six[16] = {[15] = 1};
    return address->family == 4 ? address->bytes[0] == 127 : memcmp(address->bytes, six, sizeof six) == 0;
}

static bool read_address(const struct ifaddrs *entry, const char *own_device, struct sp_address *ret_address)
{
    if (!entry->ifa_addr || strcmp(entry->ifa_name, own_device) == 0)
        return false;
    struct sp_address address = {0};
    if (entry->ifa_addr->sa_family == AF_INET) {
        struct sockaddr_in four;
        memcpy(&four, entry->ifa_addr, sizeof four);
        address.family = 4;
        memcpy(address.bytes, &four.sin_addr, 4);
    } else if (entry->ifa_addr->sa_family == AF_INET6) {
        struct sockaddr_in6 six;
        memcpy(&six, entry->ifa_addr, sizeof six);
        address.family = 6;
        memcpy(address.bytes, &six.sin6_addr, 16);
    } else {
        return false;
    }
    if (is_loopback(&address))
        return false;
    *ret_address = address;
    return true;
}

static int compare_addresses(const void *left, const void *right)
{
    return memcmp(left, right, sizeof(struct sp_address));
}

bool host_addresses(const char *own_device, struct sp_me *ret_me)
{
    struct ifaddrs *list = NULL;
    if (getifaddrs(&list) != 0) {
        log_errno("can't list this host's addresses");
        return false;
    }
    uint32_t count = 0;
    for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next)
        count++;
    struct sp_address *addresses = calloc(count ? count : 1, sizeof *addresses);
    if (!addresses) {
        log_errno("can't list this host's addresses");
        freeifaddrs(list);
        return false;
    }
    uint32_t used = 0;
    for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next)
        used += read_address(entry, own_device, &addresses[used]);
    freeifaddrs(list);
    qsort(addresses, used, sizeof *addresses, compare_addresses);
    *ret_me = (struct sp_me){.addresses = addresses, .count = used};
    return true;
}

void host_addresses_free(struct sp_me *me)
{
    free((void *)(uintptr_t)me->addresses);
    *me = (struct sp_me){0};
}

bool host_addresses_equal(const struct sp_me *left, const struct sp_me *right)
{
    return left->count == right->count &&
           (left->count == 0 ||
            memcmp(left->addresses, right->addresses, left->count * sizeof *left->addresses) == 0);
}

bool host_has_address(const struct sp_me *me, const struct sp_address *address)
{
    for (uint32_t i = 0; i < me->count; i++)
        if (compare_addresses(&me->addresses[i], address) == 0)
            return true;
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
    /* /run is often shared by namespaces: the inode tells them apart */
    snprintf(lock.path, sizeof lock.path, HOST_RUN_FOLDER "/netns-%llu.lock",
             (unsigned long long)space.st_ino);
    for (;;) {
        lock.fd = open(lock.path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (lock.fd < 0) {
            log_errno("%s", lock.path);
            return false;
        }
        if (flock(lock.fd, LOCK_EX | LOCK_NB) != 0) {
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
