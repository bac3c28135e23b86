/* SPDX-License-Identifier: ISC
 *
 * Packets that leave the host (RFC 4301 5.1): classify, find the SA, seal, count.
 */
#include "engine/engine.h"

#include "core/clock.h"

#include <string.h>

/* The last SA found in this burst. Bursts are mostly one flow, and a burst is as long as an SA found may be
 * kept. */
struct last_sa {
    uint32_t rule;
    struct sp_address source, destination;
    struct sp_sa *sa;
};

struct ends {
    const struct sp_address *source, *destination;
};

/* Of the SA for a packet: the packet's own, or those of the tunnel that the rule names (RFC 4301 4.4.1.2). */
static struct ends ends_of(const struct sp_verdict_rule *rule, const struct sp_headers *headers)
{
    if (rule->mode == SP_MODE_TUNNEL)
        return (struct ends){&rule->tunnel_from, &rule->tunnel_to};
    return (struct ends){&headers->source, &headers->destination};
}

static struct sp_sa *find_sa(struct sp_worker *worker, const struct sp_snapshot *snapshot, uint32_t rule,
                             const struct sp_headers *headers, struct last_sa *last)
{
    const struct sp_verdict_rule *verdict = &snapshot->rules[rule];
    struct ends ends = ends_of(verdict, headers);
    if (last->sa && last->rule == rule && sp_address_is_same(&last->source, ends.source) &&
        sp_address_is_same(&last->destination, ends.destination))
        return last->sa;
    struct sp_sa *sa =
        sp_sad_find_outbound(worker->engine->sad, ends.source, ends.destination, verdict->encryption,
                             verdict->integrity, verdict->mode, verdict->is_encapsulated, verdict->has_esn);
    *last = (struct last_sa){rule, *ends.source, *ends.destination, sa};
    return sa;
}

/* Leaves a packet that is to be sealed without a verdict and with its SA. */
static void decide(struct sp_worker *worker, const struct sp_snapshot *snapshot, struct sp_packet *packet,
                   const struct sp_headers *headers, struct last_sa *last, uint64_t now_ns)
{
    switch (sp_classified_action(snapshot, packet)) {
    case SP_ACTION_BYPASS:
        packet->verdict = SP_VERDICT_BYPASS;
        return;
    case SP_ACTION_BLOCK:
        sp_drop_packet(packet, headers->is_fragment && !headers->has_ports && packet->rule != SP_NO_RULE
                                   ? SP_DROP_FRAGMENT
                                   : SP_DROP_POLICY_BLOCK);
        return;
    case SP_ACTION_PROTECT:
        break;
    }
    const struct sp_verdict_rule *rule = &snapshot->rules[packet->rule];
    if (sp_refuses_fragment(rule, headers)) {
        sp_drop_packet(packet, SP_DROP_FRAGMENT);
        return;
    }
    struct sp_sa *sa = find_sa(worker, snapshot, packet->rule, headers, last);
    if (!sa) {
        sp_drop_packet(packet, SP_DROP_NO_SA);
        struct ends ends = ends_of(rule, headers);
        sp_event_acquire(worker, ends.source, ends.destination, packet->rule, now_ns);
        return;
    }
    packet->sa = sa->number;
}

static void outbound_chunk(struct sp_worker *worker, const struct sp_snapshot *snapshot,
                           struct sp_packet *packets, size_t count)
{
    struct last_sa last = {0};
    uint64_t now_ns = sp_clock_now_ns();
    sp_classify(worker, snapshot, SP_OUTBOUND, packets, count);
    for (size_t i = 0; i < count; i++)
        if (packets[i].verdict == SP_VERDICT_NONE)
            decide(worker, snapshot, &packets[i], &worker->headers[i], &last, now_ns);
    sp_esp_seal_online(worker->esp, packets, count);
}

void sp_outbound(struct sp_worker *worker, struct sp_packet *packets, size_t count)
{
    sp_burst_run(worker, SP_OUTBOUND, packets, count, outbound_chunk);
}
