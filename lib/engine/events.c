/* SPDX-License-Identifier: ISC
 *
 * What the control thread should know. Acquires come through a bounded ring a worker; a full ring is counted,
 * never waited for. Expiries don't need one: an SA's state only grows, so the control thread compares it with
 * what it last told, and none can be lost.
 */
#include "engine/engine.h"

#include "core/clock.h"

#include <string.h>

#define TELL_AGAIN_NS 1000000000u

static uint32_t flow_hash(const struct sp_address *source, const struct sp_address *destination,
                          uint32_t rule)
{
    uint64_t hash = 0x9e3779b97f4a7c15u ^ rule;
    for (int i = 0; i < 16; i++)
        hash = (hash ^ source->bytes[i] ^ (uint64_t)destination->bytes[i] << 8) * 0x100000001b3u;
    return (uint32_t)(hash >> 32);
}

static bool was_told(struct sp_acquire_memory *memory, const struct sp_address *source,
                     const struct sp_address *destination, uint32_t rule, uint64_t now_ns)
{
    bool is_same = memory->told_ns && memory->rule == rule &&
                   !memcmp(&memory->source, source, sizeof memory->source) &&
                   !memcmp(&memory->destination, destination, sizeof memory->destination);
    if (is_same && now_ns - memory->told_ns < TELL_AGAIN_NS)
        return true;
    *memory = (struct sp_acquire_memory){now_ns, rule, *source, *destination};
    return false;
}

void sp_event_acquire(struct sp_worker *worker, const struct sp_address *source,
                      const struct sp_address *destination, uint32_t rule, uint64_t now_ns)
{
    struct sp_acquire_memory *memory =
        &worker->acquires[flow_hash(source, destination, rule) & (SP_ACQUIRE_MEMORY - 1)];
    if (was_told(memory, source, destination, rule, now_ns))
        return;
    struct sp_event_ring *ring = &worker->ring;
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head - atomic_load_explicit(&ring->tail, memory_order_acquire) == SP_EVENT_RING) {
        atomic_fetch_add_explicit(&ring->lost, 1, memory_order_relaxed);
        return;
    }
    ring->events[head & (SP_EVENT_RING - 1)] = (struct sp_event){.kind = SP_EVENT_ACQUIRE,
                                                                 .rule = rule,
                                                                 .sa = SP_NO_SA,
                                                                 .source = *source,
                                                                 .destination = *destination};
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
}

static size_t drain_ring(struct sp_event_ring *ring, struct sp_event *events, size_t max)
{
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    size_t taken = 0;
    while (tail != head && taken < max)
        events[taken++] = ring->events[tail++ & (SP_EVENT_RING - 1)];
    atomic_store_explicit(&ring->tail, tail, memory_order_release);
    return taken;
}

/* The next state that an SA has reached and that isn't told yet. */
static bool tell_expiry(const struct sp_engine *engine, struct sp_sa *sa, uint64_t now_ns,
                        struct sp_event *ret_event)
{
    static const enum sp_event_kind kinds[] = {
        [SP_SA_SOFT_EXPIRED] = SP_EVENT_SOFT_EXPIRED, [SP_SA_HARD_EXPIRED] = SP_EVENT_HARD_EXPIRED};
    if (sp_sa_state_at(sa, now_ns) <= sa->reported_state)
        return false;
    sa->reported_state++;
    *ret_event = (struct sp_event){.kind = kinds[sa->reported_state],
                                   .limit = sp_sa_limit_met(sa, sa->reported_state),
                                   .rule = sp_engine_sa_rule(engine, sa),
                                   .sa = sa->number,
                                   .spi = sa->spi,
                                   .source = sa->source,
                                   .destination = sa->destination};
    return true;
}

size_t sp_engine_events(struct sp_engine *engine, struct sp_event *events, size_t max)
{
    size_t taken = 0;
    pthread_mutex_lock(&engine->lock);
    for (uint32_t slot = 0; slot < SP_WORKERS_MAX; slot++)
        if (engine->workers[slot])
            taken += drain_ring(&engine->workers[slot]->ring, events + taken, max - taken);
    pthread_mutex_unlock(&engine->lock);

    uint64_t now_ns = sp_clock_now_ns();
    for (uint32_t number = 0; number < sp_sad_capacity(engine->sad) && taken < max; number++) {
        struct sp_sa *sa = sp_sad_by_number(engine->sad, number);
        while (sa && taken < max && tell_expiry(engine, sa, now_ns, &events[taken]))
            taken++;
    }
    return taken;
}
