/* SPDX-License-Identifier: ISC
 *
 * The link's side of a conversation with a kernel that answers as it should, and with one that doesn't.
 */
#include "fake_kernel.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static struct fake_kernel kernel;

struct heard {
    uint32_t done, refused, last_request, last_refused;
    int last_error;
};

static void hear(uint32_t request, const struct sp_xfrm_answer *answer, void *context)
{
    struct heard *heard = context;

    cr_expect_eq(request, answer->sequence);
    heard->last_request = request;
    if (answer->error == 0) {
        heard->done++;
        return;
    }
    heard->refused++;
    heard->last_refused = request;
    heard->last_error = answer->error;
}

/* Of each request of a batch, how often it was told of, and what. */
struct outcomes {
    uint32_t first, told[6];
    int error[6];
};

static void note(uint32_t request, const struct sp_xfrm_answer *answer, void *context)
{
    struct outcomes *outcomes = context;

    cr_assert_lt(request - outcomes->first, 6);
    outcomes->told[request - outcomes->first]++;
    outcomes->error[request - outcomes->first] = answer->error;
}

static uint32_t put(struct sp_xfrm_link *link, uint16_t type, uint32_t number)
{
    static struct sp_xfrm_message message;
    uint32_t request = 0;

    message = (struct sp_xfrm_message){.type = type, .policy = {.selector = {.family = 4, .user = number}}};
    cr_assert_eq(sp_xfrm_link_put(link, &message, &request), SP_OK);
    return request;
}

static void count(const struct sp_xfrm_message *message, void *context)
{
    cr_expect_eq(message->type, XFRM_MSG_NEWPOLICY);
    ++*(uint32_t *)context;
}

/* Is the conversation in step again: does a question get its own answer? */
static void expect_usable(struct sp_xfrm_link *link)
{
    struct heard heard = {0};
    uint32_t dumped = 0, had = 0;

    kernel.goes_wrong = false;
    for (uint32_t i = 0; i < FAKE_POLICIES_MAX; i++)
        had += kernel.has_policy[i];
    uint32_t request = put(link, XFRM_MSG_DELPOLICY, FAKE_POLICIES_MAX - 1);
    cr_assert_eq(sp_xfrm_link_flush(link, hear, &heard), SP_OK);
    cr_expect_eq(heard.last_request, request);
    cr_expect_eq(heard.refused, 1);
    cr_expect_eq(heard.last_error, ENOENT);
    cr_assert_eq(sp_xfrm_link_dump(link, XFRM_MSG_GETPOLICY, count, &dumped), SP_OK);
    cr_expect_eq(dumped, had);
}

Test(xfrm_link, brings_each_request_its_answer)
{
    for (int joins = 0; joins < 2; joins++) {
        kernel = (struct fake_kernel){.joins_answers = joins};
        kernel.has_policy[3] = true;
        struct sp_xfrm_link *link = fake_kernel_link(&kernel);
        struct heard heard = {0};
        uint32_t refused = 0;
        for (uint32_t i = 0; i < 10; i++) {
            uint32_t request = put(link, XFRM_MSG_NEWPOLICY, i);
            refused = i == 3 ? request : refused;
        }
        cr_assert_eq(sp_xfrm_link_flush(link, hear, &heard), SP_OK);
        cr_expect_eq(heard.done, 9);
        cr_expect_eq(heard.refused, 1);
        cr_expect_eq(heard.last_refused, refused);
        cr_expect_eq(heard.last_error, EEXIST);
        cr_expect_eq(kernel.sends, 1);
        cr_expect_eq(kernel.receives, joins ? 1 : 2, "one for the refusal, one for the end");
        expect_usable(link);
        sp_xfrm_link_close(&link);
        cr_expect(kernel.is_closed);
        cr_expect_null(link);
    }
}

/* Which of a batch are refused: none, all, and some, the first and the last among them. */
Test(xfrm_link, tells_of_each_request_once_whichever_are_refused)
{
    for (uint32_t refused = 0; refused < 64; refused++) {
        kernel = (struct fake_kernel){0};
        struct sp_xfrm_link *link = fake_kernel_link(&kernel);
        struct outcomes outcomes = {.first = 0};
        for (uint32_t i = 0; i < 6; i++) {
            kernel.has_policy[i] = refused >> i & 1;
            uint32_t request = put(link, XFRM_MSG_NEWPOLICY, i);
            outcomes.first = i == 0 ? request : outcomes.first;
        }
        cr_assert_eq(sp_xfrm_link_flush(link, note, &outcomes), SP_OK);
        for (uint32_t i = 0; i < 6; i++) {
            cr_expect_eq(outcomes.told[i], 1, "%u of %02x", i, refused);
            cr_expect_eq(outcomes.error[i], refused >> i & 1 ? EEXIST : 0, "%u of %02x", i, refused);
        }
        expect_usable(link);
        sp_xfrm_link_close(&link);
    }
}

Test(xfrm_link, asks_nothing_when_nothing_is_queued)
{
    kernel = (struct fake_kernel){0};
    struct sp_xfrm_link *link = fake_kernel_link(&kernel);

    cr_expect_eq(sp_xfrm_link_flush(link, hear, NULL), SP_OK);
    cr_expect_eq(kernel.sends, 0);
    sp_xfrm_link_close(&link);
}

Test(xfrm_link, says_when_the_queue_is_full_and_goes_on_after_a_flush)
{
    kernel = (struct fake_kernel){0};
    struct sp_xfrm_link *link = fake_kernel_link(&kernel);
    static struct sp_xfrm_message message;
    struct heard heard = {0};
    uint32_t request;

    for (uint32_t round = 0; round < 3; round++) {
        uint32_t queued = 0;
        for (;; queued++) {
            message =
                (struct sp_xfrm_message){.type = XFRM_MSG_NEWPOLICY,
                                         .policy = {.selector = {.family = 4, .user = round * 150 + queued}}};
            enum sp_status status = sp_xfrm_link_put(link, &message, &request);
            if (status == SP_ERR_LIMIT)
                break;
            cr_assert_eq(status, SP_OK);
            cr_assert_lt(queued, 150);
        }
        cr_assert_eq(sp_xfrm_link_flush(link, hear, &heard), SP_OK);
        cr_expect_eq(heard.done, (round + 1) * queued);
    }
    sp_xfrm_link_close(&link);
}

Test(xfrm_link, queues_the_largest_messages_until_the_bytes_are_full)
{
    static uint8_t key[SP_XFRM_KEY_BITS_MAX / 8];
    static struct sp_xfrm_message message = {
        .type = XFRM_MSG_NEWSA,
        .sa = {.has = SP_XFRM_HAS_REPLAY_ESN,
               .family = 4,
               .encryption = {.name = "x", .key = key, .key_bits = SP_XFRM_KEY_BITS_MAX},
               .integrity = {.name = "y", .key = key, .key_bits = SP_XFRM_KEY_BITS_MAX},
               .replay_esn = {.bitmap_words = SP_XFRM_BITMAP_WORDS_MAX}}};
    kernel = (struct fake_kernel){0};
    struct sp_xfrm_link *link = fake_kernel_link(&kernel);
    uint32_t request, queued = 0;
    enum sp_status status;

    while ((status = sp_xfrm_link_put(link, &message, &request)) == SP_OK)
        queued++;
    cr_expect_eq(status, SP_ERR_LIMIT);
    cr_expect(queued > 8 && queued < 64, "%u", queued);
    sp_xfrm_link_close(&link);
    cr_expect_eq(kernel.sends, 0);
}

Test(xfrm_link, refuses_what_no_message_can_say)
{
    static struct sp_xfrm_message message = {.type = XFRM_MSG_NEWPOLICY,
                                             .policy = {.template_count = SP_XFRM_TEMPLATES_MAX + 1}};
    kernel = (struct fake_kernel){0};
    struct sp_xfrm_link *link = fake_kernel_link(&kernel);
    uint32_t request, dumped = 0;

    cr_expect_eq(sp_xfrm_link_put(link, &message, &request), SP_ERR_INVALID);
    cr_expect_eq(sp_xfrm_link_dump(link, XFRM_MSG_NEWPOLICY, count, &dumped), SP_ERR_INVALID);
    (void)put(link, XFRM_MSG_NEWPOLICY, 1);
    cr_expect_eq(sp_xfrm_link_put(link, &message, &request), SP_ERR_INVALID);
    cr_expect_eq(sp_xfrm_link_dump(link, XFRM_MSG_GETPOLICY, count, &dumped), SP_ERR_INVALID);
    sp_xfrm_link_close(&link);
}

/* What a call answers under a fault: SP_OK where the link can get over it. */
struct fault_case {
    enum fake_fault fault;
    int error;        /* that the socket says */
    int errno_wanted; /* 0: the call succeeds */
    bool is_of_send;
};
static const struct fault_case fault_cases[] = {
    {FAKE_SEND_FAILS, EINTR, 0, true},
    {FAKE_SEND_FAILS, ENOBUFS, ENOBUFS, true},
    {FAKE_SEND_FAILS, ENOMEM, ENOMEM, true},
    {FAKE_SEND_FAILS, EPERM, EPERM, true},
    {FAKE_SEND_FAILS, EINVAL, EINVAL, true},
    {FAKE_SEND_IS_SHORT, 0, EMSGSIZE, true},
    {FAKE_RECEIVE_FAILS, EINTR, 0, false},
    {FAKE_RECEIVE_FAILS, EAGAIN, ETIMEDOUT, false},
    {FAKE_RECEIVE_FAILS, ENOMEM, ENOMEM, false},
    {FAKE_RECEIVE_FAILS, EMSGSIZE, EMSGSIZE, false},
    {FAKE_ANSWER_IS_LOST, ENOBUFS, ENOBUFS, false},
    {FAKE_ANSWER_IS_LOST, EINTR, ETIMEDOUT, false},
    {FAKE_ANSWER_IS_TWICE, 0, 0, false},
    {FAKE_NUMBER_IS_WRONG, 0, EBADMSG, false},
    {FAKE_ANSWER_IS_CUT, 0, EBADMSG, false},
    {FAKE_DATAGRAM_IS_EMPTY, 0, EBADMSG, false},
};

static void expect_outcome(const struct fault_case *fault, size_t at, enum sp_status status)
{
    int why = errno;

    if (fault->errno_wanted == 0) {
        cr_expect_eq(status, SP_OK, "fault %d, error %d, call %zu", fault->fault, fault->error, at);
        return;
    }
    cr_expect_eq(status, fault->errno_wanted == EPERM ? SP_ERR_PERMISSION : SP_ERR_SYSTEM,
                 "fault %d, error %d, call %zu: status %d", fault->fault, fault->error, at, status);
    cr_expect_eq(why, fault->errno_wanted, "fault %d, error %d, call %zu: errno %d", fault->fault,
                 fault->error, at, why);
}

/* Of four requests three are refused, so there are four answers to go wrong at. A refusal that is lost is
 * told by ENOBUFS, as the kernel does. */
Test(xfrm_link, gets_over_each_fault_at_each_call_or_says_it_and_stays_in_step)
{
    for (size_t i = 0; i < sizeof fault_cases / sizeof *fault_cases; i++)
        for (size_t at = fault_cases[i].is_of_send ? 0 : 1; at < (fault_cases[i].is_of_send ? 1 : 5); at++) {
            if (fault_cases[i].fault == FAKE_ANSWER_IS_LOST && fault_cases[i].error == EINTR && at < 4)
                continue;
            kernel = (struct fake_kernel){.goes_wrong = true,
                                          .fault = fault_cases[i].fault,
                                          .error = fault_cases[i].error,
                                          .fault_at = at};
            struct sp_xfrm_link *link = fake_kernel_link(&kernel);
            struct heard heard = {0};
            for (uint32_t number = 0; number < 4; number++) {
                kernel.has_policy[number] = number < 3;
                (void)put(link, XFRM_MSG_NEWPOLICY, number);
            }
            enum sp_status status = sp_xfrm_link_flush(link, hear, &heard);
            expect_outcome(&fault_cases[i], at, status);
            cr_expect_eq(heard.done, status == SP_OK);
            if (status == SP_OK)
                cr_expect_eq(heard.refused, 3);
            else
                cr_expect_leq(heard.refused, 3);
            expect_usable(link);
            sp_xfrm_link_close(&link);
        }
}

Test(xfrm_link, dumps_all_or_says_that_it_did_not)
{
    for (size_t i = 0; i < sizeof fault_cases / sizeof *fault_cases; i++)
        for (size_t at = fault_cases[i].is_of_send ? 0 : 1; at < (fault_cases[i].is_of_send ? 1 : 4); at++) {
            if (fault_cases[i].fault == FAKE_ANSWER_IS_TWICE ||
                fault_cases[i].fault == FAKE_NUMBER_IS_WRONG ||
                (fault_cases[i].fault == FAKE_ANSWER_IS_LOST && fault_cases[i].error == EINTR))
                continue; /* within a dump only the kernel can know */
            kernel = (struct fake_kernel){.goes_wrong = true,
                                          .fault = fault_cases[i].fault,
                                          .error = fault_cases[i].error,
                                          .fault_at = at};
            kernel.has_policy[1] = kernel.has_policy[2] = true;
            struct sp_xfrm_link *link = fake_kernel_link(&kernel);
            uint32_t dumped = 0;
            enum sp_status status = sp_xfrm_link_dump(link, XFRM_MSG_GETPOLICY, count, &dumped);
            expect_outcome(&fault_cases[i], at, status);
            if (status == SP_OK)
                cr_expect_eq(dumped, 2);
            expect_usable(link);
            sp_xfrm_link_close(&link);
        }
}

Test(xfrm_link, says_that_a_dump_was_interrupted)
{
    for (size_t at = 1; at < 4; at++) {
        kernel = (struct fake_kernel){.goes_wrong = true, .fault = FAKE_DUMP_IS_INTERRUPTED, .fault_at = at};
        kernel.has_policy[1] = kernel.has_policy[2] = true;
        struct sp_xfrm_link *link = fake_kernel_link(&kernel);
        uint32_t dumped = 0;
        cr_assert_eq(sp_xfrm_link_dump(link, XFRM_MSG_GETPOLICY, count, &dumped), SP_ERR_SYSTEM);
        cr_expect_eq(errno, EINTR);
        expect_usable(link);
        sp_xfrm_link_close(&link);
    }
}

static const char *refusal(uint16_t type, const struct sp_xfrm_sa *sa, int error, const char *kernel_text)
{
    static struct sp_xfrm_message message;
    static char text[256];
    struct sp_xfrm_answer answer = {.error = error};

    message = (struct sp_xfrm_message){.type = type};
    if (sa != NULL)
        message.sa = *sa;
    (void)strncpy(answer.text, kernel_text, sizeof answer.text - 1);
    return sp_xfrm_refusal(&message, &answer, text, sizeof text);
}

Test(xfrm_link, says_in_words_why_the_kernel_refused)
{
    static const struct sp_xfrm_sa sa = {.family = 4,
                                         .protocol = IPPROTO_ESP,
                                         .encryption = {.name = "cbc(des3_ede)"},
                                         .integrity = {.name = "hmac(sha1)"}};
    static const struct sp_xfrm_sa sa6 = {.family = 6, .protocol = IPPROTO_ESP};

    cr_expect_str_eq(refusal(XFRM_MSG_NEWSA, &sa, EPROTONOSUPPORT, ""),
                     "the kernel has no ESP: CONFIG_INET_ESP");
    cr_expect_str_eq(refusal(XFRM_MSG_UPDSA, &sa6, EPROTONOSUPPORT, ""),
                     "the kernel has no ESP: CONFIG_INET6_ESP");
    cr_expect_str_eq(refusal(XFRM_MSG_NEWSA, &sa, ENOSYS, "Requested CRYPT algorithm not found"),
                     "this kernel can't do encryption by cbc(des3_ede) with integrity by hmac(sha1) "
                     "(\"Requested CRYPT algorithm not found\")");
    cr_expect_str_eq(refusal(XFRM_MSG_NEWSA, &sa, EEXIST, ""),
                     "the kernel has an SA of this SPI and destination already");
    cr_expect_str_eq(refusal(XFRM_MSG_NEWPOLICY, NULL, EEXIST, ""),
                     "the kernel has a policy of this selector already");
    cr_expect_str_eq(refusal(XFRM_MSG_DELSA, &sa, ESRCH, ""), "the kernel has no such SA");
    cr_expect_str_eq(refusal(XFRM_MSG_DELPOLICY, NULL, ENOENT, ""), "the kernel has no such policy");
    cr_expect_str_eq(refusal(XFRM_MSG_NEWPOLICY, NULL, EPERM, ""),
                     "only root may change the kernel's IPsec (CAP_NET_ADMIN)");
    cr_expect_str_eq(refusal(XFRM_MSG_NEWPOLICY, NULL, EINVAL, "Invalid policy"),
                     "Invalid argument (\"Invalid policy\")");
}
