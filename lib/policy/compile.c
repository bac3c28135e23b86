/* SPDX-License-Identifier: ISC
 *
 * From rules to selector boxes.
 *
 * A rule says sets (several addresses, several ports); a box is one range in each dimension. So a rule
 * becomes the product of its sets, in each direction in which it holds. The order in which the rules are
 * tried is the order of the boxes.
 */
#include "policy/compile.h"

#include "policy/model.h"

#include <stdlib.h>
#include <string.h>

#define BOXES_MAX 1000000u

struct box_list {
    struct sp_selector_box *boxes;
    uint32_t count, capacity;
};

/* One side of a rule in one direction, with `me` replaced by addresses. */
struct side {
    struct sp_address_range *ranges;
    uint32_t range_count;
    bool is_any; /* every address of every family */
    const struct sp_port_range *ports;
    uint32_t port_count;
};

static struct sp_selector_address address_number(const struct sp_address *address)
{
    struct sp_selector_address number = {0, 0};
    if (address->family == 4) {
        for (int i = 0; i < 4; i++)
            number.low = number.low << 8 | address->bytes[i];
        return number;
    }
    for (int i = 0; i < 8; i++) {
        number.high = number.high << 8 | address->bytes[i];
        number.low = number.low << 8 | address->bytes[i + 8];
    }
    return number;
}

static struct sp_address_range everything(uint8_t family)
{
    struct sp_address_range range = {{.family = family}, {.family = family}};
    memset(range.last.bytes, 0xff, family == 4 ? 4 : 16);
    return range;
}

/* is_local: this end is the host's own in the direction at hand. */
static enum sp_status side_fill(struct side *side, const struct sp_endpoint *endpoint, const struct sp_me *me,
                                bool is_local)
{
    *side = (struct side){.ports = endpoint->ports, .port_count = endpoint->port_count};
    if (endpoint->is_me && me->unknown && is_local)
        side->is_any = true;
    if (!endpoint->is_me && endpoint->address_count == 0)
        side->is_any = true;
    if (side->is_any)
        return SP_OK;

    uint32_t mine = endpoint->is_me && !me->unknown ? me->count : 0;
    uint32_t total = mine + endpoint->address_count;
    side->ranges = calloc(total ? total : 1, sizeof *side->ranges);
    if (!side->ranges)
        return SP_ERR_MEMORY;
    for (uint32_t i = 0; i < mine; i++)
        side->ranges[i] = (struct sp_address_range){me->addresses[i], me->addresses[i]};
    if (endpoint->address_count)
        memcpy(side->ranges + mine, endpoint->addresses, endpoint->address_count * sizeof *side->ranges);
    side->range_count = total;
    return SP_OK;
}

static enum sp_status list_reserve(struct box_list *list, uint32_t capacity)
{
    if (capacity <= list->capacity)
        return SP_OK;
    struct sp_selector_box *boxes = realloc(list->boxes, capacity * sizeof *boxes);
    if (!boxes)
        return SP_ERR_MEMORY;
    list->boxes = boxes;
    list->capacity = capacity;
    return SP_OK;
}

static enum sp_status list_add(struct box_list *list, const struct sp_selector_box *box)
{
    if (list->count == BOXES_MAX)
        return SP_ERR_LIMIT;
    if (list->count == list->capacity &&
        list_reserve(list, list->capacity ? 2 * list->capacity : 64) != SP_OK)
        return SP_ERR_MEMORY;
    list->boxes[list->count++] = *box;
    return SP_OK;
}

static const struct sp_port_range all_ports = {0, UINT16_MAX};

static bool is_all(const struct sp_port_range *ports)
{
    return ports->first == 0 && ports->last == UINT16_MAX;
}

/* The product of both port lists, for a box whose addresses are set. */
static enum sp_status add_ports(struct box_list *list, struct sp_selector_box box, const struct side *source,
                                const struct side *destination)
{
    for (uint32_t s = 0; s < (source->port_count ? source->port_count : 1); s++)
        for (uint32_t d = 0; d < (destination->port_count ? destination->port_count : 1); d++) {
            const struct sp_port_range *from = source->port_count ? &source->ports[s] : &all_ports;
            const struct sp_port_range *to = destination->port_count ? &destination->ports[d] : &all_ports;
            box.source_port_first = from->first;
            box.source_port_last = from->last;
            box.destination_port_first = to->first;
            box.destination_port_last = to->last;
            box.has_ports = !is_all(from) || !is_all(to);
            enum sp_status status = list_add(list, &box);
            if (status != SP_OK)
                return status;
        }
    return SP_OK;
}

static enum sp_status add_pair(struct box_list *list, struct sp_selector_box box,
                               const struct sp_address_range *from, const struct sp_address_range *to,
                               const struct side *source, const struct side *destination)
{
    if (from->first.family != to->first.family)
        return SP_OK; /* no packet has both */
    box.family = from->first.family;
    box.source_first = address_number(&from->first);
    box.source_last = address_number(&from->last);
    box.destination_first = address_number(&to->first);
    box.destination_last = address_number(&to->last);
    return add_ports(list, box, source, destination);
}

static enum sp_status add_product(struct box_list *list, struct sp_selector_box box,
                                  const struct side *source, const struct side *destination)
{
    const struct sp_address_range any[2] = {everything(4), everything(6)};
    if (source->is_any && destination->is_any)
        return add_ports(list, box, source, destination);

    const struct sp_address_range *from = source->is_any ? any : source->ranges;
    const struct sp_address_range *to = destination->is_any ? any : destination->ranges;
    uint32_t from_count = source->is_any ? 2 : source->range_count;
    uint32_t to_count = destination->is_any ? 2 : destination->range_count;
    for (uint32_t s = 0; s < from_count; s++)
        for (uint32_t d = 0; d < to_count; d++) {
            enum sp_status status = add_pair(list, box, &from[s], &to[d], source, destination);
            if (status != SP_OK)
                return status;
        }
    return SP_OK;
}

static enum sp_status add_rule(struct box_list *list, const struct sp_rule_info *rule, uint32_t index,
                               enum sp_direction direction, const struct sp_me *me)
{
    bool is_mirrored = direction != rule->direction;
    const struct sp_endpoint *from = is_mirrored ? &rule->to : &rule->from;
    const struct sp_endpoint *to = is_mirrored ? &rule->from : &rule->to;
    struct side source = {0}, destination = {0};
    enum sp_status status = side_fill(&source, from, me, direction == SP_OUTBOUND);
    if (status == SP_OK)
        status = side_fill(&destination, to, me, direction == SP_INBOUND);
    if (rule->icmp.type_count > 0) { /* the same both ways; see selector.h for the places */
        source.ports = rule->icmp.types;
        source.port_count = rule->icmp.type_count;
        destination.ports = rule->icmp.codes;
        destination.port_count = rule->icmp.code_count;
    }
    if (status == SP_OK) {
        struct sp_selector_box box = {
            .protocol = rule->protocol, .is_bypass = rule->action == SP_ACTION_BYPASS, .rule = index};
        status = add_product(list, box, &source, &destination);
    }
    free(source.ranges);
    free(destination.ranges);
    return status;
}

enum sp_status sp_policy_boxes(const struct sp_policy *policy, enum sp_direction direction,
                               const struct sp_me *me, struct sp_selector_box **ret_boxes,
                               uint32_t *ret_count)
{
    struct box_list list = {0};
    enum sp_status status = list_reserve(&list, policy->rule_count); /* most rules are one box */
    for (uint32_t i = 0; i < policy->rule_count && status == SP_OK; i++) {
        uint32_t index = policy->ordered[i];
        const struct sp_rule_info *rule = &policy->rules[index];
        if (rule->direction == direction || rule->action == SP_ACTION_PROTECT)
            status = add_rule(&list, rule, index, direction, me);
    }
    if (status != SP_OK) {
        free(list.boxes);
        return status;
    }
    *ret_boxes = list.boxes;
    *ret_count = list.count;
    return SP_OK;
}

static enum sp_status compile_direction(const struct sp_policy *policy, enum sp_direction direction,
                                        const struct sp_me *me, struct sp_selector_table *former,
                                        struct sp_selector_table **ret_table)
{
    struct sp_selector_box *boxes;
    uint32_t count;
    enum sp_status status = sp_policy_boxes(policy, direction, me, &boxes, &count);
    if (status != SP_OK)
        return status;
    status = former ? sp_selector_update(former, boxes, count, ret_table)
                    : sp_selector_build(boxes, count, ret_table);
    free(boxes);
    return status;
}

enum sp_status sp_policy_compile(const struct sp_policy *policy, const struct sp_me *me,
                                 struct sp_selector_table *const former[2],
                                 struct sp_selector_table *ret_tables[2])
{
    struct sp_selector_table *outbound = NULL, *inbound = NULL;
    enum sp_status status =
        compile_direction(policy, SP_OUTBOUND, me, former ? former[SP_OUTBOUND] : NULL, &outbound);
    if (status == SP_OK)
        status = compile_direction(policy, SP_INBOUND, me, former ? former[SP_INBOUND] : NULL, &inbound);
    if (status != SP_OK) {
        sp_selector_destroy(&outbound);
        return status;
    }
    ret_tables[SP_OUTBOUND] = outbound;
    ret_tables[SP_INBOUND] = inbound;
    return SP_OK;
}
