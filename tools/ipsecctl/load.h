/* SPDX-License-Identifier: ISC
 *
 * Loading a policy the way every verb does it.
 */
#ifndef IPSECCTL_LOAD_H
#define IPSECCTL_LOAD_H

#include <sallyport/engine.h>

/* Loads path. An exit code; on TOOL_OK *ret_policy is the caller's. report is filled but not printed. */
int load_policy(const char *path, struct sp_policy **ret_policy, struct sp_report *report);
/* The same, and prints findings to stderr. */
int load_policy_aloud(const char *path, struct sp_policy **ret_policy);
/* Prints what a report found; says the status when it found nothing. */
void print_findings(const char *path, enum sp_status status, const struct sp_report *report);

/* The only positional argument of a verb and whether --json was given; an exit code, complaints printed. */
int read_file_and_json(int argc, char **argv, const char **ret_path, bool *ret_as_json);

#endif
