/* SPDX-License-Identifier: ISC
 *
 * Boxes for people: an area, an example packet out of it, and both as text.
 *
 * An example is for reading and for handing to `ipsecctl explain`: where the box leaves a choice it takes the
 * addresses of documentation (RFC 5737, RFC 3849), TCP, and a client's port.
 */
#include "policy/box.h"

#include "wire/headers.h"

#include <string.h>

static struct sp_address address_of(sp_number number, uint8_t family)
{
    struct sp_address address = {.family = family};
    for (int i = family == 4 ? 3 : 15; i >= 0; i--) {
        address.bytes[i] = (uint8_t)number;
        number >>= 8;
    }
    return address;
}

static struct sp_port_range ports_of(const struct sp_box *box, enum sp_dimension dimension)
{
    return (struct sp_port_range){(uint16_t)box->first[dimension], (uint16_t)box->last[dimension]};
}

static struct sp_address_range addresses_of(const struct sp_box *box, enum sp_dimension dimension)
{
    return (struct sp_address_range){address_of(box->first[dimension], box->family),
                                     address_of(box->last[dimension], box->family)};
}

struct sp_area sp_box_area(const struct sp_box *box, enum sp_direction direction)
{
    return (struct sp_area){
        .direction = direction,
        .source = addresses_of(box, SP_SOURCE),
        .destination = addresses_of(box, SP_DESTINATION),
        .protocol_first = (uint8_t)box->first[SP_PROTOCOL],
        .protocol_last = (uint8_t)box->last[SP_PROTOCOL],
        .source_ports = ports_of(box, SP_SOURCE_PORT),
        .destination_ports = ports_of(box, SP_DESTINATION_PORT),
    };
}

static bool holds(const struct sp_box *box, enum sp_dimension dimension, sp_number number)
{
    return box->first[dimension] <= number && number <= box->last[dimension];
}

/* host: 1 for this host's side, 2 for the other. */
static sp_number pick_address(const struct sp_box *box, enum sp_dimension dimension, uint32_t host)
{
    const sp_number network =
        box->family == 4 ? (sp_number)0xc0000200u : (sp_number)0x20010db800000000u << 64;
    if (holds(box, dimension, network + host))
        return network + host;
    /* the first address of a range is often a network's own number */
    const sp_number first = box->first[dimension], last = box->last[dimension];
    return last - first >= 2 && (first & 1) == 0 ? first + 1 : first;
}

static uint8_t pick_protocol(const struct sp_box *box)
{
    const uint8_t wanted[] = {6, 17, box->family == 4 ? 1 : 58};
    for (size_t i = 0; i < sizeof wanted; i++) {
        if (holds(box, SP_PROTOCOL, wanted[i]))
            return wanted[i];
    }
    return (uint8_t)box->first[SP_PROTOCOL];
}

static bool has_ports(uint8_t protocol)
{
    return protocol == 6 || protocol == 17 || protocol == 33 || protocol == 132 || protocol == 136;
}

static uint16_t pick_port(const struct sp_box *box, enum sp_dimension dimension)
{
    const bool is_wide = box->last[dimension] - box->first[dimension] >= SP_CLIENT_PORT_MIN;
    if (is_wide && holds(box, dimension, SP_CLIENT_PORT_MIN))
        return SP_CLIENT_PORT_MIN;
    return (uint16_t)box->first[dimension];
}

struct sp_flow sp_box_example(const struct sp_box *box, enum sp_direction direction)
{
    const bool is_out = direction == SP_OUTBOUND;
    struct sp_flow flow = {
        .direction = direction,
        .protocol = pick_protocol(box),
        .source = address_of(pick_address(box, SP_SOURCE, is_out ? 1 : 2), box->family),
        .destination = address_of(pick_address(box, SP_DESTINATION, is_out ? 2 : 1), box->family),
    };
    if (sp_box_is_icmp(box) && box->first[SP_SOURCE_PORT] <= UINT8_MAX) {
        flow.has_icmp_type = true;
        flow.icmp_type = (uint8_t)box->first[SP_SOURCE_PORT];
        flow.icmp_code = (uint8_t)box->first[SP_DESTINATION_PORT];
    }
    if (!has_ports(flow.protocol))
        return flow;
    flow.source_port = pick_port(box, SP_SOURCE_PORT);
    flow.destination_port = pick_port(box, SP_DESTINATION_PORT);
    return flow;
}

static const char *protocol_text(uint8_t protocol, char *text, size_t size_bytes)
{
    static const struct {
        uint8_t number;
        const char *name;
    } known[] = {{6, "tcp"}, {17, "udp"}, {1, "icmp"}, {58, "icmp6"}, {132, "sctp"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (known[i].number == protocol)
            return known[i].name;
    }
    snprintf(text, size_bytes, "%u", protocol);
    return text;
}

static const char *direction_text(enum sp_direction direction)
{
    return direction == SP_OUTBOUND ? "out" : "in";
}

/* "192.0.2.1:80", "[2001:db8::1]:80", or the address alone. */
static void end_text(const struct sp_address *address, uint16_t port, bool with_port, char *text,
                     size_t size_bytes)
{
    char bare[SP_ADDRESS_TEXT_BYTES];
    sp_address_format(address, bare);
    if (!with_port)
        snprintf(text, size_bytes, "%s", bare);
    else if (address->family == 4)
        snprintf(text, size_bytes, "%s:%u", bare, port);
    else
        snprintf(text, size_bytes, "[%s]:%u", bare, port);
}

const char *sp_flow_format(const struct sp_flow *flow, char *text)
{
    char protocol[8], message[16] = "", source[SP_ADDRESS_TEXT_BYTES + 8],
                      destination[SP_ADDRESS_TEXT_BYTES + 8];
    const bool with_port = has_ports(flow->protocol);
    end_text(&flow->source, flow->source_port, with_port, source, sizeof source);
    end_text(&flow->destination, flow->destination_port, with_port, destination, sizeof destination);
    if (flow->has_icmp_type)
        snprintf(message, sizeof message, ":%u/%u", flow->icmp_type, flow->icmp_code);
    snprintf(text, SP_FLOW_TEXT_BYTES, "%s %s%s %s -> %s", direction_text(flow->direction),
             protocol_text(flow->protocol, protocol, sizeof protocol), message, source, destination);
    return text;
}

/* One address, a range, or all; "any" within a family is its /0. */
static void range_text(const struct sp_address_range *range, char *text, size_t size_bytes)
{
    char first[SP_ADDRESS_TEXT_BYTES], last[SP_ADDRESS_TEXT_BYTES];
    static const struct sp_address none;
    struct sp_address full = {.family = range->first.family};
    memset(full.bytes, 0xff, full.family == 4 ? 4 : 16);
    if (memcmp(range->first.bytes, none.bytes, 16) == 0 && memcmp(range->last.bytes, full.bytes, 16) == 0)
        snprintf(text, size_bytes, "%s", full.family == 4 ? "0.0.0.0/0" : "::/0");
    else if (memcmp(range->first.bytes, range->last.bytes, 16) == 0)
        snprintf(text, size_bytes, "%s", sp_address_format(&range->first, first));
    else
        snprintf(text, size_bytes, "%s-%s", sp_address_format(&range->first, first),
                 sp_address_format(&range->last, last));
}

/* what: "port", or what of an ICMP message. */
static void port_text(const struct sp_port_range *ports, const char *what, char *text, size_t size_bytes)
{
    if (ports->first == 0 && ports->last == UINT16_MAX)
        text[0] = '\0';
    else if (ports->first == ports->last)
        snprintf(text, size_bytes, " %s %u", what, ports->first);
    else
        snprintf(text, size_bytes, " %s %u-%u", what, ports->first, ports->last);
}

const char *sp_area_format(const struct sp_area *area, char *text)
{
    char first[8], source[2 * SP_ADDRESS_TEXT_BYTES], destination[2 * SP_ADDRESS_TEXT_BYTES];
    char source_port[24], destination_port[24], protocol[24];
    range_text(&area->source, source, sizeof source);
    range_text(&area->destination, destination, sizeof destination);
    const bool is_icmp =
        area->protocol_first == area->protocol_last &&
        (area->protocol_first == SP_PROTOCOL_ICMP || area->protocol_first == SP_PROTOCOL_ICMPV6);
    port_text(&area->source_ports, is_icmp ? "type" : "port", source_port, sizeof source_port);
    port_text(&area->destination_ports, is_icmp ? "code" : "port", destination_port, sizeof destination_port);
    if (area->protocol_first == 0 && area->protocol_last == UINT8_MAX)
        snprintf(protocol, sizeof protocol, "any");
    else if (area->protocol_first == area->protocol_last)
        snprintf(protocol, sizeof protocol, "%s", protocol_text(area->protocol_first, first, sizeof first));
    else
        snprintf(protocol, sizeof protocol, "%u-%u", area->protocol_first, area->protocol_last);
    if (is_icmp)
        snprintf(text, SP_AREA_TEXT_BYTES, "%s %s%s%s %s -> %s", direction_text(area->direction), protocol,
                 source_port, destination_port, source, destination);
    else
        snprintf(text, SP_AREA_TEXT_BYTES, "%s %s %s%s -> %s%s", direction_text(area->direction), protocol,
                 source, source_port, destination, destination_port);
    return text;
}
