/* SPDX-License-Identifier: ISC
 *
 * What sp_esp_seal() and sp_esp_open() are measured against: raw libcrypto through EVP, doing the same cipher
 * and HMAC bytes and nothing of ESP besides. No header is read, no SA looked up, no sequence number counted.
 */
#ifndef SP_BENCH_ESP_PEER_H
#define SP_BENCH_ESP_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TDES_KEY_BYTES 24
#define SHA1_KEY_BYTES 20
#define ESP_FRONT_BYTES 16 /* SPI, sequence number, IV */
#define ICV_BYTES 12

struct keys {
    uint8_t encryption[TDES_KEY_BYTES], integrity[SHA1_KEY_BYTES];
};

/* From the ESP header on: header, IV, cipher_bytes, ICV. */
struct peer_packet {
    uint8_t *esp;
    size_t cipher_bytes;
    size_t sa;
};

struct peer;

/* One pair of contexts for each SA and direction, keyed once and used again for each packet: the fastest way
 * that EVP knows. */
struct peer *peer_create(const struct keys *keys, size_t sas);
void peer_destroy(struct peer *peer);
void peer_seal(struct peer *peer, const struct peer_packet *packets, size_t count);
/* false when an ICV is wrong. */
bool peer_open(struct peer *peer, const struct peer_packet *packets, size_t count);

#endif
