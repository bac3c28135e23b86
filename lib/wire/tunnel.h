/* SPDX-License-Identifier: ISC
 *
 * The outer header of tunnel mode (RFC 4301 5.1.2), and congestion marks on their way through the tunnel (RFC
 * 6040).
 */
#ifndef SP_WIRE_TUNNEL_H
#define SP_WIRE_TUNNEL_H

#include "wire/headers.h"

struct sp_outer {
    const struct sp_address *source, *destination; /* of one family */
    uint8_t protocol;
    uint8_t traffic_class;   /* DSCP and ECN */
    bool has_df;             /* IPv4 */
    uint16_t identification; /* IPv4 */
    uint32_t total_bytes;    /* what is sent, this header included: at most 65,535 */
};

/* Bytes of the header that sp_outer_write() writes. */
static inline uint32_t sp_outer_bytes(uint8_t family)
{
    return (uint32_t)sp_tunnel_overhead_bytes(family);
}
void sp_outer_write(uint8_t *at, const struct sp_outer *outer);

/* What the outer header takes from the inner one, which has been read. */
uint8_t sp_outer_traffic_class(const uint8_t *inner, const struct sp_tunnel *tunnel);
bool sp_outer_has_df(const uint8_t *inner, const struct sp_tunnel *tunnel);

/* Carries the outer header's congestion mark over into the inner header, as RFC 6040 4.2 has it in figure 4.
 * False: the packet is to be dropped, for the inner header can't tell that there was congestion. Both headers
 * have been read. */
bool sp_tunnel_keep_ecn(const uint8_t *outer, uint8_t *inner) SP_MUST_USE;

/* The next header that says what is in the tunnel: 4 or 41 (RFC 4303 2.6). */
static inline uint8_t sp_tunnel_protocol(const uint8_t *inner)
{
    return inner[0] >> 4 == 6 ? SP_PROTOCOL_IPV6 : SP_PROTOCOL_IPV4;
}

#endif
