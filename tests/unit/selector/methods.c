/* SPDX-License-Identifier: ISC
 *
 * Each method of lib/selector against the naive twin, on rule sets and traces of bench/classbench.h.
 *
 * 100,000 lookups a method in the everyday suite, 10,000,000 at night.
 */
#include "selector/selector.h"

#include "../../../bench/classbench.h"

#include <criterion/criterion.h>

#include <stdlib.h>

#define BOXES_MAX 1500
#define BURST 300 /* not a multiple of anything */

/* Boxes of both families, some of neither, in one order. */
static uint32_t draw_boxes(uint64_t seed, struct sp_selector_box *boxes)
{
    static const uint32_t counts[] = {1, 3, 9, 40, 150, 400, BOXES_MAX};
    enum classbench_style style = (enum classbench_style)(seed % CLASSBENCH_STYLES);
    uint32_t count = counts[seed / CLASSBENCH_STYLES % (sizeof counts / sizeof counts[0])];
    static struct sp_selector_box ipv6[BOXES_MAX];

    classbench_boxes(style, 4, count, seed, boxes);
    classbench_boxes(style, 6, count, seed + 1, ipv6);
    for (uint32_t i = 0; i < count; i++) {
        if (i % 3 == 1)
            boxes[i] = ipv6[i];
        if (i % 101 == 100)
            boxes[i] = (struct sp_selector_box){.protocol = (uint16_t)(i % 50),
                                                .has_ports = true,
                                                .is_bypass = i % 2 == 0,
                                                .source_port_last = UINT16_MAX,
                                                .destination_port_first = 1000,
                                                .destination_port_last = 1500};
    }
    return count;
}

/* Half of the packets at the very edges of boxes, where comparisons go wrong. */
static void draw_keys(uint64_t seed, const struct sp_selector_box *boxes, uint32_t count,
                      struct sp_selector_key *keys)
{
    static struct sp_selector_box of_family[BOXES_MAX];
    uint32_t family_counts[2] = {0, 0};

    for (int family = 4; family <= 6; family += 2) {
        uint32_t *family_count = &family_counts[family == 6];
        for (uint32_t i = 0; i < count; i++)
            if (boxes[i].family == family || boxes[i].family == 0)
                of_family[(*family_count)++] = boxes[i];
        classbench_trace(of_family, *family_count, (uint8_t)family, false, seed,
                         keys + (family == 6) * BURST / 2, BURST / 2);
    }
    for (uint32_t i = 0; i < BURST; i++) {
        const struct sp_selector_box *box = &boxes[(seed + i) % count];
        if (i % 5 == 0)
            keys[i].ports_unknown = true;
        if (i % 2 == 0 || box->family != keys[i].family)
            continue;
        keys[i].source = i % 4 == 1 ? box->source_first : box->source_last;
        keys[i].destination = i % 8 < 4 ? box->destination_last : box->destination_first;
        keys[i].destination_port = i % 3 ? box->destination_port_first : box->destination_port_last;
        keys[i].source_port = i % 7 ? box->source_port_last : box->source_port_first;
        if (i % 16 == 1)
            keys[i].source.low++;
        if (i % 16 == 3)
            keys[i].destination.low--;
        if (keys[i].family == 4) {
            keys[i].source.low &= UINT32_MAX;
            keys[i].destination.low &= UINT32_MAX;
        }
    }
    for (uint32_t i = 0; i < BURST / 2; i += 2) { /* families take turns */
        struct sp_selector_key swap = keys[i];
        keys[i] = keys[BURST - 1 - i];
        keys[BURST - 1 - i] = swap;
    }
}

static enum sp_status build(const char *method, const struct sp_selector_box *boxes, uint32_t count,
                            struct sp_selector_table **ret_table)
{
    return method ? sp_selector_build_by(method, boxes, count, ret_table)
                  : sp_selector_build(boxes, count, ret_table);
}

static void hold_against_the_twin(const char *method, uint64_t lookups)
{
    static struct sp_selector_box boxes[BOXES_MAX];
    static struct sp_selector_key keys[BURST];
    uint32_t found[BURST];

    for (uint64_t seed = 0, done = 0; done < lookups; seed++) {
        uint32_t count = draw_boxes(seed, boxes);
        struct sp_selector_table *table;
        cr_assert_eq(build(method, boxes, count, &table), SP_OK);
        for (uint64_t burst = 0; burst < 4; burst++, done += BURST) {
            draw_keys(seed * 4 + burst, boxes, count, keys);
            sp_selector_lookup(table, keys, BURST, found);
            for (uint32_t i = 0; i < BURST; i++)
                cr_assert_eq(found[i], sp_selector_naive(boxes, count, &keys[i]), "seed %lu burst %lu key %u",
                             (unsigned long)seed, (unsigned long)burst, i);
        }
        sp_selector_destroy(&table);
    }
}

static uint64_t lookups(void)
{
    const char *is_night = getenv("SP_NIGHTLY");

    return is_night && *is_night ? 10000000 : 100000;
}

Test(methods, the_method_of_choice_agrees_with_the_naive_twin)
{
    hold_against_the_twin(NULL, lookups());
}

Test(methods, the_scan_agrees_with_the_naive_twin)
{
    hold_against_the_twin("linear", lookups());
}

Test(methods, the_bit_vectors_agree_with_the_naive_twin)
{
    hold_against_the_twin("bits", lookups());
}

Test(methods, the_tuples_agree_with_the_naive_twin)
{
    hold_against_the_twin("tuples", lookups());
}

Test(methods, the_cut_trees_agree_with_the_naive_twin)
{
    hold_against_the_twin("cuts", lookups());
}

/* Each test is its own process: the processor's features haven't been asked for yet. */
Test(methods, all_agree_with_the_naive_twin_without_vector_instructions)
{
    cr_assert_eq(setenv("SALLYPORT_CPUMASK", "all", 1), 0);
    hold_against_the_twin("linear", 20000);
    hold_against_the_twin("bits", 20000);
    hold_against_the_twin("tuples", 20000);
    hold_against_the_twin("cuts", 20000);
}

Test(methods, all_agree_with_the_naive_twin_without_avx512)
{
    cr_assert_eq(setenv("SALLYPORT_CPUMASK", "avx512", 1), 0);
    hold_against_the_twin("linear", 20000);
    hold_against_the_twin("bits", 20000);
    hold_against_the_twin("tuples", 20000);
    hold_against_the_twin("cuts", 20000);
}

enum { KEYS = 3000 };

static void hold_large_table(enum classbench_style style, uint8_t family, const char *method, uint32_t count)
{
    struct sp_selector_box *boxes = malloc(count * sizeof *boxes);
    struct sp_selector_key *keys = malloc(KEYS * sizeof *keys);
    uint32_t *found = malloc(KEYS * sizeof *found);
    struct sp_selector_table *table;

    classbench_boxes(style, family, count, 7, boxes);
    classbench_trace(boxes, count, family, false, 8, keys, KEYS);
    for (uint32_t i = 0; i < KEYS; i += 9)
        keys[i].ports_unknown = true;
    cr_assert_eq(build(method, boxes, count, &table), SP_OK);
    sp_selector_lookup(table, keys, KEYS, found);
    for (uint32_t i = 0; i < KEYS; i++)
        cr_assert_eq(found[i], sp_selector_naive(boxes, count, &keys[i]), "%s key %u",
                     classbench_style_names[style], i);
    sp_selector_destroy(&table);
    free(boxes);
    free(keys);
    free(found);
}

Test(methods, sparse_bit_vectors_agree_with_the_naive_twin_on_8000_boxes)
{
    for (int style = 0; style < 3; style++)
        hold_large_table((enum classbench_style)style, style == 1 ? 6 : 4, "bits", 8000);
}

Test(methods, tuples_agree_with_the_naive_twin_on_12000_boxes)
{
    for (int style = 0; style < 3; style++)
        for (uint8_t family = 4; family <= 6; family += 2)
            hold_large_table((enum classbench_style)style, family, "tuples", 12000);
}

Test(methods, cut_trees_agree_with_the_naive_twin_on_12000_boxes)
{
    for (int style = 0; style < CLASSBENCH_STYLES; style++)
        hold_large_table((enum classbench_style)style, 4, "cuts", 12000);
}

Test(methods, ranges_without_structure_are_classified_in_whatever_number)
{
    hold_large_table(CLASSBENCH_UNIFORM, 4, NULL, 6000);
    hold_large_table(CLASSBENCH_UNIFORM, 6, NULL, 6000);
}
