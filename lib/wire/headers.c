/* SPDX-License-Identifier: ISC
 *
 * Reads and rewrites IP headers of either version; the versions themselves are in ipv4.c and ipv6.c.
 */
#include "core/misuse.h"
#include "wire/checksum.h"
#include "wire/headers.h"
#include "wire/ip.h"

static uint8_t version_of(const uint8_t *packet)
{
    return packet[0] >> 4;
}

static bool has_ports(uint8_t protocol)
{
    return protocol == SP_PROTOCOL_TCP || protocol == SP_PROTOCOL_UDP || protocol == SP_PROTOCOL_SCTP ||
           protocol == SP_PROTOCOL_DCCP || protocol == SP_PROTOCOL_UDPLITE;
}

static void read_icmp(const uint8_t *packet, uint32_t total_bytes, struct sp_headers *headers)
{
    if (total_bytes - headers->upper_offset < 2)
        return;
    headers->has_icmp_type = true;
    headers->icmp_type = packet[headers->upper_offset];
    headers->icmp_code = packet[headers->upper_offset + 1];
}

enum sp_drop sp_ports_read(const uint8_t *packet, uint32_t total_bytes, struct sp_headers *headers)
{
    if (headers->protocol == SP_PROTOCOL_ICMP || headers->protocol == SP_PROTOCOL_ICMPV6)
        read_icmp(packet, total_bytes, headers);
    if (!has_ports(headers->protocol))
        return SP_DROP_NONE;
    if (total_bytes - headers->upper_offset < 4)
        return SP_DROP_MALFORMED;
    headers->has_ports = true;
    headers->source_port = sp_read_u16(packet + headers->upper_offset);
    headers->destination_port = sp_read_u16(packet + headers->upper_offset + 2);
    return SP_DROP_NONE;
}

enum sp_drop sp_headers_read(const uint8_t *packet, size_t len_bytes, bool check_checksum,
                             struct sp_headers *ret_headers, uint32_t *ret_total_bytes)
{
    struct sp_headers headers = {.protocol = 0};
    uint32_t total_bytes = 0;
    enum sp_drop fault = SP_DROP_MALFORMED;

    if (len_bytes == 0)
        return SP_DROP_MALFORMED;
    if (version_of(packet) == 4)
        fault = sp_ipv4_read(packet, len_bytes, check_checksum, &headers, &total_bytes);
    else if (version_of(packet) == 6)
        fault = sp_ipv6_read(packet, len_bytes, &headers, &total_bytes);
    if (fault != SP_DROP_NONE)
        return fault;
    *ret_headers = headers;
    *ret_total_bytes = total_bytes;
    return SP_DROP_NONE;
}

static void rewrite_ipv4(uint8_t *packet, uint8_t protocol, uint16_t total_bytes)
{
    uint16_t checksum = sp_read_u16(packet + SP_IPV4_CHECKSUM_AT);
    /* the protocol is the low half of a checksummed word, the hop limit the high one */
    const uint32_t protocol_word_at = SP_IPV4_PROTOCOL_AT - 1;
    uint16_t old_word = sp_read_u16(packet + protocol_word_at);
    uint16_t new_word = (uint16_t)((old_word & 0xff00) | protocol);

    checksum = sp_checksum_mend(checksum, sp_read_u16(packet + SP_IPV4_TOTAL_LENGTH_AT), total_bytes);
    checksum = sp_checksum_mend(checksum, old_word, new_word);
    sp_write_u16(packet + SP_IPV4_TOTAL_LENGTH_AT, total_bytes);
    packet[SP_IPV4_PROTOCOL_AT] = protocol;
    sp_write_u16(packet + SP_IPV4_CHECKSUM_AT, checksum);
}

void sp_headers_rewrite(uint8_t *packet, uint32_t next_header_offset, uint8_t next_header,
                        uint32_t total_bytes)
{
    if (version_of(packet) == 4) {
        SP_REQUIRE(total_bytes <= UINT16_MAX && next_header_offset == SP_IPV4_PROTOCOL_AT);
        rewrite_ipv4(packet, next_header, (uint16_t)total_bytes);
        return;
    }
    SP_REQUIRE(total_bytes >= SP_IPV6_HEADER_BYTES && total_bytes - SP_IPV6_HEADER_BYTES <= UINT16_MAX);
    sp_write_u16(packet + SP_IPV6_PAYLOAD_LENGTH_AT, (uint16_t)(total_bytes - SP_IPV6_HEADER_BYTES));
    packet[next_header_offset] = next_header;
}
