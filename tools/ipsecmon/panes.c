/* SPDX-License-Identifier: ISC
 *
 * The main screen: a title, the associations, below them the counters and why packets were dropped. What has
 * no room is left out, the least important column first.
 */
#include "panes.h"

#include "format.h"
#include "panes_detail.h"
#include "tool.h"

#include <ncurses.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GRAPH_COLUMNS 12
#define CELL_BYTES 128
#define COUNTER_COLUMNS 40

enum { PAIR_PLAIN, PAIR_GOOD, PAIR_BAD, PAIR_WARN };

void panes_start_colours(void)
{
    start_color();
    use_default_colors();
    init_pair(PAIR_GOOD, COLOR_GREEN, -1);
    init_pair(PAIR_BAD, COLOR_RED, -1);
    init_pair(PAIR_WARN, COLOR_YELLOW, -1);
}

void put_text(int row, int column, int columns, const char *text)
{
    char line[1024];
    size_t used = 0;
    int width = 0;
    for (const unsigned char *byte = (const unsigned char *)text; *byte && used + 1 < sizeof line; byte++) {
        const bool is_start = (*byte & 0xc0) != 0x80;
        if (is_start && width++ == columns)
            break;
        line[used++] = *byte < ' ' || *byte == 0x7f ? '?' : (char)*byte;
    }
    line[used] = '\0';
    if (columns > 0)
        mvaddstr(row, column, line);
}

/* ---- order --------------------------------------------------------------------------------------------- */

const char *sort_name(enum sort_key sort)
{
    static const char *const names[] = {
        [SORT_RATE] = "rate", [SORT_SPI] = "SPI",       [SORT_PEER] = "peer",
        [SORT_USED] = "used", [SORT_FILTER] = "filter", [SORT_DROPS] = "drops"};
    return names[sort];
}

static int more_first(double one, double other)
{
    return one > other ? -1 : one < other;
}

static int by_key(const struct association *one, const struct association *other, enum sort_key sort)
{
    switch (sort) {
    case SORT_RATE:
        return more_first(one->bytes_second, other->bytes_second);
    case SORT_PEER:
        return strcmp(one->peer, other->peer);
    case SORT_USED:
        return more_first(association_used_percent(one), association_used_percent(other));
    case SORT_FILTER:
        return strcmp(one->filter, other->filter);
    case SORT_DROPS:
        return more_first((double)one->dropped_packets, (double)other->dropped_packets);
    default:
        return 0;
    }
}

static int compare(const void *left, const void *right, void *context)
{
    const struct association *const *one = left, *const *other = right;
    const struct view_state *state = context;
    int order = by_key(*one, *other, state->sort);
    if (order == 0)
        order = (*one)->spi < (*other)->spi ? -1 : (*one)->spi > (*other)->spi;
    if (order == 0)
        order = (*one)->number < (*other)->number ? -1 : 1;
    return state->is_reversed ? -order : order;
}

const struct association **panes_sort(const struct snapshot *snapshot, const struct view_state *state,
                                      size_t *ret_count)
{
    const struct association **sorted =
        tool_need(calloc(snapshot->association_count + 1, sizeof(const struct association *)));
    size_t count = 0;
    for (size_t i = 0; i < snapshot->association_count; i++)
        if (filter_passes(state->filter, &snapshot->associations[i]))
            sorted[count++] = &snapshot->associations[i];
    qsort_r(sorted, count, sizeof *sorted, compare, (void *)(uintptr_t)state);
    *ret_count = count;
    return sorted;
}

/* ---- the table ----------------------------------------------------------------------------------------- */

enum column {
    COLUMN_SPI,
    COLUMN_DIRECTION,
    COLUMN_PEER,
    COLUMN_RATE,
    COLUMN_GRAPH,
    COLUMN_USED,
    COLUMN_STATE,
    COLUMN_SECURITY,
    COLUMN_SOURCE,
    COLUMN_PROTOCOL,
    COLUMN_PORTS,
    COLUMN_TIME_LEFT,
    COLUMN_BYTES_LEFT,
    COLUMN_BACKEND,
    COLUMN_TUNNEL,
    COLUMN_POLICY,
    COLUMN_FILTER,
    COLUMN_COUNT
};

/* rank: columns go in this order when there is no room for all. least: below it a column is no use. */
static const struct {
    const char *heading;
    int rank, least;
    bool is_number;
} columns_known[COLUMN_COUNT] = {
    [COLUMN_SPI] = {"SPI", 1, 10, false},
    [COLUMN_DIRECTION] = {"DIR", 3, 3, false},
    [COLUMN_PEER] = {"PEER", 2, 9, false},
    [COLUMN_RATE] = {"BIT/S", 4, 6, true},
    [COLUMN_GRAPH] = {"", 7, GRAPH_COLUMNS, false},
    [COLUMN_USED] = {"USED", 5, 4, true},
    [COLUMN_STATE] = {"STATE", 9, 4, false},
    [COLUMN_SECURITY] = {"SECURITY", 6, 10, false},
    [COLUMN_SOURCE] = {"SOURCE", 15, 9, false},
    [COLUMN_PROTOCOL] = {"PROTO", 11, 3, false},
    [COLUMN_PORTS] = {"PORTS", 10, 3, false},
    [COLUMN_TIME_LEFT] = {"TIME LEFT", 12, 5, true},
    [COLUMN_BYTES_LEFT] = {"BYTES LEFT", 13, 5, true},
    [COLUMN_BACKEND] = {"BACKEND", 14, 4, false},
    [COLUMN_TUNNEL] = {"TUNNEL", 17, 6, false},
    [COLUMN_POLICY] = {"POLICY", 16, 6, false},
    [COLUMN_FILTER] = {"FILTER", 8, 8, false},
};

static void cell(const struct association *sa, enum column column, bool is_ascii, char *text)
{
    uint64_t left;
    const int used = association_used_percent(sa);
    char value[SHORT_BYTES] = "-";
    switch (column) {
    case COLUMN_SPI:
        snprintf(text, CELL_BYTES, "0x%08x", sa->spi);
        return;
    case COLUMN_RATE:
        snprintf(text, CELL_BYTES, "%s", format_short(sa->bytes_second * 8.0, value));
        return;
    case COLUMN_GRAPH:
        graph_text(sa->history, sa->history_count, GRAPH_COLUMNS, is_ascii, text);
        return;
    case COLUMN_USED:
        snprintf(text, CELL_BYTES, used < 0 ? "-" : "%d %%", used);
        return;
    case COLUMN_PORTS:
        snprintf(text, CELL_BYTES, "%s", format_ports(sa, value));
        return;
    case COLUMN_TIME_LEFT:
        snprintf(text, CELL_BYTES, "%s",
                 association_seconds_left(sa, &left) ? format_span(left, value) : "-");
        return;
    case COLUMN_BYTES_LEFT:
        snprintf(text, CELL_BYTES, "%s",
                 association_bytes_left(sa, &left) ? format_short((double)left, value) : "-");
        return;
    case COLUMN_BACKEND:
        snprintf(text, CELL_BYTES, "%s%s%s", sa->requested, strcmp(sa->requested, sa->granted) ? " > " : "",
                 strcmp(sa->requested, sa->granted) ? sa->granted : "");
        return;
    default:
        break;
    }
    const char *const texts[COLUMN_COUNT] = {
        [COLUMN_DIRECTION] = sa->direction, [COLUMN_PEER] = sa->peer,     [COLUMN_STATE] = sa->state,
        [COLUMN_SECURITY] = sa->security,   [COLUMN_SOURCE] = sa->source, [COLUMN_PROTOCOL] = sa->protocol,
        [COLUMN_TUNNEL] = sa->tunnel,       [COLUMN_POLICY] = sa->policy, [COLUMN_FILTER] = sa->filter};
    snprintf(text, CELL_BYTES, "%s", texts[column] && *texts[column] ? texts[column] : "-");
}

static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

/* Which columns are drawn, and how wide. */
struct layout {
    int widths[COLUMN_COUNT]; /* 0: left out */
};

static struct layout lay_out(const struct association **sorted, size_t first, size_t count, bool is_ascii,
                             int columns)
{
    struct layout layout = {0};
    int wanted[COLUMN_COUNT], room = columns;
    char text[CELL_BYTES];
    for (int c = 0; c < COLUMN_COUNT; c++) {
        wanted[c] = width_of(columns_known[c].heading);
        for (size_t i = first; i < first + count; i++) {
            cell(sorted[i], (enum column)c, is_ascii, text);
            wanted[c] = width_of(text) > wanted[c] ? width_of(text) : wanted[c];
        }
    }
    for (int rank = 1; rank <= COLUMN_COUNT; rank++) {
        for (int c = 0; c < COLUMN_COUNT; c++) {
            if (columns_known[c].rank != rank)
                continue;
            const int width = wanted[c] < room ? wanted[c] : room;
            if (width < columns_known[c].least && width < wanted[c])
                continue;
            layout.widths[c] = width;
            room -= width + 2;
        }
    }
    return layout;
}

static void put_row(int row, const struct layout *layout, const struct association *sa, bool is_ascii)
{
    int at = 0;
    for (int c = 0; c < COLUMN_COUNT; c++) {
        char text[CELL_BYTES];
        if (layout->widths[c] <= 0)
            continue;
        if (sa)
            cell(sa, (enum column)c, is_ascii, text);
        else
            snprintf(text, sizeof text, "%s", columns_known[c].heading);
        const int padding = columns_known[c].is_number ? layout->widths[c] - width_of(text) : 0;
        put_text(row, at + (padding > 0 ? padding : 0), layout->widths[c], text);
        at += layout->widths[c] + 2;
    }
}

static attr_t look_of(const struct association *sa)
{
    if (!sa->is_active)
        return COLOR_PAIR(PAIR_BAD);
    return strcmp(sa->state, "soft-expired") == 0 ? (attr_t)COLOR_PAIR(PAIR_WARN) : A_NORMAL;
}

/* Rows first to last, of which one is the heading. */
static void put_associations(const struct association **sorted, size_t count, struct view_state *state,
                             int first, int last, int columns)
{
    const size_t room = last > first ? (size_t)(last - first) : 0;
    state->selected = count == 0 ? 0 : state->selected < count ? state->selected : count - 1;
    if (state->selected < state->top)
        state->top = state->selected;
    if (room > 0 && state->selected >= state->top + room)
        state->top = state->selected - room + 1;
    if (state->top + room > count)
        state->top = count > room ? count - room : 0;
    const size_t shown = count - state->top < room ? count - state->top : room;
    const struct layout layout = lay_out(sorted, state->top, shown, state->is_ascii, columns);
    attron(A_BOLD);
    put_row(first, &layout, NULL, state->is_ascii);
    attroff(A_BOLD);
    for (size_t i = 0; i < shown; i++) {
        const struct association *sa = sorted[state->top + i];
        const attr_t look = look_of(sa) | (state->top + i == state->selected ? A_REVERSE : 0);
        attron(look);
        if (look & A_REVERSE)
            mvhline(first + 1 + (int)i, 0, ' ', columns);
        put_row(first + 1 + (int)i, &layout, sa, state->is_ascii);
        attroff(look);
    }
    if (count == 0)
        put_text(first + 1, 0, columns,
                 state->filter_text[0] ? "no association passes the filter" : "no association");
}

/* ---- counters and drops -------------------------------------------------------------------------------- */

static void put_known(const struct snapshot *snapshot, enum known_counter counter, int row, int column)
{
    char text[64], value[24] = "-";
    if (snapshot->known[counter].is_known)
        snprintf(value, sizeof value, "%" PRIu64, snapshot->known[counter].value);
    snprintf(text, sizeof text, "%-*.29s%*s", COUNTER_COLUMNS - 12, known_counter_title(counter), 10, value);
    put_text(row, column, COUNTER_COLUMNS, text);
}

static int counter_rows(int columns)
{
    const int across = columns < COUNTER_COLUMNS * 2 - 2 ? 1 : columns / (COUNTER_COLUMNS - 1);
    return (KNOWN_COUNT + across - 1) / across;
}

static void put_counters(const struct snapshot *snapshot, int first, int last, int columns)
{
    const int rows = counter_rows(columns);
    for (int i = 0; i < KNOWN_COUNT; i++)
        if (first + i % rows <= last)
            put_known(snapshot, (enum known_counter)i, first + i % rows, i / rows * COUNTER_COLUMNS);
}

static size_t drops_shown(const struct snapshot *snapshot, const struct view_state *state)
{
    size_t count = 0;
    for (size_t i = 0; i < snapshot->drop_count; i++)
        count += state->has_all_drops || snapshot->drops[i].packets > 0;
    return count;
}

static void put_drops(const struct snapshot *snapshot, const struct view_state *state, int first, int last,
                      int columns)
{
    int row = first;
    for (size_t i = 0; i < snapshot->drop_count; i++) {
        const struct drop_count *drop = &snapshot->drops[i];
        char text[512], rate[SHORT_BYTES];
        if ((drop->packets == 0 && !state->has_all_drops) || row > last)
            continue;
        snprintf(text, sizeof text, "%-9s %-18s %10" PRIu64 " %6s/s  %s", drop->where, drop->reason,
                 drop->packets, format_short(drop->packets_second, rate), drop->text);
        const attr_t look = drop->packets_second > 0 ? COLOR_PAIR(PAIR_BAD) | A_BOLD : A_NORMAL;
        attron(look);
        put_text(row++, 0, columns, text);
        attroff(look);
    }
}

/* ---- the whole ----------------------------------------------------------------------------------------- */

static void put_title(const struct snapshot *snapshot, const struct view_state *state, int columns)
{
    char clock[16], right[64], line[512];
    const time_t now = (time_t)snapshot->time;
    struct tm local;
    strftime(clock, sizeof clock, "%H:%M:%S", localtime_r(&now, &local));
    const int len = snprintf(right, sizeof right, "%s every %g s", clock, state->interval_ms / 1000.0);
    const attr_t look = COLOR_PAIR(!snapshot->is_up       ? PAIR_BAD
                                   : snapshot->is_enabled ? PAIR_GOOD
                                                          : PAIR_WARN) |
                        A_BOLD;
    attron(look);
    put_text(0, 0, columns, format_enabled(snapshot));
    attroff(look);
    if (columns > 42 + len)
        put_text(0, columns - len, len, right);
    format_headline(snapshot, line, sizeof line);
    put_text(1, 0, columns, line);
}

static void put_foot(const struct view_state *state, size_t count, int row, int columns)
{
    char line[512];
    if (state->is_typing)
        snprintf(line, sizeof line, "filter: %s_", state->filter_text);
    else if (*state->notice)
        snprintf(line, sizeof line, "%s", state->notice);
    else
        snprintf(line, sizeof line, "%zu shown, by %s%s%s%s  q quit  h keys  / filter  s sort  Enter detail",
                 count, sort_name(state->sort), state->is_reversed ? " reversed" : "",
                 state->filter_text[0] ? ", filter " : "", state->filter_text);
    attron(A_DIM);
    put_text(row, 0, columns, line);
    attroff(A_DIM);
}

/* Three parts below the title: associations get what the others leave, and at least four rows of it. */
static void put_main(const struct snapshot *snapshot, struct view_state *state,
                     const struct association **sorted, size_t count, int first, int last, int columns)
{
    const int room = last - first + 1;
    const int wanted = (int)(count < 1000 ? count : 1000) + 2;
    int counters = counter_rows(columns), drops = (int)drops_shown(snapshot, state);
    drops = drops > 0 && drops < room / 3 ? drops : drops > 0 ? room / 3 : 0;
    counters = counters < room / 3 ? counters : room / 3;
    const int below = counters + (counters > 0) + drops + (drops > 0);
    const int table = room - below < 4        ? (room < 4 ? room : 4)
                      : room - below < wanted ? room - below
                                              : wanted;
    put_associations(sorted, count, state, first, first + table - 1, columns);
    int row = first + table + 1;
    const int counters_last = row + counter_rows(columns) - 1 < last - (drops > 0) - drops
                                  ? row + counter_rows(columns) - 1
                                  : last - (drops > 0) - drops;
    put_counters(snapshot, row, counters_last, columns);
    row = (counters_last < row ? row - 1 : counters_last + 1) + 1;
    put_drops(snapshot, state, row, last, columns);
}

void panes_draw(const struct snapshot *snapshot, struct view_state *state, int rows, int columns)
{
    size_t count;
    const struct association **sorted = panes_sort(snapshot, state, &count);
    const int first = 2 + (*snapshot->warning ? 1 : 0) + (rows > 12), last = rows - 2;
    erase();
    put_title(snapshot, state, columns);
    if (*snapshot->warning) {
        attron(COLOR_PAIR(PAIR_WARN));
        put_text(2, 0, columns, snapshot->warning);
        attroff(COLOR_PAIR(PAIR_WARN));
    }
    if (state->is_help)
        pane_help(first, last, columns);
    else if (!snapshot->is_up)
        put_text(first, 0, columns, "Trying again.");
    else if (state->is_detail && state->selected < count)
        pane_detail(snapshot, sorted[state->selected], state->is_ascii, first, last, columns);
    else
        put_main(snapshot, state, sorted, count, first, last, columns);
    put_foot(state, count, rows - 1, columns);
    free(sorted);
    refresh();
}
