/* SPDX-License-Identifier: ISC
 *
 * Tables are gathered whole and printed at the end: the widest cell of a column is only known then.
 */
#include "table.h"

#include "terminal.h"
#include "tool.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_COLUMNS_MAX 24

struct table {
    char *headings; /* split in place */
    const char *heading[TABLE_COLUMNS_MAX];
    bool is_number[TABLE_COLUMNS_MAX];
    size_t columns;
    char **cells;
    size_t cell_count, cell_capacity;
};

struct table *table_create(const char *headings)
{
    struct table *table = tool_need(calloc(1, sizeof *table));
    table->headings = tool_need(strdup(headings));
    char *rest = table->headings;
    while (rest && table->columns < TABLE_COLUMNS_MAX) {
        char *heading = strsep(&rest, "|");
        table->is_number[table->columns] = *heading == '>';
        table->heading[table->columns++] = heading + (*heading == '>');
    }
    return table;
}

void table_destroy(struct table **table)
{
    if (!*table)
        return;
    for (size_t i = 0; i < (*table)->cell_count; i++)
        free((*table)->cells[i]);
    free((*table)->cells);
    free((*table)->headings);
    free(*table);
    *table = NULL;
}

/* A tab or newline in a name would break the table of a script, an escape sequence that of a person. */
static void make_harmless(char *text)
{
    for (unsigned char *byte = (unsigned char *)text; *byte; byte++)
        if (*byte < ' ' || *byte == 0x7f)
            *byte = '?';
}

static void take_cell(struct table *table, char *cell)
{
    if (table->cell_count == table->cell_capacity) {
        table->cell_capacity = table->cell_capacity ? table->cell_capacity * 2 : 64;
        table->cells = tool_need(reallocarray(table->cells, table->cell_capacity, sizeof *table->cells));
    }
    make_harmless(cell);
    table->cells[table->cell_count++] = cell;
}

void table_add(struct table *table, const char *format, ...)
{
    char *cell = NULL;
    va_list arguments;
    va_start(arguments, format);
    const int len_bytes = vasprintf(&cell, format, arguments);
    va_end(arguments);
    take_cell(table, tool_need(len_bytes < 0 ? NULL : cell));
}

void table_add_number(struct table *table, uint64_t number)
{
    table_add(table, "%llu", (unsigned long long)number);
}

size_t table_rows(const struct table *table)
{
    return table->cell_count / table->columns;
}

/* Characters, not bytes: names are UTF-8. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void print_padded(FILE *out, const char *text, size_t width, bool is_number, bool is_last)
{
    const size_t own = width_of(text);
    const int padding = (int)(width > own ? width - own : 0);
    if (is_number)
        fprintf(out, "%*s%s", padding, "", text);
    else
        fprintf(out, "%s%*s", text, is_last ? 0 : padding, "");
    fputs(is_last ? "\n" : "  ", out);
}

static void print_aligned(const struct table *table, FILE *out)
{
    size_t widths[TABLE_COLUMNS_MAX];
    for (size_t column = 0; column < table->columns; column++)
        widths[column] = width_of(table->heading[column]);
    for (size_t i = 0; i < table->cell_count; i++) {
        const size_t width = width_of(table->cells[i]);
        if (width > widths[i % table->columns])
            widths[i % table->columns] = width;
    }

    fputs(terminal_look(out, LOOK_BOLD), out);
    for (size_t column = 0; column < table->columns; column++)
        print_padded(out, table->heading[column], widths[column], table->is_number[column],
                     column + 1 == table->columns);
    fputs(terminal_look(out, LOOK_PLAIN), out);
    for (size_t i = 0; i < table->cell_count; i++) {
        const size_t column = i % table->columns;
        print_padded(out, table->cells[i], widths[column], table->is_number[column],
                     column + 1 == table->columns);
    }
}

static void print_separated(const struct table *table, FILE *out)
{
    for (size_t column = 0; column < table->columns; column++)
        fprintf(out, "%s%c", table->heading[column], column + 1 == table->columns ? '\n' : '\t');
    for (size_t i = 0; i < table->cell_count; i++)
        fprintf(out, "%s%c", table->cells[i], (i + 1) % table->columns == 0 ? '\n' : '\t');
}

void table_print(const struct table *table, FILE *out, bool is_aligned)
{
    if (is_aligned)
        print_aligned(table, out);
    else
        print_separated(table, out);
}
