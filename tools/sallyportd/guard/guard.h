/* SPDX-License-Identifier: ISC
 *
 * The guard: an nftables table that steers what must be protected to the daemon, and drops what should have
 * come that way but did not. It stands on its own: with the daemon dead it still drops.
 */
#ifndef SALLYPORTD_GUARD_H
#define SALLYPORTD_GUARD_H

#include <sallyport/policy.h>

#include <jansson.h>
#include <stdio.h>

struct guard;

struct guard_settings {
    const char *device;
    uint32_t mark;
    uint16_t encap_port; /* of ESP in UDP; 0: none */
    uint32_t encap_mark; /* of what the daemon sends from there */
};

/* NULL when memory is out. */
struct guard *guard_create(const struct guard_settings *settings);
void guard_destroy(struct guard **guard);

/* Puts the policy's rules in the place of any former ones, at once. False after saying why, with the former
 * ones in force. */
bool guard_install(struct guard *guard, const struct sp_policy *policy);
void guard_remove(struct guard *guard);
/* How often it was put up: its counters begin at zero each time. */
uint64_t guard_installs(const struct guard *guard);
/* A netlink descriptor, readable when some nftables table or rule has changed; -1: none. */
int guard_watch_fd(const struct guard *guard);
/* Takes what waits there. True when somebody else changed our table, or took it away. */
bool guard_is_damaged(struct guard *guard);

/* What the table counted since the policy in force was installed: control.h's "guard" array. NULL when it
 * can't be read. */
json_t *guard_counters(struct guard *guard, const struct sp_policy *policy);

/* The table as nft(8) text: its sets, named by the tag, and then the rest. False when memory is out. */
bool guard_write(FILE *sets, FILE *rules, char tag, const struct guard_settings *settings,
                 const struct sp_policy *policy);

#define GUARD_TABLE "sallyport"

#endif
