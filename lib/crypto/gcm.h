/* SPDX-License-Identifier: ISC
 *
 * AES-GCM as ESP uses it (RFC 4106): a salt of 4 bytes that belongs to the key, an IV of 8 bytes in the
 * packet, an ICV of 16 bytes.
 *
 * The state of an SA, in the key arena, is its key and salt as they came. What they expand to lives in a
 * context of libcrypto's, one a thread, for as long as packets of that SA are under way.
 */
#ifndef SP_CRYPTO_GCM_H
#define SP_CRYPTO_GCM_H

#include "crypto/suite.h"

#define SP_GCM_SALT_BYTES 4
#define SP_GCM_IV_BYTES 8
#define SP_GCM_ICV_BYTES 16

/* One thread's contexts. */
struct sp_gcm;

enum sp_status sp_gcm_create(struct sp_gcm **ret_gcm) SP_MUST_USE;
/* Wipes and frees, nulls. */
void sp_gcm_destroy(struct sp_gcm **gcm);

/* One packet; text is changed in place. */
struct sp_gcm_job {
    const struct sp_cipher *cipher;
    const void *state; /* of that cipher */
    const uint8_t *iv; /* SP_GCM_IV_BYTES: the caller's promise is never to seal twice with one under a key */
    const uint8_t *aad;
    size_t aad_bytes;
    uint8_t *text;
    size_t len_bytes;
    uint8_t *icv; /* SP_GCM_ICV_BYTES, behind the text or elsewhere */
};

/* Writes the ICV. Neither allocates, and a run of jobs of one state expands its key once. */
void sp_gcm_seal(struct sp_gcm *gcm, const struct sp_gcm_job *job);
/* False: the ICV is wrong, and text is wiped, for it was decrypted on the way to know. */
bool sp_gcm_open(struct sp_gcm *gcm, const struct sp_gcm_job *job) SP_MUST_USE;
/* Overwrites what keys expanded to. After each burst: a state may not outlive it. */
void sp_gcm_forget(struct sp_gcm *gcm);

#endif
