/* SPDX-License-Identifier: ISC
 *
 * The engine and its workers: who exists, which policy is in force, and how the one is changed under the
 * other.
 */
#include "engine/engine.h"

#include "core/misuse.h"

#include <stdlib.h>

enum sp_status sp_engine_create(struct sp_sad *sad, struct sp_engine **ret_engine)
{
    SP_REQUIRE(sad && ret_engine);
    struct sp_engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return SP_ERR_MEMORY;
    engine->gone_sas = calloc(sp_sad_capacity(sad), sizeof *engine->gone_sas);
    if (!engine->gone_sas) {
        free(engine);
        return SP_ERR_MEMORY;
    }
    pthread_mutex_init(&engine->lock, NULL);
    engine->sad = sad;
    sp_sad_hold(sad);
    *ret_engine = engine;
    return SP_OK;
}

void sp_engine_destroy(struct sp_engine **engine)
{
    if (!*engine)
        return;
    for (uint32_t slot = 0; slot < SP_WORKERS_MAX; slot++)
        SP_REQUIRE((*engine)->workers[slot] == NULL);
    sp_snapshot_destroy((*engine)->snapshot);
    sp_sad_release((*engine)->sad);
    pthread_mutex_destroy(&(*engine)->lock);
    free((*engine)->gone_sas);
    free(*engine);
    *engine = NULL;
}

/* The policy's word on lifetimes, for SAs that have none of their own. */
static void tighten_lifetimes(struct sp_engine *engine, const struct sp_policy *policy)
{
    for (uint32_t number = 0; number < sp_sad_capacity(engine->sad); number++) {
        struct sp_sa *sa = sp_sad_by_number(engine->sad, number);
        if (!sa || sa->has_own_lifetime)
            continue;
        for (uint32_t i = 0; i < sp_policy_action_count(policy); i++) {
            struct sp_action_info action;
            if (sp_policy_action(policy, i, &action) != SP_OK)
                continue;
            if (action.mode == sa->mode && sp_action_is_between(&action, &sa->source, &sa->destination) &&
                action.encryption == sa->encryption && action.integrity == sa->integrity &&
                action.has_esn == sa->has_esn && action.is_encapsulated == sp_encap_is_on(&sa->encap))
                sp_sa_tighten_lifetime(sa, &action.lifetime);
        }
    }
}

static enum sp_status add_slots(struct sp_engine *engine, struct sp_snapshot *snapshot)
{
    for (uint32_t slot = 0; slot < SP_WORKERS_MAX; slot++) {
        if (!engine->workers[slot])
            continue;
        enum sp_status status = sp_snapshot_add_slot(snapshot, slot);
        if (status != SP_OK)
            return status;
    }
    return SP_OK;
}

enum sp_status sp_engine_publish(struct sp_engine *engine, struct sp_policy **policy, const struct sp_me *me)
{
    SP_REQUIRE(engine && policy && *policy && me);
    struct sp_snapshot *snapshot;
    enum sp_status status = sp_snapshot_create(*policy, me, engine->snapshot, &snapshot);
    if (status != SP_OK)
        return status;

    pthread_mutex_lock(&engine->lock);
    struct sp_snapshot *former = engine->snapshot;
    status = add_slots(engine, snapshot);
    if (status == SP_OK) {
        tighten_lifetimes(engine, *policy);
        snapshot->generation = ++engine->generation;
        rcu_assign_pointer(engine->snapshot, snapshot);
    }
    pthread_mutex_unlock(&engine->lock);
    if (status != SP_OK) {
        snapshot->policy = NULL; /* the caller's still */
        sp_snapshot_destroy(snapshot);
        return status;
    }
    synchronize_rcu();
    sp_snapshot_destroy(former);
    sp_snapshot_settle(snapshot);
    *policy = NULL;
    return SP_OK;
}

const struct sp_policy *sp_engine_policy(const struct sp_engine *engine)
{
    return engine->snapshot ? engine->snapshot->policy : NULL;
}

uint64_t sp_engine_generation(const struct sp_engine *engine)
{
    return engine->generation;
}

/* Finds a free slot and gives the worker its counters under the policy in force. */
static enum sp_status enroll(struct sp_engine *engine, struct sp_worker *worker)
{
    uint32_t slot = 0;
    while (slot < SP_WORKERS_MAX && engine->workers[slot])
        slot++;
    if (slot == SP_WORKERS_MAX)
        return SP_ERR_LIMIT;
    if (engine->snapshot) {
        enum sp_status status = sp_snapshot_add_slot(engine->snapshot, slot);
        if (status != SP_OK)
            return status;
    }
    worker->slot = slot;
    engine->workers[slot] = worker;
    return SP_OK;
}

enum sp_status sp_worker_create(struct sp_engine *engine, struct sp_worker **ret_worker)
{
    SP_REQUIRE(engine && ret_worker);
    struct sp_worker *worker = aligned_alloc(64, (sizeof *worker + 63) & ~(size_t)63);
    if (!worker)
        return SP_ERR_MEMORY;
    *worker = (struct sp_worker){.engine = engine};
    worker->sa_tallies = calloc(sp_sad_capacity(engine->sad), sizeof *worker->sa_tallies);
    enum sp_status status = worker->sa_tallies ? SP_OK : SP_ERR_MEMORY;
    sp_thread_register();
    if (status == SP_OK)
        status = sp_esp_create(engine->sad, &worker->esp);
    if (status == SP_OK)
        status = sp_flow_cache_create(SP_ENGINE_FLOWS, &worker->flows);
    if (status == SP_OK) {
        pthread_mutex_lock(&engine->lock);
        status = enroll(engine, worker);
        pthread_mutex_unlock(&engine->lock);
    }
    if (status != SP_OK) {
        sp_thread_unregister();
        sp_esp_destroy(&worker->esp);
        sp_flow_cache_destroy(&worker->flows);
        free(worker->sa_tallies);
        free(worker);
        return status;
    }
    *ret_worker = worker;
    return SP_OK;
}

/* What the worker counted stays in the sums. */
static void retire_counters(struct sp_engine *engine, struct sp_worker *worker)
{
    sp_tally_sum(&engine->gone, &worker->tally);
    engine->gone_events_lost += atomic_load(&worker->ring.lost);
    if (engine->snapshot)
        sp_snapshot_retire_slot(engine->snapshot, worker->slot);
    for (uint32_t number = 0; number < sp_sad_capacity(engine->sad); number++) {
        const struct sp_sa_tally *entry = &worker->sa_tallies[number];
        struct sp_sa_tally *sum = &engine->gone_sas[number];
        if (!entry->born_ns)
            continue;
        if (entry->born_ns > sum->born_ns)
            *sum = (struct sp_sa_tally){.born_ns = entry->born_ns};
        if (entry->born_ns == sum->born_ns)
            sp_tally_sum(&sum->tally, &entry->tally);
    }
}

void sp_worker_destroy(struct sp_worker **worker)
{
    if (!*worker)
        return;
    struct sp_engine *engine = (*worker)->engine;
    pthread_mutex_lock(&engine->lock);
    retire_counters(engine, *worker);
    engine->workers[(*worker)->slot] = NULL;
    pthread_mutex_unlock(&engine->lock);
    sp_esp_destroy(&(*worker)->esp);
    sp_flow_cache_destroy(&(*worker)->flows);
    sp_thread_unregister();
    free((*worker)->sa_tallies);
    free(*worker);
    *worker = NULL;
}
