/* SPDX-License-Identifier: ISC
 *
 * The Internet checksum over a range. It covers IP headers (20 to 60 bytes) only, so it is kept plain.
 */
#include "wire/checksum.h"
#include "wire/headers.h"

uint16_t sp_checksum(const uint8_t *data, size_t len_bytes, uint32_t start)
{
    uint64_t sum = start;
    size_t at = 0;

    for (; at + 2 <= len_bytes; at += 2)
        sum += sp_read_u16(data + at);
    if (at < len_bytes)
        sum += (uint32_t)data[at] << 8;
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}
