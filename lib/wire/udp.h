/* SPDX-License-Identifier: ISC
 *
 * The UDP header that may stand between IP and ESP (RFC 768, RFC 3948 2), and the checksums that a change of
 * addresses on the way leaves wrong.
 */
#ifndef SP_WIRE_UDP_H
#define SP_WIRE_UDP_H

#include "wire/headers.h"

#define SP_UDP_HEADER_BYTES 8

/* What a datagram on an encapsulation port carries (RFC 3948 2.1 to 2.3). */
enum sp_udp_cargo {
    SP_UDP_ESP,
    SP_UDP_IKE,       /* begins with the non-ESP marker, which is no SPI */
    SP_UDP_KEEPALIVE, /* one byte, 0xFF */
    SP_UDP_SHORT,     /* none of them */
    SP_UDP_MALFORMED, /* the UDP length doesn't fit the packet */
};
/* Reads the header at upper_offset of a packet that headers were read of, as UDP and no fragment.
 * *ret_end: how far it reaches, from the IP header on. Its checksum isn't looked at: the ICV covers what
 * counts, and most senders leave it zero (RFC 3948 2.1). */
enum sp_udp_cargo sp_udp_read(const uint8_t *packet, uint32_t total_bytes, const struct sp_headers *headers,
                              uint32_t *ret_end) SP_MUST_USE;

/* Writes a header for len_bytes of UDP, header included, checksum zero. */
void sp_udp_write(uint8_t *at, uint16_t source_port, uint16_t destination_port, uint32_t len_bytes);

/* Computes that checksum, for a packet of len_bytes whose UDP header is at udp_at. */
void sp_udp_checksum_write(uint8_t *packet, uint32_t udp_at, uint32_t len_bytes);

/* Fills in the checksum of the TCP, UDP or ICMPv6 message that packet, len_bytes of it and no fragment,
 * carries; other packets and UDP without a checksum stay as they are, as do headers that are cut off and
 * datagrams whose length can't be. */
void sp_upper_checksum_renew(uint8_t *packet, uint32_t len_bytes);

#endif
