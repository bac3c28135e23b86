/* SPDX-License-Identifier: ISC
 *
 * Requests in batches as the link takes them.
 */
#include "kernel/requests.h"

#include <errno.h>
#include <stdlib.h>

static void hear(uint32_t request, const struct sp_xfrm_answer *answer, void *context)
{
    struct sp_kernel_requests *requests = context;
    uint32_t place = request - requests->batch_request;

    const bool is_absent = answer->error == ESRCH || answer->error == ENOENT;

    if (answer->error == 0 || (is_absent && requests->forgives_absence)) {
        requests->done_count++;
        return;
    }
    if (requests->is_refused || place >= requests->batch_count)
        return;
    requests->is_refused = true;
    requests->refused = requests->batch_number + place;
    requests->answer = *answer;
}

static enum sp_status flush(struct sp_xfrm_link *link, struct sp_kernel_requests *requests)
{
    enum sp_status status = sp_xfrm_link_flush(link, hear, requests);

    requests->batch_count = 0;
    return status;
}

static enum sp_status put(struct sp_xfrm_link *link, struct sp_kernel_requests *requests, uint32_t number,
                          const struct sp_xfrm_message *message)
{
    uint32_t request;
    enum sp_status status = sp_xfrm_link_put(link, message, &request);

    if (status != SP_OK)
        return status;
    if (requests->batch_count++ == 0) {
        requests->batch_request = request;
        requests->batch_number = number;
    }
    return SP_OK;
}

static enum sp_status send_one(struct sp_xfrm_link *link, struct sp_kernel_requests *requests,
                               uint32_t number, struct sp_xfrm_message *message)
{
    enum sp_status status = SP_OK;

    if (requests->is_tied != NULL && requests->is_tied(number, requests->context) &&
        !sp_xfrm_link_has_room(link, 2))
        status = flush(link, requests);
    if (status != SP_OK || requests->is_refused)
        return status;
    requests->make(number, message, requests->context);
    status = put(link, requests, number, message);
    if (status != SP_ERR_LIMIT)
        return status;
    status = flush(link, requests);
    if (status != SP_OK || requests->is_refused)
        return status;
    return put(link, requests, number, message);
}

enum sp_status sp_kernel_requests_send(struct sp_xfrm_link *link, struct sp_kernel_requests *requests)
{
    struct sp_xfrm_message *message = calloc(1, sizeof *message);
    enum sp_status status = message == NULL ? SP_ERR_MEMORY : SP_OK;

    requests->is_refused = false;
    requests->done_count = requests->batch_count = 0;
    for (uint32_t i = 0; i < requests->count && status == SP_OK && !requests->is_refused; i++)
        status = send_one(link, requests, i, message);
    free(message);
    if (status == SP_OK && requests->batch_count > 0)
        status = flush(link, requests);
    return status;
}

bool sp_kernel_refusal_is_race(uint16_t type, int error)
{
    switch (type) {
    case XFRM_MSG_NEWSA:
    case XFRM_MSG_NEWPOLICY:
        return error == EEXIST;
    case XFRM_MSG_DELSA:
    case XFRM_MSG_UPDSA:
    case XFRM_MSG_DELPOLICY:
        return error == ESRCH || error == ENOENT;
    default:
        return false;
    }
}
