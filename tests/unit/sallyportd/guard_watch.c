/* SPDX-License-Identifier: ISC
 *
 * Tests of tools/sallyportd/guard/watch.c: a socket pair is the kernel that tells of nftables.
 */
#include "guard/watch.h"

#include "guard/guard.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define OWN_PID 4711u
#define OTHER_PID 815u

static int kernel_fd;
static struct guard_watch watch;

static void setup(void)
{
    int fds[2];
    cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds), 0);
    kernel_fd = fds[0];
    watch = (struct guard_watch){.fd = fds[1]};
    cr_assert_eq(prctl(PR_SET_NAME, "sallyportd"), 0);
}

static void teardown(void)
{
    guard_watch_close(&watch);
    close(kernel_fd);
}

TestSuite(guard_watch, .init = setup, .fini = teardown);

static struct nlmsghdr *begin(char *buffer, uint16_t type)
{
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
    struct nfgenmsg *generic = mnl_nlmsg_put_extra_header(message, sizeof *generic);
    generic->nfgen_family = AF_INET;
    return message;
}

static void tell(const struct nlmsghdr *message)
{
    cr_assert_eq(send(kernel_fd, message, message->nlmsg_len, 0), message->nlmsg_len);
}

static void tell_of_rule(const char *table)
{
    char buffer[256] = {0};
    struct nlmsghdr *message = begin(buffer, NFT_MSG_NEWRULE);
    mnl_attr_put_strz(message, NFTA_RULE_TABLE, table);
    tell(message);
}

static void tell_of_end(uint32_t pid, const char *name)
{
    char buffer[256] = {0};
    struct nlmsghdr *message = begin(buffer, NFT_MSG_NEWGEN);
    mnl_attr_put_u32(message, NFTA_GEN_ID, htonl(1));
    mnl_attr_put_u32(message, NFTA_GEN_PROC_PID, htonl(pid));
    mnl_attr_put_strz(message, NFTA_GEN_PROC_NAME, name);
    tell(message);
}

static void own_transaction(void)
{
    tell_of_rule(GUARD_TABLE);
    tell_of_end(OWN_PID, "sallyportd");
}

static void other_transaction(const char *table)
{
    tell_of_rule(table);
    tell_of_end(OTHER_PID, "nft");
}

Test(guard_watch, our_own_transaction_is_no_news)
{
    own_transaction();
    cr_assert_eq(guard_watch_settle(&watch), GUARD_WATCH_QUIET);
    cr_assert_eq(watch.own_pid, OWN_PID);
    own_transaction();
    cr_assert_eq(guard_watch_read(&watch), GUARD_WATCH_QUIET);
}

Test(guard_watch, what_others_do_to_our_table_is_news_once)
{
    own_transaction();
    (void)guard_watch_settle(&watch);
    other_transaction(GUARD_TABLE);
    cr_assert_eq(guard_watch_read(&watch), GUARD_WATCH_TOUCHED);
    cr_assert_eq(guard_watch_read(&watch), GUARD_WATCH_QUIET);
}

Test(guard_watch, what_others_do_to_their_own_tables_is_not)
{
    own_transaction();
    (void)guard_watch_settle(&watch);
    other_transaction("filter");
    other_transaction(GUARD_TABLE "2");
    other_transaction("sallypor");
    cr_assert_eq(guard_watch_read(&watch), GUARD_WATCH_QUIET);
}

Test(guard_watch, what_is_begun_is_news_when_it_has_ended)
{
    own_transaction();
    (void)guard_watch_settle(&watch);
    tell_of_rule(GUARD_TABLE);
    cr_assert_eq(guard_watch_read(&watch), GUARD_WATCH_QUIET);
    tell_of_end(OTHER_PID, "nft");
    cr_assert_eq(guard_watch_read(&watch), GUARD_WATCH_TOUCHED);
}

/* A firewall's "flush ruleset" right behind our own transaction, before we have heard of either. */
Test(guard_watch, what_others_did_right_behind_our_transaction_is_not_taken_for_it)
{
    own_transaction();
    other_transaction(GUARD_TABLE);
    cr_assert_eq(guard_watch_settle(&watch), GUARD_WATCH_TOUCHED);
    cr_assert_eq(watch.own_pid, OWN_PID);
    own_transaction();
    other_transaction(GUARD_TABLE);
    cr_assert_eq(guard_watch_settle(&watch), GUARD_WATCH_TOUCHED);
}

Test(guard_watch, what_others_did_before_our_transaction_is_mended_by_it)
{
    own_transaction();
    (void)guard_watch_settle(&watch);
    other_transaction(GUARD_TABLE);
    own_transaction();
    cr_assert_eq(guard_watch_settle(&watch), GUARD_WATCH_QUIET);
}

Test(guard_watch, a_transaction_of_nobody_known_is_somebody_elses)
{
    tell_of_rule(GUARD_TABLE);
    tell_of_end(0, "sallyportd");
    cr_assert_eq(guard_watch_settle(&watch), GUARD_WATCH_TOUCHED);
}

Test(guard_watch, who_else_has_our_name_is_another_once_we_know_ourselves)
{
    own_transaction();
    (void)guard_watch_settle(&watch);
    tell_of_rule(GUARD_TABLE);
    tell_of_end(OTHER_PID, "sallyportd");
    cr_assert_eq(guard_watch_settle(&watch), GUARD_WATCH_TOUCHED);
    cr_assert_eq(watch.own_pid, OWN_PID);
}
