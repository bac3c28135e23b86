/* SPDX-License-Identifier: ISC
 *
 * The tree of boxes, and the search that asks it, against a look at every box.
 */
#include "policy/box_index.h"
#include "policy/search.h"
#include "unit/policy/fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define BOXES 300

struct world {
    struct sp_piece boxes[BOXES];
    bool is_left_out[BOXES];
    uint32_t count;
    struct sp_box_index index;
};

/* Narrow in some dimensions, wide in others, and now and then the same as another. */
static struct sp_box draw_box(uint64_t *state)
{
    const uint8_t family = (draw(state) >> 20) % 3 == 0 ? 6 : 4;
    struct sp_box box = sp_box_everything(family);
    const bool has_ports = (draw(state) >> 20) % 2 == 0;
    for (int d = 0; d < (has_ports ? SP_DIMENSIONS : SP_SOURCE_PORT); d++) {
        const sp_number first = (draw(state) >> 20) % 12, length = (draw(state) >> 20) % 6;
        if ((draw(state) >> 20) % 3 == 0 && d != SP_PROTOCOL)
            continue;
        box.first[d] = first;
        box.last[d] = d == SP_PROTOCOL ? first : first + length;
    }
    return box;
}

static void make_world(struct world *world, uint32_t count, uint64_t *state)
{
    world->count = count;
    for (uint32_t i = 0; i < count; i++) {
        world->boxes[i] = (struct sp_piece){.box = draw_box(state), .rule = i};
        world->is_left_out[i] = (draw(state) >> 20) % 4 == 0;
    }
    cr_assert_eq(sp_box_index_create(&world->index, world->boxes, count, world->is_left_out), SP_OK);
}

static bool is_meeting(const struct world *world, uint32_t place, const struct sp_box *box)
{
    return !world->is_left_out[place] && sp_box_meets(&world->boxes[place].box, box);
}

static void ask(const struct world *world, const struct sp_box *box, uint32_t from, uint32_t before)
{
    static struct sp_box_places places; /* used again and again */
    uint32_t first = SP_BOX_NOWHERE;
    bool is_covered = false, is_met = false;
    size_t met = 0;
    cr_assert_eq(sp_box_index_all(&world->index, box, from, before, &places), SP_OK);
    for (uint32_t i = 0; i < world->count; i++) {
        if (!is_meeting(world, i, box))
            continue;
        first = first == SP_BOX_NOWHERE ? i : first;
        is_met |= i < before;
        is_covered |= i < before && sp_box_covers(&world->boxes[i].box, box);
        if (i >= from && i < before)
            cr_assert(met < places.count && places.places[met++] == i);
    }
    cr_assert_eq(places.count, met);
    cr_assert_eq(sp_box_index_first(&world->index, box), first);
    const uint32_t meeting = sp_box_index_meet(&world->index, box, before);
    cr_assert_eq(meeting != SP_BOX_NOWHERE, is_met);
    cr_assert(!is_met || (meeting < before && is_meeting(world, meeting, box)));
    const uint32_t covering = sp_box_index_cover(&world->index, box, before);
    cr_assert_eq(covering != SP_BOX_NOWHERE, is_covered);
    cr_assert(!is_covered || (covering < before && !world->is_left_out[covering] &&
                              sp_box_covers(&world->boxes[covering].box, box)));
}

Test(box_index, every_question_is_answered_as_a_look_at_each_box_answers_it)
{
    static struct world world;
    uint64_t state = 31415926;
    for (uint32_t count = 0; count < BOXES; count += count < 20 ? 1 : 31) {
        make_world(&world, count, &state);
        for (int i = 0; i < 100; i++) {
            const struct sp_box box = draw_box(&state);
            const uint32_t before = (uint32_t)((draw(&state) >> 20) % (count + 2));
            ask(&world, &box, (uint32_t)((draw(&state) >> 20) % (before + 1)), before);
            ask(&world, &box, 0, SP_BOX_NOWHERE);
        }
        sp_box_index_free(&world.index);
    }
}

/* What the fences leave of the box, by subtracting. */
static bool is_anything_left(const struct world *world, const struct sp_box *box,
                             const struct sp_fence *fences)
{
    struct sp_region left = {0};
    bool is_left = false;
    cr_assert_eq(sp_region_add(&left, box, 0), SP_OK);
    for (int f = 0; f < 2; f++) {
        for (uint32_t i = 0; i < world->count && i < fences[f].before; i++) {
            const struct sp_box taken = f == 0 ? world->boxes[i].box : sp_box_mirror(&world->boxes[i].box);
            if (!world->is_left_out[i])
                cr_assert_eq(sp_region_subtract(&left, &taken), SP_OK);
        }
    }
    for (size_t i = 0; i < left.count; i++)
        is_left |= sp_box_is_sent(&left.pieces[i].box);
    sp_region_free(&left);
    return is_left;
}

static void expect_free(const struct world *world, const struct sp_box *part, const struct sp_fence *fences)
{
    const struct sp_box mirror = sp_box_mirror(part);
    cr_assert(sp_box_is_sent(part));
    /* ports are those of one protocol */
    cr_assert(part->first[SP_PROTOCOL] == part->last[SP_PROTOCOL] ||
              (sp_box_is_open(part, SP_SOURCE_PORT) && sp_box_is_open(part, SP_DESTINATION_PORT)));
    for (uint32_t i = 0; i < world->count; i++) {
        cr_assert(i >= fences[0].before || !is_meeting(world, i, part));
        cr_assert(i >= fences[1].before || !is_meeting(world, i, &mirror));
    }
}

Test(box_index, a_search_finds_a_part_that_nothing_takes_from_exactly_when_subtracting_leaves_one)
{
    static struct world world;
    struct sp_search search = {0};
    uint64_t state = 16180339;
    unsigned found = 0, not_found = 0;
    for (int round = 0; round < 300; round++) {
        make_world(&world, 1 + (uint32_t)((draw(&state) >> 20) % 60), &state);
        for (int i = 0; i < 10; i++) {
            const struct sp_box box = draw_box(&state);
            const struct sp_fence fences[2] = {
                {.index = &world.index, .before = (uint32_t)((draw(&state) >> 20) % (world.count + 1))},
                {.index = &world.index,
                 .before = (uint32_t)((draw(&state) >> 20) % (world.count + 1)) * (i % 2u),
                 .is_mirrored = true}};
            struct sp_box part = {0};
            bool is_found = false;
            cr_assert_eq(sp_search_free(&search, &box, fences, 2, &is_found, &part), SP_OK);
            cr_assert_eq(is_found, is_anything_left(&world, &box, fences));
            if (is_found) {
                cr_assert(sp_box_covers(&box, &part));
                expect_free(&world, &part, fences);
            }
            found += is_found;
            not_found += !is_found;
        }
        sp_box_index_free(&world.index);
    }
    cr_assert(found > 200 && not_found > 200, "%u, %u", found, not_found);
    sp_search_end(&search);
}
