/* SPDX-License-Identifier: ISC
 *
 * ipsecctl flush: takes away what load gave.
 */
#include "backend.h"
#include "control.h"
#include "daemon.h"
#include "grants.h"
#include "order.h"
#include "verb.h"

#include <getopt.h>
#include <inttypes.h>

static int flush_kernel(bool is_trial, bool as_json)
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

/* The daemon has a policy of its own all the time: it goes back to that. */
static int flush_daemon(const char *path, bool as_json)
{
    int exit_code;
    const struct order order = {.path = path, .request = CONTROL_FLUSH_REQUEST, .as_json = as_json};
    json_t *answer = order_give_aloud(&order, &exit_code);
    if (!answer)
        return exit_code;
    (void)grants_save(NULL);
    if (as_json) {
        json_print(answer, stdout, true);
        return exit_code;
    }
    const json_t *sas = json_object_get(answer, "sas");
    if (json_is_true(json_object_get(answer, "was_loaded")))
        printf("done: generation %" PRIu64 ", %" PRIu64 " rules of the daemon's own in force; SAs: %" PRIu64
               " added, %" PRIu64 " deleted, %" PRIu64 " kept\n",
               daemon_number(answer, "generation"), daemon_number(answer, "rules"),
               daemon_number(sas, "added"), daemon_number(sas, "removed"), daemon_number(sas, "kept"));
    else
        printf("nothing was loaded: the daemon's own policy and keys are in force\n");
    json_decref(answer);
    return exit_code;
}

struct wish {
    enum backend backend;
    const char *control_path; /* NULL: not said */
    bool has_backend, is_trial, as_json;
};

static int read_wish(int argc, char **argv, struct wish *wish)
{
    static const struct option options[] = {{"backend", required_argument, NULL, 'b'},
                                            {"control", required_argument, NULL, 'c'},
                                            {"dry-run", no_argument, NULL, 'n'},
                                            {"json", no_argument, NULL, 'j'},
                                            {0}};
    for (int option; (option = getopt_long(argc, argv, "n", options, NULL)) != -1;) {
        if (option == 'n')
            wish->is_trial = true;
        else if (option == 'j')
            wish->as_json = true;
        else if (option == 'c')
            wish->control_path = optarg;
        else if (option != 'b')
            return tool_usage("flush", "unknown option, or one without its value");
        else if (!(wish->has_backend = backend_read(optarg, &wish->backend)))
            return tool_usage("flush", "--backend %s: write " BACKEND_NAMES, optarg);
    }
    if (optind != argc)
        return tool_usage("flush", "\"%s\" is too much: all arguments are options", argv[optind]);
    if (!wish->has_backend)
        return tool_usage("flush", "needs --backend");
    if (wish->backend == BACKEND_USER && wish->is_trial)
        return tool_usage("flush", "-n is for --backend kernel and nic");
    if (wish->backend != BACKEND_USER && wish->control_path)
        return tool_usage("flush", "--control is for --backend user");
    return TOOL_OK;
}

static int run(int argc, char **argv)
{
    struct wish wish = {.backend = BACKEND_USER};
    const int exit_code = read_wish(argc, argv, &wish);
    if (exit_code != TOOL_OK)
        return exit_code;
    if (wish.backend == BACKEND_USER)
        return flush_daemon(wish.control_path ? wish.control_path : CONTROL_DEFAULT_PATH, wish.as_json);
    return flush_kernel(wish.is_trial, wish.as_json);
}

const struct verb verb_flush = {
    .name = "flush",
    .summary = "take away what load gave",
    .help = "Usage: ipsecctl flush --backend kernel|nic [-n] [--json]\n"
            "       ipsecctl flush --backend user [--control PATH] [--json]\n"
            "\n"
            "Takes from the kernel the policies and SAs that load gave it, and nothing else. Traffic that\n"
            "they protected or blocked then goes as it would without them. sallyportd(8) goes back to the\n"
            "policy and the keys that it was started with, which it reads again.\n"
            "\n"
            "  --backend B           from whom: kernel and nic are both the kernel, which takes from a NIC\n"
            "                        what is there; user is the daemon\n"
            "  --control PATH        the daemon's socket, default " CONTROL_DEFAULT_PATH "\n"
            "  -n, --dry-run         print each step and change nothing\n"
            "  --json                what was changed as JSON\n"
            "\n"
            "Exit status: 0 done, 1 wrong usage or files with errors, 2 it can't be done, and why.\n"
            "\n"
            "Example:\n"
            "  ipsecctl flush --backend kernel\n",
    .run = run,
};
