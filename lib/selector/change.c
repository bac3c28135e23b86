/* SPDX-License-Identifier: ISC
 *
 * Changed tables: which boxes are gone, which the delta must hold, and what both tables' answers come to.
 *
 * Costs of one changed rule in 100,000: one pass over both lists to align them and one over the base's boxes
 * for those that share packets with what is gone, milliseconds, where building takes hundreds. A lookup costs
 * one in a small table more. Whoever holds the tables builds anew when the delta has grown.
 */
#include "selector/change.h"

#include <stdlib.h>
#include <string.h>

#define GONE_MAX 256u
#define NEW_MAX 2048u
#define DELTA_MAX 8192u
/* Above, a lookup or the next change begins to cost. */
#define GROWN_GONE 48u
#define GROWN_DELTA 192u

struct sp_selector_change {
    struct sp_selector_table *base;
    uint32_t base_count;
    uint32_t *place_of_base; /* SP_SELECTOR_MISS: gone */
    struct sp_selector_table *delta;
    struct sp_selector_box *delta_boxes; /* in their new order */
    uint32_t *place_of_delta;
    uint32_t delta_count, gone_count;
    uint32_t *rules; /* of each place */
    uint32_t count;
};

static bool overlap(struct sp_selector_address a_first, struct sp_selector_address a_last,
                    struct sp_selector_address b_first, struct sp_selector_address b_last)
{
    bool starts_in_time =
        a_first.high < b_last.high || (a_first.high == b_last.high && a_first.low <= b_last.low);
    bool ends_late_enough =
        b_first.high < a_last.high || (b_first.high == a_last.high && b_first.low <= a_last.low);

    return starts_in_time && ends_late_enough;
}

/* May decide a packet whose ports aren't known. */
static bool decides_without_ports(const struct sp_selector_box *box)
{
    return !box->has_ports || !box->is_bypass;
}

static bool ports_overlap(const struct sp_selector_box *a, const struct sp_selector_box *b)
{
    if (!a->has_ports || !b->has_ports)
        return true;
    return a->source_port_first <= b->source_port_last && b->source_port_first <= a->source_port_last &&
           a->destination_port_first <= b->destination_port_last &&
           b->destination_port_first <= a->destination_port_last;
}

/* Is there a packet that both may decide? */
static bool share_packets(const struct sp_selector_box *a, const struct sp_selector_box *b)
{
    if (a->family != 0 && b->family != 0 &&
        (a->family != b->family ||
         !overlap(a->source_first, a->source_last, b->source_first, b->source_last) ||
         !overlap(a->destination_first, a->destination_last, b->destination_first, b->destination_last)))
        return false;
    if (a->protocol != b->protocol && a->protocol != SP_SELECTOR_PROTOCOL_ANY &&
        b->protocol != SP_SELECTOR_PROTOCOL_ANY)
        return false;
    return ports_overlap(a, b) || (decides_without_ports(a) && decides_without_ports(b));
}

static bool holds_range(struct sp_selector_address first, struct sp_selector_address last,
                        struct sp_selector_address inner_first, struct sp_selector_address inner_last)
{
    bool starts_in_time =
        first.high < inner_first.high || (first.high == inner_first.high && first.low <= inner_first.low);
    bool ends_late_enough =
        inner_last.high < last.high || (inner_last.high == last.high && inner_last.low <= last.low);

    return starts_in_time && ends_late_enough;
}

/* Does the outer box decide all packets that the inner one may decide? */
static bool covers(const struct sp_selector_box *outer, const struct sp_selector_box *inner)
{
    if (outer->family != 0 &&
        (outer->family != inner->family ||
         !holds_range(outer->source_first, outer->source_last, inner->source_first, inner->source_last) ||
         !holds_range(outer->destination_first, outer->destination_last, inner->destination_first,
                      inner->destination_last)))
        return false;
    if (outer->protocol != inner->protocol && outer->protocol != SP_SELECTOR_PROTOCOL_ANY)
        return false;
    if (!outer->has_ports)
        return true;
    return inner->has_ports && outer->source_port_first <= inner->source_port_first &&
           outer->source_port_last >= inner->source_port_last &&
           outer->destination_port_first <= inner->destination_port_first &&
           outer->destination_port_last >= inner->destination_port_last &&
           (decides_without_ports(outer) || !decides_without_ports(inner));
}

/* A box of the base that is gone. From a place on where something covers it, nothing is missed for it. */
struct gone {
    struct sp_selector_box box;
    uint32_t base_index, covered_at;
};

static void cover(struct gone *gone, const struct sp_selector_box *box, uint32_t place)
{
    if (place < gone->covered_at && covers(box, &gone->box))
        gone->covered_at = place;
}

/* marks: by place, true where the base has the box no more or never had it. */
static enum sp_status find_gone(struct sp_selector_change *change, struct sp_selector_list had,
                                struct sp_selector_list wanted, struct gone *gone, bool *marks)
{
    memset(marks, true, wanted.count * sizeof *marks);
    change->delta_count = wanted.count;
    for (uint32_t i = 0; i < had.count; i++) {
        if (change->place_of_base[i] != SP_SELECTOR_MISS) {
            marks[change->place_of_base[i]] = false;
            change->delta_count--;
            continue;
        }
        if (change->gone_count == GONE_MAX)
            return SP_ERR_LIMIT;
        gone[change->gone_count++] = (struct gone){had.boxes[i], i, SP_SELECTOR_MISS};
    }
    if (change->delta_count > NEW_MAX)
        return SP_ERR_LIMIT;
    for (uint32_t place = 0, left = change->delta_count; left > 0; place++) {
        left -= marks[place];
        for (uint32_t k = 0; k < change->gone_count && marks[place]; k++)
            cover(&gone[k], &wanted.boxes[place], place);
    }
    return SP_OK;
}

/* Adds the base's boxes that may have to answer for one that is gone. */
static enum sp_status mark_followers(struct sp_selector_change *change, struct sp_selector_list had,
                                     struct gone *gone, bool *marks)
{
    uint32_t begun = 0; /* how many of the gone ones stood before box i */

    if (change->gone_count == 0)
        return SP_OK;
    for (uint32_t i = gone[0].base_index; i < had.count; i++) {
        uint32_t place = change->place_of_base[i];
        if (place == SP_SELECTOR_MISS) {
            begun++;
            continue;
        }
        bool follows = false;
        for (uint32_t k = 0; k < begun; k++)
            if (place < gone[k].covered_at && share_packets(&gone[k].box, &had.boxes[i])) {
                follows = true;
                cover(&gone[k], &had.boxes[i], place);
            }
        marks[place] = follows;
        change->delta_count += follows;
    }
    return change->delta_count > DELTA_MAX ? SP_ERR_LIMIT : SP_OK;
}

/* Marks what the delta must hold, by place. */
static enum sp_status mark_delta(struct sp_selector_change *change, struct sp_selector_list had,
                                 struct sp_selector_list wanted, bool *marks)
{
    struct gone *gone = malloc(GONE_MAX * sizeof *gone);
    enum sp_status status = gone ? SP_OK : SP_ERR_MEMORY;

    if (status == SP_OK)
        status = find_gone(change, had, wanted, gone, marks);
    if (status == SP_OK)
        status = mark_followers(change, had, gone, marks);
    free(gone);
    return status;
}

static enum sp_status build_delta(struct sp_selector_change *change, struct sp_selector_list wanted,
                                  const bool *marks)
{
    uint32_t count = change->delta_count;

    if (count == 0)
        return SP_OK;
    change->delta_boxes = malloc(count * sizeof *change->delta_boxes);
    change->place_of_delta = malloc(count * sizeof *change->place_of_delta);
    if (!change->delta_boxes || !change->place_of_delta)
        return SP_ERR_MEMORY;
    for (uint32_t place = 0, i = 0; place < change->count; place++) {
        if (!marks[place])
            continue;
        change->delta_boxes[i] = wanted.boxes[place];
        change->place_of_delta[i++] = place;
    }
    return sp_selector_build(change->delta_boxes, count, &change->delta);
}

static enum sp_status fill(struct sp_selector_change *change, struct sp_selector_list had,
                           struct sp_selector_list wanted)
{
    bool *marks = malloc((size_t)wanted.count + 1);
    enum sp_status status = SP_ERR_MEMORY;

    change->place_of_base = malloc(((size_t)had.count + 1) * sizeof *change->place_of_base);
    change->rules = malloc(((size_t)wanted.count + 1) * sizeof *change->rules);
    if (marks && change->place_of_base && change->rules)
        status = sp_selector_match(had, wanted, change->place_of_base);
    if (status == SP_OK)
        status = mark_delta(change, had, wanted, marks);
    if (status == SP_OK)
        status = build_delta(change, wanted, marks);
    for (uint32_t place = 0; place < wanted.count && status == SP_OK; place++)
        change->rules[place] = wanted.boxes[place].rule;
    free(marks);
    return status;
}

enum sp_status sp_selector_change_create(struct sp_selector_table *base, struct sp_selector_list had,
                                         struct sp_selector_list wanted,
                                         struct sp_selector_change **ret_change)
{
    struct sp_selector_change *change = calloc(1, sizeof *change);

    if (!change)
        return SP_ERR_MEMORY;
    change->base_count = had.count;
    change->count = wanted.count;
    enum sp_status status = fill(change, had, wanted);
    if (status != SP_OK) {
        sp_selector_change_destroy(change);
        return status;
    }
    change->base = sp_selector_hold(base);
    *ret_change = change;
    return SP_OK;
}

void sp_selector_change_destroy(struct sp_selector_change *change)
{
    if (!change)
        return;
    sp_selector_destroy(&change->base);
    sp_selector_destroy(&change->delta);
    free(change->place_of_base);
    free(change->delta_boxes);
    free(change->place_of_delta);
    free(change->rules);
    free(change);
}

struct sp_selector_table *sp_selector_change_base(const struct sp_selector_change *change)
{
    return change->base;
}

#define CHUNK 64

static void lookup_chunk(const struct sp_selector_change *change, const struct sp_selector_key *keys,
                         size_t count, uint32_t *ret_boxes)
{
    uint32_t found[CHUNK];

    sp_selector_lookup(change->base, keys, count, ret_boxes);
    for (size_t i = 0; i < count; i++)
        if (ret_boxes[i] != SP_SELECTOR_MISS)
            ret_boxes[i] = change->place_of_base[ret_boxes[i]];
    if (!change->delta)
        return;
    sp_selector_lookup(change->delta, keys, count, found);
    for (size_t i = 0; i < count; i++) {
        uint32_t place = found[i] == SP_SELECTOR_MISS ? SP_SELECTOR_MISS : change->place_of_delta[found[i]];
        ret_boxes[i] = place < ret_boxes[i] ? place : ret_boxes[i]; /* a miss is greater than any place */
    }
}

void sp_selector_change_lookup(const struct sp_selector_change *change, const struct sp_selector_key *keys,
                               size_t count, uint32_t *ret_boxes)
{
    for (size_t i = 0; i < count; i += CHUNK)
        lookup_chunk(change, keys + i, count - i < CHUNK ? count - i : CHUNK, ret_boxes + i);
}

uint32_t sp_selector_change_rule(const struct sp_selector_change *change, uint32_t index)
{
    return change->rules[index];
}

size_t sp_selector_change_bytes(const struct sp_selector_change *change)
{
    size_t bytes = sizeof *change + change->base_count * sizeof *change->place_of_base +
                   change->count * sizeof *change->rules;

    if (change->delta)
        bytes += sp_selector_bytes(change->delta) +
                 change->delta_count * (sizeof *change->delta_boxes + sizeof *change->place_of_delta);
    return bytes;
}

bool sp_selector_change_is_grown(const struct sp_selector_change *change)
{
    return change->gone_count > GROWN_GONE || change->delta_count > GROWN_DELTA;
}

enum sp_status sp_selector_change_boxes(const struct sp_selector_change *change, struct sp_selector_list had,
                                        struct sp_selector_box **ret_boxes, uint32_t *ret_count)
{
    struct sp_selector_box *boxes = malloc(((size_t)change->count + 1) * sizeof *boxes);

    if (!boxes)
        return SP_ERR_MEMORY;
    for (uint32_t i = 0; i < had.count; i++)
        if (change->place_of_base[i] != SP_SELECTOR_MISS)
            boxes[change->place_of_base[i]] = had.boxes[i];
    for (uint32_t i = 0; i < change->delta_count; i++)
        boxes[change->place_of_delta[i]] = change->delta_boxes[i];
    for (uint32_t place = 0; place < change->count; place++)
        boxes[place].rule = change->rules[place];
    *ret_boxes = boxes;
    *ret_count = change->count;
    return SP_OK;
}
