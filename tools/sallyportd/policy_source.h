/* SPDX-License-Identifier: ISC
 *
 * The policy of the running daemon: read, put in force, and put in force again when the host changes.
 */
#ifndef SALLYPORTD_POLICY_SOURCE_H
#define SALLYPORTD_POLICY_SOURCE_H

#include "control/handed.h"
#include "daemon.h"

/* Reads and remembers the policy file. False after printing what is wrong with it. *ret_policy is the
 * caller's; *ret_source is freed with policy_source_free. */
bool policy_source_read(const char *path, struct sp_policy **ret_policy, struct policy_source *ret_source);
/* The same of one that a client handed over. */
bool policy_source_take(const struct handed *handed, struct sp_policy **ret_policy,
                        struct policy_source *ret_source);
void policy_source_free(struct policy_source *source);
/* The policy again, without its file. */
bool policy_source_parse(const struct policy_source *source, struct sp_policy **ret_policy);

/* What was loaded is in force, and not the daemon's own files. */
bool policy_source_is_loaded(const struct policy_source *source);
/* What the policy and the keys in force are called. */
const char *policy_source_policy_name(const struct daemon *daemon);
const char *policy_source_keys_name(const struct daemon *daemon);

/* Reads this host's addresses again and, when they have changed, puts the same policy in force for them. */
void policy_refresh_addresses(struct daemon *daemon);

#endif
