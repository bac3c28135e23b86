/* SPDX-License-Identifier: ISC
 *
 * Puts together what the daemon knows, without a key in it.
 */
#include "control/status.h"

#include "audit/last_drops.h"
#include "control/members.h"
#include "datapath/losses.h"
#include "policy_source.h"
#include "privilege/privilege.h"

#include <sallyport/offload.h>

#include <stdlib.h>
#include <unistd.h>

static json_t *counters(const struct sp_counters *from, bool is_complete)
{
    uint64_t dropped = 0;
    json_t *drops = json_object();
    for (int reason = SP_DROP_NONE + 1; reason < SP_DROP_COUNT; reason++) {
        dropped += from->dropped_packets[reason];
        if (is_complete || from->dropped_packets[reason])
            json_object_set_new(drops, sp_drop_id((enum sp_drop)reason),
                                member_number(from->dropped_packets[reason]));
    }
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "offered_packets", member_number(from->offered_packets),
        "offered_bytes", member_number(from->offered_bytes), "bypassed_packets",
        member_number(from->bypassed_packets), "sealed_packets", member_number(from->sealed_packets),
        "opened_packets", member_number(from->opened_packets), "dropped_packets", member_number(dropped),
        "drops", drops);
}

static void set_directions(json_t *object, const struct sp_stats *stats, bool is_complete)
{
    json_object_set_new(object, "outbound", counters(&stats->direction[SP_OUTBOUND], is_complete));
    json_object_set_new(object, "inbound", counters(&stats->direction[SP_INBOUND], is_complete));
}

static json_t *rule_entry(const struct daemon *daemon, const struct sp_policy *policy, uint32_t index)
{
    struct sp_rule_info rule;
    struct sp_stats stats = {0};
    char text[1024];
    if (sp_policy_rule(policy, index, &rule) != SP_OK ||
        sp_engine_rule_stats(daemon->engine, index, &stats) != SP_OK)
        return NULL;
    const struct rule_place *place =
        index < daemon->source.place_count ? &daemon->source.places[index] : NULL;
    json_t *entry = json_pack("{s:I, s:o, s:s, s:I, s:s, s:s, s:s}", "index", (json_int_t)index, "name",
                              member_text(rule.name), "file", place ? place->file : "", "line",
                              (json_int_t)(place ? place->line : 0), "action", sp_action_name(rule.action),
                              "direction", rule.direction == SP_INBOUND ? "in" : "out", "text",
                              sp_policy_rule_text(policy, index, text, sizeof text));
    set_directions(entry, &stats, false);
    return entry;
}

static json_t *policy_entry(const struct daemon *daemon)
{
    const struct sp_policy *policy = sp_engine_policy(daemon->engine);
    struct sp_stats stats = {0};
    json_t *rules = json_array();
    for (uint32_t index = 0; index < sp_policy_rule_count(policy); index++)
        json_array_append_new(rules, rule_entry(daemon, policy, index));

    json_t *by_default = json_object();
    if (sp_engine_rule_stats(daemon->engine, SP_NO_RULE, &stats) == SP_OK)
        set_directions(by_default, &stats, false);
    return json_pack("{s:s, s:s, s:b, s:o, s:s, s:o, s:o}", "file", policy_source_policy_name(daemon), "keys",
                     policy_source_keys_name(daemon), "is_loaded", policy_source_is_loaded(&daemon->source),
                     "generation", member_number(sp_engine_generation(daemon->engine)), "default",
                     sp_action_name(sp_policy_default(policy)), "default_stats", by_default, "rules", rules);
}

static const char *sa_state(const struct sp_sa_info *sa)
{
    const enum sp_sa_state state = sa->state;
    if (sa->is_retired)
        return "retired";
    return state == SP_SA_LIVE ? "live" : state == SP_SA_SOFT_EXPIRED ? "soft-expired" : "hard-expired";
}

static json_t *encap_entry(const struct sp_encap *encap)
{
    if (!sp_encap_is_on(encap))
        return json_null();
    return json_pack("{s:s, s:i, s:i}", "type", "udp", "source_port", encap->source_port, "destination_port",
                     encap->destination_port);
}

static json_t *tunnel_entry(const struct sp_sa_info *sa)
{
    if (sa->mode != SP_MODE_TUNNEL)
        return json_null();
    return json_pack("{s:s, s:o, s:s}", "df", sp_tunnel_df_name(sa->tunnel.df), "dscp",
                     sa->tunnel.has_dscp ? json_integer(sa->tunnel.dscp) : json_null(), "ecn",
                     sa->tunnel.has_no_ecn ? "off" : "copy");
}

static json_t *sa_entry(const struct daemon *daemon, const struct sp_sa_info *sa)
{
    struct sp_stats stats = {0};
    json_t *entry =
        json_pack("{s:I, s:o, s:I, s:o, s:o, s:s, s:s, s:s, s:s, s:s, s:s}", "number", (json_int_t)sa->number,
                  "name", member_text(sa->name), "spi", (json_int_t)sa->spi, "source",
                  member_address(&sa->source), "destination", member_address(&sa->destination), "direction",
                  member_direction(daemon, &sa->source, &sa->destination), "mode", sp_mode_name(sa->mode),
                  "encryption", sp_encryption_name(sa->encryption), "integrity",
                  sp_integrity_name(sa->integrity), "fingerprint", sa->fingerprint, "state", sa_state(sa));
    json_object_set_new(entry, "limit", member_limit(sa->limit));
    json_object_set_new(entry, "bytes", member_number(sa->bytes));
    json_object_set_new(entry, "packets", member_number(sa->packets));
    json_object_set_new(entry, "age_seconds", member_number(sa->age_seconds));
    json_object_set_new(entry, "lifetime", member_lifetime(&sa->lifetime));
    json_object_set_new(entry, "esn", json_boolean(sa->has_esn));
    json_object_set_new(entry, "tunnel", tunnel_entry(sa));
    json_object_set_new(entry, "replay_window_packets", member_number(sa->replay_window_packets));
    json_object_set_new(entry, "encap", encap_entry(&sa->encap));
    json_object_set_new(entry, "sequence_sent", member_number(sa->sequence_sent));
    json_object_set_new(entry, "sequence_received", member_number(sa->sequence_received));
    if (sp_engine_sa_stats(daemon->engine, sa->number, &stats) == SP_OK)
        set_directions(entry, &stats, false);
    return entry;
}

static json_t *sa_list(const struct daemon *daemon)
{
    json_t *list = json_array();
    const uint32_t count = sp_sad_count(daemon->sad);
    for (uint32_t slot = 0; slot < sp_sad_capacity(daemon->sad) && json_array_size(list) < count; slot++) {
        struct sp_sa_info sa;
        if (sp_sad_get(daemon->sad, slot, &sa) == SP_OK)
            json_array_append_new(list, sa_entry(daemon, &sa));
    }
    return list;
}

static json_t *address_list(const struct daemon *daemon)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < daemon->me.count; i++)
        json_array_append_new(list, member_address(&daemon->me.addresses[i]));
    return list;
}

static json_t *narrow_paths(const struct daemon *daemon)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < daemon->narrow_count; i++)
        json_array_append_new(list,
                              json_pack("{s:o, s:I}", "peer", member_address(&daemon->narrow[i].address),
                                        "mtu_bytes", (json_int_t)daemon->narrow[i].path_mtu_bytes));
    return list;
}

static json_t *event_counts(const struct daemon *daemon, uint64_t lost)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "acquire", member_number(daemon->events.acquire), "soft_expired",
                     member_number(daemon->events.soft_expired), "hard_expired",
                     member_number(daemon->events.hard_expired), "lost", member_number(lost));
}

/* Over all SAs that there were, so that nothing falls when keys change. */
static json_t *sa_totals(const struct daemon *daemon)
{
    struct sp_sad_totals totals;
    sp_sad_totals(daemon->sad, &totals);
    const struct sp_sad_carried *out = &totals.direction[SP_OUTBOUND], *in = &totals.direction[SP_INBOUND];
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "key_additions",
                     member_number(totals.key_additions), "key_deletions",
                     member_number(totals.key_deletions), "packets_sent", member_number(out->packets),
                     "packets_received", member_number(in->packets), "confidential_bytes_sent",
                     member_number(out->confidential_bytes), "confidential_bytes_received",
                     member_number(in->confidential_bytes), "authenticated_bytes_sent",
                     member_number(out->authenticated_bytes), "authenticated_bytes_received",
                     member_number(in->authenticated_bytes));
}

static uint64_t uptime_seconds(const struct daemon *daemon)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)(now.tv_sec - daemon->started.tv_sec);
}

json_t *status_build(struct daemon *daemon)
{
    struct sp_stats stats;
    struct sp_offload_kernel kernel;
    json_t *totals = json_object();
    last_drops_take(daemon); /* those since the last tick, too */
    json_t *guard = guard_counters(daemon->guard, sp_engine_policy(daemon->engine));
    losses_take(daemon);
    sp_engine_stats(daemon->engine, &stats);
    set_directions(totals, &stats, true);
    const bool has_kernel = sp_offload_kernel_probe(&kernel) == SP_OK;

    json_t *device = json_pack("{s:s, s:I, s:I, s:I}", "name", daemon->options.device, "mtu_bytes",
                               (json_int_t)daemon->limits.ipv4_mtu_bytes, "mark",
                               (json_int_t)daemon->options.mark, "table", (json_int_t)daemon->options.table);
    return json_pack(
        "{s:b, s:s, s:I, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "ok", 1,
        "version", sp_version(), "pid", (json_int_t)getpid(), "uptime_seconds",
        member_number(uptime_seconds(daemon)), "backend", "user", "kernel",
        member_text(has_kernel ? kernel.text : NULL), "device", device, "narrow_paths", narrow_paths(daemon),
        "addresses", address_list(daemon), "policy", policy_entry(daemon), "sas", sa_list(daemon),
        "sa_totals", sa_totals(daemon), "last_drops", last_drops_list(daemon), "totals", totals, "guard",
        guard ? guard : json_array(), "events", event_counts(daemon, stats.events_lost), "second_guard",
        second_guard_status(&daemon->second_guard), "confinement", privilege_status());
}

json_t *status_policy(struct daemon *daemon)
{
    char *text = NULL;
    size_t len_bytes = 0;
    FILE *out = open_memstream(&text, &len_bytes);
    if (!out)
        return NULL;
    sp_policy_print(sp_engine_policy(daemon->engine), out);
    json_t *answer = NULL;
    if (fclose(out) == 0)
        answer = json_pack("{s:b, s:s}", "ok", 1, "policy", text);
    free(text);
    return answer;
}
