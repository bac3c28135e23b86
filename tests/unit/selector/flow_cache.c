/* SPDX-License-Identifier: ISC
 *
 * Tests of lib/selector/flow_cache.c: it says what the table says, and nothing that an older one said.
 */
#include "selector/flow_cache.h"

#include "../../../bench/classbench.h"

#include <criterion/criterion.h>

#define BOXES 300
#define KEYS 5000

static struct sp_selector_box boxes[BOXES];
static struct sp_selector_key keys[KEYS];
static uint32_t found[KEYS];

static struct sp_selector_table *draw_table(uint64_t seed)
{
    struct sp_selector_table *table;

    classbench_boxes(CLASSBENCH_ACL, 4, BOXES, seed, boxes);
    cr_assert_eq(sp_selector_build(boxes, BOXES, &table), SP_OK);
    return table;
}

static struct sp_flow_cache *create(uint32_t flows)
{
    struct sp_flow_cache *cache;

    cr_assert_eq(sp_flow_cache_create(flows, &cache), SP_OK);
    return cache;
}

static void look_up_and_compare(struct sp_flow_cache *cache, uint64_t tag,
                                const struct sp_selector_table *table)
{
    sp_flow_cache_lookup(cache, tag, table, keys, KEYS, found);
    for (uint32_t i = 0; i < KEYS; i++)
        cr_assert_eq(found[i], sp_selector_naive(boxes, BOXES, &keys[i]), "key %u", i);
}

Test(flow_cache, says_what_the_table_says_however_small_it_is)
{
    struct sp_selector_table *table = draw_table(1);

    classbench_trace(boxes, BOXES, 4, true, 2, keys, KEYS);
    for (uint32_t i = 0; i < KEYS; i += 7)
        keys[i].ports_unknown = true;
    for (uint32_t flows = 1; flows <= 4096; flows *= 16) {
        struct sp_flow_cache *cache = create(flows);
        look_up_and_compare(cache, 5, table);
        look_up_and_compare(cache, 5, table);
        sp_flow_cache_destroy(&cache);
        cr_assert_null(cache);
    }
    sp_selector_destroy(&table);
}

Test(flow_cache, a_flow_that_was_seen_is_a_hit)
{
    struct sp_selector_table *table = draw_table(1);
    struct sp_flow_cache *cache = create(1024);

    classbench_trace(boxes, BOXES, 4, false, 2, keys, 10);
    sp_flow_cache_lookup(cache, 1, table, keys, 10, found);
    cr_assert_eq(sp_flow_cache_stats(cache).misses, 10);
    sp_flow_cache_lookup(cache, 1, table, keys, 10, found);
    cr_assert_eq(sp_flow_cache_stats(cache).misses, 10);
    cr_assert_eq(sp_flow_cache_stats(cache).hits, 10);
    sp_flow_cache_destroy(&cache);
    sp_selector_destroy(&table);
}

Test(flow_cache, two_flows_of_one_set_stay_and_a_third_pushes_the_older_out)
{
    struct sp_selector_table *table = draw_table(1);
    struct sp_flow_cache *cache = create(2);

    for (uint16_t i = 0; i < 3; i++)
        keys[i] = (struct sp_selector_key){.family = 4, .source_port = i};
    sp_flow_cache_lookup(cache, 1, table, keys, 2, found);
    sp_flow_cache_lookup(cache, 1, table, keys, 2, found);
    cr_assert_eq(sp_flow_cache_stats(cache).hits, 2);
    sp_flow_cache_lookup(cache, 1, table, keys + 2, 1, found);
    sp_flow_cache_lookup(cache, 1, table, keys + 1, 1, found);
    cr_assert_eq(sp_flow_cache_stats(cache).hits, 3);
    sp_flow_cache_lookup(cache, 1, table, keys, 1, found);
    cr_assert_eq(sp_flow_cache_stats(cache).hits, 3);
    sp_flow_cache_destroy(&cache);
    sp_selector_destroy(&table);
}

Test(flow_cache, an_answer_of_another_tag_counts_for_nothing)
{
    struct sp_flow_cache *cache = create(65536);

    for (uint64_t generation = 0; generation < 5; generation++) {
        struct sp_selector_table *table = draw_table(generation);
        if (generation == 0)
            classbench_trace(boxes, BOXES, 4, true, 9, keys, KEYS);
        look_up_and_compare(cache, generation, table);
        sp_selector_destroy(&table);
    }
    sp_flow_cache_destroy(&cache);
}

Test(flow_cache, each_part_of_the_key_tells_flows_apart)
{
    struct sp_selector_table *table = draw_table(1);
    struct sp_flow_cache *cache = create(1024);
    struct sp_selector_key key = {.family = 6, .protocol = 6};
    struct sp_selector_key others[] = {key, key, key, key, key, key, key, key, key};

    others[1].family = 4;
    others[2].protocol = 17;
    others[3].ports_unknown = true;
    others[4].source_port = 1;
    others[5].destination_port = 1;
    others[6].source.high = 1;
    others[7].source.low = 1;
    others[8].destination.high = 1;
    for (int i = 0; i < 9; i++)
        sp_flow_cache_lookup(cache, 1, table, &others[i], 1, found);
    cr_assert_eq(sp_flow_cache_stats(cache).hits, 0);
    key.destination.low = 1;
    sp_flow_cache_lookup(cache, 1, table, &key, 1, found);
    cr_assert_eq(sp_flow_cache_stats(cache).hits, 0);
    sp_flow_cache_destroy(&cache);
    sp_selector_destroy(&table);
}

Test(flow_cache, a_burst_of_one_new_flow_takes_one_place)
{
    struct sp_selector_table *table = draw_table(1);
    struct sp_flow_cache *cache = create(2);

    keys[0] = (struct sp_selector_key){.family = 4, .source_port = 9};
    sp_flow_cache_lookup(cache, 1, table, keys, 1, found);
    for (int i = 0; i < 8; i++)
        keys[i] = (struct sp_selector_key){.family = 4, .source_port = 8};
    sp_flow_cache_lookup(cache, 1, table, keys, 8, found);
    keys[0].source_port = 9;
    sp_flow_cache_lookup(cache, 1, table, keys, 1, found);
    cr_assert_eq(sp_flow_cache_stats(cache).hits, 1);
    sp_flow_cache_destroy(&cache);
    sp_selector_destroy(&table);
}

Test(flow_cache, rests_where_flows_are_new_and_comes_back_for_known_ones)
{
    struct sp_selector_table *table = draw_table(1);
    struct sp_flow_cache *cache = create(64);
    struct sp_selector_key known[16];

    for (int burst = 0; burst < 8; burst++) {
        classbench_trace(boxes, BOXES, 4, false, (uint64_t)burst, keys, KEYS);
        look_up_and_compare(cache, 1, table);
    }
    struct sp_flow_cache_stats before = sp_flow_cache_stats(cache);
    cr_assert_gt(before.unasked, before.misses);
    /* Drawn, because flows that differ in a port alone may share few sets under one key in some hundred. */
    classbench_trace(boxes, BOXES, 4, false, 8, known, 16);
    for (int burst = 0; burst < 20; burst++) {
        for (uint32_t i = 0; i < KEYS; i++)
            keys[i] = known[i % 16];
        look_up_and_compare(cache, 1, table);
    }
    cr_assert_gt(sp_flow_cache_stats(cache).hits, before.hits + KEYS);
    sp_flow_cache_destroy(&cache);
    sp_selector_destroy(&table);
}

Test(flow_cache, no_flows_and_far_too_many_are_refused)
{
    struct sp_flow_cache *cache = NULL;

    cr_assert_eq(sp_flow_cache_create(0, &cache), SP_ERR_INVALID);
    cr_assert_eq(sp_flow_cache_create((1u << 24) + 1, &cache), SP_ERR_INVALID);
    cr_assert_null(cache);
}
