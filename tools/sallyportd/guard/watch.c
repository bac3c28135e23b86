/* SPDX-License-Identifier: ISC
 *
 * Each transaction is told piece by piece, and then that there is a new generation, and by which process
 * (NFT_MSG_NEWGEN). That is how our own are told apart from those of others.
 */
#include "guard/watch.h"

#include "guard/guard.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdalign.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define COMM_BYTES 16
/* A large policy of ours is told rule by rule. */
#define BUFFER_BYTES (4 << 20)

void guard_watch_open(struct guard_watch *watch)
{
    const struct sockaddr_nl address = {.nl_family = AF_NETLINK};
    const int group = NFNLGRP_NFTABLES, buffer_bytes = BUFFER_BYTES;
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
    *watch = (struct guard_watch){.fd = fd};
    if (fd < 0)
        return;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes);
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
        setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0)
        return;
    guard_watch_close(watch);
}

void guard_watch_close(struct guard_watch *watch)
{
    if (watch->fd >= 0)
        close(watch->fd);
    watch->fd = -1;
}

struct search {
    uint16_t type;
    const struct nlattr *found;
};

static int look(const struct nlattr *attribute, void *context)
{
    struct search *search = context;
    if (mnl_attr_get_type(attribute) == search->type)
        search->found = attribute;
    return MNL_CB_OK;
}

static const struct nlattr *find(const struct nlmsghdr *message, uint16_t type)
{
    struct search search = {.type = type};
    (void)mnl_attr_parse(message, sizeof(struct nfgenmsg), look, &search);
    return search.found;
}

/* The table's name is the first attribute of all that is told of tables, chains, rules, sets and objects. */
static bool is_about_us(const struct nlmsghdr *message)
{
    const struct nlattr *table = find(message, NFTA_TABLE_NAME);
    return table && mnl_attr_get_payload_len(table) == sizeof GUARD_TABLE &&
           memcmp(mnl_attr_get_payload(table), GUARD_TABLE, sizeof GUARD_TABLE) == 0;
}

static bool has_our_name(const struct nlmsghdr *message)
{
    char own[COMM_BYTES] = "";
    const struct nlattr *name = find(message, NFTA_GEN_PROC_NAME);
    (void)prctl(PR_GET_NAME, own);
    return name && strncmp(mnl_attr_get_payload(name), own, mnl_attr_get_payload_len(name)) == 0;
}

static uint32_t committer_of(const struct nlmsghdr *message)
{
    const struct nlattr *pid = find(message, NFTA_GEN_PROC_PID);
    return pid && mnl_attr_get_payload_len(pid) == sizeof(uint32_t) ? ntohl(mnl_attr_get_u32(pid)) : 0;
}

/* At the end of a transaction that touched our table: one of others is damage, and one of our own, which puts
 * the whole table up, mends what was before it. */
static void hear(struct guard_watch *watch, const struct nlmsghdr *message, bool is_learning,
                 enum guard_watch_news *news)
{
    if (message->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
        return;
    if ((message->nlmsg_type & 0xff) != NFT_MSG_NEWGEN) {
        watch->is_touched |= is_about_us(message);
        return;
    }
    const uint32_t committer = committer_of(message);
    if (is_learning && watch->is_touched && has_our_name(message))
        watch->own_pid = committer;
    if (watch->is_touched)
        *news = committer != 0 && committer == watch->own_pid ? GUARD_WATCH_QUIET : GUARD_WATCH_TOUCHED;
    watch->is_touched = false;
}

static enum guard_watch_news take(struct guard_watch *watch, bool is_learning)
{
    alignas(struct nlmsghdr) uint8_t buffer[16384];
    enum guard_watch_news news = GUARD_WATCH_QUIET;
    for (;;) {
        const ssize_t got = recv(watch->fd, buffer, sizeof buffer, MSG_DONTWAIT);
        if (got < 0 && errno != ENOBUFS)
            return news;
        if (got < 0 && news == GUARD_WATCH_QUIET)
            news = GUARD_WATCH_OVERFLOWN;
        int left = (int)got;
        for (const struct nlmsghdr *at = (const void *)buffer; got > 0 && mnl_nlmsg_ok(at, left);
             at = mnl_nlmsg_next(at, &left))
            hear(watch, at, is_learning, &news);
    }
}

enum guard_watch_news guard_watch_read(struct guard_watch *watch)
{
    return watch->fd < 0 ? GUARD_WATCH_QUIET : take(watch, false);
}

enum guard_watch_news guard_watch_settle(struct guard_watch *watch)
{
    return watch->fd < 0 ? GUARD_WATCH_QUIET : take(watch, watch->own_pid == 0);
}
