/* SPDX-License-Identifier: ISC
 *
 * What a 3DES key expands to: the same for every variant, so that one call may spread its jobs over several.
 */
#ifndef SP_CRYPTO_TDES_STATE_H
#define SP_CRYPTO_TDES_STATE_H

#include "crypto/suite.h"

#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/des.h>

#include <endian.h>
#include <string.h>

#define SP_TDES_PARTS 3
#define SP_TDES_PART_BYTES 8
#define SP_TDES_BLOCK_BYTES 8

struct sp_tdes_state {
    DES_key_schedule schedule[SP_TDES_PARTS]; /* libcrypto's */
    uint64_t key[SP_TDES_PARTS];              /* little-endian, without parity: for bit slices */
    uint64_t round_keys[SP_TDES_PARTS * 16]; /* of encryption, in its order: for byte slices (bytes_keys.h) */
};

void sp_tdes_expand(void *state, const uint8_t *key);
/* round_keys from key. */
void sp_tdes_expand_round_keys(struct sp_tdes_state *state);

/* One CBC run by libcrypto, from iv on. encrypt: DES_ENCRYPT or DES_DECRYPT. */
void sp_tdes_run_reference(const struct sp_tdes_state *state, const uint8_t iv[SP_TDES_BLOCK_BYTES],
                           const uint8_t *in, uint8_t *out, size_t len_bytes, int encrypt);

/* Blocks as the little-endian words that lanes.h's kernels take. */
static inline uint64_t sp_tdes_load(const uint8_t *from)
{
    uint64_t block;

    memcpy(&block, from, sizeof block);
    return le64toh(block);
}

static inline void sp_tdes_store(uint8_t *to, uint64_t block)
{
    block = htole64(block);
    memcpy(to, &block, sizeof block);
}

/* The ops of a variant. */
#define SP_TDES_CBC(symbol, kernel_name, seal, open)                                                         \
    struct sp_cipher symbol = {                                                                              \
        .name = "3des-cbc",                                                                                  \
        .kernel = kernel_name,                                                                               \
        .key_bytes = SP_TDES_PARTS * SP_TDES_PART_BYTES,                                                     \
        .block_bytes = SP_TDES_BLOCK_BYTES,                                                                  \
        .iv_bytes = SP_TDES_BLOCK_BYTES,                                                                     \
        .state_bytes = sizeof(struct sp_tdes_state),                                                         \
        .expand = sp_tdes_expand,                                                                            \
        .cbc_seal = seal,                                                                                    \
        .cbc_open = open,                                                                                    \
    }

#endif
