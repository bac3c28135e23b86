/* SPDX-License-Identifier: ISC
 *
 * Makes TCP packets by code that the library doesn't share.
 */
#include "large_packets.h"

#include <stdlib.h>
#include <string.h>

const uint8_t timestamps[12] = {1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8};

size_t ip_bytes_of(bool is_ipv6)
{
    return is_ipv6 ? 40 : 20;
}

void put_u16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

size_t get_u16(const uint8_t *at)
{
    return (size_t)at[0] << 8 | at[1];
}

uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)(get_u16(at) << 16 | get_u16(at + 2));
}

uint16_t tcp_sum(const uint8_t *packet, size_t len_bytes)
{
    bool is_ipv6 = packet[0] >> 4 == 6;
    size_t ip_bytes = ip_bytes_of(is_ipv6);

    return naive_tcp_sum(packet + (is_ipv6 ? 8 : 12), is_ipv6 ? 32 : 8, packet + ip_bytes,
                         len_bytes - ip_bytes);
}

/* All that a stack puts into the field when a device is to finish it. */
static void set_pseudo_header_sum(uint8_t *packet, size_t total_bytes)
{
    bool is_ipv6 = packet[0] >> 4 == 6;
    size_t ip_bytes = ip_bytes_of(is_ipv6);
    uint8_t pseudo[40] = {0};
    size_t addresses_bytes = is_ipv6 ? 32 : 8;

    memcpy(pseudo, packet + (is_ipv6 ? 8 : 12), addresses_bytes);
    pseudo[addresses_bytes + 1] = 6;
    put_u16(pseudo + addresses_bytes + 2, total_bytes - ip_bytes);
    put_u16(packet + ip_bytes + 16, naive_sum(pseudo, addresses_bytes + 4));
}

/* A packet of any length with random payload; its checksum right, or as a stack leaves it for a device. */
size_t build(uint8_t *packet, const struct shape *shape, struct sp_large *large, size_t segment_bytes)
{
    size_t ip_bytes = ip_bytes_of(shape->is_ipv6), tcp_bytes = 20 + shape->option_bytes;
    size_t total_bytes = ip_bytes + tcp_bytes + shape->payload_bytes;
    uint8_t *tcp = packet + ip_bytes;

    memset(packet, 0, ip_bytes + tcp_bytes);
    if (shape->is_ipv6) {
        packet[0] = 0x60;
        put_u16(packet + 4, total_bytes - 40);
        packet[6] = 6;
        packet[7] = 64;
        memcpy(packet + 8, "\x20\x01\x0d\xb8", 4);
        memcpy(packet + 24, "\x20\x01\x0d\xb8", 4);
        packet[23] = 1;
        packet[39] = 2;
    } else {
        packet[0] = 0x45;
        put_u16(packet + 2, total_bytes);
        put_u16(packet + 4, 0xfffe); /* wraps while counting */
        packet[6] = 0x40;
        packet[8] = 64;
        packet[9] = 6;
        memcpy(packet + 12, "\xc0\x00\x02\x01\xc6\x33\x64\x02", 8);
        put_u16(packet + 10, (uint16_t)~naive_sum(packet, 20));
    }
    put_u16(tcp, 40000);
    put_u16(tcp + 2, 80);
    put_u16(tcp + 4, shape->sequence >> 16);
    put_u16(tcp + 6, shape->sequence & 0xffff);
    put_u16(tcp + 8, 0x1234);
    tcp[12] = (uint8_t)(tcp_bytes / 4 << 4);
    tcp[13] = shape->flags;
    put_u16(tcp + 14, 501);
    memcpy(tcp + 20, timestamps, shape->option_bytes);
    for (size_t i = 0; i < shape->payload_bytes; i++)
        tcp[tcp_bytes + i] = (uint8_t)rand();
    *large = (struct sp_large){.segment_bytes = (uint16_t)segment_bytes,
                               .needs_checksum = segment_bytes > 0,
                               .checksum_start_bytes = (uint16_t)ip_bytes,
                               .checksum_offset_bytes = 16};
    if (segment_bytes > 0)
        set_pseudo_header_sum(packet, total_bytes);
    else
        put_u16(tcp + 16, (uint16_t)~tcp_sum(packet, total_bytes));
    return total_bytes;
}

struct sp_packet *make_slots(void)
{
    static struct sp_packet packets[SLOTS];
    static uint8_t memory[SLOTS][SLOT_BYTES];

    for (size_t i = 0; i < SLOTS; i++)
        packets[i] = (struct sp_packet){.buffer = memory[i], .capacity_bytes = SLOT_BYTES};
    return packets;
}

const uint8_t *bytes_of(const struct sp_packet *packet)
{
    return packet->buffer + packet->head_bytes;
}
