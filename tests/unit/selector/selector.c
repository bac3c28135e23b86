/* SPDX-License-Identifier: ISC
 *
 * Tests of lib/selector/selector.c: what the header promises, whatever the method. methods.c holds each
 * method against the naive twin.
 */
#include "selector/selector.h"

#include <criterion/criterion.h>

#include <stdlib.h>

static struct sp_selector_box everything(uint32_t rule)
{
    return (struct sp_selector_box){.protocol = SP_SELECTOR_PROTOCOL_ANY,
                                    .rule = rule,
                                    .source_port_last = UINT16_MAX,
                                    .destination_port_last = UINT16_MAX};
}

static uint32_t lookup(const struct sp_selector_box *boxes, uint32_t count, struct sp_selector_key key)
{
    struct sp_selector_table *table;
    cr_assert_eq(sp_selector_build(boxes, count, &table), SP_OK);
    uint32_t box;
    sp_selector_lookup(table, &key, 1, &box);
    sp_selector_destroy(&table);
    cr_assert_null(table);
    return box;
}

Test(selector, an_empty_table_misses)
{
    cr_assert_eq(lookup(NULL, 0, (struct sp_selector_key){.family = 4}), SP_SELECTOR_MISS);
}

Test(selector, the_first_of_two_matching_boxes_decides)
{
    struct sp_selector_box boxes[] = {everything(7), everything(8)};
    cr_assert_eq(lookup(boxes, 2, (struct sp_selector_key){.family = 6}), 0);
}

Test(selector, a_box_of_the_other_family_is_passed_over)
{
    struct sp_selector_box boxes[] = {everything(1), everything(2)};
    boxes[0].family = 6;
    boxes[0].source_last.high = boxes[0].source_last.low = UINT64_MAX;
    boxes[0].destination_last = boxes[0].source_last;
    cr_assert_eq(lookup(boxes, 2, (struct sp_selector_key){.family = 4}), 1);
    cr_assert_eq(lookup(boxes, 2, (struct sp_selector_key){.family = 6}), 0);
}

Test(selector, unknown_ports_meet_a_protecting_box_but_not_a_bypassing_one)
{
    struct sp_selector_box boxes[] = {everything(1), everything(2)};
    for (int i = 0; i < 2; i++) {
        boxes[i].has_ports = true;
        boxes[i].destination_port_first = boxes[i].destination_port_last = 80;
    }
    boxes[0].is_bypass = true;
    cr_assert_eq(lookup(boxes, 2, (struct sp_selector_key){.family = 4, .ports_unknown = true}), 1);
    cr_assert_eq(lookup(boxes, 1, (struct sp_selector_key){.family = 4, .ports_unknown = true}),
                 SP_SELECTOR_MISS);
}

Test(selector, ports_count_for_nothing_in_a_box_that_has_none)
{
    struct sp_selector_box box = everything(1);
    box.source_port_last = box.destination_port_last = 0;
    box.is_bypass = true;
    cr_assert_eq(lookup(&box, 1, (struct sp_selector_key){.family = 4, .source_port = 9}), 0);
    cr_assert_eq(lookup(&box, 1, (struct sp_selector_key){.family = 4, .ports_unknown = true}), 0);
}

Test(selector, a_range_that_ends_before_it_begins_holds_nothing)
{
    struct sp_selector_box boxes[] = {everything(1), everything(2)};
    boxes[0].family = 4;
    boxes[0].source_first.low = 2;
    boxes[0].source_last.low = 1;
    boxes[0].destination_last.low = UINT32_MAX;
    cr_assert_eq(lookup(boxes, 2, (struct sp_selector_key){.family = 4, .source.low = 1}), 1);
    boxes[0] = everything(1);
    boxes[0].has_ports = true;
    boxes[0].source_port_first = 2;
    boxes[0].source_port_last = 1;
    cr_assert_eq(lookup(boxes, 2, (struct sp_selector_key){.family = 4, .source_port = 1}), 1);
}

Test(selector, a_protocol_that_no_packet_can_have_holds_nothing)
{
    struct sp_selector_box boxes[] = {everything(1), everything(2)};
    boxes[0].protocol = 256;
    cr_assert_eq(lookup(boxes, 2, (struct sp_selector_key){.family = 4, .protocol = 0}), 1);
}

Test(selector, the_last_address_and_port_are_held)
{
    struct sp_selector_box box = everything(1);
    box.family = 6;
    box.protocol = 255;
    box.has_ports = true;
    box.source_port_first = box.destination_port_first = 65535;
    box.source_first = box.source_last = box.destination_first = box.destination_last =
        (struct sp_selector_address){UINT64_MAX, UINT64_MAX};
    struct sp_selector_key key = {.family = 6,
                                  .protocol = 255,
                                  .source_port = 65535,
                                  .destination_port = 65535,
                                  .source = box.source_first,
                                  .destination = box.source_first};
    cr_assert_eq(lookup(&box, 1, key), 0);
    key.source.low--;
    cr_assert_eq(lookup(&box, 1, key), SP_SELECTOR_MISS);
}

Test(selector, an_unknown_method_is_refused_and_nothing_is_made)
{
    struct sp_selector_table *table = NULL;
    cr_assert_eq(sp_selector_build_by("guess", NULL, 0, &table), SP_ERR_NOT_FOUND);
    cr_assert_null(table);
}

Test(selector, more_boxes_of_a_family_than_bit_vectors_take_are_refused)
{
    enum { COUNT = 8001 };
    struct sp_selector_box *boxes = calloc(COUNT, sizeof *boxes);
    for (uint32_t i = 0; i < COUNT; i++) {
        boxes[i] = everything(i);
        boxes[i].has_ports = true;
        boxes[i].source_port_first = boxes[i].source_port_last = (uint16_t)i;
    }
    struct sp_selector_table *table = NULL;
    cr_assert_eq(sp_selector_build_by("bits", boxes, COUNT, &table), SP_ERR_LIMIT);
    cr_assert_null(table);
    cr_assert_eq(sp_selector_build_by("bits", boxes, COUNT - 1, &table), SP_OK);
    sp_selector_destroy(&table);
    free(boxes);
}

Test(selector, the_method_changes_with_the_number_of_boxes)
{
    enum { COUNT = 10000 };
    static struct sp_selector_box boxes[COUNT];
    static const struct {
        uint32_t count;
        const char *method;
    } cases[] = {{0, "none"}, {10, "linear"}, {1000, "bits"}, {COUNT, "tuples"}};
    for (uint32_t i = 0; i < COUNT; i++) {
        boxes[i] = everything(i);
        boxes[i].has_ports = true;
        boxes[i].source_port_first = boxes[i].source_port_last = (uint16_t)i;
    }
    cr_assert_eq(setenv("SALLYPORT_CPUMASK", "all", 1), 0); /* what every processor has */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sp_selector_table *table;
        cr_assert_eq(sp_selector_build(boxes, cases[i].count, &table), SP_OK);
        cr_assert_str_eq(sp_selector_method_name(table, 4), cases[i].method);
        sp_selector_destroy(&table);
    }
}

Test(selector, equal_boxes_cost_the_memory_of_one_but_for_the_copy)
{
    enum { COUNT = 1000 };
    static struct sp_selector_box boxes[COUNT];
    struct sp_selector_table *one, *many;
    for (uint32_t i = 0; i < COUNT; i++)
        boxes[i] = everything(i);
    cr_assert_eq(sp_selector_build(boxes, 1, &one), SP_OK);
    cr_assert_eq(sp_selector_build(boxes, COUNT, &many), SP_OK);
    cr_assert_eq(sp_selector_bytes(many) - sp_selector_bytes(one), (COUNT - 1) * sizeof boxes[0]);
    sp_selector_destroy(&one);
    sp_selector_destroy(&many);
}
