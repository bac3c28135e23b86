/* SPDX-License-Identifier: ISC
 *
 * Random policies in a small world, and one packet for every kind of packet that they can tell apart: what
 * holds for these holds for all. The oracle of the set algebra is sp_policy_explain() on each of them.
 */
#ifndef UNIT_POLICY_RANDOM_POLICY_H
#define UNIT_POLICY_RANDOM_POLICY_H

#include <sallyport/policy.h>

/* rules: how many; the same state gives the same policy. The caller destroys it. */
struct sp_policy *random_policy(uint64_t *state, uint32_t rules);

/* The world has this many kinds of packets, and this one has the number. */
uint32_t world_size(void);
struct sp_flow world_flow(uint32_t number);
/* The same between two hosts: only protocols and ports vary. */
uint32_t world_pair_size(void);
struct sp_flow world_pair_flow(uint32_t number, enum sp_direction direction, const struct sp_address *source,
                               const struct sp_address *destination);

struct sp_flow mirror_of(const struct sp_flow *flow);
/* Does the rule, looking at this packet (mirrored or not), hold it with ports as clients have them? */
bool is_as_service(const struct sp_policy *policy, uint32_t rule, const struct sp_flow *flow);
/* Action, mode and algorithms. */
bool means_the_same(const struct sp_policy *left, const struct sp_match *left_match,
                    const struct sp_policy *right, const struct sp_match *right_match);

#endif
