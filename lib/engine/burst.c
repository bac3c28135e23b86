/* SPDX-License-Identifier: ISC
 *
 * A burst from its first packet to its last: online, under one policy, in chunks that fit the worker's
 * scratch, counted.
 */
#include "engine/engine.h"

#include "core/misuse.h"

/* Forgets what an earlier call left on the packets, and remembers their lengths for the counters. */
static void begin_chunk(struct sp_worker *worker, const struct sp_snapshot *snapshot,
                        struct sp_packet *packets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        SP_REQUIRE(packets[i].head_bytes <= packets[i].capacity_bytes);
        SP_REQUIRE(packets[i].len_bytes <= packets[i].capacity_bytes - packets[i].head_bytes);
        packets[i].verdict = SP_VERDICT_NONE;
        packets[i].reason = SP_DROP_NONE;
        packets[i].rule = SP_NO_RULE;
        packets[i].sa = SP_NO_SA;
        worker->offered_bytes[i] = packets[i].len_bytes;
        if (!snapshot) /* no policy yet: fail closed */
            sp_drop_packet(&packets[i], SP_DROP_POLICY_BLOCK);
    }
}

void sp_burst_run(struct sp_worker *worker, enum sp_direction direction, struct sp_packet *packets,
                  size_t count, sp_burst_chunk *chunk)
{
    SP_REQUIRE(worker && (packets || !count));
    sp_thread_online();
    const struct sp_snapshot *snapshot = rcu_dereference(worker->engine->snapshot);
    while (count > 0) {
        size_t taken = count < SP_ENGINE_CHUNK ? count : SP_ENGINE_CHUNK;
        begin_chunk(worker, snapshot, packets, taken);
        if (snapshot)
            chunk(worker, snapshot, packets, taken);
        sp_count(worker, snapshot, direction, packets, taken);
        packets += taken;
        count -= taken;
    }
    sp_thread_offline();
}
