/* SPDX-License-Identifier: ISC
 *
 * The policy of the running daemon: read, put in force, and put in force again when the host changes.
 */
#ifndef SALLYPORTD_POLICY_SOURCE_H
#define SALLYPORTD_POLICY_SOURCE_H

#include "daemon.h"

/* Reads and remembers the policy file. False after printing what is wrong with it. *ret_policy is the
 * caller's; *ret_source is freed with policy_source_free. */
bool policy_source_read(const char *path, struct sp_policy **ret_policy, struct policy_source *ret_source);
void policy_source_free(struct policy_source *source);
/* The policy again, without its file. */
bool policy_source_parse(const struct policy_source *source, struct sp_policy **ret_policy);

/* Reads this host's addresses again and, when they have changed, puts the same policy in force for them. */
void policy_refresh_addresses(struct daemon *daemon);

#endif
