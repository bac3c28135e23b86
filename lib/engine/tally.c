/* SPDX-License-Identifier: ISC
 *
 * Counters. A worker writes its own with relaxed stores, readers sum with relaxed loads: no number is ever
 * torn, and none is shared between two writers.
 */
#include "engine/engine.h"

#include "core/misuse.h"

static uint64_t load(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* Only the owner adds, so load and store need not be one operation. */
static void add(uint64_t *counter, uint64_t amount)
{
    __atomic_store_n(counter, load(counter) + amount, __ATOMIC_RELAXED);
}

static void counters_sum(struct sp_counters *sum, const struct sp_counters *counters)
{
    add(&sum->offered_packets, load(&counters->offered_packets));
    add(&sum->offered_bytes, load(&counters->offered_bytes));
    add(&sum->bypassed_packets, load(&counters->bypassed_packets));
    add(&sum->sealed_packets, load(&counters->sealed_packets));
    add(&sum->opened_packets, load(&counters->opened_packets));
    for (int reason = 0; reason < SP_DROP_COUNT; reason++)
        add(&sum->dropped_packets[reason], load(&counters->dropped_packets[reason]));
}

void sp_tally_sum(struct sp_tally *sum, const struct sp_tally *tally)
{
    counters_sum(&sum->direction[SP_OUTBOUND], &tally->direction[SP_OUTBOUND]);
    counters_sum(&sum->direction[SP_INBOUND], &tally->direction[SP_INBOUND]);
}

static uint64_t *verdict_counter(struct sp_counters *counters, const struct sp_packet *packet)
{
    switch (packet->verdict) {
    case SP_VERDICT_BYPASS:
        return &counters->bypassed_packets;
    case SP_VERDICT_SEALED:
        return &counters->sealed_packets;
    case SP_VERDICT_OPENED:
        return &counters->opened_packets;
    default:
        return &counters->dropped_packets[packet->reason];
    }
}

static void count_one(struct sp_counters *counters, const struct sp_packet *packet, uint32_t offered_bytes)
{
    add(&counters->offered_packets, 1);
    add(&counters->offered_bytes, offered_bytes);
    add(verdict_counter(counters, packet), 1);
}

/* NULL when no SA had to do with the packet, or it is gone meanwhile. */
static struct sp_sa_tally *sa_entry(struct sp_worker *worker, const struct sp_packet *packet)
{
    if (packet->sa == SP_NO_SA)
        return NULL;
    const struct sp_sa *sa = sp_sad_by_number(worker->engine->sad, packet->sa);
    if (!sa)
        return NULL;
    struct sp_sa_tally *entry = &worker->sa_tallies[packet->sa];
    if (entry->born_ns != sa->born_ns) { /* the number belonged to an SA that was removed */
        entry->tally = (struct sp_tally){0};
        __atomic_store_n(&entry->generation, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&entry->born_ns, sa->born_ns, __ATOMIC_RELEASE);
    }
    return entry;
}

/* Which rule's packets it carries: mostly the one that it was. */
static void note_rule(struct sp_sa_tally *entry, const struct sp_packet *packet, uint64_t generation)
{
    const bool is_carried = packet->verdict == SP_VERDICT_SEALED || packet->verdict == SP_VERDICT_OPENED;
    if (!is_carried || (entry->rule == packet->rule && entry->generation == generation))
        return;
    __atomic_store_n(&entry->rule, packet->rule, __ATOMIC_RELAXED);
    __atomic_store_n(&entry->generation, generation, __ATOMIC_RELEASE); /* with it the rule is seen */
}

static struct sp_counters *rule_counters(struct sp_worker *worker, const struct sp_snapshot *snapshot,
                                         enum sp_direction direction, const struct sp_packet *packet)
{
    if (!snapshot)
        return NULL;
    uint32_t rule = packet->rule < snapshot->rule_count ? packet->rule : snapshot->rule_count;
    return &snapshot->tallies[worker->slot][rule].direction[direction];
}

void sp_count(struct sp_worker *worker, const struct sp_snapshot *snapshot, enum sp_direction direction,
              const struct sp_packet *packets, size_t count)
{
    worker->counted_generation = snapshot ? snapshot->generation : 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bytes = worker->offered_bytes[i];
        count_one(&worker->tally.direction[direction], &packets[i], bytes);
        struct sp_counters *rule = rule_counters(worker, snapshot, direction, &packets[i]);
        if (rule)
            count_one(rule, &packets[i], bytes);
        struct sp_sa_tally *sa = sa_entry(worker, &packets[i]);
        if (sa) {
            count_one(&sa->tally.direction[direction], &packets[i], bytes);
            note_rule(sa, &packets[i], worker->counted_generation);
        }
        if (packets[i].verdict == SP_VERDICT_DROP)
            sp_drop_note(worker, snapshot, direction, &packets[i], &worker->headers[i]);
    }
}

/* Meanwhile another SA may have the number, or another policy the rule's: they never counted the packet, and
 * what isn't there can't be moved. */
static void move_one(struct sp_counters *counters, const struct sp_packet *packet, enum sp_drop reason)
{
    uint64_t *from = verdict_counter(counters, packet);
    if (load(from) == 0)
        return;
    add(from, (uint64_t)-1);
    add(&counters->dropped_packets[reason], 1);
}

void sp_worker_not_sent(struct sp_worker *worker, enum sp_direction direction, struct sp_packet *packet,
                        enum sp_drop reason)
{
    SP_REQUIRE(packet->verdict != SP_VERDICT_DROP && packet->verdict != SP_VERDICT_NONE);
    SP_REQUIRE(reason > SP_DROP_NONE && reason < SP_DROP_COUNT);
    sp_thread_online();
    const struct sp_snapshot *snapshot = rcu_dereference(worker->engine->snapshot);
    move_one(&worker->tally.direction[direction], packet, reason);
    /* a policy published since then counts its own packets only */
    bool is_same_policy = snapshot && snapshot->generation == worker->counted_generation;
    struct sp_counters *rule = is_same_policy ? rule_counters(worker, snapshot, direction, packet) : NULL;
    if (rule)
        move_one(rule, packet, reason);
    struct sp_sa_tally *sa = sa_entry(worker, packet);
    if (sa)
        move_one(&sa->tally.direction[direction], packet, reason);
    sp_drop_packet(packet, reason);
    sp_drop_note(worker, is_same_policy ? snapshot : NULL, direction, packet, NULL);
    sp_thread_offline();
}

void sp_engine_lost(struct sp_engine *engine, enum sp_direction direction, enum sp_drop reason,
                    uint64_t packets)
{
    SP_REQUIRE(reason > SP_DROP_NONE && reason < SP_DROP_COUNT);
    struct sp_counters *counters = &engine->gone.direction[direction];
    pthread_mutex_lock(&engine->lock);
    add(&counters->offered_packets, packets);
    add(&counters->dropped_packets[reason], packets);
    pthread_mutex_unlock(&engine->lock);
}

void sp_engine_stats(const struct sp_engine *engine, struct sp_stats *ret_stats)
{
    struct sp_engine *self =
        (struct sp_engine *)(uintptr_t)engine; /* the lock is not part of what is const */
    struct sp_tally sum = {0};
    pthread_mutex_lock(&self->lock);
    uint64_t lost = self->gone_events_lost;
    sp_tally_sum(&sum, &self->gone);
    for (uint32_t slot = 0; slot < SP_WORKERS_MAX; slot++) {
        if (!self->workers[slot])
            continue;
        sp_tally_sum(&sum, &self->workers[slot]->tally);
        lost += atomic_load_explicit(&self->workers[slot]->ring.lost, memory_order_relaxed);
    }
    pthread_mutex_unlock(&self->lock);
    *ret_stats = (struct sp_stats){.direction = {sum.direction[0], sum.direction[1]}, .events_lost = lost};
}

enum sp_status sp_engine_rule_stats(const struct sp_engine *engine, uint32_t rule, struct sp_stats *ret_stats)
{
    struct sp_engine *self = (struct sp_engine *)(uintptr_t)engine;
    const struct sp_snapshot *snapshot = self->snapshot; /* the control thread is the one that changes it */
    if (!snapshot || (rule != SP_NO_RULE && rule >= snapshot->rule_count))
        return SP_ERR_NOT_FOUND;
    uint32_t index = rule == SP_NO_RULE ? snapshot->rule_count : rule;
    struct sp_tally sum = {0};
    pthread_mutex_lock(&self->lock);
    for (uint32_t slot = 0; slot <= SP_WORKERS_MAX; slot++)
        if (snapshot->tallies[slot])
            sp_tally_sum(&sum, &snapshot->tallies[slot][index]);
    pthread_mutex_unlock(&self->lock);
    *ret_stats = (struct sp_stats){.direction = {sum.direction[0], sum.direction[1]}};
    return SP_OK;
}

static void sa_tally_sum(struct sp_tally *sum, const struct sp_sa_tally *entry, uint64_t born_ns)
{
    if (__atomic_load_n(&entry->born_ns, __ATOMIC_ACQUIRE) == born_ns)
        sp_tally_sum(sum, &entry->tally);
}

enum sp_status sp_engine_sa_stats(const struct sp_engine *engine, uint32_t number, struct sp_stats *ret_stats)
{
    struct sp_engine *self = (struct sp_engine *)(uintptr_t)engine;
    const struct sp_sa *sa = number < sp_sad_capacity(self->sad) ? sp_sad_by_number(self->sad, number) : NULL;
    if (!sa)
        return SP_ERR_NOT_FOUND;
    struct sp_tally sum = {0};
    pthread_mutex_lock(&self->lock);
    sa_tally_sum(&sum, &self->gone_sas[number], sa->born_ns);
    for (uint32_t slot = 0; slot < SP_WORKERS_MAX; slot++)
        if (self->workers[slot])
            sa_tally_sum(&sum, &self->workers[slot]->sa_tallies[number], sa->born_ns);
    pthread_mutex_unlock(&self->lock);
    *ret_stats = (struct sp_stats){.direction = {sum.direction[0], sum.direction[1]}};
    return SP_OK;
}

uint32_t sp_engine_sa_rule(const struct sp_engine *engine, const struct sp_sa *sa)
{
    struct sp_engine *self = (struct sp_engine *)(uintptr_t)engine;
    uint32_t rule = SP_NO_RULE;
    pthread_mutex_lock(&self->lock);
    for (uint32_t slot = 0; slot < SP_WORKERS_MAX && rule == SP_NO_RULE; slot++) {
        const struct sp_worker *worker = self->workers[slot];
        const struct sp_sa_tally *entry = worker ? &worker->sa_tallies[sa->number] : NULL;
        if (entry && __atomic_load_n(&entry->born_ns, __ATOMIC_ACQUIRE) == sa->born_ns &&
            __atomic_load_n(&entry->generation, __ATOMIC_ACQUIRE) == self->generation)
            rule = __atomic_load_n(&entry->rule, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&self->lock);
    return rule;
}
