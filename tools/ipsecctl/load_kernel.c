/* SPDX-License-Identifier: ISC
 *
 * ipsecctl load into the kernel, and from there on to the daemon where whoever can shall do it.
 *
 * The kernel and a sallyportd of the same network namespace must not both do the ESP of one policy. So where
 * one guards it the kernel is only asked what it could, and changed by nobody.
 */
#include "grants.h"
#include "guard_lock.h"
#include "load_request.h"
#include "tool.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define GUARDED                                                                                              \
    "sallyportd guards this network namespace, and only one of the two may do its ESP: stop it first"

static json_t *rule_list(const struct sp_policy *policy, const uint64_t *rule_policies)
{
    json_t *list = tool_need(json_array());
    for (uint32_t i = 0; i < sp_policy_rule_count(policy); i++) {
        json_t *rule = json_rule(policy, i);
        json_put(rule, "kernel_policies", json_number(rule_policies[i]));
        json_push(list, rule);
    }
    return list;
}

static void print_rules(const struct sp_policy *policy, const uint64_t *rule_policies)
{
    for (uint32_t i = 0; i < sp_policy_rule_count(policy); i++) {
        struct sp_rule_info rule;
        if (sp_policy_rule(policy, i, &rule) == SP_OK)
            printf("rule at %s:%" PRIu32 " becomes %" PRIu64 " kernel %s\n", rule.file, rule.line,
                   rule_policies[i], rule_policies[i] == 1 ? "policy" : "policies");
    }
}

static void print_result(const struct load_request *request, const struct sp_policy *policy,
                         const uint64_t *rule_policies, const struct sp_offload_changes *changes,
                         json_t *grants)
{
    if (!request->as_json) {
        if (request->is_trial)
            print_rules(policy, rule_policies);
        backend_print_changes(changes, request->is_trial);
        grants_print(grants);
        return;
    }
    json_t *answer = backend_json_changes(changes);
    json_put(answer, "backend", json_text("kernel"));
    json_put(answer, "applied", json_boolean(!request->is_trial));
    json_put(answer, "rules", rule_list(policy, rule_policies));
    if (request->backend != BACKEND_KERNEL)
        json_put(answer, "offload", json_incref(grants));
    json_print(answer, stdout, true);
}

/* The steps of a trial are printed, and grants gathered. */
static void note_grant(const struct sp_offload_grant *grant, void *context)
{
    json_push(context, grant_json(grant));
}

static void save_grants(const json_t *grants)
{
    const int error = grants_save(grants);
    if (error)
        tool_say("what was granted can't be noted for \"ipsecctl status\": %s", strerror(error));
}

static bool is_inability(enum sp_status status)
{
    return status == SP_ERR_UNSUPPORTED || status == SP_ERR_LIMIT;
}

static const char *reason_in(const struct sp_report *report, enum sp_status status)
{
    const size_t count = sp_report_count(report);
    return count > 0 ? sp_report_get(report, count - 1)->text : sp_status_text(status);
}

/* The kernel was asked, and it is the daemon's turn. */
static int go_down(const struct load_request *request, const struct sp_policy *policy, const json_t *grants,
                   enum sp_status status, const struct sp_report *report)
{
    const struct load_refusals refusals = {.grants = grants,
                                           .why = is_inability(status) ? reason_in(report, status) : GUARDED};
    return load_into_daemon(request, policy, &refusals);
}

static int failed(const struct load_request *request, enum sp_status status, const struct sp_report *report)
{
    const int exit_code = backend_failed(status, report);
    if (status == SP_ERR_UNSUPPORTED && request->backend == BACKEND_NIC)
        tool_say("--offload auto takes what is granted, in software if need be");
    return exit_code;
}

struct asked {
    json_t *grants;
    uint64_t *rule_policies;
    struct sp_report *report;
    bool is_guarded;
};

static int ask(const struct load_request *request, const struct sp_policy *policy, const struct sp_me *me,
               const struct asked *asked)
{
    struct sp_offload_changes changes;
    const struct sp_offload_load what = {
        .policy = policy,
        .me = *me,
        .keys_path = request->keys_path,
        .nic = request->backend != BACKEND_KERNEL ? &request->nic : NULL,
        .is_trial = request->is_trial || asked->is_guarded,
        .on_step =
            request->is_trial && !request->as_json && !load_goes_down(request) ? backend_print_step : NULL,
        .on_grant = note_grant,
        .context = asked->grants,
        .rule_policies = asked->rule_policies,
    };
    const enum sp_status status = sp_offload_kernel_load(&what, asked->report, &changes);
    const bool is_hindered = asked->is_guarded && (status == SP_OK || status == SP_ERR_EXISTS);
    if (load_goes_down(request) && (is_inability(status) || is_hindered))
        return go_down(request, policy, asked->grants, status, asked->report);
    if (status != SP_OK)
        return failed(request, status, asked->report);
    if (!request->is_trial)
        save_grants(asked->grants);
    print_result(request, policy, asked->rule_policies, &changes, asked->grants);
    return TOOL_OK;
}

int load_into_kernel(const struct load_request *request, const struct sp_policy *policy,
                     const struct sp_me *me)
{
    struct asked asked = {.is_guarded = guard_is_at_work()};
    if (asked.is_guarded && !load_goes_down(request) && !request->is_trial) {
        tool_say(GUARDED ", or load --backend user");
        return TOOL_NOT_APPLIED;
    }
    asked.grants = tool_need(json_array());
    asked.rule_policies =
        tool_need(calloc((size_t)sp_policy_rule_count(policy) + 1, sizeof *asked.rule_policies));
    if (sp_report_create(&asked.report) != SP_OK)
        tool_need(NULL);
    const int exit_code = ask(request, policy, me, &asked);
    json_decref(asked.grants);
    sp_report_destroy(&asked.report);
    free(asked.rule_policies);
    return exit_code;
}
