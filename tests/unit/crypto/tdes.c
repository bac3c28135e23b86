/* SPDX-License-Identifier: ISC
 *
 * 3DES-CBC over job arrays, held against libcrypto's EVP interface, which the library doesn't use. The
 * vectors of NIST are in tests/vectors.
 */
#include "crypto/suite.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>

#include <stdlib.h>
#include <string.h>

#define JOBS 9

static const struct sp_cipher *ops;
static void *state;
static uint8_t key[24];

static void set_up(void)
{
    srand(5);
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)rand();
    ops = sp_cipher_ops(SP_ENCRYPTION_3DES_CBC);
    state = malloc(ops->state_bytes);
    cr_assert_not_null(state);
    ops->expand(state, key);
}

static void tear_down(void)
{
    free(state);
}

TestSuite(tdes, .init = set_up, .fini = tear_down);

static void peer(bool is_sealing, const uint8_t *iv, const uint8_t *in, uint8_t *out, size_t len_bytes)
{
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int out_bytes = 0;

    cr_assert_not_null(context);
    cr_assert(EVP_CipherInit_ex(context, EVP_des_ede3_cbc(), NULL, key, iv, is_sealing));
    cr_assert(EVP_CIPHER_CTX_set_padding(context, 0));
    cr_assert(EVP_CipherUpdate(context, out, &out_bytes, in, (int)len_bytes));
    cr_assert_eq(out_bytes, (int)len_bytes);
    EVP_CIPHER_CTX_free(context);
}

static uint8_t *random_bytes(size_t len_bytes)
{
    uint8_t *bytes = malloc(len_bytes != 0 ? len_bytes : 1);

    cr_assert_not_null(bytes);
    for (size_t i = 0; i < len_bytes; i++)
        bytes[i] = (uint8_t)rand();
    return bytes;
}

/* Jobs of different lengths in one call; in place when asked. */
static void expect_as_peer(bool is_sealing, bool is_in_place)
{
    struct sp_cbc_job jobs[JOBS];
    uint8_t *ivs[JOBS], *expected[JOBS], *in[JOBS], *out[JOBS];

    for (size_t i = 0; i < JOBS; i++) {
        size_t len_bytes = i == 0 ? 0 : (size_t)8 << i;
        ivs[i] = random_bytes(8);
        in[i] = random_bytes(len_bytes);
        expected[i] = random_bytes(len_bytes);
        out[i] = is_in_place ? in[i] : random_bytes(len_bytes);
        if (len_bytes > 0)
            peer(is_sealing, ivs[i], in[i], expected[i], len_bytes);
        jobs[i] = (struct sp_cbc_job){
            .state = state, .iv = ivs[i], .in = in[i], .out = out[i], .len_bytes = len_bytes};
    }
    (is_sealing ? ops->cbc_seal : ops->cbc_open)(jobs, JOBS);
    for (size_t i = 0; i < JOBS; i++) {
        cr_expect_arr_eq(out[i], expected[i], jobs[i].len_bytes, "job %zu", i);
        if (!is_in_place)
            free(out[i]);
        free(in[i]);
        free(expected[i]);
        free(ivs[i]);
    }
}

Test(tdes, seals_as_evp_does)
{
    expect_as_peer(true, false);
}

Test(tdes, seals_in_place)
{
    expect_as_peer(true, true);
}

Test(tdes, opens_as_evp_does)
{
    expect_as_peer(false, false);
}

Test(tdes, opens_in_place)
{
    expect_as_peer(false, true);
}

Test(tdes, leaves_iv_input_and_state_as_they_were)
{
    uint8_t iv[8] = {1, 2, 3, 4, 5, 6, 7, 8}, in[64] = {9}, out[64];
    const uint8_t iv_before[8] = {1, 2, 3, 4, 5, 6, 7, 8}, in_before[64] = {9};
    struct sp_cbc_job job = {.state = state, .iv = iv, .in = in, .out = out, .len_bytes = sizeof in};
    uint8_t *state_before = malloc(ops->state_bytes);

    cr_assert_not_null(state_before);
    memcpy(state_before, state, ops->state_bytes);
    ops->cbc_seal(&job, 1);
    ops->cbc_open(&job, 1);
    cr_expect_arr_eq(iv, iv_before, sizeof iv);
    cr_expect_arr_eq(in, in_before, sizeof in);
    cr_expect_arr_eq(state, state_before, ops->state_bytes);
    free(state_before);
}

Test(tdes, does_not_see_the_parity_bits_of_a_key)
{
    uint8_t flipped[24];
    void *other = malloc(ops->state_bytes);

    cr_assert_not_null(other);
    for (size_t i = 0; i < sizeof flipped; i++)
        flipped[i] = key[i] ^ 1;
    ops->expand(other, flipped);
    cr_expect_arr_eq(other, state, ops->state_bytes);
    free(other);
}

Test(tdes, of_no_jobs_does_nothing)
{
    ops->cbc_seal(NULL, 0);
    ops->cbc_open(NULL, 0);
}
