/* SPDX-License-Identifier: ISC
 *
 * rtnetlink(7) groups. What was added to the routes interests nobody; what was deleted may be ours.
 */
#include "host/watch.h"

#include "host/routes.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdalign.h>
#include <sys/socket.h>
#include <unistd.h>

int host_watch_open(void)
{
    static const int groups[] = {RTNLGRP_LINK,      RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
                                 RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE,   RTNLGRP_IPV4_ROUTE,
                                 RTNLGRP_IPV6_ROUTE};
    const struct sockaddr_nl address = {.nl_family = AF_NETLINK};
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    bool is_listening = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;
    for (size_t i = 0; is_listening && i < sizeof groups / sizeof *groups; i++)
        is_listening = setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i], sizeof groups[i]) == 0;
    if (is_listening)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static int look_for_protocol(const struct nlattr *attribute, void *context)
{
    if (mnl_attr_get_type(attribute) == FRA_PROTOCOL)
        *(uint8_t *)context = mnl_attr_get_u8(attribute);
    return MNL_CB_OK;
}

static bool is_our_rule(const struct nlmsghdr *message)
{
    uint8_t protocol = 0;
    (void)mnl_attr_parse(message, sizeof(struct fib_rule_hdr), look_for_protocol, &protocol);
    return protocol == ROUTES_PROTOCOL;
}

static void hear(const struct nlmsghdr *message, uint32_t device_index, struct host_news *news)
{
    const size_t payload_bytes = mnl_nlmsg_get_payload_len(message);
    const void *payload = mnl_nlmsg_get_payload(message);
    switch (message->nlmsg_type) {
    case RTM_NEWADDR:
    case RTM_DELADDR:
        news->addresses_changed = true;
        news->ways_changed |= payload_bytes >= sizeof(struct ifaddrmsg) &&
                              ((const struct ifaddrmsg *)payload)->ifa_index == device_index;
        return;
    case RTM_NEWLINK:
    case RTM_DELLINK:
        news->ways_changed |= payload_bytes >= sizeof(struct ifinfomsg) &&
                              (uint32_t)((const struct ifinfomsg *)payload)->ifi_index == device_index;
        return;
    case RTM_DELROUTE:
        news->ways_changed |= payload_bytes >= sizeof(struct rtmsg) &&
                              ((const struct rtmsg *)payload)->rtm_protocol == ROUTES_PROTOCOL;
        return;
    case RTM_DELRULE:
        news->ways_changed |= payload_bytes >= sizeof(struct fib_rule_hdr) && is_our_rule(message);
        return;
    default:
        return;
    }
}

struct host_news host_watch_read(int fd, uint32_t device_index)
{
    alignas(struct nlmsghdr) uint8_t buffer[32768];
    struct host_news news = {false, false};
    for (;;) {
        const ssize_t got = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
        if (got < 0 && errno != ENOBUFS)
            return news;
        if (got < 0) /* more was told than we could hear */
            news = (struct host_news){true, true};
        int left = (int)got;
        for (const struct nlmsghdr *at = (const void *)buffer; got > 0 && mnl_nlmsg_ok(at, left);
             at = mnl_nlmsg_next(at, &left))
            hear(at, device_index, &news);
    }
}
