/* SPDX-License-Identifier: ISC
 *
 * Which 3DES keys are refused.
 *
 * k1 = k2 or k2 = k3 makes two of the three passes cancel out: single DES (RFC 2451 2.3). A weak key encrypts
 * as it decrypts, a semi-weak one undoes its partner (FIPS 74 3.6, listed in RFC 2409 appendix A). The lowest
 * bit of each byte is parity, which the cipher doesn't see.
 */
#include "crypto/suite.h"

#include <stdbool.h>

#define PART_BYTES 8
#define PARTS 3
#define KEY_BITS_MASK 0xfe

static const uint8_t weak_parts[][PART_BYTES] = {
    {0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01},
    {0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe},
    {0xe0, 0xe0, 0xe0, 0xe0, 0xf1, 0xf1, 0xf1, 0xf1},
    {0x1f, 0x1f, 0x1f, 0x1f, 0x0e, 0x0e, 0x0e, 0x0e},
};

static const uint8_t semi_weak_parts[][PART_BYTES] = {
    {0x01, 0xfe, 0x01, 0xfe, 0x01, 0xfe, 0x01, 0xfe}, {0xfe, 0x01, 0xfe, 0x01, 0xfe, 0x01, 0xfe, 0x01},
    {0x1f, 0xe0, 0x1f, 0xe0, 0x0e, 0xf1, 0x0e, 0xf1}, {0xe0, 0x1f, 0xe0, 0x1f, 0xf1, 0x0e, 0xf1, 0x0e},
    {0x01, 0xe0, 0x01, 0xe0, 0x01, 0xf1, 0x01, 0xf1}, {0xe0, 0x01, 0xe0, 0x01, 0xf1, 0x01, 0xf1, 0x01},
    {0x1f, 0xfe, 0x1f, 0xfe, 0x0e, 0xfe, 0x0e, 0xfe}, {0xfe, 0x1f, 0xfe, 0x1f, 0xfe, 0x0e, 0xfe, 0x0e},
    {0x01, 0x1f, 0x01, 0x1f, 0x01, 0x0e, 0x01, 0x0e}, {0x1f, 0x01, 0x1f, 0x01, 0x0e, 0x01, 0x0e, 0x01},
    {0xe0, 0xfe, 0xe0, 0xfe, 0xf1, 0xfe, 0xf1, 0xfe}, {0xfe, 0xe0, 0xfe, 0xe0, 0xfe, 0xf1, 0xfe, 0xf1},
};

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

static const char *const weak_texts[PARTS] = {
    "k1, the first 8 bytes of the 3DES key, is a DES weak key",
    "k2, the middle 8 bytes of the 3DES key, is a DES weak key",
    "k3, the last 8 bytes of the 3DES key, is a DES weak key",
};

static const char *const semi_weak_texts[PARTS] = {
    "k1, the first 8 bytes of the 3DES key, is a DES semi-weak key",
    "k2, the middle 8 bytes of the 3DES key, is a DES semi-weak key",
    "k3, the last 8 bytes of the 3DES key, is a DES semi-weak key",
};

static bool are_same(const uint8_t *left, const uint8_t *right)
{
    unsigned difference = 0;

    for (size_t i = 0; i < PART_BYTES; i++)
        difference |= (unsigned)(left[i] ^ right[i]) & KEY_BITS_MASK;
    return difference == 0;
}

static bool is_listed(const uint8_t *part, const uint8_t table[][PART_BYTES], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (are_same(part, table[i]))
            return true;
    }
    return false;
}

const char *sp_tdes_key_fault(const uint8_t key[24])
{
    const uint8_t *k1 = key, *k2 = key + PART_BYTES, *k3 = key + 2 * PART_BYTES;

    if (are_same(k1, k2))
        return "k1 and k2, the first two thirds of the 3DES key, are the same: that is single DES";
    if (are_same(k2, k3))
        return "k2 and k3, the last two thirds of the 3DES key, are the same: that is single DES";
    for (size_t i = 0; i < PARTS; i++) {
        if (is_listed(key + i * PART_BYTES, weak_parts, COUNT_OF(weak_parts)))
            return weak_texts[i];
        if (is_listed(key + i * PART_BYTES, semi_weak_parts, COUNT_OF(semi_weak_parts)))
            return semi_weak_texts[i];
    }
    return NULL;
}
