/* SPDX-License-Identifier: ISC
 *
 * One object a snapshot. Members of the daemon's status (control.h) keep their names and meaning; those that
 * all sources have stand beside them.
 */
#include "views.h"

#include "json.h"
#include "tool.h"

#include <string.h>

/* The page is for people: more rows than these they don't read. */
#define LIVE_ASSOCIATIONS_MAX 500u
#define LIVE_REASONS_MAX 100u
#define LIVE_LAST_DROPS_MAX 50u

static const char *const flow_names[] = {[FLOW_OUTBOUND] = "outbound", [FLOW_INBOUND] = "inbound"};

static json_t *text_or_null(const char *text)
{
    return *text ? json_text(text) : json_null();
}

static json_t *left_or_null(bool is_there, uint64_t left)
{
    return is_there ? json_number(left) : json_null();
}

static void put_words(json_t *object, const struct association *sa)
{
    json_put(object, "number", json_number(sa->number));
    json_put(object, "spi", json_number(sa->spi));
    json_put(object, "name", text_or_null(sa->name));
    json_put(object, "policy", text_or_null(sa->policy));
    json_put(object, "filter", text_or_null(sa->filter));
    json_put(object, "security", text_or_null(sa->security));
    json_put(object, "direction", json_text(sa->direction));
    json_put(object, "source", text_or_null(sa->source));
    json_put(object, "destination", text_or_null(sa->destination));
    json_put(object, "peer", text_or_null(sa->peer));
    json_put(object, "protocol", text_or_null(sa->protocol));
    json_put(object, "source_ports", text_or_null(sa->source_ports));
    json_put(object, "destination_ports", text_or_null(sa->destination_ports));
    json_put(object, "mode", text_or_null(sa->mode));
    json_put(object, "tunnel", text_or_null(sa->tunnel));
    json_put(object, "backend_requested", text_or_null(sa->requested));
    json_put(object, "backend_granted", text_or_null(sa->granted));
    json_put(object, "state", text_or_null(sa->state));
    json_put(object, "fingerprint", text_or_null(sa->fingerprint));
    json_put(object, "ours", json_boolean(sa->is_ours));
}

static json_t *association_json(const struct association *sa)
{
    uint64_t seconds = 0, bytes = 0;
    const int used = association_used_percent(sa);
    json_t *object = tool_need(json_object());
    json_t *drops = tool_need(json_object());
    put_words(object, sa);
    json_put(object, "packets", json_number(sa->packets));
    json_put(object, "bytes", json_number(sa->bytes));
    json_put(object, "esp_packets", json_number(sa->esp_packets));
    json_put(object, "dropped_packets", json_number(sa->dropped_packets));
    for (int reason = SP_DROP_NONE + 1; reason < SP_DROP_COUNT; reason++)
        if (sa->drops[reason])
            json_put(drops, sp_drop_id((enum sp_drop)reason), json_number(sa->drops[reason]));
    json_put(object, "drops", drops);
    json_put(object, "age_seconds", json_number(sa->age_seconds));
    json_put(object, "used_percent", used < 0 ? json_null() : json_integer(used));
    const bool has_seconds = association_seconds_left(sa, &seconds);
    json_put(object, "seconds_left", left_or_null(has_seconds, seconds));
    const bool has_bytes = association_bytes_left(sa, &bytes);
    json_put(object, "bytes_left", left_or_null(has_bytes, bytes));
    json_put(object, "packets_second", sa->has_rates ? json_real(sa->packets_second) : json_null());
    json_put(object, "bits_second", sa->has_rates ? json_real(sa->bytes_second * 8.0) : json_null());
    return object;
}

static json_t *associations_json(const struct snapshot *snapshot, const struct filter *filter, size_t most)
{
    json_t *list = tool_need(json_array());
    for (size_t i = 0; i < snapshot->association_count && json_array_size(list) < most; i++)
        if (filter_passes(filter, &snapshot->associations[i]))
            json_push(list, association_json(&snapshot->associations[i]));
    return list;
}

static json_t *counters_json(const struct snapshot *snapshot)
{
    json_t *object = tool_need(json_object());
    for (int i = 0; i < KNOWN_COUNT; i++)
        json_put(object, known_counter_id((enum known_counter)i),
                 snapshot->known[i].is_known ? json_number(snapshot->known[i].value) : json_null());
    return object;
}

static json_t *flows_json(const struct snapshot *snapshot)
{
    json_t *object = tool_need(json_object());
    for (int i = 0; i < FLOW_COUNT; i++) {
        const struct flow *flow = &snapshot->flows[i];
        json_t *one = tool_need(json_object());
        json_put(one, "offered_packets", json_number(flow->offered_packets));
        json_put(one, "offered_bytes", json_number(flow->offered_bytes));
        json_put(one, "bypassed_packets", json_number(flow->bypassed_packets));
        json_put(one, "sealed_packets", json_number(flow->sealed_packets));
        json_put(one, "opened_packets", json_number(flow->opened_packets));
        json_put(one, "dropped_packets", json_number(flow->dropped_packets));
        json_put(one, "packets_second", json_real(flow->packets_second));
        json_put(one, "bits_second", json_real(flow->bytes_second * 8.0));
        json_put(one, "dropped_second", json_real(flow->dropped_second));
        json_put(object, flow_names[i], one);
    }
    return object;
}

static json_t *dropped_json(const struct snapshot *snapshot, enum json_extent extent)
{
    json_t *list = tool_need(json_array());
    for (size_t i = 0; i < snapshot->drop_count; i++) {
        const struct drop_count *drop = &snapshot->drops[i];
        if (extent == JSON_LIVE && (drop->packets == 0 || json_array_size(list) == LIVE_REASONS_MAX))
            continue;
        json_t *one = tool_need(json_object());
        json_put(one, "where", json_text(drop->where));
        json_put(one, "reason", json_text(drop->reason));
        json_put(one, "text", json_text(drop->text));
        json_put(one, "packets", json_number(drop->packets));
        json_put(one, "packets_second", json_real(drop->packets_second));
        json_push(list, one);
    }
    return list;
}

static json_t *last_drops_json(const struct snapshot *snapshot, size_t most)
{
    if (!snapshot->has_last_drops)
        return json_null();
    json_t *list = tool_need(json_array());
    for (size_t i = 0; i < snapshot->last_drop_count && i < most; i++) {
        const struct last_drop *drop = &snapshot->last_drops[i];
        json_t *one = tool_need(json_object());
        json_put(one, "age_seconds", json_real(drop->age_seconds));
        json_put(one, "direction", json_text(drop->direction));
        json_put(one, "protocol", text_or_null(drop->protocol));
        json_put(one, "source", text_or_null(drop->source));
        json_put(one, "destination", text_or_null(drop->destination));
        json_put(one, "spi", drop->has_spi ? json_number(drop->spi) : json_null());
        json_put(one, "sequence", drop->has_sequence ? json_number(drop->sequence) : json_null());
        json_put(one, "reason", json_text(drop->reason));
        json_put(one, "rule", text_or_null(drop->rule));
        json_put(one, "sa", drop->has_sa ? json_number(drop->sa) : json_null());
        json_push(list, one);
    }
    return list;
}

/* What changed a second; null the first time. */
static json_t *rates_json(const struct snapshot *snapshot)
{
    if (snapshot->seconds <= 0)
        return json_null();
    json_t *object = tool_need(json_object());
    json_t *sas = tool_need(json_array());
    for (int i = 0; i < FLOW_COUNT; i++) {
        json_t *one = tool_need(json_object());
        json_put(one, "packets_second", json_real(snapshot->flows[i].packets_second));
        json_put(one, "bytes_second", json_real(snapshot->flows[i].bytes_second));
        json_put(object, flow_names[i], one);
    }
    for (size_t i = 0; i < snapshot->association_count; i++) {
        json_t *one = tool_need(json_object());
        json_put(one, "number", json_number(snapshot->associations[i].number));
        json_put(one, "packets_second", json_real(snapshot->associations[i].packets_second));
        json_put(one, "bytes_second", json_real(snapshot->associations[i].bytes_second));
        json_push(sas, one);
    }
    json_put(object, "seconds", json_real(snapshot->seconds));
    json_put(object, "sas", sas);
    return object;
}

static void put_daemon(json_t *object, const struct snapshot *snapshot)
{
    const char *slash = strrchr(snapshot->policy_file, '/');
    json_t *daemon = tool_need(json_object());
    json_put(daemon, "version", text_or_null(snapshot->version));
    json_put(daemon, "pid", snapshot->pid ? json_number(snapshot->pid) : json_null());
    json_put(daemon, "uptime_seconds", json_number(snapshot->uptime_seconds));
    json_put(daemon, "policy", text_or_null(slash ? slash + 1 : snapshot->policy_file));
    json_put(daemon, "generation", json_number(snapshot->generation));
    json_put(object, "daemon", snapshot->has_daemon ? daemon : json_null());
    if (!snapshot->has_daemon)
        json_decref(daemon);
}

json_t *view_json(const struct snapshot *snapshot, const struct filter *filter, enum json_extent extent)
{
    json_t *object = tool_need(json_object());
    json_put(object, "time", json_real(snapshot->time));
    json_put(object, "ok", json_boolean(snapshot->is_up));
    if (!snapshot->is_up) {
        json_put(object, "error", json_text(snapshot->reason));
        return object;
    }
    json_put(object, "enabled", json_boolean(snapshot->is_enabled));
    json_put(object, "warning", text_or_null(snapshot->warning));
    json_put(object, "backend", json_text(snapshot->backend));
    json_put(object, "version", text_or_null(snapshot->version));
    json_put(object, "associations",
             associations_json(snapshot, filter, extent == JSON_LIVE ? LIVE_ASSOCIATIONS_MAX : SIZE_MAX));
    json_put(object, "counters", counters_json(snapshot));
    json_put(object, "flows", flows_json(snapshot));
    json_put(object, "dropped", dropped_json(snapshot, extent));
    json_put(object, "dropped_packets_last",
             last_drops_json(snapshot, extent == JSON_LIVE ? LIVE_LAST_DROPS_MAX : SIZE_MAX));
    json_put(object, "seconds", json_real(snapshot->seconds));
    put_daemon(object, snapshot);
    if (extent == JSON_LIVE) {
        json_put(object, "association_count", json_number(snapshot->association_count));
        return object;
    }
    json_put(object, "rates", rates_json(snapshot));
    if (snapshot->status)
        json_object_update_missing(object, snapshot->status);
    return object;
}
