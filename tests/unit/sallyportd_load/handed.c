/* SPDX-License-Identifier: ISC
 *
 * What clients hand over: read when it is what control.h says, and refused with a sentence otherwise.
 */
#include "control/handed.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define POLICY "block in tcp from any to me port 80\\ndefault bypass\\n"

static struct sp_report *report;

static void begin(void)
{
    cr_assert_eq(sp_report_create(&report), SP_OK);
}

static void end(void)
{
    sp_report_destroy(&report);
}

TestSuite(handed, .init = begin, .fini = end, .timeout = 60);

static int file_of(const char *text)
{
    const int fd = memfd_create("test", MFD_CLOEXEC);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    return fd; /* its place is at its end, as of whoever wrote it */
}

/* Why it is refused; NULL: it is not. */
static const char *why(const char *question_text, const int *descriptors, size_t count,
                       struct handed *ret_handed)
{
    static json_t *question;
    const char *reason = "";
    json_decref(question);
    question = json_loads(question_text, 0, NULL);
    cr_assert_not_null(question, "%s", question_text);
    const bool is_read = handed_read(question, descriptors, count, ret_handed, &reason);
    cr_assert_eq(is_read, reason == NULL);
    return reason;
}

Test(handed, a_question_names_two_files_and_brings_both)
{
    const int files[] = {file_of(""), file_of("")};
    struct handed handed;
    cr_assert_null(why("{\"ask\": \"load\", \"policy\": \"a\", \"keys\": \"b\"}", files, 2, &handed));
    cr_expect_str_eq(handed.policy_name, "a");
    cr_expect_str_eq(handed.keys_name, "b");
    cr_expect_eq(handed.policy_fd, files[0]);
    cr_expect_eq(handed.keys_fd, files[1]);
    cr_expect_eq(handed.network_namespace, 0);
    cr_expect_not(handed.is_trial);
    cr_assert_null(why("{\"policy\": \"a\", \"keys\": \"b\", \"dry_run\": true, \"namespace\": 4026531840}",
                       files, 2, &handed));
    cr_expect_eq(handed.network_namespace, 4026531840);
    cr_expect(handed.is_trial);
}

Test(handed, what_is_not_such_a_question_is_refused_and_nothing_is_written)
{
    static const char *const wrong[] = {
        "{}",
        "[]",
        "{\"policy\": \"a\"}",
        "{\"policy\": \"\", \"keys\": \"b\"}",
        "{\"policy\": \"a\", \"keys\": 7}",
        "{\"policy\": \"a\", \"keys\": \"b\", \"dry_run\": \"yes\"}",
        "{\"policy\": \"a\", \"keys\": \"b\", \"namespace\": -1}",
        "{\"policy\": \"a\", \"keys\": \"b\", \"namespace\": \"1\"}",
    };
    const int files[] = {file_of(""), file_of("")};
    struct handed handed = {.policy_name = "untouched"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_not_null(why(wrong[i], files, 2, &handed), "%s", wrong[i]);
    char long_name[HANDED_NAME_MAX_BYTES + 64], name[HANDED_NAME_MAX_BYTES + 2];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    snprintf(long_name, sizeof long_name, "{\"policy\": \"a\", \"keys\": \"%s\"}", name);
    cr_expect_not_null(why(long_name, files, 2, &handed));
    cr_expect_str_eq(handed.policy_name, "untouched");
}

Test(handed, two_regular_files_come_with_it_and_nobody_is_made_to_wait)
{
    static const char question[] = "{\"policy\": \"a\", \"keys\": \"b\"}";
    const int file = file_of("");
    struct handed handed;
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    cr_expect_not_null(strstr(why(question, (const int[]){file, file}, 1, &handed), "two descriptors"));
    cr_expect_not_null(strstr(why(question, NULL, 0, &handed), "two descriptors"));
    cr_expect_not_null(strstr(why(question, (const int[]){file, ends[0]}, 2, &handed), "regular files"));
    cr_expect_not_null(strstr(why(question, (const int[]){ends[0], file}, 2, &handed), "regular files"));
    cr_expect_not_null(
        strstr(why(question, (const int[]){file, open("/dev/zero", O_RDONLY)}, 2, &handed), "regular files"));
}

/* ---- the policy ---------------------------------------------------------------------------------------- */

static enum sp_status policy_of(const char *document, struct sp_policy **ret_policy)
{
    const struct handed handed = {.policy_name = "theirs", .policy_fd = file_of(document)};
    const enum sp_status status = handed_policy(&handed, ret_policy, report);
    cr_assert_eq(close(handed.policy_fd), 0);
    return status;
}

Test(handed, a_policy_comes_with_the_places_of_its_rules)
{
    struct sp_policy *policy = NULL;
    struct sp_rule_info rule;
    cr_assert_eq(policy_of("{\"policy\": \"" POLICY "\", \"places\": [[\"web.policy\", 17]]}", &policy),
                 SP_OK);
    cr_assert_eq(sp_policy_rule(policy, 0, &rule), SP_OK);
    cr_expect_str_eq(rule.file, "web.policy");
    cr_expect_eq(rule.line, 17);
    sp_policy_destroy(&policy);
}

Test(handed, errors_of_the_text_are_told_and_its_includes_are_not_read)
{
    struct sp_policy *policy = NULL;
    cr_expect_eq(policy_of("{\"policy\": \"block\", \"places\": []}", &policy), SP_ERR_PARSE);
    cr_expect_str_eq(sp_report_get(report, 0)->file, "theirs");
    cr_expect_eq(
        policy_of("{\"policy\": \"include \\\"/dev/null\\\"\\ndefault block\\n\", \"places\": []}", &policy),
        SP_ERR_PARSE);
    cr_expect_null(policy);
}

Test(handed, what_is_no_such_document_is_refused)
{
    static const char *const wrong[] = {
        "",
        "nonsense",
        "[]",
        "{\"places\": []}",
        "{\"policy\": 7, \"places\": []}",
        "{\"policy\": \"" POLICY "\"}",
        "{\"policy\": \"" POLICY "\", \"places\": []}",
        "{\"policy\": \"" POLICY "\", \"places\": [[\"a\", 1], [\"a\", 2]]}",
        "{\"policy\": \"" POLICY "\", \"places\": [\"a\"]}",
        "{\"policy\": \"" POLICY "\", \"places\": [[1, 1]]}",
        "{\"policy\": \"" POLICY "\", \"places\": [[\"a\", -1]]}",
        "{\"policy\": \"" POLICY "\", \"places\": [[\"a\", 4294967296]]}",
        "{\"policy\": \"a\\u0000b\", \"places\": []}",
    };
    struct sp_policy *policy = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_expect_eq(policy_of(wrong[i], &policy), SP_ERR_INVALID, "%s", wrong[i]);
    cr_expect_null(policy);
    const int huge = file_of("");
    cr_assert_eq(ftruncate(huge, ((off_t)128 << 20) + 1), 0);
    const struct handed handed = {.policy_name = "theirs", .policy_fd = huge};
    cr_expect_eq(handed_policy(&handed, &policy, report), SP_ERR_LIMIT);
}
