/* SPDX-License-Identifier: ISC
 *
 * IP headers as the engine needs them: read once, with every bound checked here (RFC 791, RFC 8200).
 *
 * lib/wire is the only code that reads or writes packet bytes outside of what a cipher or a hash covers.
 */
#ifndef SP_WIRE_HEADERS_H
#define SP_WIRE_HEADERS_H

#include <sallyport/packet.h>
#include <sallyport/sa.h>

#define SP_PROTOCOL_ICMP 1
#define SP_PROTOCOL_IPV4 4
#define SP_PROTOCOL_TCP 6
#define SP_PROTOCOL_UDP 17
#define SP_PROTOCOL_DCCP 33
#define SP_PROTOCOL_IPV6 41
#define SP_PROTOCOL_ESP 50
#define SP_PROTOCOL_ICMPV6 58
#define SP_PROTOCOL_NONE 59
#define SP_PROTOCOL_SCTP 132
#define SP_PROTOCOL_UDPLITE 136

struct sp_headers {
    struct sp_address source, destination;
    uint8_t protocol;                       /* of the upper layer, after IPv6 extension headers */
    bool is_fragment;                       /* part of a datagram; an IPv6 atomic fragment (RFC 6946) isn't */
    bool is_first_fragment;                 /* is_fragment with offset 0 */
    bool has_ports;                         /* protocol has ports and they are in this packet */
    uint16_t source_port, destination_port; /* host order, 0 unless has_ports */
    bool has_icmp_type;                     /* ICMP or ICMPv6, and type and code are in this packet */
    uint8_t icmp_type, icmp_code;
    uint32_t upper_offset; /* of the upper-layer header, from the IP header */
    /* Where ESP goes in transport mode: after the IPv4 header with its options; in IPv6 after hop-by-hop,
     * routing and fragment headers and the destination options that precede a routing header (RFC 4303 3.1.1,
     * RFC 8200 4.1). In an ESP packet: where ESP is, which may be behind destination options too. */
    uint32_t esp_offset;
    uint32_t next_header_offset; /* of the protocol byte that names what stands at esp_offset */
    uint8_t esp_next_header;     /* that byte's value */
};

/* Reads a packet of len_bytes. SP_DROP_NONE; SP_DROP_MALFORMED: wrong version, header or total length beyond
 * len_bytes or below the header, IPv4 header checksum wrong (when check_checksum), extension headers that run
 * out of the packet, stand where they may not (hop-by-hop options not first, two fragment headers) or are
 * more than eight, jumbograms, TCP, UDP, UDP-Lite, SCTP or DCCP too short for ports in a packet that should
 * have them, which a first fragment should too (RFC 7112); SP_DROP_FRAGMENT: a later IPv6 fragment that goes
 * on in the middle of extension headers, so that nobody can tell its upper protocol. len_bytes may exceed the
 * IP total length (link padding): ret_total_bytes is the IP packet's own length. */
enum sp_drop sp_headers_read(const uint8_t *packet, size_t len_bytes, bool check_checksum,
                             struct sp_headers *ret_headers, uint32_t *ret_total_bytes) SP_MUST_USE;

/* Writes the packet's new total length and the protocol byte at next_header_offset, and mends the IPv4 header
 * checksum. The length must fit 16 bits. */
void sp_headers_rewrite(uint8_t *packet, uint32_t next_header_offset, uint8_t next_header,
                        uint32_t total_bytes);

/* Big-endian access at any alignment; the caller has checked the bounds. */
static inline uint16_t sp_read_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}
static inline uint32_t sp_read_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}
static inline void sp_write_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}
static inline void sp_write_u32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
}

#endif
