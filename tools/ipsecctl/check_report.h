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
/* "file:line: warning: sentence [kind]", and a packet below it. path: of findings that no rule belongs to. */
void check_print(const struct sp_check *check, const struct sp_policy *policy, const char *path, FILE *out);
/* Adds objects with the members of a report's findings, and more. */
void check_add_json(const struct sp_check *check, const struct sp_policy *policy, const char *path,
                    json_t *findings);

#endif
