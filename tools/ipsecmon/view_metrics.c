/* SPDX-License-Identifier: ISC
 *
 * OpenMetrics 1.0, and the older text format 0.0.4 for who can't read that. ipsecmon(8) promises the names:
 * they stay. The samples are the same in both; what differs is the head of a family (the older format names a
 * counter with its _total, knows neither UNIT nor info) and the end.
 *
 * A family's samples stand together behind its TYPE, so each family walks the snapshot once.
 */
#include "views.h"

#include "json.h"

#include <inttypes.h>
#include <string.h>

/* A scrape of more series than these would hurt who scrapes; the sums are complete all the same. */
#define ASSOCIATIONS_MAX 2000u

static const char *const flow_names[] = {[FLOW_OUTBOUND] = "outbound", [FLOW_INBOUND] = "inbound"};

struct pen {
    FILE *out;
    enum metrics_format format;
};

static void family(const struct pen *pen, const char *name, const char *type, const char *unit,
                   const char *help)
{
    const bool is_old = pen->format == METRICS_TEXT;
    const bool is_info = strcmp(type, "info") == 0;
    const char *suffix = !is_old ? "" : is_info ? "_info" : strcmp(type, "counter") == 0 ? "_total" : "";
    fprintf(pen->out, "# TYPE %s%s %s\n", name, suffix, is_old && is_info ? "gauge" : type);
    if (*unit && !is_old)
        fprintf(pen->out, "# UNIT %s %s\n", name, unit);
    fprintf(pen->out, "# HELP %s%s %s\n", name, suffix, help);
}

static void put_bytes(FILE *out, const char *value)
{
    for (const unsigned char *byte = (const unsigned char *)value; *byte; byte++) {
        if (*byte == '\\' || *byte == '"')
            fprintf(out, "\\%c", *byte);
        else
            fputc(*byte < ' ' || *byte == 0x7f ? '?' : *byte, out);
    }
}

static bool is_ascii(const char *text)
{
    while (*text && (unsigned char)*text < 0x80)
        text++;
    return *text == '\0';
}

/* A label's value: UTF-8 (one that isn't would spoil the whole scrape) with backslash and quote escaped. */
static void put_label(FILE *out, const char *separator, const char *name, const char *value)
{
    fprintf(out, "%s%s=\"", separator, name);
    if (is_ascii(value)) {
        put_bytes(out, value);
    } else {
        json_t *mended = json_text(value);
        put_bytes(out, json_string_value(mended));
        json_decref(mended);
    }
    fputc('"', out);
}

static void gauge(const struct pen *pen, const char *name, const char *unit, const char *help, uint64_t value)
{
    family(pen, name, "gauge", unit, help);
    fprintf(pen->out, "%s %" PRIu64 "\n", name, value);
}

/* ---- the host ------------------------------------------------------------------------------------------ */

static void put_info(const struct pen *pen, const struct snapshot *snapshot)
{
    FILE *out = pen->out;
    const char *slash = strrchr(snapshot->policy_file, '/');
    family(pen, "sallyport_daemon", "info", "", "Who is watched.");
    fputs("sallyport_daemon_info", out);
    put_label(out, "{", "version", snapshot->version);
    put_label(out, ",", "backend", snapshot->backend);
    put_label(out, ",", "policy", slash ? slash + 1 : snapshot->policy_file);
    fputs("} 1\n", out);
}

static void put_flows(const struct pen *pen, const struct snapshot *snapshot)
{
    FILE *out = pen->out;
    family(pen, "sallyport_packets", "counter", "",
           "Packets by what became of them; their sum is what was offered.");
    for (int i = 0; i < FLOW_COUNT; i++) {
        const struct flow *flow = &snapshot->flows[i];
        const struct {
            const char *verdict;
            uint64_t packets;
        } verdicts[] = {{"bypassed", flow->bypassed_packets},
                        {"sealed", flow->sealed_packets},
                        {"opened", flow->opened_packets},
                        {"dropped", flow->dropped_packets}};
        for (size_t v = 0; v < sizeof verdicts / sizeof *verdicts; v++)
            fprintf(out, "sallyport_packets_total{direction=\"%s\",verdict=\"%s\"} %" PRIu64 "\n",
                    flow_names[i], verdicts[v].verdict, verdicts[v].packets);
    }
    family(pen, "sallyport_offered_bytes", "counter", "bytes", "Bytes of the IP packets that were offered.");
    for (int i = 0; i < FLOW_COUNT; i++)
        fprintf(out, "sallyport_offered_bytes_total{direction=\"%s\"} %" PRIu64 "\n", flow_names[i],
                snapshot->flows[i].offered_bytes);
}

/* The guard drops by the policy's rules, of which there may be very many that move with each edit: only their
 * sum has a series. */
static bool is_of_guard(const struct drop_count *drop)
{
    return strncmp(drop->where, "guard", strlen("guard")) == 0;
}

static void put_drop(FILE *out, const char *where, const char *reason, uint64_t packets)
{
    fputs("sallyport_drops_total", out);
    put_label(out, "{", "where", where);
    put_label(out, ",", "reason", reason);
    fprintf(out, "} %" PRIu64 "\n", packets);
}

static void put_guard_drops(FILE *out, const struct snapshot *snapshot, const char *where)
{
    uint64_t packets = 0;
    bool is_there = false;
    for (size_t i = 0; i < snapshot->drop_count; i++) {
        if (strcmp(snapshot->drops[i].where, where) != 0)
            continue;
        is_there = true;
        packets += snapshot->drops[i].packets;
    }
    if (is_there)
        put_drop(out, where, "refused", packets);
}

static void put_drops(const struct pen *pen, const struct snapshot *snapshot)
{
    family(pen, "sallyport_drops", "counter", "", "Packets that were dropped, by where and why.");
    for (size_t i = 0; i < snapshot->drop_count; i++)
        if (!is_of_guard(&snapshot->drops[i]))
            put_drop(pen->out, snapshot->drops[i].where, snapshot->drops[i].reason,
                     snapshot->drops[i].packets);
    put_guard_drops(pen->out, snapshot, "guard_in");
    put_guard_drops(pen->out, snapshot, "guard_out");
}

static void put_known(const struct pen *pen, const struct snapshot *snapshot)
{
    for (int i = 0; i < KNOWN_COUNT; i++) {
        const struct known_value *known = &snapshot->known[i];
        /* the one that goes up and down */
        const bool is_gauge = i == KNOWN_ACTIVE_ASSOCIATIONS;
        char name[80], help[80];
        if (!known->is_known)
            continue;
        snprintf(name, sizeof name, "sallyport_%s", known_counter_id((enum known_counter)i));
        snprintf(help, sizeof help, "%s.", known_counter_title((enum known_counter)i));
        family(pen, name, is_gauge ? "gauge" : "counter", "", help);
        fprintf(pen->out, "%s%s %" PRIu64 "\n", name, is_gauge ? "" : "_total", known->value);
    }
}

/* ---- associations -------------------------------------------------------------------------------------- */

static void put_association_labels(FILE *out, const struct association *sa)
{
    fprintf(out, "{spi=\"0x%08x\"", sa->spi);
    put_label(out, ",", "source", sa->source);
    put_label(out, ",", "destination", sa->destination);
    put_label(out, ",", "direction", sa->direction);
    fputc('}', out);
}

static size_t shown(const struct snapshot *snapshot)
{
    return snapshot->association_count < ASSOCIATIONS_MAX ? snapshot->association_count : ASSOCIATIONS_MAX;
}

static void put_association_info(const struct pen *pen, const struct snapshot *snapshot)
{
    FILE *out = pen->out;
    family(pen, "sallyport_association", "info", "",
           "What is known of a security association; never its keys.");
    for (size_t i = 0; i < shown(snapshot); i++) {
        const struct association *sa = &snapshot->associations[i];
        fprintf(out, "sallyport_association_info{spi=\"0x%08x\"", sa->spi);
        put_label(out, ",", "source", sa->source);
        put_label(out, ",", "destination", sa->destination);
        put_label(out, ",", "direction", sa->direction);
        put_label(out, ",", "name", sa->name);
        put_label(out, ",", "filter", sa->filter);
        put_label(out, ",", "security", sa->security);
        put_label(out, ",", "mode", sa->mode);
        put_label(out, ",", "backend", sa->granted);
        put_label(out, ",", "state", sa->state);
        fputs("} 1\n", out);
    }
}

static uint64_t packets_of(const struct association *sa)
{
    return sa->esp_packets;
}

static uint64_t bytes_of(const struct association *sa)
{
    return sa->bytes;
}

static uint64_t dropped_of(const struct association *sa)
{
    return sa->dropped_packets;
}

static void put_association_counters(const struct pen *pen, const struct snapshot *snapshot)
{
    FILE *out = pen->out;
    static const struct {
        const char *name, *unit, *help;
        uint64_t (*value)(const struct association *);
    } families[] = {
        {"sallyport_association_packets", "", "Packets sealed or opened.", packets_of},
        {"sallyport_association_bytes", "bytes", "Bytes that the cipher worked on.", bytes_of},
        {"sallyport_association_dropped_packets", "", "Packets of the association that were dropped.",
         dropped_of},
    };
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        family(pen, families[f].name, "counter", families[f].unit, families[f].help);
        for (size_t i = 0; i < shown(snapshot); i++) {
            fprintf(out, "%s_total", families[f].name);
            put_association_labels(out, &snapshot->associations[i]);
            fprintf(out, " %" PRIu64 "\n", families[f].value(&snapshot->associations[i]));
        }
    }
}

static void put_association_lifetimes(const struct pen *pen, const struct snapshot *snapshot)
{
    FILE *out = pen->out;
    family(pen, "sallyport_association_age_seconds", "gauge", "seconds", "Since the association was made.");
    for (size_t i = 0; i < shown(snapshot); i++) {
        fputs("sallyport_association_age_seconds", out);
        put_association_labels(out, &snapshot->associations[i]);
        fprintf(out, " %" PRIu64 "\n", snapshot->associations[i].age_seconds);
    }
    family(pen, "sallyport_association_used_ratio", "gauge", "ratio",
           "How much of its tightest hard limit is used.");
    for (size_t i = 0; i < shown(snapshot); i++) {
        const int used = association_used_percent(&snapshot->associations[i]);
        if (used < 0)
            continue;
        fputs("sallyport_association_used_ratio", out);
        put_association_labels(out, &snapshot->associations[i]);
        fprintf(out, " %.2f\n", used / 100.0);
    }
}

static void put_up(const struct pen *pen, const struct snapshot *snapshot)
{
    gauge(pen, "sallyport_enabled", "", "Whether a policy is in force that protects or blocks.",
          snapshot->is_enabled);
    gauge(pen, "sallyport_stale", "", "Whether the figures are old: the daemon hangs or is gone.",
          *snapshot->warning != '\0');
    put_info(pen, snapshot);
    if (snapshot->has_daemon) {
        gauge(pen, "sallyport_uptime_seconds", "seconds", "Since the daemon was started.",
              snapshot->uptime_seconds);
        gauge(pen, "sallyport_policy_generation", "", "How many policies were put in force.",
              snapshot->generation);
    }
    put_flows(pen, snapshot);
    put_drops(pen, snapshot);
    put_known(pen, snapshot);
    gauge(pen, "sallyport_associations_left_out", "", "Associations beyond the 2,000 that have series.",
          snapshot->association_count - shown(snapshot));
    put_association_info(pen, snapshot);
    put_association_counters(pen, snapshot);
    put_association_lifetimes(pen, snapshot);
}

void view_metrics(FILE *out, const struct snapshot *snapshot, enum metrics_format format)
{
    const struct pen pen = {.out = out, .format = format};
    gauge(&pen, "sallyport_up", "", "Whether the daemon or the kernel answered.", snapshot->is_up);
    if (snapshot->is_up)
        put_up(&pen, snapshot);
    if (format == METRICS_OPENMETRICS)
        fputs("# EOF\n", out);
}
