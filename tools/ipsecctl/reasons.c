/* SPDX-License-Identifier: ISC
 *
 * The engine only says that a rule matched. A person wants to know which of its parts did, so this looks at
 * the rule and the packet side by side and names the range that each field fell in. A mirrored match (RFC
 * 4301 4.4.1) turns the rule round first: the packet's source is held against the rule's "to".
 */
#include "reasons.h"

#include "arguments.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>

/* A sentence that grows; parts are joined by commas. */
struct sentence {
    FILE *stream;
    char *text;
    size_t len_bytes;
    bool has_part;
};

static FILE *next_part(struct sentence *sentence)
{
    if (sentence->has_part)
        fputs(", ", sentence->stream);
    sentence->has_part = true;
    return sentence->stream;
}

static unsigned address_bits(const struct sp_address *address)
{
    return address->family == 4 ? 32 : 128;
}

static bool bit_of(const struct sp_address *address, unsigned bit)
{
    return address->bytes[bit / 8] >> (7 - bit % 8) & 1;
}

/* The prefix length when the range is exactly a prefix, else -1. */
static int prefix_of(const struct sp_address_range *range)
{
    const unsigned bits = address_bits(&range->first);
    unsigned length = 0;
    while (length < bits && bit_of(&range->first, length) == bit_of(&range->last, length))
        length++;
    for (unsigned bit = length; bit < bits; bit++)
        if (bit_of(&range->first, bit) || !bit_of(&range->last, bit))
            return -1;
    return (int)length;
}

static void print_range(FILE *out, const struct sp_address_range *range)
{
    char first[SP_ADDRESS_TEXT_BYTES], last[SP_ADDRESS_TEXT_BYTES];
    const int prefix = prefix_of(range);
    sp_address_format(&range->first, first);
    sp_address_format(&range->last, last);
    if (prefix == (int)address_bits(&range->first))
        fputs(first, out);
    else if (prefix >= 0)
        fprintf(out, "%s/%d", first, prefix);
    else
        fprintf(out, "%s-%s", first, last);
}

static bool is_in_range(const struct sp_address *address, const struct sp_address_range *range)
{
    const size_t bytes = address->family == 4 ? 4 : 16;
    return address->family == range->first.family && memcmp(address->bytes, range->first.bytes, bytes) >= 0 &&
           memcmp(address->bytes, range->last.bytes, bytes) <= 0;
}

/* side is "source" or "destination", end is "from" or "to". */
static void say_address(struct sentence *sentence, const char *side, const char *end,
                        const struct sp_address *address, const struct sp_endpoint *endpoint,
                        const struct sp_me *me)
{
    char text[SP_ADDRESS_TEXT_BYTES];
    sp_address_format(address, text);
    for (uint32_t i = 0; i < endpoint->address_count; i++) {
        if (!is_in_range(address, &endpoint->addresses[i]))
            continue;
        FILE *out = next_part(sentence);
        fprintf(out, "%s %s is in \"%s ", side, text, end);
        print_range(out, &endpoint->addresses[i]);
        fputc('"', out);
        return;
    }
    if (endpoint->is_me)
        fprintf(next_part(sentence), "%s %s is %s\"%s me\"", side, text, me->unknown ? "taken as " : "", end);
}

static void say_port(struct sentence *sentence, const char *side, const char *end, uint16_t port,
                     const struct sp_endpoint *endpoint)
{
    for (uint32_t i = 0; i < endpoint->port_count; i++) {
        const struct sp_port_range *range = &endpoint->ports[i];
        if (port < range->first || port > range->last)
            continue;
        FILE *out = next_part(sentence);
        if (range->first == range->last)
            fprintf(out, "%s port %u is that of \"%s\"", side, port, end);
        else
            fprintf(out, "%s port %u is in \"%s\" ports %u-%u", side, port, end, range->first, range->last);
        return;
    }
}

static void say_protocol(struct sentence *sentence, uint16_t protocol)
{
    if (protocol == SP_PROTOCOL_ANY)
        return;
    const char *name = protocol_name(protocol);
    FILE *out = next_part(sentence);
    if (name)
        fprintf(out, "the protocol is %s", name);
    else
        fprintf(out, "the protocol is %u", protocol);
}

static void say_icmp_number(struct sentence *sentence, const char *what, const struct sp_port_range *ranges,
                            uint32_t count, uint8_t number)
{
    for (uint32_t i = 0; i < count; i++) {
        if (number < ranges[i].first || number > ranges[i].last)
            continue;
        FILE *out = next_part(sentence);
        fprintf(out, "the %s %u ", what, number);
        if (ranges[i].first == ranges[i].last)
            fprintf(out, "is that of \"%s %u\"", what, number);
        else
            fprintf(out, "is in \"%s %u-%u\"", what, ranges[i].first, ranges[i].last);
        return;
    }
}

static void say_icmp(struct sentence *sentence, const struct sp_icmp *icmp, const struct sp_flow *flow)
{
    if (icmp->type_count == 0)
        return;
    if (!flow->has_icmp_type) {
        fputs("its type isn't told and may be one of the rule's", next_part(sentence));
        return;
    }
    say_icmp_number(sentence, "type", icmp->types, icmp->type_count, flow->icmp_type);
    say_icmp_number(sentence, "code", icmp->codes, icmp->code_count, flow->icmp_code);
}

static void say_rule(struct sentence *sentence, const struct sp_rule_info *rule, const struct sp_me *me,
                     const struct sp_flow *flow, bool is_mirrored)
{
    const struct sp_endpoint *source = is_mirrored ? &rule->to : &rule->from;
    const struct sp_endpoint *destination = is_mirrored ? &rule->from : &rule->to;
    const char *source_end = is_mirrored ? "to" : "from";
    const char *destination_end = is_mirrored ? "from" : "to";

    const char *moves = flow->direction == SP_OUTBOUND ? "goes out" : "comes in";
    if (is_mirrored)
        fprintf(sentence->stream, "The rule is written for the other direction and holds mirrored: it %s",
                moves);
    else
        fprintf(sentence->stream, "As written: it %s", moves);
    sentence->has_part = true;
    say_protocol(sentence, rule->protocol);
    say_icmp(sentence, &rule->icmp, flow);
    say_address(sentence, "source", source_end, &flow->source, source, me);
    say_port(sentence, "source", source_end, flow->source_port, source);
    say_address(sentence, "destination", destination_end, &flow->destination, destination, me);
    say_port(sentence, "destination", destination_end, flow->destination_port, destination);
}

char *reason_of_match(const struct sp_policy *policy, const struct sp_me *me, const struct sp_flow *flow,
                      const struct sp_match *match)
{
    struct sp_rule_info rule;
    if (match->rule == SP_NO_RULE || sp_policy_rule(policy, match->rule, &rule) != SP_OK)
        return tool_text("No rule decides, so the default does.");
    struct sentence sentence = {0};
    sentence.stream = tool_need(open_memstream(&sentence.text, &sentence.len_bytes));
    say_rule(&sentence, &rule, me, flow, match->is_mirrored);
    fputc('.', sentence.stream);
    fclose(sentence.stream);
    return tool_need(sentence.text);
}

#define TUNNEL_TEXT_BYTES (2 * SP_ADDRESS_TEXT_BYTES + 32)

/* " in a tunnel from A to B", as the packet goes; nothing in transport mode. */
static void say_tunnel(const struct sp_action_info *action, enum sp_direction direction,
                       char ret_text[TUNNEL_TEXT_BYTES])
{
    const bool is_out = direction == SP_OUTBOUND;
    char from[SP_ADDRESS_TEXT_BYTES], to[SP_ADDRESS_TEXT_BYTES];
    ret_text[0] = '\0';
    if (action->mode != SP_MODE_TUNNEL)
        return;
    snprintf(ret_text, TUNNEL_TEXT_BYTES, " in a tunnel from %s to %s",
             sp_address_format(is_out ? &action->tunnel_from : &action->tunnel_to, from),
             sp_address_format(is_out ? &action->tunnel_to : &action->tunnel_from, to));
}

static char *outcome_of_protect(const struct sp_policy *policy, enum sp_direction direction, uint32_t index)
{
    struct sp_rule_info rule;
    struct sp_action_info action;
    if (sp_policy_rule(policy, index, &rule) != SP_OK ||
        sp_policy_action(policy, rule.action_index, &action) != SP_OK)
        return tool_text("It is protected.");
    char suite[SP_SUITE_TEXT_BYTES];
    sp_suite_format(action.encryption, action.integrity, suite);
    const char *esn = action.has_esn ? " esn" : "";
    char tunnel[TUNNEL_TEXT_BYTES];
    say_tunnel(&action, direction, tunnel);
    if (direction == SP_OUTBOUND)
        return tool_text("It leaves sealed in ESP%s (action \"%s\": %s%s), and is dropped while there is no "
                         "SA to the peer.",
                         tunnel, action.name, suite, esn);
    return tool_text("It is let in only out of ESP%s (action \"%s\": %s%s); in clear text it is dropped.",
                     tunnel, action.name, suite, esn);
}

char *outcome_of_match(const struct sp_policy *policy, enum sp_direction direction,
                       const struct sp_match *match)
{
    if (match->action == SP_ACTION_BLOCK)
        return tool_text("It is dropped.");
    if (match->action == SP_ACTION_BYPASS)
        return tool_text("It passes in clear text.");
    return outcome_of_protect(policy, direction, match->rule);
}
