/* SPDX-License-Identifier: ISC
 *
 * Asks the kernel for the addresses of this network namespace.
 */
#include "own_addresses.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static bool is_loopback(const struct sp_address *address)
{
    static const uint8_t six[16] = {[15] = 1};
    return address->family == 4 ? address->bytes[0] == 127 : memcmp(address->bytes, six, sizeof six) == 0;
}

static bool read_address(const struct ifaddrs *entry, const char *ignored_device,
                         struct sp_address *ret_address)
{
    if (!entry->ifa_addr || (ignored_device && strcmp(entry->ifa_name, ignored_device) == 0))
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

bool own_addresses(const char *ignored_device, struct sp_me *ret_me)
{
    struct ifaddrs *list = NULL;
    if (getifaddrs(&list) != 0)
        return false;
    uint32_t count = 0;
    for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next)
        count++;
    struct sp_address *addresses = calloc(count ? count : 1, sizeof *addresses);
    if (!addresses) {
        freeifaddrs(list);
        return false;
    }
    uint32_t used = 0;
    for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next)
        used += read_address(entry, ignored_device, &addresses[used]);
    freeifaddrs(list);
    qsort(addresses, used, sizeof *addresses, compare_addresses);
    *ret_me = (struct sp_me){.addresses = addresses, .count = used};
    return true;
}

void own_addresses_free(struct sp_me *me)
{
    free((void *)(uintptr_t)me->addresses);
    *me = (struct sp_me){0};
}

bool own_addresses_hold(const struct sp_me *me, const struct sp_address *address)
{
    for (uint32_t i = 0; i < me->count; i++)
        if (compare_addresses(&me->addresses[i], address) == 0)
            return true;
    return false;
}
