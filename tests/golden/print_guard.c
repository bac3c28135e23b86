/* SPDX-License-Identifier: ISC
 *
 * print_guard FILE [ENCAP_PORT]: the guard that sallyportd puts up for a policy, as nft(8) text. Reports go
 * where print_policy's go.
 */
#include "guard/guard.h"

#include <stdlib.h>

/* The sets, and then the rules that use them. */
static bool print(const struct guard_settings *settings, const struct sp_policy *policy)
{
    char *text = NULL;
    size_t len_bytes;
    FILE *rules = open_memstream(&text, &len_bytes);
    if (!rules)
        return false;
    const bool is_written = guard_write(stdout, rules, 'a', settings, policy);
    const bool is_whole = fclose(rules) == 0 && is_written;
    if (is_whole)
        fputs(text, stdout);
    free(text);
    return is_whole;
}

static enum sp_status show(const char *path, const struct guard_settings *settings)
{
    struct sp_report *report = NULL;
    struct sp_policy *policy = NULL;
    enum sp_status status = sp_report_create(&report);
    if (status == SP_OK)
        status = sp_policy_load(path, &policy, report);
    if (report)
        sp_report_print(report, stderr);
    if (status == SP_OK && !print(settings, policy))
        status = SP_ERR_MEMORY;
    sp_policy_destroy(&policy);
    sp_report_destroy(&report);
    return status;
}

int main(int count, char **arguments)
{
    struct guard_settings settings = {.device = "sally0", .mark = 0x5a11, .encap_mark = 0x5a12};
    if (count != 2 && count != 3) {
        fprintf(stderr, "usage: print_guard FILE [ENCAP_PORT]\n");
        return 2;
    }
    if (count == 3)
        settings.encap_port = (uint16_t)strtoul(arguments[2], NULL, 10);
    return show(arguments[1], &settings) == SP_OK ? 0 : 1;
}
