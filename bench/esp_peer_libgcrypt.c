/* SPDX-License-Identifier: ISC
 *
 * libgcrypt: handles keyed once for each SA; its CBC decryption works on several blocks at once.
 */
#include "esp_peer.h"

#include <gcrypt.h>

#include <stdlib.h>
#include <string.h>

struct handles {
    gcry_cipher_hd_t cipher;
    gcry_md_hd_t mac;
};

struct state {
    size_t sas;
    struct handles handles[];
};

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void start(void)
{
    if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P))
        return;
    require(gcry_check_version(NULL) != NULL);
    require(gcry_control(GCRYCTL_DISABLE_SECMEM, 0) == 0);
    require(gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0) == 0);
}

static void *create(const struct keys *keys, size_t sas)
{
    struct state *state = calloc(1, sizeof *state + sas * sizeof state->handles[0]);

    start();
    require(state != NULL);
    state->sas = sas;
    for (size_t i = 0; i < sas; i++) {
        struct handles *handles = &state->handles[i];
        require(gcry_cipher_open(&handles->cipher, GCRY_CIPHER_3DES, GCRY_CIPHER_MODE_CBC, 0) == 0);
        require(gcry_cipher_setkey(handles->cipher, keys[i].encryption, TDES_KEY_BYTES) == 0);
        require(gcry_md_open(&handles->mac, GCRY_MD_SHA1, GCRY_MD_FLAG_HMAC) == 0);
        require(gcry_md_setkey(handles->mac, keys[i].integrity, SHA1_KEY_BYTES) == 0);
    }
    return state;
}

static void destroy(void *state_)
{
    struct state *state = state_;

    for (size_t i = 0; i < state->sas; i++) {
        gcry_cipher_close(state->handles[i].cipher);
        gcry_md_close(state->handles[i].mac);
    }
    free(state);
}

static const uint8_t *digest_of(gcry_md_hd_t mac, const struct peer_packet *packet)
{
    gcry_md_reset(mac); /* keeps the key */
    gcry_md_write(mac, packet->esp, ESP_FRONT_BYTES + packet->cipher_bytes);
    return gcry_md_read(mac, 0);
}

static void seal(void *state_, const struct peer_packet *packets, size_t count)
{
    const struct state *state = state_;

    for (size_t i = 0; i < count; i++) {
        const struct handles *handles = &state->handles[packets[i].sa];
        uint8_t *text = packets[i].esp + ESP_FRONT_BYTES;
        require(gcry_cipher_setiv(handles->cipher, packets[i].esp + IV_OFFSET_BYTES, 8) == 0);
        require(gcry_cipher_encrypt(handles->cipher, text, packets[i].cipher_bytes, NULL, 0) == 0);
        memcpy(text + packets[i].cipher_bytes, digest_of(handles->mac, &packets[i]), ICV_BYTES);
    }
}

static bool open(void *state_, const struct peer_packet *packets, size_t count)
{
    const struct state *state = state_;

    for (size_t i = 0; i < count; i++) {
        const struct handles *handles = &state->handles[packets[i].sa];
        uint8_t *text = packets[i].esp + ESP_FRONT_BYTES;
        if (memcmp(text + packets[i].cipher_bytes, digest_of(handles->mac, &packets[i]), ICV_BYTES) != 0)
            return false;
        require(gcry_cipher_setiv(handles->cipher, packets[i].esp + IV_OFFSET_BYTES, 8) == 0);
        require(gcry_cipher_decrypt(handles->cipher, text, packets[i].cipher_bytes, NULL, 0) == 0);
    }
    return true;
}

const struct peer peer_libgcrypt = {
    .name = "libgcrypt", .create = create, .destroy = destroy, .seal = seal, .open = open};
