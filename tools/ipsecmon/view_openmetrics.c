/* SPDX-License-Identifier: ISC
 *
 * OpenMetrics 1.0 (the text format that Prometheus scrapes). ipsecmon(8) promises the names: they stay.
 *
 * A family's samples stand together behind its TYPE, so each family walks the snapshot once.
 */
#include "views.h"

#include <inttypes.h>
#include <string.h>

/* A scrape of more series than these would hurt who scrapes; the sums are complete all the same. */
#define ASSOCIATIONS_MAX 2000u

static const char *const flow_names[] = {[FLOW_OUTBOUND] = "outbound", [FLOW_INBOUND] = "inbound"};

static void family(FILE *out, const char *name, const char *type, const char *unit, const char *help)
{
    fprintf(out, "# TYPE %s %s\n", name, type);
    if (*unit)
        fprintf(out, "# UNIT %s %s\n", name, unit);
    fprintf(out, "# HELP %s %s\n", name, help);
}

/* A label's value: UTF-8 with backslash, quote and newline escaped. */
static void put_label(FILE *out, const char *separator, const char *name, const char *value)
{
    fprintf(out, "%s%s=\"", separator, name);
    for (const unsigned char *byte = (const unsigned char *)value; *byte; byte++) {
        if (*byte == '\\' || *byte == '"')
            fprintf(out, "\\%c", *byte);
        else
            fputc(*byte < ' ' || *byte == 0x7f ? '?' : *byte, out);
    }
    fputc('"', out);
}

static void gauge(FILE *out, const char *name, const char *unit, const char *help, uint64_t value)
{
    family(out, name, "gauge", unit, help);
    fprintf(out, "%s %" PRIu64 "\n", name, value);
}

/* ---- the host ------------------------------------------------------------------------------------------ */

static void put_info(FILE *out, const struct snapshot *snapshot)
{
    const char *slash = strrchr(snapshot->policy_file, '/');
    family(out, "sallyport_daemon", "info", "", "Who is watched.");
    fputs("sallyport_daemon_info", out);
    put_label(out, "{", "version", snapshot->version);
    put_label(out, ",", "backend", snapshot->backend);
    put_label(out, ",", "policy", slash ? slash + 1 : snapshot->policy_file);
    fputs("} 1\n", out);
}

static void put_flows(FILE *out, const struct snapshot *snapshot)
{
    family(out, "sallyport_packets", "counter", "",
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
    family(out, "sallyport_offered_bytes", "counter", "bytes", "Bytes of the IP packets that were offered.");
    for (int i = 0; i < FLOW_COUNT; i++)
        fprintf(out, "sallyport_offered_bytes_total{direction=\"%s\"} %" PRIu64 "\n", flow_names[i],
                snapshot->flows[i].offered_bytes);
}

static void put_drops(FILE *out, const struct snapshot *snapshot)
{
    family(out, "sallyport_drops", "counter", "", "Packets that were dropped, by where and why.");
    for (size_t i = 0; i < snapshot->drop_count; i++) {
        const struct drop_count *drop = &snapshot->drops[i];
        bool is_told = false; /* two rules of the guard may stand in one line */
        for (size_t earlier = 0; earlier < i && !is_told; earlier++)
            is_told = strcmp(snapshot->drops[earlier].where, drop->where) == 0 &&
                      strcmp(snapshot->drops[earlier].reason, drop->reason) == 0;
        if (is_told)
            continue;
        uint64_t packets = 0;
        for (size_t other = i; other < snapshot->drop_count; other++)
            if (strcmp(snapshot->drops[other].where, drop->where) == 0 &&
                strcmp(snapshot->drops[other].reason, drop->reason) == 0)
                packets += snapshot->drops[other].packets;
        fputs("sallyport_drops_total", out);
        put_label(out, "{", "where", drop->where);
        put_label(out, ",", "reason", drop->reason);
        fprintf(out, "} %" PRIu64 "\n", packets);
    }
}

static void put_known(FILE *out, const struct snapshot *snapshot)
{
    for (int i = 0; i < KNOWN_COUNT; i++) {
        const struct known_value *known = &snapshot->known[i];
        const char *id = known_counter_id((enum known_counter)i);
        if (!known->is_known)
            continue;
        /* the one that goes up and down */
        const bool is_gauge = i == KNOWN_ACTIVE_ASSOCIATIONS;
        fprintf(out, "# TYPE sallyport_%s %s\n# HELP sallyport_%s %s.\nsallyport_%s%s %" PRIu64 "\n", id,
                is_gauge ? "gauge" : "counter", id, known_counter_title((enum known_counter)i), id,
                is_gauge ? "" : "_total", known->value);
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

static void put_association_info(FILE *out, const struct snapshot *snapshot)
{
    family(out, "sallyport_association", "info", "",
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

static void put_association_counters(FILE *out, const struct snapshot *snapshot)
{
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
        family(out, families[f].name, "counter", families[f].unit, families[f].help);
        for (size_t i = 0; i < shown(snapshot); i++) {
            fprintf(out, "%s_total", families[f].name);
            put_association_labels(out, &snapshot->associations[i]);
            fprintf(out, " %" PRIu64 "\n", families[f].value(&snapshot->associations[i]));
        }
    }
}

static void put_association_lifetimes(FILE *out, const struct snapshot *snapshot)
{
    family(out, "sallyport_association_age_seconds", "gauge", "seconds", "Since the association was made.");
    for (size_t i = 0; i < shown(snapshot); i++) {
        fputs("sallyport_association_age_seconds", out);
        put_association_labels(out, &snapshot->associations[i]);
        fprintf(out, " %" PRIu64 "\n", snapshot->associations[i].age_seconds);
    }
    family(out, "sallyport_association_used_ratio", "gauge", "ratio",
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

void view_openmetrics(FILE *out, const struct snapshot *snapshot)
{
    gauge(out, "sallyport_up", "", "Whether the daemon or the kernel answered.", snapshot->is_up);
    if (snapshot->is_up) {
        gauge(out, "sallyport_enabled", "", "Whether a policy is in force that protects or blocks.",
              snapshot->is_enabled);
        gauge(out, "sallyport_stale", "", "Whether the figures are old: the daemon hangs or is gone.",
              *snapshot->warning != '\0');
        put_info(out, snapshot);
        if (snapshot->has_daemon) {
            gauge(out, "sallyport_uptime_seconds", "seconds", "Since the daemon was started.",
                  snapshot->uptime_seconds);
            gauge(out, "sallyport_policy_generation", "", "How many policies were put in force.",
                  snapshot->generation);
        }
        put_flows(out, snapshot);
        put_drops(out, snapshot);
        put_known(out, snapshot);
        put_association_info(out, snapshot);
        put_association_counters(out, snapshot);
        put_association_lifetimes(out, snapshot);
    }
    fputs("# EOF\n", out);
}
