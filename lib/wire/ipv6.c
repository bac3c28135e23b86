/* SPDX-License-Identifier: ISC
 *
 * The IPv6 header and the extension headers behind it (RFC 8200 3, 4).
 *
 * One walk finds three things: the upper layer, whether this is a fragment, and where ESP stands in transport
 * mode. The last of the hop-by-hop, routing and fragment headers is what ESP must follow (RFC 4303 3.1.1);
 * destination options come before ESP only when one of those follows them.
 *
 * AH, Mobility (RFC 6275) and HIP are upper protocols here, as they are to a selector (RFC 4301 4.4.1.1).
 *
 * A later fragment has no header chain of its own: its fragment header names what the first fragment begins
 * with. When that is an extension header, nobody can tell which upper protocol the bytes belong to, and a
 * guess would let what must be protected out in clear text. So it is refused.
 */
#include "wire/ip.h"

#include <string.h>

#define SOURCE_AT 8
#define DESTINATION_AT 24

#define EXTENSION_HOP_BY_HOP 0
#define EXTENSION_ROUTING 43
#define EXTENSION_FRAGMENT 44
#define EXTENSION_DESTINATION 60

/* Senders use each kind once, destination options twice (RFC 8200 4.1): five. Who sends many more wants to
 * keep a classifier busy. */
#define EXTENSIONS_MAX 8

#define FRAGMENT_HEADER_BYTES 8
#define FRAGMENT_OFFSET_MASK 0xfff8
#define MORE_FRAGMENTS 0x0001

struct walk {
    const uint8_t *packet;
    uint32_t total_bytes;
    uint32_t at; /* the header that next_header names */
    uint8_t next_header;
    uint32_t next_header_at; /* of the byte that names it */
    bool has_fragment_header;
    bool is_later_fragment;
};

static void read_address(const uint8_t *at, struct sp_address *address)
{
    address->family = 6;
    memcpy(address->bytes, at, 16);
}

static bool is_extension(uint8_t next_header)
{
    return next_header == EXTENSION_HOP_BY_HOP || next_header == EXTENSION_ROUTING ||
           next_header == EXTENSION_FRAGMENT || next_header == EXTENSION_DESTINATION;
}

static void place_esp(struct sp_headers *headers, const struct walk *walk)
{
    headers->esp_offset = walk->at;
    headers->next_header_offset = walk->next_header_at;
    headers->esp_next_header = walk->next_header;
}

static enum sp_drop note_fragment(struct sp_headers *headers, struct walk *walk, uint32_t header_at)
{
    if (walk->has_fragment_header)
        return SP_DROP_MALFORMED;
    walk->has_fragment_header = true;
    uint16_t field = sp_read_u16(walk->packet + header_at + 2);
    walk->is_later_fragment = (field & FRAGMENT_OFFSET_MASK) != 0;
    headers->is_fragment = walk->is_later_fragment || (field & MORE_FRAGMENTS) != 0;
    headers->is_first_fragment = headers->is_fragment && !walk->is_later_fragment;
    if (walk->is_later_fragment && is_extension(walk->next_header))
        return SP_DROP_FRAGMENT;
    return SP_DROP_NONE;
}

/* Steps over the extension header at walk->at. */
static enum sp_drop step(struct sp_headers *headers, struct walk *walk)
{
    uint8_t kind = walk->next_header;
    uint32_t header_at = walk->at;
    uint32_t rest_bytes = walk->total_bytes - header_at;

    if (rest_bytes < FRAGMENT_HEADER_BYTES) /* the least that any of them has */
        return SP_DROP_MALFORMED;
    if (kind == EXTENSION_HOP_BY_HOP && header_at != SP_IPV6_HEADER_BYTES)
        return SP_DROP_MALFORMED;
    /* the fragment header has no length: its second byte is reserved */
    uint32_t header_bytes =
        kind == EXTENSION_FRAGMENT ? FRAGMENT_HEADER_BYTES : (walk->packet[header_at + 1] + 1u) * 8;
    if (header_bytes > rest_bytes)
        return SP_DROP_MALFORMED;

    walk->next_header = walk->packet[header_at];
    walk->next_header_at = header_at;
    walk->at = header_at + header_bytes;
    if (kind != EXTENSION_DESTINATION)
        place_esp(headers, walk);
    return kind == EXTENSION_FRAGMENT ? note_fragment(headers, walk, header_at) : SP_DROP_NONE;
}

static enum sp_drop walk_extensions(struct sp_headers *headers, struct walk *walk)
{
    uint32_t steps = 0;

    while (!walk->is_later_fragment && is_extension(walk->next_header)) {
        if (steps++ == EXTENSIONS_MAX)
            return SP_DROP_MALFORMED;
        enum sp_drop fault = step(headers, walk);
        if (fault != SP_DROP_NONE)
            return fault;
    }
    return SP_DROP_NONE;
}

enum sp_drop sp_ipv6_read(const uint8_t *packet, size_t len_bytes, struct sp_headers *headers,
                          uint32_t *ret_total_bytes)
{
    if (len_bytes < SP_IPV6_HEADER_BYTES)
        return SP_DROP_MALFORMED;
    uint32_t payload_bytes = sp_read_u16(packet + SP_IPV6_PAYLOAD_LENGTH_AT);
    struct walk walk = {
        .packet = packet,
        .total_bytes = SP_IPV6_HEADER_BYTES + payload_bytes,
        .at = SP_IPV6_HEADER_BYTES,
        .next_header = packet[SP_IPV6_NEXT_HEADER_AT],
        .next_header_at = SP_IPV6_NEXT_HEADER_AT,
    };
    if (walk.total_bytes > len_bytes)
        return SP_DROP_MALFORMED;
    /* 0 may be an empty upper layer. It may also announce a jumbogram (RFC 2675), longer than ESP's callers
     * can hold: its hop-by-hop options then run out of the packet, which makes it malformed. */

    read_address(packet + SOURCE_AT, &headers->source);
    read_address(packet + DESTINATION_AT, &headers->destination);
    place_esp(headers, &walk);
    enum sp_drop fault = walk_extensions(headers, &walk);
    if (fault != SP_DROP_NONE)
        return fault;
    if (walk.next_header == SP_PROTOCOL_ESP) /* where it is, not where it would go */
        place_esp(headers, &walk);
    headers->protocol = walk.next_header;
    headers->upper_offset = walk.at;
    *ret_total_bytes = walk.total_bytes;
    return walk.is_later_fragment ? SP_DROP_NONE : sp_ports_read(packet, walk.total_bytes, headers);
}
