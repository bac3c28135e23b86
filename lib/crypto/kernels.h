/* SPDX-License-Identifier: ISC
 *
 * Every variant of every algorithm that this build has; suite.c chooses among them.
 */
#ifndef SP_CRYPTO_KERNELS_H
#define SP_CRYPTO_KERNELS_H

#include "crypto/suite.h"

extern const struct sp_cipher sp_tdes_cbc_reference;

/* The best 3DES-CBC that works on this machine. */
const struct sp_cipher *sp_tdes_cbc(void);

extern const struct sp_cipher sp_aes128_gcm16, sp_aes256_gcm16;

extern const struct sp_hmac sp_hmac_md5_reference;
extern const struct sp_hmac sp_hmac_sha1_reference;
extern const struct sp_hmac sp_hmac_sha2_256_reference;

/* The best HMACs that work on this machine: chosen by the first call, from any thread. */
const struct sp_hmac *sp_hmac_md5(void);
const struct sp_hmac *sp_hmac_sha1(void);
const struct sp_hmac *sp_hmac_sha2_256(void);

#endif
