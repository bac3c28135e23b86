/* SPDX-License-Identifier: ISC
 *
 * Tests of bench/classbench.c: what benches and other tests draw from it.
 */
#include "../../../bench/classbench.h"

#include <criterion/criterion.h>

#include <string.h>

#define COUNT 2000

static struct sp_selector_box boxes[COUNT], again[COUNT];
static struct sp_selector_key keys[COUNT];

static bool is_ordered(struct sp_selector_address first, struct sp_selector_address last)
{
    return first.high < last.high || (first.high == last.high && first.low <= last.low);
}

static uint32_t differences(void)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < COUNT; i++)
        count +=
            boxes[i].protocol != again[i].protocol || boxes[i].is_bypass != again[i].is_bypass ||
            boxes[i].source_port_first != again[i].source_port_first ||
            boxes[i].destination_port_last != again[i].destination_port_last ||
            memcmp(&boxes[i].source_first, &again[i].source_first, 4 * sizeof boxes[i].source_first) != 0;
    return count;
}

Test(classbench, the_same_seed_gives_the_same_boxes_and_another_one_others)
{
    for (int style = 0; style < CLASSBENCH_STYLES; style++) {
        classbench_boxes((enum classbench_style)style, 4, COUNT, 1, boxes);
        classbench_boxes((enum classbench_style)style, 4, COUNT, 1, again);
        cr_assert_eq(differences(), 0);
        classbench_boxes((enum classbench_style)style, 4, COUNT, 2, again);
        cr_assert_gt(differences(), COUNT / 2);
    }
}

Test(classbench, each_box_has_its_family_its_place_and_ranges_that_hold_something)
{
    for (int style = 0; style < CLASSBENCH_STYLES; style++)
        for (uint8_t family = 4; family <= 6; family += 2) {
            classbench_boxes((enum classbench_style)style, family, COUNT, 3, boxes);
            for (uint32_t i = 0; i < COUNT; i++) {
                const struct sp_selector_box *box = &boxes[i];
                cr_assert_eq(box->family, family);
                cr_assert_eq(box->rule, i);
                cr_assert(is_ordered(box->source_first, box->source_last));
                cr_assert(is_ordered(box->destination_first, box->destination_last));
                cr_assert_leq(box->source_port_first, box->source_port_last);
                cr_assert_leq(box->destination_port_first, box->destination_port_last);
                cr_assert(family == 6 || box->source_last.low <= UINT32_MAX);
            }
        }
}

Test(classbench, firewalls_leave_one_end_open_and_access_lists_name_destinations)
{
    uint32_t open_sources[CLASSBENCH_STYLES] = {0}, hosts[CLASSBENCH_STYLES] = {0};

    for (int style = 0; style < CLASSBENCH_STYLES; style++) {
        classbench_boxes((enum classbench_style)style, 4, COUNT, 4, boxes);
        for (uint32_t i = 0; i < COUNT; i++) {
            open_sources[style] += boxes[i].source_last.low - boxes[i].source_first.low == UINT32_MAX;
            hosts[style] += boxes[i].destination_last.low == boxes[i].destination_first.low;
        }
    }
    cr_assert_gt(open_sources[CLASSBENCH_FW], COUNT * 4 / 10);
    cr_assert_lt(open_sources[CLASSBENCH_ACL], COUNT / 10);
    cr_assert_gt(hosts[CLASSBENCH_ACL], COUNT * 7 / 10);
}

static uint32_t hits(void)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < COUNT; i++)
        count += sp_selector_naive(boxes, COUNT, &keys[i]) != SP_SELECTOR_MISS;
    return count;
}

Test(classbench, nine_packets_of_ten_are_held_by_a_box)
{
    for (uint8_t family = 4; family <= 6; family += 2) {
        classbench_boxes(CLASSBENCH_ACL, family, COUNT, 5, boxes);
        classbench_trace(boxes, COUNT, family, false, 6, keys, COUNT);
        cr_assert_geq(hits(), COUNT * 85 / 100);
    }
}

static uint32_t repeats(void)
{
    uint32_t count = 0;

    for (uint32_t i = 1; i < COUNT; i++)
        count += memcmp(&keys[i].source, &keys[i - 1].source, 2 * sizeof keys[i].source) == 0 &&
                 keys[i].source_port == keys[i - 1].source_port;
    return count;
}

Test(classbench, a_trace_with_locality_repeats_flows_and_a_uniform_one_does_not)
{
    classbench_boxes(CLASSBENCH_IPC, 4, COUNT, 9, boxes);
    classbench_trace(boxes, COUNT, 4, true, 10, keys, COUNT);
    cr_assert_gt(repeats(), COUNT / 20);
    classbench_trace(boxes, COUNT, 4, false, 10, keys, COUNT);
    cr_assert_lt(repeats(), COUNT / 100);
}
