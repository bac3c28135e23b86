/* SPDX-License-Identifier: ISC
 *
 * Lowers the MSS that a TCP SYN announces (RFC 9293 3.7.1), so that segments still fit the path once ESP has
 * grown them. Path MTU discovery would find the same, but many networks drop the ICMP that it needs.
 */
#include "core/misuse.h"
#include "wire/checksum.h"
#include "wire/headers.h"
#include "wire/tcp.h"

#define OPTION_END 0
#define OPTION_NOTHING 1
#define OPTION_MSS 2
#define OPTION_MSS_BYTES 4

static uint16_t swap(uint16_t word)
{
    return (uint16_t)(word << 8 | word >> 8);
}

/* value_at: from the TCP header. At an odd offset the value straddles two checksum words; swapping the bytes
 * of everything comes to the same (RFC 1071 2 B). */
static bool lower(uint8_t *tcp, uint32_t value_at, uint16_t mss_bytes)
{
    uint16_t asked_bytes = sp_read_u16(tcp + value_at);
    uint16_t checksum = sp_read_u16(tcp + SP_TCP_CHECKSUM_AT);
    bool is_odd = value_at % 2 != 0;

    if (asked_bytes <= mss_bytes)
        return false;
    checksum = sp_checksum_mend(checksum, is_odd ? swap(asked_bytes) : asked_bytes,
                                is_odd ? swap(mss_bytes) : mss_bytes);
    sp_write_u16(tcp + value_at, mss_bytes);
    sp_write_u16(tcp + SP_TCP_CHECKSUM_AT, checksum);
    return true;
}

/* Where the MSS value is, or 0. */
static uint32_t find_mss(const uint8_t *tcp, uint32_t header_bytes)
{
    uint32_t at = SP_TCP_HEADER_BYTES_MIN;

    while (at < header_bytes && tcp[at] != OPTION_END) {
        if (tcp[at] == OPTION_NOTHING) {
            at++;
            continue;
        }
        if (at + 2 > header_bytes || tcp[at + 1] < 2 || at + tcp[at + 1] > header_bytes)
            return 0;
        if (tcp[at] == OPTION_MSS && tcp[at + 1] == OPTION_MSS_BYTES)
            return at + 2;
        at += tcp[at + 1];
    }
    return 0;
}

bool sp_packet_clamp_mss(struct sp_packet *packet, uint16_t mss_bytes)
{
    SP_REQUIRE(packet != NULL && packet->head_bytes <= packet->capacity_bytes &&
               packet->len_bytes <= packet->capacity_bytes - packet->head_bytes);
    uint8_t *ip = packet->buffer + packet->head_bytes;
    struct sp_headers headers;
    uint32_t total_bytes;

    if (sp_headers_read(ip, packet->len_bytes, false, &headers, &total_bytes) != SP_DROP_NONE)
        return false;
    if (headers.protocol != SP_PROTOCOL_TCP || headers.is_fragment ||
        total_bytes - headers.upper_offset < SP_TCP_HEADER_BYTES_MIN)
        return false;
    uint8_t *tcp = ip + headers.upper_offset;
    uint32_t header_bytes = sp_tcp_header_bytes(tcp);
    if ((tcp[SP_TCP_FLAGS_AT] & SP_TCP_SYN) == 0 || header_bytes > total_bytes - headers.upper_offset)
        return false;
    uint32_t value_at = find_mss(tcp, header_bytes);
    return value_at != 0 && lower(tcp, value_at, mss_bytes);
}
