/* SPDX-License-Identifier: ISC
 *
 * Makes the TUN device (Linux Documentation/networking/tuntap.rst).
 *
 * The device has no address of this host: the source address of a packet is chosen by the main table before
 * the packet is steered here. That is also why its reverse path filter must be loose (RFC 3704 2.4): what
 * comes out of it would be answered by another device. On a device without any address Linux takes loose for
 * strict, so it gets the dummy address 192.0.0.8 (RFC 7600), of host scope, which no packet ever bears.
 *
 * Reading and writing are in tun_queue.c.
 */
#include "datapath/tun.h"

#include "host/rtnetlink.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Packets that wait for us in a queue before the kernel drops. How long they have waited it doesn't tell
 * (backlog.h), so there must be few: a millisecond or two of sealing where it is fast, 25 where libcrypto
 * does it. A TCP packet of 64 KB counts as one. */
#define QUEUE_PACKETS 500
/* Never what limits a packet: the routes to the device carry the MTU that counts, and it may change. */
#define DEVICE_MTU_BYTES 65535

static bool write_setting(const char *family, const char *device, const char *name, const char *value)
{
    char path[128];
    snprintf(path, sizeof path, "/proc/sys/net/%s/conf/%s/%s", family, device, name);
    const int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    const bool is_written = write(fd, value, strlen(value)) == (ssize_t)strlen(value);
    close(fd);
    return is_written;
}

/* 0, or an errno value: EEXIST when it has it, and flags forbid replacing it. */
static int ask_for_dummy_address(const char *name, uint16_t flags)
{
    static const uint8_t dummy[4] = {192, 0, 0, 8};
    char message[256] = {0};
    struct nlmsghdr *header = mnl_nlmsg_put_header(message);
    header->nlmsg_type = RTM_NEWADDR;
    header->nlmsg_flags = NLM_F_CREATE | flags;
    struct ifaddrmsg *address = mnl_nlmsg_put_extra_header(header, sizeof *address);
    address->ifa_family = AF_INET;
    address->ifa_prefixlen = 32;
    address->ifa_scope = RT_SCOPE_HOST;
    address->ifa_index = if_nametoindex(name);
    mnl_attr_put(header, IFA_LOCAL, sizeof dummy, dummy);
    mnl_attr_put(header, IFA_ADDRESS, sizeof dummy, dummy);
    return rtnetlink_ask(header);
}

static bool give_dummy_address(const char *name)
{
    const int error = ask_for_dummy_address(name, NLM_F_REPLACE);
    if (error) {
        errno = error;
        log_errno("%s: can't give it the dummy address", name);
    }
    return error == 0;
}

static bool bring_up(int fd, const char *name, bool *ret_was_down)
{
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    if (ioctl(fd, SIOCGIFFLAGS, &request) != 0)
        return false;
    *ret_was_down = !(request.ifr_flags & IFF_UP);
    request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
    return !*ret_was_down || ioctl(fd, SIOCSIFFLAGS, &request) == 0;
}

static bool configure(int fd, const char *name)
{
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    request.ifr_mtu = DEVICE_MTU_BYTES;
    if (ioctl(fd, SIOCSIFMTU, &request) != 0) {
        log_errno("%s: can't set the MTU to %d", name, DEVICE_MTU_BYTES);
        return false;
    }
    request.ifr_qlen = QUEUE_PACKETS;
    if (ioctl(fd, SIOCSIFTXQLEN, &request) != 0)
        log_errno("%s: can't set the queue to %d packets", name, QUEUE_PACKETS);
    if (!write_setting("ipv4", name, "rp_filter", "2")) {
        log_errno("%s: can't make the reverse path filter loose", name);
        return false;
    }
    if (!give_dummy_address(name))
        return false;
    /* No link-local address, hence no router solicitations into the gate. Hosts without IPv6 have neither
     * file. */
    (void)!write_setting("ipv6", name, "addr_gen_mode", "1");
    (void)!write_setting("ipv6", name, "disable_ipv6", "0");

    bool was_down;
    if (bring_up(fd, name, &was_down))
        return true;
    log_errno("%s: can't bring it up", name);
    return false;
}

static int open_queue(const char *name, bool is_first)
{
    const int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        log_errno("can't open /dev/net/tun");
        return -1;
    }
    int flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE;
    if (is_first)
        flags |= IFF_TUN_EXCL;
    struct ifreq request = {.ifr_flags = (short)flags};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    if (ioctl(fd, TUNSETIFF, &request) != 0) {
        log_errno(is_first ? "can't make the TUN device %s" : "can't add a queue to the TUN device %s", name);
        close(fd);
        return -1;
    }
    return fd;
}

/* What we do for the stack, from then on and for all queues. */
static void offer_offloads(int fd, const char *name)
{
    if (ioctl(fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN) != 0)
        log_errno("%s: the kernel keeps cutting TCP data itself, which is slower", name);
}

bool tun_open(const char *name, size_t queues, struct tun *ret_tun)
{
    struct tun tun = {.count = 0};
    while (tun.count < queues) {
        const int fd = open_queue(name, tun.count == 0);
        if (fd < 0)
            goto fail;
        tun.fds[tun.count++] = fd;
    }
    const int configurator = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (configurator < 0) {
        log_errno("can't configure %s", name);
        goto fail;
    }
    offer_offloads(tun.fds[0], name);
    const bool is_configured = configure(configurator, name);
    close(configurator);
    if (is_configured) {
        *ret_tun = tun;
        return true;
    }
fail:
    tun_close(&tun);
    return false;
}

bool tun_repair(const char *name)
{
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool was_down = false;
    const bool had_no_address = ask_for_dummy_address(name, NLM_F_EXCL) == 0;
    const bool is_up = fd >= 0 && bring_up(fd, name, &was_down);
    if (fd >= 0)
        close(fd);
    return had_no_address || (is_up && was_down);
}

void tun_close(struct tun *tun)
{
    while (tun->count > 0)
        close(tun->fds[--tun->count]);
}
