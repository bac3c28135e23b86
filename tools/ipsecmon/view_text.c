/* SPDX-License-Identifier: ISC
 *
 * The tables of --once, and of a terminal that can't be drawn on.
 */
#include "views.h"

#include "format.h"
#include "table.h"
#include "terminal.h"

#include <string.h>

static const char *const flow_names[] = {[FLOW_OUTBOUND] = "outbound", [FLOW_INBOUND] = "inbound"};

static void finish(struct table *table, FILE *out, bool is_aligned)
{
    if (table_rows(table) > 0) {
        fputs(is_aligned ? "\n" : "", out);
        table_print(table, out, is_aligned);
    }
    table_destroy(&table);
}

static void add_short(struct table *table, double number)
{
    char text[SHORT_BYTES];
    table_add(table, "%s", format_short(number, text));
}

static void print_flows(FILE *out, const struct snapshot *snapshot, bool is_aligned)
{
    struct table *table = table_create("DIRECTION|>PKT/S|>BIT/S|>PACKETS|>BYPASS|>SEALED|>OPENED|>DROP");
    for (int i = 0; i < FLOW_COUNT; i++) {
        const struct flow *flow = &snapshot->flows[i];
        table_add(table, "%s", flow_names[i]);
        add_short(table, flow->packets_second);
        add_short(table, flow->bytes_second * 8.0);
        table_add_number(table, flow->offered_packets);
        table_add_number(table, flow->bypassed_packets);
        table_add_number(table, flow->sealed_packets);
        table_add_number(table, flow->opened_packets);
        table_add_number(table, flow->dropped_packets);
    }
    finish(table, out, is_aligned);
}

static void print_associations(FILE *out, const struct snapshot *snapshot, const struct filter *filter,
                               bool is_aligned)
{
    struct table *table =
        table_create("SPI|DIR|PEER|>PKT/S|>BIT/S|>PACKETS|>USED%|STATE|SECURITY|SOURCE|"
                     "DESTINATION|PROTO|PORTS|TUNNEL|>TIME LEFT|>BYTES LEFT|BACKEND|FILTER|SA");
    for (size_t i = 0; i < snapshot->association_count; i++) {
        const struct association *sa = &snapshot->associations[i];
        char text[SHORT_BYTES];
        uint64_t left;
        const int used = association_used_percent(sa);
        if (!filter_passes(filter, sa))
            continue;
        table_add(table, "0x%08x", sa->spi);
        table_add(table, "%s", sa->direction);
        table_add(table, "%s", sa->peer);
        add_short(table, sa->packets_second);
        add_short(table, sa->bytes_second * 8.0);
        table_add_number(table, sa->packets);
        table_add(table, used < 0 ? "-" : "%d", used);
        table_add(table, "%s", sa->state);
        table_add(table, "%s", sa->security);
        table_add(table, "%s", sa->source);
        table_add(table, "%s", sa->destination);
        table_add(table, "%s", *sa->protocol ? sa->protocol : "-");
        table_add(table, "%s", *format_ports(sa, text) ? text : "-");
        table_add(table, "%s", *sa->tunnel ? sa->tunnel : "-");
        table_add(table, "%s", association_seconds_left(sa, &left) ? format_span(left, text) : "-");
        table_add(table, "%s", association_bytes_left(sa, &left) ? format_short((double)left, text) : "-");
        table_add(table, "%s/%s", sa->requested, sa->granted);
        table_add(table, "%s", *sa->filter ? sa->filter : "-");
        table_add(table, "%s", sa->name);
    }
    finish(table, out, is_aligned);
}

static void print_known(FILE *out, const struct snapshot *snapshot, bool is_aligned)
{
    struct table *table = table_create("COUNTER|>VALUE");
    for (int i = 0; i < KNOWN_COUNT; i++) {
        table_add(table, "%s", known_counter_title((enum known_counter)i));
        if (snapshot->known[i].is_known)
            table_add_number(table, snapshot->known[i].value);
        else
            table_add(table, "-");
    }
    finish(table, out, is_aligned);
}

static void print_drops(FILE *out, const struct snapshot *snapshot, bool is_aligned)
{
    struct table *table = table_create("DROPPED|REASON|>PKT/S|>PACKETS|MEANING");
    for (size_t i = 0; i < snapshot->drop_count; i++) {
        const struct drop_count *drop = &snapshot->drops[i];
        if (drop->packets == 0)
            continue;
        table_add(table, "%s", drop->where);
        table_add(table, "%s", drop->reason);
        add_short(table, drop->packets_second);
        table_add_number(table, drop->packets);
        table_add(table, "%s", drop->text);
    }
    finish(table, out, is_aligned);
}

void view_text(FILE *out, const struct snapshot *snapshot, const struct filter *filter, bool is_aligned)
{
    if (is_aligned) {
        char line[512];
        format_headline(snapshot, line, sizeof line);
        terminal_write(out, line);
        fprintf(out, "\n%s\n", format_enabled(snapshot));
        if (*snapshot->warning)
            fprintf(out, "%s\n", snapshot->warning);
    }
    print_associations(out, snapshot, filter, is_aligned);
    print_known(out, snapshot, is_aligned);
    print_flows(out, snapshot, is_aligned);
    print_drops(out, snapshot, is_aligned);
}
