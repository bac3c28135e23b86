/* SPDX-License-Identifier: ISC
 *
 * protect|bypass|block in|out [PROTO [type TYPES [code CODES]]] from ENDPOINT [port PORTS] to ENDPOINT [port
 * PORTS] [with "ACTION"] [as "NAME"]
 *
 * What can't mean anything is an error (ports of a protocol that has none, families that never meet); what
 * probably means something else is a warning.
 */
#include "policy/parser.h"

#include <netinet/in.h>
#include <string.h>

#define PROTOCOL_DCCP 33
#define PROTOCOL_UDPLITE 136

struct statement {
    struct sp_rule_info rule;
    struct sp_wording wording;
    struct sp_place keyword, protocol, from, to, with, name;
    bool has_with, has_name;
    char action_name[SP_NAME_MAX_BYTES + 1], rule_name[SP_NAME_MAX_BYTES + 1];
};

static const struct {
    const char *word;
    uint16_t number;
} protocols[] = {
    {"tcp", IPPROTO_TCP},      {"udp", IPPROTO_UDP},   {"icmp", IPPROTO_ICMP},
    {"icmp6", IPPROTO_ICMPV6}, {"sctp", IPPROTO_SCTP}, {"any", SP_PROTOCOL_ANY},
};

static bool parse_protocol(struct sp_reader *reader, struct statement *statement)
{
    statement->protocol = reader->token.place;
    statement->rule.protocol = SP_PROTOCOL_ANY;
    if (sp_reader_is_at_word(reader, "from"))
        return true;
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++) {
        if (!sp_reader_take_word(reader, protocols[i].word))
            continue;
        statement->rule.protocol = protocols[i].number;
        return true;
    }
    uint64_t number;
    if (!sp_reader_is_at(reader, SP_TOKEN_WORD) ||
        !sp_place_number(&statement->protocol, UINT8_MAX, &number)) {
        sp_reader_unexpected(reader, "tcp, udp, icmp, icmp6, sctp, a protocol number to 255, any or 'from'");
        return false;
    }
    statement->rule.protocol = (uint16_t)number;
    sp_reader_next(reader);
    return true;
}

static const char *what_may_follow(const struct statement *statement)
{
    if (statement->has_with && statement->has_name)
        return "the end of the line";
    if (statement->has_with)
        return "as or the end of the line";
    if (statement->has_name)
        return "with or the end of the line";
    if (statement->rule.to.port_count > 0 || statement->wording.to_ports.count > 0)
        return "with, as or the end of the line";
    return "port, with, as or the end of the line";
}

/* with "ACTION" and as "NAME", in any order, each once. */
static bool parse_tail(struct sp_reader *reader, struct statement *statement)
{
    while (!sp_reader_is_at_end(reader)) {
        if (!statement->has_with && sp_reader_take_word(reader, "with")) {
            statement->has_with = true;
            statement->with = reader->token.place;
            if (!sp_reader_name(reader, "the action's name", statement->action_name))
                return false;
        } else if (!statement->has_name && sp_reader_take_word(reader, "as")) {
            statement->has_name = true;
            statement->name = reader->token.place;
            if (!sp_reader_name(reader, "the rule's name", statement->rule_name))
                return false;
        } else {
            sp_reader_unexpected(reader, what_may_follow(statement));
            return false;
        }
    }
    return true;
}

static bool parse_statement(struct sp_parser *parser, struct sp_reader *reader, struct statement *statement)
{
    struct sp_rule_info *rule = &statement->rule;
    statement->keyword = reader->token.place;
    rule->action = sp_reader_is_at_word(reader, "protect")  ? SP_ACTION_PROTECT
                   : sp_reader_is_at_word(reader, "bypass") ? SP_ACTION_BYPASS
                                                            : SP_ACTION_BLOCK;
    sp_reader_next(reader);
    if (!sp_reader_is_at_word(reader, "in") && !sp_reader_is_at_word(reader, "out")) {
        sp_reader_unexpected(reader, "'in' or 'out'");
        return false;
    }
    rule->direction = sp_reader_is_at_word(reader, "in") ? SP_INBOUND : SP_OUTBOUND;
    sp_reader_next(reader);
    if (!parse_protocol(reader, statement) || !sp_parse_icmp(parser, reader, rule->protocol, &rule->icmp))
        return false;
    statement->from = reader->token.place;
    if (!sp_parse_endpoint(parser, reader, "from", &rule->from, &statement->wording.from,
                           &statement->wording.from_ports))
        return false;
    statement->to = reader->token.place;
    return sp_parse_endpoint(parser, reader, "to", &rule->to, &statement->wording.to,
                             &statement->wording.to_ports) &&
           parse_tail(reader, statement);
}

static bool has_ports(uint16_t protocol)
{
    return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
           protocol == PROTOCOL_DCCP || protocol == PROTOCOL_UDPLITE;
}

enum families { FAMILY_4 = 1, FAMILY_6 = 2 };

static unsigned families_of(const struct sp_endpoint *endpoint)
{
    unsigned families = 0;
    if (endpoint->is_me || endpoint->address_count == 0)
        return FAMILY_4 | FAMILY_6;
    for (uint32_t i = 0; i < endpoint->address_count; i++)
        families |= endpoint->addresses[i].first.family == 4 ? FAMILY_4 : FAMILY_6;
    return families;
}

static void check_match(struct sp_diagnosis *diagnosis, const struct statement *statement)
{
    const struct sp_rule_info *rule = &statement->rule;
    unsigned families = families_of(&rule->from) & families_of(&rule->to);
    if (families == 0)
        sp_diagnose_error(diagnosis, &statement->to,
                          "no packet can match: from and to have no address family in common");
    if ((rule->from.port_count > 0 || rule->to.port_count > 0) && !has_ports(rule->protocol))
        sp_diagnose_error(diagnosis, &statement->protocol,
                          "ports need a protocol that has them: tcp, udp, sctp, 33 (DCCP) or 136 (UDP-Lite)");
    if (rule->protocol == IPPROTO_ICMP && families == FAMILY_6)
        sp_diagnose(diagnosis, SP_SEVERITY_WARNING, SP_ERR_PARSE, &statement->protocol,
                    "icmp belongs to IPv4 and these addresses to IPv6: icmp6 is probably meant");
    if (rule->protocol == IPPROTO_ICMPV6 && families == FAMILY_4)
        sp_diagnose(diagnosis, SP_SEVERITY_WARNING, SP_ERR_PARSE, &statement->protocol,
                    "icmp6 belongs to IPv6 and these addresses to IPv4: icmp is probably meant");
}

static void check_side(struct sp_diagnosis *diagnosis, const struct statement *statement)
{
    const struct sp_rule_info *rule = &statement->rule;
    bool is_out = rule->direction == SP_OUTBOUND;
    const struct sp_endpoint *near = is_out ? &rule->from : &rule->to;
    const struct sp_endpoint *far = is_out ? &rule->to : &rule->from;
    if (rule->action == SP_ACTION_PROTECT && far->is_me && !near->is_me)
        sp_diagnose(diagnosis, SP_SEVERITY_WARNING, SP_ERR_PARSE, is_out ? &statement->to : &statement->from,
                    is_out ? "outbound packets don't go to me: 'in', or from me, is probably meant"
                           : "inbound packets don't come from me: 'out', or to me, is probably meant");
}

/* Whether with is there when it must be, and only then. */
static void check_with(struct sp_diagnosis *diagnosis, const struct statement *statement)
{
    bool is_protect = statement->rule.action == SP_ACTION_PROTECT;
    if (is_protect && !statement->has_with)
        sp_diagnose_error(diagnosis, &statement->keyword,
                          "protect needs to know how: add with \"NAME\" of an action");
    if (!is_protect && statement->has_with)
        sp_diagnose_error(diagnosis, &statement->with,
                          "only protect takes an action: leave out with, or write protect");
}

static bool keep_name(struct sp_parser *parser, struct statement *statement)
{
    const char *name = statement->rule_name;
    if (!statement->has_name || name[0] == '\0')
        return true;
    uint32_t earlier = sp_names_find(&parser->rule_names, name);
    if (earlier != SP_NAMES_NONE) {
        const struct sp_rule_info *rule = &parser->policy->rules[earlier];
        sp_diagnose_error(&parser->diagnosis, &statement->name,
                          "there is a rule of this name at %.100s:%u already: rename one", rule->file,
                          rule->line);
        return true;
    }
    char *copy = sp_storage_text(parser->storage, name, strlen(name));
    if (copy == NULL || !sp_names_add(&parser->rule_names, copy, parser->policy->rule_count))
        return sp_parser_no_memory(parser);
    statement->rule.name = copy;
    return true;
}

static bool keep_reference(struct sp_parser *parser, const struct statement *statement)
{
    bool is_protect = statement->rule.action == SP_ACTION_PROTECT;
    if (!is_protect || !statement->has_with || statement->action_name[0] == '\0')
        return true;
    if (!sp_grow(&parser->references, &parser->reference_capacity, parser->reference_count,
                 sizeof *parser->references))
        return sp_parser_no_memory(parser);
    char *name = sp_storage_text(parser->storage, statement->action_name, strlen(statement->action_name));
    if (name == NULL)
        return sp_parser_no_memory(parser);
    parser->references[parser->reference_count++] =
        (struct sp_reference){.place = statement->with, .rule = parser->policy->rule_count, .name = name};
    return true;
}

static bool keep_wording(struct sp_parser *parser, const struct sp_wording *wording)
{
    struct sp_policy *policy = parser->policy;
    if (!sp_grow(&policy->wordings, &parser->wording_capacity, policy->rule_count, sizeof *policy->wordings))
        return sp_parser_no_memory(parser);
    policy->wordings[policy->rule_count] = NULL;
    if (wording->from.count + wording->from_ports.count + wording->to.count + wording->to_ports.count == 0)
        return true;
    struct sp_wording *copy = sp_storage_take(parser->storage, sizeof *copy);
    if (copy == NULL)
        return sp_parser_no_memory(parser);
    *copy = *wording;
    policy->wordings[policy->rule_count] = copy;
    return true;
}

bool sp_parse_rule(struct sp_parser *parser, struct sp_reader *reader, const char *file)
{
    struct statement statement = {.rule = {.action_index = SP_NO_RULE, .file = file}};
    struct sp_policy *policy = parser->policy;
    size_t errors = parser->diagnosis.errors;
    statement.rule.line = reader->token.place.line;
    if (!parse_statement(parser, reader, &statement))
        return false;
    if (errors == parser->diagnosis.errors) /* else the values are not those that were meant */
        check_match(&parser->diagnosis, &statement);
    check_side(&parser->diagnosis, &statement);
    check_with(&parser->diagnosis, &statement);
    if (!sp_grow(&policy->rules, &parser->rule_capacity, policy->rule_count, sizeof *policy->rules))
        return sp_parser_no_memory(parser);
    if (!keep_wording(parser, &statement.wording) || !keep_name(parser, &statement) ||
        !keep_reference(parser, &statement))
        return false;
    policy->rules[policy->rule_count++] = statement.rule;
    return true;
}
