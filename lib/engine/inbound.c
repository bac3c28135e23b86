/* SPDX-License-Identifier: ISC
 *
 * Packets that come in (RFC 4301 5.2): open what is ESP, then hold everything against the policy. What came
 * under an SA must match a rule that uses such an SA; what came in clear must not match a rule that protects
 * or blocks.
 */
#include "engine/engine.h"

/* Clear text goes past sp_esp_open with this verdict, to be decided by the policy. */
static void set_clear_text_aside(struct sp_worker *worker, struct sp_packet *packets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t total_bytes;
        enum sp_drop reason = sp_headers_read(sp_packet_start(&packets[i]), packets[i].len_bytes, true,
                                              &worker->headers[i], &total_bytes);
        if (reason != SP_DROP_NONE)
            sp_drop_packet(&packets[i], reason);
        else if (!sp_esp_is_carrier(worker->engine->sad, &worker->headers[i]))
            packets[i].verdict = SP_VERDICT_BYPASS;
    }
}

static bool uses_sa(const struct sp_verdict_rule *rule, const struct sp_sa *sa)
{
    if (rule->mode == SP_MODE_TUNNEL && !sp_sa_is_between(sa, &rule->tunnel_to, &rule->tunnel_from))
        return false;
    return rule->mode == sa->mode && rule->encryption == sa->encryption && rule->integrity == sa->integrity &&
           rule->is_encapsulated == sp_encap_is_on(&sa->encap) && rule->has_esn == sa->has_esn;
}

static void decide_opened(struct sp_worker *worker, const struct sp_snapshot *snapshot,
                          struct sp_packet *packet, const struct sp_headers *headers)
{
    switch (sp_classified_action(snapshot, packet)) {
    case SP_ACTION_BLOCK:
        sp_drop_opened(packet, SP_DROP_POLICY_BLOCK);
        return;
    case SP_ACTION_BYPASS: /* RFC 4301 5.2 step 4: no rule says that this traffic comes under an SA */
        sp_drop_opened(packet, SP_DROP_SA_MISMATCH);
        return;
    case SP_ACTION_PROTECT:
        break;
    }
    const struct sp_sa *sa = sp_sad_by_number(worker->engine->sad, packet->sa);
    const struct sp_verdict_rule *rule = &snapshot->rules[packet->rule];
    if (!sa || !uses_sa(rule, sa))
        sp_drop_opened(packet, SP_DROP_SA_MISMATCH);
    else if (sp_refuses_fragment(rule, headers))
        sp_drop_opened(packet, SP_DROP_FRAGMENT);
}

static void decide_clear(const struct sp_snapshot *snapshot, struct sp_packet *packet,
                         const struct sp_headers *headers)
{
    enum sp_action action = sp_classified_action(snapshot, packet);
    if (action == SP_ACTION_BYPASS)
        return;
    if (headers->is_fragment && !headers->has_ports && packet->rule != SP_NO_RULE)
        sp_drop_packet(packet, SP_DROP_FRAGMENT);
    else
        sp_drop_packet(packet, action == SP_ACTION_BLOCK ? SP_DROP_POLICY_BLOCK : SP_DROP_CLEAR_TEXT);
}

static void inbound_chunk(struct sp_worker *worker, const struct sp_snapshot *snapshot,
                          struct sp_packet *packets, size_t count)
{
    set_clear_text_aside(worker, packets, count);
    sp_esp_open_online(worker->esp, packets, count);
    sp_classify(worker, snapshot, SP_INBOUND, packets, count);
    for (size_t i = 0; i < count; i++) {
        if (packets[i].verdict == SP_VERDICT_OPENED)
            decide_opened(worker, snapshot, &packets[i], &worker->headers[i]);
        else if (packets[i].verdict == SP_VERDICT_BYPASS)
            decide_clear(snapshot, &packets[i], &worker->headers[i]);
    }
}

void sp_inbound(struct sp_worker *worker, struct sp_packet *packets, size_t count)
{
    sp_burst_run(worker, SP_INBOUND, packets, count, inbound_chunk);
}
