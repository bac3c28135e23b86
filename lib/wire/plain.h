/* SPDX-License-Identifier: ISC
 *
 * The usual packet, without a call: IPv4 without options, no fragment, with a right checksum. What it refuses
 * may still be good: headers.h reads anything.
 */
#ifndef SP_WIRE_PLAIN_H
#define SP_WIRE_PLAIN_H

#include "wire/headers.h"

#include <endian.h>
#include <string.h>

#define SP_PLAIN_HEADER_BYTES 20u
#define SP_PLAIN_NEXT_HEADER_OFFSET 9u
/* behind the header, so that whatever protocol it is has its ports */
#define SP_PLAIN_PAYLOAD_BYTES_MIN 8u

struct sp_plain {
    uint64_t addresses; /* source and destination as they stand in the header */
    uint32_t total_bytes;
    uint8_t protocol;
};

static inline uint64_t sp_plain_addresses(const uint8_t source[4], const uint8_t destination[4])
{
    uint64_t addresses;
    uint8_t bytes[sizeof addresses];

    memcpy(bytes, source, 4);
    memcpy(bytes + 4, destination, 4);
    memcpy(&addresses, bytes, sizeof addresses);
    return addresses;
}

/* A sum of 16-bit words in any byte order (RFC 1071 2 B), to 16 bits: of up to 2^32 - 1, */
static inline uint16_t sp_plain_fold_small(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* and of some words of 32 bits. */
static inline uint16_t sp_plain_fold(uint64_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
    return sp_plain_fold_small((uint32_t)sum);
}

/* False: sp_headers_read() tells what it is. */
static inline bool sp_plain_read(const uint8_t *packet, size_t len_bytes, struct sp_plain *ret_plain)
{
    const uint16_t fragment_mask = htobe16(0x3fff); /* more fragments, and the offset (RFC 791 3.1) */
    uint32_t words[SP_PLAIN_HEADER_BYTES / 4];
    uint16_t fragment;

    if (len_bytes < SP_PLAIN_HEADER_BYTES + SP_PLAIN_PAYLOAD_BYTES_MIN)
        return false;
    memcpy(words, packet, sizeof words);
    memcpy(&fragment, packet + 6, sizeof fragment);
    uint32_t total_bytes = sp_read_u16(packet + 2);
    uint64_t sum = (uint64_t)words[0] + words[1] + words[2] + words[3] + words[4];
    if (packet[0] != 0x45 || (fragment & fragment_mask) != 0 || sp_plain_fold(sum) != 0xffff ||
        total_bytes < SP_PLAIN_HEADER_BYTES + SP_PLAIN_PAYLOAD_BYTES_MIN || total_bytes > len_bytes)
        return false;
    memcpy(&ret_plain->addresses, packet + 12, sizeof ret_plain->addresses);
    ret_plain->total_bytes = total_bytes;
    ret_plain->protocol = packet[SP_PLAIN_NEXT_HEADER_OFFSET];
    return true;
}

/* Moves the header of such a packet and does what sp_headers_rewrite() does. They may overlap. In registers:
 * a header put together in memory would wait for its small stores. */
static inline void sp_plain_move(uint8_t *to, const uint8_t *from, uint8_t protocol, uint32_t total_bytes)
{
    uint32_t words[SP_PLAIN_HEADER_BYTES / 4];

    memcpy(words, from, sizeof words);
    uint32_t first = be32toh(words[0]), third = be32toh(words[2]); /* length; hop limit, protocol, checksum */
    uint32_t new_protocol_word = (third >> 16 & 0xff00) | protocol;
    uint32_t sum = (~third & 0xffff) + (~first & 0xffff) + total_bytes + (~third >> 16) + new_protocol_word;
    words[0] = htobe32((first & 0xffff0000) | total_bytes);
    words[2] = htobe32(new_protocol_word << 16 | (uint16_t)~sp_plain_fold_small(sum));
    memcpy(to, &words[0], 4);
    memcpy(to + 4, &words[1], 4);
    memcpy(to + 8, &words[2], 4);
    memcpy(to + 12, &words[3], 4);
    memcpy(to + 16, &words[4], 4);
}

#endif
