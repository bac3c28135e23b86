/* SPDX-License-Identifier: ISC
 *
 * SAs that others took the place of. What a peer sent under the former SA before it learnt of the new one, or
 * what waits in a queue on the way, would be lost if the SA went at once. So it stays for a while, inbound
 * only: outbound the new one is used from the next packet on (RFC 4301 4.4.2.1 has the same for soft limits).
 *
 * Whether a packet finds the former SA for sealing a last time is decided by its burst; none does afterwards.
 */
#include "sa/sad.h"

#include "core/clock.h"
#include "core/misuse.h"

void sp_sa_retire(struct sp_sa *sa, uint64_t until_ns)
{
    sa->retired_until_ns = until_ns;
    atomic_store_explicit(&sa->is_retired, true, memory_order_relaxed);
}

void sp_sa_revive(struct sp_sa *sa)
{
    atomic_store_explicit(&sa->is_retired, false, memory_order_relaxed);
}

bool sp_sad_has_successor(const struct sp_sad *sad, const struct sp_sa *sa)
{
    return sp_sad_find_outbound(sad, &sa->source, &sa->destination, sa->encryption, sa->integrity, sa->mode,
                                sp_encap_is_on(&sa->encap), sa->has_esn) != NULL;
}

uint32_t sp_sad_sweep(struct sp_sad *sad)
{
    SP_REQUIRE(sad != NULL);
    const uint64_t now_ns = sp_clock_now_ns();
    uint32_t swept = 0;
    for (uint32_t number = 0; number < sp_sad_capacity(sad); number++) {
        const struct sp_sa *sa = sp_sad_by_number(sad, number);
        if (sa != NULL && atomic_load_explicit(&sa->is_retired, memory_order_relaxed) &&
            now_ns >= sa->retired_until_ns && sp_sad_remove(sad, number) == SP_OK)
            swept++;
    }
    return swept;
}
