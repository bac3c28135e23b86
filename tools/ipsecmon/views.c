/* SPDX-License-Identifier: ISC
 *
 * The tables are narrow enough for 80 columns with IPv4 addresses: of an SA's two addresses only the peer's
 * is shown, for the other one is this host's.
 */
#include "views.h"

#include "table.h"
#include "terminal.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const directions[] = {"outbound", "inbound"};

static const json_t *totals_of(const struct sample *sample, const char *direction)
{
    return json_object_get(json_object_get(sample->status, "totals"), direction);
}

/* Six characters at most: "950", "12.3k", "4.56M". */
static void add_short(struct table *table, double number)
{
    static const char suffixes[] = " kMGTPE";
    size_t power = 0;
    while (number >= 999.5 && power + 2 < sizeof suffixes) {
        number /= 1000.0;
        power++;
    }
    if (power == 0)
        table_add(table, "%.0f", number);
    else
        table_add(table, "%.*f%c", number < 10 ? 2 : number < 100 ? 1 : 0, number, suffixes[power]);
}

void view_headline(FILE *out, const struct sample *now)
{
    if (!now->status) {
        terminal_write(out, now->reason);
        fputc('\n', out);
        return;
    }
    char span[32];
    const json_t *policy = json_object_get(now->status, "policy");
    const char *file = daemon_text(policy, "file");
    const char *slash = strrchr(file, '/');
    fputs("sallyportd ", out);
    terminal_write(out, daemon_text(now->status, "version"));
    fprintf(out, " pid %llu up %s, policy ", (unsigned long long)daemon_number(now->status, "pid"),
            daemon_span(daemon_number(now->status, "uptime_seconds"), span));
    terminal_write(out, slash ? slash + 1 : file);
    fprintf(out, " generation %llu\n", (unsigned long long)daemon_number(policy, "generation"));
}

void view_totals(FILE *out, const struct sample *former, const struct sample *now, bool is_aligned)
{
    struct table *table = table_create("DIRECTION|>PKT/S|>BIT/S|>PACKETS|>BYPASS|>SEALED|>OPENED|>DROP");
    const double seconds = sample_seconds(former, now);
    for (int i = 0; i < 2; i++) {
        const json_t *after = totals_of(now, directions[i]);
        const json_t *before = totals_of(former, directions[i]);
        table_add(table, "%s", directions[i]);
        add_short(table, rate_of(before, after, "offered_packets", seconds));
        add_short(table, rate_of(before, after, "offered_bytes", seconds) * 8.0);
        table_add_number(table, daemon_number(after, "offered_packets"));
        table_add_number(table, daemon_number(after, "bypassed_packets"));
        table_add_number(table, daemon_number(after, "sealed_packets"));
        table_add_number(table, daemon_number(after, "opened_packets"));
        table_add_number(table, daemon_number(after, "dropped_packets"));
    }
    table_print(table, out, is_aligned);
    table_destroy(&table);
}

static void add_reasons(struct table *table, const struct sample *former, const struct sample *now, int i,
                        double seconds)
{
    const json_t *after = json_object_get(totals_of(now, directions[i]), "drops");
    const json_t *before = json_object_get(totals_of(former, directions[i]), "drops");
    for (int reason = SP_DROP_NONE + 1; reason < SP_DROP_COUNT; reason++) {
        const char *id = sp_drop_id((enum sp_drop)reason);
        if (daemon_number(after, id) == 0)
            continue;
        table_add(table, "%s", directions[i]);
        table_add(table, "%s", id);
        add_short(table, rate_of(before, after, id, seconds));
        table_add_number(table, daemon_number(after, id));
    }
}

/* "front-end.policy:10", the rule that an entry of the guard stands for. */
static void add_guard_rule(struct table *table, const struct sample *now, const json_t *entry)
{
    const json_t *rules = json_object_get(json_object_get(now->status, "policy"), "rules");
    const json_t *rule = json_array_get(rules, (size_t)daemon_number(entry, "rule"));
    if (!json_is_integer(json_object_get(entry, "rule"))) {
        table_add(table, "default");
        return;
    }
    const char *file = daemon_text(rule, "file");
    const char *slash = strrchr(file, '/');
    table_add(table, "%s:%llu", slash ? slash + 1 : file, (unsigned long long)daemon_number(rule, "line"));
}

/* What nftables refused never met the engine, so it has no reason but its rule. */
static void add_refusals(struct table *table, const struct sample *former, const struct sample *now,
                         double seconds)
{
    const json_t *before = json_object_get(former->status, "guard");
    size_t index;
    const json_t *entry;
    json_array_foreach(json_object_get(now->status, "guard"), index, entry)
    {
        if (daemon_number(entry, "packets") == 0 || strcmp(daemon_text(entry, "action"), "refuse") != 0)
            continue;
        table_add(table, "%s", daemon_text(entry, "chain"));
        add_guard_rule(table, now, entry);
        add_short(table, rate_of(json_array_get(before, index), entry, "packets", seconds));
        table_add_number(table, daemon_number(entry, "packets"));
    }
}

void view_drops(FILE *out, const struct sample *former, const struct sample *now, bool is_aligned)
{
    struct table *table = table_create("DROPPED|REASON|>PKT/S|>PACKETS");
    const double seconds = sample_seconds(former, now);
    for (int i = 0; i < 2; i++)
        add_reasons(table, former, now, i, seconds);
    add_refusals(table, former, now, seconds);
    if (table_rows(table) > 0) {
        fputs(is_aligned ? "\n" : "", out);
        table_print(table, out, is_aligned);
    }
    table_destroy(&table);
}

static void add_sa(struct table *table, const json_t *before, const json_t *sa, double seconds)
{
    char spi[11];
    const char *direction = daemon_text(sa, "direction");
    const int used = daemon_sa_used_percent(sa);
    table_add(table, "%s", daemon_spi(sa, spi));
    table_add(table, "%s", direction);
    table_add(table, "%s", daemon_text(sa, strcmp(direction, "in") == 0 ? "source" : "destination"));
    add_short(table, rate_of(before, sa, "packets", seconds));
    add_short(table, rate_of(before, sa, "bytes", seconds) * 8.0);
    table_add_number(table, daemon_number(sa, "packets"));
    table_add(table, used < 0 ? "-" : "%d", used);
    table_add(table, "%s", daemon_text(sa, "state"));
    table_add(table, "%s", daemon_text(sa, "name"));
}

void view_sas(FILE *out, const struct sample *former, const struct sample *now, bool is_aligned,
              unsigned rows)
{
    struct table *table = table_create("SPI|DIR|PEER|>PKT/S|>BIT/S|>PACKETS|>USED%|STATE|SA");
    const json_t *sas = json_object_get(now->status, "sas");
    const double seconds = sample_seconds(former, now);
    const size_t count = json_array_size(sas);
    const size_t shown = rows == 0 || count <= rows ? count : rows - 1;
    size_t position = 0;
    for (size_t i = 0; i < shown; i++) {
        const json_t *sa = json_array_get(sas, i);
        add_sa(table, same_sa(former->status, sa, &position), sa, seconds);
    }
    fputs(is_aligned ? "\n" : "", out);
    table_print(table, out, is_aligned);
    table_destroy(&table);
    if (shown < count)
        fprintf(out, "and %zu more\n", count - shown);
}

static json_t *rates_json(const json_t *before, const json_t *after, const char *packets, const char *bytes,
                          double seconds)
{
    json_t *object = tool_need(json_object());
    json_put(object, "packets_second", json_real(rate_of(before, after, packets, seconds)));
    json_put(object, "bytes_second", json_real(rate_of(before, after, bytes, seconds)));
    return object;
}

json_t *view_json(const struct sample *former, const struct sample *now)
{
    struct timespec wall;
    clock_gettime(CLOCK_REALTIME, &wall);
    json_t *object = tool_need(json_object());
    json_put(object, "time", json_real((double)wall.tv_sec + (double)wall.tv_nsec / 1e9));
    if (!now->status) {
        json_put(object, "ok", json_false());
        json_put(object, "error", json_text(now->reason));
        return object;
    }
    json_object_update_missing(object, now->status);
    const double seconds = sample_seconds(former, now);
    if (seconds <= 0) {
        json_put(object, "rates", json_null());
        return object;
    }

    json_t *rates = tool_need(json_object());
    json_t *sas = tool_need(json_array());
    size_t index, position = 0;
    const json_t *sa;
    for (int i = 0; i < 2; i++)
        json_put(rates, directions[i],
                 rates_json(totals_of(former, directions[i]), totals_of(now, directions[i]),
                            "offered_packets", "offered_bytes", seconds));
    json_array_foreach(json_object_get(now->status, "sas"), index, sa)
    {
        json_t *rate = rates_json(same_sa(former->status, sa, &position), sa, "packets", "bytes", seconds);
        json_put(rate, "number", json_number(daemon_number(sa, "number")));
        json_push(sas, rate);
    }
    json_put(rates, "seconds", json_real(seconds));
    json_put(rates, "sas", sas);
    json_put(object, "rates", rates);
    return object;
}
