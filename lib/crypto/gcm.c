/* SPDX-License-Identifier: ISC
 *
 * AES-GCM-16 by libcrypto's EVP, which uses AES-NI and carry-less multiplication where the processor has them
 * and needs no lanes to be fast.
 *
 * An EVP context lives on OpenSSL's heap, where the key arena's guards don't reach, and it can't be shared by
 * threads. So each thread has one for each key length, made beforehand; it is keyed for a run of packets of
 * one SA, and keyed with zeros at the end of the burst, which overwrites the round keys, the table of the
 * hash key and the last block of key stream. Between bursts no key is outside of the arena. Expanding a key
 * costs about as much as 300 bytes of text.
 *
 * libcrypto can refuse here only what the arguments rule out (no key, no IV, lengths past 2^31), so that is
 * misuse: a packet that was not encrypted must not go on.
 *
 * Sources: RFC 4106 3 to 8 (nonce = salt | IV; key material = key | salt), SP 800-38D.
 */
#include "crypto/gcm.h"
#include "crypto/kernels.h"

#include "core/misuse.h"

#include <openssl/evp.h>
#include <sodium.h>

#include <stdlib.h>
#include <string.h>

#define NONCE_BYTES (SP_GCM_SALT_BYTES + SP_GCM_IV_BYTES)
#define KEY_BYTES_MAX 32

struct state_128 {
    uint8_t key[16], salt[SP_GCM_SALT_BYTES];
};

struct state_256 {
    uint8_t key[32], salt[SP_GCM_SALT_BYTES];
};

static void expand_128(void *state, const uint8_t *key)
{
    memcpy(state, key, sizeof(struct state_128));
}

static void expand_256(void *state, const uint8_t *key)
{
    memcpy(state, key, sizeof(struct state_256));
}

const struct sp_cipher sp_aes128_gcm16 = {.name = "aes128-gcm16",
                                          .kernel = "libcrypto",
                                          .is_combined = true,
                                          .key_bytes = sizeof(struct state_128),
                                          .block_bytes = 1,
                                          .iv_bytes = SP_GCM_IV_BYTES,
                                          .state_bytes = sizeof(struct state_128),
                                          .expand = expand_128};
const struct sp_cipher sp_aes256_gcm16 = {.name = "aes256-gcm16",
                                          .kernel = "libcrypto",
                                          .is_combined = true,
                                          .key_bytes = sizeof(struct state_256),
                                          .block_bytes = 1,
                                          .iv_bytes = SP_GCM_IV_BYTES,
                                          .state_bytes = sizeof(struct state_256),
                                          .expand = expand_256};

enum { WIDTH_128, WIDTH_256, WIDTHS };
static const char *const algorithms[WIDTHS] = {"AES-128-GCM", "AES-256-GCM"};

struct keyed {
    EVP_CIPHER_CTX *context;
    const void *state; /* whose key is in it; NULL: zeros */
};

struct sp_gcm {
    struct keyed keyed[WIDTHS];
};

static void set_key(struct keyed *keyed, const uint8_t *key, const void *state)
{
    SP_REQUIRE(EVP_CipherInit_ex(keyed->context, NULL, NULL, key, NULL, -1) == 1);
    keyed->state = state;
}

static void set_zeros(struct keyed *keyed)
{
    static const uint8_t zeros[KEY_BYTES_MAX];
    set_key(keyed, zeros, NULL);
}

static EVP_CIPHER_CTX *new_context(const char *algorithm)
{
    static const uint8_t zeros[KEY_BYTES_MAX];
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, algorithm, NULL);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (cipher == NULL || context == NULL || EVP_EncryptInit_ex(context, cipher, NULL, zeros, NULL) != 1) {
        EVP_CIPHER_CTX_free(context);
        context = NULL;
    }
    EVP_CIPHER_free(cipher); /* the context holds it */
    return context;
}

enum sp_status sp_gcm_create(struct sp_gcm **ret_gcm)
{
    struct sp_gcm *gcm = calloc(1, sizeof *gcm);
    if (gcm == NULL)
        return SP_ERR_MEMORY;
    for (int width = 0; width < WIDTHS; width++) {
        gcm->keyed[width].context = new_context(algorithms[width]);
        if (gcm->keyed[width].context == NULL) {
            sp_gcm_destroy(&gcm);
            return SP_ERR_MEMORY;
        }
    }
    *ret_gcm = gcm;
    return SP_OK;
}

void sp_gcm_destroy(struct sp_gcm **gcm)
{
    if (*gcm == NULL)
        return;
    for (int width = 0; width < WIDTHS; width++)
        EVP_CIPHER_CTX_free((*gcm)->keyed[width].context); /* wipes */
    free(*gcm);
    *gcm = NULL;
}

void sp_gcm_forget(struct sp_gcm *gcm)
{
    for (int width = 0; width < WIDTHS; width++)
        if (gcm->keyed[width].state != NULL)
            set_zeros(&gcm->keyed[width]);
}

/* The context with the job's key, nonce and associated data in it, ready for the text. */
static EVP_CIPHER_CTX *begin(struct sp_gcm *gcm, const struct sp_gcm_job *job, int is_sealing)
{
    size_t key_bytes = job->cipher->key_bytes - SP_GCM_SALT_BYTES;
    struct keyed *keyed =
        &gcm->keyed[key_bytes == sizeof(((struct state_128 *)NULL)->key) ? WIDTH_128 : WIDTH_256];
    const uint8_t *key = job->state;
    uint8_t nonce[NONCE_BYTES];
    int done;

    if (keyed->state != job->state)
        set_key(keyed, key, job->state);
    memcpy(nonce, key + key_bytes, SP_GCM_SALT_BYTES);
    memcpy(nonce + SP_GCM_SALT_BYTES, job->iv, SP_GCM_IV_BYTES);
    SP_REQUIRE(EVP_CipherInit_ex(keyed->context, NULL, NULL, NULL, nonce, is_sealing) == 1);
    SP_REQUIRE(EVP_CipherUpdate(keyed->context, NULL, &done, job->aad, (int)job->aad_bytes) == 1);
    return keyed->context;
}

void sp_gcm_seal(struct sp_gcm *gcm, const struct sp_gcm_job *job)
{
    EVP_CIPHER_CTX *context = begin(gcm, job, 1);
    int done;

    SP_REQUIRE(EVP_CipherUpdate(context, job->text, &done, job->text, (int)job->len_bytes) == 1);
    SP_REQUIRE(EVP_CipherFinal_ex(context, job->text + done, &done) == 1);
    SP_REQUIRE(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, SP_GCM_ICV_BYTES, job->icv) == 1);
}

bool sp_gcm_open(struct sp_gcm *gcm, const struct sp_gcm_job *job)
{
    EVP_CIPHER_CTX *context = begin(gcm, job, 0);
    int done;

    SP_REQUIRE(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, SP_GCM_ICV_BYTES, job->icv) == 1);
    SP_REQUIRE(EVP_CipherUpdate(context, job->text, &done, job->text, (int)job->len_bytes) == 1);
    if (EVP_CipherFinal_ex(context, job->text + done, &done) == 1) /* compares in constant time */
        return true;
    sodium_memzero(job->text, job->len_bytes);
    return false;
}
