/* SPDX-License-Identifier: ISC
 *
 * netsh ipsec static add|set|delete rule.
 *
 * How peers prove who they are (kerberos, psk, rootca) has no place in a policy here: SAs come from
 * sallyport.keys(5). Each rule that says something about it is named.
 */
#include "policy/import/arguments.h"

#include <string.h>

static struct sp_netsh_policy *policy_of(struct sp_import *import, const struct sp_arguments *arguments)
{
    const char *name = sp_argument_name(import, arguments, SP_TAG_POLICY);
    if (name == NULL)
        return NULL;
    struct sp_netsh_policy *policy = sp_catalogue_find(&import->policies, name);
    if (policy == NULL)
        sp_import_error(import, "there is no policy \"%.100s\" yet", name);
    return policy;
}

static bool read_parts(struct sp_import *import, const struct sp_arguments *arguments,
                       struct sp_netsh_rule *rule)
{
    const char *list = arguments->values[SP_TAG_FILTERLIST], *action = arguments->values[SP_TAG_FILTERACTION];
    if (list != NULL)
        rule->list = sp_catalogue_find(&import->lists, list);
    if (action != NULL)
        rule->action = sp_catalogue_find(&import->actions, action);
    if (rule->list == NULL)
        sp_import_error(import, "there is no filter list \"%.100s\" yet", list != NULL ? list : "");
    if (rule->action == NULL)
        sp_import_error(import, "there is no filter action \"%.100s\" yet", action != NULL ? action : "");
    return rule->list != NULL && rule->action != NULL;
}

static void tell_authentication(struct sp_import *import, const struct sp_arguments *arguments)
{
    if (arguments->values[SP_TAG_KERBEROS] == NULL && arguments->values[SP_TAG_PSK] == NULL &&
        arguments->values[SP_TAG_ROOTCA] == NULL)
        return;
    sp_import_warn(import, "authentication (kerberos, psk, rootca) isn't carried over: SAs and their keys "
                           "come from sallyport.keys(5)");
}

static bool read_rule(struct sp_import *import, const struct sp_arguments *arguments,
                      struct sp_netsh_rule *rule)
{
    const char *tunnel = arguments->values[SP_TAG_TUNNEL], *type = arguments->values[SP_TAG_CONNTYPE];
    if (!read_parts(import, arguments, rule) ||
        !sp_argument_is(import, arguments, SP_TAG_ACTIVATE, &rule->is_active))
        return false;
    if (tunnel != NULL)
        rule->is_tunnel = !sp_same_word(tunnel, "0.0.0.0");
    if (type != NULL && !sp_same_word(type, "all") && !sp_same_word(type, "lan") &&
        !sp_same_word(type, "dialup")) {
        sp_import_error(import, "conntype is lan, dialup or all");
        return false;
    }
    if (type != NULL)
        rule->has_connection_type = !sp_same_word(type, "all");
    rule->place = import->place;
    tell_authentication(import, arguments);
    return true;
}

void sp_netsh_add_rule(struct sp_import *import, const struct sp_arguments *arguments)
{
    struct sp_netsh_policy *policy = policy_of(import, arguments);
    const char *name = policy != NULL ? sp_argument_name(import, arguments, SP_TAG_NAME) : NULL;
    if (name == NULL)
        return;
    if (sp_catalogue_find(&policy->rules, name) != NULL) {
        sp_import_error(import, "the policy has a rule \"%.100s\" already: netsh would refuse this one",
                        name);
        return;
    }
    struct sp_netsh_rule *rule = sp_storage_take(import->storage, sizeof *rule);
    if (rule == NULL) {
        sp_import_no_memory(import);
        return;
    }
    *rule = (struct sp_netsh_rule){.name = name, .is_active = true};
    if (read_rule(import, arguments, rule) && !sp_catalogue_add(&policy->rules, import->storage, name, rule))
        sp_import_no_memory(import);
}

static struct sp_netsh_rule *rule_of(struct sp_import *import, const struct sp_arguments *arguments,
                                     struct sp_netsh_policy *policy)
{
    if (policy == NULL)
        return NULL;
    if (arguments->values[SP_TAG_ID] != NULL) {
        sp_import_error(import, "id= counts as Windows does: give the rule's name");
        return NULL;
    }
    const char *name = sp_argument_name(import, arguments, SP_TAG_NAME);
    struct sp_netsh_rule *rule = name != NULL ? sp_catalogue_find(&policy->rules, name) : NULL;
    if (name != NULL && rule == NULL)
        sp_import_error(import, "the policy has no rule \"%.100s\" yet", name);
    return rule;
}

void sp_netsh_set_rule(struct sp_import *import, const struct sp_arguments *arguments)
{
    struct sp_netsh_policy *policy = policy_of(import, arguments);
    struct sp_netsh_rule *rule = rule_of(import, arguments, policy);
    if (rule == NULL)
        return;
    struct sp_arguments all = *arguments;
    if (all.values[SP_TAG_FILTERLIST] == NULL)
        all.values[SP_TAG_FILTERLIST] = rule->list->name;
    if (all.values[SP_TAG_FILTERACTION] == NULL)
        all.values[SP_TAG_FILTERACTION] = rule->action->name;
    if (!read_rule(import, &all, rule) || all.values[SP_TAG_NEWNAME] == NULL)
        return;
    const char *name = sp_argument_name(import, &all, SP_TAG_NEWNAME);
    if (name == NULL)
        return;
    if (sp_catalogue_find(&policy->rules, name) != NULL) {
        sp_import_error(import, "the policy has a rule \"%.100s\" already", name);
        return;
    }
    sp_catalogue_remove(&policy->rules, rule);
    rule->name = name;
    if (!sp_catalogue_add(&policy->rules, import->storage, name, rule))
        sp_import_no_memory(import);
}

void sp_netsh_delete_rule(struct sp_import *import, const struct sp_arguments *arguments)
{
    struct sp_netsh_policy *policy = policy_of(import, arguments);
    if (policy != NULL && arguments->is_all) {
        sp_catalogue_free(&policy->rules);
        return;
    }
    const struct sp_netsh_rule *rule = rule_of(import, arguments, policy);
    if (rule != NULL)
        sp_catalogue_remove(&policy->rules, rule);
}

bool sp_netsh_is_used(const struct sp_import *import, const void *object)
{
    for (size_t i = 0; i < import->policies.count; i++) {
        const struct sp_netsh_policy *policy = import->policies.objects[i];
        for (size_t j = 0; policy != NULL && j < policy->rules.count; j++) {
            const struct sp_netsh_rule *rule = policy->rules.objects[j];
            if (rule != NULL && (rule->list == object || rule->action == object))
                return true;
        }
    }
    return false;
}
