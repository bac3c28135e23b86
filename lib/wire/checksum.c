/* SPDX-License-Identifier: ISC
 *
 * The Internet checksum over a range. sp_checksum() covers IP headers (20 to 60 bytes) only: the 20 bytes
 * that all have are summed without a loop, options plainly; the sums of payloads take 8 bytes an addition, in
 * four chains that don't wait for each other.
 */
#include "wire/checksum.h"
#include "wire/headers.h"

#include <stdbool.h>
#include <string.h>

#define HEADER_BYTES_MIN 20 /* IPv4 without options */
#define CHAINS 4
#define WORD_BYTES sizeof(uint64_t)

static inline uint64_t sum_header(const uint8_t *data)
{
    uint32_t words[HEADER_BYTES_MIN / 4];

    memcpy(words, data, sizeof words);
    return (uint64_t)words[0] + words[1] + words[2] + words[3] + words[4];
}

uint16_t sp_checksum(const uint8_t *data, size_t len_bytes, uint32_t start)
{
    uint64_t sum = start;
    size_t at = 0;

    if (len_bytes >= HEADER_BYTES_MIN) {
        sum += sp_sum_fold(sum_header(data));
        at = HEADER_BYTES_MIN;
    }
    for (; at + 2 <= len_bytes; at += 2)
        sum += sp_read_u16(data + at);
    if (at < len_bytes)
        sum += (uint32_t)data[at] << 8;
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static inline uint64_t add(uint64_t sum, uint64_t word)
{
    bool is_carried = __builtin_add_overflow(sum, word, &sum);

    return sum + is_carried;
}

/* to may be NULL, which the two callers below decide at compile time. */
static inline __attribute__((always_inline)) uint64_t sum_range(uint8_t *to, const uint8_t *from,
                                                                size_t len_bytes, uint64_t start)
{
    uint64_t sums[CHAINS] = {start};
    uint64_t words[CHAINS];
    size_t at = 0;

    for (; at + sizeof words <= len_bytes; at += sizeof words) {
        memcpy(words, from + at, sizeof words);
        if (to != NULL)
            memcpy(to + at, words, sizeof words);
        for (size_t i = 0; i < CHAINS; i++)
            sums[i] = add(sums[i], words[i]);
    }
    for (; at < len_bytes; at += WORD_BYTES) {
        size_t rest_bytes = len_bytes - at < WORD_BYTES ? len_bytes - at : WORD_BYTES;
        uint64_t word = 0;
        memcpy(&word, from + at, rest_bytes);
        if (to != NULL)
            memcpy(to + at, &word, rest_bytes);
        sums[0] = add(sums[0], word);
    }
    return add(add(sums[0], sums[1]), add(sums[2], sums[3]));
}

uint64_t sp_sum(const uint8_t *data, size_t len_bytes, uint64_t start)
{
    return sum_range(NULL, data, len_bytes, start);
}

uint64_t sp_sum_copy(uint8_t *to, const uint8_t *from, size_t len_bytes, uint64_t start)
{
    return sum_range(to, from, len_bytes, start);
}
