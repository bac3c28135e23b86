/* SPDX-License-Identifier: ISC
 *
 * The link to the kernel that this test runs on, in a network namespace of its own.
 */
#include "xfrm/link.h"
#include "xfrm/plan.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define INDEX 100001u /* & 7: XFRM_POLICY_OUT */

static struct sp_xfrm_link *open_link(void)
{
    struct sp_xfrm_link *link;

    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0)
        cr_skip("a network namespace takes root");
    enum sp_status status = sp_xfrm_link_open(&link);
    if (status == SP_ERR_UNSUPPORTED)
        cr_skip("this kernel was built without CONFIG_XFRM_USER");
    cr_assert_eq(status, SP_OK);
    return link;
}

static void hear(uint32_t request, const struct sp_xfrm_answer *answer, void *context)
{
    (void)request;
    *(struct sp_xfrm_answer *)context = *answer;
}

static struct sp_xfrm_answer ask(struct sp_xfrm_link *link, const struct sp_xfrm_message *message)
{
    struct sp_xfrm_answer answer = {.error = -1};
    uint32_t request;

    cr_assert_eq(sp_xfrm_link_put(link, message, &request), SP_OK);
    cr_assert_eq(sp_xfrm_link_flush(link, hear, &answer), SP_OK);
    cr_assert_eq(answer.sequence, request);
    return answer;
}

static struct sp_xfrm_message block_policy(uint16_t type)
{
    return (struct sp_xfrm_message){
        .type = type,
        .policy = {.selector = {.family = 4,
                                .source = {4, {192, 0, 2, 1}},
                                .destination = {4, {192, 0, 2, 0}},
                                .source_prefix_bits = 32,
                                .destination_prefix_bits = 24,
                                .destination_port = 80,
                                .destination_port_mask = 0xffff,
                                .protocol = IPPROTO_TCP},
                   .limits = {.soft_bytes = UINT64_MAX,
                              .hard_bytes = UINT64_MAX,
                              .soft_packets = UINT64_MAX,
                              .hard_packets = UINT64_MAX},
                   .priority = 7,
                   .index = INDEX,
                   .direction = XFRM_POLICY_OUT,
                   .action = XFRM_POLICY_BLOCK},
    };
}

struct dumped {
    uint32_t count;
    struct sp_xfrm_policy policy;
};

static void keep(const struct sp_xfrm_message *message, void *context)
{
    struct dumped *dumped = context;

    dumped->count++;
    dumped->policy = message->policy;
}

Test(xfrm_kernel, takes_a_policy_gives_it_back_and_takes_it_away)
{
    struct sp_xfrm_link *link = open_link();
    static struct sp_xfrm_message message;
    struct dumped dumped = {0};
    char text[256];

    message = block_policy(XFRM_MSG_NEWPOLICY);
    struct sp_xfrm_answer answer = ask(link, &message);
    cr_assert_eq(answer.error, 0, "%s", answer.text);
    answer = ask(link, &message);
    cr_expect_eq(answer.error, EEXIST);
    cr_assert_eq(sp_xfrm_link_dump(link, XFRM_MSG_GETPOLICY, keep, &dumped), SP_OK);
    cr_assert_eq(dumped.count, 1);
    cr_expect_arr_eq(&dumped.policy.selector, &message.policy.selector, sizeof message.policy.selector);
    cr_expect_arr_eq(&dumped.policy.limits, &message.policy.limits, sizeof message.policy.limits);
    cr_expect_eq(dumped.policy.priority, 7);
    cr_expect_eq(dumped.policy.index, INDEX);
    cr_expect_eq(dumped.policy.direction, XFRM_POLICY_OUT);
    cr_expect_eq(dumped.policy.action, XFRM_POLICY_BLOCK);

    message = block_policy(XFRM_MSG_DELPOLICY);
    cr_expect_eq(ask(link, &message).error, 0);
    answer = ask(link, &message);
    cr_expect_str_eq(sp_xfrm_refusal(&message, &answer, text, sizeof text), "the kernel has no such policy");
    dumped.count = 0;
    cr_assert_eq(sp_xfrm_link_dump(link, XFRM_MSG_GETPOLICY, keep, &dumped), SP_OK);
    cr_expect_eq(dumped.count, 0);
    sp_xfrm_link_close(&link);
}

/* ---- refusals within a batch --------------------------------------------------------------------------- */

struct refusals {
    uint32_t first, told, refused;
    int wrong_errors;
    bool is_refused[256];
};

static void note(uint32_t request, const struct sp_xfrm_answer *answer, void *context)
{
    struct refusals *refusals = context;

    refusals->told++;
    cr_assert_lt(request - refusals->first, 256);
    if (answer->error == 0)
        return;
    refusals->is_refused[request - refusals->first] = true;
    refusals->refused++;
    refusals->wrong_errors += answer->error != EEXIST;
}

/* As many policies as a batch takes, every step-th of which the kernel has already; returns how many. */
static uint32_t put_batch(struct sp_xfrm_link *link, uint32_t step, struct refusals *refusals)
{
    static struct sp_xfrm_message message;
    uint32_t request, count = 0;

    *refusals = (struct refusals){.told = 0};
    for (;; count++) {
        message = block_policy(XFRM_MSG_NEWPOLICY);
        message.policy.index = 0;
        message.policy.selector.destination_port = (uint16_t)(count % step == 0 ? 1 : 2 + count);
        enum sp_status status = sp_xfrm_link_put(link, &message, &request);
        if (status == SP_ERR_LIMIT)
            return count;
        cr_assert_eq(status, SP_OK);
        refusals->first = count == 0 ? request : refusals->first;
    }
}

static void have_port_1(struct sp_xfrm_link *link)
{
    static struct sp_xfrm_message message;

    message = block_policy(XFRM_MSG_NEWPOLICY);
    message.policy.selector.destination_port = 1;
    cr_assert_eq(ask(link, &message).error, 0);
}

Test(xfrm_kernel, names_each_one_of_a_batch_that_is_refused)
{
    struct sp_xfrm_link *link = open_link();
    struct refusals refusals;
    struct dumped dumped = {0};

    have_port_1(link);
    const uint32_t count = put_batch(link, 5, &refusals);
    cr_assert_geq(count, 64);
    cr_assert_eq(sp_xfrm_link_flush(link, note, &refusals), SP_OK);
    cr_expect_eq(refusals.told, count);
    cr_expect_eq(refusals.wrong_errors, 0);
    for (uint32_t i = 0; i < count; i++)
        cr_expect_eq(refusals.is_refused[i], i % 5 == 0, "request %u", i);
    cr_assert_eq(sp_xfrm_link_dump(link, XFRM_MSG_GETPOLICY, keep, &dumped), SP_OK);
    cr_expect_eq(dumped.count, 1 + count - refusals.refused);
    sp_xfrm_link_close(&link);
}

Test(xfrm_kernel, has_room_for_a_batch_of_which_all_are_refused)
{
    struct sp_xfrm_link *link = open_link();
    struct refusals refusals;

    have_port_1(link);
    const uint32_t count = put_batch(link, 1, &refusals);
    cr_assert_eq(sp_xfrm_link_flush(link, note, &refusals), SP_OK);
    cr_expect_eq(refusals.refused, count);
    sp_xfrm_link_close(&link);
}

/* Only the last request asks for an answer. That none can pass for done whose refusal was lost is the
 * kernel's word, and this holds it to it. */
Test(xfrm_kernel, says_that_refusals_were_lost_for_want_of_room)
{
    struct sp_xfrm_transport transport;
    struct sp_xfrm_link *link = open_link();
    struct refusals refusals;
    const int least_bytes = 1; /* the kernel makes it what it takes at least */

    have_port_1(link);
    sp_xfrm_link_close(&link);
    cr_assert_eq(sp_xfrm_socket_open(&transport), SP_OK);
    cr_assert_eq(
        setsockopt((int)(intptr_t)transport.context, SOL_SOCKET, SO_RCVBUF, &least_bytes, sizeof least_bytes),
        0);
    cr_assert_eq(sp_xfrm_link_over(&transport, &link), SP_OK);
    for (uint32_t step = 1; step <= 5; step += 2) {
        const uint32_t count = put_batch(link, step, &refusals);
        cr_expect_eq(sp_xfrm_link_flush(link, note, &refusals), SP_ERR_SYSTEM);
        cr_expect_eq(errno, ENOBUFS);
        cr_expect_eq(refusals.told, refusals.refused, "and nothing is told to be done");
        cr_expect_lt(refusals.refused, count);
        struct sp_xfrm_answer answer = {.error = -1};
        struct sp_xfrm_message *message = calloc(1, sizeof *message);
        *message = block_policy(XFRM_MSG_DELPOLICY);
        message->policy.index = 0;
        message->policy.selector.destination_port = UINT16_MAX;
        answer = ask(link, message);
        cr_expect_eq(answer.error, ENOENT, "the conversation is in step again");
        free(message);
    }
    sp_xfrm_link_close(&link);
}

Test(xfrm_kernel, takes_batches_and_dumps_more_than_a_datagram_holds)
{
    struct sp_xfrm_link *link = open_link();
    static struct sp_xfrm_message message;
    struct sp_xfrm_answer answer = {0};
    struct dumped dumped = {0};
    uint32_t request, pushed = 0;

    while (pushed < 1000) {
        message = block_policy(XFRM_MSG_NEWPOLICY);
        message.policy.index = 0;
        message.policy.selector.destination_port = (uint16_t)(pushed + 1);
        enum sp_status status = sp_xfrm_link_put(link, &message, &request);
        if (status == SP_ERR_LIMIT) {
            cr_assert_eq(sp_xfrm_link_flush(link, hear, &answer), SP_OK);
            cr_assert_eq(answer.error, 0);
            continue;
        }
        cr_assert_eq(status, SP_OK);
        pushed++;
    }
    cr_assert_eq(sp_xfrm_link_flush(link, hear, &answer), SP_OK);
    cr_assert_eq(sp_xfrm_link_dump(link, XFRM_MSG_GETPOLICY, keep, &dumped), SP_OK);
    cr_expect_eq(dumped.count, 1000);
    sp_xfrm_link_close(&link);
}

struct all {
    struct sp_xfrm_policy policies[64];
    uint32_t count;
};

static void collect(const struct sp_xfrm_message *message, void *context)
{
    struct all *all = context;

    cr_assert_lt(all->count, 64);
    all->policies[all->count++] = message->policy;
}

/* Plans against a dump, has each step done, and returns how many there were. */
static uint32_t reach(struct sp_xfrm_link *link, const struct sp_xfrm_policy *wanted, uint32_t wanted_count,
                      struct all *ret_actual)
{
    static struct sp_xfrm_message message;
    static struct all former;
    const struct sp_xfrm_policy *conflict;
    struct sp_xfrm_plan plan;

    former.count = ret_actual->count = 0;
    cr_assert_eq(sp_xfrm_link_dump(link, XFRM_MSG_GETPOLICY, collect, &former), SP_OK);
    cr_assert_eq(sp_xfrm_plan_policies(wanted, wanted_count, former.policies, former.count, &plan, &conflict),
                 SP_OK);
    for (uint32_t i = 0; i < plan.step_count; i++) {
        sp_xfrm_step_message(&plan.steps[i], &message);
        cr_assert_eq(ask(link, &message).error, 0);
    }
    uint32_t step_count = plan.step_count;
    sp_xfrm_plan_free(&plan);
    cr_assert_eq(sp_xfrm_link_dump(link, XFRM_MSG_GETPOLICY, collect, ret_actual), SP_OK);
    return step_count;
}

Test(xfrm_kernel, reaches_what_is_wanted_and_leaves_the_policies_of_others)
{
    struct sp_xfrm_link *link = open_link();
    static struct sp_xfrm_message foreign;
    static struct sp_xfrm_policy wanted[3];
    static struct all actual;

    foreign = block_policy(XFRM_MSG_NEWPOLICY);
    cr_assert_eq(ask(link, &foreign).error, 0);
    for (uint32_t i = 0; i < 3; i++) {
        wanted[i] = foreign.policy;
        wanted[i].priority = 20 + i;
        wanted[i].selector.destination_port = (uint16_t)(81 + i);
    }
    wanted[1].action = XFRM_POLICY_ALLOW;
    wanted[2].action = XFRM_POLICY_ALLOW;
    wanted[2].template_count = 1;
    wanted[2].templates[0] = (struct sp_xfrm_template){.family = 4, .reqid = 9, .protocol = IPPROTO_ESP};

    cr_expect_eq(reach(link, wanted, 3, &actual), 3);
    cr_expect_eq(actual.count, 4);
    cr_expect_eq(reach(link, wanted, 3, &actual), 0, "what the kernel gives back is what it was given");
    wanted[0].action = XFRM_POLICY_ALLOW;
    wanted[1].priority = 50;
    wanted[2].templates[0].reqid = 10;
    cr_expect_eq(reach(link, wanted, 3, &actual), 3);
    cr_expect_eq(reach(link, wanted, 3, &actual), 0);
    cr_expect_eq(reach(link, wanted, 1, &actual), 2);
    cr_expect_eq(reach(link, NULL, 0, &actual), 1);
    cr_assert_eq(actual.count, 1);
    cr_expect_eq(actual.policies[0].index, INDEX);
    sp_xfrm_link_close(&link);
}

/* Null encryption needs nothing of the kernel but ESP itself. */
Test(xfrm_kernel, takes_an_sa_or_says_that_it_has_no_esp)
{
    struct sp_xfrm_link *link = open_link();
    static const uint8_t key[20] = {1, 2, 3};
    static struct sp_xfrm_message message = {
        .type = XFRM_MSG_NEWSA,
        .sa = {.family = 4,
               .spi = 0x1000,
               .protocol = IPPROTO_ESP,
               .source = {4, {192, 0, 2, 1}},
               .destination = {4, {192, 0, 2, 2}},
               .limits = {.hard_bytes = UINT64_MAX, .hard_packets = UINT64_MAX},
               .mode = XFRM_MODE_TRANSPORT,
               .encryption = {.name = "ecb(cipher_null)"},
               .integrity = {.name = "hmac(sha1)", .key = key, .key_bits = 160, .icv_bits = 96}},
    };
    char text[256];

    struct sp_xfrm_answer answer = ask(link, &message);
    if (answer.error != 0) {
        const char *wanted = "the kernel has no ESP: CONFIG_INET_ESP";
        cr_expect_eq(strncmp(sp_xfrm_refusal(&message, &answer, text, sizeof text), wanted, strlen(wanted)),
                     0, "%s", text);
    }
    sp_xfrm_link_close(&link);
}
