/* SPDX-License-Identifier: ISC
 *
 * Policies as ordered lists of boxes that divide all packets among the rules.
 */
#ifndef SP_POLICY_SIEVE_H
#define SP_POLICY_SIEVE_H

#include "policy/box_index.h"

/* One direction of a policy: boxes in the order in which they are tried. Starts as all zeroes. */
struct sp_sieve {
    struct sp_piece *boxes;
    uint32_t count;
    struct sp_box_index index;
};
/* SP_ERR_MEMORY, SP_ERR_LIMIT; free it in any case. */
enum sp_status sp_sieve_create(struct sp_sieve *sieve, const struct sp_policy *policy,
                               enum sp_direction direction, const struct sp_me *me) SP_MUST_USE;
void sp_sieve_free(struct sp_sieve *sieve);
/* Adds query to region, divided by the rules that decide; SP_NO_RULE is the default. The same errors. */
enum sp_status sp_sieve_divide(const struct sp_sieve *sieve, const struct sp_box *query,
                               struct sp_region *region) SP_MUST_USE;

/* What a rule, or the default, does to a packet. */
struct sp_meaning {
    enum sp_action action;
    struct sp_action_info how; /* of protect; else zeroes */
};
struct sp_meaning sp_meaning_of(const struct sp_policy *policy, uint32_t rule);
/* Same action, and the same algorithms and mode: of two rules for one host, */
bool sp_meaning_agrees(const struct sp_meaning *left, const struct sp_meaning *right);
/* and of the rules at both ends, where a tunnel that one goes into is the one that the other comes out of. */
bool sp_meaning_meets(const struct sp_meaning *left, const struct sp_meaning *right);
bool sp_meaning_lives_alike(const struct sp_meaning *left, const struct sp_meaning *right);

#endif
