/* SPDX-License-Identifier: ISC
 *
 * The anti-replay window as RFC 6479 builds it.
 *
 * One bit a sequence number, in a ring of 64-bit blocks. Where RFC 4303's appendix shifts the whole window
 * when the right edge moves, here the edge only walks into blocks that are cleared on the way. One block more
 * than the window needs is kept, since the block at the right edge is only partly in use (RFC 6479 2.2); with
 * the ring rounded up to a power of two, the place of a number is a shift and a mask.
 */
#include "sa/replay.h"

#include "core/misuse.h"

#include <string.h>

void sp_replay_init(struct sp_replay *replay, uint32_t window_packets)
{
    SP_REQUIRE(window_packets >= SP_REPLAY_WINDOW_MIN && window_packets <= SP_REPLAY_WINDOW_MAX);
    SP_REQUIRE(window_packets % SP_REPLAY_BLOCK_BITS == 0);
    uint32_t blocks = 1;
    while (blocks < window_packets / SP_REPLAY_BLOCK_BITS + 1)
        blocks *= 2;
    memset(replay, 0, sizeof *replay);
    replay->window_packets = window_packets;
    replay->block_mask = blocks - 1;
    replay->limit = UINT64_MAX;
}

void sp_replay_resume(struct sp_replay *replay, uint64_t highest)
{
    memset(replay->blocks, 0xff, sizeof replay->blocks);
    atomic_store_explicit(&replay->highest, highest, memory_order_relaxed);
    /* what the block at the edge has not reached yet isn't seen */
    replay->blocks[highest / SP_REPLAY_BLOCK_BITS & replay->block_mask] =
        UINT64_MAX >> (63 - highest % SP_REPLAY_BLOCK_BITS);
}

/* Appendix A2 tells cases apart by whether the window lies within one subspace of 2^32 numbers. All of them
 * say the same: of the numbers that end so, the first that isn't left of the window. Before the window is
 * full that is the smallest of all: there are no numbers below 0. Past the last subspace the sum wraps to
 * where the window refuses it. */
uint64_t sp_replay_extend(const struct sp_replay *replay, uint32_t low)
{
    uint64_t highest = atomic_load_explicit(&replay->highest, memory_order_relaxed);
    uint64_t edge = highest >= replay->window_packets ? highest - replay->window_packets + 1 : 0;
    return edge + (uint32_t)(low - (uint32_t)edge);
}

/* A jump further than the ring is long clears each block once. */
void sp_replay_advance(struct sp_replay *replay, uint64_t highest, uint64_t sequence)
{
    uint64_t from = highest / SP_REPLAY_BLOCK_BITS;
    uint64_t steps = sequence / SP_REPLAY_BLOCK_BITS - from;
    uint64_t blocks = (uint64_t)replay->block_mask + 1;
    if (steps > blocks)
        steps = blocks;
    for (uint64_t i = 1; i <= steps; i++)
        replay->blocks[(from + i) & replay->block_mask] = 0;
    atomic_store_explicit(&replay->highest, sequence, memory_order_relaxed);
    if (replay->live != NULL)
        atomic_store_explicit(replay->live, sequence, memory_order_relaxed);
}
