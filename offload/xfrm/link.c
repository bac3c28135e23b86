/* SPDX-License-Identifier: ISC
 *
 * The conversation with the kernel's XFRM, over any transport.
 *
 * Only the last request of a batch asks for an answer. The kernel works through a batch in order and tells of
 * each request that it refuses whether it was asked to or not (netlink(7)), so when the last one has its
 * answer, those before it that were not refused are done. A refusal that finds no room in the socket's
 * receive buffer isn't lost unnoticed: from then on nothing gets in, the last answer neither, and reading
 * says ENOBUFS. It should not come to that, so a batch is small enough for as many refusals to fit into what
 * sockets have by default.
 */
#include "xfrm/link.h"

#include "xfrm/read.h"

#include <sodium.h>

#include <errno.h>
#include <stdlib.h>

#define REQUESTS_BYTES 65536u
#define ANSWERS_BYTES 32768u /* the most that the kernel puts into a datagram of a dump */
#define BATCH_REQUESTS_MAX 128u

struct sp_xfrm_link {
    struct sp_xfrm_transport transport;
    char *requests, *answers;
    size_t queued_bytes, last_queued;     /* last_queued: where the last one begins */
    uint32_t first_request, next_request; /* queued: from the first up to, not with, the next */
};

enum sp_status sp_xfrm_link_over(const struct sp_xfrm_transport *transport, struct sp_xfrm_link **ret_link)
{
    if (sodium_init() < 0)
        return SP_ERR_MEMORY;
    struct sp_xfrm_link *link = calloc(1, sizeof *link);
    if (link == NULL)
        return SP_ERR_MEMORY;
    link->requests = sodium_malloc(REQUESTS_BYTES);
    link->answers = sodium_malloc(ANSWERS_BYTES);
    if (link->requests == NULL || link->answers == NULL) {
        sodium_free(link->requests);
        sodium_free(link->answers);
        free(link);
        return SP_ERR_MEMORY;
    }
    link->transport = *transport;
    link->first_request = link->next_request = 1;
    *ret_link = link;
    return SP_OK;
}

void sp_xfrm_link_close(struct sp_xfrm_link **link)
{
    if (*link == NULL)
        return;
    (*link)->transport.close((*link)->transport.context);
    sodium_free((*link)->requests);
    sodium_free((*link)->answers);
    free(*link);
    *link = NULL;
}

enum sp_status sp_xfrm_link_put(struct sp_xfrm_link *link, const struct sp_xfrm_message *message,
                                uint32_t *ret_request)
{
    char *place = link->requests + link->queued_bytes;
    size_t room_bytes = REQUESTS_BYTES - link->queued_bytes;

    if (link->next_request - link->first_request == BATCH_REQUESTS_MAX)
        return SP_ERR_LIMIT;
    size_t len_bytes = sp_xfrm_encode(message, place, room_bytes);
    if (len_bytes == 0) {
        sodium_memzero(place, room_bytes);
        return link->queued_bytes > 0 && room_bytes < SP_XFRM_MESSAGE_BYTES_MAX ? SP_ERR_LIMIT
                                                                                : SP_ERR_INVALID;
    }
    struct nlmsghdr *header = (struct nlmsghdr *)(void *)place;
    header->nlmsg_flags |= NLM_F_REQUEST;
    header->nlmsg_seq = link->next_request;
    header->nlmsg_pid = 0;
    link->last_queued = link->queued_bytes;
    link->queued_bytes += len_bytes;
    *ret_request = link->next_request++;
    return SP_OK;
}

bool sp_xfrm_link_has_room(const struct sp_xfrm_link *link, uint32_t count)
{
    return link->next_request - link->first_request + count <= BATCH_REQUESTS_MAX &&
           link->queued_bytes + count * SP_XFRM_MESSAGE_BYTES_MAX <= REQUESTS_BYTES;
}

static enum sp_status failure(int error)
{
    errno = error;
    return error == EPERM || error == EACCES ? SP_ERR_PERMISSION : SP_ERR_SYSTEM;
}

/* Sends the queue and forgets it, sent or not. */
static enum sp_status send_queue(struct sp_xfrm_link *link)
{
    ssize_t sent_bytes;

    do
        sent_bytes = link->transport.send(link->transport.context, link->requests, link->queued_bytes);
    while (sent_bytes < 0 && errno == EINTR);
    int why = errno;
    bool is_whole = sent_bytes >= 0 && (size_t)sent_bytes == link->queued_bytes;
    sodium_memzero(link->requests, link->queued_bytes);
    link->queued_bytes = 0;
    if (is_whole)
        return SP_OK;
    return failure(sent_bytes < 0 ? why : EMSGSIZE);
}

static enum sp_status receive(struct sp_xfrm_link *link, struct sp_xfrm_rest *ret_datagram)
{
    ssize_t len_bytes;

    do
        len_bytes = link->transport.receive(link->transport.context, link->answers, ANSWERS_BYTES);
    while (len_bytes < 0 && errno == EINTR);
    if (len_bytes < 0) {
        int why = errno;
        sodium_memzero(link->answers, ANSWERS_BYTES); /* one that was too large filled it */
        if (why == ENOBUFS && link->transport.drain != NULL)
            link->transport.drain(link->transport.context);
        return failure(why == EAGAIN ? ETIMEDOUT : why);
    }
    if (len_bytes == 0)
        return failure(EBADMSG);
    *ret_datagram = (struct sp_xfrm_rest){.at = link->answers, .len_bytes = (size_t)len_bytes};
    return SP_OK;
}

/* What is being waited for: the answer to the last of some requests, or the end of a dump. A taker looks at a
 * message and answers SP_OK also when it isn't meant. */
struct wait {
    enum sp_status (*take)(struct wait *wait, const struct nlmsghdr *header, const char *message);
    uint32_t first_request, count;
    bool is_over, is_interrupted;
    bool is_refused[BATCH_REQUESTS_MAX];
    sp_xfrm_on_answer *on_answer;
    sp_xfrm_on_message *on_message;
    void *context;
};

/* Numbers that were never given are no late answer: somebody's messages are mixed up, and what is missing
 * among them can't be told. */
static bool is_unheard_of(const struct sp_xfrm_link *link, uint32_t request)
{
    return request - link->next_request < UINT32_MAX / 2;
}

static enum sp_status take_datagram(const struct sp_xfrm_link *link, struct wait *wait,
                                    struct sp_xfrm_rest datagram)
{
    while (datagram.len_bytes > 0) {
        struct nlmsghdr header;
        struct sp_xfrm_rest body;
        if (!sp_xfrm_read_header(datagram.at, datagram.len_bytes, &header, &body))
            return failure(EBADMSG);
        if (is_unheard_of(link, header.nlmsg_seq))
            return failure(EBADMSG);
        enum sp_status status = wait->take(wait, &header, datagram.at);
        if (status != SP_OK)
            return status;
        size_t step_bytes = NLMSG_ALIGN((size_t)header.nlmsg_len);
        step_bytes = step_bytes < datagram.len_bytes ? step_bytes : datagram.len_bytes;
        datagram.at += step_bytes;
        datagram.len_bytes -= step_bytes;
    }
    return SP_OK;
}

static enum sp_status await(struct sp_xfrm_link *link, struct wait *wait)
{
    enum sp_status status = SP_OK;

    while (!wait->is_over && status == SP_OK) {
        struct sp_xfrm_rest datagram;
        status = receive(link, &datagram);
        if (status != SP_OK)
            break;
        size_t len_bytes = datagram.len_bytes;
        status = take_datagram(link, wait, datagram);
        sodium_memzero(link->answers, len_bytes);
    }
    return status;
}

static bool is_awaited(const struct wait *wait, uint32_t request)
{
    return !wait->is_over && request - wait->first_request < wait->count;
}

static void tell_done(struct wait *wait)
{
    for (uint32_t place = 0; place < wait->count; place++) {
        const struct sp_xfrm_answer done = {.sequence = wait->first_request + place};
        if (!wait->is_refused[place])
            wait->on_answer(done.sequence, &done, wait->context);
    }
}

static enum sp_status take_answer(struct wait *wait, const struct nlmsghdr *header, const char *message)
{
    struct sp_xfrm_answer answer;

    if (!is_awaited(wait, header->nlmsg_seq))
        return SP_OK; /* of a request whose wait has been given up */
    if (!sp_xfrm_decode_answer(message, header->nlmsg_len, &answer))
        return failure(EBADMSG);
    uint32_t place = answer.sequence - wait->first_request;
    if (answer.error != 0 && !wait->is_refused[place]) {
        wait->is_refused[place] = true;
        wait->on_answer(answer.sequence, &answer, wait->context);
    }
    wait->is_over = place + 1 == wait->count;
    if (wait->is_over)
        tell_done(wait);
    return SP_OK;
}

enum sp_status sp_xfrm_link_flush(struct sp_xfrm_link *link, sp_xfrm_on_answer *on_answer, void *context)
{
    struct wait wait = {.take = take_answer,
                        .first_request = link->first_request,
                        .count = link->next_request - link->first_request,
                        .on_answer = on_answer,
                        .context = context};

    if (wait.count == 0)
        return SP_OK;
    ((struct nlmsghdr *)(void *)(link->requests + link->last_queued))->nlmsg_flags |= NLM_F_ACK;
    link->first_request = link->next_request;
    enum sp_status status = send_queue(link);
    return status == SP_OK ? await(link, &wait) : status;
}

static enum sp_status take_dumped(struct wait *wait, const struct nlmsghdr *header, const char *message)
{
    struct sp_xfrm_answer answer;
    struct sp_xfrm_message dumped;

    if (!is_awaited(wait, header->nlmsg_seq))
        return SP_OK;
    wait->is_interrupted |= (header->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    if (sp_xfrm_decode_answer(message, header->nlmsg_len, &answer)) {
        wait->is_over = true;
        if (answer.error != 0)
            return failure(answer.error);
        return wait->is_interrupted ? failure(EINTR) : SP_OK;
    }
    switch (sp_xfrm_decode(message, header->nlmsg_len, &dumped)) {
    case SP_XFRM_READ:
        wait->on_message(&dumped, wait->context);
        return SP_OK;
    case SP_XFRM_UNKNOWN:
        return SP_OK;
    default:
        return failure(EBADMSG);
    }
}

enum sp_status sp_xfrm_link_get(struct sp_xfrm_link *link, const struct sp_xfrm_message *request,
                                sp_xfrm_on_message *on_message, void *context)
{
    struct wait wait = {.take = take_dumped, .count = 1, .on_message = on_message, .context = context};

    if (link->queued_bytes > 0 || (request->type != XFRM_MSG_GETSA && request->type != XFRM_MSG_GETPOLICY))
        return SP_ERR_INVALID;
    enum sp_status status = sp_xfrm_link_put(link, request, &wait.first_request);
    if (status != SP_OK)
        return status;
    link->first_request = link->next_request;
    /* a dump ends with NLMSG_DONE; an acknowledgement would come before its messages */
    if (!(request->flags & NLM_F_DUMP))
        ((struct nlmsghdr *)(void *)link->requests)->nlmsg_flags |= NLM_F_ACK;
    status = send_queue(link);
    return status == SP_OK ? await(link, &wait) : status;
}

enum sp_status sp_xfrm_link_dump(struct sp_xfrm_link *link, uint16_t type, sp_xfrm_on_message *on_message,
                                 void *context)
{
    return sp_xfrm_link_get(link, &(struct sp_xfrm_message){.type = type, .flags = NLM_F_DUMP}, on_message,
                            context);
}
