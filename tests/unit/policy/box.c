/* SPDX-License-Identifier: ISC
 *
 * Set algebra on boxes and regions against membership, point by point, in a world of 3^5 packets.
 */
#include "policy/box.h"
#include "policy/region.h"
#include "unit/policy/fixture.h"

#include <criterion/criterion.h>

#define SIDE 3
#define POINTS (SIDE * SIDE * SIDE * SIDE * SIDE)

static struct sp_box point(unsigned number)
{
    struct sp_box box = {.family = 4};
    for (int d = 0; d < SP_DIMENSIONS; d++) {
        box.first[d] = box.last[d] = number % SIDE;
        number /= SIDE;
    }
    return box;
}

static struct sp_box random_box(uint64_t *state)
{
    struct sp_box box = {.family = 4};
    for (int d = 0; d < SP_DIMENSIONS; d++) {
        sp_number a = (draw(state) >> 20) % SIDE, b = (draw(state) >> 20) % SIDE;
        box.first[d] = a < b ? a : b;
        box.last[d] = a < b ? b : a;
    }
    return box;
}

static unsigned holders(const struct sp_box *boxes, uint32_t count, const struct sp_box *at)
{
    unsigned holders = 0;
    for (uint32_t i = 0; i < count; i++)
        holders += sp_box_covers(&boxes[i], at);
    return holders;
}

Test(box, intersection_and_difference_hold_exactly_the_points_they_should_and_each_once)
{
    uint64_t state = 88172645463325252u;
    for (int round = 0; round < 500; round++) {
        const struct sp_box left = random_box(&state), right = random_box(&state);
        struct sp_box common, remains[SP_BOX_REMAINS_MAX];
        const bool meets = sp_box_intersect(&left, &right, &common);
        const uint32_t count = meets ? sp_box_subtract(&left, &right, remains) : 0;
        cr_assert_eq(meets, sp_box_meets(&left, &right));
        for (unsigned i = 0; i < POINTS; i++) {
            const struct sp_box at = point(i);
            const bool in_left = sp_box_covers(&left, &at), in_right = sp_box_covers(&right, &at);
            cr_assert_eq(meets && sp_box_covers(&common, &at), in_left && in_right);
            if (meets)
                cr_assert_eq(holders(remains, count, &at), in_left && !in_right ? 1 : 0);
        }
    }
}

Test(box, a_region_less_some_boxes_is_disjoint_and_joining_its_pieces_changes_no_point)
{
    uint64_t state = 1234567;
    for (int round = 0; round < 200; round++) {
        struct sp_region region = {0};
        const struct sp_box whole = random_box(&state);
        struct sp_box taken[4];
        cr_assert_eq(sp_region_add(&region, &whole, 7), SP_OK);
        for (int i = 0; i < 4; i++) {
            taken[i] = random_box(&state);
            cr_assert_eq(sp_region_subtract(&region, &taken[i]), SP_OK);
        }
        for (int joined = 0; joined < 2; joined++, sp_region_join(&region))
            for (unsigned i = 0; i < POINTS; i++) {
                const struct sp_box at = point(i);
                unsigned found = 0;
                for (size_t k = 0; k < region.count; k++)
                    found += sp_box_covers(&region.pieces[k].box, &at);
                cr_assert_eq(found, sp_box_covers(&whole, &at) && holders(taken, 4, &at) == 0 ? 1 : 0);
            }
        sp_region_free(&region);
    }
}

Test(box, the_last_address_of_ipv6_neither_wraps_nor_gets_lost)
{
    struct sp_box all = sp_box_everything(6), top = all, remains[SP_BOX_REMAINS_MAX];
    top.first[SP_SOURCE] = top.last[SP_SOURCE] = ~(sp_number)0;
    cr_assert_eq(sp_box_subtract(&all, &top, remains), 1);
    cr_assert(remains[0].last[SP_SOURCE] == ~(sp_number)0 - 1);
    cr_assert_not(sp_box_join(&all, &(struct sp_box){.family = 6}));
    cr_assert(sp_box_join(&remains[0], &top));
    cr_assert(remains[0].first[SP_SOURCE] == 0 && remains[0].last[SP_SOURCE] == ~(sp_number)0);
}

Test(box, families_have_no_packet_in_common)
{
    struct sp_box four = sp_box_everything(4), six = sp_box_everything(6), common;
    cr_assert_not(sp_box_intersect(&four, &six, &common));
    cr_assert_not(sp_box_covers(&six, &four));
    cr_assert_not(sp_box_join(&six, &four));
}

Test(box, an_example_and_an_area_read_as_people_write_them)
{
    struct sp_box box = sp_box_everything(4);
    char text[SP_AREA_TEXT_BYTES];
    box.first[SP_DESTINATION_PORT] = box.last[SP_DESTINATION_PORT] = 80;
    box.first[SP_PROTOCOL] = box.last[SP_PROTOCOL] = 6;
    struct sp_flow flow = sp_box_example(&box, SP_OUTBOUND);
    struct sp_area area = sp_box_area(&box, SP_OUTBOUND);
    cr_assert_str_eq(sp_flow_format(&flow, text), "out tcp 192.0.2.1:1024 -> 192.0.2.2:80");
    cr_assert_str_eq(sp_area_format(&area, text), "out tcp 0.0.0.0/0 -> 0.0.0.0/0 port 80");
    box = sp_box_everything(6);
    box.first[SP_PROTOCOL] = 59;
    flow = sp_box_example(&box, SP_INBOUND);
    area = sp_box_area(&box, SP_INBOUND);
    cr_assert_str_eq(sp_flow_format(&flow, text), "in 59 2001:db8::2 -> 2001:db8::1");
    cr_assert_str_eq(sp_area_format(&area, text), "in 59-255 ::/0 -> ::/0");
}
