/* SPDX-License-Identifier: ISC
 *
 * icmp type TYPES [code CODES], icmp6 likewise: numbers, ranges, lists of them in braces, and names for the
 * types that people know (RFC 792, RFC 4443, RFC 4861).
 */
#include "policy/parser.h"

#include <netinet/in.h>
#include <string.h>

static const struct {
    uint8_t protocol;
    const char *word;
    uint8_t type;
} type_names[] = {
    {IPPROTO_ICMP, "echo-reply", 0},
    {IPPROTO_ICMP, "destination-unreachable", 3},
    {IPPROTO_ICMP, "redirect", 5},
    {IPPROTO_ICMP, "echo-request", 8},
    {IPPROTO_ICMP, "time-exceeded", 11},
    {IPPROTO_ICMP, "parameter-problem", 12},
    {IPPROTO_ICMP, "timestamp-request", 13},
    {IPPROTO_ICMP, "timestamp-reply", 14},
    {IPPROTO_ICMPV6, "destination-unreachable", 1},
    {IPPROTO_ICMPV6, "packet-too-big", 2},
    {IPPROTO_ICMPV6, "time-exceeded", 3},
    {IPPROTO_ICMPV6, "parameter-problem", 4},
    {IPPROTO_ICMPV6, "echo-request", 128},
    {IPPROTO_ICMPV6, "echo-reply", 129},
    {IPPROTO_ICMPV6, "router-solicitation", 133},
    {IPPROTO_ICMPV6, "router-advertisement", 134},
    {IPPROTO_ICMPV6, "neighbor-solicitation", 135},
    {IPPROTO_ICMPV6, "neighbor-advertisement", 136},
    {IPPROTO_ICMPV6, "redirect", 137},
};

static bool find_name(const struct sp_reader *reader, uint16_t protocol, uint8_t *ret_type)
{
    for (size_t i = 0; i < sizeof type_names / sizeof *type_names; i++) {
        if (type_names[i].protocol != protocol || !sp_reader_is_at_word(reader, type_names[i].word))
            continue;
        *ret_type = type_names[i].type;
        return true;
    }
    return false;
}

/* Ports gather what it gives: a type is a number that selectors keep where ports are. */
static bool parse_number(struct sp_parser *parser, struct sp_reader *reader, struct sp_endpoint *endpoint)
{
    (void)endpoint;
    if (!sp_reader_is_at(reader, SP_TOKEN_WORD) || sp_reader_is_at_word(reader, "from")) {
        sp_reader_unexpected(reader, "a number from 0 to 255, a range or a list in braces");
        return false;
    }
    struct sp_port_range range;
    struct sp_place place = reader->token.place;
    const char *fault = sp_place_range(&place, UINT8_MAX, &range);
    sp_reader_next(reader);
    if (fault == NULL)
        return sp_add_ports(parser, range);
    sp_diagnose_error(reader->diagnosis, &place, "%s", fault);
    return true;
}

static bool parse_type(struct sp_parser *parser, struct sp_reader *reader, struct sp_endpoint *endpoint,
                       uint16_t protocol)
{
    uint8_t type;
    bool is_name = reader->token.kind == SP_TOKEN_WORD && *reader->token.place.start >= 'a' &&
                   !sp_reader_is_at_word(reader, "from");
    if (!is_name)
        return parse_number(parser, reader, endpoint);
    if (!find_name(reader, protocol, &type)) {
        sp_diagnose_error(
            reader->diagnosis, &reader->token.place,
            "%s has no type of this name: write one like echo-request, or a number from 0 to 255",
            protocol == IPPROTO_ICMP ? "icmp" : "icmp6");
        sp_reader_next(reader);
        return true;
    }
    sp_reader_next(reader);
    return sp_add_ports(parser, (struct sp_port_range){type, type});
}

static bool parse_icmp_type(struct sp_parser *parser, struct sp_reader *reader, struct sp_endpoint *endpoint)
{
    return parse_type(parser, reader, endpoint, IPPROTO_ICMP);
}

static bool parse_icmp6_type(struct sp_parser *parser, struct sp_reader *reader, struct sp_endpoint *endpoint)
{
    return parse_type(parser, reader, endpoint, IPPROTO_ICMPV6);
}

bool sp_parse_icmp(struct sp_parser *parser, struct sp_reader *reader, uint16_t protocol,
                   struct sp_icmp *ret_icmp)
{
    struct sp_endpoint types = {0}, codes = {0};
    struct sp_written written; /* no sets here, so nothing is in it */
    bool is_icmp6 = protocol == IPPROTO_ICMPV6;
    bool is_at_code = sp_reader_is_at_word(reader, "code");
    if (!sp_reader_is_at_word(reader, "type") && !is_at_code)
        return true;
    if (is_at_code || (protocol != IPPROTO_ICMP && !is_icmp6)) {
        sp_reader_unexpected(reader,
                             is_at_code ? "'type' before code" : "'from' (only icmp and icmp6 have types)");
        return false;
    }
    sp_reader_next(reader);
    if (!sp_parse_list(parser, reader, is_icmp6 ? parse_icmp6_type : parse_icmp_type, &types) ||
        !sp_keep_ports(parser, &types, &written))
        return false;
    if (sp_reader_take_word(reader, "code") &&
        (!sp_parse_list(parser, reader, parse_number, &codes) || !sp_keep_ports(parser, &codes, &written)))
        return false;
    *ret_icmp = (struct sp_icmp){.types = types.ports,
                                 .type_count = types.port_count,
                                 .codes = codes.ports,
                                 .code_count = codes.port_count};
    return true;
}
