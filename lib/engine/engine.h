/* SPDX-License-Identifier: ISC
 *
 * The engine's inside: snapshots, workers, counters.
 *
 * A snapshot is a compiled policy; what it says never changes, and it is published by swapping one pointer
 * (user-space RCU, QSBR). A worker is online for the length of a burst only, so publishing waits for bursts
 * and never for idle threads.
 */
#ifndef SP_ENGINE_ENGINE_H
#define SP_ENGINE_ENGINE_H

#include "esp/esp.h"
#include "policy/compile.h"
#include "sa/sad.h"
#include "sa/thread.h"
#include "selector/flow_cache.h"
#include "wire/headers.h"

#include <sallyport/engine.h>

#include <pthread.h>
#include <string.h>
#include <urcu-qsbr.h>

/* The flows whose rules a worker remembers: 2 MiB, of which nothing is touched under small policies. */
#define SP_ENGINE_FLOWS 32768

/* How many packets go through the stages together: what fits the worker's scratch. */
#define SP_ENGINE_CHUNK 256

/* What the data path needs of a rule. */
struct sp_verdict_rule {
    enum sp_action action;
    enum sp_mode mode;
    enum sp_encryption encryption;
    enum sp_integrity integrity;
    bool is_encapsulated;
    bool has_esn;
    bool names_ports; /* or types of ICMP */
    struct sp_address tunnel_from, tunnel_to;
};

/* Both directions of one counted thing (a rule, an SA, a worker). */
struct sp_tally {
    struct sp_counters direction[2];
};

struct sp_snapshot {
    uint64_t generation;
    struct sp_policy *policy;
    struct sp_selector_table *tables[2]; /* RCU: the same boxes, perhaps built anew */
    bool is_cached[2];                   /* asks the worker's flow cache first */
    struct sp_verdict_rule *rules;
    uint32_t rule_count;
    enum sp_action fallback;
    /* [worker slot][rule, and one more for what no rule decided]; the last slot sums workers that are gone */
    struct sp_tally *tallies[SP_WORKERS_MAX + 1];
};

/* An SA's counters at one worker. Numbers are given again: born_ns tells whose they are. */
struct sp_sa_tally {
    uint64_t born_ns;
    uint64_t generation; /* of the policy that rule is one of */
    uint32_t rule;       /* that it carried a packet under last */
    struct sp_tally tally;
};

#define SP_EVENT_RING 1024u    /* a power of two */
#define SP_ACQUIRE_MEMORY 256u /* a power of two */

/* One producer (the worker), one consumer (the control thread). */
struct sp_event_ring {
    alignas(64) _Atomic uint32_t head; /* next to write */
    alignas(64) _Atomic uint32_t tail; /* next to read */
    _Atomic uint64_t lost;
    struct sp_event events[SP_EVENT_RING];
};

#define SP_DROP_RING 256u     /* a power of two */
#define SP_DROPS_A_REASON 16u /* that are noted between two drains */

/* One producer (the worker), one consumer (the control thread): drops.c. */
struct sp_drop_ring {
    alignas(64) _Atomic uint32_t head; /* next to write */
    uint32_t seen_tail;                /* the worker's, with noted[]: of the drains it knows */
    uint8_t noted[SP_DROP_COUNT];
    alignas(64) _Atomic uint32_t tail; /* next to read */
    struct sp_dropped dropped[SP_DROP_RING];
};

/* The same acquire is told again after a second, not for each packet. */
struct sp_acquire_memory {
    uint64_t told_ns;
    uint32_t rule;
    struct sp_address source, destination;
};

struct sp_worker {
    struct sp_engine *engine;
    struct sp_esp *esp;
    struct sp_flow_cache *flows;
    uint32_t slot;
    uint64_t counted_generation; /* of the policy that the last burst was counted under */
    struct sp_tally tally;
    struct sp_sa_tally *sa_tallies; /* [SAD capacity] */
    struct sp_event_ring ring;
    struct sp_drop_ring drops;
    struct sp_acquire_memory acquires[SP_ACQUIRE_MEMORY];
    struct sp_headers headers[SP_ENGINE_CHUNK];
    struct sp_selector_key keys[SP_ENGINE_CHUNK];
    uint32_t boxes[SP_ENGINE_CHUNK];
    uint32_t offered_bytes[SP_ENGINE_CHUNK];
};

struct sp_engine {
    struct sp_sad *sad;
    struct sp_snapshot *snapshot; /* RCU */
    uint64_t generation;
    pthread_mutex_t lock; /* workers' coming and going, and who reads the counters */
    struct sp_worker *workers[SP_WORKERS_MAX];
    struct sp_tally gone;         /* of workers that are gone, and what never reached one */
    struct sp_sa_tally *gone_sas; /* [SAD capacity] */
    uint64_t gone_events_lost;
};

/* snapshot.c. Takes the policy only on SP_OK. former: the one in force, or NULL. */
enum sp_status sp_snapshot_create(struct sp_policy *policy, const struct sp_me *me,
                                  const struct sp_snapshot *former,
                                  struct sp_snapshot **ret_snapshot) SP_MUST_USE;
/* Puts tables built anew in the place of those that have grown, under the workers' eyes: they say the same.
 */
void sp_snapshot_settle(struct sp_snapshot *snapshot);
void sp_snapshot_destroy(struct sp_snapshot *snapshot);
/* Counters of a worker slot, zeroed. SP_ERR_MEMORY. */
enum sp_status sp_snapshot_add_slot(struct sp_snapshot *snapshot, uint32_t slot) SP_MUST_USE;
/* Moves a slot's counters to the last slot. */
void sp_snapshot_retire_slot(struct sp_snapshot *snapshot, uint32_t slot);

/* tally.c */
void sp_tally_sum(struct sp_tally *sum, const struct sp_tally *tally);
/* Under which rule of the policy in force the SA carried its last packet, at any worker; SP_NO_RULE. */
uint32_t sp_engine_sa_rule(const struct sp_engine *engine, const struct sp_sa *sa);
/* Counts packets[i] of one direction, whose lengths were offered_bytes[i] when they came. */
void sp_count(struct sp_worker *worker, const struct sp_snapshot *snapshot, enum sp_direction direction,
              const struct sp_packet *packets, size_t count);

/* burst.c: what both directions do around their chunks. One burst is held under one snapshot; chunk gives
 * each packet without a verdict one. */
typedef void sp_burst_chunk(struct sp_worker *worker, const struct sp_snapshot *snapshot,
                            struct sp_packet *packets, size_t count);
void sp_burst_run(struct sp_worker *worker, enum sp_direction direction, struct sp_packet *packets,
                  size_t count, sp_burst_chunk *chunk);

/* drops.c: data path. Notes a dropped packet, which is as sp_outbound() or sp_inbound() leaves it.
 * read_before: its headers, or those of any other packet when it has no SA; NULL: unknown. */
void sp_drop_note(struct sp_worker *worker, const struct sp_snapshot *snapshot, enum sp_direction direction,
                  const struct sp_packet *packet, const struct sp_headers *read_before);

/* events.c: data path. There is no SA from source to destination. */
void sp_event_acquire(struct sp_worker *worker, const struct sp_address *source,
                      const struct sp_address *destination, uint32_t rule, uint64_t now_ns);

/* classify.c: reads headers and looks each packet without a verdict up. After it worker->headers, ->boxes and
 * packet->rule are set; a packet that can't be read is dropped. */
void sp_classify(struct sp_worker *worker, const struct sp_snapshot *snapshot, enum sp_direction direction,
                 struct sp_packet *packets, size_t count);
/* What a lookup's answer says to do with the packet. */
enum sp_action sp_classified_action(const struct sp_snapshot *snapshot, const struct sp_packet *packet);

static inline uint8_t *sp_packet_start(const struct sp_packet *packet)
{
    return packet->buffer + packet->head_bytes;
}

static inline void sp_drop_packet(struct sp_packet *packet, enum sp_drop reason)
{
    packet->verdict = SP_VERDICT_DROP;
    packet->reason = reason;
}

/* Nobody should read what came under an SA and was refused. */
static inline void sp_drop_opened(struct sp_packet *packet, enum sp_drop reason)
{
    sp_drop_packet(packet, reason);
    memset(sp_packet_start(packet), 0, packet->len_bytes);
}

/* A fragment that doesn't tell what a rule may ask for. */
static inline bool sp_hides_ports(const struct sp_headers *headers)
{
    return headers->is_fragment && !headers->has_ports && !headers->has_icmp_type;
}

/* Must a packet be dropped for being a fragment, where this rule protects it? Transport mode takes whole
 * datagrams only (RFC 4303 3.3.4). A tunnel takes all but those whose ports the rule would have to know: let
 * in, they could be put together with what never passed it (RFC 4301 7, appendix D). */
static inline bool sp_refuses_fragment(const struct sp_verdict_rule *rule, const struct sp_headers *headers)
{
    if (rule->mode != SP_MODE_TUNNEL)
        return headers->is_fragment;
    return rule->names_ports && sp_hides_ports(headers);
}

#endif
