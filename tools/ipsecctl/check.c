/* SPDX-License-Identifier: ISC
 *
 * ipsecctl check: is this policy one that an engine would take, and does it say what it seems to? It parses,
 * asks the library for what is odd about the rules, then compiles for an engine that is thrown away.
 */
#include "arguments.h"
#include "check_report.h"
#include "json.h"
#include "load.h"
#include "verb.h"

#include <getopt.h>

#define EXIT_HAS_WARNINGS TOOL_USAGE

struct wish {
    const char *path;
    bool as_json, is_strict;
    struct me_option me;
};

struct outcome {
    enum sp_status status, check_status; /* of the policy; of looking for oddities in it */
    uint32_t rules, actions;
    enum sp_action fallback;
    size_t warnings;
};

static enum sp_status compile(struct sp_policy **policy)
{
    struct sp_sad *sad = NULL;
    struct sp_engine *engine = NULL;
    enum sp_status status = sp_sad_create(1, &sad);
    if (status != SP_OK)
        return status;
    status = sp_engine_create(sad, &engine);
    if (status != SP_OK)
        goto out;
    const struct sp_me me = {.unknown = true};
    status = sp_engine_publish(engine, policy, &me);
out:
    sp_engine_destroy(&engine);
    sp_sad_destroy(&sad);
    return status;
}

/* What the library finds odd. A policy too large to be looked through is still a policy. */
static void look_through(const struct sp_policy *policy, const struct wish *wish, json_t *findings,
                         struct outcome *outcome)
{
    struct sp_check *check = NULL;
    outcome->check_status = sp_policy_check(policy, &wish->me.me, &check);
    if (outcome->check_status != SP_OK)
        return;
    outcome->warnings += check_warnings(check);
    if (findings)
        check_add_json(check, policy, findings);
    else
        check_print(check, true, stderr);
    sp_check_destroy(&check);
}

/* Loads, looks through and compiles. findings: where JSON goes; NULL prints for people. */
static void check(const struct wish *wish, struct sp_report *report, json_t **findings,
                  struct outcome *outcome)
{
    struct sp_policy *policy = NULL;
    outcome->status = sp_policy_load(wish->path, &policy, report);
    outcome->warnings = sp_report_count(report) - sp_report_errors(report);
    if (wish->as_json)
        *findings = json_findings(report);
    else
        print_findings(wish->path, outcome->status, report);
    if (outcome->status != SP_OK)
        return;
    outcome->rules = sp_policy_rule_count(policy);
    outcome->actions = sp_policy_action_count(policy);
    outcome->fallback = sp_policy_default(policy);
    look_through(policy, wish, *findings, outcome);
    outcome->status = compile(&policy);
    sp_policy_destroy(&policy);
}

static int exit_of(const struct outcome *outcome, bool is_strict)
{
    if (outcome->status != SP_OK)
        return tool_exit_of(outcome->status);
    if (is_strict && outcome->check_status != SP_OK)
        return TOOL_NOT_APPLIED;
    return is_strict && outcome->warnings > 0 ? EXIT_HAS_WARNINGS : TOOL_OK;
}

static void print_json(const struct wish *wish, const struct outcome *outcome, json_t *findings)
{
    json_t *object = tool_need(json_object());
    json_put(object, "file", json_text(wish->path));
    json_put(object, "ok", json_boolean(exit_of(outcome, wish->is_strict) == TOOL_OK));
    json_put(object, "status", json_text(sp_status_text(outcome->status)));
    if (outcome->status == SP_OK) {
        json_put(object, "rules", json_number(outcome->rules));
        json_put(object, "actions", json_number(outcome->actions));
        json_put(object, "default", json_text(sp_action_name(outcome->fallback)));
        json_put(object, "looked_through", json_boolean(outcome->check_status == SP_OK));
        json_put(object, "warnings", json_number(outcome->warnings));
    }
    json_put(object, "findings", findings);
    json_print(object, stdout, true);
}

static void print_outcome(const struct wish *wish, const struct outcome *outcome)
{
    if (outcome->status != SP_OK)
        return;
    if (outcome->check_status != SP_OK)
        tool_say("%s: not looked through for odd rules: %s", wish->path,
                 sp_status_text(outcome->check_status));
    if (exit_of(outcome, wish->is_strict) != TOOL_OK)
        return;
    printf("%s: good: %u rule%s, %u action%s, default %s\n", wish->path, outcome->rules,
           outcome->rules == 1 ? "" : "s", outcome->actions, outcome->actions == 1 ? "" : "s",
           sp_action_name(outcome->fallback));
}

static int read_wish(int argc, char **argv, struct wish *wish)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"strict", no_argument, NULL, 's'},
                                            {"me", required_argument, NULL, 'm'},
                                            {0}};
    me_start(&wish->me);
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'j')
            wish->as_json = true;
        else if (option == 's')
            wish->is_strict = true;
        else if (option != 'm')
            return tool_usage("check", "unknown option, or one without its value");
        else if (!me_add(&wish->me, optarg))
            return tool_usage("check", "--me %s: write an IPv4 or IPv6 address (at most %d times)", optarg,
                              ME_ADDRESSES_MAX);
    }
    if (argc - optind != 1)
        return tool_usage("check", argc == optind ? "name a file, or \"-\"" : "takes one file");
    wish->path = argv[optind];
    return TOOL_OK;
}

static int run(int argc, char **argv)
{
    struct wish wish = {0};
    const int exit_code = read_wish(argc, argv, &wish);
    if (exit_code != TOOL_OK)
        return exit_code;

    struct sp_report *report = NULL;
    struct outcome outcome = {0};
    json_t *findings = NULL;
    if (sp_report_create(&report) != SP_OK)
        tool_need(NULL);
    check(&wish, report, &findings, &outcome);
    if (wish.as_json)
        print_json(&wish, &outcome, findings);
    else
        print_outcome(&wish, &outcome);
    sp_report_destroy(&report);
    return exit_of(&outcome, wish.is_strict);
}

const struct verb verb_check = {
    .name = "check",
    .summary = "is a policy file good?",
    .help = "Usage: ipsecctl check [--strict] [--json] [--me ADDRESS]... FILE\n"
            "\n"
            "Parses and compiles a policy, and does nothing with it. All errors of the file are shown\n"
            "in one go, each with its place. Then rules that never decide, contradict each other or\n"
            "leave holes, each with a packet that shows it. \"-\" is standard input.\n"
            "\n"
            "  --strict       warnings, too, make the exit status 1\n"
            "  --json         findings as JSON on standard output\n"
            "  --me ADDRESS   an address of the host, may be repeated; without it any local one\n"
            "\n"
            "Exit status: 0 good, 1 has errors, 2 can't be read or is too large.\n"
            "\n"
            "Example:\n"
            "  ipsecctl check front-end.policy\n",
    .run = run,
};
