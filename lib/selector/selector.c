/* SPDX-License-Identifier: ISC
 *
 * The selector table: an ordered scan.
 *
 * A host's policy has a handful of rules, and a handful of boxes in a row is what a processor scans fastest.
 * The boxes of one family stand together, in the order of the policy, so that a packet never looks at those
 * of the other. Sources: RFC 4301 4.4.1 (an SPD is ordered, the first match decides).
 */
#include "selector/selector.h"

#include <stdlib.h>
#include <string.h>

struct lane {
    uint32_t *boxes; /* indices of the boxes that can hold packets of one family, in order */
    uint32_t count;
};

struct sp_selector_table {
    struct sp_selector_box *boxes;
    uint32_t count;
    struct lane ipv4, ipv6;
};

static bool lane_fill(struct lane *lane, uint8_t family, const struct sp_selector_box *boxes, uint32_t count)
{
    lane->boxes = malloc((count ? count : 1) * sizeof *lane->boxes);
    if (!lane->boxes)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (boxes[i].family == 0 || boxes[i].family == family)
            lane->boxes[lane->count++] = i;
    return true;
}

enum sp_status sp_selector_build(const struct sp_selector_box *boxes, uint32_t count,
                                 struct sp_selector_table **ret_table)
{
    struct sp_selector_table *table = calloc(1, sizeof *table);
    if (!table)
        return SP_ERR_MEMORY;
    table->boxes = malloc((count ? count : 1) * sizeof *table->boxes);
    if (!table->boxes)
        goto out;
    if (count)
        memcpy(table->boxes, boxes, count * sizeof *boxes);
    table->count = count;
    if (!lane_fill(&table->ipv4, 4, table->boxes, count) || !lane_fill(&table->ipv6, 6, table->boxes, count))
        goto out;
    *ret_table = table;
    return SP_OK;
out:
    sp_selector_destroy(&table);
    return SP_ERR_MEMORY;
}

void sp_selector_destroy(struct sp_selector_table **table)
{
    if (!*table)
        return;
    free((*table)->ipv4.boxes);
    free((*table)->ipv6.boxes);
    free((*table)->boxes);
    free(*table);
    *table = NULL;
}

static bool is_between(const struct sp_selector_address *address, const struct sp_selector_address *first,
                       const struct sp_selector_address *last)
{
    bool reaches_first =
        address->high > first->high || (address->high == first->high && address->low >= first->low);
    bool within_last =
        address->high < last->high || (address->high == last->high && address->low <= last->low);
    return reaches_first && within_last;
}

static bool ports_match(const struct sp_selector_box *box, const struct sp_selector_key *key)
{
    if (!box->has_ports)
        return true;
    if (key->ports_unknown)
        return !box->is_bypass; /* fail closed: what may be protected or blocked is treated so */
    return key->source_port >= box->source_port_first && key->source_port <= box->source_port_last &&
           key->destination_port >= box->destination_port_first &&
           key->destination_port <= box->destination_port_last;
}

static bool box_holds(const struct sp_selector_box *box, const struct sp_selector_key *key)
{
    if (box->protocol != SP_SELECTOR_PROTOCOL_ANY && box->protocol != key->protocol)
        return false;
    if (!ports_match(box, key))
        return false;
    if (box->family == 0)
        return true;
    return is_between(&key->source, &box->source_first, &box->source_last) &&
           is_between(&key->destination, &box->destination_first, &box->destination_last);
}

static uint32_t lookup_one(const struct sp_selector_table *table, const struct sp_selector_key *key)
{
    const struct lane *lane = key->family == 4 ? &table->ipv4 : &table->ipv6;
    for (uint32_t i = 0; i < lane->count; i++)
        if (box_holds(&table->boxes[lane->boxes[i]], key))
            return lane->boxes[i];
    return SP_SELECTOR_MISS;
}

void sp_selector_lookup(const struct sp_selector_table *table, const struct sp_selector_key *keys,
                        size_t count, uint32_t *ret_boxes)
{
    for (size_t i = 0; i < count; i++)
        ret_boxes[i] = lookup_one(table, &keys[i]);
}

const struct sp_selector_box *sp_selector_box(const struct sp_selector_table *table, uint32_t index)
{
    return &table->boxes[index];
}
