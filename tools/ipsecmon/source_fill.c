/* SPDX-License-Identifier: ISC
 *
 * A snapshot of a daemon's status (control.h). What it says is read with distrust: members that are missing
 * or odd are 0 or "".
 */
#include "source_fill.h"

#include "arguments.h"
#include "daemon.h"

#include <stdlib.h>
#include <string.h>

/* Rules held against SAs in one snapshot: more would take longer than a moment. */
#define COMPARISONS_MAX 4000000u

static const char *const flow_names[] = {[FLOW_OUTBOUND] = "outbound", [FLOW_INBOUND] = "inbound"};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* ---- which rule an SA belongs to ----------------------------------------------------------------------- */

static const char *ports_text(struct pool *pool, const struct sp_port_range *ports)
{
    if (ports->first == 0 && ports->last == UINT16_MAX)
        return "any";
    if (ports->first == ports->last)
        return pool_format(pool, "%u", ports->first);
    return pool_format(pool, "%u-%u", ports->first, ports->last);
}

static const char *protocol_text(struct pool *pool, const struct sp_area *area)
{
    if (area->protocol_first != area->protocol_last)
        return "any";
    const char *name = protocol_name(area->protocol_first);
    return name ? name : pool_format(pool, "%u", area->protocol_first);
}

/* "Outbound TCP 80 - front-end", or where the rule stands. */
static const char *rule_title(struct pool *pool, const json_t *rule)
{
    if (*daemon_text(rule, "name"))
        return pool_text(pool, daemon_text(rule, "name"));
    if (!*daemon_text(rule, "file"))
        return "";
    return pool_format(pool, "%s:%llu", base_name(daemon_text(rule, "file")),
                       (unsigned long long)daemon_number(rule, "line"));
}

static void set_rule(struct rule_finder *finder, struct snapshot *snapshot, const json_t *rules,
                     struct association *sa, const char *encryption, const char *integrity)
{
    struct sp_address from, to;
    struct found_rule found;
    if (sp_address_parse(sa->source, &from) != SP_OK || sp_address_parse(sa->destination, &to) != SP_OK ||
        !rule_finder_find(finder, &from, &to, encryption, integrity, &found))
        return;
    const json_t *rule = json_array_get(rules, found.rule);
    sa->filter = rule_title(&snapshot->pool, rule);
    sa->rule = pool_text(&snapshot->pool, daemon_text(rule, "text"));
    sa->policy = *daemon_text(rule, "file") ? pool_text(&snapshot->pool, base_name(daemon_text(rule, "file")))
                                            : sa->policy;
    sa->protocol = protocol_text(&snapshot->pool, &found.area);
    sa->source_ports = ports_text(&snapshot->pool, &found.area.source_ports);
    sa->destination_ports = ports_text(&snapshot->pool, &found.area.destination_ports);
}

/* ---- associations -------------------------------------------------------------------------------------- */

static void set_counters(struct association *sa, const json_t *entry)
{
    for (int flow = 0; flow < FLOW_COUNT; flow++) {
        const json_t *counters = json_object_get(entry, flow_names[flow]);
        sa->esp_packets += daemon_esp_packets(counters);
        sa->dropped_packets += daemon_number(counters, "dropped_packets");
        for (int reason = SP_DROP_NONE + 1; reason < SP_DROP_COUNT; reason++)
            sa->drops[reason] +=
                daemon_number(json_object_get(counters, "drops"), sp_drop_id((enum sp_drop)reason));
    }
}

static void set_lifetime(struct association *sa, const json_t *lifetime)
{
    sa->soft_bytes = daemon_number(lifetime, "soft_bytes");
    sa->hard_bytes = daemon_number(lifetime, "hard_bytes");
    sa->soft_packets = daemon_number(lifetime, "soft_packets");
    sa->hard_packets = daemon_number(lifetime, "hard_packets");
    sa->soft_seconds = daemon_number(lifetime, "soft_seconds");
    sa->hard_seconds = daemon_number(lifetime, "hard_seconds");
}

static void set_texts(struct pool *pool, struct association *sa, const json_t *entry)
{
    const char *encryption = daemon_text(entry, "encryption"), *integrity = daemon_text(entry, "integrity");
    const bool is_combined = strcmp(integrity, "combined") == 0;
    sa->name = pool_text(pool, daemon_text(entry, "name"));
    sa->source = pool_text(pool, daemon_text(entry, "source"));
    sa->destination = pool_text(pool, daemon_text(entry, "destination"));
    sa->direction = pool_text(pool, daemon_text(entry, "direction"));
    sa->peer = strcmp(sa->direction, "in") == 0 ? sa->source : sa->destination;
    sa->mode = pool_text(pool, daemon_text(entry, "mode"));
    if (strcmp(sa->mode, "tunnel") == 0)
        sa->tunnel = pool_format(pool, "%s -> %s", sa->source, sa->destination);
    sa->security = security_text(pool, encryption, integrity);
    sa->suite = is_combined ? pool_text(pool, encryption) : pool_format(pool, "%s %s", encryption, integrity);
    sa->is_confidential = *encryption && strcmp(encryption, "null") != 0;
    sa->is_authenticated = *integrity != '\0';
    sa->state = pool_text(pool, daemon_text(entry, "state"));
    sa->is_active = strcmp(sa->state, "hard-expired") != 0;
    sa->fingerprint = pool_text(pool, daemon_text(entry, "fingerprint"));
    sa->requested = sa->granted = "user";
    sa->is_ours = true;
}

static void take_association(struct rule_finder *finder, struct snapshot *snapshot, const json_t *rules,
                             const json_t *entry, struct association *sa)
{
    sa->number = (uint32_t)daemon_number(entry, "number");
    sa->spi = (uint32_t)daemon_number(entry, "spi");
    sa->bytes = daemon_number(entry, "bytes");
    sa->packets = daemon_number(entry, "packets");
    sa->age_seconds = daemon_number(entry, "age_seconds");
    sa->sequence_sent = daemon_number(entry, "sequence_sent");
    sa->sequence_received = daemon_number(entry, "sequence_received");
    sa->replay_window_packets = daemon_number(entry, "replay_window_packets");
    sa->policy = base_name(snapshot->policy_file);
    set_texts(&snapshot->pool, sa, entry);
    set_counters(sa, entry);
    set_lifetime(sa, json_object_get(entry, "lifetime"));
    set_rule(finder, snapshot, rules, sa, daemon_text(entry, "encryption"), daemon_text(entry, "integrity"));
}

static void take_associations(struct rule_finder *finder, struct snapshot *snapshot, const json_t *rules)
{
    size_t index;
    const json_t *entry, *list = json_object_get(snapshot->status, "sas");
    snapshot_set_associations(snapshot, json_array_size(list));
    finder->budget = COMPARISONS_MAX;
    json_array_foreach(list, index, entry)
    {
        take_association(finder, snapshot, rules, entry, &snapshot->associations[index]);
    }
}

/* ---- totals and drops ---------------------------------------------------------------------------------- */

static void take_flows(struct snapshot *snapshot)
{
    for (int i = 0; i < FLOW_COUNT; i++) {
        const json_t *counters = json_object_get(json_object_get(snapshot->status, "totals"), flow_names[i]);
        snapshot->flows[i] = (struct flow){
            .offered_packets = daemon_number(counters, "offered_packets"),
            .offered_bytes = daemon_number(counters, "offered_bytes"),
            .bypassed_packets = daemon_number(counters, "bypassed_packets"),
            .sealed_packets = daemon_number(counters, "sealed_packets"),
            .opened_packets = daemon_number(counters, "opened_packets"),
            .dropped_packets = daemon_number(counters, "dropped_packets"),
        };
    }
}

static const char *guard_rule(struct pool *pool, const json_t *rules, const json_t *entry)
{
    const json_t *rule = json_array_get(rules, (size_t)daemon_number(entry, "rule"));
    if (!json_is_integer(json_object_get(entry, "rule")))
        return "default";
    return pool_format(pool, "%s:%llu", base_name(daemon_text(rule, "file")),
                       (unsigned long long)daemon_number(rule, "line"));
}

/* All reasons of the engine, and what nftables refused, which has no reason but its rule. */
static void take_drops(struct snapshot *snapshot, const json_t *rules)
{
    const json_t *guard = json_object_get(snapshot->status, "guard");
    const size_t most = (size_t)FLOW_COUNT * SP_DROP_COUNT + json_array_size(guard);
    snapshot->drops = pool_take(&snapshot->pool, most * sizeof *snapshot->drops);
    for (int flow = 0; flow < FLOW_COUNT; flow++) {
        const json_t *drops = json_object_get(
            json_object_get(json_object_get(snapshot->status, "totals"), flow_names[flow]), "drops");
        for (int reason = SP_DROP_NONE + 1; reason < SP_DROP_COUNT; reason++)
            snapshot->drops[snapshot->drop_count++] =
                (struct drop_count){.where = flow_names[flow],
                                    .reason = sp_drop_id((enum sp_drop)reason),
                                    .text = sp_drop_text((enum sp_drop)reason),
                                    .packets = daemon_number(drops, sp_drop_id((enum sp_drop)reason))};
    }
    size_t index;
    const json_t *entry;
    json_array_foreach(guard, index, entry)
    {
        if (strcmp(daemon_text(entry, "action"), "refuse") != 0)
            continue;
        snapshot->drops[snapshot->drop_count++] =
            (struct drop_count){.where = pool_text(&snapshot->pool, daemon_text(entry, "chain")),
                                .reason = guard_rule(&snapshot->pool, rules, entry),
                                .text = "refused by the guard before it reached the engine",
                                .packets = daemon_number(entry, "packets")};
    }
}

static const char *endpoint_text(struct pool *pool, const json_t *entry, const char *side)
{
    char text[DAEMON_ENDPOINT_BYTES];
    return pool_text(pool, daemon_endpoint(entry, side, text));
}

static void take_last_drop(struct snapshot *snapshot, const json_t *entry, const json_t *rules)
{
    struct pool *pool = &snapshot->pool;
    struct last_drop *drop = &snapshot->last_drops[snapshot->last_drop_count++];
    const uint64_t protocol = daemon_number(entry, "protocol");
    const char *name = protocol_name((uint16_t)protocol);
    const bool is_read = json_is_integer(json_object_get(entry, "protocol"));
    drop->age_seconds = snapshot->time - json_number_value(json_object_get(entry, "time"));
    drop->direction = pool_text(pool, daemon_text(entry, "direction"));
    drop->protocol = !is_read ? "" : name ? name : pool_format(pool, "%llu", (unsigned long long)protocol);
    drop->source = endpoint_text(pool, entry, "source");
    drop->from = pool_text(pool, daemon_text(entry, "source"));
    drop->destination = endpoint_text(pool, entry, "destination");
    drop->to = pool_text(pool, daemon_text(entry, "destination"));
    drop->reason = pool_text(pool, daemon_text(entry, "reason"));
    drop->rule = json_is_integer(json_object_get(entry, "rule"))
                     ? rule_title(pool, json_array_get(rules, (size_t)daemon_number(entry, "rule")))
                     : "";
    drop->has_spi = json_is_integer(json_object_get(entry, "spi"));
    drop->spi = (uint32_t)daemon_number(entry, "spi");
    drop->has_sequence = json_is_integer(json_object_get(entry, "sequence"));
    drop->sequence = (uint32_t)daemon_number(entry, "sequence");
    drop->has_sa = json_is_integer(json_object_get(entry, "sa"));
    drop->sa = (uint32_t)daemon_number(entry, "sa");
}

static void take_last_drops(struct snapshot *snapshot, const json_t *rules)
{
    size_t index;
    const json_t *entry, *list = json_object_get(snapshot->status, "last_drops");
    snapshot->has_last_drops = json_is_array(list);
    snapshot->last_drops = pool_take(&snapshot->pool, json_array_size(list) * sizeof *snapshot->last_drops);
    json_array_foreach(list, index, entry)
    {
        take_last_drop(snapshot, entry, rules);
    }
}

/* Counters that only the daemon can keep, because an SA takes its own with it when it goes. */
static void take_known(struct snapshot *snapshot)
{
    static const struct {
        const char *object, *member;
        enum known_counter counter;
    } members[] = {
        {"sa_totals", "confidential_bytes_sent", KNOWN_CONFIDENTIAL_SENT},
        {"sa_totals", "confidential_bytes_received", KNOWN_CONFIDENTIAL_RECEIVED},
        {"sa_totals", "authenticated_bytes_sent", KNOWN_AUTHENTICATED_SENT},
        {"sa_totals", "authenticated_bytes_received", KNOWN_AUTHENTICATED_RECEIVED},
        {"sa_totals", "key_additions", KNOWN_KEY_ADDITIONS},
        {"sa_totals", "key_deletions", KNOWN_KEY_DELETIONS},
        {"events", "acquire", KNOWN_PENDING},
        {"events", "soft_expired", KNOWN_SOFT_EXPIRED},
        {"events", "hard_expired", KNOWN_HARD_EXPIRED},
    };
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const json_t *object = json_object_get(snapshot->status, members[i].object);
        if (json_is_integer(json_object_get(object, members[i].member)))
            snapshot_set_known(snapshot, members[i].counter, daemon_number(object, members[i].member));
    }
}

static bool is_enabled(const json_t *policy)
{
    size_t index;
    const json_t *rule;
    json_array_foreach(json_object_get(policy, "rules"), index, rule)
    {
        if (strcmp(daemon_text(rule, "action"), "bypass") != 0)
            return true;
    }
    return strcmp(daemon_text(policy, "default"), "block") == 0;
}

void source_fill(struct snapshot *snapshot, json_t *status, struct rule_finder *finder)
{
    const json_t *policy = json_object_get(status, "policy");
    const json_t *rules = json_object_get(policy, "rules");
    snapshot->status = status;
    snapshot->is_up = snapshot->has_daemon = true;
    snapshot->is_enabled = is_enabled(policy);
    snapshot->backend = "user";
    snapshot->version = pool_text(&snapshot->pool, daemon_text(status, "version"));
    snapshot->policy_file = pool_text(&snapshot->pool, daemon_text(policy, "file"));
    snapshot->default_action = pool_text(&snapshot->pool, daemon_text(policy, "default"));
    snapshot->pid = snapshot->life = daemon_number(status, "pid");
    snapshot->uptime_seconds = daemon_number(status, "uptime_seconds");
    snapshot->generation = daemon_number(policy, "generation");
    take_associations(finder, snapshot, rules);
    take_flows(snapshot);
    take_drops(snapshot, rules);
    take_last_drops(snapshot, rules);
    take_known(snapshot);
}
