/* SPDX-License-Identifier: ISC
 *
 * The kernel of the tests.
 */
#include "fake_kernel.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

static void put_answer(struct fake_kernel *kernel, const void *bytes, size_t len_bytes)
{
    size_t place = kernel->first_answer + kernel->answer_count++;

    cr_assert_lt(place, FAKE_ANSWERS_MAX);
    cr_assert_leq(len_bytes, sizeof kernel->answers[place].bytes);
    memcpy(kernel->answers[place].bytes, bytes, len_bytes);
    kernel->answers[place].len_bytes = len_bytes;
}

/* A refusal is told whether an answer was asked for or not. */
static void acknowledge(struct fake_kernel *kernel, const struct nlmsghdr *request, int error)
{
    if (error == 0 && !(request->nlmsg_flags & NLM_F_ACK))
        return;
    struct {
        struct nlmsghdr header;
        struct nlmsgerr body;
    } answer = {{.nlmsg_len = sizeof answer,
                 .nlmsg_type = NLMSG_ERROR,
                 .nlmsg_flags = NLM_F_CAPPED,
                 .nlmsg_seq = request->nlmsg_seq},
                {.error = -error, .msg = *request}};

    put_answer(kernel, &answer, sizeof answer);
}

static void dump(struct fake_kernel *kernel, const struct nlmsghdr *request)
{
    static _Alignas(8) char buffer[SP_XFRM_MESSAGE_BYTES_MAX];
    struct {
        struct nlmsghdr header;
        int error;
    } done = {{.nlmsg_len = sizeof done,
               .nlmsg_type = NLMSG_DONE,
               .nlmsg_flags = NLM_F_MULTI,
               .nlmsg_seq = request->nlmsg_seq},
              0};

    for (uint32_t i = 0; i < FAKE_POLICIES_MAX; i++) {
        if (!kernel->has_policy[i])
            continue;
        static struct sp_xfrm_message policy;
        policy = (struct sp_xfrm_message){.type = XFRM_MSG_NEWPOLICY,
                                          .flags = NLM_F_MULTI,
                                          .sequence = request->nlmsg_seq,
                                          .policy = {.selector = {.family = 4, .user = i}}};
        put_answer(kernel, buffer, sp_xfrm_encode(&policy, buffer, sizeof buffer));
    }
    put_answer(kernel, &done, sizeof done);
}

static void obey(struct fake_kernel *kernel, const struct nlmsghdr *request)
{
    static struct sp_xfrm_message message;

    cr_assert_eq(sp_xfrm_decode(request, request->nlmsg_len, &message), SP_XFRM_READ);
    cr_assert(message.flags & NLM_F_REQUEST);
    if (message.type == XFRM_MSG_GETPOLICY) {
        cr_assert_not(message.flags & NLM_F_ACK);
        dump(kernel, request);
        return;
    }
    bool is_new = message.type == XFRM_MSG_NEWPOLICY;
    bool *has = &kernel->has_policy[message.policy.selector.user % FAKE_POLICIES_MAX];
    if (*has == is_new) {
        acknowledge(kernel, request, is_new ? EEXIST : ENOENT);
        return;
    }
    *has = is_new;
    acknowledge(kernel, request, 0);
}

static bool goes_wrong_now(struct fake_kernel *kernel)
{
    return kernel->calls++ == kernel->fault_at && kernel->goes_wrong;
}

static ssize_t fake_send(void *context, const void *bytes, size_t len_bytes)
{
    struct fake_kernel *kernel = context;

    kernel->sends++;
    if (goes_wrong_now(kernel)) {
        if (kernel->fault == FAKE_SEND_FAILS) {
            errno = kernel->error;
            return -1;
        }
        if (kernel->fault == FAKE_SEND_IS_SHORT)
            return (ssize_t)(len_bytes - 4);
    }
    cr_assert_leq(len_bytes, sizeof kernel->last_request);
    memcpy(kernel->last_request, bytes, len_bytes);
    kernel->last_request_bytes = len_bytes;
    for (size_t at = 0; at < len_bytes;) {
        const struct nlmsghdr *request = (const struct nlmsghdr *)(const void *)((const char *)bytes + at);
        cr_assert_geq(len_bytes - at, sizeof *request);
        cr_assert_leq(request->nlmsg_len, len_bytes - at);
        obey(kernel, request);
        at += NLMSG_ALIGN(request->nlmsg_len);
        if (!(request->nlmsg_flags & NLM_F_DUMP))
            cr_assert_eq((request->nlmsg_flags & NLM_F_ACK) != 0, at == len_bytes, "the last one asks");
    }
    return (ssize_t)len_bytes;
}

static void drop_oldest(struct fake_kernel *kernel)
{
    kernel->first_answer++;
    if (--kernel->answer_count == 0)
        kernel->first_answer = 0;
}

/* -1: the fault has said what receiving answers; else receiving goes on. */
static int go_wrong(struct fake_kernel *kernel)
{
    struct nlmsghdr *oldest = (struct nlmsghdr *)(void *)kernel->answers[kernel->first_answer].bytes;

    errno = kernel->error;
    switch (kernel->fault) {
    case FAKE_RECEIVE_FAILS:
        return -1;
    case FAKE_ANSWER_IS_LOST:
        drop_oldest(kernel);
        return -1;
    case FAKE_ANSWER_IS_TWICE:
        put_answer(kernel, oldest, kernel->answers[kernel->first_answer].len_bytes);
        return 0;
    case FAKE_NUMBER_IS_WRONG:
        oldest->nlmsg_seq += 1000;
        return 0;
    case FAKE_ANSWER_IS_CUT:
        kernel->answers[kernel->first_answer].len_bytes = sizeof *oldest + 2;
        return 0;
    case FAKE_DUMP_IS_INTERRUPTED:
        oldest->nlmsg_flags |= NLM_F_DUMP_INTR;
        return 0;
    default:
        return 0;
    }
}

static ssize_t fake_receive(void *context, void *buffer, size_t capacity_bytes)
{
    struct fake_kernel *kernel = context;
    size_t len_bytes = 0;

    kernel->receives++;
    if (kernel->answer_count == 0) {
        errno = EAGAIN; /* nothing comes any more */
        return -1;
    }
    if (goes_wrong_now(kernel)) {
        if (kernel->fault == FAKE_DATAGRAM_IS_EMPTY)
            return 0;
        if (go_wrong(kernel) < 0)
            return -1;
    }
    do {
        size_t next_bytes = kernel->answers[kernel->first_answer].len_bytes;
        if (NLMSG_ALIGN(len_bytes) + next_bytes > capacity_bytes)
            break;
        len_bytes = NLMSG_ALIGN(len_bytes);
        memcpy((char *)buffer + len_bytes, kernel->answers[kernel->first_answer].bytes, next_bytes);
        len_bytes += next_bytes;
        drop_oldest(kernel);
    } while (kernel->joins_answers && kernel->answer_count > 0);
    return (ssize_t)len_bytes;
}

static void fake_close(void *context)
{
    ((struct fake_kernel *)context)->is_closed = true;
}

struct sp_xfrm_link *fake_kernel_link(struct fake_kernel *kernel)
{
    const struct sp_xfrm_transport transport = {
        .send = fake_send, .receive = fake_receive, .close = fake_close, .context = kernel};
    struct sp_xfrm_link *link;

    cr_assert_eq(sp_xfrm_link_over(&transport, &link), SP_OK);
    return link;
}
