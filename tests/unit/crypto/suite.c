/* SPDX-License-Identifier: ISC
 *
 * Names and sizes of the suites, as the RFCs have them.
 */
#include "crypto/suite.h"

#include <criterion/criterion.h>

#include <string.h>

Test(suite, encryption_has_the_names_and_key_lengths_of_the_rfcs)
{
    cr_expect_str_eq(sp_encryption_name(SP_ENCRYPTION_NULL), "null");
    cr_expect_eq(sp_encryption_key_bytes(SP_ENCRYPTION_NULL), 0);
    cr_expect_str_eq(sp_encryption_name(SP_ENCRYPTION_3DES_CBC), "3des-cbc");
    cr_expect_eq(sp_encryption_key_bytes(SP_ENCRYPTION_3DES_CBC), 24);
    cr_expect_str_eq(sp_encryption_name(SP_ENCRYPTION_AES128_GCM16), "aes128-gcm16");
    cr_expect_eq(sp_encryption_key_bytes(SP_ENCRYPTION_AES128_GCM16), 20);
    cr_expect_str_eq(sp_encryption_name(SP_ENCRYPTION_AES256_GCM16), "aes256-gcm16");
    cr_expect_eq(sp_encryption_key_bytes(SP_ENCRYPTION_AES256_GCM16), 36);
}

Test(suite, integrity_has_the_names_and_lengths_of_the_rfcs)
{
    static const struct {
        const char *name;
        size_t key_bytes, icv_bytes;
    } expected[SP_INTEGRITY_COMBINED] = {
        [SP_INTEGRITY_HMAC_MD5_96] = {"hmac-md5-96", 16, 12},
        [SP_INTEGRITY_HMAC_SHA1_96] = {"hmac-sha1-96", 20, 12},
        [SP_INTEGRITY_HMAC_SHA2_256_128] = {"hmac-sha2-256-128", 32, 16},
    };

    for (int i = 0; i < SP_INTEGRITY_COMBINED; i++) {
        enum sp_integrity integrity = (enum sp_integrity)i;
        cr_expect_str_eq(sp_integrity_name(integrity), expected[i].name);
        cr_expect_eq(sp_integrity_key_bytes(integrity), expected[i].key_bytes);
        cr_expect_eq(sp_hmac_ops(integrity)->icv_bytes, expected[i].icv_bytes);
    }
}

Test(suite, values_outside_of_the_lists_are_a_question_mark)
{
    cr_expect_str_eq(sp_encryption_name(SP_ENCRYPTION_COUNT), "?");
    cr_expect_str_eq(sp_integrity_name((enum sp_integrity)(-1)), "?");
    cr_expect_eq(sp_encryption_key_bytes(SP_ENCRYPTION_COUNT), 0);
    cr_expect_eq(sp_integrity_key_bytes(SP_INTEGRITY_COUNT), 0);
    cr_expect_eq(sp_suite_overhead_bytes(SP_ENCRYPTION_COUNT, SP_INTEGRITY_HMAC_MD5_96), 0);
    cr_expect_null(sp_cipher_ops(SP_ENCRYPTION_COUNT));
    cr_expect_null(sp_hmac_ops(SP_INTEGRITY_COUNT));
}

Test(suite, null_encryption_has_blocks_of_one_byte_and_no_iv)
{
    const struct sp_cipher *ops = sp_cipher_ops(SP_ENCRYPTION_NULL);

    cr_expect_eq(ops->block_bytes, 1);
    cr_expect_eq(ops->iv_bytes, 0);
    cr_expect_eq(ops->state_bytes, 0);
}

/* What RFC 4303 2 adds to a payload in transport mode. */
static size_t added_bytes(size_t payload_bytes, size_t align_bytes, size_t iv_bytes, size_t icv_bytes)
{
    size_t padding_bytes = 0;

    while ((payload_bytes + padding_bytes + 2) % align_bytes != 0)
        padding_bytes++;
    return 8 + iv_bytes + padding_bytes + 2 + icv_bytes;
}

Test(suite, overhead_is_the_most_that_any_payload_gets)
{
    for (int i = 0; i < SP_INTEGRITY_COMBINED; i++) {
        size_t icv_bytes = i == SP_INTEGRITY_HMAC_SHA2_256_128 ? 16 : 12;
        size_t most_tdes = 0, most_null = 0;
        for (size_t payload_bytes = 0; payload_bytes < 64; payload_bytes++) {
            size_t tdes = added_bytes(payload_bytes, 8, 8, icv_bytes);
            size_t null = added_bytes(payload_bytes, 4, 0, icv_bytes);
            most_tdes = tdes > most_tdes ? tdes : most_tdes;
            most_null = null > most_null ? null : most_null;
        }
        cr_expect_eq(sp_suite_overhead_bytes(SP_ENCRYPTION_3DES_CBC, (enum sp_integrity)i), most_tdes);
        cr_expect_eq(sp_suite_overhead_bytes(SP_ENCRYPTION_NULL, (enum sp_integrity)i), most_null);
    }
}

Test(suite, gcm_is_one_word_and_goes_with_no_integrity_algorithm)
{
    char text[SP_SUITE_TEXT_BYTES];

    cr_expect_str_eq(sp_suite_format(SP_ENCRYPTION_AES256_GCM16, SP_INTEGRITY_COMBINED, text),
                     "aes256-gcm16");
    cr_expect_str_eq(sp_suite_format(SP_ENCRYPTION_3DES_CBC, SP_INTEGRITY_HMAC_SHA2_256_128, text),
                     "3des-cbc hmac-sha2-256-128");
    cr_expect_eq(sp_suite_overhead_bytes(SP_ENCRYPTION_AES128_GCM16, SP_INTEGRITY_COMBINED),
                 8 + 8 + 3 + 2 + 16);
    cr_expect_eq(sp_suite_overhead_bytes(SP_ENCRYPTION_AES128_GCM16, SP_INTEGRITY_HMAC_SHA1_96), 0);
    cr_expect_eq(sp_suite_overhead_bytes(SP_ENCRYPTION_3DES_CBC, SP_INTEGRITY_COMBINED), 0);
}
