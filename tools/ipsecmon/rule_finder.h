/* SPDX-License-Identifier: ISC
 *
 * Which rule's packets an SA carries: the first protect rule, in the order in which rules are tried, that
 * holds its two addresses and wants its suite.
 */
#ifndef IPSECMON_RULE_FINDER_H
#define IPSECMON_RULE_FINDER_H

#include <sallyport/policy.h>

struct rule_finder {
    uint64_t life, generation;
    struct sp_policy *policy; /* NULL: not read */
    struct protect_area *areas;
    size_t area_count, area_room;
    uint64_t budget; /* comparisons left for this snapshot */
};

struct found_rule {
    uint32_t rule;
    struct sp_area area;
};

/* Takes the canonical text of the policy in force, and what "me" stands for. */
void rule_finder_read(struct rule_finder *finder, const char *text, const struct sp_me *me);
void rule_finder_close(struct rule_finder *finder);
/* False: no rule, or there are too many to look them all through. */
bool rule_finder_find(struct rule_finder *finder, const struct sp_address *source,
                      const struct sp_address *destination, const char *encryption, const char *integrity,
                      struct found_rule *ret_found);

#endif
