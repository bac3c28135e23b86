/* SPDX-License-Identifier: ISC
 *
 * The IPv4 header (RFC 791 3.1). Options are stepped over, never interpreted: they stay in front of ESP.
 */
#include "wire/checksum.h"
#include "wire/ip.h"

#include <string.h>

#define HEADER_BYTES_MIN 20
#define FRAGMENT_AT 6
#define SOURCE_AT 12
#define DESTINATION_AT 16

#define MORE_FRAGMENTS 0x2000
#define FRAGMENT_OFFSET_MASK 0x1fff

static void read_address(const uint8_t *at, struct sp_address *address)
{
    uint8_t bytes[sizeof address->bytes] = {0}; /* written whole, for who compares it whole right after */

    memcpy(bytes, at, 4);
    memcpy(address->bytes, bytes, sizeof bytes);
    address->family = 4;
}

enum sp_drop sp_ipv4_read(const uint8_t *packet, size_t len_bytes, bool check_checksum,
                          struct sp_headers *headers, uint32_t *ret_total_bytes)
{
    if (len_bytes < HEADER_BYTES_MIN)
        return SP_DROP_MALFORMED;
    uint32_t header_bytes = (packet[0] & 0x0fu) * 4;
    uint32_t total_bytes = sp_read_u16(packet + SP_IPV4_TOTAL_LENGTH_AT);
    if (header_bytes < HEADER_BYTES_MIN || total_bytes < header_bytes || total_bytes > len_bytes)
        return SP_DROP_MALFORMED;
    if (check_checksum && sp_checksum(packet, header_bytes, 0) != 0)
        return SP_DROP_MALFORMED;

    uint16_t fragment = sp_read_u16(packet + FRAGMENT_AT);
    bool is_later = (fragment & FRAGMENT_OFFSET_MASK) != 0;
    read_address(packet + SOURCE_AT, &headers->source);
    read_address(packet + DESTINATION_AT, &headers->destination);
    headers->protocol = packet[SP_IPV4_PROTOCOL_AT];
    headers->is_fragment = is_later || (fragment & MORE_FRAGMENTS) != 0;
    headers->is_first_fragment = headers->is_fragment && !is_later;
    headers->upper_offset = header_bytes;
    headers->esp_offset = header_bytes;
    headers->next_header_offset = SP_IPV4_PROTOCOL_AT;
    headers->esp_next_header = headers->protocol;
    *ret_total_bytes = total_bytes;
    return is_later ? SP_DROP_NONE : sp_ports_read(packet, total_bytes, headers);
}
