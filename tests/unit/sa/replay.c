/* SPDX-License-Identifier: ISC
 *
 * The replay window against a naive twin: a list of every number accepted so far.
 */
#include "sa/replay.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#define TWIN_MAX 8192u
#define BORDER ((uint64_t)1 << 32)

/* Remembers all, forgets nothing: what RFC 4303 3.4.3 says, word for word. */
struct twin {
    uint64_t seen[TWIN_MAX];
    size_t count;
    uint64_t highest;
    uint32_t window;
};

static bool twin_accept(struct twin *twin, uint64_t sequence)
{
    if (sequence == 0 || sequence + twin->window <= twin->highest)
        return false;
    for (size_t i = 0; i < twin->count; i++)
        if (twin->seen[i] == sequence)
            return false;
    cr_assert_lt(twin->count, TWIN_MAX);
    twin->seen[twin->count++] = sequence;
    if (sequence > twin->highest)
        twin->highest = sequence;
    return true;
}

static void offer_both(struct sp_replay *replay, struct twin *twin, uint64_t sequence)
{
    uint64_t highest = twin->highest;
    bool expected = twin_accept(twin, sequence);
    cr_assert_eq(sp_replay_check(replay, sequence), expected, "window %u highest %lu number %lu",
                 twin->window, (unsigned long)highest, (unsigned long)sequence);
    cr_assert_eq(sp_replay_accept(replay, sequence), expected);
    cr_assert_not(sp_replay_check(replay, sequence), "it passed twice");
}

/* Mostly near the right edge on both sides, sometimes at the left edge, sometimes a leap. */
static uint64_t next_number(uint64_t highest, uint32_t window)
{
    uint64_t distance = (uint64_t)(rand() % (int)(2 * window + 130));
    switch (rand() % 8) {
    case 0:
        return highest + 1;
    case 1:
        return highest + (uint64_t)(rand() % (int)(3 * window));
    case 2:
        return highest > window ? highest - window + (uint64_t)(rand() % 3) : 1;
    case 3:
        return highest + 1 + (uint64_t)(rand() % 70);
    default:
        return highest > distance ? highest - distance : (uint64_t)(rand() % 130);
    }
}

Test(replay, agrees_with_a_list_of_all_numbers_for_every_window_size)
{
    static struct twin twin;
    srand(6479);
    for (uint32_t window = SP_REPLAY_WINDOW_MIN; window <= SP_REPLAY_WINDOW_MAX; window += 64) {
        struct sp_replay replay;
        sp_replay_init(&replay, window);
        memset(&twin, 0, sizeof twin);
        twin.window = window;
        for (int i = 0; i < 3000; i++)
            offer_both(&replay, &twin, next_number(twin.highest, window));
    }
}

Test(replay, accepts_exactly_as_many_old_numbers_as_the_window_is_long)
{
    for (uint32_t window = SP_REPLAY_WINDOW_MIN; window <= SP_REPLAY_WINDOW_MAX; window += 64)
        for (uint64_t highest = 10000; highest < 10000 + 65; highest++) {
            struct sp_replay replay;
            uint32_t accepted = 0;
            sp_replay_init(&replay, window);
            cr_assert(sp_replay_accept(&replay, highest));
            for (uint64_t sequence = highest; sequence > 0; sequence--)
                accepted += sp_replay_accept(&replay, sequence);
            cr_assert_eq(accepted, window - 1);
            cr_assert_not(sp_replay_check(&replay, highest - window));
        }
}

Test(replay, refuses_the_number_0)
{
    struct sp_replay replay;
    sp_replay_init(&replay, 64);
    cr_assert_not(sp_replay_check(&replay, 0));
    cr_assert_not(sp_replay_accept(&replay, 0));
}

Test(replay, forgets_nothing_when_the_edge_leaps_over_the_whole_ring)
{
    struct sp_replay replay;
    sp_replay_init(&replay, 128);
    for (uint64_t sequence = 1; sequence <= 300; sequence++)
        cr_assert(sp_replay_accept(&replay, sequence));
    cr_assert(sp_replay_accept(&replay, UINT32_MAX - 1));
    cr_assert_not(sp_replay_check(&replay, 300));
    cr_assert(sp_replay_accept(&replay, (uint64_t)UINT32_MAX - 128));
    cr_assert_not(sp_replay_check(&replay, (uint64_t)UINT32_MAX - 129));
    cr_assert(sp_replay_accept(&replay, UINT32_MAX));
    cr_assert_not(sp_replay_accept(&replay, UINT32_MAX));
}

Test(replay, checking_marks_nothing)
{
    struct sp_replay replay;
    sp_replay_init(&replay, 64);
    cr_assert(sp_replay_check(&replay, 1000));
    cr_assert(sp_replay_check(&replay, 1), "the edge moved without an ICV");
    cr_assert(sp_replay_check(&replay, 1000));
}

/* RFC 4303 appendix A2.2, word for word: the upper half that goes with seq_low. */
static uint64_t high_as_the_appendix_has_it(uint64_t top, uint32_t window, uint32_t low)
{
    const uint32_t top_low = (uint32_t)top, top_high = (uint32_t)(top >> 32);
    if (top_low >= window - 1)
        return low >= top_low - window + 1 ? top_high : (uint64_t)top_high + 1;
    return low >= (uint32_t)(top_low - window + 1) ? (uint64_t)top_high - 1 : top_high;
}

static void extend_both(struct sp_replay *replay, uint64_t top, uint32_t low)
{
    atomic_store(&replay->highest, top);
    uint64_t high = high_as_the_appendix_has_it(top, replay->window_packets, low);
    /* before the first number and behind the last there is nothing to go with it: see below */
    if (high != UINT64_MAX && high != BORDER)
        cr_assert_eq(sp_replay_extend(replay, low), high << 32 | low, "highest %lx, %x", (unsigned long)top,
                     low);
}

Test(replay, extends_numbers_as_appendix_a2_does)
{
    srand(4303);
    for (uint32_t window = SP_REPLAY_WINDOW_MIN; window <= SP_REPLAY_WINDOW_MAX; window += 64) {
        struct sp_replay replay;
        sp_replay_init(&replay, window);
        for (uint64_t high = 0; high < 4; high++)
            for (uint32_t i = 0; i <= 2 * window; i++) {
                /* tops on both sides of the border, and lows around them, their windows and the border */
                uint64_t top = (high << 32) - window + i;
                for (int k = 0; k < 8; k++) {
                    const uint32_t lows[] = {(uint32_t)top,
                                             (uint32_t)top + 1,
                                             (uint32_t)top - window,
                                             (uint32_t)top - window + 1,
                                             (uint32_t)k,
                                             UINT32_MAX - (uint32_t)k,
                                             (uint32_t)rand() << 1,
                                             (uint32_t)top - (uint32_t)rand() % window};
                    if (high > 0 || i >= window)
                        extend_both(&replay, top, lows[k]);
                }
            }
    }
}

Test(replay, extends_numbers_before_the_window_is_full_to_the_smallest)
{
    struct sp_replay replay;
    sp_replay_init(&replay, 64);
    for (uint64_t top = 0; top < 63; top++) {
        atomic_store(&replay.highest, top);
        cr_assert_eq(sp_replay_extend(&replay, UINT32_MAX), UINT32_MAX);
        cr_assert_eq(sp_replay_extend(&replay, 1), 1u);
        cr_assert_eq(sp_replay_extend(&replay, 0), 0u);
    }
}

Test(replay, refuses_what_would_be_behind_the_last_number_of_all)
{
    struct sp_replay replay;
    sp_replay_init(&replay, 64);
    cr_assert(sp_replay_accept(&replay, UINT64_MAX - 5));
    cr_assert_eq(sp_replay_extend(&replay, UINT32_MAX), UINT64_MAX);
    for (uint32_t low = 0; low < 200; low++)
        cr_assert_not(sp_replay_check(&replay, sp_replay_extend(&replay, low)));
}

Test(replay, a_resumed_window_has_seen_all_up_to_the_highest_and_nothing_behind)
{
    for (uint64_t highest = 0; highest < 300; highest++) {
        struct sp_replay replay;
        sp_replay_init(&replay, 128);
        sp_replay_resume(&replay, highest);
        for (uint64_t sequence = 0; sequence <= highest; sequence++)
            cr_assert_not(sp_replay_check(&replay, sequence), "%u", (unsigned)sequence);
        cr_assert(sp_replay_accept(&replay, highest + 5), "a leap");
        for (uint64_t sequence = highest + 1; sequence < highest + 5; sequence++)
            cr_assert(sp_replay_accept(&replay, sequence), "%u behind %u", (unsigned)sequence,
                      (unsigned)highest);
        cr_assert_not(sp_replay_check(&replay, highest), "%u", (unsigned)highest);
    }
}
