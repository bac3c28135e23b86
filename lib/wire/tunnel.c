/* SPDX-License-Identifier: ISC
 *
 * Outer headers: written when a packet goes into a tunnel, heard once more when it comes out.
 *
 * Nothing but DF, DSCP and ECN passes from one header to the other. The hop limit starts anew, the IPv6 flow
 * label is 0, so that nobody on the way can tell the flows in the tunnel apart, and what options and
 * extension headers the packet has stay with it.
 */
#include "wire/tunnel.h"

#include "core/misuse.h"
#include "wire/checksum.h"
#include "wire/ip.h"

#include <string.h>

#define OUTER_HOP_LIMIT 64 /* RFC 1700, and what hosts take */
#define TRAFFIC_CLASS_AT 1 /* of IPv4; in IPv6 it straddles the first two bytes */
#define IPV4_FLAGS_AT 6
#define DONT_FRAGMENT 0x40

#define ECN_MASK 3u
#define DSCP_SHIFT 2
enum ecn { NOT_ECT, ECT_1, ECT_0, CE }; /* RFC 3168 5 */

static bool is_ipv6(const uint8_t *packet)
{
    return packet[0] >> 4 == 6;
}

static uint8_t traffic_class(const uint8_t *packet)
{
    if (!is_ipv6(packet))
        return packet[TRAFFIC_CLASS_AT];
    return (uint8_t)(packet[0] << 4 | packet[1] >> 4);
}

static void write_ipv4(uint8_t *at, const struct sp_outer *outer)
{
    memset(at, 0, sp_outer_bytes(4));
    at[0] = 0x45;
    at[TRAFFIC_CLASS_AT] = outer->traffic_class;
    sp_write_u16(at + SP_IPV4_TOTAL_LENGTH_AT, (uint16_t)outer->total_bytes);
    sp_write_u16(at + 4, outer->identification);
    at[IPV4_FLAGS_AT] = outer->has_df ? DONT_FRAGMENT : 0;
    at[8] = OUTER_HOP_LIMIT;
    at[SP_IPV4_PROTOCOL_AT] = outer->protocol;
    memcpy(at + SP_IPV4_SOURCE_AT, outer->source->bytes, 4);
    memcpy(at + SP_IPV4_SOURCE_AT + 4, outer->destination->bytes, 4);
    sp_write_u16(at + SP_IPV4_CHECKSUM_AT, sp_checksum(at, sp_outer_bytes(4), 0));
}

static void write_ipv6(uint8_t *at, const struct sp_outer *outer)
{
    sp_write_u32(at, 6u << 28 | (uint32_t)outer->traffic_class << 20);
    sp_write_u16(at + SP_IPV6_PAYLOAD_LENGTH_AT, (uint16_t)(outer->total_bytes - SP_IPV6_HEADER_BYTES));
    at[SP_IPV6_NEXT_HEADER_AT] = outer->protocol;
    at[7] = OUTER_HOP_LIMIT;
    memcpy(at + SP_IPV6_SOURCE_AT, outer->source->bytes, 16);
    memcpy(at + SP_IPV6_SOURCE_AT + 16, outer->destination->bytes, 16);
}

void sp_outer_write(uint8_t *at, const struct sp_outer *outer)
{
    SP_REQUIRE(outer->total_bytes <= UINT16_MAX &&
               outer->total_bytes >= sp_outer_bytes(outer->source->family));
    if (outer->source->family == 6)
        write_ipv6(at, outer);
    else
        write_ipv4(at, outer);
}

/* RFC 6040 4.1: the mark is copied, CE too, unless the other end would lose it. */
uint8_t sp_outer_traffic_class(const uint8_t *inner, const struct sp_tunnel *tunnel)
{
    uint8_t own = traffic_class(inner);
    uint8_t dscp = tunnel->has_dscp ? tunnel->dscp : own >> DSCP_SHIFT;

    return (uint8_t)(dscp << DSCP_SHIFT | (tunnel->has_no_ecn ? NOT_ECT : own & ECN_MASK));
}

/* Routers don't cut IPv6, so around it DF keeps what was promised (RFC 4301 8.1 leaves that open). */
bool sp_outer_has_df(const uint8_t *inner, const struct sp_tunnel *tunnel)
{
    if (tunnel->df != SP_TUNNEL_DF_COPY)
        return tunnel->df == SP_TUNNEL_DF_SET;
    return is_ipv6(inner) || (inner[IPV4_FLAGS_AT] & DONT_FRAGMENT) != 0;
}

static void set_ecn(uint8_t *packet, enum ecn ecn)
{
    if (is_ipv6(packet)) {
        packet[1] = (uint8_t)((packet[1] & ~(ECN_MASK << 4)) | (uint32_t)ecn << 4);
        return;
    }
    uint16_t old_word = sp_read_u16(packet);
    uint16_t new_word = (uint16_t)((old_word & ~ECN_MASK) | ecn);
    uint16_t checksum = sp_read_u16(packet + SP_IPV4_CHECKSUM_AT);
    sp_write_u16(packet, new_word);
    sp_write_u16(packet + SP_IPV4_CHECKSUM_AT, sp_checksum_mend(checksum, old_word, new_word));
}

/* What leaves the tunnel, [inner][outer]; LOST where the packet is to be dropped. */
#define LOST 0xff
static const uint8_t merged[4][4] = {
    [NOT_ECT] = {[NOT_ECT] = NOT_ECT, [ECT_0] = NOT_ECT, [ECT_1] = NOT_ECT, [CE] = LOST},
    [ECT_0] = {[NOT_ECT] = ECT_0, [ECT_0] = ECT_0, [ECT_1] = ECT_1, [CE] = CE},
    [ECT_1] = {[NOT_ECT] = ECT_1, [ECT_0] = ECT_1, [ECT_1] = ECT_1, [CE] = CE},
    [CE] = {[NOT_ECT] = CE, [ECT_0] = CE, [ECT_1] = CE, [CE] = CE},
};

bool sp_tunnel_keep_ecn(const uint8_t *outer, uint8_t *inner)
{
    uint8_t was = traffic_class(inner) & ECN_MASK;
    uint8_t becomes = merged[was][traffic_class(outer) & ECN_MASK];

    if (becomes == LOST)
        return false;
    if (becomes != was)
        set_ecn(inner, (enum ecn)becomes);
    return true;
}
