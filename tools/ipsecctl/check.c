/* SPDX-License-Identifier: ISC
 *
 * ipsecctl check: is this policy one that an engine would take? It parses, then compiles for an engine that
 * is thrown away.
 */
#include "json.h"
#include "load.h"
#include "verb.h"

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

struct summary {
    uint32_t rules, actions;
    enum sp_action fallback;
};

/* Loads and compiles; the summary is for SP_OK. */
static enum sp_status check(const char *path, struct sp_report *report, struct summary *ret_summary)
{
    struct sp_policy *policy = NULL;
    enum sp_status status = sp_policy_load(path, &policy, report);
    if (status != SP_OK)
        return status;
    const struct summary summary = {
        .rules = sp_policy_rule_count(policy),
        .actions = sp_policy_action_count(policy),
        .fallback = sp_policy_default(policy),
    };
    status = compile(&policy);
    sp_policy_destroy(&policy);
    if (status == SP_OK)
        *ret_summary = summary;
    return status;
}

static void print_json(const char *path, enum sp_status status, const struct summary *summary,
                       const struct sp_report *report)
{
    json_t *object = tool_need(json_object());
    json_put(object, "file", json_text(path));
    json_put(object, "ok", json_boolean(status == SP_OK));
    json_put(object, "status", json_text(sp_status_text(status)));
    if (status == SP_OK) {
        json_put(object, "rules", json_number(summary->rules));
        json_put(object, "actions", json_number(summary->actions));
        json_put(object, "default", json_text(sp_action_name(summary->fallback)));
    }
    json_put(object, "findings", json_findings(report));
    json_print(object, stdout, true);
}

static int run(int argc, char **argv)
{
    const char *path;
    bool as_json;
    int exit_code = read_file_and_json(argc, argv, &path, &as_json);
    if (exit_code != TOOL_OK)
        return exit_code;

    struct sp_report *report = NULL;
    struct summary summary = {0};
    if (sp_report_create(&report) != SP_OK)
        tool_need(NULL);
    const enum sp_status status = check(path, report, &summary);
    if (as_json)
        print_json(path, status, &summary, report);
    else
        print_findings(path, status, report);
    if (status == SP_OK && !as_json)
        printf("%s: good: %u rule%s, %u action%s, default %s\n", path, summary.rules,
               summary.rules == 1 ? "" : "s", summary.actions, summary.actions == 1 ? "" : "s",
               sp_action_name(summary.fallback));
    sp_report_destroy(&report);
    return tool_exit_of(status);
}

const struct verb verb_check = {
    .name = "check",
    .summary = "is a policy file good?",
    .help = "Usage: ipsecctl check [--json] FILE\n"
            "\n"
            "Parses and compiles a policy, and does nothing with it. All errors of the file are shown\n"
            "in one go, each with its place. \"-\" is standard input.\n"
            "\n"
            "  --json   findings as JSON on standard output\n"
            "\n"
            "Exit status: 0 good, 1 has errors, 2 can't be read or is too large.\n"
            "\n"
            "Example:\n"
            "  ipsecctl check front-end.policy\n",
    .run = run,
};
