/* SPDX-License-Identifier: ISC
 *
 * Spending an SA's lifetime, by any number of workers at a time.
 *
 * A hard limit is a promise about the cipher, so no packet may pass it, not even by a race: a worker takes
 * its bytes and its packets by compare-and-swap, only as long as the sum stays within the limit. When the
 * packets are to be had but the bytes are not, the packets are given back; another worker that looks in
 * between may find the SA dead a few packets early, never late.
 *
 * Sources: RFC 4301 4.4.2.1.
 */
#include "sa/limits.h"

#include "core/misuse.h"
#include "sa/lifetime.h"
#include "sa/params.h"

#include <stdio.h>

#define NS_PER_SECOND 1000000000u
#define NO_LIMIT UINT64_MAX

static uint64_t or_no_limit(uint64_t limit)
{
    return limit == 0 ? NO_LIMIT : limit;
}

/* The moment at which the SA is so many seconds old, or never when that doesn't fit the clock. */
static uint64_t moment(const struct sp_sa *sa, uint64_t seconds)
{
    if (seconds == 0 || seconds > NO_LIMIT / NS_PER_SECOND)
        return NO_LIMIT;
    uint64_t age_ns = seconds * NS_PER_SECOND;
    if (age_ns <= sa->aged_ns)
        return sa->born_ns;
    uint64_t left_ns = age_ns - sa->aged_ns;
    return left_ns > NO_LIMIT - sa->born_ns ? NO_LIMIT : sa->born_ns + left_ns;
}

void sp_sa_set_lifetime(struct sp_sa *sa, const struct sp_lifetime *lifetime)
{
    struct sp_sa_limits *limits = &sa->limits;
    sa->lifetime = *lifetime;
    sp_lifetime_fill_soft(&sa->lifetime);
    atomic_store_explicit(&limits->soft_bytes, or_no_limit(sa->lifetime.soft_bytes), memory_order_relaxed);
    atomic_store_explicit(&limits->hard_bytes, or_no_limit(sa->lifetime.hard_bytes), memory_order_relaxed);
    atomic_store_explicit(&limits->soft_packets, or_no_limit(sa->lifetime.soft_packets),
                          memory_order_relaxed);
    atomic_store_explicit(&limits->hard_packets, or_no_limit(sa->lifetime.hard_packets),
                          memory_order_relaxed);
    atomic_store_explicit(&limits->soft_ns, moment(sa, sa->lifetime.soft_seconds), memory_order_relaxed);
    atomic_store_explicit(&limits->hard_ns, moment(sa, sa->lifetime.hard_seconds), memory_order_relaxed);
}

void sp_sa_set_age(struct sp_sa *sa, uint64_t age_ns)
{
    const struct sp_lifetime lifetime = sa->lifetime;
    sa->aged_ns = age_ns;
    sp_sa_set_lifetime(sa, &lifetime);
}

void sp_sa_tighten_lifetime(struct sp_sa *sa, const struct sp_lifetime *lifetime)
{
    if (sa->has_own_lifetime)
        return;
    struct sp_lifetime given = *lifetime;
    sp_lifetime_fill_soft(&given);
    if (!sa->is_default_lifetime)
        sp_lifetime_tighten(&given, &sa->lifetime);
    const struct sp_lifetime bound = {.soft_bytes = SP_LIFETIME_BYTES_MAX_64_BIT_BLOCK,
                                      .hard_bytes = SP_LIFETIME_BYTES_MAX_64_BIT_BLOCK};
    if (sa->cipher->block_bytes == 8)
        sp_lifetime_tighten(&given, &bound);
    sa->is_default_lifetime = false;
    sp_sa_set_lifetime(sa, &given);
}

enum sp_status sp_sad_set_lifetime(struct sp_sad *sad, uint32_t number, const struct sp_lifetime *lifetime,
                                   char *reason)
{
    SP_REQUIRE(sad != NULL && lifetime != NULL);
    struct sp_sa *sa = sp_sad_by_number(sad, number);
    if (sa == NULL)
        return SP_ERR_NOT_FOUND;
    const char *fault = sp_lifetime_fault(lifetime, sa->encryption);
    if (fault != NULL) {
        if (reason != NULL)
            snprintf(reason, SP_REASON_BYTES, "%s", fault);
        return SP_ERR_INVALID;
    }
    sp_sa_set_lifetime(sa, lifetime);
    sa->has_own_lifetime = true;
    sa->is_default_lifetime = false;
    return SP_OK;
}

static void raise_state(struct sp_sa *sa, enum sp_sa_state state)
{
    uint32_t was = atomic_load_explicit(&sa->state, memory_order_relaxed);
    while (was < state && !atomic_compare_exchange_weak_explicit(&sa->state, &was, state,
                                                                 memory_order_release, memory_order_relaxed))
        continue;
}

/* The state is looked at first: all packets behind the soft limit come by here. */
static void soften(struct sp_sa *sa, enum sp_limit limit)
{
    uint32_t none = SP_LIMIT_NONE;
    if (atomic_load_explicit(&sa->state, memory_order_relaxed) != SP_SA_LIVE)
        return;
    atomic_compare_exchange_strong_explicit(&sa->softened_by, &none, limit, memory_order_relaxed,
                                            memory_order_relaxed);
    raise_state(sa, SP_SA_SOFT_EXPIRED);
}

/* Whoever meets a hard limit first decides what is said of the SA from then on. */
static enum sp_drop expire(struct sp_sa *sa, enum sp_drop reason)
{
    uint32_t none = SP_DROP_NONE;
    atomic_compare_exchange_strong_explicit(&sa->expired_by, &none, reason, memory_order_relaxed,
                                            memory_order_relaxed);
    raise_state(sa, SP_SA_HARD_EXPIRED);
    return sp_sa_expired_by(sa);
}

/* Adds amount to *spent unless that passes the limit. */
static bool take(_Atomic uint64_t *spent, uint64_t amount, uint64_t limit, uint64_t *ret_now)
{
    uint64_t was = atomic_load_explicit(spent, memory_order_relaxed);
    do {
        if (was >= limit || amount > limit - was)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(spent, &was, was + amount, memory_order_relaxed,
                                                    memory_order_relaxed));
    *ret_now = was + amount;
    return true;
}

static uint64_t limit_of(const _Atomic uint64_t *limit)
{
    return atomic_load_explicit(limit, memory_order_relaxed);
}

enum sp_sa_state sp_sa_state_at(struct sp_sa *sa, uint64_t now_ns)
{
    if (now_ns >= limit_of(&sa->limits.hard_ns))
        expire(sa, SP_DROP_HARD_TIME);
    else if (now_ns >= limit_of(&sa->limits.soft_ns))
        soften(sa, SP_LIMIT_TIME);
    return (enum sp_sa_state)atomic_load_explicit(&sa->state, memory_order_acquire);
}

enum sp_drop sp_sa_expired_by(const struct sp_sa *sa)
{
    if (atomic_load_explicit(&sa->state, memory_order_acquire) != SP_SA_HARD_EXPIRED)
        return SP_DROP_NONE;
    return (enum sp_drop)atomic_load_explicit(&sa->expired_by, memory_order_relaxed);
}

enum sp_limit sp_sa_limit_met(const struct sp_sa *sa, enum sp_sa_state state)
{
    const enum sp_limit soft = (enum sp_limit)atomic_load_explicit(&sa->softened_by, memory_order_relaxed);
    if (state == SP_SA_LIVE)
        return SP_LIMIT_NONE;
    if (state == SP_SA_SOFT_EXPIRED && soft != SP_LIMIT_NONE)
        return soft;
    switch (sp_sa_expired_by(sa)) {
    case SP_DROP_HARD_BYTES:
        return SP_LIMIT_BYTES;
    case SP_DROP_HARD_PACKETS:
        return SP_LIMIT_PACKETS;
    case SP_DROP_HARD_TIME:
        return SP_LIMIT_TIME;
    default:
        return SP_LIMIT_NONE;
    }
}

/* Which of both is in the way: the limit, or what is reserved of it so far. */
static enum sp_drop refusal(const _Atomic uint64_t *spent, uint64_t amount, uint64_t hard,
                            enum sp_drop reason)
{
    uint64_t now = limit_of(spent);
    return now < hard && amount <= hard - now ? SP_DROP_STATE_BEHIND : reason;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Takes both or neither: SP_DROP_NONE, or which limit is in the way. */
static enum sp_drop take_both(struct sp_sa *sa, uint64_t packets, uint64_t bytes)
{
    uint64_t hard_packets = limit_of(&sa->limits.hard_packets);
    uint64_t hard_bytes = limit_of(&sa->limits.hard_bytes);
    uint64_t packets_now, bytes_now;
    if (!take(&sa->packets, packets, least(hard_packets, limit_of(&sa->limits.reserved_packets)),
              &packets_now))
        return refusal(&sa->packets, packets, hard_packets, SP_DROP_HARD_PACKETS);
    if (!take(&sa->bytes, bytes, least(hard_bytes, limit_of(&sa->limits.reserved_bytes)), &bytes_now)) {
        atomic_fetch_sub_explicit(&sa->packets, packets, memory_order_relaxed);
        return refusal(&sa->bytes, bytes, hard_bytes, SP_DROP_HARD_BYTES);
    }
    if (sa->live != NULL) {
        sp_live_raise(&sa->live->bytes, bytes_now);
        sp_live_raise(&sa->live->packets, packets_now);
    }

    if (bytes_now >= hard_bytes)
        expire(sa, SP_DROP_HARD_BYTES);
    else if (packets_now >= hard_packets)
        expire(sa, SP_DROP_HARD_PACKETS);
    else if (bytes_now >= limit_of(&sa->limits.soft_bytes))
        soften(sa, SP_LIMIT_BYTES);
    else if (packets_now >= limit_of(&sa->limits.soft_packets))
        soften(sa, SP_LIMIT_PACKETS);
    return SP_DROP_NONE;
}

enum sp_drop sp_sa_spend(struct sp_sa *sa, uint64_t bytes, uint64_t now_ns)
{
    if (sp_sa_state_at(sa, now_ns) == SP_SA_HARD_EXPIRED)
        return sp_sa_expired_by(sa);
    enum sp_drop reason = take_both(sa, 1, bytes);
    return reason == SP_DROP_NONE || reason == SP_DROP_STATE_BEHIND ? reason : expire(sa, reason);
}

bool sp_sa_spend_many(struct sp_sa *sa, uint64_t packets, uint64_t bytes, uint64_t now_ns)
{
    return sp_sa_state_at(sa, now_ns) != SP_SA_HARD_EXPIRED && take_both(sa, packets, bytes) == SP_DROP_NONE;
}
