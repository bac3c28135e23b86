/* SPDX-License-Identifier: ISC
 *
 * Findings of sp_policy_check() for people and as JSON.
 */
#ifndef IPSECCTL_CHECK_REPORT_H
#define IPSECCTL_CHECK_REPORT_H

#include <sallyport/analysis.h>

#include <jansson.h>

/* How many findings are no notes. */
size_t check_warnings(const struct sp_check *check);
/* "file:line: warning: sentence [kind]", and a packet below it. */
void check_print(const struct sp_check *check, FILE *out);
/* Adds objects with the members of a report's findings, and more. */
void check_add_json(const struct sp_check *check, const struct sp_policy *policy, json_t *findings);

#endif
