/* SPDX-License-Identifier: ISC
 *
 * From packets to rules: headers, keys, one lookup for the whole burst.
 *
 * Large tables have the worker's flow cache in front. What it remembers is an answer of one table of one
 * generation and says so in its tag, so that a new policy makes it forget everything without touching it.
 */
#include "engine/engine.h"

static struct sp_selector_address key_address(const struct sp_address *address)
{
    const uint8_t *bytes = address->bytes;
    if (address->family == 4)
        return (struct sp_selector_address){0, sp_read_u32(bytes)};
    return (struct sp_selector_address){(uint64_t)sp_read_u32(bytes) << 32 | sp_read_u32(bytes + 4),
                                        (uint64_t)sp_read_u32(bytes + 8) << 32 | sp_read_u32(bytes + 12)};
}

static struct sp_selector_key key_of(const struct sp_headers *headers)
{
    struct sp_selector_key key = {.family = headers->source.family,
                                  .protocol = headers->protocol,
                                  .ports_unknown = sp_hides_ports(headers),
                                  .source_port = headers->source_port,
                                  .destination_port = headers->destination_port,
                                  .source = key_address(&headers->source),
                                  .destination = key_address(&headers->destination)};
    if (headers->protocol != SP_PROTOCOL_ICMP && headers->protocol != SP_PROTOCOL_ICMPV6)
        return key;
    key.source_port = headers->has_icmp_type ? headers->icmp_type : SP_SELECTOR_NO_TYPE;
    key.destination_port = headers->has_icmp_type ? headers->icmp_code : SP_SELECTOR_NO_TYPE;
    return key;
}

/* Returns the table whose boxes the answers are. */
static const struct sp_selector_table *look_up(struct sp_worker *worker, const struct sp_snapshot *snapshot,
                                               enum sp_direction direction, size_t count)
{
    const struct sp_selector_table *table = rcu_dereference(snapshot->tables[direction]);
    uint64_t tag = snapshot->generation * 2 + (uint64_t)direction;

    if (snapshot->is_cached[direction])
        sp_flow_cache_lookup(worker->flows, tag, table, worker->keys, count, worker->boxes);
    else
        sp_selector_lookup(table, worker->keys, count, worker->boxes);
    return table;
}

/* What a peer with the keys sealed may be no well-formed packet. */
static void refuse(struct sp_packet *packet, enum sp_drop reason)
{
    if (packet->verdict == SP_VERDICT_OPENED)
        sp_drop_opened(packet, reason);
    else
        sp_drop_packet(packet, reason);
}

void sp_classify(struct sp_worker *worker, const struct sp_snapshot *snapshot, enum sp_direction direction,
                 struct sp_packet *packets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        worker->keys[i] = (struct sp_selector_key){.family = 4};
        if (packets[i].verdict == SP_VERDICT_DROP)
            continue;
        uint32_t total_bytes;
        enum sp_drop reason = sp_headers_read(sp_packet_start(&packets[i]), packets[i].len_bytes, true,
                                              &worker->headers[i], &total_bytes);
        if (reason != SP_DROP_NONE) {
            refuse(&packets[i], reason);
            continue;
        }
        packets[i].len_bytes = total_bytes; /* without the link's padding */
        worker->keys[i] = key_of(&worker->headers[i]);
    }
    const struct sp_selector_table *table = look_up(worker, snapshot, direction, count);
    for (size_t i = 0; i < count; i++) {
        bool is_decided = packets[i].verdict != SP_VERDICT_DROP && worker->boxes[i] != SP_SELECTOR_MISS;
        packets[i].rule = is_decided ? sp_selector_rule(table, worker->boxes[i]) : SP_NO_RULE;
    }
}

enum sp_action sp_classified_action(const struct sp_snapshot *snapshot, const struct sp_packet *packet)
{
    return packet->rule == SP_NO_RULE ? snapshot->fallback : snapshot->rules[packet->rule].action;
}
