/* SPDX-License-Identifier: ISC
 *
 * Imports of netsh scripts: as their encoding is detected, and in one that the length picks. An import that
 * succeeds is a policy.
 */
#include "fuzz.h"

#include <sallyport/convert.h>
#include <sallyport/policy.h>

#include <string.h>

static void expect_policy(const char *text)
{
    struct sp_policy *policy = NULL;
    struct sp_report *report;
    FUZZ_HOLDS(sp_report_create(&report) == SP_OK);
    FUZZ_HOLDS(sp_policy_parse(text, strlen(text), "imported.policy", &policy, report) == SP_OK);
    fuzz_finish_report(&report, false);
    sp_policy_destroy(&policy);
}

static void import(const uint8_t *data, size_t size, const char *encoding)
{
    const struct sp_import_options options = {.encoding = encoding};
    struct sp_import_result result = {0};
    struct sp_report *report;
    FUZZ_HOLDS(sp_report_create(&report) == SP_OK);
    const enum sp_status status =
        sp_import_netsh_bytes(data, size, "fuzz.bat", encoding != NULL ? &options : NULL, &result, report);
    FUZZ_HOLDS(status == SP_OK || status == SP_ERR_PARSE);
    FUZZ_HOLDS((status == SP_OK) == (sp_report_errors(report) == 0));
    FUZZ_HOLDS((status == SP_OK) == (result.text != NULL));
    fuzz_finish_report(&report, false);
    if (status == SP_OK)
        expect_policy(result.text);
    sp_import_result_free(&result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const encodings[] = {"utf-8",    "shift-jis",  "euc-kr", "gbk",
                                            "utf-16le", "iso-8859-1", "ascii"};
    import(data, size, NULL);
    import(data, size, encodings[size % (sizeof encodings / sizeof *encodings)]);
    return 0;
}
