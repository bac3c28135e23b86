/* SPDX-License-Identifier: ISC
 *
 * The statistics segment of a running engine, sallyportd's or another program's: for those who may read the
 * file and not ask the daemon. It knows of no addresses of the host, so a direction is what the SA did.
 */
#include "sources.h"

#include "tool.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* The writer is at it every second. */
#define STALE_SECONDS 5.0

static const char *const flow_names[] = {[FLOW_OUTBOUND] = "outbound", [FLOW_INBOUND] = "inbound"};

static void set_unreadable(const struct source *source, struct snapshot *snapshot, enum sp_status status)
{
    if (status == SP_ERR_SYSTEM)
        snapshot_set_down(snapshot, "%s: %s: is sallyportd running, and may you read it?", source->path,
                          strerror(errno));
    else if (status == SP_ERR_LIMIT)
        snapshot_set_down(snapshot, "%s is being written without an end: its writer died while it wrote",
                          source->path);
    else
        snapshot_set_down(snapshot, "%s: %s: this is no statistics segment of a version that is known here",
                          source->path, sp_status_text(status));
}

/* Who restarts makes another file at the path, which the one that is open doesn't tell: so each time anew. */
static bool reopen(struct source *source, struct snapshot *snapshot)
{
    sp_stats_close(&source->reader);
    const enum sp_status status = sp_stats_open(source->path, &source->reader);
    if (status != SP_OK)
        set_unreadable(source, snapshot, status);
    return status == SP_OK;
}

static uint64_t dropped_of(const struct sp_segment_counters *counters)
{
    uint64_t packets = 0;
    for (size_t reason = 0; reason < SP_SEGMENT_REASONS; reason++)
        packets += counters->dropped_packets[reason];
    return packets;
}

static void take_flow(struct flow *flow, const struct sp_segment_counters *counters)
{
    *flow = (struct flow){
        .offered_packets = counters->offered_packets,
        .offered_bytes = counters->offered_bytes,
        .bypassed_packets = counters->bypassed_packets,
        .sealed_packets = counters->sealed_packets,
        .opened_packets = counters->opened_packets,
        .dropped_packets = dropped_of(counters),
    };
}

static const char *address_of(struct pool *pool, uint32_t family, const uint8_t *bytes)
{
    char text[SP_ADDRESS_TEXT_BYTES];
    struct sp_address address = {.family = family == 6 ? 6 : 4};
    memcpy(address.bytes, bytes, family == 6 ? 16 : 4);
    return pool_text(pool, sp_address_format(&address, text));
}

/* A text of the file, which may lack its end. */
static const char *text_of(struct pool *pool, const char *text, size_t room_bytes)
{
    return pool_format(pool, "%.*s", (int)strnlen(text, room_bytes), text);
}

static void take_association(struct snapshot *snapshot, const struct sp_segment_sa *entry,
                             struct association *sa)
{
    static const char *const states[] = {"live", "soft-expired", "hard-expired"};
    struct pool *pool = &snapshot->pool;
    const char *encryption = text_of(pool, entry->encryption, sizeof entry->encryption);
    const char *integrity = text_of(pool, entry->integrity, sizeof entry->integrity);
    const struct sp_segment_counters *out = &entry->direction[SP_OUTBOUND],
                                     *in = &entry->direction[SP_INBOUND];
    sa->number = entry->number;
    sa->spi = entry->spi;
    sa->name = text_of(pool, entry->name, sizeof entry->name);
    sa->source = address_of(pool, entry->family, entry->source);
    sa->destination = address_of(pool, entry->family, entry->destination);
    sa->direction = out->offered_packets > 0 || entry->sequence_sent > 0 ? "out"
                    : in->offered_packets > 0                            ? "in"
                                                                         : "none";
    sa->peer = strcmp(sa->direction, "in") == 0 ? sa->source : sa->destination;
    sa->mode = "";
    sa->security = security_text(pool, encryption, integrity);
    sa->suite =
        strcmp(integrity, "combined") == 0 ? encryption : pool_format(pool, "%s %s", encryption, integrity);
    sa->is_confidential = strcmp(encryption, "null") != 0;
    sa->is_authenticated = true;
    sa->state = entry->state < 3 ? states[entry->state] : "?";
    sa->is_active = entry->state < SP_SA_HARD_EXPIRED;
    sa->fingerprint = text_of(pool, entry->fingerprint, sizeof entry->fingerprint);
    sa->requested = sa->granted = "user";
    sa->is_ours = true;
    sa->bytes = entry->bytes;
    sa->packets = entry->packets;
    sa->age_seconds = entry->age_seconds;
    sa->esp_packets = out->sealed_packets + in->opened_packets;
    sa->dropped_packets = dropped_of(out) + dropped_of(in);
    for (size_t reason = 0; reason < SP_DROP_COUNT && reason < SP_SEGMENT_REASONS; reason++)
        sa->drops[reason] = out->dropped_packets[reason] + in->dropped_packets[reason];
    sa->soft_bytes = entry->soft_bytes;
    sa->hard_bytes = entry->hard_bytes;
    sa->soft_packets = entry->soft_packets;
    sa->hard_packets = entry->hard_packets;
    sa->soft_seconds = entry->soft_seconds;
    sa->hard_seconds = entry->hard_seconds;
    sa->sequence_sent = entry->sequence_sent;
    sa->sequence_received = entry->sequence_received;
}

static void take_drops(const struct source *source, struct snapshot *snapshot,
                       const struct sp_segment_totals *totals)
{
    const uint32_t reasons = sp_stats_count(source->reader, SP_SEGMENT_REASON);
    snapshot->drops = pool_take(&snapshot->pool, 2 * (size_t)reasons * sizeof *snapshot->drops);
    for (int flow = 0; flow < FLOW_COUNT; flow++) {
        for (uint32_t i = 1; i < reasons && i < SP_SEGMENT_REASONS; i++) {
            const struct sp_segment_reason *reason = sp_stats_entry(source->reader, SP_SEGMENT_REASON, i);
            snapshot->drops[snapshot->drop_count++] =
                (struct drop_count){.where = flow_names[flow],
                                    .reason = text_of(&snapshot->pool, reason->id, sizeof reason->id),
                                    .text = text_of(&snapshot->pool, reason->text, sizeof reason->text),
                                    .packets = totals->direction[flow].dropped_packets[i]};
        }
    }
}

/* Of all SAs that there were, those that are gone included. */
static void take_carried(struct snapshot *snapshot, const struct sp_segment_totals *totals)
{
    const struct sp_segment_carried *out = &totals->carried[SP_OUTBOUND], *in = &totals->carried[SP_INBOUND];
    snapshot_set_known(snapshot, KNOWN_KEY_ADDITIONS, totals->key_additions);
    snapshot_set_known(snapshot, KNOWN_KEY_DELETIONS, totals->key_deletions);
    snapshot_set_known(snapshot, KNOWN_CONFIDENTIAL_SENT, out->confidential_bytes);
    snapshot_set_known(snapshot, KNOWN_CONFIDENTIAL_RECEIVED, in->confidential_bytes);
    snapshot_set_known(snapshot, KNOWN_AUTHENTICATED_SENT, out->authenticated_bytes);
    snapshot_set_known(snapshot, KNOWN_AUTHENTICATED_RECEIVED, in->authenticated_bytes);
}

static bool protects_or_blocks(const struct source *source)
{
    const uint32_t count = sp_stats_count(source->reader, SP_SEGMENT_RULES);
    for (uint32_t i = 0; i < count; i++) {
        const struct sp_segment_rule *rule = sp_stats_entry(source->reader, SP_SEGMENT_RULES, i);
        if (strncmp(rule->action, "bypass", sizeof rule->action) != 0)
            return true;
    }
    return false;
}

void source_segment(struct source *source, struct snapshot *snapshot, const struct snapshot *former)
{
    (void)former; /* the daemon itself knows what is gone */
    if (!reopen(source, snapshot))
        return;
    const struct sp_segment_header *header = sp_stats_header(source->reader);
    const double age_seconds = snapshot->time - (double)header->written_ns / 1e9;
    if (header->flags & SP_SEGMENT_CLOSED) {
        snapshot_set_down(snapshot, "%s is closed: its daemon has ended in good order", source->path);
        return;
    }
    if (age_seconds > STALE_SECONDS)
        snapshot->warning = pool_format(
            &snapshot->pool, "stale: last written %.0f s ago; the daemon is gone or hangs", age_seconds);
    const struct sp_segment_totals *totals = sp_stats_entry(source->reader, SP_SEGMENT_TOTALS, 0);
    snapshot->is_up = snapshot->has_daemon = true;
    snapshot->backend = "user";
    snapshot->generation = header->generation;
    snapshot->life = header->started_ns;
    snapshot->is_enabled = protects_or_blocks(source);
    snapshot->uptime_seconds = (header->written_ns - header->started_ns) / 1000000000u;
    snapshot_set_associations(snapshot, sp_stats_count(source->reader, SP_SEGMENT_SAS));
    for (size_t i = 0; i < snapshot->association_count; i++)
        take_association(snapshot, sp_stats_entry(source->reader, SP_SEGMENT_SAS, (uint32_t)i),
                         &snapshot->associations[i]);
    for (int flow = 0; flow < FLOW_COUNT; flow++)
        take_flow(&snapshot->flows[flow], &totals->direction[flow]);
    take_drops(source, snapshot, totals);
    take_carried(snapshot, totals);
}
