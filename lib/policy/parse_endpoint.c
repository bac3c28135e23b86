/* SPDX-License-Identifier: ISC
 *
 * What stands behind from and to: addresses, prefixes, ranges, sets, lists of them, and ports.
 *
 * Everything becomes inclusive ranges. A value that makes no sense is said to be so and reading goes on; only
 * what breaks the sentence ends it.
 */
#include "policy/parser.h"

#include <string.h>

static bool add_range(struct sp_parser *parser, const struct sp_address_range *range)
{
    if (!sp_grow(&parser->addresses, &parser->address_capacity, parser->address_count,
                 sizeof *parser->addresses) ||
        !sp_grow(&parser->terms, &parser->term_capacity, parser->term_count, sizeof *parser->terms))
        return sp_parser_no_memory(parser);
    parser->addresses[parser->address_count++] = *range;
    parser->terms[parser->term_count++] = (struct sp_term){.set = SP_TERM_RANGE, .addresses = *range};
    return true;
}

bool sp_add_ports(struct sp_parser *parser, struct sp_port_range range)
{
    if (!sp_grow(&parser->ports, &parser->port_capacity, parser->port_count, sizeof *parser->ports) ||
        !sp_grow(&parser->terms, &parser->term_capacity, parser->term_count, sizeof *parser->terms))
        return sp_parser_no_memory(parser);
    parser->ports[parser->port_count++] = range;
    parser->terms[parser->term_count++] = (struct sp_term){.set = SP_TERM_RANGE, .ports = range};
    return true;
}

/* Both ends of the prefix of length bits; false when address has bits set behind it. */
static bool spread_prefix(const struct sp_address *address, unsigned bits, struct sp_address_range *ret_range)
{
    size_t size_bytes = address->family == 4 ? 4 : 16;
    struct sp_address_range range = {*address, *address};
    for (size_t i = 0; i < size_bytes; i++) {
        unsigned left = bits > 8 * i ? bits - 8 * (unsigned)i : 0;
        unsigned host = left >= 8 ? 0 : 0xffu >> left;
        range.first.bytes[i] = (uint8_t)(address->bytes[i] & ~host);
        range.last.bytes[i] = (uint8_t)(address->bytes[i] | host);
    }
    *ret_range = range;
    return memcmp(range.first.bytes, address->bytes, size_bytes) == 0;
}

/* ADDRESS/BITS, the slash being at len_bytes of the address. Returns what is wrong, in text, or NULL. */
static const char *read_prefix(const struct sp_place *place, size_t len_bytes, struct sp_address_range *range,
                               char *text, size_t text_bytes)
{
    struct sp_address address;
    uint64_t bits;
    if (!sp_text_address(place->start, len_bytes, &address))
        return "the address before the slash is not one: write it like 192.0.2.0/24 or 2001:db8::/32";
    unsigned most = address.family == 4 ? 32 : 128;
    struct sp_place behind = *place;
    behind.start += len_bytes + 1;
    behind.len_bytes -= len_bytes + 1;
    if (!sp_place_number(&behind, most, &bits)) {
        snprintf(text, text_bytes, "the prefix length of IPv%u is a number from 0 to %u", address.family,
                 most);
        return text;
    }
    if (spread_prefix(&address, (unsigned)bits, range))
        return NULL;
    char first[SP_ADDRESS_TEXT_BYTES], whole[SP_ADDRESS_TEXT_BYTES];
    snprintf(text, text_bytes, "bits are set behind the prefix: write %s/%u, or %s for this one address",
             sp_address_format(&range->first, first), (unsigned)bits, sp_address_format(&address, whole));
    return text;
}

static const char *read_pair(const struct sp_place *place, size_t len_bytes, struct sp_address_range *range)
{
    if (!sp_text_address(place->start, len_bytes, &range->first) ||
        !sp_text_address(place->start + len_bytes + 1, place->len_bytes - len_bytes - 1, &range->last))
        return "this is not a range of addresses: write it like 192.0.2.1-192.0.2.9, without blanks";
    if (range->first.family != range->last.family)
        return "a range can't begin in one family and end in the other: write two ranges";
    if (memcmp(range->first.bytes, range->last.bytes, sizeof range->first.bytes) > 0)
        return "this range ends before it begins: swap its ends";
    return NULL;
}

static const char *read_addresses(const struct sp_place *place, struct sp_address_range *range, char *text,
                                  size_t text_bytes)
{
    const char *mark = memchr(place->start, '/', place->len_bytes);
    if (mark != NULL)
        return read_prefix(place, (size_t)(mark - place->start), range, text, text_bytes);
    mark = memchr(place->start, '-', place->len_bytes);
    if (mark != NULL)
        return read_pair(place, (size_t)(mark - place->start), range);
    if (!sp_text_address(place->start, place->len_bytes, &range->first))
        return "this is not an address: write me, any, an address, a prefix, a range, a set's name in quotes "
               "or a list";
    range->last = range->first;
    return NULL;
}

bool sp_parse_addresses(struct sp_parser *parser, struct sp_reader *reader, struct sp_endpoint *endpoint)
{
    if (sp_reader_is_at(reader, SP_TOKEN_STRING))
        return sp_parse_set_name(parser, reader, false, endpoint);
    if (!sp_reader_is_at(reader, SP_TOKEN_WORD)) {
        sp_reader_unexpected(reader, "me, any, an address, a prefix, a range, a set or a list in braces");
        return false;
    }
    struct sp_place place = reader->token.place;
    if (sp_reader_take_word(reader, "me")) {
        endpoint->is_me = parser->is_me_named = true;
        return true;
    }
    if (sp_reader_is_at_statement(reader) || sp_reader_is_at_word(reader, "port") ||
        sp_reader_is_at_word(reader, "to")) {
        sp_reader_unexpected(reader, "an address before this word");
        return false;
    }
    char text[160];
    struct sp_address_range range = {0};
    const char *fault = sp_reader_is_at_word(reader, "any")
                            ? "any stands alone: in a list it would make the rest meaningless"
                            : read_addresses(&place, &range, text, sizeof text);
    sp_reader_next(reader);
    if (fault != NULL) {
        sp_diagnose_error(reader->diagnosis, &place, "%s", fault);
        return true;
    }
    return add_range(parser, &range);
}

const char *sp_place_range(const struct sp_place *place, uint64_t max, struct sp_port_range *ret_range)
{
    struct sp_place first = *place, last = *place;
    const char *dash = memchr(place->start, '-', place->len_bytes);
    if (dash != NULL) {
        first.len_bytes = (size_t)(dash - place->start);
        last.start = dash + 1;
        last.len_bytes = place->len_bytes - first.len_bytes - 1;
    }
    uint64_t low, high;
    if (!sp_place_number(&first, max, &low) || !sp_place_number(&last, max, &high))
        return max == UINT16_MAX ? "a port is a number from 0 to 65535, a range is like 8000-8099"
                                 : "this is a number from 0 to 255, or a range like 0-15";
    if (low > high)
        return "this range ends before it begins: swap its ends";
    *ret_range = (struct sp_port_range){(uint16_t)low, (uint16_t)high};
    return NULL;
}

bool sp_parse_ports(struct sp_parser *parser, struct sp_reader *reader, struct sp_endpoint *endpoint)
{
    if (sp_reader_is_at(reader, SP_TOKEN_STRING))
        return sp_parse_set_name(parser, reader, true, endpoint);
    if (!sp_reader_is_at(reader, SP_TOKEN_WORD)) {
        sp_reader_unexpected(reader, "a port, a range of ports, a set or a list in braces");
        return false;
    }
    struct sp_port_range range;
    struct sp_place place = reader->token.place;
    const char *fault = sp_place_range(&place, UINT16_MAX, &range);
    sp_reader_next(reader);
    if (fault == NULL)
        return sp_add_ports(parser, range);
    sp_diagnose_error(reader->diagnosis, &place, "%s", fault);
    return true;
}

/* In braces newlines don't count. */
bool sp_parse_list(struct sp_parser *parser, struct sp_reader *reader, sp_parse_element *parse,
                   struct sp_endpoint *endpoint)
{
    parser->address_count = parser->port_count = parser->term_count = parser->set_term_count = 0;
    parser->is_me_named = false;
    if (!sp_reader_is_at(reader, SP_TOKEN_OPEN))
        return parse(parser, reader, endpoint);
    sp_reader_next(reader);
    for (bool is_more = true; is_more;) {
        sp_reader_skip_newlines(reader);
        if (sp_reader_is_at(reader, SP_TOKEN_OPEN)) {
            sp_reader_unexpected(reader, "an element (lists don't nest)");
            return false;
        }
        if (!parse(parser, reader, endpoint))
            return false;
        sp_reader_skip_newlines(reader);
        is_more = sp_reader_is_at(reader, SP_TOKEN_COMMA);
        if (is_more)
            sp_reader_next(reader);
    }
    if (!sp_reader_is_at(reader, SP_TOKEN_CLOSE)) {
        sp_reader_unexpected(reader, "',' or '}' in this list");
        return false;
    }
    sp_reader_next(reader);
    return true;
}

/* The gathered terms, when some of them name sets. */
static bool keep_terms(struct sp_parser *parser, struct sp_written *ret_written)
{
    *ret_written = (struct sp_written){.is_me_named = parser->is_me_named};
    if (parser->set_term_count == 0)
        return true;
    size_t size_bytes = parser->term_count * sizeof *parser->terms;
    void *terms = sp_storage_take(parser->storage, size_bytes);
    if (terms == NULL)
        return sp_parser_no_memory(parser);
    ret_written->terms = memcpy(terms, parser->terms, size_bytes);
    ret_written->count = (uint32_t)parser->term_count;
    return true;
}

bool sp_keep_addresses(struct sp_parser *parser, struct sp_endpoint *endpoint, struct sp_written *ret_written)
{
    size_t size_bytes = parser->address_count * sizeof *parser->addresses;
    if (!keep_terms(parser, ret_written))
        return false;
    if (size_bytes == 0)
        return true;
    void *addresses = sp_storage_take(parser->storage, size_bytes);
    if (addresses == NULL)
        return sp_parser_no_memory(parser);
    endpoint->addresses = memcpy(addresses, parser->addresses, size_bytes);
    endpoint->address_count = (uint32_t)parser->address_count;
    return true;
}

bool sp_keep_ports(struct sp_parser *parser, struct sp_endpoint *endpoint, struct sp_written *ret_written)
{
    size_t size_bytes = parser->port_count * sizeof *parser->ports;
    if (!keep_terms(parser, ret_written))
        return false;
    if (size_bytes == 0)
        return true;
    void *ports = sp_storage_take(parser->storage, size_bytes);
    if (ports == NULL)
        return sp_parser_no_memory(parser);
    endpoint->ports = memcpy(ports, parser->ports, size_bytes);
    endpoint->port_count = (uint32_t)parser->port_count;
    return true;
}

static bool is_at_digit(const struct sp_reader *reader)
{
    return reader->token.kind == SP_TOKEN_WORD && *reader->token.place.start >= '0' &&
           *reader->token.place.start <= '9';
}

bool sp_parse_endpoint(struct sp_parser *parser, struct sp_reader *reader, const char *side,
                       struct sp_endpoint *ret_endpoint, struct sp_written *ret_addresses,
                       struct sp_written *ret_ports)
{
    struct sp_endpoint endpoint = {0};
    if (!sp_reader_take_word(reader, side)) {
        char what[32];
        snprintf(what, sizeof what, "'%s'", side);
        sp_reader_unexpected(reader, what);
        return false;
    }
    if (!sp_reader_take_word(reader, "any") &&
        (!sp_parse_list(parser, reader, sp_parse_addresses, &endpoint) ||
         !sp_keep_addresses(parser, &endpoint, ret_addresses)))
        return false;
    if (sp_reader_take_word(reader, "port") && (!sp_parse_list(parser, reader, sp_parse_ports, &endpoint) ||
                                                !sp_keep_ports(parser, &endpoint, ret_ports)))
        return false;
    if (is_at_digit(reader)) {
        sp_reader_unexpected(reader, "'port' before this number");
        return false;
    }
    *ret_endpoint = endpoint;
    return true;
}
