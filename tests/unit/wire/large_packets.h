/* SPDX-License-Identifier: ISC
 *
 * TCP packets for the tests of cutting and joining.
 */
#ifndef SP_TESTS_UNIT_WIRE_LARGE_PACKETS_H
#define SP_TESTS_UNIT_WIRE_LARGE_PACKETS_H

#include <sallyport/large.h>

#include "packets.h"

#define ACK 0x10
#define PSH 0x08
#define FIN 0x01
#define SYN 0x02
#define CWR 0x80
#define SLOT_BYTES 4096
#define SLOTS 256

/* Options that packets with option_bytes have, or the first of them. */
extern const uint8_t timestamps[12];

struct shape {
    bool is_ipv6;
    uint8_t flags;
    size_t option_bytes;
    uint32_t sequence;
    size_t payload_bytes;
};

size_t ip_bytes_of(bool is_ipv6);
void put_u16(uint8_t *at, size_t value);
size_t get_u16(const uint8_t *at);
uint32_t get_u32(const uint8_t *at);
/* 0xffff when the TCP checksum is right. */
uint16_t tcp_sum(const uint8_t *packet, size_t len_bytes);
/* A packet of any length with random payload. segment_bytes 0: its checksum is right; else the field holds
 * the pseudo-header's sum, as a stack leaves it for a device, and large says so. Returns the length. */
size_t build(uint8_t *packet, const struct shape *shape, struct sp_large *large, size_t segment_bytes);
/* SLOTS of them, always the same, nothing in them. */
struct sp_packet *make_slots(void);
const uint8_t *bytes_of(const struct sp_packet *packet);

#endif
