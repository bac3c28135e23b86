/* SPDX-License-Identifier: ISC
 *
 * The suites: what each algorithm of sa.h is called, needs and runs on. Lengths are those of RFC 2403, 2404,
 * 2410, 2451, 4106 and 4868.
 */
#include "crypto/gcm.h"
#include "crypto/kernels.h"
#include "crypto/suite.h"

#include <stdio.h>

#define ESP_HEADER_BYTES 8  /* SPI and sequence number (RFC 4303 2) */
#define ESP_TRAILER_BYTES 2 /* pad length and next header */
#define ESP_ALIGN_BYTES 4   /* of the end of the trailer, whatever the cipher (RFC 4303 2.4) */

static const struct sp_cipher *null_cipher(void)
{
    static const struct sp_cipher cipher = {.name = "null", .kernel = "none", .block_bytes = 1};

    return &cipher;
}

static const struct sp_cipher *aes128_gcm16(void)
{
    return &sp_aes128_gcm16;
}

static const struct sp_cipher *aes256_gcm16(void)
{
    return &sp_aes256_gcm16;
}

/* Where the cipher gives integrity too, only the ICV is left to tell. */
static const struct sp_hmac *combined(void)
{
    static const struct sp_hmac hmac = {.name = "combined", .kernel = "none", .icv_bytes = SP_GCM_ICV_BYTES};

    return &hmac;
}

static const struct sp_cipher *(*const ciphers[SP_ENCRYPTION_COUNT])(void) = {
    [SP_ENCRYPTION_NULL] = null_cipher,
    [SP_ENCRYPTION_3DES_CBC] = sp_tdes_cbc,
    [SP_ENCRYPTION_AES128_GCM16] = aes128_gcm16,
    [SP_ENCRYPTION_AES256_GCM16] = aes256_gcm16,
};

static const struct sp_hmac *(*const hmacs[SP_INTEGRITY_COUNT])(void) = {
    [SP_INTEGRITY_HMAC_MD5_96] = sp_hmac_md5,
    [SP_INTEGRITY_HMAC_SHA1_96] = sp_hmac_sha1,
    [SP_INTEGRITY_HMAC_SHA2_256_128] = sp_hmac_sha2_256,
    [SP_INTEGRITY_COMBINED] = combined,
};

const struct sp_cipher *sp_cipher_ops(enum sp_encryption encryption)
{
    return (unsigned)encryption < SP_ENCRYPTION_COUNT ? ciphers[encryption]() : NULL;
}

const struct sp_hmac *sp_hmac_ops(enum sp_integrity integrity)
{
    return (unsigned)integrity < SP_INTEGRITY_COUNT ? hmacs[integrity]() : NULL;
}

const char *sp_encryption_name(enum sp_encryption encryption)
{
    const struct sp_cipher *cipher = sp_cipher_ops(encryption);

    return cipher != NULL ? cipher->name : "?";
}

const char *sp_integrity_name(enum sp_integrity integrity)
{
    const struct sp_hmac *hmac = sp_hmac_ops(integrity);

    return hmac != NULL ? hmac->name : "?";
}

size_t sp_encryption_key_bytes(enum sp_encryption encryption)
{
    const struct sp_cipher *cipher = sp_cipher_ops(encryption);

    return cipher != NULL ? cipher->key_bytes : 0;
}

size_t sp_integrity_key_bytes(enum sp_integrity integrity)
{
    const struct sp_hmac *hmac = sp_hmac_ops(integrity);

    return hmac != NULL ? hmac->key_bytes : 0;
}

bool sp_suite_is_one(enum sp_encryption encryption, enum sp_integrity integrity)
{
    const struct sp_cipher *cipher = sp_cipher_ops(encryption);

    return cipher != NULL && sp_hmac_ops(integrity) != NULL &&
           cipher->is_combined == (integrity == SP_INTEGRITY_COMBINED);
}

const char *sp_suite_format(enum sp_encryption encryption, enum sp_integrity integrity, char *text)
{
    bool is_combined = integrity == SP_INTEGRITY_COMBINED;

    (void)snprintf(text, SP_SUITE_TEXT_BYTES, "%s%s%s", sp_encryption_name(encryption),
                   is_combined ? "" : " ", is_combined ? "" : sp_integrity_name(integrity));
    return text;
}

size_t sp_suite_overhead_bytes(enum sp_encryption encryption, enum sp_integrity integrity)
{
    const struct sp_cipher *cipher = sp_cipher_ops(encryption);
    const struct sp_hmac *hmac = sp_hmac_ops(integrity);

    if (!sp_suite_is_one(encryption, integrity))
        return 0;
    size_t align_bytes = cipher->block_bytes > ESP_ALIGN_BYTES ? cipher->block_bytes : ESP_ALIGN_BYTES;
    size_t padding_bytes_max = align_bytes - 1;
    return ESP_HEADER_BYTES + cipher->iv_bytes + padding_bytes_max + ESP_TRAILER_BYTES + hmac->icv_bytes;
}
