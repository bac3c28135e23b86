/* SPDX-License-Identifier: ISC
 *
 * What all SAs carried. An SA takes its counters with it when it goes, so the SAD keeps their sum: totals go
 * on over any number of rekeys.
 *
 * Two things could still make a figure fall. A packet that is refused at a byte limit is counted and taken
 * back again (limits.c); so what was told once is the least that is told later. And an SA's direction is what
 * it did: it is nobody's before its first packet, and of the one that also sends (a host that talks to
 * itself) sending came first, so that no SA ever moves its figures from one direction to the other.
 */
#include "sa/totals.h"

#include "core/misuse.h"

static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static struct sp_sad_carried *direction_of(struct sp_sad_totals *totals, const struct sp_sa *sa)
{
    if (load(&sa->sequence_sent) > 0)
        return &totals->direction[SP_OUTBOUND];
    return load(&sa->replay.highest) > 0 ? &totals->direction[SP_INBOUND] : NULL;
}

void sp_sad_totals_add(struct sp_sad_totals *totals, const struct sp_sa *sa)
{
    struct sp_sad_carried *carried = direction_of(totals, sa);
    if (carried == NULL)
        return;
    const uint64_t bytes = load(&sa->bytes);
    carried->packets += load(&sa->packets);
    carried->authenticated_bytes += bytes; /* there is no ESP without integrity here */
    carried->confidential_bytes += sa->encryption == SP_ENCRYPTION_NULL ? 0 : bytes;
}

static void raise(uint64_t *told, uint64_t now)
{
    *told = now > *told ? now : *told;
}

void sp_sad_totals(struct sp_sad *sad, struct sp_sad_totals *ret_totals)
{
    SP_REQUIRE(sad != NULL && ret_totals != NULL);
    struct sp_sad_totals *told = sp_sad_totals_told(sad);
    struct sp_sad_totals now = *sp_sad_totals_gone(sad);
    for (uint32_t number = 0; number < sp_sad_capacity(sad); number++) {
        const struct sp_sa *sa = sp_sad_by_number(sad, number);
        if (sa != NULL)
            sp_sad_totals_add(&now, sa);
    }
    told->key_additions = now.key_additions;
    told->key_deletions = now.key_deletions;
    for (int direction = SP_OUTBOUND; direction <= SP_INBOUND; direction++) {
        raise(&told->direction[direction].packets, now.direction[direction].packets);
        raise(&told->direction[direction].authenticated_bytes, now.direction[direction].authenticated_bytes);
        raise(&told->direction[direction].confidential_bytes, now.direction[direction].confidential_bytes);
    }
    *ret_totals = *told;
}
