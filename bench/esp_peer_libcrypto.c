/* SPDX-License-Identifier: ISC
 *
 * Raw libcrypto: one pair of contexts for each SA and direction, keyed once and used again for each packet,
 * the fastest way that EVP knows.
 */
#include "esp_peer.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <stdlib.h>
#include <string.h>

struct contexts {
    EVP_CIPHER_CTX *seal, *open;
    EVP_MAC_CTX *mac;
};

struct state {
    EVP_MAC *hmac;
    size_t sas;
    struct contexts contexts[];
};

static void require(bool condition)
{
    if (!condition)
        abort();
}

static EVP_CIPHER_CTX *cipher_context(const struct keys *keys, int is_sealing)
{
    static const uint8_t iv[8];
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();

    require(context != NULL);
    require(EVP_CipherInit_ex(context, EVP_des_ede3_cbc(), NULL, keys->encryption, iv, is_sealing));
    require(EVP_CIPHER_CTX_set_padding(context, 0));
    return context;
}

static EVP_MAC_CTX *mac_context(EVP_MAC *hmac, const struct keys *keys)
{
    char digest[] = "SHA1";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                     OSSL_PARAM_construct_end()};
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(hmac);

    require(context != NULL && EVP_MAC_init(context, keys->integrity, SHA1_KEY_BYTES, parameters));
    return context;
}

static void *create(const struct keys *keys, size_t sas)
{
    struct state *peer = malloc(sizeof *peer + sas * sizeof peer->contexts[0]);

    require(peer != NULL);
    peer->sas = sas;
    peer->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    require(peer->hmac != NULL);
    for (size_t i = 0; i < sas; i++)
        peer->contexts[i] = (struct contexts){.seal = cipher_context(&keys[i], 1),
                                              .open = cipher_context(&keys[i], 0),
                                              .mac = mac_context(peer->hmac, &keys[i])};
    return peer;
}

static void destroy(void *state)
{
    struct state *peer = state;

    for (size_t i = 0; i < peer->sas; i++) {
        EVP_CIPHER_CTX_free(peer->contexts[i].seal);
        EVP_CIPHER_CTX_free(peer->contexts[i].open);
        EVP_MAC_CTX_free(peer->contexts[i].mac);
    }
    EVP_MAC_free(peer->hmac);
    free(peer);
}

static void cipher(EVP_CIPHER_CTX *context, const struct peer_packet *packet)
{
    uint8_t *text = packet->esp + ESP_FRONT_BYTES;
    int out_bytes;

    require(EVP_CipherInit_ex(context, NULL, NULL, NULL, packet->esp + 8, -1));
    require(EVP_CipherUpdate(context, text, &out_bytes, text, (int)packet->cipher_bytes));
}

static void mac(EVP_MAC_CTX *context, const struct peer_packet *packet, uint8_t digest[SHA1_BYTES])
{
    size_t digest_bytes;

    require(EVP_MAC_init(context, NULL, 0, NULL));
    require(EVP_MAC_update(context, packet->esp, ESP_FRONT_BYTES + packet->cipher_bytes));
    require(EVP_MAC_final(context, digest, &digest_bytes, SHA1_BYTES));
}

static void seal(void *state, const struct peer_packet *packets, size_t count)
{
    const struct state *peer = state;
    uint8_t digest[SHA1_BYTES];

    for (size_t i = 0; i < count; i++) {
        cipher(peer->contexts[packets[i].sa].seal, &packets[i]);
        mac(peer->contexts[packets[i].sa].mac, &packets[i], digest);
        memcpy(packets[i].esp + ESP_FRONT_BYTES + packets[i].cipher_bytes, digest, ICV_BYTES);
    }
}

static bool open(void *state, const struct peer_packet *packets, size_t count)
{
    const struct state *peer = state;
    uint8_t digest[SHA1_BYTES];

    for (size_t i = 0; i < count; i++) {
        mac(peer->contexts[packets[i].sa].mac, &packets[i], digest);
        const uint8_t *icv = packets[i].esp + ESP_FRONT_BYTES + packets[i].cipher_bytes;
        if (CRYPTO_memcmp(digest, icv, ICV_BYTES) != 0)
            return false;
        cipher(peer->contexts[packets[i].sa].open, &packets[i]);
    }
    return true;
}

const struct peer peer_libcrypto = {
    .name = "libcrypto EVP", .create = create, .destroy = destroy, .seal = seal, .open = open};
