/* SPDX-License-Identifier: ISC
 *
 * Parameters of a good SA, to be spoilt by each test in its own way.
 */
#ifndef UNIT_SA_FIXTURE_H
#define UNIT_SA_FIXTURE_H

#include <sallyport/sa.h>

static const uint8_t good_3des_key[24] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                          0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01,
                                          0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23};
static const uint8_t good_hmac_key[32] = "thirty-two bytes of an HMAC key";

static inline struct sp_sa_params good_params(void)
{
    return (struct sp_sa_params){
        .name = "good",
        .spi = 0x1000,
        .source = {.family = 4, .bytes = {192, 0, 2, 1}},
        .destination = {.family = 4, .bytes = {198, 51, 100, 2}},
        .mode = SP_MODE_TRANSPORT,
        .encryption = SP_ENCRYPTION_3DES_CBC,
        .integrity = SP_INTEGRITY_HMAC_SHA1_96,
        .encryption_key = good_3des_key,
        .encryption_key_bytes = sizeof good_3des_key,
        .integrity_key = good_hmac_key,
        .integrity_key_bytes = 20,
    };
}

#endif
