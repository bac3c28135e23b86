/* SPDX-License-Identifier: ISC
 *
 * Packets to read, and a checksum that shares no code with the library's.
 */
#ifndef SP_TESTS_UNIT_WIRE_PACKETS_H
#define SP_TESTS_UNIT_WIRE_PACKETS_H

#include <stddef.h>
#include <stdint.h>

#define PACKET_BYTES_MAX 2048

struct sample {
    uint8_t bytes[PACKET_BYTES_MAX];
    size_t len_bytes;
};

/* An IPv4 packet from 192.0.2.1 to 198.51.100.2; fragment is the flags and offset field; option_bytes (a
 * multiple of 4) of no-operation options. */
void sample_ipv4(struct sample *sample, uint8_t protocol, uint16_t fragment, size_t option_bytes,
                 const uint8_t *payload, size_t payload_bytes);

/* An IPv6 packet from 2001:db8::1 to 2001:db8::2. Extension headers are appended one by one; then the upper
 * layer. */
void sample_ipv6(struct sample *sample);
/* Of kind 0, 43, 44 or 60. field: of a fragment header, offset and flag as they lie there. */
void sample_extension(struct sample *sample, uint8_t kind, size_t size_bytes, uint16_t field);
void sample_upper(struct sample *sample, uint8_t protocol, const uint8_t *payload, size_t payload_bytes);

/* A TCP header with these flags and options (a multiple of 4), and its right checksum. The IP header must
 * stand already. */
size_t tcp_header(uint8_t *at, uint8_t flags, const uint8_t *options, size_t option_bytes);

/* The one's complement sum of 16-bit words, added up bit by bit as RFC 791 words it; 0xffff when the data
 * holds its right checksum. */
uint16_t naive_sum(const uint8_t *data, size_t len_bytes);
/* The same over pseudo-header and TCP segment, for addresses of addresses_bytes altogether. */
uint16_t naive_tcp_sum(const uint8_t *addresses, size_t addresses_bytes, const uint8_t *tcp,
                       size_t tcp_bytes);

#endif
