/* SPDX-License-Identifier: ISC
 *
 * What the readers of the two IP versions share; sp_headers_read() chooses between them.
 */
#ifndef SP_WIRE_IP_H
#define SP_WIRE_IP_H

#include "wire/headers.h"

/* *headers is zeroed; the packet has at least one byte. They answer as sp_headers_read() does. */
enum sp_drop sp_ipv4_read(const uint8_t *packet, size_t len_bytes, bool check_checksum,
                          struct sp_headers *headers, uint32_t *ret_total_bytes) SP_MUST_USE;
enum sp_drop sp_ipv6_read(const uint8_t *packet, size_t len_bytes, struct sp_headers *headers,
                          uint32_t *ret_total_bytes) SP_MUST_USE;

/* Reads the ports at upper_offset of a packet that isn't a later fragment; protocols without ports have
 * none. SP_DROP_NONE, SP_DROP_MALFORMED. */
enum sp_drop sp_ports_read(const uint8_t *packet, uint32_t total_bytes,
                           struct sp_headers *headers) SP_MUST_USE;

#define SP_IPV4_TOTAL_LENGTH_AT 2
#define SP_IPV4_PROTOCOL_AT 9
#define SP_IPV4_CHECKSUM_AT 10
#define SP_IPV4_SOURCE_AT 12 /* the destination is right behind, here and in IPv6 */

#define SP_IPV6_HEADER_BYTES 40
#define SP_IPV6_PAYLOAD_LENGTH_AT 4
#define SP_IPV6_NEXT_HEADER_AT 6
#define SP_IPV6_SOURCE_AT 8

#endif
