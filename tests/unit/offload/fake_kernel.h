/* SPDX-License-Identifier: ISC
 *
 * A kernel in the test's memory, behind a link's transport: it holds policies by their selector's user
 * number, answers as the real one does, and on demand goes wrong at one call.
 */
#ifndef TESTS_FAKE_KERNEL_H
#define TESTS_FAKE_KERNEL_H

#include "xfrm/link.h"

#define FAKE_POLICIES_MAX 512u
#define FAKE_ANSWERS_MAX 1024u

enum fake_fault {
    FAKE_SEND_FAILS,     /* with error, and nothing was done */
    FAKE_SEND_IS_SHORT,  /* nothing was done */
    FAKE_RECEIVE_FAILS,  /* with error; the answers that wait are still there */
    FAKE_ANSWER_IS_LOST, /* of the oldest that wait; receiving says error */
    FAKE_ANSWER_IS_TWICE,
    FAKE_NUMBER_IS_WRONG,
    FAKE_ANSWER_IS_CUT, /* the datagram, in the middle of a message */
    FAKE_DATAGRAM_IS_EMPTY,
    FAKE_DUMP_IS_INTERRUPTED,
    FAKE_FAULTS
};

struct fake_kernel {
    bool has_policy[FAKE_POLICIES_MAX];
    struct {
        char bytes[512];
        size_t len_bytes;
    } answers[FAKE_ANSWERS_MAX];
    size_t first_answer, answer_count;
    bool joins_answers; /* as many in a datagram as fit */
    bool goes_wrong;    /* once, at the call (of send or of receive) of number fault_at */
    enum fake_fault fault;
    int error;
    size_t fault_at, calls;
    size_t sends, receives;
    char last_request[65536]; /* what the kernel was told last */
    size_t last_request_bytes;
    bool is_closed;
};

/* A link to it; the kernel must outlive the link. */
struct sp_xfrm_link *fake_kernel_link(struct fake_kernel *kernel);

#endif
