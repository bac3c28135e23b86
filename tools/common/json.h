/* SPDX-License-Identifier: ISC
 *
 * JSON as the tools speak it. Counters and rules have the same members here as in the daemon's status
 * (control.h), so that a script learns them once.
 */
#ifndef TOOLS_JSON_H
#define TOOLS_JSON_H

#include <sallyport/policy.h>
#include <sallyport/sa.h>
#include <sallyport/stats.h>

#include <jansson.h>

/* A string; bytes that aren't UTF-8 become '?'. NULL becomes null. */
json_t *json_text(const char *text);
/* Sets a member and takes the value over; out of memory ends the tool. */
void json_put(json_t *object, const char *member, json_t *value);
void json_push(json_t *array, json_t *value);

json_t *json_number(uint64_t number);
/* preset, and each limit, as in an SA file. */
json_t *json_lifetime(const struct sp_lifetime *lifetime);
/* drops: those that aren't zero, or all. */
json_t *json_counters(const struct sp_counters *counters, bool with_all_drops);
/* index, name, file, line, action, direction, text. */
json_t *json_rule(const struct sp_policy *policy, uint32_t index);
/* The findings of a report. */
json_t *json_findings(const struct sp_report *report);

/* Prints it with a newline behind, and lets it go. Indented, or on one line. */
void json_print(json_t *value, FILE *out, bool is_indented);

/* {"type": "udp", "source_port": 4500, "destination_port": 4500}, or null. */
json_t *json_encap(const struct sp_encap *encap);

#endif
