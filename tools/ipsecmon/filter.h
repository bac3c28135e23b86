/* SPDX-License-Identifier: ISC
 *
 * Which associations: words that must all hold. A word is FIELD=VALUE, or a text that occurs in any field.
 *
 *   peer=192.0.2.0/24 dir=out port=80
 */
#ifndef IPSECMON_FILTER_H
#define IPSECMON_FILTER_H

#include "model.h"

/* The fields, for people: "spi, dir, ...". */
#define FILTER_FIELDS                                                                                        \
    "spi, sa, dir, peer, source, destination, policy, filter, security, protocol, port, state, backend"

struct filter;

/* NULL and one sentence in reason[256] when the text has a field that there isn't, or an odd value. An empty
 * text is a filter that all pass. */
struct filter *filter_read(const char *text, char *reason);
void filter_destroy(struct filter **filter);
/* filter may be NULL: all pass. */
bool filter_passes(const struct filter *filter, const struct association *association);

#endif
