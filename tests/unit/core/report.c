/* SPDX-License-Identifier: ISC
 *
 * Findings, counted and printed for people.
 */
#include <sallyport/status.h>

#include <criterion/criterion.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static struct sp_report *report;

static void set_up(void)
{
    cr_assert_eq(sp_report_create(&report), SP_OK);
}

static void tear_down(void)
{
    sp_report_destroy(&report);
    cr_assert_null(report);
}

TestSuite(report, .init = set_up, .fini = tear_down);

static void expect_print(const char *expected)
{
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *out = open_memstream(&text, &text_bytes);

    cr_assert_not_null(out);
    sp_report_print(report, out);
    (void)fclose(out);
    cr_expect_str_eq(text, expected);
    free(text);
}

static struct sp_error at(uint32_t line, uint32_t column, uint32_t width, const char *source_line)
{
    struct sp_error error = {.code = SP_ERR_PARSE,
                             .file = "x.policy",
                             .line = line,
                             .column = column,
                             .width = width,
                             .text = "wrong word"};

    (void)snprintf(error.source_line, sizeof error.source_line, "%s", source_line);
    return error;
}

static void add(struct sp_error error)
{
    sp_report_add(report, &error);
}

Test(report, is_empty_at_first)
{
    cr_expect_eq(sp_report_count(report), 0);
    cr_expect_eq(sp_report_errors(report), 0);
    expect_print("");
}

Test(report, keeps_findings_in_their_order_however_many)
{
    for (uint32_t i = 1; i <= 1000; i++)
        add(at(i, 1, 1, "x"));
    cr_assert_eq(sp_report_count(report), 1000);
    for (uint32_t i = 1; i <= 1000; i++)
        cr_expect_eq(sp_report_get(report, i - 1)->line, i);
}

Test(report, counts_errors_apart_from_warnings)
{
    struct sp_error warning = at(1, 1, 1, "x");

    warning.severity = SP_SEVERITY_WARNING;
    add(warning);
    add(at(2, 1, 1, "x"));
    cr_expect_eq(sp_report_count(report), 2);
    cr_expect_eq(sp_report_errors(report), 1);
}

Test(report, prints_place_text_line_and_caret)
{
    add(at(3, 11, 3, "block in  tpc from any"));
    expect_print("x.policy:3:11: error: wrong word\n"
                 "block in  tpc from any\n"
                 "          ^~~\n");
}

Test(report, prints_warnings_as_such)
{
    struct sp_error warning = at(3, 1, 1, "block");

    warning.severity = SP_SEVERITY_WARNING;
    add(warning);
    expect_print("x.policy:3:1: warning: wrong word\nblock\n^\n");
}

Test(report, prints_every_finding)
{
    add(at(1, 1, 1, "a"));
    add(at(2, 2, 1, "bc"));
    expect_print("x.policy:1:1: error: wrong word\na\n^\n"
                 "x.policy:2:2: error: wrong word\nbc\n ^\n");
}

Test(report, repeats_tabs_below_tabs)
{
    add(at(1, 7, 2, "\tin\t\tx tpc"));
    expect_print("x.policy:1:7: error: wrong word\n\tin\t\tx tpc\n\t  \t\t ^~\n");
}

Test(report, underlines_letters_not_bytes)
{
    add(at(1, 5, 6, "\xc3\xa9\xc3\xa8 \xe2\x82\xac\xc3\xa9 x"));
    /* columns count bytes: two letters of two bytes stand before, a blank and two letters are meant */
    expect_print("x.policy:1:5: error: wrong word\n\xc3\xa9\xc3\xa8 \xe2\x82\xac\xc3\xa9 x\n  ^~~\n");
}

Test(report, puts_the_caret_behind_the_line_when_something_is_missing_there)
{
    add(at(1, 6, 4, "block"));
    expect_print("x.policy:1:6: error: wrong word\nblock\n     ^\n");
}

Test(report, cuts_the_underline_at_the_end_of_the_line)
{
    add(at(1, 4, 100, "block"));
    expect_print("x.policy:1:4: error: wrong word\nblock\n   ^~\n");
}

Test(report, draws_no_caret_where_the_line_was_cut_before_it)
{
    add(at(1, 50, 4, "block"));
    expect_print("x.policy:1:50: error: wrong word\nblock\n");
}

Test(report, prints_no_numbers_for_a_finding_about_the_whole_file)
{
    add(at(0, 0, 1, ""));
    expect_print("x.policy: error: wrong word\n");
}

Test(report, prints_no_line_when_there_is_none)
{
    add(at(7, 1, 1, ""));
    expect_print("x.policy:7:1: error: wrong word\n");
}

Test(report, sends_no_control_bytes_to_the_terminal)
{
    struct sp_error error = at(1, 5, 1, "\x1b[2Jx\x7f");

    (void)snprintf(error.file, sizeof error.file, "x\x1b.policy");
    (void)snprintf(error.text, sizeof error.text, "wrong \a\tword\r");
    add(error);
    expect_print("x?.policy:1:5: error: wrong ??word?\n?[2Jx?\n    ^\n");
}

Test(report, asking_for_a_finding_that_is_not_there_is_misuse, .signal = SIGABRT)
{
    add(at(1, 1, 1, "x"));
    (void)sp_report_get(report, 1);
}
