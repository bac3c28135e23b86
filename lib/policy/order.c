/* SPDX-License-Identifier: ISC
 *
 * `order specific`: the most specific rule is tried first, as Windows tries its IPsec filters.
 *
 * A rule's width is compared field by field, the narrower one first, in an order that is the same for a rule
 * and its mirror (so by near and far end, not by source and destination): addresses of the far end, of the
 * near end, protocol, far ports, near ports, ICMP types, ICMP codes. A list is as wide as its widest element:
 * a second server in a list doesn't make a rule about one server general. What is equally wide is blocked
 * rather than protected, and protected rather than let through; and then the listing decides, so that the
 * order is total.
 */
#include "policy/order.h"

#include <stdlib.h>

#define ADDRESS_BITS_ANY 129 /* wider than all of IPv6 */
#define NUMBERS_ALL 65536u   /* ports, types or codes */

enum field {
    FAR_ADDRESSES,
    NEAR_ADDRESSES,
    PROTOCOL,
    FAR_PORTS,
    NEAR_PORTS,
    TYPES,
    CODES,
    ACTION,
    FIELD_COUNT
};

struct sp_rank {
    uint32_t widths[FIELD_COUNT];
    uint32_t rule;
};

/* Bits of an address that the range leaves free, rounded up: a /24 leaves 8. */
static uint32_t free_bits(const struct sp_address_range *range)
{
    size_t size_bytes = range->first.family == 4 ? 4 : 16;
    unsigned borrow = 0, bits = 0;
    for (size_t i = size_bytes; i-- > 0;) {
        int digit = range->last.bytes[i] - range->first.bytes[i] - (int)borrow;
        borrow = digit < 0;
        digit += borrow ? 256 : 0;
        for (unsigned bit = 0; bit < 8; bit++)
            if (digit >> bit & 1)
                bits = (unsigned)(size_bytes - 1 - i) * 8 + bit + 1;
    }
    return bits;
}

static uint32_t address_width(const struct sp_endpoint *endpoint)
{
    uint32_t widest = 0;
    if (!endpoint->is_me && endpoint->address_count == 0)
        return ADDRESS_BITS_ANY;
    for (uint32_t i = 0; i < endpoint->address_count; i++) {
        uint32_t width = free_bits(&endpoint->addresses[i]);
        widest = width > widest ? width : widest;
    }
    return widest;
}

static uint32_t number_width(const struct sp_port_range *ranges, uint32_t count)
{
    uint32_t widest = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t width = (uint32_t)ranges[i].last - ranges[i].first + 1;
        widest = width > widest ? width : widest;
    }
    return count == 0 ? NUMBERS_ALL : widest;
}

static struct sp_rank rank_of(const struct sp_rule_info *rule, uint32_t index)
{
    static const uint32_t actions[] = {
        [SP_ACTION_BLOCK] = 0, [SP_ACTION_PROTECT] = 1, [SP_ACTION_BYPASS] = 2};
    bool is_out = rule->direction == SP_OUTBOUND;
    const struct sp_endpoint *near = is_out ? &rule->from : &rule->to;
    const struct sp_endpoint *far = is_out ? &rule->to : &rule->from;
    return (struct sp_rank){
        .widths = {[FAR_ADDRESSES] = address_width(far),
                   [NEAR_ADDRESSES] = address_width(near),
                   [PROTOCOL] = rule->protocol == SP_PROTOCOL_ANY,
                   [FAR_PORTS] = number_width(far->ports, far->port_count),
                   [NEAR_PORTS] = number_width(near->ports, near->port_count),
                   [TYPES] = number_width(rule->icmp.types, rule->icmp.type_count),
                   [CODES] = number_width(rule->icmp.codes, rule->icmp.code_count),
                   [ACTION] = actions[rule->action]},
        .rule = index,
    };
}

static int compare(const void *left, const void *right)
{
    const struct sp_rank *one = left, *other = right;
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (one->widths[i] != other->widths[i])
            return one->widths[i] < other->widths[i] ? -1 : 1;
    }
    return one->rule < other->rule ? -1 : 1;
}

bool sp_policy_sort(struct sp_policy *policy)
{
    size_t count = policy->rule_count;
    struct sp_rank *ranks = malloc((count + 1) * sizeof *ranks);
    policy->ordered = malloc((count + 1) * sizeof *policy->ordered);
    if (ranks == NULL || policy->ordered == NULL) {
        free(ranks);
        return false;
    }
    for (uint32_t i = 0; i < count; i++)
        ranks[i] = rank_of(&policy->rules[i], i);
    if (policy->order == SP_ORDER_SPECIFIC)
        qsort(ranks, count, sizeof *ranks, compare);
    for (uint32_t i = 0; i < count; i++)
        policy->ordered[i] = ranks[i].rule;
    free(ranks);
    return true;
}
