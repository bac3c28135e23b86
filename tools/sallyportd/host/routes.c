/* SPDX-License-Identifier: ISC
 *
 * Policy routing over rtnetlink (rtnetlink(7), ip-rule(8)), IPv4 and IPv6 alike.
 *
 * The table holds "default dev sally0" and, with a worse metric, "blackhole default". When the daemon dies
 * its device goes, the kernel takes the first route with it, and marked packets fall into the second: the
 * host fails closed without anybody having to act.
 *
 * Rules and routes carry a protocol number of their own, so that those of a daemon that was killed are found
 * again, whatever mark and table it had been given.
 */
#include "host/routes.h"

#include "host/rtnetlink.h"
#include "log.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

/* Before the main table (32766) and what VPN tools put in front of it, behind the local table (0). */
#define RULE_PRIORITY 5050u
#define METRIC_DEVICE 10u
#define METRIC_BLACKHOLE 4096u
#define MESSAGE_BYTES 512

static int rule_request(const struct routes *routes, uint16_t type, uint16_t flags, uint8_t family)
{
    char message[MESSAGE_BYTES] = {0};
    struct nlmsghdr *header = mnl_nlmsg_put_header(message);
    header->nlmsg_type = type;
    header->nlmsg_flags = flags;
    struct fib_rule_hdr *rule = mnl_nlmsg_put_extra_header(header, sizeof *rule);
    rule->family = family;
    mnl_attr_put_u32(header, FRA_PRIORITY, RULE_PRIORITY);
    mnl_attr_put_u8(header, FRA_PROTOCOL, ROUTES_PROTOCOL);
    if (type == RTM_NEWRULE) {
        rule->action = FR_ACT_TO_TBL;
        mnl_attr_put_u32(header, FRA_TABLE, routes->table);
        mnl_attr_put_u32(header, FRA_FWMARK, routes->mark);
        mnl_attr_put_u32(header, FRA_FWMASK, UINT32_MAX);
    }
    return rtnetlink_ask(header);
}

struct route {
    uint8_t family, kind;          /* AF_*, RTN_* */
    const struct sp_address *peer; /* NULL: the default route */
    uint32_t mtu_bytes;            /* 0: the device's */
};

static int route_request(const struct routes *routes, uint16_t type, uint16_t flags,
                         const struct route *wanted)
{
    const bool is_blackhole = wanted->kind == RTN_BLACKHOLE, is_six = wanted->family == AF_INET6;
    char message[MESSAGE_BYTES] = {0};
    struct nlmsghdr *header = mnl_nlmsg_put_header(message);
    header->nlmsg_type = type;
    header->nlmsg_flags = flags;
    struct rtmsg *route = mnl_nlmsg_put_extra_header(header, sizeof *route);
    route->rtm_family = wanted->family;
    route->rtm_table = RT_TABLE_UNSPEC;
    route->rtm_protocol = ROUTES_PROTOCOL;
    route->rtm_scope = is_blackhole || is_six ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK;
    route->rtm_type = wanted->kind;
    if (wanted->peer) {
        route->rtm_dst_len = is_six ? 128 : 32;
        mnl_attr_put(header, RTA_DST, is_six ? 16 : 4, wanted->peer->bytes);
    }
    mnl_attr_put_u32(header, RTA_TABLE, routes->table);
    mnl_attr_put_u32(header, RTA_PRIORITY, is_blackhole ? METRIC_BLACKHOLE : METRIC_DEVICE);
    if (!is_blackhole)
        mnl_attr_put_u32(header, RTA_OIF, routes->device_index);
    if (wanted->mtu_bytes) {
        struct nlattr *metrics = mnl_attr_nest_start(header, RTA_METRICS);
        mnl_attr_put_u32(header, RTAX_MTU, wanted->mtu_bytes);
        mnl_attr_nest_end(header, metrics);
    }
    return rtnetlink_ask(header);
}

static struct route blackhole(uint8_t family)
{
    return (struct route){.family = family, .kind = RTN_BLACKHOLE};
}

static struct route way_in(const struct routes *routes, uint8_t family)
{
    return (struct route){.family = family,
                          .kind = RTN_UNICAST,
                          .mtu_bytes = family == AF_INET6 ? routes->ipv6_mtu_bytes : routes->ipv4_mtu_bytes};
}

static const uint8_t families[] = {AF_INET, AF_INET6};
#define FAMILY_COUNT (sizeof families / sizeof *families)

/* A kernel built or started without IPv6 has nothing to steer there. */
static bool is_absent(uint8_t family, int error)
{
    return family == AF_INET6 && (error == EAFNOSUPPORT || error == EOPNOTSUPP);
}

static const char *family_name(uint8_t family)
{
    return family == AF_INET6 ? "IPv6" : "IPv4";
}

static void remove_rules(const struct routes *routes, uint8_t family)
{
    while (rule_request(routes, RTM_DELRULE, 0, family) == 0)
        ;
}

bool routes_close(const struct routes *routes)
{
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        const uint8_t family = families[i];
        const struct route dead_end = blackhole(family);
        int error = route_request(routes, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &dead_end);
        if (is_absent(family, error))
            continue;
        if (!error) {
            remove_rules(routes, family);
            error = rule_request(routes, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, family);
        }
        if (error) {
            errno = error;
            log_errno("can't steer marked %s packets to table %u", family_name(family), routes->table);
            return false;
        }
    }
    return true;
}

bool routes_open(const struct routes *routes)
{
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        const uint8_t family = families[i];
        const struct route wanted = way_in(routes, family);
        const int error = route_request(routes, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &wanted);
        if (!error || is_absent(family, error))
            continue;
        errno = error;
        if (family == AF_INET6 && (error == EINVAL || error == EACCES || error == ENODEV)) {
            log_errno("the device takes no IPv6; such packets that need protection are dropped");
            continue;
        }
        log_errno("can't route marked %s packets to the device", family_name(family));
        return false;
    }
    return true;
}

/* What is still there refuses to be made again. */
bool routes_repair(const struct routes *routes)
{
    bool was_missing = false;
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        const uint8_t family = families[i];
        const uint16_t flags = NLM_F_CREATE | NLM_F_EXCL;
        const struct route dead_end = blackhole(family), wanted = way_in(routes, family);
        was_missing |= route_request(routes, RTM_NEWROUTE, flags, &dead_end) == 0;
        was_missing |= rule_request(routes, RTM_NEWRULE, flags, family) == 0;
        was_missing |= route_request(routes, RTM_NEWROUTE, flags, &wanted) == 0;
    }
    return was_missing;
}

int routes_set_peer(const struct routes *routes, const struct sp_address *peer, uint32_t mtu_bytes)
{
    const struct route wanted = {.family = peer->family == 6 ? AF_INET6 : AF_INET,
                                 .kind = RTN_UNICAST,
                                 .peer = peer,
                                 .mtu_bytes = mtu_bytes};
    if (mtu_bytes == 0)
        return route_request(routes, RTM_DELROUTE, 0, &wanted);
    return route_request(routes, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, &wanted);
}

void routes_remove(const struct routes *routes)
{
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        const struct route dead_end = blackhole(families[i]), open_end = way_in(routes, families[i]);
        remove_rules(routes, families[i]);
        if (routes->device_index)
            (void)route_request(routes, RTM_DELROUTE, 0, &open_end);
        (void)route_request(routes, RTM_DELROUTE, 0, &dead_end);
    }
}
