/* SPDX-License-Identifier: ISC
 *
 * What a rule says of a packet, in the words of nft(8).
 */
#ifndef SALLYPORTD_GUARD_MATCH_H
#define SALLYPORTD_GUARD_MATCH_H

#include "guard/choice.h"

#include <sallyport/policy.h>

#include <stdbool.h>
#include <stdint.h>

struct chain {
    const char *name;
    const char *hook;
    bool is_outbound;
    bool is_steering;
};

/* A rule as a chain sees it: which end is the packet's source. */
struct view {
    const struct chain *chain;
    const struct sp_rule_info *rule;
    uint32_t index;
    uint32_t mark;
    const struct sp_endpoint *source, *destination;
};

/* One end of a selector falls apart into up to three matches, of which any will do. */
enum part { PART_ANY, PART_ME, PART_IPV4, PART_IPV6, PART_COUNT };

/* 0: either. */
uint8_t match_family(enum part part);
bool match_has_part(const struct sp_endpoint *end, enum part part);
/* side: "saddr" or "daddr". False when memory is out. */
bool match_write_addresses(struct guard_text *text, const struct sp_endpoint *end, enum part part,
                           const char *side);
/* The same of an end that has addresses of the family, where nft knows of no address: field is the place in
 * the packet. */
bool match_write_raw_addresses(struct guard_text *text, const struct sp_endpoint *end, uint8_t family,
                               const char *field);

bool match_has_ports(const struct sp_endpoint *end);
/* field: "th sport", or where in a packet the number is. Nothing is written when any will do. */
bool match_write_ports(struct guard_text *text, const struct sp_endpoint *end, const char *field);
bool match_write_icmp(struct guard_text *text, const struct sp_icmp *icmp, const char *type_field,
                      const char *code_field);

#endif
