/* SPDX-License-Identifier: ISC
 *
 * The parser's limits and what the golden files can't hold: sizes, depths, many files, memory of places.
 */
#include "unit/policy/fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

TestSuite(parser, .init = make_folder, .fini = remove_folder, .timeout = 60);

static const struct sp_error *only_error(struct sp_report *report)
{
    cr_assert_eq(sp_report_count(report), 1);
    return sp_report_get(report, 0);
}

static enum sp_status load(const char *path, struct sp_report **ret_report)
{
    struct sp_policy *policy = NULL;
    cr_assert_eq(sp_report_create(ret_report), SP_OK);
    enum sp_status status = sp_policy_load(path, &policy, *ret_report);
    sp_policy_destroy(&policy);
    return status;
}

Test(parser, an_empty_text_lacks_a_default_only)
{
    struct sp_report *report;
    cr_assert_eq(status_of("", 0, &report), SP_ERR_PARSE);
    const struct sp_error *error = only_error(report);
    cr_assert_eq(error->line, 0);
    cr_assert_not_null(strstr(error->text, "default block"));
    sp_report_destroy(&report);
}

Test(parser, on_failure_the_output_stays_untouched)
{
    struct sp_policy *policy = (struct sp_policy *)&policy;
    struct sp_report *report;
    cr_assert_eq(sp_report_create(&report), SP_OK);
    cr_assert_eq(sp_policy_parse("x", 1, "test", &policy, report), SP_ERR_PARSE);
    cr_assert_eq(policy, (struct sp_policy *)&policy);
    cr_assert_eq(sp_policy_load(in_folder("none"), &policy, report), SP_ERR_IO);
    cr_assert_eq(policy, (struct sp_policy *)&policy);
    cr_assert_eq(sp_report_count(report), 3, "findings are added to those that are there");
    sp_report_destroy(&report);
}

Test(parser, the_text_need_not_end_and_is_not_needed_afterwards)
{
    char text[] = "default block\nblock in from any to me as \"name\"";
    size_t len_bytes = strlen(text);
    struct sp_policy *policy = NULL;
    struct sp_report *report;
    struct sp_rule_info rule;
    cr_assert_eq(sp_report_create(&report), SP_OK);
    char *exact = malloc(len_bytes);
    memcpy(exact, text, len_bytes);
    cr_assert_eq(sp_policy_parse(exact, len_bytes, "test", &policy, report), SP_OK);
    memset(exact, 'x', len_bytes);
    free(exact);
    cr_assert_eq(sp_policy_rule(policy, 0, &rule), SP_OK);
    cr_assert_str_eq(rule.name, "name");
    sp_policy_destroy(&policy);
    sp_report_destroy(&report);
}

Test(parser, names_of_up_to_127_bytes_are_taken_also_when_each_is_an_escape)
{
    char text[1024] = "default block\nblock in from any to me as \"";
    for (int i = 0; i < 127; i++)
        strcat(text, "\\\"");
    strcat(text, "\"\n");
    cr_assert_eq(status_of(text, strlen(text), NULL), SP_OK);
    text[strlen(text) - 2] = '\0';
    strcat(text, "\\\\\"\n");
    cr_assert_eq(status_of(text, strlen(text), NULL), SP_ERR_PARSE);
}

Test(parser, includes_go_sixteen_deep)
{
    struct sp_report *report;
    char name[16], text[64];
    cr_assert_str_not_empty(write_file("15", "default block\n", 14, 0600));
    for (int i = 14; i >= 0; i--) {
        snprintf(name, sizeof name, "%d", i);
        snprintf(text, sizeof text, "include \"%d\"\n", i + 1);
        (void)write_file(name, text, strlen(text), 0600);
    }
    cr_assert_eq(load(in_folder("0"), &report), SP_OK);
    sp_report_destroy(&report);
    (void)write_file("top", "include \"0\"\n", 12, 0600);
    cr_assert_eq(load(in_folder("top"), &report), SP_ERR_PARSE);
    cr_assert_not_null(strstr(sp_report_get(report, 0)->text, "16 deep"));
    sp_report_destroy(&report);
}

Test(parser, includes_that_double_at_each_level_end_at_256_files)
{
    struct sp_report *report;
    char name[16], text[64];
    (void)write_file("12", "block in from any to me\n", 24, 0600);
    for (int i = 11; i >= 0; i--) {
        snprintf(name, sizeof name, "%d", i);
        snprintf(text, sizeof text, "include \"%d\"\ninclude \"%d\"\n", i + 1, i + 1);
        (void)write_file(name, text, strlen(text), 0600);
    }
    cr_assert_eq(load(in_folder("0"), &report), SP_ERR_PARSE);
    sp_report_destroy(&report);
}

Test(parser, a_relative_include_starts_in_the_folder_of_its_file)
{
    struct sp_report *report;
    char command[300];
    snprintf(command, sizeof command, "mkdir '%s'", in_folder("sub"));
    cr_assert_eq(system(command), 0);
    (void)write_file("top", "include \"sub/a\"\n", 16, 0600);
    (void)write_file("sub/a", "include \"b\"\n", 12, 0600);
    (void)write_file("sub/b", "default block\n", 14, 0600);
    cr_assert_eq(load(in_folder("top"), &report), SP_OK);
    sp_report_destroy(&report);
}

Test(parser, a_text_that_was_handed_over_includes_nothing)
{
    struct sp_policy *policy = NULL;
    struct sp_report *report;
    char text[256];
    snprintf(text, sizeof text, "default block\ninclude \"%s\"\n", write_file("a", "", 0, 0600));
    cr_assert_eq(sp_report_create(&report), SP_OK);
    cr_assert_eq(sp_policy_parse(text, strlen(text), "theirs", &policy, report), SP_OK);
    sp_policy_destroy(&policy);
    cr_assert_eq(sp_policy_parse_alone(text, strlen(text), "theirs", &policy, report), SP_ERR_PARSE);
    cr_assert_null(policy);
    cr_assert_eq(sp_report_get(report, 0)->line, 2);
    cr_assert_not_null(strstr(sp_report_get(report, 0)->text, "can't include files"));
    cr_assert_eq(sp_policy_parse_alone(text, 14, "theirs", &policy, report), SP_OK);
    sp_policy_destroy(&policy);
    sp_report_destroy(&report);
}

Test(parser, a_file_may_be_included_twice_when_it_is_no_ring)
{
    struct sp_report *report;
    (void)write_file("top", "include \"a\"\ninclude \"a\"\ndefault block\n", 38, 0600);
    (void)write_file("a", "block in from any to me\n", 24, 0600);
    cr_assert_eq(load(in_folder("top"), &report), SP_OK);
    sp_report_destroy(&report);
}

Test(parser, all_files_together_may_have_64_mebibytes)
{
    struct sp_report *report;
    size_t len_bytes = (size_t)15 << 20;
    char *blanks = malloc(len_bytes);
    memset(blanks, '\n', len_bytes);
    (void)write_file("big", blanks, len_bytes, 0600);
    free(blanks);
    static const char four[] =
        "include \"big\"\ninclude \"big\"\ninclude \"big\"\ninclude \"big\"\ndefault block\n";
    (void)write_file("top", four, sizeof four - 1, 0600);
    cr_assert_eq(load(in_folder("top"), &report), SP_OK);
    sp_report_destroy(&report);
    (void)write_file("more", "include \"big\"\ninclude \"top\"\n", 28, 0600);
    cr_assert_eq(load(in_folder("more"), &report), SP_ERR_PARSE);
    sp_report_destroy(&report);
}

/* Repeats a piece until it has size_bytes, between a head and a tail. */
static enum sp_status repeat(const char *head, const char *piece, const char *tail, size_t size_bytes)
{
    size_t piece_bytes = strlen(piece), count = size_bytes / piece_bytes;
    char *text = malloc(strlen(head) + count * piece_bytes + strlen(tail) + 1);
    char *end = stpcpy(text, head);
    for (size_t i = 0; i < count; i++)
        end = mempcpy(end, piece, piece_bytes);
    end = stpcpy(end, tail);
    enum sp_status status = status_of(text, (size_t)(end - text), NULL);
    free(text);
    return status;
}

Test(parser, megabytes_of_anything_are_read_in_linear_time)
{
    size_t size = (size_t)4 << 20;
    cr_assert_eq(repeat("block in from { 192.0.2.1", ", 192.0.2.1", " } to me\ndefault block\n", size),
                 SP_OK);
    cr_assert_eq(repeat("block in tcp from any to me port { 1", ",2", "}\ndefault block\n", size), SP_OK);
    cr_assert_eq(repeat("", "block in from any to me\n", "default block\n", size), SP_OK);
    cr_assert_eq(repeat("block in from any to me # ", "{", "\ndefault block\n", size), SP_OK);
    cr_assert_eq(repeat("block in from any to me as \"", "x", "\"\ndefault block\n", size), SP_ERR_PARSE);
    cr_assert_eq(repeat("block in from any to me as \"", "x", "", size), SP_ERR_PARSE);
    cr_assert_eq(repeat("block in from ", "{", "\ndefault block\n", size), SP_ERR_PARSE);
    cr_assert_eq(repeat("block in from ", "{\n", "\ndefault block\n", size), SP_ERR_PARSE);
    cr_assert_eq(repeat("action \"a\" {", "action {", "", size), SP_ERR_PARSE);
    cr_assert_eq(repeat("", "}", "", size), SP_ERR_PARSE);
    cr_assert_eq(repeat("", "x ", "", size), SP_ERR_PARSE);
    cr_assert_eq(repeat("block in ", "9", " from any to me", size), SP_ERR_PARSE);
    cr_assert_eq(repeat("", "\xff", "", size), SP_ERR_PARSE);
    cr_assert_eq(repeat("", "\r", "default block", size), SP_OK);
}

Test(parser, a_hundred_thousand_names_are_checked_for_duplicates_in_no_time)
{
    enum { RULES = 100000, LINE_BYTES = 96 };
    char *text = malloc((size_t)2 * RULES * LINE_BYTES), *end = text;
    for (int i = 0; i < RULES; i++)
        end += sprintf(end, "action \"a%d\" { esp null hmac-md5-96 }\n", i);
    for (int i = 0; i < RULES; i++)
        end += sprintf(end, "protect out from me to any with \"a%d\" as \"r%d\"\n", RULES - 1 - i, i);
    end = stpcpy(end, "default block\n");
    cr_assert_eq(status_of(text, (size_t)(end - text), NULL), SP_OK);
    free(text);
}
