/* SPDX-License-Identifier: ISC
 *
 * Tests of the cut trees (lib/selector/cuts.c) on boxes that ClassBench doesn't draw: what can't be cut, what
 * reaches over the edge of a piece, what fills several blocks. The naive twin says what is right, and each
 * shape is held against it by all three ways to go through a tree.
 */
#include "core/cpu.h"
#include "selector/selector.h"

#include <criterion/criterion.h>

#include <stdlib.h>

#define BOXES_MAX 3000
#define KEYS 6000

static struct sp_selector_box boxes[BOXES_MAX];
static struct sp_selector_key keys[KEYS];
static uint32_t found[KEYS];

/* splitmix64 (Steele, Lea and Flood 2014) */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint32_t draw_below(uint64_t *state, uint32_t limit)
{
    return (uint32_t)((draw(state) >> 32) * limit >> 32);
}

static struct sp_selector_box anything(void)
{
    return (struct sp_selector_box){.family = 4,
                                    .protocol = SP_SELECTOR_PROTOCOL_ANY,
                                    .has_ports = true,
                                    .source_last.low = UINT32_MAX,
                                    .destination_last.low = UINT32_MAX,
                                    .source_port_last = UINT16_MAX,
                                    .destination_port_last = UINT16_MAX};
}

/* An edge of a range, or what lies just outside. */
static uint32_t draw_edge(uint64_t *state, uint64_t first, uint64_t last)
{
    uint64_t edges[] = {first, last, first - 1, last + 1, (first + last) / 2};

    return (uint32_t)edges[draw_below(state, 5)];
}

static struct sp_selector_key draw_key(uint64_t *state, uint32_t count)
{
    const struct sp_selector_box *box[5];
    bool is_one_box = draw_below(state, 2) == 0;

    for (int i = 0; i < 5; i++)
        box[i] = is_one_box && i > 0 ? box[0] : &boxes[draw_below(state, count)];
    return (struct sp_selector_key){
        .family = 4,
        .protocol =
            box[0]->protocol == SP_SELECTOR_PROTOCOL_ANY ? (uint8_t)draw(state) : (uint8_t)box[0]->protocol,
        .source.low = draw_edge(state, box[1]->source_first.low, box[1]->source_last.low),
        .destination.low = draw_edge(state, box[2]->destination_first.low, box[2]->destination_last.low),
        .source_port = (uint16_t)draw_edge(state, box[3]->source_port_first, box[3]->source_port_last),
        .destination_port =
            (uint16_t)draw_edge(state, box[4]->destination_port_first, box[4]->destination_port_last)};
}

static void hold_against_the_twin(const char *shape, uint32_t count)
{
    struct sp_selector_table *table;
    uint64_t state = count;

    for (uint32_t i = 0; i < KEYS; i++)
        keys[i] = draw_key(&state, count);
    cr_assert_eq(sp_selector_build_by("cuts", boxes, count, &table), SP_OK);
    for (uint32_t first = 0, burst; first < KEYS; first += burst) { /* of every size */
        burst = first % 67 + 1 < KEYS - first ? first % 67 + 1 : KEYS - first;
        sp_selector_lookup(table, keys + first, burst, found + first);
    }
    for (uint32_t i = 0; i < KEYS; i++)
        cr_assert_eq(found[i], sp_selector_naive(boxes, count, &keys[i]), "%s: key %u", shape, i);
    sp_selector_destroy(&table);
}

/* Boxes one inside the other: no cut takes them apart, and more than a leaf can hold are left. */
static uint32_t nest(void)
{
    uint32_t count = 1500;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t narrow = count - 1 - i;
        boxes[i] = anything();
        boxes[i].destination_first.low = boxes[i].destination_last.low = 0x0a000001;
        boxes[i].source_port_first = (uint16_t)narrow;
        boxes[i].source_port_last = (uint16_t)(UINT16_MAX - narrow);
    }
    return count;
}

/* Of one host, rules for source ports and rules for destination ports: each are wide where others are cut. */
static uint32_t cross(void)
{
    uint32_t count = 2400;

    for (uint32_t i = 0; i < count; i++) {
        boxes[i] = anything();
        boxes[i].destination_first.low = boxes[i].destination_last.low = 0x0a000001 + i % 3;
        if (i % 2)
            boxes[i].source_port_first = boxes[i].source_port_last = (uint16_t)(i * 27);
        else
            boxes[i].destination_port_first = boxes[i].destination_port_last = (uint16_t)(i * 27);
    }
    return count;
}

/* Hosts of one small network, and between them ranges that reach over its edges. */
static uint32_t share_a_prefix(void)
{
    uint32_t count = 600, network = 0xc0a80200;

    for (uint32_t i = 0; i < count; i++) {
        boxes[i] = anything();
        boxes[i].source_first.low = boxes[i].source_last.low = network + i % 256;
        boxes[i].destination_first.low = i % 5 ? network + i * 7 % 256 : network - i;
        boxes[i].destination_last.low = i % 5 ? boxes[i].destination_first.low : network + i % 256;
        boxes[i].destination_port_first = (uint16_t)(i % 4 ? 443 : 0);
        boxes[i].destination_port_last = (uint16_t)(i % 4 ? 443 : 65000 + i);
        if (i % 50 == 49)
            boxes[i].source_first.low = network - 0x10000;
    }
    return count;
}

static uint32_t differ_in_protocol(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        boxes[i] = anything();
        boxes[i].protocol = (uint16_t)(255 - i);
        boxes[i].source_last.low = 0xffff;
    }
    for (uint32_t i = 256; i < 600; i++) {
        boxes[i] = anything();
        boxes[i].protocol = i % 3 ? (uint16_t)(i % 256) : SP_SELECTOR_PROTOCOL_ANY;
        boxes[i].destination_first.low = boxes[i].destination_last.low = i % 40;
        boxes[i].source_port_first = (uint16_t)i;
    }
    return 600;
}

static void draw_range(uint64_t *state, uint32_t bits, uint32_t *ret_first, uint32_t *ret_last)
{
    uint32_t most = (uint32_t)((UINT64_C(1) << bits) - 1), step = most / 15;
    uint32_t a = draw_below(state, 16) * step, b = draw_below(state, 16) * step;
    bool is_any = draw_below(state, 2) == 0, is_one = draw_below(state, 3) > 0;

    *ret_first = is_any ? 0 : is_one || a < b ? a : b;
    *ret_last = is_any ? most : is_one || a > b ? a : b;
}

/* Few values in all dimensions, any of them together: all are copied, up to the limit. */
static uint32_t tangle(void)
{
    uint64_t state = 1;

    for (uint32_t i = 0; i < BOXES_MAX; i++) {
        uint32_t first[4], last[4];
        for (int k = 0; k < 4; k++)
            draw_range(&state, k < 2 ? 32 : 16, &first[k], &last[k]);
        boxes[i] = anything();
        boxes[i].source_first.low = first[0];
        boxes[i].source_last.low = last[0];
        boxes[i].destination_first.low = first[1];
        boxes[i].destination_last.low = last[1];
        boxes[i].source_port_first = (uint16_t)first[2];
        boxes[i].source_port_last = (uint16_t)last[2];
        boxes[i].destination_port_first = (uint16_t)first[3];
        boxes[i].destination_port_last = (uint16_t)last[3];
        if (draw_below(&state, 2))
            boxes[i].protocol = (uint16_t)draw_below(&state, 3);
    }
    return BOXES_MAX;
}

static void hold_all_shapes(void)
{
    hold_against_the_twin("nested", nest());
    hold_against_the_twin("crossing", cross());
    hold_against_the_twin("of one prefix", share_a_prefix());
    hold_against_the_twin("of all protocols", differ_in_protocol());
    hold_against_the_twin("tangled", tangle());
    for (uint32_t count = 1; count < 40; count += 3)
        hold_against_the_twin("few", count);
}

/* Each test is its own process: the processor's features haven't been asked for yet. */
Test(cuts, agree_with_the_naive_twin_on_odd_shapes)
{
    hold_all_shapes();
}

Test(cuts, agree_with_the_naive_twin_on_odd_shapes_without_avx512)
{
    cr_assert_eq(setenv("SALLYPORT_CPUMASK", "avx512", 1), 0);
    hold_all_shapes();
}

Test(cuts, agree_with_the_naive_twin_on_odd_shapes_without_vector_instructions)
{
    cr_assert_eq(setenv("SALLYPORT_CPUMASK", "all", 1), 0);
    hold_all_shapes();
}

Test(cuts, are_chosen_beyond_a_scan_where_there_is_avx512)
{
    struct sp_selector_table *table;

    if (!(sp_cpu_features() & SP_CPU_AVX512))
        cr_skip_test("this processor has no AVX-512");
    cr_assert_eq(sp_selector_build(boxes, share_a_prefix(), &table), SP_OK);
    cr_assert_str_eq(sp_selector_method_name(table, 4), "cuts");
    sp_selector_destroy(&table);
}

/* 1 KB a box is what a large policy may take, the copy of the boxes included. */
Test(cuts, copies_end_before_memory_does)
{
    struct sp_selector_table *table;

    cr_assert_eq(sp_selector_build_by("cuts", boxes, tangle(), &table), SP_OK);
    cr_assert_lt(sp_selector_bytes(table), (size_t)BOXES_MAX * 1024);
    sp_selector_destroy(&table);
}
