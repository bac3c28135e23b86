/* SPDX-License-Identifier: ISC
 *
 * Many requests at once: put, flushed when the queue is full, and each answer looked at.
 */
#ifndef SP_OFFLOAD_KERNEL_REQUESTS_H
#define SP_OFFLOAD_KERNEL_REQUESTS_H

#include "xfrm/link.h"

/* Writes request number 0 .. count-1. It may be asked for the same one again. */
typedef void sp_kernel_make(uint32_t number, struct sp_xfrm_message *ret_message, void *context);

/* Whether that request and the next one go out together, so that not the first one alone is done. */
typedef bool sp_kernel_is_tied(uint32_t number, void *context);

struct sp_kernel_requests {
    sp_kernel_make *make;
    sp_kernel_is_tied *is_tied; /* NULL: none are */
    void *context;
    uint32_t count;
    bool forgives_absence; /* what shall be deleted may be gone already */
    /* What became of them: */
    uint32_t done_count;
    bool is_refused; /* one was, number refused with this answer: the first that was told so */
    uint32_t refused;
    struct sp_xfrm_answer answer;
    uint32_t batch_request, batch_number, batch_count; /* on their way: the first one's request and number */
};

/* Sends all, or stops after the batch of the first refusal, which is SP_OK with is_refused. Otherwise what
 * sp_xfrm_link_put and sp_xfrm_link_flush answer. */
enum sp_status sp_kernel_requests_send(struct sp_xfrm_link *link,
                                       struct sp_kernel_requests *requests) SP_MUST_USE;

/* A refusal that says only that the kernel's state is another than it was a moment ago. */
bool sp_kernel_refusal_is_race(uint16_t type, int error);

#endif
