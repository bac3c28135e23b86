/* SPDX-License-Identifier: ISC
 *
 * Puts in place what packets need on their way, and puts it back when others on this host damage it. All of
 * it is told by the kernel the moment it happens; nothing is looked at every now and then, but for one
 * setting that nobody tells of.
 */
#ifndef SALLYPORTD_UPKEEP_H
#define SALLYPORTD_UPKEEP_H

#include "daemon.h"

/* The device, the data path on it and the way to it, when a policy is in force. False after saying why. */
bool upkeep_open_gate(struct daemon *daemon);
/* Its device was taken away: another one. False after saying why: the daemon can't go on. */
bool upkeep_reopen_gate(struct daemon *daemon);

/* The second guard follows the policy, the addresses and the device. */
void upkeep_second_guard(struct daemon *daemon);

/* Somebody changed nftables, kernel policies, or the device, rules and routes: is it ours, and repaired? */
void upkeep_look_at_guard(struct daemon *daemon);
void upkeep_look_at_second_guard(struct daemon *daemon);
void upkeep_look_at_ways(struct daemon *daemon);
/* Each second. */
void upkeep_tick(struct daemon *daemon);

#endif
