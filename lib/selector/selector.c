/* SPDX-License-Identifier: ISC
 *
 * The selector table: prepares boxes for the classifiers, and sorts the packets of a burst among them.
 *
 * No method is best for ten boxes and for 100,000, so that there are several and their number decides: a scan
 * for a host's policy; beyond, for IPv4 on processors with AVX-512, cut trees of any size. Others have bit
 * vectors for a site's, and beyond that cut trees with AVX2 and hash tables of tuples without or for IPv6. A
 * table has four classifiers: for IPv4 and IPv6, each with ports and without (method.h says why). Most
 * policies leave some of them empty or equal; equal ones are built once.
 */
#include "core/cpu.h"
#include "selector/change.h"
#include "selector/method.h"

#include <stdlib.h>
#include <string.h>

enum kind { IPV4_PORTS, IPV4_NO_PORTS, IPV6_PORTS, IPV6_NO_PORTS };
#define KINDS 4

struct part {
    const struct sp_selector_method *method; /* NULL: no box can hold such a packet */
    void *classifier;
    bool is_borrowed; /* of the part with ports */
};

struct sp_selector_table {
    uint32_t holders;
    struct sp_selector_change *change; /* not NULL: it is another table, changed, and all of below is empty */
    struct sp_selector_box *boxes;
    uint32_t count;
    struct part parts[KINDS];
};

/* Where measured times cross (bench/README.md). */
#define LINEAR_MAX_IPV4 40
#define LINEAR_MAX_IPV4_AVX512 96
#define LINEAR_MAX_IPV6 10
#define BITS_BEST_MAX 4096

static bool are_cuts_best(uint32_t count, uint8_t family)
{
    uint32_t features = sp_cpu_features();

    return family == 4 && (features & SP_CPU_AVX512 || (features & SP_CPU_AVX2 && count > BITS_BEST_MAX));
}

/* The rest goes to a method further down, so that it ends. */
const struct sp_selector_method *sp_selector_choose(uint32_t count, uint8_t family,
                                                    const struct sp_selector_method *rest_of)
{
    uint32_t linear_max_ipv4 = sp_cpu_features() & SP_CPU_AVX512 ? LINEAR_MAX_IPV4_AVX512 : LINEAR_MAX_IPV4;
    bool is_last = rest_of == &sp_selector_tuples;

    if (count <= (family == 4 ? linear_max_ipv4 : LINEAR_MAX_IPV6))
        return &sp_selector_linear;
    if (!rest_of && are_cuts_best(count, family))
        return &sp_selector_cuts;
    if (count <= (is_last ? SP_SELECTOR_BITS_MAX : BITS_BEST_MAX))
        return &sp_selector_bits;
    return is_last ? &sp_selector_linear : &sp_selector_tuples;
}

static bool is_before(struct sp_selector_address a, struct sp_selector_address b)
{
    return a.high < b.high || (a.high == b.high && a.low < b.low);
}

/* Can the box hold any packet of the kind? Makes ret_box what is left of it. */
static bool prepare_box(const struct sp_selector_box *box, enum kind kind, uint32_t index,
                        struct sp_selector_box *ret_box)
{
    uint8_t family = kind < IPV6_PORTS ? 4 : 6;
    bool has_known_ports = kind == IPV4_PORTS || kind == IPV6_PORTS;
    struct sp_selector_address last = {family == 4 ? 0 : UINT64_MAX, family == 4 ? UINT32_MAX : UINT64_MAX};

    if (box->family != 0 && box->family != family)
        return false;
    if (box->protocol > UINT8_MAX && box->protocol != SP_SELECTOR_PROTOCOL_ANY)
        return false;
    if (!has_known_ports && box->has_ports && box->is_bypass)
        return false;
    *ret_box = (struct sp_selector_box){0};
    ret_box->family = family;
    ret_box->protocol = box->protocol;
    ret_box->rule = index;
    ret_box->source_port_last = ret_box->destination_port_last = UINT16_MAX;
    if (has_known_ports && box->has_ports) {
        ret_box->source_port_first = box->source_port_first;
        ret_box->source_port_last = box->source_port_last;
        ret_box->destination_port_first = box->destination_port_first;
        ret_box->destination_port_last = box->destination_port_last;
    }
    ret_box->source_last = ret_box->destination_last = last;
    if (box->family != 0) {
        ret_box->source_first = box->source_first;
        ret_box->source_last = is_before(last, box->source_last) ? last : box->source_last;
        ret_box->destination_first = box->destination_first;
        ret_box->destination_last = is_before(last, box->destination_last) ? last : box->destination_last;
    }
    return !is_before(ret_box->source_last, ret_box->source_first) &&
           !is_before(ret_box->destination_last, ret_box->destination_first) &&
           ret_box->source_port_first <= ret_box->source_port_last &&
           ret_box->destination_port_first <= ret_box->destination_port_last;
}

static uint64_t box_hash(const struct sp_selector_box *box)
{
    const struct sp_selector_address *addresses[] = {&box->source_first, &box->source_last,
                                                     &box->destination_first, &box->destination_last};
    uint64_t hash = (uint64_t)box->source_port_first << 48 | (uint64_t)box->source_port_last << 32 |
                    (uint64_t)box->destination_port_first << 16 | box->destination_port_last;

    hash = (hash ^ box->protocol) * 0x9e3779b97f4a7c15u;
    for (int i = 0; i < 4; i++) {
        hash = (hash ^ hash >> 29 ^ addresses[i]->low) * 0x9e3779b97f4a7c15u;
        hash = (hash ^ hash >> 31 ^ addresses[i]->high) * 0xbf58476d1ce4e5b9u;
    }
    return hash ^ hash >> 32;
}

static bool is_equal(struct sp_selector_address a, struct sp_selector_address b)
{
    return a.high == b.high && a.low == b.low;
}

static bool hold_the_same(const struct sp_selector_box *a, const struct sp_selector_box *b)
{
    return a->protocol == b->protocol && a->source_port_first == b->source_port_first &&
           a->source_port_last == b->source_port_last &&
           a->destination_port_first == b->destination_port_first &&
           a->destination_port_last == b->destination_port_last &&
           is_equal(a->source_first, b->source_first) && is_equal(a->source_last, b->source_last) &&
           is_equal(a->destination_first, b->destination_first) &&
           is_equal(a->destination_last, b->destination_last);
}

struct prepared {
    struct sp_selector_box *boxes;
    uint32_t count;
    uint32_t *slots; /* open addressing, 0: free, otherwise 1 + a position in boxes */
    uint32_t slots_mask;
};

static enum sp_status prepared_create(struct prepared *prepared, uint32_t count)
{
    uint32_t slots = 4;

    while (slots < 2 * count)
        slots *= 2;
    *prepared = (struct prepared){.slots_mask = slots - 1};
    prepared->boxes = malloc(((size_t)count + 1) * sizeof *prepared->boxes);
    prepared->slots = malloc(slots * sizeof *prepared->slots);
    return prepared->boxes && prepared->slots ? SP_OK : SP_ERR_MEMORY;
}

static void prepared_destroy(struct prepared *prepared)
{
    free(prepared->boxes);
    free(prepared->slots);
}

/* A box that holds the same as one before it never decides, and makes every method slower. */
static void prepare(struct prepared *prepared, const struct sp_selector_table *table, enum kind kind)
{
    memset(prepared->slots, 0, ((size_t)prepared->slots_mask + 1) * sizeof *prepared->slots);
    prepared->count = 0;
    for (uint32_t i = 0; i < table->count; i++) {
        struct sp_selector_box *box = &prepared->boxes[prepared->count];
        if (!prepare_box(&table->boxes[i], kind, i, box))
            continue;
        uint32_t slot = (uint32_t)box_hash(box) & prepared->slots_mask, there;
        while ((there = prepared->slots[slot]) != 0 && !hold_the_same(&prepared->boxes[there - 1], box))
            slot = (slot + 1) & prepared->slots_mask;
        if (there == 0)
            prepared->slots[slot] = ++prepared->count;
    }
}

static bool may_borrow(const struct sp_selector_table *table)
{
    for (uint32_t i = 0; i < table->count; i++)
        if (table->boxes[i].has_ports)
            return false;
    return true;
}

static enum sp_status build_parts(struct sp_selector_table *table, const struct sp_selector_method *method)
{
    struct prepared prepared;
    enum sp_status status = prepared_create(&prepared, table->count);

    for (int kind = 0; kind < KINDS && status == SP_OK; kind++) {
        struct part *part = &table->parts[kind];
        if (kind % 2 == 1 && may_borrow(table)) {
            *part = part[-1];
            part->is_borrowed = true;
            continue;
        }
        uint8_t family = kind < IPV6_PORTS ? 4 : 6;
        prepare(&prepared, table, (enum kind)kind);
        if (prepared.count == 0)
            continue;
        part->method = method ? method : sp_selector_choose(prepared.count, family, NULL);
        status = part->method->build(prepared.boxes, prepared.count, family, &part->classifier);
    }
    prepared_destroy(&prepared);
    return status;
}

static enum sp_status build(const struct sp_selector_method *method, const struct sp_selector_box *boxes,
                            uint32_t count, struct sp_selector_table **ret_table)
{
    enum sp_status status = SP_ERR_MEMORY;
    struct sp_selector_table *table = calloc(1, sizeof *table);

    if (!table)
        return SP_ERR_MEMORY;
    table->holders = 1;
    table->count = count;
    table->boxes = malloc((count ? count : 1) * sizeof *table->boxes);
    if (!table->boxes)
        goto out;
    if (count)
        memcpy(table->boxes, boxes, count * sizeof *boxes);
    status = build_parts(table, method);
    if (status != SP_OK)
        goto out;
    *ret_table = table;
    return SP_OK;
out:
    sp_selector_destroy(&table);
    return status;
}

enum sp_status sp_selector_build(const struct sp_selector_box *boxes, uint32_t count,
                                 struct sp_selector_table **ret_table)
{
    return build(NULL, boxes, count, ret_table);
}

enum sp_status sp_selector_build_by(const char *name, const struct sp_selector_box *boxes, uint32_t count,
                                    struct sp_selector_table **ret_table)
{
    static const struct sp_selector_method *const methods[] = {&sp_selector_linear, &sp_selector_bits,
                                                               &sp_selector_tuples, &sp_selector_cuts};

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (strcmp(methods[i]->name, name) == 0)
            return build(methods[i], boxes, count, ret_table);
    return SP_ERR_NOT_FOUND;
}

/* Where building takes less than a moment there is nothing to save. */
#define UPDATE_MIN 1024u

static struct sp_selector_list list_of(const struct sp_selector_table *table)
{
    return (struct sp_selector_list){table->boxes, table->count};
}

enum sp_status sp_selector_update(struct sp_selector_table *former, const struct sp_selector_box *boxes,
                                  uint32_t count, struct sp_selector_table **ret_table)
{
    struct sp_selector_table *base = former->change ? sp_selector_change_base(former->change) : former;
    enum sp_status status = SP_ERR_LIMIT;
    struct sp_selector_table *table = calloc(1, sizeof *table);

    if (!table)
        return SP_ERR_MEMORY;
    table->holders = 1;
    if (count >= UPDATE_MIN && base->count >= UPDATE_MIN)
        status = sp_selector_change_create(base, list_of(base), (struct sp_selector_list){boxes, count},
                                           &table->change);
    if (status == SP_OK) {
        *ret_table = table;
        return SP_OK;
    }
    free(table);
    return status == SP_ERR_LIMIT ? sp_selector_build(boxes, count, ret_table) : status;
}

enum sp_status sp_selector_rebuild(const struct sp_selector_table *table,
                                   struct sp_selector_table **ret_table)
{
    struct sp_selector_box *boxes;
    uint32_t count;

    if (!table->change)
        return sp_selector_build(table->boxes, table->count, ret_table);
    enum sp_status status = sp_selector_change_boxes(
        table->change, list_of(sp_selector_change_base(table->change)), &boxes, &count);
    if (status != SP_OK)
        return status;
    status = sp_selector_build(boxes, count, ret_table);
    free(boxes);
    return status;
}

bool sp_selector_is_grown(const struct sp_selector_table *table)
{
    return table->change && sp_selector_change_is_grown(table->change);
}

struct sp_selector_table *sp_selector_hold(struct sp_selector_table *table)
{
    table->holders++;
    return table;
}

static void free_table(struct sp_selector_table *table)
{
    sp_selector_change_destroy(table->change);
    for (int kind = 0; kind < KINDS; kind++) {
        struct part *part = &table->parts[kind];
        if (part->classifier && !part->is_borrowed)
            part->method->destroy(part->classifier);
    }
    free(table->boxes);
    free(table);
}

void sp_selector_destroy(struct sp_selector_table **table)
{
    if (*table && --(*table)->holders == 0)
        free_table(*table);
    *table = NULL;
}

static void take_in(struct sp_selector_batch *batch, const struct sp_selector_key *key, uint32_t index)
{
    uint32_t i = batch->count++;

    batch->key_index[i] = index;
    batch->ports[i] = (uint32_t)key->source_port << 16 | key->destination_port;
    batch->protocol[i] = key->protocol;
    if (key->family == 4) {
        batch->source[i] = (uint32_t)key->source.low;
        batch->destination[i] = (uint32_t)key->destination.low;
        return;
    }
    batch->source_ipv6[i] = key->source;
    batch->destination_ipv6[i] = key->destination;
}

static enum kind kind_of(const struct sp_selector_key *key)
{
    return (enum kind)((key->family == 4 ? IPV4_PORTS : IPV6_PORTS) + (key->ports_unknown ? 1 : 0));
}

/* At most SP_SELECTOR_BATCH keys. One pass for each kind that is among them: nearly always one. */
static void lookup_batch(const struct sp_selector_table *table, const struct sp_selector_key *keys,
                         uint32_t count, uint32_t *ret_boxes)
{
    struct sp_selector_batch batch;
    unsigned left = 0;

    for (uint32_t i = 0; i < count; i++)
        left |= 1u << kind_of(&keys[i]);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        const struct part *part = &table->parts[kind];
        if (!(left & 1u << kind))
            continue;
        batch.count = 0;
        for (uint32_t i = 0; i < count; i++)
            if (kind_of(&keys[i]) == kind)
                take_in(&batch, &keys[i], i);
        if (part->method)
            part->method->lookup(part->classifier, &batch);
        for (uint32_t i = 0; i < batch.count; i++)
            ret_boxes[batch.key_index[i]] = part->method ? batch.found[i] : SP_SELECTOR_MISS;
    }
}

void sp_selector_lookup(const struct sp_selector_table *table, const struct sp_selector_key *keys,
                        size_t count, uint32_t *ret_boxes)
{
    if (table->change) {
        sp_selector_change_lookup(table->change, keys, count, ret_boxes);
        return;
    }
    for (size_t i = 0; i < count; i += SP_SELECTOR_BATCH) {
        size_t left = count - i;
        lookup_batch(table, keys + i, (uint32_t)(left < SP_SELECTOR_BATCH ? left : SP_SELECTOR_BATCH),
                     ret_boxes + i);
    }
}

uint32_t sp_selector_rule(const struct sp_selector_table *table, uint32_t index)
{
    return table->change ? sp_selector_change_rule(table->change, index) : table->boxes[index].rule;
}

size_t sp_selector_bytes(const struct sp_selector_table *table)
{
    size_t bytes = sizeof *table + table->count * sizeof *table->boxes;

    if (table->change)
        bytes += sp_selector_change_bytes(table->change) +
                 sp_selector_bytes(sp_selector_change_base(table->change));
    for (int kind = 0; kind < KINDS; kind++) {
        const struct part *part = &table->parts[kind];
        if (part->classifier && !part->is_borrowed)
            bytes += part->method->bytes(part->classifier);
    }
    return bytes;
}

static bool is_dear(const struct part *part)
{
    return part->method == &sp_selector_tuples ||
           (part->method == &sp_selector_cuts && !(sp_cpu_features() & SP_CPU_AVX512));
}

bool sp_selector_is_dear(const struct sp_selector_table *table)
{
    if (table->change)
        return sp_selector_is_dear(sp_selector_change_base(table->change));
    return is_dear(&table->parts[IPV4_PORTS]) || is_dear(&table->parts[IPV6_PORTS]);
}

const char *sp_selector_method_name(const struct sp_selector_table *table, uint8_t family)
{
    if (table->change)
        return sp_selector_method_name(sp_selector_change_base(table->change), family);
    const struct part *part = &table->parts[family == 4 ? IPV4_PORTS : IPV6_PORTS];

    return part->method ? part->method->name : "none";
}
