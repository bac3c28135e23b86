/* SPDX-License-Identifier: ISC
 *
 * What sp_esp_seal() and sp_esp_open() are measured against: other libraries that do the same cipher and HMAC
 * bytes and nothing of ESP besides. No header is read, no SA looked up, no sequence number counted. Contexts
 * are made and keyed outside of the measured time.
 */
#ifndef SP_BENCH_ESP_PEER_H
#define SP_BENCH_ESP_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TDES_KEY_BYTES 24
#define SHA1_KEY_BYTES 20
#define SHA1_BYTES 20
#define ESP_FRONT_BYTES 16 /* SPI, sequence number, IV */
#define IV_OFFSET_BYTES 8
#define ICV_BYTES 12
#define ICV_BYTES_MAX 16 /* AES-GCM's */

struct keys {
    uint8_t encryption[TDES_KEY_BYTES], integrity[SHA1_KEY_BYTES];
};

/* From the ESP header on: header, IV, cipher_bytes, ICV. */
struct peer_packet {
    uint8_t *esp;
    size_t cipher_bytes;
    size_t sa;
};

struct peer {
    const char *name;
    bool is_other_suite; /* seals to other bytes: for comparison, but nobody's peer */
    /* Contexts for SAs 0 .. sas-1. Ends the bench when it can't. */
    void *(*create)(const struct keys *keys, size_t sas);
    void (*destroy)(void *state);
    void (*seal)(void *state, const struct peer_packet *packets, size_t count);
    /* false when an ICV is wrong */
    bool (*open)(void *state, const struct peer_packet *packets, size_t count);
};

/* Those that this bench was built with; libcrypto is always the first. */
#define PEERS_MAX 6
extern const struct peer *const peers[];
extern size_t peer_count;
/* Without AVX-512, takes the last ones off: those that are far slower than libcrypto there, unless they are
 * asked for, and those that can't be kept from it. Returns how many slow ones. Before the world is made. */
size_t peers_leave_out(bool has_slow_ones);

extern const struct peer peer_libcrypto, peer_aes_gcm, peer_libgcrypt, peer_ipsec_mb_jobs,
    peer_ipsec_mb_burst, peer_dpdk;

#endif
