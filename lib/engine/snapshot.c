/* SPDX-License-Identifier: ISC
 *
 * A policy made ready for the data path: selector tables, the rules' verdicts and room for their counters, in
 * one object whose meaning never changes after it is published.
 */
#include "engine/engine.h"

#include <stdlib.h>

static enum sp_status fill_rules(struct sp_snapshot *snapshot, const struct sp_policy *policy)
{
    snapshot->rule_count = sp_policy_rule_count(policy);
    snapshot->fallback = sp_policy_default(policy);
    snapshot->rules = calloc(snapshot->rule_count + 1, sizeof *snapshot->rules);
    if (!snapshot->rules)
        return SP_ERR_MEMORY;
    for (uint32_t i = 0; i < snapshot->rule_count; i++) {
        struct sp_rule_info rule;
        enum sp_status status = sp_policy_rule(policy, i, &rule);
        if (status != SP_OK)
            return status;
        snapshot->rules[i].action = rule.action;
        if (rule.action != SP_ACTION_PROTECT)
            continue;
        struct sp_action_info action;
        status = sp_policy_action(policy, rule.action_index, &action);
        if (status != SP_OK)
            return status;
        snapshot->rules[i].mode = action.mode;
        snapshot->rules[i].encryption = action.encryption;
        snapshot->rules[i].integrity = action.integrity;
        snapshot->rules[i].is_encapsulated = action.is_encapsulated;
        snapshot->rules[i].has_esn = action.has_esn;
        snapshot->rules[i].tunnel_from = action.tunnel_from;
        snapshot->rules[i].tunnel_to = action.tunnel_to;
        snapshot->rules[i].names_ports = rule.from.port_count > 0 || rule.to.port_count > 0 ||
                                         rule.icmp.type_count > 0 || rule.icmp.code_count > 0;
    }
    return SP_OK;
}

enum sp_status sp_snapshot_create(struct sp_policy *policy, const struct sp_me *me,
                                  const struct sp_snapshot *former, struct sp_snapshot **ret_snapshot)
{
    struct sp_snapshot *snapshot = calloc(1, sizeof *snapshot);
    if (!snapshot)
        return SP_ERR_MEMORY;
    enum sp_status status = fill_rules(snapshot, policy);
    if (status == SP_OK)
        status = sp_policy_compile(policy, me, former ? former->tables : NULL, snapshot->tables);
    for (int i = 0; i < 2 && status == SP_OK; i++)
        snapshot->is_cached[i] = sp_selector_is_dear(snapshot->tables[i]);
    if (status == SP_OK)
        status = sp_snapshot_add_slot(snapshot, SP_WORKERS_MAX);
    if (status != SP_OK) {
        sp_snapshot_destroy(snapshot); /* its policy is still NULL: the caller keeps it */
        return status;
    }
    snapshot->policy = policy;
    *ret_snapshot = snapshot;
    return SP_OK;
}

void sp_snapshot_destroy(struct sp_snapshot *snapshot)
{
    if (!snapshot)
        return;
    sp_policy_destroy(&snapshot->policy);
    sp_selector_destroy(&snapshot->tables[SP_OUTBOUND]);
    sp_selector_destroy(&snapshot->tables[SP_INBOUND]);
    for (uint32_t slot = 0; slot <= SP_WORKERS_MAX; slot++)
        free(snapshot->tallies[slot]);
    free(snapshot->rules);
    free(snapshot);
}

void sp_snapshot_settle(struct sp_snapshot *snapshot)
{
    for (int i = 0; i < 2; i++) {
        struct sp_selector_table *grown = snapshot->tables[i], *rebuilt;
        if (!sp_selector_is_grown(grown) || sp_selector_rebuild(grown, &rebuilt) != SP_OK)
            continue; /* without memory what is there serves on */
        rcu_assign_pointer(snapshot->tables[i], rebuilt);
        synchronize_rcu();
        sp_selector_destroy(&grown);
    }
}

enum sp_status sp_snapshot_add_slot(struct sp_snapshot *snapshot, uint32_t slot)
{
    snapshot->tallies[slot] = calloc(snapshot->rule_count + 1, sizeof *snapshot->tallies[slot]);
    return snapshot->tallies[slot] ? SP_OK : SP_ERR_MEMORY;
}

void sp_snapshot_retire_slot(struct sp_snapshot *snapshot, uint32_t slot)
{
    for (uint32_t rule = 0; rule <= snapshot->rule_count; rule++)
        sp_tally_sum(&snapshot->tallies[SP_WORKERS_MAX][rule], &snapshot->tallies[slot][rule]);
    free(snapshot->tallies[slot]);
    snapshot->tallies[slot] = NULL;
}
