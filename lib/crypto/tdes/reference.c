/* SPDX-License-Identifier: ISC
 *
 * 3DES-CBC (RFC 2451, FIPS 46-3) by libcrypto: what runs where nothing better exists, and what the faster
 * kernels are held against.
 *
 * It calls libcrypto's low-level DES functions, deprecated since OpenSSL 3.0, on purpose: an EVP context
 * lives on OpenSSL's own heap, so its key schedule would be outside of the key arena, and no two threads may
 * share one. Here the schedule is the caller's memory and is only ever read.
 *
 * DES_ede3_cbc_encrypt reads each block before it writes it, so in and out may be the same place. It writes
 * the last ciphertext block back through its IV argument, hence the copy.
 */
#include "crypto/kernels.h"
#include "crypto/tdes/state.h"

#define KEY_BITS_MASK 0xfefefefefefefefeu /* without parity */

/* libcrypto's prototypes lack the const that its code keeps. */
static void *without_const(const void *pointer)
{
    return (void *)(uintptr_t)pointer;
}

void sp_tdes_expand(void *state, const uint8_t *key)
{
    struct sp_tdes_state *expanded = state;

    /* unchecked: sp_tdes_key_fault() is what refuses keys, and it ignores parity */
    for (size_t i = 0; i < SP_TDES_PARTS; i++) {
        const uint8_t *part = key + i * SP_TDES_PART_BYTES;
        DES_set_key_unchecked(without_const(part), &expanded->schedule[i]);
        expanded->key[i] = sp_tdes_load(part) & KEY_BITS_MASK;
    }
    sp_tdes_expand_round_keys(expanded);
}

void sp_tdes_run_reference(const struct sp_tdes_state *state, const uint8_t iv[SP_TDES_BLOCK_BYTES],
                           const uint8_t *in, uint8_t *out, size_t len_bytes, int encrypt)
{
    DES_key_schedule *schedule = without_const(state->schedule);
    DES_cblock chain;

    memcpy(chain, iv, sizeof chain);
    DES_ede3_cbc_encrypt(in, out, (long)len_bytes, &schedule[0], &schedule[1], &schedule[2], &chain, encrypt);
}

static void run_jobs(const struct sp_cbc_job *jobs, size_t count, int encrypt)
{
    for (size_t i = 0; i < count; i++)
        sp_tdes_run_reference(jobs[i].state, jobs[i].iv, jobs[i].in, jobs[i].out, jobs[i].len_bytes, encrypt);
}

static void cbc_seal(const struct sp_cbc_job *jobs, size_t count)
{
    run_jobs(jobs, count, DES_ENCRYPT);
}

static void cbc_open(const struct sp_cbc_job *jobs, size_t count)
{
    run_jobs(jobs, count, DES_DECRYPT);
}

const SP_TDES_CBC(sp_tdes_cbc_reference, "libcrypto", cbc_seal, cbc_open);
