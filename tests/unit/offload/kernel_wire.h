/* SPDX-License-Identifier: ISC
 *
 * A transport to the kernel that this test runs on, which goes wrong on demand.
 */
#ifndef TESTS_KERNEL_WIRE_H
#define TESTS_KERNEL_WIRE_H

#include "xfrm/link.h"

enum fault {
    FAULT_KILLED,        /* from that call on, nothing goes any more */
    FAULT_SEND_FAILS,    /* once, with error */
    FAULT_SEND_IS_SHORT, /* once, and nothing was done */
    FAULT_RECEIVE_FAILS, /* once, with error; the answer stays */
    FAULT_ANSWER_LOST,   /* once: it was there, and ENOBUFS comes in its place */
    FAULT_NUMBER_WRONG,
    FAULT_ANSWER_CUT,
    /* These two happen at a request rather than a call: the kernel never sees that one, and an answer says
     * that it refuses it, with error. What is said to be gone already when it was to be deleted is gone. */
    FAULT_REFUSED,
    FAULT_REFUSED_THEN_KILLED, /* and after that batch nothing goes any more */
    FAULTS
};

struct kernel_wire {
    struct sp_xfrm_transport real;
    enum fault fault;
    int error;
    int at;              /* < 0: all goes well */
    int calls, requests; /* so far, dumps not counted as requests */
    /* of FAULT_REFUSED and the other: */
    struct sp_xfrm_message refused; /* without keys; type 0: none */
    uint32_t waiting_sequence;      /* 0: no refusal waits to be received */
};
extern struct kernel_wire wire;

/* From now on that happens at number `at`. */
void wire_expect(enum fault fault, int error, int at);
void wire_heal(void);
/* Did it? */
bool wire_was_met(void);

struct sp_xfrm_link *wire_open(void);

#endif
