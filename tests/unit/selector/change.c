/* SPDX-License-Identifier: ISC
 *
 * Tests of lib/selector/change.c and match.c: lists of boxes that are edited over and over, against the naive
 * twin, which knows nothing of what was before.
 *
 * 100,000 lookups in the everyday suite, 10,000,000 at night.
 */
#include "selector/change.h"

#include "../../../bench/classbench.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#define BOXES_MAX 1400
#define BURST 150

static struct sp_selector_box boxes[BOXES_MAX], spare[BOXES_MAX];
static uint32_t count, spare_count;
static uint64_t state;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state >> 8) % below);
}

/* A box that holds some of what the other one holds, or more. */
static struct sp_selector_box relative_of(struct sp_selector_box box)
{
    switch (draw(4)) {
    case 0:
        box.protocol = SP_SELECTOR_PROTOCOL_ANY;
        break;
    case 1:
        box.protocol = 6;
        break;
    case 2:
        box.source_last = box.source_first;
        break;
    default:
        box.has_ports = true;
        box.source_port_first = 0;
        box.source_port_last = UINT16_MAX;
        box.destination_port_first = 80;
        box.destination_port_last = (uint16_t)(80 + draw(2) * 920);
        break;
    }
    return box;
}

/* Boxes of both families and of none, some of them twice, and as many to add later. */
static void draw_lists(uint64_t seed, uint32_t wanted)
{
    static struct sp_selector_box ipv6[BOXES_MAX];
    enum classbench_style style = (enum classbench_style)(seed % CLASSBENCH_STYLES);

    state = seed * 0x9e3779b97f4a7c15u + 1;
    count = wanted;
    spare_count = BOXES_MAX;
    classbench_boxes(style, 4, BOXES_MAX, seed, spare);
    classbench_boxes(style, 6, BOXES_MAX, seed + 1, ipv6);
    for (uint32_t i = 0; i < BOXES_MAX; i++) {
        if (i % 3 == 1)
            spare[i] = ipv6[i];
        if (i % 50 == 7)
            spare[i] = (struct sp_selector_box){.protocol = i % 100 == 7 ? SP_SELECTOR_PROTOCOL_ANY : 17,
                                                .has_ports = i % 100 != 7,
                                                .is_bypass = draw(2),
                                                .source_port_last = UINT16_MAX,
                                                .destination_port_first = (uint16_t)draw(60000),
                                                .destination_port_last = UINT16_MAX};
    }
    for (uint32_t i = 5; i < BOXES_MAX; i += 5)
        spare[i] = relative_of(spare[draw(i)]);
    for (uint32_t i = 0; i < count; i++)
        boxes[i] = spare[draw(10) ? draw(spare_count) : 0];
}

static void put_in(uint32_t place, struct sp_selector_box box)
{
    memmove(&boxes[place + 1], &boxes[place], (count - place) * sizeof *boxes);
    boxes[place] = box;
    count++;
}

static struct sp_selector_box take_out(uint32_t place)
{
    struct sp_selector_box box = boxes[place];

    count--;
    memmove(&boxes[place], &boxes[place + 1], (count - place) * sizeof *boxes);
    return box;
}

static void widen(struct sp_selector_box *box)
{
    box->source_first.low &= ~UINT64_C(0xff);
    box->source_last.low |= 0xff;
}

static void edit(void)
{
    uint32_t place = draw(count);

    switch (draw(7)) {
    case 0:
        take_out(place);
        break;
    case 1:
        put_in(place, spare[draw(spare_count)]);
        break;
    case 2:
        put_in(draw(count), take_out(place));
        break;
    case 3:
        boxes[place] = spare[draw(spare_count)];
        break;
    case 4:
        boxes[place].is_bypass = !boxes[place].is_bypass;
        break;
    case 5:
        widen(&boxes[place]);
        break;
    default:
        boxes[place].protocol = SP_SELECTOR_PROTOCOL_ANY;
        break;
    }
}

static void number_rules(void)
{
    for (uint32_t i = 0; i < count; i++)
        boxes[i].rule = 2 * i + 1;
}

static void draw_keys(struct sp_selector_key keys[BURST])
{
    static struct sp_selector_box of_family[BOXES_MAX];

    for (uint8_t family = 4; family <= 6; family += 2) {
        uint32_t of_family_count = 0;
        for (uint32_t i = 0; i < count; i++)
            if (boxes[i].family == family)
                of_family[of_family_count++] = boxes[i];
        classbench_trace(of_family, of_family_count, family, false, state, keys + (family == 6) * BURST / 2,
                         BURST / 2);
    }
    for (uint32_t i = 0; i < BURST; i += 1 + draw(8))
        keys[i].ports_unknown = true;
}

struct asked {
    const struct sp_selector_change *change;
    const struct sp_selector_table *table;
};

static void agrees_with_the_twin(struct asked asked)
{
    static struct sp_selector_key keys[BURST];
    uint32_t found[BURST];

    draw_keys(keys);
    if (asked.change)
        sp_selector_change_lookup(asked.change, keys, BURST, found);
    else
        sp_selector_lookup(asked.table, keys, BURST, found);
    for (uint32_t i = 0; i < BURST; i++) {
        uint32_t expected = sp_selector_naive(boxes, count, &keys[i]);
        cr_assert_eq(found[i], expected, "key %u: %u instead of %u of %u", i, found[i], expected, count);
        if (expected == SP_SELECTOR_MISS)
            continue;
        uint32_t rule = asked.change ? sp_selector_change_rule(asked.change, expected)
                                     : sp_selector_rule(asked.table, expected);
        cr_assert_eq(rule, boxes[expected].rule);
    }
}

static uint64_t lookups(void)
{
    const char *is_night = getenv("SP_NIGHTLY");

    return is_night && *is_night ? 10000000 : 100000;
}

/* Whether it is worth it or not: the fewer boxes there are, the more of them meet. */
Test(change, a_list_edited_over_and_over_agrees_with_the_naive_twin)
{
    static const uint32_t counts[] = {2, 9, 40, 200, 600};
    static struct sp_selector_box had_boxes[BOXES_MAX];

    for (uint64_t seed = 0, done = 0; done < lookups(); seed++) {
        draw_lists(seed, counts[seed / CLASSBENCH_STYLES % (sizeof counts / sizeof *counts)]);
        struct sp_selector_list had = {had_boxes, count};
        struct sp_selector_table *base;
        memcpy(had_boxes, boxes, count * sizeof *boxes);
        cr_assert_eq(sp_selector_build(boxes, count, &base), SP_OK);
        for (uint32_t step = 0; step < 12; step++, done += BURST) {
            struct sp_selector_change *change;
            for (uint32_t edits = step % 4 ? 1 : draw(40); edits > 0 && count > 1; edits--)
                edit();
            if (count < 2)
                break;
            number_rules();
            cr_assert_eq(
                sp_selector_change_create(base, had, (struct sp_selector_list){boxes, count}, &change),
                SP_OK);
            agrees_with_the_twin((struct asked){.change = change});
            sp_selector_change_destroy(change);
        }
        sp_selector_destroy(&base);
    }
}

/* As an engine does it: each list on top of the one before, built anew when it has grown. */
Test(change, tables_updated_over_and_over_agree_with_the_naive_twin)
{
    uint32_t grown = 0;

    for (uint64_t seed = 0, done = 0; done < lookups() / 2; seed++) {
        struct sp_selector_table *table, *next;
        draw_lists(seed, 1200);
        cr_assert_eq(sp_selector_build(boxes, count, &table), SP_OK);
        for (uint32_t step = 0; step < 80; step++, done += BURST) {
            edit();
            number_rules();
            cr_assert_eq(sp_selector_update(table, boxes, count, &next), SP_OK);
            sp_selector_destroy(&table);
            table = next;
            agrees_with_the_twin((struct asked){.table = table});
            if (!sp_selector_is_grown(table))
                continue;
            grown++;
            cr_assert_eq(sp_selector_rebuild(table, &next), SP_OK);
            sp_selector_destroy(&table);
            table = next;
            cr_assert(!sp_selector_is_grown(table));
            agrees_with_the_twin((struct asked){.table = table});
        }
        sp_selector_destroy(&table);
    }
    cr_assert_gt(grown, 0);
}

Test(change, one_changed_box_needs_no_new_table_and_the_former_one_may_go)
{
    struct sp_selector_table *former, *table;
    draw_lists(4, 1200);
    cr_assert_eq(sp_selector_build(boxes, count, &former), SP_OK);
    size_t former_bytes = sp_selector_bytes(former);
    put_in(600, spare[5]);
    number_rules();
    cr_assert_eq(sp_selector_update(former, boxes, count, &table), SP_OK);
    cr_assert_gt(sp_selector_bytes(table), former_bytes); /* the base is still there, and something more */
    cr_assert_str_eq(sp_selector_method_name(table, 4), sp_selector_method_name(former, 4));
    cr_assert_str_eq(sp_selector_method_name(table, 6), sp_selector_method_name(former, 6));
    sp_selector_destroy(&former);
    agrees_with_the_twin((struct asked){.table = table});
    sp_selector_destroy(&table);
}

Test(change, a_list_that_has_little_in_common_is_built_anew)
{
    struct sp_selector_change *change = NULL;
    struct sp_selector_table *former, *table;
    static struct sp_selector_box had[BOXES_MAX];
    draw_lists(8, 1200);
    memcpy(had, boxes, count * sizeof *boxes);
    cr_assert_eq(sp_selector_build(had, count, &former), SP_OK);
    for (uint32_t i = 0; i < count; i++)
        boxes[i].protocol = 99;
    number_rules();
    cr_assert_eq(sp_selector_change_create(former, (struct sp_selector_list){had, count},
                                           (struct sp_selector_list){boxes, count}, &change),
                 SP_ERR_LIMIT);
    cr_assert_null(change);
    cr_assert_eq(sp_selector_update(former, boxes, count, &table), SP_OK);
    sp_selector_destroy(&former);
    cr_assert(!sp_selector_is_grown(table));
    agrees_with_the_twin((struct asked){.table = table});
    sp_selector_destroy(&table);
}

/* The longest common subsequence the slow way. */
static uint32_t longest_common(struct sp_selector_list a, struct sp_selector_list b)
{
    static uint32_t lengths[64][64];

    for (uint32_t i = 0; i <= a.count; i++)
        for (uint32_t k = 0; k <= b.count; k++) {
            if (i == 0 || k == 0) {
                lengths[i][k] = 0;
                continue;
            }
            uint32_t without = lengths[i - 1][k] > lengths[i][k - 1] ? lengths[i - 1][k] : lengths[i][k - 1];
            bool is_same = a.boxes[i - 1].protocol == b.boxes[k - 1].protocol;
            uint32_t with = is_same ? lengths[i - 1][k - 1] + 1 : 0;
            lengths[i][k] = with > without ? with : without;
        }
    return lengths[a.count][b.count];
}

Test(change, what_two_lists_have_in_common_is_found_whole)
{
    struct sp_selector_box had[60];
    uint32_t places[60];

    state = 0xd1ff;
    for (uint32_t round = 0; round < 3000; round++) {
        uint32_t had_count = draw(60);
        count = had_count;
        for (uint32_t i = 0; i < count; i++)
            had[i] = boxes[i] = (struct sp_selector_box){.protocol = (uint16_t)i, .rule = i};
        for (uint32_t edits = draw(30); edits > 0 && count > 1 && count < 60; edits--) {
            if (draw(3))
                put_in(draw(count), take_out(draw(count)));
            else if (draw(2))
                take_out(draw(count));
            else
                put_in(draw(count), (struct sp_selector_box){.protocol = (uint16_t)(100 + edits)});
        }
        struct sp_selector_list a = {had, had_count}, b = {boxes, count};
        cr_assert_eq(sp_selector_match(a, b, places), SP_OK);
        uint32_t kept = 0, next = 0;
        for (uint32_t i = 0; i < had_count; i++) {
            if (places[i] == SP_SELECTOR_MISS)
                continue;
            cr_assert(places[i] >= next && places[i] < count, "in order");
            cr_assert_eq(boxes[places[i]].protocol, had[i].protocol);
            next = places[i] + 1;
            kept++;
        }
        cr_assert_eq(kept, longest_common(a, b));
    }
}

Test(change, equal_boxes_find_each_other_in_their_order)
{
    struct sp_selector_box had[12];
    uint32_t places[12];

    for (uint32_t i = 0; i < 12; i++) {
        uint16_t other = i == 0 || i == 11;
        had[i] = (struct sp_selector_box){.protocol = other ? (uint16_t)(50 + i) : 6};
        boxes[i] = (struct sp_selector_box){.protocol = other ? (uint16_t)(70 + i) : 6};
    }
    cr_assert_eq(
        sp_selector_match((struct sp_selector_list){had, 12}, (struct sp_selector_list){boxes, 12}, places),
        SP_OK);
    for (uint32_t i = 1; i < 11; i++)
        cr_assert_eq(places[i], i);
    cr_assert_eq(places[0], SP_SELECTOR_MISS);
    cr_assert_eq(places[11], SP_SELECTOR_MISS);
}
