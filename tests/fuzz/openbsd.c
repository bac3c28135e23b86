/* SPDX-License-Identifier: ISC
 *
 * Imports of OpenBSD's ipsec.conf: one that succeeds is a policy and, where it has SAs, an SA file; and no
 * key gets into a message.
 */
#include "fuzz.h"

#include <sallyport/convert.h>
#include <sallyport/policy.h>
#include <sallyport/sa.h>

#include <string.h>
#include <unistd.h>

static void expect_policy(const char *text)
{
    struct sp_policy *policy = NULL;
    struct sp_report *report;
    FUZZ_HOLDS(sp_report_create(&report) == SP_OK);
    FUZZ_HOLDS(sp_policy_parse(text, strlen(text), "imported.policy", &policy, report) == SP_OK);
    fuzz_finish_report(&report, false);
    sp_policy_destroy(&policy);
}

/* Keys that stay in files of their own are not looked for: any file may be named. */
static void expect_keys(const struct sp_openbsd_result *result)
{
    struct sp_report *report;
    struct sp_sad *sad = NULL;
    char path[32];
    if (memmem(result->keys, result->keys_bytes, " file ", 6) != NULL)
        return;
    const int descriptor = fuzz_file((const uint8_t *)result->keys, result->keys_bytes, path);
    FUZZ_HOLDS(sp_sad_create(result->sa_count, &sad) == SP_OK);
    FUZZ_HOLDS(sp_report_create(&report) == SP_OK);
    FUZZ_HOLDS(sp_sad_load(sad, path, report) == SP_OK && sp_sad_count(sad) == result->sa_count);
    fuzz_finish_report(&report, true);
    sp_sad_destroy(&sad);
    (void)close(descriptor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_openbsd_result result = {0};
    struct sp_report *report;
    FUZZ_HOLDS(sp_report_create(&report) == SP_OK);
    const enum sp_status status = sp_import_openbsd_bytes(data, size, "ipsec.conf", &result, report);
    FUZZ_HOLDS(status == SP_OK || status == SP_ERR_PARSE || status == SP_ERR_LIMIT);
    FUZZ_HOLDS((status == SP_OK) == (result.text != NULL));
    FUZZ_HOLDS(status != SP_OK || sp_report_errors(report) == 0);
    FUZZ_HOLDS(status != SP_ERR_PARSE || sp_report_errors(report) > 0);
    FUZZ_HOLDS((result.keys != NULL) == (result.sa_count > 0));
    fuzz_finish_report(&report, true);
    if (result.text != NULL)
        expect_policy(result.text);
    if (result.keys != NULL)
        expect_keys(&result);
    sp_openbsd_result_free(&result);
    return 0;
}
