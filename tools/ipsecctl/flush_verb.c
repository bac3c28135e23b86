/* SPDX-License-Identifier: ISC
 *
 * ipsecctl flush: takes from the kernel what load gave it.
 */
#include "backend.h"
#include "grants.h"
#include "verb.h"

#include <getopt.h>

static int flush(bool is_trial, bool as_json)
{
    struct sp_report *report = NULL;
    struct sp_offload_changes changes;
    int exit_code = TOOL_OK;
    if (sp_report_create(&report) != SP_OK)
        tool_need(NULL);
    const enum sp_status status = sp_offload_kernel_flush(
        is_trial, is_trial && !as_json ? backend_print_step : NULL, NULL, report, &changes);
    if (status == SP_OK && !is_trial)
        (void)grants_save(NULL);
    if (status != SP_OK) {
        exit_code = backend_failed(status, report);
    } else if (as_json) {
        json_t *answer = backend_json_changes(&changes);
        json_put(answer, "applied", json_boolean(!is_trial));
        json_print(answer, stdout, true);
    } else {
        backend_print_changes(&changes, is_trial);
    }
    sp_report_destroy(&report);
    return exit_code;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"backend", required_argument, NULL, 'b'},
                                            {"dry-run", no_argument, NULL, 'n'},
                                            {"json", no_argument, NULL, 'j'},
                                            {0}};
    enum backend backend = BACKEND_USER;
    bool has_backend = false, is_trial = false, as_json = false;
    for (int option; (option = getopt_long(argc, argv, "n", options, NULL)) != -1;) {
        if (option == 'n')
            is_trial = true;
        else if (option == 'j')
            as_json = true;
        else if (option != 'b')
            return tool_usage("flush", "unknown option, or one without its value");
        else if (!(has_backend = backend_read(optarg, &backend)))
            return tool_usage("flush", "--backend %s: write " BACKEND_NAMES, optarg);
    }
    if (optind != argc)
        return tool_usage("flush", "\"%s\" is too much: all arguments are options", argv[optind]);
    if (!has_backend)
        return tool_usage("flush", "needs --backend");
    if (backend == BACKEND_USER)
        return tool_usage("flush", "the user backend is sallyportd(8): what it guards ends with it");
    return flush(is_trial, as_json);
}

const struct verb verb_flush = {
    .name = "flush",
    .summary = "take all of ours from the kernel",
    .help = "Usage: ipsecctl flush --backend kernel|nic [-n] [--json]\n"
            "\n"
            "Takes from the kernel the policies and SAs that load gave it, and nothing else. Traffic that\n"
            "they protected or blocked then goes as it would without them.\n"
            "\n"
            "  --backend kernel|nic  from whom: both are the kernel, which takes from a NIC what is there\n"
            "  -n, --dry-run         print each step and change nothing\n"
            "  --json                what was changed as JSON\n"
            "\n"
            "Exit status: 0 done, 1 wrong usage, 2 the kernel can't, and why.\n"
            "\n"
            "Example:\n"
            "  ipsecctl flush --backend kernel\n",
    .run = run,
};
