/* SPDX-License-Identifier: ISC
 *
 * Findings: where they point, in which order they come, and what they show.
 */
#include "policy/diagnosis.h"

#include <criterion/criterion.h>
#include <string.h>

static struct sp_report *report;
static struct sp_diagnosis diagnosis;

static void begin(void)
{
    cr_assert_eq(sp_report_create(&report), SP_OK);
    diagnosis = (struct sp_diagnosis){.report = report};
}

static void end(void)
{
    sp_report_destroy(&report);
}

TestSuite(diagnosis, .init = begin, .fini = end);

/* A place `at` bytes into a one-line text. */
static struct sp_place place_in(const struct sp_source *source, size_t at, size_t len_bytes, uint64_t order)
{
    return (struct sp_place){.source = source,
                             .start = source->bytes + at,
                             .line_start = source->bytes,
                             .len_bytes = len_bytes,
                             .line = 1,
                             .order = order};
}

Test(diagnosis, findings_come_in_the_order_of_the_text)
{
    struct sp_source source = {.name = "f", .bytes = "abc", .len_bytes = 3};
    static const uint64_t orders[] = {5, 1, 9, 5, 0};
    static const char *const sorted[] = {"4", "1", "0", "3", "2"};
    for (int i = 0; i < 5; i++) {
        struct sp_place place = place_in(&source, 0, 1, orders[i]);
        sp_diagnose_error(&diagnosis, &place, "%d", i);
    }
    sp_diagnosis_finish(&diagnosis);
    cr_assert_eq(sp_report_count(report), 5);
    for (size_t i = 0; i < 5; i++)
        cr_assert_str_eq(sp_report_get(report, i)->text, sorted[i]);
}

Test(diagnosis, a_place_becomes_line_column_width_and_the_line_itself)
{
    struct sp_source source = {.name = "f", .bytes = "x\tab \x1b[31m\xff z\r\nnext", .len_bytes = 18};
    struct sp_place place = place_in(&source, 2, 2, 0);
    sp_diagnose_error(&diagnosis, &place, "text");
    sp_diagnosis_finish(&diagnosis);
    const struct sp_error *error = sp_report_get(report, 0);
    cr_assert_eq(error->line, 1);
    cr_assert_eq(error->column, 3);
    cr_assert_eq(error->width, 2);
    cr_assert_str_eq(error->source_line, "x\tab ?[31m? z", "what a terminal would obey is hidden");
}

Test(diagnosis, a_long_line_is_cut_between_characters_and_left_out_where_the_place_is_behind_the_cut)
{
    static char line[1001];
    for (size_t i = 0; i < 500; i++)
        memcpy(line + 2 * i, "\xc3\xbc", 2);
    memmove(line + 1, line, 999);
    line[0] = 'x';
    struct sp_source source = {.name = "f", .bytes = line, .len_bytes = 1000};
    struct sp_place near = place_in(&source, 0, 1, 0), far = place_in(&source, 500, 1, 1);
    sp_diagnose_error(&diagnosis, &near, "near");
    sp_diagnose_error(&diagnosis, &far, "far");
    sp_diagnosis_finish(&diagnosis);
    const char *shown = sp_report_get(report, 0)->source_line;
    cr_assert_eq(strlen(shown), 191);
    cr_assert_eq((unsigned char)shown[190], 0xbc, "the last character is whole");
    cr_assert_eq(sp_report_get(report, 1)->column, 501);
    cr_assert_str_eq(sp_report_get(report, 1)->source_line, "");
}

Test(diagnosis, warnings_alone_leave_the_status_good)
{
    struct sp_source source = {.name = "f", .bytes = "a", .len_bytes = 1};
    struct sp_place place = place_in(&source, 0, 1, 0);
    sp_diagnose(&diagnosis, SP_SEVERITY_WARNING, SP_ERR_PARSE, &place, "warning");
    cr_assert_eq(sp_diagnosis_status(&diagnosis), SP_OK);
    sp_diagnosis_finish(&diagnosis);
    cr_assert_eq(sp_report_errors(report), 0);
    cr_assert_eq(sp_report_count(report), 1);
}

Test(diagnosis, a_fault_of_the_text_outweighs_one_from_outside)
{
    struct sp_source source = {.name = "f", .bytes = "a", .len_bytes = 1};
    struct sp_place place = place_in(&source, 0, 1, 0);
    sp_diagnose(&diagnosis, SP_SEVERITY_ERROR, SP_ERR_PERMISSION, &place, "outside");
    cr_assert_eq(sp_diagnosis_status(&diagnosis), SP_ERR_PERMISSION);
    sp_diagnose(&diagnosis, SP_SEVERITY_ERROR, SP_ERR_IO, &place, "outside");
    cr_assert_eq(sp_diagnosis_status(&diagnosis), SP_ERR_PERMISSION, "the first one says it");
    sp_diagnose(&diagnosis, SP_SEVERITY_ERROR, SP_ERR_WEAK_KEY, &place, "the text");
    cr_assert_eq(sp_diagnosis_status(&diagnosis), SP_ERR_PARSE);
    sp_diagnosis_finish(&diagnosis);
}

Test(diagnosis, after_a_hundred_findings_it_is_full_and_says_so_last)
{
    struct sp_source source = {.name = "f", .bytes = "a", .len_bytes = 1};
    for (uint64_t i = 0; i < 150; i++) {
        struct sp_place place = place_in(&source, 0, 1, i);
        cr_assert_eq(sp_diagnosis_is_full(&diagnosis), i >= SP_DIAGNOSIS_MAX);
        sp_diagnose(&diagnosis, SP_SEVERITY_WARNING, SP_ERR_PARSE, &place, "warning");
    }
    sp_diagnosis_finish(&diagnosis);
    cr_assert_eq(sp_report_count(report), SP_DIAGNOSIS_MAX + 1);
    cr_assert_not_null(strstr(sp_report_get(report, SP_DIAGNOSIS_MAX)->text, "stopped"));
    cr_assert_eq(sp_diagnosis_status(&diagnosis), SP_ERR_PARSE, "half a text is no policy");
}
