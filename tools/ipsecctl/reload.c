/* SPDX-License-Identifier: ISC
 *
 * ipsecctl reload and confirm: have the daemon read its policy and keys again, all of it or nothing.
 *
 * A rule that locks its author out is the reason for trials: who can still say "confirm" isn't locked out.
 */
#include "control.h"
#include "daemon.h"
#include "order.h"
#include "verb.h"

#include <getopt.h>
#include <string.h>

struct wish {
    const char *path;
    bool as_json;
    bool is_strict;
    uint64_t trial_seconds; /* 0: none */
};

static int read_wish(int argc, char **argv, bool is_reload, struct wish *wish)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"control", required_argument, NULL, 'c'},
                                            {"confirm", required_argument, NULL, 't'},
                                            {"strict", no_argument, NULL, 's'},
                                            {0}};
    *wish = (struct wish){.path = CONTROL_DEFAULT_PATH};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'j')
            wish->as_json = true;
        else if (option == 'c')
            wish->path = optarg;
        else if (option == 's' && is_reload)
            wish->is_strict = true;
        else if (option != 't' || !is_reload)
            return tool_usage(argv[0], "unknown option, or one without its value");
        else if (!order_read_trial(optarg, &wish->trial_seconds))
            return tool_usage(argv[0], "--confirm takes a time from 1s to 1440m, not \"%s\"", optarg);
    }
    if (optind != argc)
        return tool_usage(argv[0], "\"%s\" is too much: all arguments are options", argv[optind]);
    return TOOL_OK;
}

static json_t *ask(const struct wish *wish, const char *request, int *ret_code)
{
    const struct order order = {.path = wish->path, .request = request, .as_json = wish->as_json};
    return order_give_aloud(&order, ret_code);
}

static void print_reloaded(const json_t *answer)
{
    const json_t *sas = json_object_get(answer, "sas");
    printf("generation %llu, %llu rules in force; SAs: %llu go on, %llu are new, %llu no longer there\n",
           (unsigned long long)daemon_number(answer, "generation"),
           (unsigned long long)daemon_number(answer, "rules"), (unsigned long long)daemon_number(sas, "kept"),
           (unsigned long long)daemon_number(sas, "added"),
           (unsigned long long)daemon_number(sas, "removed"));
    order_print_trial(answer);
}

static int run_reload(int argc, char **argv)
{
    struct wish wish;
    char request[96], trial[40] = "";
    int code = read_wish(argc, argv, true, &wish);
    if (code != TOOL_OK)
        return code;
    if (wish.trial_seconds)
        snprintf(trial, sizeof trial, ", \"confirm_seconds\": %u", (unsigned)wish.trial_seconds);
    snprintf(request, sizeof request, "{\"ask\": \"reload\"%s%s}", wish.is_strict ? ", \"strict\": true" : "",
             trial);
    json_t *answer = ask(&wish, request, &code);
    if (answer && wish.as_json) {
        json_print(answer, stdout, true);
    } else if (answer) {
        print_reloaded(answer);
        json_decref(answer);
    }
    return code;
}

static int run_confirm(int argc, char **argv)
{
    struct wish wish;
    int code = read_wish(argc, argv, false, &wish);
    if (code != TOOL_OK)
        return code;
    json_t *answer = ask(&wish, CONTROL_CONFIRM_REQUEST, &code);
    if (answer && wish.as_json) {
        json_print(answer, stdout, true);
    } else if (answer) {
        printf("generation %llu is confirmed\n", (unsigned long long)daemon_number(answer, "generation"));
        json_decref(answer);
    }
    return code;
}

const struct verb verb_reload = {
    .name = "reload",
    .summary = "has the daemon read its policy and keys again",
    .help = "Usage: ipsecctl reload [--strict] [--confirm TIME] [--control PATH] [--json]\n"
            "\n"
            "sallyportd(8) reads its policy and its keys again and puts them in force, all of it or\n"
            "nothing: with any error, which is shown with its place, the former ones stay. SAs that\n"
            "are in both go on as they are. What \"ipsecctl load\" put in force is not read again.\n"
            "\n"
            "  --strict         a policy about which \"ipsecctl check\" warns is refused\n"
            "  --confirm TIME   on trial: the former policy and keys come back after TIME, 30s or 5m,\n"
            "                   unless \"ipsecctl confirm\" comes before\n"
            "  --control PATH   the daemon's control socket, default " CONTROL_DEFAULT_PATH "\n"
            "  --json           the daemon's answer as it is\n"
            "\n"
            "Exit status: 0 in force, 1 wrong usage or files with errors, 2 not done.\n"
            "\n"
            "Example:\n"
            "  ipsecctl reload --confirm 30s && ssh back-end true && ipsecctl confirm\n",
    .run = run_reload,
};

const struct verb verb_confirm = {
    .name = "confirm",
    .summary = "keeps what a reload put on trial",
    .help = "Usage: ipsecctl confirm [--control PATH] [--json]\n"
            "\n"
            "The policy and keys that \"ipsecctl reload --confirm\" put in force stay so.\n"
            "\n"
            "  --control PATH   the daemon's control socket, default " CONTROL_DEFAULT_PATH "\n"
            "  --json           the daemon's answer as it is\n"
            "\n"
            "Exit status: 0 confirmed, 1 wrong usage, 2 nothing is on trial, or no daemon answers.\n"
            "\n"
            "Example:\n"
            "  ipsecctl confirm\n",
    .run = run_confirm,
};
