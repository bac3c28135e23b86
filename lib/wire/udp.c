/* SPDX-License-Identifier: ISC
 *
 * UDP around ESP, and the checksums under it.
 *
 * TCP, UDP and ICMPv6 sum up the addresses of the IP header too (RFC 9293 3.1, RFC 768, RFC 4443 2.3). A NAT
 * changes addresses and can't reach a checksum inside of ESP, so in transport mode the receiver has to make
 * it right again (RFC 3948 3.1.2).
 */
#include "wire/udp.h"

#include "wire/checksum.h"
#include "wire/ip.h"
#include "wire/tcp.h"

#define UDP_LENGTH_AT 4
#define UDP_CHECKSUM_AT 6
#define ICMPV6_CHECKSUM_AT 2
#define NON_ESP_MARKER_BYTES 4
#define KEEPALIVE_BYTE 0xff

enum sp_udp_cargo sp_udp_read(const uint8_t *packet, uint32_t total_bytes, const struct sp_headers *headers,
                              uint32_t *ret_end)
{
    const uint8_t *udp = packet + headers->upper_offset;
    uint32_t room_bytes = total_bytes - headers->upper_offset;

    if (room_bytes < SP_UDP_HEADER_BYTES)
        return SP_UDP_MALFORMED;
    uint32_t len_bytes = sp_read_u16(udp + UDP_LENGTH_AT);
    if (len_bytes < SP_UDP_HEADER_BYTES || len_bytes > room_bytes)
        return SP_UDP_MALFORMED;
    *ret_end = headers->upper_offset + len_bytes;
    uint32_t cargo_bytes = len_bytes - SP_UDP_HEADER_BYTES;
    if (cargo_bytes == 1 && udp[SP_UDP_HEADER_BYTES] == KEEPALIVE_BYTE)
        return SP_UDP_KEEPALIVE;
    if (cargo_bytes < NON_ESP_MARKER_BYTES)
        return SP_UDP_SHORT;
    return sp_read_u32(udp + SP_UDP_HEADER_BYTES) == 0 ? SP_UDP_IKE : SP_UDP_ESP;
}

void sp_udp_write(uint8_t *at, uint16_t source_port, uint16_t destination_port, uint32_t len_bytes)
{
    sp_write_u16(at, source_port);
    sp_write_u16(at + 2, destination_port);
    sp_write_u16(at + UDP_LENGTH_AT, (uint16_t)len_bytes);
    sp_write_u16(at + UDP_CHECKSUM_AT, 0);
}

/* Where the checksum is in the upper layer, and 0 when there is none to renew. */
static uint32_t checksum_at(uint8_t protocol, const uint8_t *upper, uint32_t upper_bytes)
{
    switch (protocol) {
    case SP_PROTOCOL_TCP:
        return upper_bytes >= SP_TCP_HEADER_BYTES_MIN ? SP_TCP_CHECKSUM_AT : 0;
    case SP_PROTOCOL_UDP: /* zero: the sender made none (RFC 768) */
        return upper_bytes >= SP_UDP_HEADER_BYTES && sp_read_u16(upper + UDP_CHECKSUM_AT) != 0
                   ? UDP_CHECKSUM_AT
                   : 0;
    case SP_PROTOCOL_ICMPV6:
        return upper_bytes >= ICMPV6_CHECKSUM_AT + 2 ? ICMPV6_CHECKSUM_AT : 0;
    default:
        return 0;
    }
}

/* Both addresses, length and protocol. */
static uint64_t pseudo_header(const uint8_t *packet, uint8_t protocol, uint32_t upper_bytes)
{
    uint64_t words = (uint64_t)htobe32(upper_bytes) + htobe32(protocol);

    if (packet[0] >> 4 == 6)
        return sp_sum(packet + SP_IPV6_SOURCE_AT, 32, words);
    return sp_sum(packet + SP_IPV4_SOURCE_AT, 8, words);
}

/* Of UDP, 0 would mean that there is none; the others are right with either zero. */
static void write_checksum(uint8_t *packet, uint32_t upper_at, uint32_t field_at, uint8_t protocol,
                           uint32_t len_bytes)
{
    uint8_t *upper = packet + upper_at;
    uint32_t upper_bytes = len_bytes - upper_at;

    sp_write_u16(upper + field_at, 0);
    uint64_t sum = sp_sum(upper, upper_bytes, pseudo_header(packet, protocol, upper_bytes));
    uint16_t checksum = (uint16_t)~sp_sum_fold(sum);
    sp_write_u16(upper + field_at, checksum == 0 && protocol == SP_PROTOCOL_UDP ? 0xffff : checksum);
}

void sp_udp_checksum_write(uint8_t *packet, uint32_t udp_at, uint32_t len_bytes)
{
    write_checksum(packet, udp_at, UDP_CHECKSUM_AT, SP_PROTOCOL_UDP, len_bytes);
}

/* What the checksum covers: of UDP a datagram, which may be shorter than what IP carries. 0: its length
 * can't be. */
static uint32_t covered_bytes(uint8_t protocol, const uint8_t *upper, uint32_t upper_bytes)
{
    if (protocol != SP_PROTOCOL_UDP || upper_bytes < SP_UDP_HEADER_BYTES)
        return upper_bytes;
    uint32_t len_bytes = sp_read_u16(upper + UDP_LENGTH_AT);
    return len_bytes < SP_UDP_HEADER_BYTES || len_bytes > upper_bytes ? 0 : len_bytes;
}

void sp_upper_checksum_renew(uint8_t *packet, uint32_t len_bytes)
{
    struct sp_headers headers;
    uint32_t total_bytes;

    if (sp_headers_read(packet, len_bytes, false, &headers, &total_bytes) != SP_DROP_NONE ||
        headers.is_fragment)
        return;
    const uint8_t *upper = packet + headers.upper_offset;
    uint32_t upper_bytes = covered_bytes(headers.protocol, upper, total_bytes - headers.upper_offset);
    uint32_t field_at = checksum_at(headers.protocol, upper, upper_bytes);
    if (field_at != 0)
        write_checksum(packet, headers.upper_offset, field_at, headers.protocol,
                       headers.upper_offset + upper_bytes);
}
