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
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/kernels.h"

#include <openssl/des.h>

#include <string.h>

#define KEY_PART_BYTES 8
#define BLOCK_BYTES 8

struct schedules {
    DES_key_schedule part[3];
};

/* libcrypto's prototypes lack the const that its code keeps. */
static void *without_const(const void *pointer)
{
    return (void *)(uintptr_t)pointer;
}

static void expand(void *state, const uint8_t *key)
{
    struct schedules *schedules = state;

    /* unchecked: sp_tdes_key_fault() is what refuses keys, and it ignores parity */
    for (size_t i = 0; i < 3; i++)
        DES_set_key_unchecked(without_const(key + i * KEY_PART_BYTES), &schedules->part[i]);
}

static void run_jobs(const struct sp_cbc_job *jobs, size_t count, int direction)
{
    DES_cblock iv;

    for (size_t i = 0; i < count; i++) {
        const struct sp_cbc_job *job = &jobs[i];
        struct schedules *schedules = without_const(job->state);

        memcpy(iv, job->iv, BLOCK_BYTES);
        DES_ede3_cbc_encrypt(job->in, job->out, (long)job->len_bytes, &schedules->part[0],
                             &schedules->part[1], &schedules->part[2], &iv, direction);
    }
}

static void cbc_seal(const struct sp_cbc_job *jobs, size_t count)
{
    run_jobs(jobs, count, DES_ENCRYPT);
}

static void cbc_open(const struct sp_cbc_job *jobs, size_t count)
{
    run_jobs(jobs, count, DES_DECRYPT);
}

const struct sp_cipher sp_tdes_cbc_reference = {
    .name = "3des-cbc",
    .kernel = "libcrypto",
    .key_bytes = 3 * KEY_PART_BYTES,
    .block_bytes = BLOCK_BYTES,
    .iv_bytes = BLOCK_BYTES,
    .state_bytes = sizeof(struct schedules),
    .expand = expand,
    .cbc_seal = cbc_seal,
    .cbc_open = cbc_open,
};
