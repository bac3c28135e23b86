/* SPDX-License-Identifier: ISC
 *
 * rtnetlink(7) with libmnl, a socket a question: they are few, and none is on the data path.
 */
#include "host/rtnetlink.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Sends a request and gives the answers to a callback: 0 or an errno value. */
static int talk(struct nlmsghdr *request, mnl_cb_t callback, void *context)
{
    char answer[8192];
    struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (!socket)
        return errno;
    int error = 0;
    request->nlmsg_flags |= NLM_F_REQUEST;
    request->nlmsg_seq = (uint32_t)time(NULL);
    if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) != 0 ||
        mnl_socket_sendto(socket, request, request->nlmsg_len) < 0) {
        error = errno;
        goto out;
    }
    const ssize_t got = mnl_socket_recvfrom(socket, answer, sizeof answer);
    if (got < 0 || mnl_cb_run(answer, (size_t)got, request->nlmsg_seq, mnl_socket_get_portid(socket),
                              callback, context) < 0)
        error = errno;
out:
    mnl_socket_close(socket);
    return error;
}

int rtnetlink_ask(struct nlmsghdr *request)
{
    request->nlmsg_flags |= NLM_F_ACK;
    return talk(request, NULL, NULL);
}

struct route_answer {
    uint32_t device_index, mtu_bytes;
};

static int read_metric(const struct nlattr *metric, void *context)
{
    struct route_answer *answer = context;
    if (mnl_attr_get_type(metric) == RTAX_MTU)
        answer->mtu_bytes = mnl_attr_get_u32(metric);
    return MNL_CB_OK;
}

static int read_route_attribute(const struct nlattr *attribute, void *context)
{
    struct route_answer *answer = context;
    const uint16_t type = mnl_attr_get_type(attribute);
    if (type == RTA_OIF)
        answer->device_index = mnl_attr_get_u32(attribute);
    else if (type == RTA_METRICS)
        (void)mnl_attr_parse_nested(attribute, read_metric, answer);
    return MNL_CB_OK;
}

static int read_route(const struct nlmsghdr *message, void *context)
{
    return message->nlmsg_type == RTM_NEWROUTE
               ? mnl_attr_parse(message, sizeof(struct rtmsg), read_route_attribute, context)
               : MNL_CB_OK;
}

static struct route_answer ask_route(const struct sp_address *destination, uint32_t flags)
{
    char message[256] = {0};
    const bool is_six = destination->family == 6;
    struct route_answer answer = {0};
    struct nlmsghdr *header = mnl_nlmsg_put_header(message);
    header->nlmsg_type = RTM_GETROUTE;
    struct rtmsg *route = mnl_nlmsg_put_extra_header(header, sizeof *route);
    route->rtm_family = is_six ? AF_INET6 : AF_INET;
    route->rtm_dst_len = is_six ? 128 : 32;
    route->rtm_flags = flags;
    mnl_attr_put(header, RTA_DST, is_six ? 16 : 4, destination->bytes);
    if (talk(header, read_route, &answer) != 0)
        answer = (struct route_answer){0};
    return answer;
}

static uint32_t device_mtu_bytes(uint32_t device_index)
{
    struct ifreq request = {0};
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    const bool is_known =
        if_indextoname(device_index, request.ifr_name) && ioctl(fd, SIOCGIFMTU, &request) == 0;
    close(fd);
    return is_known ? (uint32_t)request.ifr_mtu : 0;
}

uint32_t rtnetlink_link_mtu_bytes(const struct sp_address *destination)
{
    struct route_answer answer = ask_route(destination, RTM_F_FIB_MATCH);
    if (!answer.device_index) /* of several hops the kernel then names none; any will do */
        answer.device_index = ask_route(destination, 0).device_index;
    if (answer.mtu_bytes || !answer.device_index)
        return answer.mtu_bytes;
    return device_mtu_bytes(answer.device_index);
}

static int read_statistics(const struct nlattr *attribute, void *context)
{
    struct rtnl_link_stats64 statistics = {0};
    size_t len_bytes = mnl_attr_get_payload_len(attribute);
    if (mnl_attr_get_type(attribute) != IFLA_STATS_LINK_64)
        return MNL_CB_OK;
    if (len_bytes > sizeof statistics) /* of a newer kernel */
        len_bytes = sizeof statistics;
    memcpy(&statistics, mnl_attr_get_payload(attribute), len_bytes);
    *(uint64_t *)context = statistics.tx_dropped;
    return MNL_CB_OK;
}

static int read_device_answer(const struct nlmsghdr *message, void *context)
{
    return message->nlmsg_type == RTM_NEWSTATS
               ? mnl_attr_parse(message, sizeof(struct if_stats_msg), read_statistics, context)
               : MNL_CB_OK;
}

uint64_t rtnetlink_dropped_packets(uint32_t device_index)
{
    char message[64] = {0};
    uint64_t dropped = 0;
    struct nlmsghdr *header = mnl_nlmsg_put_header(message);
    header->nlmsg_type = RTM_GETSTATS;
    struct if_stats_msg *wish = mnl_nlmsg_put_extra_header(header, sizeof *wish);
    wish->ifindex = device_index;
    wish->filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
    return talk(header, read_device_answer, &dropped) == 0 ? dropped : 0;
}
