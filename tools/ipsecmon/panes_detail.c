/* SPDX-License-Identifier: ISC
 *
 * The pane behind Enter, and the help.
 */
#include "panes_detail.h"

#include "format.h"

#include <ncurses.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LABEL_COLUMNS 14

struct pen {
    int row, last, columns;
};

/* False: there is no more room. */
static bool put_field(struct pen *pen, const char *label, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool put_field(struct pen *pen, const char *label, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    if (pen->row > pen->last)
        return false;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    attron(A_DIM);
    put_text(pen->row, 1, LABEL_COLUMNS - 1, label);
    attroff(A_DIM);
    put_text(pen->row, 1 + LABEL_COLUMNS, pen->columns - 1 - LABEL_COLUMNS, *text ? text : "-");
    pen->row++;
    return true;
}

static void put_limits(struct pen *pen, const struct association *sa)
{
    char left[SHORT_BYTES], used[SHORT_BYTES], limit[SHORT_BYTES];
    uint64_t amount;
    if (association_seconds_left(sa, &amount))
        put_field(pen, "time", "%s of %s, %s left", format_span(sa->age_seconds, used),
                  format_span(sa->hard_seconds, limit), format_span(amount, left));
    else
        put_field(pen, "time", "%s, no limit", format_span(sa->age_seconds, used));
    if (association_bytes_left(sa, &amount))
        put_field(pen, "bytes", "%s of %s, %s left", format_unit((double)sa->bytes, "B", used),
                  format_unit((double)sa->hard_bytes, "B", limit), format_unit((double)amount, "B", left));
    else
        put_field(pen, "bytes", "%s, no limit", format_unit((double)sa->bytes, "B", used));
    put_field(pen, "packets", "%" PRIu64 "%s", sa->packets, sa->hard_packets ? ", limited" : "");
    put_field(pen, "sequence", "sent %" PRIu64 ", received %" PRIu64 ", window %" PRIu64, sa->sequence_sent,
              sa->sequence_received, sa->replay_window_packets);
}

static void put_drops(struct pen *pen, const struct association *sa)
{
    char text[512] = "";
    for (int reason = SP_DROP_NONE + 1; reason < SP_DROP_COUNT; reason++) {
        const size_t used = strlen(text);
        if (sa->drops[reason])
            snprintf(text + used, sizeof text - used, "%s%s %" PRIu64, used ? ", " : "",
                     sp_drop_id((enum sp_drop)reason), sa->drops[reason]);
    }
    put_field(pen, "dropped", "%s", *text ? text : "none");
}

static void put_last_drop(struct pen *pen, const struct last_drop *drop)
{
    char age[SHORT_BYTES], number[32] = "", spi[16] = "";
    if (drop->has_spi)
        snprintf(spi, sizeof spi, " spi 0x%08x", drop->spi);
    if (drop->has_sequence)
        snprintf(number, sizeof number, " seq %u", drop->sequence);
    char label[SHORT_BYTES + 8];
    const double seconds = drop->age_seconds > 0 ? drop->age_seconds : 0;
    snprintf(label, sizeof label, "  %s ago", format_span((uint64_t)seconds, age));
    put_field(pen, label, "%s: %s %s %s > %s%s%s%s%s", drop->reason, drop->direction, drop->protocol,
              drop->source, drop->destination, spi, number, *drop->rule ? " rule " : "", drop->rule);
}

static void put_last_drops(struct pen *pen, const struct snapshot *snapshot, const struct association *sa)
{
    size_t count = 0;
    if (!snapshot->has_last_drops) {
        put_field(pen, "last drops", "this source keeps none");
        return;
    }
    for (size_t i = 0; i < snapshot->last_drop_count; i++)
        count += last_drop_concerns(&snapshot->last_drops[i], sa);
    put_field(pen, "last drops", count ? "the newest first" : "none");
    for (size_t i = 0; i < snapshot->last_drop_count && pen->row <= pen->last; i++)
        if (last_drop_concerns(&snapshot->last_drops[i], sa))
            put_last_drop(pen, &snapshot->last_drops[i]);
}

void pane_detail(const struct snapshot *snapshot, const struct association *sa, bool is_ascii, int first,
                 int last, int columns)
{
    struct pen pen = {.row = first, .last = last, .columns = columns};
    char rate[SHORT_BYTES], graph[HISTORY_SAMPLES * 4 + 1], ports[32];
    const int room = columns - LABEL_COLUMNS - 1;
    const int width = room < 1 ? 1 : room < (int)HISTORY_SAMPLES ? room : (int)HISTORY_SAMPLES;
    put_field(&pen, "association", "SPI 0x%08x %s, %s", sa->spi, sa->direction,
              *sa->name ? sa->name : "no name");
    put_field(&pen, "security", "%s (%s), %s", sa->security, sa->suite, sa->state);
    put_field(&pen, "from, to", "%s > %s", sa->source, sa->destination);
    put_field(&pen, "rate", "%s, %.0f packets/s", format_unit(sa->bytes_second * 8.0, "bit/s", rate),
              sa->packets_second);
    graph_text(sa->history, sa->history_count, width, is_ascii, graph);
    attron(COLOR_PAIR(1));
    put_field(&pen, "", "%s", graph);
    attroff(COLOR_PAIR(1));
    put_limits(&pen, sa);
    put_drops(&pen, sa);
    put_field(&pen, "filter", "%s (%s)", *sa->filter ? sa->filter : "none known", sa->policy);
    if (*sa->rule)
        put_field(&pen, "rule", "%s", sa->rule);
    format_ports(sa, ports);
    put_field(&pen, "traffic", "%s, ports %s", *sa->protocol ? sa->protocol : "-", *ports ? ports : "-");
    put_field(&pen, "mode", "%s %s", sa->mode, sa->tunnel);
    put_field(&pen, "backend", "%s asked for, %s granted", sa->requested, sa->granted);
    put_field(&pen, "fingerprint", "%s", sa->fingerprint);
    put_last_drops(&pen, snapshot, sa);
}

void pane_help(int first, int last, int columns)
{
    static const char *const lines[] = {
        "up, down, PgUp, PgDn, Home, End   choose an association",
        "Enter                             all about it, and its last drops; again: back",
        "s, r                              sort by the next column; reversed",
        "/                                 filter: peer=192.0.2.0/24 dir=out port=80, or any text",
        "a                                 all drop reasons, or those that happened",
        "+ -                               ask more often, less often",
        "q                                 quit",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines && first + (int)i <= last; i++)
        put_text(first + (int)i, 1, columns - 1, lines[i]);
}
