/* SPDX-License-Identifier: ISC
 *
 * A policy as its readers see it: counts, copies of what it holds, and its end.
 */
#include "policy/model.h"
#include "policy/storage.h"
#include "core/misuse.h"

#include <stdlib.h>
#include <string.h>

void sp_policy_destroy(struct sp_policy **policy)
{
    SP_REQUIRE(policy != NULL);
    if (*policy == NULL)
        return;
    free((*policy)->actions);
    free((*policy)->rules);
    free((*policy)->wordings);
    free((*policy)->ordered);
    free((*policy)->sets);
    sp_storage_destroy((*policy)->strings);
    free(*policy);
    *policy = NULL;
}

const char *sp_action_name(enum sp_action action)
{
    switch (action) {
    case SP_ACTION_PROTECT:
        return "protect";
    case SP_ACTION_BYPASS:
        return "bypass";
    case SP_ACTION_BLOCK:
        return "block";
    }
    return "?";
}

uint32_t sp_policy_action_count(const struct sp_policy *policy)
{
    SP_REQUIRE(policy != NULL);
    return policy->action_count;
}

enum sp_status sp_policy_action(const struct sp_policy *policy, uint32_t index,
                                struct sp_action_info *ret_action)
{
    SP_REQUIRE(policy != NULL && ret_action != NULL);
    if (index >= policy->action_count)
        return SP_ERR_NOT_FOUND;
    *ret_action = policy->actions[index];
    return SP_OK;
}

uint32_t sp_policy_rule_count(const struct sp_policy *policy)
{
    SP_REQUIRE(policy != NULL);
    return policy->rule_count;
}

enum sp_status sp_policy_rule(const struct sp_policy *policy, uint32_t index, struct sp_rule_info *ret_rule)
{
    SP_REQUIRE(policy != NULL && ret_rule != NULL);
    if (index >= policy->rule_count)
        return SP_ERR_NOT_FOUND;
    *ret_rule = policy->rules[index];
    return SP_OK;
}

/* Rules of one file stand together, so most need no copy of its name. */
enum sp_status sp_policy_set_place(struct sp_policy *policy, uint32_t index, const char *file, uint32_t line)
{
    SP_REQUIRE(policy != NULL && file != NULL);
    if (index >= policy->rule_count)
        return SP_ERR_NOT_FOUND;
    const char *copy = index > 0 && strcmp(policy->rules[index - 1].file, file) == 0
                           ? policy->rules[index - 1].file
                           : sp_storage_text(policy->strings, file, strlen(file));
    if (copy == NULL)
        return SP_ERR_MEMORY;
    policy->rules[index].file = copy;
    policy->rules[index].line = line;
    return SP_OK;
}

static bool is_same(const struct sp_address *left, const struct sp_address *right)
{
    return left->family == right->family &&
           memcmp(left->bytes, right->bytes, left->family == 4 ? 4 : 16) == 0;
}

bool sp_action_is_between(const struct sp_action_info *action, const struct sp_address *source,
                          const struct sp_address *destination)
{
    SP_REQUIRE(action != NULL && source != NULL && destination != NULL);
    const struct sp_address *from = &action->tunnel_from, *to = &action->tunnel_to;
    return action->mode != SP_MODE_TUNNEL || (is_same(from, source) && is_same(to, destination)) ||
           (is_same(from, destination) && is_same(to, source));
}

uint32_t sp_policy_set_count(const struct sp_policy *policy)
{
    SP_REQUIRE(policy != NULL);
    return policy->set_count;
}

enum sp_status sp_policy_set(const struct sp_policy *policy, uint32_t index, struct sp_set_info *ret_set)
{
    SP_REQUIRE(policy != NULL && ret_set != NULL);
    if (index >= policy->set_count)
        return SP_ERR_NOT_FOUND;
    *ret_set = policy->sets[index].info;
    return SP_OK;
}

enum sp_order sp_policy_order(const struct sp_policy *policy)
{
    SP_REQUIRE(policy != NULL);
    return policy->order;
}

uint32_t sp_policy_rule_at(const struct sp_policy *policy, uint32_t place)
{
    SP_REQUIRE(policy != NULL);
    return place < policy->rule_count ? policy->ordered[place] : SP_NO_RULE;
}

enum sp_action sp_policy_default(const struct sp_policy *policy)
{
    SP_REQUIRE(policy != NULL);
    return policy->fallback;
}
