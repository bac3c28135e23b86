/* SPDX-License-Identifier: ISC
 *
 * AES-128-GCM (RFC 4106) through libcrypto's EVP: what one would pick if the other host could. It seals to
 * other bytes than 3DES does, so it is no peer of ours; it shows what the legacy cipher costs. The key is the
 * first 16 bytes of the 3DES key, the salt the next four.
 */
#include "esp_peer.h"

#include <openssl/evp.h>

#include <stdlib.h>
#include <string.h>

#define SALT_BYTES 4
#define SALT_OFFSET_BYTES 16
#define NONCE_BYTES 12
#define AAD_BYTES 8 /* SPI and sequence number */

struct contexts {
    EVP_CIPHER_CTX *seal, *open;
    uint8_t salt[SALT_BYTES];
};

struct state {
    size_t sas;
    struct contexts contexts[];
};

static void require(bool condition)
{
    if (!condition)
        abort();
}

static EVP_CIPHER_CTX *context_of(const struct keys *keys, int is_sealing)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

    require(context != NULL);
    require(EVP_CipherInit_ex(context, EVP_aes_128_gcm(), NULL, keys->encryption, NULL, is_sealing));
    return context;
}

static void *create(const struct keys *keys, size_t sas)
{
    struct state *state = malloc(sizeof *state + sas * sizeof state->contexts[0]);

    require(state != NULL);
    state->sas = sas;
    for (size_t i = 0; i < sas; i++) {
        state->contexts[i].seal = context_of(&keys[i], 1);
        state->contexts[i].open = context_of(&keys[i], 0);
        memcpy(state->contexts[i].salt, keys[i].encryption + SALT_OFFSET_BYTES, SALT_BYTES);
    }
    return state;
}

static void destroy(void *state_)
{
    struct state *state = state_;

    for (size_t i = 0; i < state->sas; i++) {
        EVP_CIPHER_CTX_free(state->contexts[i].seal);
        EVP_CIPHER_CTX_free(state->contexts[i].open);
    }
    free(state);
}

static void cipher(EVP_CIPHER_CTX *context, const uint8_t *salt, const struct peer_packet *packet)
{
    uint8_t nonce[NONCE_BYTES], *text = packet->esp + ESP_FRONT_BYTES;
    int out_bytes;

    memcpy(nonce, salt, SALT_BYTES);
    memcpy(nonce + SALT_BYTES, packet->esp + IV_OFFSET_BYTES, NONCE_BYTES - SALT_BYTES);
    require(EVP_CipherInit_ex(context, NULL, NULL, NULL, nonce, -1));
    require(EVP_CipherUpdate(context, NULL, &out_bytes, packet->esp, AAD_BYTES));
    require(EVP_CipherUpdate(context, text, &out_bytes, text, (int)packet->cipher_bytes));
}

static void seal(void *state_, const struct peer_packet *packets, size_t count)
{
    const struct state *state = state_;

    for (size_t i = 0; i < count; i++) {
        const struct contexts *contexts = &state->contexts[packets[i].sa];
        uint8_t *icv = packets[i].esp + ESP_FRONT_BYTES + packets[i].cipher_bytes;
        int out_bytes;
        cipher(contexts->seal, contexts->salt, &packets[i]);
        require(EVP_CipherFinal_ex(contexts->seal, icv, &out_bytes));
        require(EVP_CIPHER_CTX_ctrl(contexts->seal, EVP_CTRL_AEAD_GET_TAG, ICV_BYTES_MAX, icv));
    }
}

static bool open(void *state_, const struct peer_packet *packets, size_t count)
{
    const struct state *state = state_;

    for (size_t i = 0; i < count; i++) {
        const struct contexts *contexts = &state->contexts[packets[i].sa];
        uint8_t *icv = packets[i].esp + ESP_FRONT_BYTES + packets[i].cipher_bytes, rest[ICV_BYTES_MAX];
        int out_bytes;
        cipher(contexts->open, contexts->salt, &packets[i]);
        require(EVP_CIPHER_CTX_ctrl(contexts->open, EVP_CTRL_AEAD_SET_TAG, ICV_BYTES_MAX, icv));
        if (EVP_CipherFinal_ex(contexts->open, rest, &out_bytes) <= 0)
            return false;
    }
    return true;
}

const struct peer peer_aes_gcm = {.name = "(AES-128-GCM, EVP)",
                                  .is_other_suite = true,
                                  .create = create,
                                  .destroy = destroy,
                                  .seal = seal,
                                  .open = open};
