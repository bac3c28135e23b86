/* SPDX-License-Identifier: ISC
 *
 * What reload, confirm, load and flush have in common: the daemon is asked to do something, and answers.
 */
#ifndef IPSECCTL_ORDER_H
#define IPSECCTL_ORDER_H

#include "json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct order {
    const char *path;       /* of the control socket */
    const char *request;    /* a question of control.h */
    const int *descriptors; /* that go with it */
    size_t descriptor_count;
    bool as_json; /* a refusal goes to standard output as it is, too */
};
#define ORDER_REASON_BYTES 512

/* The answer of a daemon that did it, or NULL, an exit code, and in reason[ORDER_REASON_BYTES] a sentence for
 * people. What the daemon logged meanwhile is printed to stderr. */
json_t *order_give(const struct order *order, int *ret_code, char *reason);
/* The same, and the sentence is said. */
json_t *order_give_aloud(const struct order *order, int *ret_code);

/* "30", "30s" or "5m", up to a day. */
bool order_read_trial(const char *word, uint64_t *ret_seconds);
/* Behind an answer with "confirm_seconds", if it has them: how to keep what is on trial. */
void order_print_trial(const json_t *answer);

#endif
