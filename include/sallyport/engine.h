/* SPDX-License-Identifier: ISC
 *
 * Sallyport: the engine. Policy and SAs in, bursts of packets through, verdicts out.
 *
 * One engine a host; one worker a thread. The control thread publishes policies; a burst sees exactly one of
 * them. sp_outbound and sp_inbound allocate nothing, take no lock, make no system call, log nothing and call
 * nobody back.
 */
#ifndef SALLYPORT_ENGINE_H
#define SALLYPORT_ENGINE_H

#include <sallyport/esp.h>
#include <sallyport/packet.h>
#include <sallyport/policy.h>
#include <sallyport/sa.h>
#include <sallyport/stats.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sp_engine;
struct sp_worker;

/* An engine over a SAD (which must outlive it). Until a policy is published it blocks everything.
 * SP_ERR_MEMORY. */
SP_API enum sp_status sp_engine_create(struct sp_sad *sad, struct sp_engine **ret_engine) SP_MUST_USE;
/* All workers must be gone: misuse otherwise. Frees and nulls; *engine may be NULL. */
SP_API void sp_engine_destroy(struct sp_engine **engine);

/* Compiles the policy for this host's addresses and puts it in force with one pointer swap; waits until no
 * worker uses the former one. Where little differs from the policy in force, what differs is all that is
 * built before that; when such changes have added up, their tables are built anew after it. Takes ownership
 * of *policy and nulls it on success; on failure the caller keeps it and the former policy stays in force.
 * SAs without a lifetime of their own get the tightest of the actions that use their suite; those added later
 * get it at the next publish. SP_ERR_MEMORY, SP_ERR_LIMIT (the rules expand to over 1,000,000 selector
 * boxes). Control thread only. */
SP_API enum sp_status sp_engine_publish(struct sp_engine *engine, struct sp_policy **policy,
                                        const struct sp_me *me) SP_MUST_USE;
/* The policy in force, NULL before the first; valid until the next publish. Control thread only. */
SP_API const struct sp_policy *sp_engine_policy(const struct sp_engine *engine);
/* How many policies were published so far: the generation. */
SP_API uint64_t sp_engine_generation(const struct sp_engine *engine);

#define SP_WORKERS_MAX 64

/* A worker for the calling thread: create, use and destroy it there. The engine must outlive it.
 * SP_ERR_MEMORY, SP_ERR_LIMIT (there are SP_WORKERS_MAX). */
SP_API enum sp_status sp_worker_create(struct sp_engine *engine, struct sp_worker **ret_worker) SP_MUST_USE;
/* Frees and nulls; *worker may be NULL. What it counted stays in the sums, what is in its rings is lost. */
SP_API void sp_worker_destroy(struct sp_worker **worker);

/* Packets that leave the host (RFC 4301 5.1). Each gets a verdict: BYPASS (send as it is), SEALED (send, it
 * now is an ESP packet) or DROP with a reason; the rule that decided and the SA used. Any previous verdict is
 * overwritten. count 0..65,536; bursts of 32 to 256 are best. */
SP_API void sp_outbound(struct sp_worker *worker, struct sp_packet *packets, size_t count);

/* Packets that come in (RFC 4301 5.2): ESP is opened and then checked against the policy again; clear text
 * must not match a protect or block rule. Verdicts BYPASS, OPENED or DROP. A packet dropped after opening is
 * wiped. */
SP_API void sp_inbound(struct sp_worker *worker, struct sp_packet *packets, size_t count);

/* The host could not do what a verdict other than DROP said: turns the packet's verdict into DROP with reason
 * (HOST_*) and moves it in the counters from where it was, as far as they still are those that counted it: of
 * a policy or an SA that is gone nothing is moved. The packet's bytes stay. A packet without such a verdict
 * is misuse. Same thread as the worker, before the packet is reused. */
SP_API void sp_worker_not_sent(struct sp_worker *worker, enum sp_direction direction,
                               struct sp_packet *packet, enum sp_drop reason);

/* The host dropped packets before a worker saw them: counts them as offered and dropped, in the totals only,
 * because nobody knows their bytes, rule or SA. Any thread; takes a lock. */
SP_API void sp_engine_lost(struct sp_engine *engine, enum sp_direction direction, enum sp_drop reason,
                           uint64_t packets);

/* Sums over all workers, living and gone. Any thread; each number is exact at some moment during the call. */
SP_API void sp_engine_stats(const struct sp_engine *engine, struct sp_stats *ret_stats);
/* The same for packets that rule index decided, under the policy in force (SP_NO_RULE: its default,
 * and packets that were dropped before any rule was asked). Control
 * thread. SP_ERR_NOT_FOUND. */
SP_API enum sp_status sp_engine_rule_stats(const struct sp_engine *engine, uint32_t rule,
                                           struct sp_stats *ret_stats) SP_MUST_USE;
/* The same for packets that SA number carried or refused. SP_ERR_NOT_FOUND. Control thread. */
SP_API enum sp_status sp_engine_sa_stats(const struct sp_engine *engine, uint32_t sa,
                                         struct sp_stats *ret_stats) SP_MUST_USE;

enum sp_event_kind {
    SP_EVENT_ACQUIRE,      /* no SA for a packet that needs one: source, destination, rule */
    SP_EVENT_SOFT_EXPIRED, /* sa reached a soft limit: time for new keys */
    SP_EVENT_HARD_EXPIRED, /* sa reached a hard limit: it is dead */
};
struct sp_event {
    enum sp_event_kind kind;
    enum sp_limit limit; /* of an expiry: which one was reached */
    /* rule: of an expiry the one whose packet the SA carried last under the policy in force, SP_NO_RULE when
     * it carried none */
    uint32_t rule, sa, spi;
    struct sp_address source, destination;
};
/* Takes up to max events out of the engine's rings; returns how many. Of an SA that reached its soft and its
 * hard limit since the last call both are told, in this order. One control thread at a time. */
SP_API size_t sp_engine_events(struct sp_engine *engine, struct sp_event *events, size_t max);

/* A packet that was dropped: who sent what to whom, and why. Never its contents. */
struct sp_dropped {
    uint64_t at_ns; /* when: CLOCK_BOOTTIME */
    enum sp_direction direction;
    enum sp_drop reason;
    uint64_t generation; /* of the policy that rule is a rule of; 0: unknown, and so is rule */
    uint32_t rule, sa;   /* SP_NO_RULE, SP_NO_SA */
    /* of the packet as it was dropped, which is the sealed one where the host could not send it; family 0: it
     * could not be read */
    struct sp_address source, destination;
    uint32_t flow_label;                    /* of the IPv6 header, else 0 */
    uint8_t protocol;                       /* of the upper layer, 50 for ESP */
    bool has_ports;                         /* protocol has ports and they were in the packet */
    uint16_t source_port, destination_port; /* 0 unless has_ports */
    bool has_spi, has_sequence; /* spi: of its SA, or of its ESP header; sequence: of its ESP header */
    uint32_t spi, sequence;     /* the sequence number's lower 32 bits: the others aren't sent */
};
/* Takes up to max dropped packets out of the engine's rings; returns how many, each worker's in order. The
 * rings are there to see what is wrong, not to count by: between two calls a worker notes at most 16 packets
 * a reason, the first ones. One control thread at a time. */
SP_API size_t sp_engine_dropped(struct sp_engine *engine, struct sp_dropped *dropped, size_t max);

#ifdef __cplusplus
}
#endif
#endif
