/* SPDX-License-Identifier: ISC
 *
 * Two statuses of the daemon and the time between them: what changes, and how fast.
 */
#ifndef IPSECMON_RATES_H
#define IPSECMON_RATES_H

#include "daemon.h"

struct sample {
    json_t *status; /* NULL: the daemon did not answer, reason says why */
    uint64_t at_ns;
    char reason[256];
};

/* Asks the daemon. */
void sample_take(struct sample *sample, const char *path);
void sample_drop(struct sample *sample);

/* Seconds between two answers of the same daemon; 0 when there are no two to compare. */
double sample_seconds(const struct sample *former, const struct sample *now);

/* (now - former) per second; 0 without seconds, and when a counter went back. */
double rate_of(const json_t *former, const json_t *now, const char *member, double seconds);

/* The SA of the former status that is the same as sa, or NULL. position walks along with the caller's loop
 * over the SAs, both being in order of their numbers; it starts as 0. */
const json_t *same_sa(const json_t *former_status, const json_t *sa, size_t *position);

#endif
