/* SPDX-License-Identifier: ISC
 *
 * The anti-replay window (RFC 4303 3.4.3) as RFC 6479 builds it: a ring of 64-bit blocks that is never
 * shifted.
 */
#ifndef SP_SA_REPLAY_H
#define SP_SA_REPLAY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <sallyport/sa.h>

#define SP_REPLAY_BLOCK_BITS 64u
/* one spare block, as RFC 6479 2.2 needs; a power of two */
#define SP_REPLAY_BLOCKS_MAX (2 * SP_REPLAY_WINDOW_MAX / SP_REPLAY_BLOCK_BITS)

/* One thread writes at a time; others may read highest. */
struct sp_replay {
    _Atomic uint64_t highest;
    _Atomic uint64_t limit; /* numbers above are not taken yet: the state (state.h) has not reserved them */
    _Atomic uint64_t *live; /* gets highest for the next process; NULL: no state is kept */
    uint32_t window_packets;
    uint32_t block_mask; /* blocks in use - 1 */
    uint64_t blocks[SP_REPLAY_BLOCKS_MAX];
};

/* window_packets: 64..4096 in steps of 64. */
void sp_replay_init(struct sp_replay *replay, uint32_t window_packets);
/* Moves the right edge to sequence, which lies beyond it. */
void sp_replay_advance(struct sp_replay *replay, uint64_t highest, uint64_t sequence);

/* Goes on behind what an earlier window took: nothing up to highest is taken again. */
void sp_replay_resume(struct sp_replay *replay, uint64_t highest);
/* The 64-bit sequence number that ends in these 32 bits and may be what was sent (RFC 4303 appendix A2.2):
 * the window's left edge or one of the 2^32-1 to the right of it. */
uint64_t sp_replay_extend(const struct sp_replay *replay, uint32_t low);
/* Would this sequence number be accepted? Before the ICV is verified. 0 never is. */
static inline bool sp_replay_check(const struct sp_replay *replay, uint64_t sequence)
{
    uint64_t highest = atomic_load_explicit(&replay->highest, memory_order_relaxed);
    if (sequence == 0)
        return false;
    if (sequence > highest)
        return sequence <= atomic_load_explicit(&replay->limit, memory_order_relaxed);
    if (highest - sequence >= replay->window_packets)
        return false;
    uint64_t block = replay->blocks[sequence / SP_REPLAY_BLOCK_BITS & replay->block_mask];
    return (block >> sequence % SP_REPLAY_BLOCK_BITS & 1) == 0;
}

/* Marks it received, after the ICV proved it real; false when it had been seen meanwhile. */
static inline bool sp_replay_accept(struct sp_replay *replay, uint64_t sequence)
{
    if (!sp_replay_check(replay, sequence))
        return false;
    uint64_t highest = atomic_load_explicit(&replay->highest, memory_order_relaxed);
    if (sequence > highest)
        sp_replay_advance(replay, highest, sequence);
    replay->blocks[sequence / SP_REPLAY_BLOCK_BITS & replay->block_mask] |=
        (uint64_t)1 << sequence % SP_REPLAY_BLOCK_BITS;
    return true;
}

#endif
