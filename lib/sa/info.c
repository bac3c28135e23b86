/* SPDX-License-Identifier: ISC
 *
 * What may be known about an SA: a copy for people and tools, without keys.
 *
 * Workers go on counting meanwhile, so each number is right at some moment of the call, not all at the same.
 */
#include "sa/sad.h"

#include "core/clock.h"
#include "core/misuse.h"

#include <string.h>

#define NS_PER_SECOND 1000000000u

static uint64_t read_counter(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

enum sp_status sp_sad_get(const struct sp_sad *sad, uint32_t number, struct sp_sa_info *ret_info)
{
    SP_REQUIRE(sad != NULL && ret_info != NULL);
    struct sp_sa *sa = sp_sad_by_number(sad, number);
    if (sa == NULL)
        return SP_ERR_NOT_FOUND;

    uint64_t now_ns = sp_clock_now_ns();
    uint64_t sent = read_counter(&sa->sequence_sent), last = sp_sa_sequence_max(sa);
    *ret_info = (struct sp_sa_info){
        .number = sa->number,
        .spi = sa->spi,
        .source = sa->source,
        .destination = sa->destination,
        .mode = sa->mode,
        .tunnel = sa->tunnel,
        .encryption = sa->encryption,
        .integrity = sa->integrity,
        .replay_window_packets = sa->replay.window_packets,
        .lifetime = sa->lifetime,
        .state = sp_sa_state_at(sa, now_ns),
        .bytes = read_counter(&sa->bytes),
        .packets = read_counter(&sa->packets),
        .age_seconds = sp_sa_age_ns(sa, now_ns) / NS_PER_SECOND,
        .sequence_sent = sent < last ? sent : last, /* beyond it only refusals were counted */
        .sequence_received = read_counter(&sa->replay.highest),
        .encap = sa->encap,
        .has_esn = sa->has_esn,
        .is_retired = atomic_load_explicit(&sa->is_retired, memory_order_relaxed),
    };
    ret_info->limit = sp_sa_limit_met(sa, ret_info->state);
    memcpy(ret_info->name, sa->name, sizeof ret_info->name);
    memcpy(ret_info->fingerprint, sa->fingerprint, sizeof ret_info->fingerprint);
    return SP_OK;
}
