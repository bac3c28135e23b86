/* SPDX-License-Identifier: ISC
 *
 * ipsecctl explain: what would the policy do with this packet, which rule says so, and why.
 */
#include "explain.h"

#include "arguments.h"
#include "json.h"
#include "load.h"
#include "reasons.h"
#include "table.h"
#include "terminal.h"
#include "verb.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

static int read_flow(char **words, struct sp_flow *flow)
{
    if (!argument_direction(words[0], &flow->direction))
        return tool_usage("explain", "\"%s\" is no direction: write out or in", words[0]);
    if (!argument_flow_protocol(words[1], flow))
        return tool_usage("explain", "\"%s\" is no protocol: write tcp, udp, icmp:TYPE/CODE or 0..255",
                          words[1]);
    const bool with_port = protocol_has_ports(flow->protocol);
    const char *wanted = with_port ? "ADDRESS:PORT ([ADDRESS]:PORT for IPv6)" : "just an address";
    if (!argument_endpoint(words[2], with_port, &flow->source, &flow->source_port))
        return tool_usage("explain", "\"%s\" is no source: for %s write %s", words[2], words[1], wanted);
    if (!argument_endpoint(words[3], with_port, &flow->destination, &flow->destination_port))
        return tool_usage("explain", "\"%s\" is no destination: for %s write %s", words[3], words[1], wanted);
    if (flow->source.family != flow->destination.family)
        return tool_usage("explain", "source and destination must both be IPv4 or both IPv6");
    /* "icmp" with IPv6 addresses can only mean ICMPv6 */
    if (strncmp(words[1], "icmp", 4) == 0 && flow->source.family == 6)
        argument_protocol("icmp6", &flow->protocol);
    return TOOL_OK;
}

static int read_capture_question(int count, char **words, struct question *question)
{
    if (count != 2)
        return tool_usage("explain", "takes FILE and out or in with --pcap");
    question->path = words[0];
    if (!argument_direction(words[1], &question->flow.direction))
        return tool_usage("explain", "\"%s\" is no direction: write out or in", words[1]);
    if (strcmp(words[0], "-") == 0 && strcmp(question->capture, "-") == 0)
        return tool_usage("explain", "only one file can be standard input");
    return TOOL_OK;
}

static int read_question(int argc, char **argv, struct question *question)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"me", required_argument, NULL, 'm'},
                                            {"pcap", required_argument, NULL, 'p'},
                                            {0}};
    me_start(&question->me);
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'j')
            question->as_json = true;
        else if (option == 'p')
            question->capture = optarg;
        else if (option != 'm')
            return tool_usage("explain", "unknown option, or one without its value");
        else if (!me_add(&question->me, optarg))
            return tool_usage("explain", "--me %s: write an IPv4 or IPv6 address (at most %d times)", optarg,
                              ME_ADDRESSES_MAX);
    }
    if (question->capture)
        return read_capture_question(argc - optind, argv + optind, question);
    if (argc - optind != 5)
        return tool_usage("explain", "takes FILE, out or in, a protocol, a source and a destination");
    question->path = argv[optind];
    return read_flow(argv + optind + 1, &question->flow);
}

json_t *explain_match_json(const struct sp_policy *policy, const struct question *question,
                           const struct sp_match *match)
{
    json_t *object;
    if (match->rule == SP_NO_RULE) {
        object = tool_need(json_object());
        json_put(object, "index", json_null());
        json_put(object, "action", json_text(sp_action_name(match->action)));
    } else {
        object = json_rule(policy, match->rule);
    }
    char *why = reason_of_match(policy, &question->me.me, &question->flow, match);
    char *outcome = outcome_of_match(policy, question->flow.direction, match);
    json_put(object, "mirrored", json_boolean(match->is_mirrored));
    json_put(object, "why", json_text(why));
    json_put(object, "outcome", json_text(outcome));
    free(why);
    free(outcome);
    return object;
}

json_t *explain_flow_json(const struct sp_flow *flow)
{
    char text[SP_ADDRESS_TEXT_BYTES];
    json_t *object = tool_need(json_object());
    const bool has_ports = protocol_has_ports(flow->protocol);
    json_put(object, "direction", json_text(flow->direction == SP_OUTBOUND ? "out" : "in"));
    json_put(object, "protocol", json_number(flow->protocol));
    json_put(object, "source", json_text(sp_address_format(&flow->source, text)));
    json_put(object, "source_port", has_ports ? json_number(flow->source_port) : json_null());
    json_put(object, "icmp_type", flow->has_icmp_type ? json_number(flow->icmp_type) : json_null());
    json_put(object, "icmp_code", flow->has_icmp_type ? json_number(flow->icmp_code) : json_null());
    json_put(object, "destination", json_text(sp_address_format(&flow->destination, text)));
    json_put(object, "destination_port", has_ports ? json_number(flow->destination_port) : json_null());
    return object;
}

static void print_json(const struct sp_policy *policy, const struct question *question,
                       const struct sp_match *matches, size_t count)
{
    json_t *object = tool_need(json_object());
    json_t *later = tool_need(json_array());
    for (size_t i = 1; i < count; i++)
        json_push(later, explain_match_json(policy, question, &matches[i]));
    json_put(object, "file", json_text(question->path));
    json_put(object, "flow", explain_flow_json(&question->flow));
    json_put(object, "decision", explain_match_json(policy, question, &matches[0]));
    json_put(object, "later", later);
    json_print(object, stdout, true);
}

/* "front-end.policy:8", or that it is the default. */
char *explain_place(const struct sp_policy *policy, const struct sp_match *match)
{
    struct sp_rule_info rule;
    if (match->rule == SP_NO_RULE || sp_policy_rule(policy, match->rule, &rule) != SP_OK)
        return tool_text("default");
    return tool_text("%s:%u", rule.file, rule.line);
}

const char *explain_text(const struct sp_policy *policy, const struct sp_match *match, char *text,
                         size_t size_bytes)
{
    if (match->rule != SP_NO_RULE)
        return sp_policy_rule_text(policy, match->rule, text, size_bytes);
    snprintf(text, size_bytes, "default %s", sp_action_name(match->action));
    return text;
}

static void print_decision(const struct sp_policy *policy, const struct question *question,
                           const struct sp_match *match)
{
    char text[4096];
    const char *action = sp_action_name(match->action);
    char *place = explain_place(policy, match);
    char *why = reason_of_match(policy, &question->me.me, &question->flow, match);
    char *outcome = outcome_of_match(policy, question->flow.direction, match);
    printf("%s%s%s  %s%s\n    ", terminal_look(stdout, terminal_look_of(action)), action,
           terminal_look(stdout, LOOK_PLAIN), place, match->is_mirrored ? " (mirrored)" : "");
    terminal_write(stdout, explain_text(policy, match, text, sizeof text));
    printf("\n    why: ");
    terminal_write(stdout, why);
    printf("\n    so:  ");
    terminal_write(stdout, outcome);
    putchar('\n');
    free(outcome);
    free(why);
    free(place);
}

static void print_later(const struct sp_policy *policy, const struct sp_match *matches, size_t count)
{
    if (count < 2)
        return;
    printf("\nWould have matched later:\n");
    struct table *table = table_create("ACTION|WHERE|MIRRORED|RULE");
    for (size_t i = 1; i < count; i++) {
        char text[4096];
        char *place = explain_place(policy, &matches[i]);
        table_add(table, "%s", sp_action_name(matches[i].action));
        table_add(table, "%s", place);
        table_add(table, "%s", matches[i].is_mirrored ? "yes" : "no");
        table_add(table, "%s", explain_text(policy, &matches[i], text, sizeof text));
        free(place);
    }
    table_print(table, stdout, terminal_is(stdout));
    table_destroy(&table);
}

static void explain_one(const struct sp_policy *policy, const struct question *question)
{
    /* every rule at most twice (as written and mirrored), and the default */
    const size_t max = 2 * (size_t)sp_policy_rule_count(policy) + 1;
    struct sp_match *matches = tool_need(calloc(max, sizeof *matches));
    const size_t found = sp_policy_explain(policy, &question->me.me, &question->flow, matches, max);
    const size_t count = found < max ? found : max;
    if (question->as_json) {
        print_json(policy, question, matches, count);
    } else {
        print_decision(policy, question, &matches[0]);
        print_later(policy, matches, count);
    }
    free(matches);
}

static int run(int argc, char **argv)
{
    struct question question = {0};
    int exit_code = read_question(argc, argv, &question);
    if (exit_code != TOOL_OK)
        return exit_code;
    struct sp_policy *policy = NULL;
    exit_code = load_policy_aloud(question.path, &policy);
    if (exit_code != TOOL_OK)
        return exit_code;

    if (question.capture)
        exit_code = explain_capture(policy, &question);
    else
        explain_one(policy, &question);
    sp_policy_destroy(&policy);
    return exit_code;
}

const struct verb verb_explain = {
    .name = "explain",
    .summary = "which rule decides about a packet, and why",
    .help = "Usage: ipsecctl explain [--json] [--me ADDRESS]... FILE out|in PROTOCOL SOURCE DESTINATION\n"
            "       ipsecctl explain [--json] [--me ADDRESS]... FILE out|in --pcap CAPTURE\n"
            "\n"
            "Tells which rule of the policy decides about a packet, where it is written, why it matches\n"
            "and what happens; then the rules that would have matched later. FILE may be \"-\".\n"
            "\n"
            "PROTOCOL is tcp, udp, icmp:TYPE/CODE, or a number. SOURCE and DESTINATION are ADDRESS:PORT,\n"
            "for IPv6 [ADDRESS]:PORT, and just an address for protocols without ports.\n"
            "\n"
            "  --me ADDRESS   an address of the host that has the policy, may be repeated; without it\n"
            "                 any address on the local side is taken as \"me\"\n"
            "  --pcap CAPTURE the same, without what would match later, for each flow of a capture\n"
            "  --json         the same as JSON\n"
            "\n"
            "Exit status: 0 answered, 1 wrong usage or a policy with errors, 2 can't be read.\n"
            "\n"
            "Example:\n"
            "  ipsecctl explain front-end.policy out tcp 192.0.2.1:40000 192.0.2.2:80\n"
            "  ipsecctl explain front-end.policy in tcp '[2001:db8::2]:80' '[2001:db8::1]:40000'\n",
    .run = run,
};
