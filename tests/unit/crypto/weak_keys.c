/* SPDX-License-Identifier: ISC
 *
 * Degenerate, weak and semi-weak 3DES keys are refused. The weak keys are proven here by what they do, with
 * libcrypto's DES: a weak key undoes itself, a semi-weak one is undone by another.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/suite.h"

#include <criterion/criterion.h>
#include <openssl/des.h>

#include <string.h>

#define PARTS_OF_THREE 3

static const uint8_t good_key[24] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x23, 0x45, 0x67, 0x89,
                                     0xab, 0xcd, 0xef, 0x01, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23};

/* C and D halves of the DES key schedule that are all zeros, all ones or alternate make the 16 keys; this is
 * the list as RFC 2409 appendix A has it. */
static const uint8_t bad_parts[16][8] = {
    {0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01}, {0x1f, 0x1f, 0x1f, 0x1f, 0x0e, 0x0e, 0x0e, 0x0e},
    {0xe0, 0xe0, 0xe0, 0xe0, 0xf1, 0xf1, 0xf1, 0xf1}, {0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe, 0xfe},
    {0x01, 0xfe, 0x01, 0xfe, 0x01, 0xfe, 0x01, 0xfe}, {0x1f, 0xe0, 0x1f, 0xe0, 0x0e, 0xf1, 0x0e, 0xf1},
    {0x01, 0xe0, 0x01, 0xe0, 0x01, 0xf1, 0x01, 0xf1}, {0x1f, 0xfe, 0x1f, 0xfe, 0x0e, 0xfe, 0x0e, 0xfe},
    {0x01, 0x1f, 0x01, 0x1f, 0x01, 0x0e, 0x01, 0x0e}, {0xe0, 0xfe, 0xe0, 0xfe, 0xf1, 0xfe, 0xf1, 0xfe},
    {0xfe, 0x01, 0xfe, 0x01, 0xfe, 0x01, 0xfe, 0x01}, {0xe0, 0x1f, 0xe0, 0x1f, 0xf1, 0x0e, 0xf1, 0x0e},
    {0xe0, 0x01, 0xe0, 0x01, 0xf1, 0x01, 0xf1, 0x01}, {0xfe, 0x1f, 0xfe, 0x1f, 0xfe, 0x0e, 0xfe, 0x0e},
    {0x1f, 0x01, 0x1f, 0x01, 0x0e, 0x01, 0x0e, 0x01}, {0xfe, 0xe0, 0xfe, 0xe0, 0xfe, 0xf1, 0xfe, 0xf1},
};
#define WEAK_PARTS 4

static const char *fault_of_part(const uint8_t *part, size_t where, uint8_t parity_flip)
{
    uint8_t key[24];

    memcpy(key, good_key, sizeof key);
    for (size_t i = 0; i < 8; i++)
        key[where * 8 + i] = part[i] ^ parity_flip;
    return sp_tdes_key_fault(key);
}

Test(weak_keys, a_good_key_has_no_fault)
{
    cr_expect_null(sp_tdes_key_fault(good_key));
}

Test(weak_keys, equal_neighbours_are_refused_by_name)
{
    uint8_t key[24];

    memcpy(key, good_key, sizeof key);
    memcpy(key + 8, key, 8);
    cr_assert_not_null(sp_tdes_key_fault(key));
    cr_expect_not_null(strstr(sp_tdes_key_fault(key), "k1 and k2"));
    memcpy(key, good_key, sizeof key);
    memcpy(key + 16, key + 8, 8);
    cr_assert_not_null(sp_tdes_key_fault(key));
    cr_expect_not_null(strstr(sp_tdes_key_fault(key), "k2 and k3"));
}

Test(weak_keys, neighbours_that_differ_in_parity_alone_are_equal)
{
    uint8_t key[24];

    memcpy(key, good_key, sizeof key);
    for (size_t i = 0; i < 8; i++)
        key[8 + i] = key[i] ^ 1;
    cr_expect_not_null(sp_tdes_key_fault(key));
}

Test(weak_keys, neighbours_that_differ_in_one_key_bit_are_good)
{
    for (size_t bit = 0; bit < 64; bit++) {
        if (bit % 8 == 7)
            continue; /* parity */
        uint8_t key[24];
        memcpy(key, good_key, sizeof key);
        memcpy(key + 8, key, 8);
        key[8 + bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
        cr_expect_null(sp_tdes_key_fault(key), "bit %zu", bit);
    }
}

Test(weak_keys, two_key_3des_is_allowed)
{
    uint8_t key[24];

    memcpy(key, good_key, sizeof key);
    memcpy(key + 16, key, 8);
    cr_expect_null(sp_tdes_key_fault(key));
}

Test(weak_keys, all_weak_and_semi_weak_parts_are_refused_in_every_place_and_parity)
{
    static const char *const names[] = {"k1", "k2", "k3"};

    for (size_t i = 0; i < 16; i++) {
        for (size_t where = 0; where < PARTS_OF_THREE * 2; where++) {
            const char *fault = fault_of_part(bad_parts[i], where / 2, where % 2);
            cr_assert_not_null(fault, "part %zu", i);
            cr_expect_not_null(strstr(fault, names[where / 2]), "%s", fault);
            cr_expect_not_null(strstr(fault, i < WEAK_PARTS ? " weak key" : "semi-weak key"), "%s", fault);
        }
    }
}

Test(weak_keys, a_part_one_key_bit_away_from_a_weak_one_is_good)
{
    for (size_t i = 0; i < 16; i++) {
        uint8_t part[8];
        memcpy(part, bad_parts[i], sizeof part);
        part[i % 8] ^= 0x10;
        cr_expect_null(fault_of_part(part, i % 3, 0), "part %zu", i);
    }
}

static void encrypt(const uint8_t *part, const uint8_t *in, uint8_t *out)
{
    DES_key_schedule schedule;
    DES_cblock key, from, to;

    memcpy(key, part, 8);
    memcpy(from, in, 8);
    DES_set_key_unchecked(&key, &schedule);
    DES_ecb_encrypt(&from, &to, &schedule, DES_ENCRYPT);
    memcpy(out, to, 8);
}

Test(weak_keys, each_listed_part_is_undone_by_one_of_the_list)
{
    static const uint8_t plain[8] = {1, 2, 3, 4, 5, 6, 7, 8};

    for (size_t i = 0; i < 16; i++) {
        uint8_t once[8], twice[8];
        size_t undone_by = 16;
        encrypt(bad_parts[i], plain, once);
        for (size_t j = 0; j < 16; j++) {
            encrypt(bad_parts[j], once, twice);
            if (memcmp(twice, plain, 8) == 0)
                undone_by = j;
        }
        cr_expect_neq(undone_by, 16, "part %zu", i);
        cr_expect_eq(undone_by == i, i < WEAK_PARTS, "part %zu", i);
    }
}
