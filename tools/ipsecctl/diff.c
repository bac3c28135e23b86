/* SPDX-License-Identifier: ISC
 *
 * ipsecctl diff: which packets does one policy treat differently from another? The text doesn't matter.
 */
#include "arguments.h"
#include "difference_report.h"
#include "json.h"
#include "load.h"
#include "loaded.h"
#include "verb.h"

#include "control.h"

#include <getopt.h>
#include <string.h>

struct versions {
    const char *paths[2]; /* paths[1] names the daemon's socket when is_loaded */
    const char *control;
    bool as_json, is_loaded;
    struct me_option me;
};

static int read_option(int option, struct versions *versions)
{
    switch (option) {
    case 'j':
        versions->as_json = true;
        return TOOL_OK;
    case 'l':
        versions->is_loaded = true;
        return TOOL_OK;
    case 'c':
        versions->control = optarg;
        return TOOL_OK;
    case 'm':
        if (me_add(&versions->me, optarg))
            return TOOL_OK;
        return tool_usage("diff", "--me %s: write an IPv4 or IPv6 address (at most %d times)", optarg,
                          ME_ADDRESSES_MAX);
    default:
        return tool_usage("diff", "unknown option, or one without its value");
    }
}

static int read_versions(int argc, char **argv, struct versions *versions)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"loaded", no_argument, NULL, 'l'},
                                            {"control", required_argument, NULL, 'c'},
                                            {"me", required_argument, NULL, 'm'},
                                            {0}};
    versions->control = CONTROL_DEFAULT_PATH;
    me_start(&versions->me);
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        const int exit_code = read_option(option, versions);
        if (exit_code != TOOL_OK)
            return exit_code;
    }
    if (argc - optind != (versions->is_loaded ? 1 : 2))
        return tool_usage("diff", "takes two policies, or one and --loaded");
    versions->paths[0] = argv[optind];
    versions->paths[1] = versions->is_loaded ? "loaded" : argv[optind + 1];
    if (strcmp(versions->paths[0], "-") == 0 && strcmp(versions->paths[1], "-") == 0)
        return tool_usage("diff", "only one file can be standard input");
    return TOOL_OK;
}

static void print_json(const struct difference_sides *sides, const struct sp_differences *differences)
{
    json_t *object = tool_need(json_object());
    json_put(object, "first", json_text(sides->names[0]));
    json_put(object, "second", json_text(sides->names[1]));
    json_put(object, "same", json_boolean(sp_differences_count(differences) == 0));
    json_put(object, "differences", difference_json(differences, sides));
    json_print(object, stdout, true);
}

static int diff(const struct versions *versions, const struct difference_sides *sides)
{
    struct sp_differences *differences = NULL;
    const enum sp_status status =
        sp_policy_diff(sides->policies[0], sides->policies[1], &versions->me.me, &differences);
    if (status != SP_OK) {
        tool_say("can't compare: %s", sp_status_text(status));
        return TOOL_NOT_APPLIED;
    }
    const bool is_same = sp_differences_count(differences) == 0;
    if (versions->as_json)
        print_json(sides, differences);
    else if (is_same)
        puts("no difference: both decide about every packet alike");
    else
        difference_print(differences, sides, stdout);
    sp_differences_destroy(&differences);
    return is_same ? TOOL_OK : TOOL_USAGE;
}

static int run(int argc, char **argv)
{
    struct versions versions = {0};
    struct sp_policy *policies[2] = {NULL, NULL};
    int exit_code = read_versions(argc, argv, &versions);
    if (exit_code == TOOL_OK)
        exit_code = load_policy_aloud(versions.paths[0], &policies[0]);
    if (exit_code == TOOL_OK)
        exit_code = versions.is_loaded ? load_loaded_policy(versions.control, &policies[1])
                                       : load_policy_aloud(versions.paths[1], &policies[1]);
    if (exit_code == TOOL_OK) {
        const struct difference_sides sides = {{policies[0], policies[1]},
                                               {versions.paths[0], versions.paths[1]}};
        exit_code = diff(&versions, &sides);
    }
    sp_policy_destroy(&policies[0]);
    sp_policy_destroy(&policies[1]);
    return exit_code;
}

const struct verb verb_diff = {
    .name = "diff",
    .summary = "what changes from one policy to another, by meaning",
    .help = "Usage: ipsecctl diff [--json] [--me ADDRESS]... FIRST SECOND\n"
            "       ipsecctl diff [--json] [--me ADDRESS]... [--control PATH] --loaded FILE\n"
            "\n"
            "Shows which packets two policies of one host treat differently, in action, algorithms or\n"
            "lifetime, as rectangles with one packet each. Names, order and comments don't matter.\n"
            "\n"
            "  --loaded         against the policy that the daemon has in force\n"
            "  --control PATH   the daemon's control socket, default " CONTROL_DEFAULT_PATH "\n"
            "  --me ADDRESS     an address of the host, may be repeated; without it any local one\n"
            "  --json           the same as JSON\n"
            "\n"
            "Exit status: 0 no difference, 1 differences or errors, 2 can't be read or is too large.\n"
            "\n"
            "Example:\n"
            "  ipsecctl diff --loaded front-end.policy\n",
    .run = run,
};
