/* SPDX-License-Identifier: ISC
 *
 * ipsecctl show: the policy as it was understood, in canonical form. Parsing that gives the same policy.
 */
#include "arguments.h"
#include "json.h"
#include "load.h"
#include "verb.h"

#include <getopt.h>

static json_t *tunnel_json(const struct sp_action_info *action)
{
    char text[SP_ADDRESS_TEXT_BYTES];
    json_t *object = tool_need(json_object());
    json_put(object, "from", json_text(sp_address_format(&action->tunnel_from, text)));
    json_put(object, "to", json_text(sp_address_format(&action->tunnel_to, text)));
    return object;
}

static json_t *action_json(const struct sp_action_info *action)
{
    json_t *object = tool_need(json_object());
    json_put(object, "name", json_text(action->name));
    json_put(object, "mode", json_text(sp_mode_name(action->mode)));
    json_put(object, "tunnel", action->mode == SP_MODE_TUNNEL ? tunnel_json(action) : json_null());
    json_put(object, "encryption", json_text(sp_encryption_name(action->encryption)));
    json_put(object, "integrity", json_text(sp_integrity_name(action->integrity)));
    json_put(object, "encap", action->is_encapsulated ? json_text("udp") : json_null());
    json_put(object, "esn", json_boolean(action->has_esn));
    json_put(object, "lifetime", json_lifetime(&action->lifetime));
    return object;
}

/* An empty list means any. */
static json_t *ranges_json(const struct sp_port_range *ranges, uint32_t count)
{
    json_t *array = tool_need(json_array());
    for (uint32_t i = 0; i < count; i++) {
        json_t *range = tool_need(json_object());
        json_put(range, "first", json_number(ranges[i].first));
        json_put(range, "last", json_number(ranges[i].last));
        json_push(array, range);
    }
    return array;
}

/* An end of a rule; an empty list means any. */
static json_t *endpoint_json(const struct sp_endpoint *endpoint)
{
    char text[SP_ADDRESS_TEXT_BYTES];
    json_t *object = tool_need(json_object());
    json_t *addresses = tool_need(json_array());
    for (uint32_t i = 0; i < endpoint->address_count; i++) {
        json_t *range = tool_need(json_object());
        json_put(range, "first", json_text(sp_address_format(&endpoint->addresses[i].first, text)));
        json_put(range, "last", json_text(sp_address_format(&endpoint->addresses[i].last, text)));
        json_push(addresses, range);
    }
    json_put(object, "me", json_boolean(endpoint->is_me));
    json_put(object, "addresses", addresses);
    json_put(object, "ports", ranges_json(endpoint->ports, endpoint->port_count));
    return object;
}

static json_t *rule_json(const struct sp_policy *policy, uint32_t index)
{
    struct sp_rule_info rule;
    struct sp_action_info action;
    json_t *object = json_rule(policy, index);
    if (sp_policy_rule(policy, index, &rule) != SP_OK)
        return object;
    const bool any = rule.protocol == SP_PROTOCOL_ANY;
    json_put(object, "protocol", any ? json_null() : json_number(rule.protocol));
    const bool protects =
        rule.action == SP_ACTION_PROTECT && sp_policy_action(policy, rule.action_index, &action) == SP_OK;
    json_put(object, "with", protects ? json_text(action.name) : json_null());
    json_put(object, "icmp_types", ranges_json(rule.icmp.types, rule.icmp.type_count));
    json_put(object, "icmp_codes", ranges_json(rule.icmp.codes, rule.icmp.code_count));
    json_put(object, "from", endpoint_json(&rule.from));
    json_put(object, "to", endpoint_json(&rule.to));
    return object;
}

static json_t *set_json(const struct sp_policy *policy, uint32_t index)
{
    struct sp_set_info set;
    json_t *object = tool_need(json_object());
    if (sp_policy_set(policy, index, &set) != SP_OK)
        return object;
    json_put(object, "name", json_text(set.name));
    json_put(object, "file", json_text(set.file));
    json_put(object, "line", json_number(set.line));
    json_put(object, "kind", json_text(set.is_of_ports ? "ports" : "addresses"));
    json_put(object, "holds", endpoint_json(&set.holds));
    return object;
}

static void print_json(const struct sp_policy *policy)
{
    json_t *object = tool_need(json_object());
    json_t *actions = tool_need(json_array());
    json_t *rules = tool_need(json_array());
    json_t *sets = tool_need(json_array());
    for (uint32_t i = 0; i < sp_policy_set_count(policy); i++)
        json_push(sets, set_json(policy, i));
    for (uint32_t i = 0; i < sp_policy_action_count(policy); i++) {
        struct sp_action_info action;
        if (sp_policy_action(policy, i, &action) == SP_OK)
            json_push(actions, action_json(&action));
    }
    json_t *tried = tool_need(json_array());
    for (uint32_t i = 0; i < sp_policy_rule_count(policy); i++) {
        json_push(rules, rule_json(policy, i));
        json_push(tried, json_number(sp_policy_rule_at(policy, i)));
    }
    json_put(object, "actions", actions);
    json_put(object, "sets", sets);
    json_put(object, "rules", rules);
    json_put(object, "order", json_text(sp_policy_order(policy) == SP_ORDER_LISTED ? "listed" : "specific"));
    json_put(object, "tried", tried);
    json_put(object, "default", json_text(sp_action_name(sp_policy_default(policy))));
    json_print(object, stdout, true);
}

struct request {
    const char *path;
    bool as_json, is_compiled;
};

static int read_request(int argc, char **argv, struct request *request)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"compiled", no_argument, NULL, 'c'}, {0}};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option != 'j' && option != 'c')
            return tool_usage("show", "unknown option");
        request->as_json |= option == 'j';
        request->is_compiled |= option == 'c';
    }
    if (argc - optind != 1)
        return tool_usage("show", argc == optind ? "name a file, or \"-\"" : "takes one file");
    request->path = argv[optind];
    return TOOL_OK;
}

static int run(int argc, char **argv)
{
    struct request request = {0};
    int exit_code = read_request(argc, argv, &request);
    if (exit_code != TOOL_OK)
        return exit_code;

    struct sp_policy *policy = NULL;
    exit_code = load_policy_aloud(request.path, &policy);
    if (exit_code != TOOL_OK)
        return exit_code;
    if (request.as_json)
        print_json(policy);
    else if (request.is_compiled)
        sp_policy_print_compiled(policy, stdout);
    else
        sp_policy_print(policy, stdout);
    sp_policy_destroy(&policy);
    return TOOL_OK;
}

const struct verb verb_show = {
    .name = "show",
    .summary = "a policy in canonical form",
    .help = "Usage: ipsecctl show [--json] [--compiled] FILE\n"
            "\n"
            "Prints the policy as it was understood: includes resolved, one statement a line. Parsing\n"
            "that text gives the same policy and the same text. \"-\" is standard input.\n"
            "\n"
            "  --compiled   the rules in the order in which they are tried, with their places\n"
            "  --json       actions, sets, rules, their order and the default as JSON\n"
            "\n"
            "Exit status: 0 printed, 1 has errors, 2 can't be read.\n"
            "\n"
            "Example:\n"
            "  ipsecctl show front-end.policy\n",
    .run = run,
};
