/* SPDX-License-Identifier: ISC
 *
 * A running sallyportd's status, as control.h describes it, and how to get at its members. Members that are
 * missing read as 0, "" or null: an older daemon says less, and is shown all the same.
 */
#ifndef TOOLS_DAEMON_H
#define TOOLS_DAEMON_H

#include "json.h"

/* Asks the daemon one of control.h's questions. Its answer, an object, a refusal too; or NULL and one
 * sentence to reason[256]. */
json_t *daemon_ask(const char *path, const char *request, unsigned patience_seconds, char *reason);
/* The answer to a status question (let it go with json_decref), or NULL and one sentence in reason[256]. */
json_t *daemon_status(const char *path, char *reason);

uint64_t daemon_number(const json_t *object, const char *member);
const char *daemon_text(const json_t *object, const char *member);
/* "0x00001001" to text[11]; returns text. */
const char *daemon_spi(const json_t *sa, char *text);
/* "192.0.2.1:80", "[2001:db8::1]:80", or without a port, to text[DAEMON_ENDPOINT_BYTES]; returns text. side:
 * "source" or "destination", of an entry of last_drops. */
#define DAEMON_ENDPOINT_BYTES 80
const char *daemon_endpoint(const json_t *drop, const char *side, char *text);
/* What of a COUNTERS object came through ESP, sealed or opened. */
uint64_t daemon_esp_packets(const json_t *counters);

/* How much of its tightest hard limit an SA has used, in percent; -1 when it has none. */
int daemon_sa_used_percent(const json_t *sa);

/* "12 s", "3 min", "5 h", "9 d" to text[32]; returns text. */
const char *daemon_span(uint64_t seconds, char *text);

#endif
