/* SPDX-License-Identifier: ISC
 *
 * Boxes: intersect, subtract, join.
 *
 * Subtracting one box from another cuts off, dimension by dimension, what lies below and above the taken one;
 * what is left after the last dimension is the common part and is dropped. Ports are cut last: by then the
 * protocol is that of the box that names ports, so no piece ever says ports of a protocol without any.
 */
#include "policy/box.h"

#include "wire/headers.h"

static const sp_number port_last = UINT16_MAX;

static sp_number address_last(uint8_t family)
{
    return family == 4 ? (sp_number)UINT32_MAX : ~(sp_number)0;
}

struct sp_box sp_box_everything(uint8_t family)
{
    struct sp_box box = {.family = family};
    box.last[SP_SOURCE] = box.last[SP_DESTINATION] = address_last(family);
    box.last[SP_PROTOCOL] = UINT8_MAX;
    box.last[SP_SOURCE_PORT] = box.last[SP_DESTINATION_PORT] = port_last;
    return box;
}

static sp_number number_of(const struct sp_selector_address *address)
{
    return (sp_number)address->high << 64 | address->low;
}

uint32_t sp_box_from_selector(const struct sp_selector_box *selector, struct sp_box ret_boxes[2])
{
    const uint8_t families[2] = {selector->family ? selector->family : 4, 6};
    const uint32_t count = selector->family ? 1 : 2;
    for (uint32_t i = 0; i < count; i++) {
        struct sp_box box = sp_box_everything(families[i]);
        if (selector->family != 0) {
            box.first[SP_SOURCE] = number_of(&selector->source_first);
            box.last[SP_SOURCE] = number_of(&selector->source_last);
            box.first[SP_DESTINATION] = number_of(&selector->destination_first);
            box.last[SP_DESTINATION] = number_of(&selector->destination_last);
        }
        if (selector->protocol != SP_SELECTOR_PROTOCOL_ANY)
            box.first[SP_PROTOCOL] = box.last[SP_PROTOCOL] = selector->protocol;
        box.first[SP_SOURCE_PORT] = selector->source_port_first;
        box.last[SP_SOURCE_PORT] = selector->source_port_last;
        box.first[SP_DESTINATION_PORT] = selector->destination_port_first;
        box.last[SP_DESTINATION_PORT] = selector->destination_port_last;
        ret_boxes[i] = box;
    }
    return count;
}

sp_number sp_box_number(const struct sp_address *address)
{
    sp_number number = 0;
    for (int i = 0; i < (address->family == 4 ? 4 : 16); i++)
        number = number << 8 | address->bytes[i];
    return number;
}

bool sp_box_is_open(const struct sp_box *box, enum sp_dimension dimension)
{
    const struct sp_box all = sp_box_everything(box->family);
    return box->first[dimension] == 0 && box->last[dimension] == all.last[dimension];
}

bool sp_box_meets(const struct sp_box *left, const struct sp_box *right)
{
    if (left->family != right->family)
        return false;
    for (int d = 0; d < SP_DIMENSIONS; d++) {
        if (left->last[d] < right->first[d] || right->last[d] < left->first[d])
            return false;
    }
    return true;
}

bool sp_box_intersect(const struct sp_box *left, const struct sp_box *right, struct sp_box *ret_common)
{
    if (!sp_box_meets(left, right))
        return false;
    struct sp_box common = *left;
    for (int d = 0; d < SP_DIMENSIONS; d++) {
        if (right->first[d] > common.first[d])
            common.first[d] = right->first[d];
        if (right->last[d] < common.last[d])
            common.last[d] = right->last[d];
    }
    *ret_common = common;
    return true;
}

bool sp_box_covers(const struct sp_box *outer, const struct sp_box *inner)
{
    if (outer->family != inner->family)
        return false;
    for (int d = 0; d < SP_DIMENSIONS; d++) {
        if (inner->first[d] < outer->first[d] || inner->last[d] > outer->last[d])
            return false;
    }
    return true;
}

static unsigned bits_of(sp_number number)
{
    const uint64_t high = (uint64_t)(number >> 64), low = (uint64_t)number;
    if (high != 0)
        return 128 - (unsigned)__builtin_clzll(high);
    return low != 0 ? 64 - (unsigned)__builtin_clzll(low) : 0;
}

unsigned sp_box_size_bits(const struct sp_box *box)
{
    unsigned bits = 0;
    for (int d = 0; d < SP_DIMENSIONS; d++)
        bits += bits_of(box->last[d] - box->first[d]);
    return bits;
}

uint32_t sp_box_subtract(const struct sp_box *box, const struct sp_box *taken,
                         struct sp_box ret_remains[SP_BOX_REMAINS_MAX])
{
    struct sp_box rest = *box;
    uint32_t count = 0;
    for (int d = 0; d < SP_DIMENSIONS; d++) {
        if (rest.first[d] < taken->first[d]) {
            ret_remains[count] = rest;
            ret_remains[count++].last[d] = taken->first[d] - 1;
            rest.first[d] = taken->first[d];
        }
        if (rest.last[d] > taken->last[d]) {
            ret_remains[count] = rest;
            ret_remains[count++].first[d] = taken->last[d] + 1;
            rest.last[d] = taken->last[d];
        }
    }
    return count;
}

bool sp_box_join(struct sp_box *box, const struct sp_box *other)
{
    int apart = -1;
    if (box->family != other->family)
        return false;
    for (int d = 0; d < SP_DIMENSIONS; d++) {
        if (box->first[d] == other->first[d] && box->last[d] == other->last[d])
            continue;
        if (apart >= 0)
            return false;
        apart = d;
    }
    if (apart < 0)
        return true;
    /* touching from below or from above; neither sum can wrap, because a greater number exists */
    if (box->last[apart] < other->first[apart] && box->last[apart] + 1 == other->first[apart])
        box->last[apart] = other->last[apart];
    else if (other->last[apart] < box->first[apart] && other->last[apart] + 1 == box->first[apart])
        box->first[apart] = other->first[apart];
    else
        return false;
    return true;
}

bool sp_box_is_icmp(const struct sp_box *box)
{
    const sp_number protocol = box->first[SP_PROTOCOL];
    return box->last[SP_PROTOCOL] == protocol &&
           (protocol == SP_PROTOCOL_ICMP || protocol == SP_PROTOCOL_ICMPV6);
}

/* A type or code fits a byte; a message too short for them has the number behind all ports. */
static bool has_icmp_number(const struct sp_box *box, enum sp_dimension dimension)
{
    return box->first[dimension] <= UINT8_MAX || box->last[dimension] == SP_SELECTOR_NO_TYPE;
}

bool sp_box_is_sent(const struct sp_box *box)
{
    if (!sp_box_is_icmp(box))
        return true;
    const sp_number own = box->family == 4 ? SP_PROTOCOL_ICMP : SP_PROTOCOL_ICMPV6;
    return box->first[SP_PROTOCOL] == own && has_icmp_number(box, SP_SOURCE_PORT) &&
           has_icmp_number(box, SP_DESTINATION_PORT);
}

struct sp_box sp_box_mirror(const struct sp_box *box)
{
    static const enum sp_dimension turned[SP_DIMENSIONS] = {SP_DESTINATION, SP_SOURCE, SP_PROTOCOL,
                                                            SP_DESTINATION_PORT, SP_SOURCE_PORT};
    const int dimensions = sp_box_is_icmp(box) ? SP_SOURCE_PORT : SP_DIMENSIONS;
    struct sp_box mirror = *box;
    for (int d = 0; d < dimensions; d++) {
        mirror.first[d] = box->first[turned[d]];
        mirror.last[d] = box->last[turned[d]];
    }
    return mirror;
}

void sp_box_as_service(struct sp_box *box)
{
    if (sp_box_is_icmp(box))
        return;
    const bool source_open = sp_box_is_open(box, SP_SOURCE_PORT);
    const bool destination_open = sp_box_is_open(box, SP_DESTINATION_PORT);
    if (source_open != destination_open)
        box->first[source_open ? SP_SOURCE_PORT : SP_DESTINATION_PORT] = SP_CLIENT_PORT_MIN;
}
