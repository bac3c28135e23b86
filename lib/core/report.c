/* SPDX-License-Identifier: ISC
 *
 * Findings about a file, and how they are shown to people: the form that compilers use, which editors know
 * how to jump to.
 *
 * File names and source lines come from outside: control bytes are shown as '?', so that a policy file can't
 * send escape sequences to the terminal of whoever checks it.
 */
#include "core/misuse.h"

#include <sallyport/status.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 16

struct sp_report {
    struct sp_error *findings;
    size_t count, capacity;
    size_t errors; /* also those that found no memory */
};

enum sp_status sp_report_create(struct sp_report **ret_report)
{
    SP_REQUIRE(ret_report != NULL);
    struct sp_report *report = calloc(1, sizeof *report);

    if (report == NULL)
        return SP_ERR_MEMORY;
    *ret_report = report;
    return SP_OK;
}

void sp_report_destroy(struct sp_report **report)
{
    SP_REQUIRE(report != NULL);
    if (*report == NULL)
        return;
    free((*report)->findings);
    free(*report);
    *report = NULL;
}

static bool grow(struct sp_report *report)
{
    size_t capacity = report->capacity != 0 ? report->capacity * 2 : FIRST_CAPACITY;
    struct sp_error *findings = reallocarray(report->findings, capacity, sizeof *findings);

    if (findings == NULL)
        return false;
    report->findings = findings;
    report->capacity = capacity;
    return true;
}

void sp_report_add(struct sp_report *report, const struct sp_error *error)
{
    SP_REQUIRE(report != NULL && error != NULL);
    if (error->severity == SP_SEVERITY_ERROR)
        report->errors++;
    if (report->count == report->capacity && !grow(report))
        return;
    report->findings[report->count++] = *error;
}

size_t sp_report_count(const struct sp_report *report)
{
    SP_REQUIRE(report != NULL);
    return report->count;
}

size_t sp_report_errors(const struct sp_report *report)
{
    SP_REQUIRE(report != NULL);
    return report->errors;
}

const struct sp_error *sp_report_get(const struct sp_report *report, size_t index)
{
    SP_REQUIRE(report != NULL && index < report->count);
    return &report->findings[index];
}

static bool is_control(unsigned char byte)
{
    return byte < 0x20 || byte == 0x7f;
}

static void print_text(const char *text, size_t size_bytes, bool keep_tabs, FILE *out)
{
    for (size_t i = 0; i < size_bytes && text[i] != '\0'; i++) {
        bool is_shown = !is_control((unsigned char)text[i]) || (keep_tabs && text[i] == '\t');
        (void)fputc(is_shown ? text[i] : '?', out);
    }
}

/* a UTF-8 continuation byte stands in the column of the byte before it */
static bool takes_no_column(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Tabs are repeated as tabs: the caret then stands right whatever their width is. */
static void print_caret(const struct sp_error *finding, FILE *out)
{
    const char *line = finding->source_line;
    size_t line_bytes = strnlen(line, sizeof finding->source_line);
    size_t first = finding->column - 1;

    if (finding->column == 0 || first > line_bytes)
        return;
    for (size_t i = 0; i < first; i++) {
        if (!takes_no_column(line[i]))
            (void)fputc(line[i] == '\t' ? '\t' : ' ', out);
    }
    (void)fputc('^', out);
    for (size_t i = first + 1; i < first + finding->width && i < line_bytes; i++) {
        if (!takes_no_column(line[i]))
            (void)fputc('~', out);
    }
    (void)fputc('\n', out);
}

static void print_finding(const struct sp_error *finding, FILE *out)
{
    print_text(finding->file, sizeof finding->file, false, out);
    if (finding->line != 0)
        (void)fprintf(out, ":%u", finding->line);
    if (finding->line != 0 && finding->column != 0)
        (void)fprintf(out, ":%u", finding->column);
    (void)fputs(finding->severity == SP_SEVERITY_ERROR ? ": error: " : ": warning: ", out);
    print_text(finding->text, sizeof finding->text, false, out);
    (void)fputc('\n', out);
    if (finding->line == 0 || finding->source_line[0] == '\0')
        return;
    print_text(finding->source_line, sizeof finding->source_line, true, out);
    (void)fputc('\n', out);
    print_caret(finding, out);
}

void sp_report_print(const struct sp_report *report, FILE *out)
{
    SP_REQUIRE(report != NULL && out != NULL);
    for (size_t i = 0; i < report->count; i++)
        print_finding(&report->findings[i], out);
}
