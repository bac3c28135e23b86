/* SPDX-License-Identifier: ISC
 *
 * The Internet checksum (RFC 1071), whole and mended in place (RFC 1624).
 */
#ifndef SP_WIRE_CHECKSUM_H
#define SP_WIRE_CHECKSUM_H

#include <endian.h>
#include <stddef.h>
#include <stdint.h>

/* Of len_bytes, ready for the header; 0 when the data holds its own right checksum. start is a sum to go on
 * from, as of a pseudo-header. */
uint16_t sp_checksum(const uint8_t *data, size_t len_bytes, uint32_t start);

/* What the checksum becomes when one of the 16-bit words that it covers changes. The third equation of RFC
 * 1624 3: the older one of RFC 1141 gives -0 where +0 is right. */
static inline uint16_t sp_checksum_mend(uint16_t checksum, uint16_t old_word, uint16_t new_word)
{
    uint32_t sum = (uint16_t)~checksum + (uint32_t)(uint16_t)~old_word + new_word;

    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

/* For payloads: sums of native 64-bit words with the carry brought round, which hold any 16-bit sum within
 * (RFC 1071 2 B, C). Sums of even-length ranges may be added to by handing one over as the next one's start.
 * The second copies besides; its ranges don't overlap. */
uint64_t sp_sum(const uint8_t *data, size_t len_bytes, uint64_t start);
uint64_t sp_sum_copy(uint8_t *to, const uint8_t *from, size_t len_bytes, uint64_t start);

/* Such a sum as 16 bits in host order: what a header's checksum field is the complement of. */
static inline uint16_t sp_sum_fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return be16toh((uint16_t)sum);
}

#endif
