/* SPDX-License-Identifier: ISC
 *
 * Findings of sp_policy_check() for people and as JSON.
 */
#ifndef TOOLS_CHECK_REPORT_H
#define TOOLS_CHECK_REPORT_H

#include <sallyport/analysis.h>

#include <jansson.h>
#include <stdbool.h>

/* How many findings are no notes. */
size_t check_warnings(const struct sp_check *check);
/* "file:line: warning: sentence [kind]", and a packet below it; with_notes: of the notes too. */
void check_print(const struct sp_check *check, bool with_notes, FILE *out);
/* Adds objects with the members of a report's findings, and more. */
void check_add_json(const struct sp_check *check, const struct sp_policy *policy, json_t *findings);

#endif
