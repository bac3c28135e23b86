/* SPDX-License-Identifier: ISC
 *
 * Builds the packets of packets.h, from the RFCs and not from lib/wire.
 */
#include "packets.h"

#include <string.h>

/* In IPv6 samples the byte that names what comes next; kept where a builder finds it again. */
static size_t next_header_at;

uint16_t naive_sum(const uint8_t *data, size_t len_bytes)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < len_bytes; i++) {
        sum += i % 2 == 0 ? (uint32_t)data[i] * 256 : data[i];
        if (sum > 0xffff)
            sum -= 0xffff;
    }
    return (uint16_t)sum;
}

uint16_t naive_tcp_sum(const uint8_t *addresses, size_t addresses_bytes, const uint8_t *tcp, size_t tcp_bytes)
{
    uint8_t all[PACKET_BYTES_MAX + 64];
    size_t at = addresses_bytes;

    memcpy(all, addresses, addresses_bytes);
    const uint8_t rest[4] = {0, 6, (uint8_t)(tcp_bytes >> 8), (uint8_t)tcp_bytes};
    memcpy(all + at, rest, sizeof rest);
    at += sizeof rest;
    memcpy(all + at, tcp, tcp_bytes);
    return naive_sum(all, at + tcp_bytes);
}

void sample_ipv4(struct sample *sample, uint8_t protocol, uint16_t fragment, size_t option_bytes,
                 const uint8_t *payload, size_t payload_bytes)
{
    size_t header_bytes = 20 + option_bytes, total_bytes = header_bytes + payload_bytes;
    const uint8_t fixed[20] = {(uint8_t)(0x40 | header_bytes / 4),
                               0,
                               (uint8_t)(total_bytes >> 8),
                               (uint8_t)total_bytes,
                               0x12,
                               0x34,
                               (uint8_t)(fragment >> 8),
                               (uint8_t)fragment,
                               64,
                               protocol,
                               0,
                               0,
                               192,
                               0,
                               2,
                               1,
                               198,
                               51,
                               100,
                               2};

    memcpy(sample->bytes, fixed, sizeof fixed);
    memset(sample->bytes + 20, 1, option_bytes);
    uint16_t checksum = (uint16_t)~naive_sum(sample->bytes, header_bytes);
    sample->bytes[10] = (uint8_t)(checksum >> 8);
    sample->bytes[11] = (uint8_t)checksum;
    memcpy(sample->bytes + header_bytes, payload, payload_bytes);
    sample->len_bytes = total_bytes;
}

static void grow_ipv6(struct sample *sample, size_t more_bytes)
{
    sample->len_bytes += more_bytes;
    sample->bytes[4] = (uint8_t)((sample->len_bytes - 40) >> 8);
    sample->bytes[5] = (uint8_t)(sample->len_bytes - 40);
}

void sample_ipv6(struct sample *sample)
{
    const uint8_t prefix[4] = {0x20, 0x01, 0x0d, 0xb8};

    memset(sample->bytes, 0, 40);
    sample->bytes[0] = 0x60;
    sample->bytes[6] = 59;
    sample->bytes[7] = 64;
    memcpy(sample->bytes + 8, prefix, sizeof prefix);
    sample->bytes[23] = 1;
    memcpy(sample->bytes + 24, prefix, sizeof prefix);
    sample->bytes[39] = 2;
    sample->len_bytes = 40;
    next_header_at = 6;
}

void sample_extension(struct sample *sample, uint8_t kind, size_t size_bytes, uint16_t field)
{
    uint8_t *at = sample->bytes + sample->len_bytes;

    sample->bytes[next_header_at] = kind;
    next_header_at = sample->len_bytes;
    memset(at, 0, size_bytes);
    at[0] = 59;
    if (kind == 44) {
        at[2] = (uint8_t)(field >> 8);
        at[3] = (uint8_t)field;
    } else {
        at[1] = (uint8_t)(size_bytes / 8 - 1);
        at[2] = 1; /* a PadN option that fills the header */
        at[3] = (uint8_t)(size_bytes - 4);
    }
    grow_ipv6(sample, size_bytes);
}

void sample_upper(struct sample *sample, uint8_t protocol, const uint8_t *payload, size_t payload_bytes)
{
    sample->bytes[next_header_at] = protocol;
    memcpy(sample->bytes + sample->len_bytes, payload, payload_bytes);
    grow_ipv6(sample, payload_bytes);
}

size_t tcp_header(uint8_t *at, uint8_t flags, const uint8_t *options, size_t option_bytes)
{
    const uint8_t fixed[20] = {
        0x30,  0x39, 0,   80, 1, 2, 3, 4, 0, 0, 0, 0, (uint8_t)((20 + option_bytes) / 4 << 4),
        flags, 0xff, 0xff};

    memcpy(at, fixed, sizeof fixed);
    if (option_bytes > 0)
        memcpy(at + 20, options, option_bytes);
    return 20 + option_bytes;
}
