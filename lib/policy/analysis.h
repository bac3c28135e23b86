/* SPDX-License-Identifier: ISC
 *
 * A check while it is made: what is known of the policy, and of the rule at hand. */
#ifndef SP_POLICY_ANALYSIS_H
#define SP_POLICY_ANALYSIS_H

#include "policy/check_result.h"
#include "policy/search.h"
#include "policy/sieve.h"

/* What stands between the rule at hand and one that takes packets from it; the worst thing counts. */
enum sp_conflict {
    SP_CONFLICT_NONE,
    SP_CONFLICT_OVERLAP,
    SP_CONFLICT_EXCEPTION,
    SP_CONFLICT_HOLE,
    SP_CONFLICT_MIRROR
};

struct sp_rival {
    uint32_t rule;
    enum sp_conflict conflict;
    struct sp_box box; /* an example of what it takes */
    enum sp_direction direction;
    bool is_exception[2], is_exception_known[2]; /* by direction: all of its packets are the rule's too */
};

/* The places of a rule's boxes. */
struct sp_span {
    uint32_t start, count;
};

struct sp_analysis {
    const struct sp_policy *policy;
    const struct sp_me *me;
    struct sp_sieve sieves[2];
    struct sp_box_index living[2]; /* of the boxes that decide something */
    struct sp_span *spans[2];      /* by rule */
    bool *is_dead[2];              /* by place: those in front of the box take all its packets */
    struct sp_check *check;
    struct sp_search search;

    /* the rule at hand */
    uint32_t rule;
    struct sp_rival *rivals;
    size_t rival_count, rival_capacity;
    uint32_t *rival_numbers; /* by rule: 1 + index of its entry in rivals; 0: none */
    struct sp_box_places candidates, others;
};

/* Fills what is known of the policy. SP_ERR_MEMORY, SP_ERR_LIMIT; free it in any case. */
enum sp_status sp_analysis_prepare(struct sp_analysis *analysis) SP_MUST_USE;
void sp_analysis_free(struct sp_analysis *analysis);

const struct sp_piece *sp_analysis_box(const struct sp_analysis *analysis, enum sp_direction direction,
                                       uint32_t place);
/* Does the rule decide any packet in this direction? */
bool sp_analysis_is_alive(const struct sp_analysis *analysis, uint32_t rule, enum sp_direction direction);
/* Does a packet of box come as far as place `before`? */
enum sp_status sp_analysis_find_left(struct sp_analysis *analysis, enum sp_direction direction,
                                     const struct sp_box *box, uint32_t before, bool *ret_is_found,
                                     struct sp_box *ret_part) SP_MUST_USE;

/* Makes rule the one at hand, without rivals. */
void sp_rivals_start(struct sp_analysis *analysis, uint32_t rule);
/* Finds its rivals and what stands between them, first in the direction in which the rule is written. */
enum sp_status sp_rivals_find(struct sp_analysis *analysis) SP_MUST_USE;
/* Who takes the packets of the rule at hand, which decides none? The first three say enough. */
enum sp_status sp_rivals_find_takers(struct sp_analysis *analysis, enum sp_direction direction) SP_MUST_USE;

#endif
