/* SPDX-License-Identifier: ISC
 *
 * --expect-encrypted: a check's question.
 */
#ifndef IPSECMON_EXPECT_H
#define IPSECMON_EXPECT_H

#include "wish.h"

/* Watches for an interval. TOOL_OK: packets went under ESP, by an association that the filter passes;
 * TOOL_NOT_APPLIED: none did, or nobody can tell. Says which, in a line or as JSON. */
int expect_encrypted(struct source *source, const struct wish *wish);

#endif
