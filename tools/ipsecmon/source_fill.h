/* SPDX-License-Identifier: ISC
 *
 * From a daemon's status to a snapshot.
 */
#ifndef IPSECMON_SOURCE_FILL_H
#define IPSECMON_SOURCE_FILL_H

#include "model.h"
#include "rule_finder.h"

/* Takes the status, an object, over. finder: of the policy in force, read or empty. */
void source_fill(struct snapshot *snapshot, json_t *status, struct rule_finder *finder);

#endif
