/* SPDX-License-Identifier: ISC
 *
 * Between a link and its socket: calls are counted, requests too, and one of them goes wrong.
 */
#include "kernel_wire.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

struct kernel_wire wire = {.at = -1};

void wire_expect(enum fault fault, int error, int at)
{
    wire.fault = fault;
    wire.error = error;
    wire.at = at;
    wire.calls = wire.requests = 0;
    wire.refused.type = 0;
    wire.waiting_sequence = 0;
}

void wire_heal(void)
{
    wire_expect(FAULT_KILLED, 0, -1);
}

static bool is_about_requests(void)
{
    return wire.fault == FAULT_REFUSED || wire.fault == FAULT_REFUSED_THEN_KILLED;
}

bool wire_was_met(void)
{
    return is_about_requests() ? wire.refused.type != 0 : wire.calls > wire.at;
}

static bool is_now(void)
{
    int call = wire.calls++;

    return wire.at >= 0 && (wire.fault == FAULT_KILLED ? call >= wire.at : call == wire.at);
}

static ssize_t wrong(int error)
{
    errno = error;
    return -1;
}

/* Then somebody else was quicker. */
static bool is_gone_already(const struct nlmsghdr *request)
{
    return (request->nlmsg_type == XFRM_MSG_DELSA || request->nlmsg_type == XFRM_MSG_DELPOLICY) &&
           (wire.error == ESRCH || wire.error == ENOENT);
}

/* Copies a batch but for the request that shall be refused. If that was the last, which is the one to ask for
 * an answer, its refusal is the answer. */
static size_t leave_out_refused(const char *bytes, size_t len_bytes, char *kept)
{
    size_t kept_bytes = 0;

    for (size_t at = 0; at < len_bytes;) {
        const struct nlmsghdr *request = (const struct nlmsghdr *)(const void *)(bytes + at);
        const size_t step_bytes = NLMSG_ALIGN(request->nlmsg_len);
        bool is_kept = true;
        if (!(request->nlmsg_flags & NLM_F_DUMP) && wire.requests++ == wire.at) {
            wire.waiting_sequence = request->nlmsg_seq;
            cr_assert_eq(sp_xfrm_decode(request, request->nlmsg_len, &wire.refused), SP_XFRM_READ);
            wire.refused.sa.encryption.key = wire.refused.sa.integrity.key = NULL;
            is_kept = is_gone_already(request);
        }
        if (is_kept) {
            memcpy(kept + kept_bytes, request, step_bytes);
            kept_bytes += step_bytes;
        }
        at += step_bytes;
    }
    return kept_bytes;
}

static ssize_t send_or_not(void *context, const void *bytes, size_t len_bytes)
{
    static _Alignas(8) char kept[1 << 17];

    if (is_about_requests()) {
        if (wire.fault == FAULT_REFUSED_THEN_KILLED && wire_was_met())
            return wrong(EIO);
        cr_assert_leq(len_bytes, sizeof kept);
        size_t kept_bytes = leave_out_refused(bytes, len_bytes, kept);
        if (kept_bytes > 0 && wire.real.send(context, kept, kept_bytes) < 0)
            return -1;
        return (ssize_t)len_bytes;
    }
    const bool is_wrong = is_now();
    if (is_wrong && (wire.fault == FAULT_KILLED || wire.fault == FAULT_SEND_FAILS))
        return wrong(wire.error);
    if (is_wrong && wire.fault == FAULT_SEND_IS_SHORT)
        return (ssize_t)len_bytes - 4;
    return wire.real.send(context, bytes, len_bytes);
}

static ssize_t receive_refusal(void *buffer)
{
    const struct {
        struct nlmsghdr header;
        struct nlmsgerr body;
    } answer = {{.nlmsg_len = sizeof answer,
                 .nlmsg_type = NLMSG_ERROR,
                 .nlmsg_flags = NLM_F_CAPPED,
                 .nlmsg_seq = wire.waiting_sequence},
                {.error = -wire.error}};

    memcpy(buffer, &answer, sizeof answer);
    wire.waiting_sequence = 0;
    return sizeof answer;
}

static ssize_t receive_or_not(void *context, void *buffer, size_t capacity_bytes)
{
    if (wire.waiting_sequence != 0)
        return receive_refusal(buffer);
    const bool is_wrong = !is_about_requests() && is_now();
    if (is_wrong && (wire.fault == FAULT_KILLED || wire.fault == FAULT_RECEIVE_FAILS))
        return wrong(wire.error);
    ssize_t len_bytes = wire.real.receive(context, buffer, capacity_bytes);
    if (!is_wrong || len_bytes < (ssize_t)sizeof(struct nlmsghdr))
        return len_bytes;
    if (wire.fault == FAULT_ANSWER_LOST)
        return wrong(ENOBUFS);
    if (wire.fault == FAULT_NUMBER_WRONG)
        ((struct nlmsghdr *)buffer)->nlmsg_seq += 1000;
    return wire.fault == FAULT_ANSWER_CUT ? (ssize_t)sizeof(struct nlmsghdr) + 2 : len_bytes;
}

static void drain(void *context)
{
    wire.real.drain(context);
}

static void close_it(void *context)
{
    wire.real.close(context);
}

struct sp_xfrm_link *wire_open(void)
{
    struct sp_xfrm_link *link;

    cr_assert_eq(sp_xfrm_socket_open(&wire.real), SP_OK);
    const struct sp_xfrm_transport transport = {.send = send_or_not,
                                                .receive = receive_or_not,
                                                .drain = drain,
                                                .close = close_it,
                                                .context = wire.real.context};
    cr_assert_eq(sp_xfrm_link_over(&transport, &link), SP_OK);
    return link;
}
