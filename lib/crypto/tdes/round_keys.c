/* SPDX-License-Identifier: ISC
 *
 * The round keys of byte-sliced kernels, one 64-bit word a round. Each of a part's 56 key bits is spread to a
 * mask that takes its pattern, or nothing, into each round: no address and no branch depends on the key, and
 * the compiler makes vectors of it. libcrypto's own schedule has another order of bits, which is not its
 * interface.
 */
#include "crypto/tdes/bytes_keys.h"
#include "crypto/tdes/state.h"

#include <openssl/crypto.h>

#define KEY_BITS 56
#define ROUNDS 16

static void add_bit(uint64_t rounds[ROUNDS], uint64_t mask, const uint64_t patterns[ROUNDS])
{
    for (size_t round = 0; round < ROUNDS; round++)
        rounds[round] |= mask & patterns[round];
}

/* Encryption goes through the parts as E, D, E: the middle one's rounds stand backwards. */
void sp_tdes_expand_round_keys(struct sp_tdes_state *state)
{
    uint64_t rounds[SP_TDES_PARTS][ROUNDS] = {{0}};

    for (size_t part = 0; part < SP_TDES_PARTS; part++) {
        for (size_t bit = 0; bit < KEY_BITS; bit++)
            add_bit(rounds[part], -(state->key[part] >> key_places[bit] & 1), key_patterns[bit]);
    }
    for (size_t round = 0; round < ROUNDS; round++) {
        state->round_keys[round] = rounds[0][round];
        state->round_keys[ROUNDS + round] = rounds[1][ROUNDS - 1 - round];
        state->round_keys[2 * ROUNDS + round] = rounds[2][round];
    }
    OPENSSL_cleanse(rounds, sizeof rounds);
}
