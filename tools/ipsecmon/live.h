/* SPDX-License-Identifier: ISC
 *
 * What the live page (page.html) is and is told: server-sent events with JSON in them.
 *
 *   event: start   {"interval_ms": 1000, "times": [...], "outbound": [...], "inbound": [...], "dropped":
 * [...], "associations": {"SPI SOURCE DESTINATION": [bits a second, ...]}}   what was, the oldest first
 *   event: look    a snapshot, as view_json() has it with JSON_LIVE
 */
#ifndef IPSECMON_LIVE_H
#define IPSECMON_LIVE_H

#include "filter.h"
#include "model.h"

struct live;

struct live *live_create(void);
void live_destroy(struct live **live);
/* Keeps the flows' rates. */
void live_remember(struct live *live, const struct snapshot *snapshot);

/* Texts are malloc'd and the caller's. What a new reader gets first: what was, and what is. */
char *live_start(const struct live *live, const struct snapshot *now, const struct filter *filter,
                 uint32_t interval_ms);
char *live_look(const struct snapshot *now, const struct filter *filter);
/* The page, with its script and style under this nonce. */
char *live_page(const char *nonce);

#endif
