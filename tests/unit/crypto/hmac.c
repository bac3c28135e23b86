/* SPDX-License-Identifier: ISC
 *
 * The HMACs over job arrays, held against libcrypto's HMAC(), which the library doesn't use.
 */
#include "crypto/suite.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdlib.h>
#include <string.h>

#define JOBS 64
#define KEY_BYTES_MAX 150
#define CANARY 0xa5

static const EVP_MD *peer_of(enum sp_integrity integrity)
{
    switch (integrity) {
    case SP_INTEGRITY_HMAC_MD5_96:
        return EVP_md5();
    case SP_INTEGRITY_HMAC_SHA1_96:
        return EVP_sha1();
    default:
        return EVP_sha256();
    }
}

static void *new_state(const struct sp_hmac *ops, const uint8_t *key, size_t key_bytes)
{
    void *state = malloc(ops->state_bytes);

    cr_assert_not_null(state);
    ops->expand(state, key, key_bytes);
    return state;
}

static void fill(uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uint8_t)rand();
}

/* Jobs of different lengths in one call; nothing may be written behind an ICV. */
static void expect_as_peer(enum sp_integrity integrity, size_t key_bytes)
{
    const struct sp_hmac *ops = sp_hmac_ops(integrity);
    uint8_t key[KEY_BYTES_MAX], expected[EVP_MAX_MD_SIZE], full[EVP_MAX_MD_SIZE];
    uint8_t icvs[JOBS][20], *data[JOBS];
    struct sp_hmac_job jobs[JOBS];

    fill(key, key_bytes);
    void *state = new_state(ops, key, key_bytes);
    memset(icvs, CANARY, sizeof icvs);
    for (size_t i = 0; i < JOBS; i++) {
        size_t len_bytes = i * 3;
        data[i] = malloc(len_bytes != 0 ? len_bytes : 1);
        cr_assert_not_null(data[i]);
        fill(data[i], len_bytes);
        jobs[i] =
            (struct sp_hmac_job){.state = state, .data = data[i], .len_bytes = len_bytes, .icv = icvs[i]};
    }
    ops->mac(jobs, JOBS);
    for (size_t i = 0; i < JOBS; i++) {
        unsigned expected_bytes = 0;
        HMAC(peer_of(integrity), key, (int)key_bytes, data[i], jobs[i].len_bytes, expected, &expected_bytes);
        cr_assert_eq(expected_bytes, ops->digest_bytes);
        cr_assert_arr_eq(icvs[i], expected, ops->icv_bytes, "%s key %zu job %zu", ops->name, key_bytes, i);
        cr_assert_eq(icvs[i][ops->icv_bytes], CANARY);
        ops->mac_full(state, data[i], jobs[i].len_bytes, full);
        cr_assert_arr_eq(full, expected, ops->digest_bytes);
        free(data[i]);
    }
    free(state);
}

Test(hmac, is_as_libcrypto_has_it_for_keys_of_every_length)
{
    srand(6);
    for (int i = 0; i < SP_INTEGRITY_COMBINED; i++) {
        for (size_t key_bytes = 1; key_bytes <= KEY_BYTES_MAX; key_bytes++)
            expect_as_peer((enum sp_integrity)i, key_bytes);
    }
}

Test(hmac, leaves_the_state_as_it_was)
{
    static const uint8_t key[32] = {1}, data[200] = {2};
    uint8_t icv[16];

    for (int i = 0; i < SP_INTEGRITY_COMBINED; i++) {
        const struct sp_hmac *ops = sp_hmac_ops((enum sp_integrity)i);
        void *state = new_state(ops, key, ops->key_bytes), *before = malloc(ops->state_bytes);
        struct sp_hmac_job job = {.state = state, .data = data, .len_bytes = sizeof data, .icv = icv};
        cr_assert_not_null(before);
        memcpy(before, state, ops->state_bytes);
        ops->mac(&job, 1);
        cr_expect_arr_eq(state, before, ops->state_bytes);
        free(before);
        free(state);
    }
}

Test(hmac, may_write_its_icv_right_behind_the_data)
{
    uint8_t packet[100 + 16], apart[16];

    for (int i = 0; i < SP_INTEGRITY_COMBINED; i++) {
        static const uint8_t key[32] = {3};
        const struct sp_hmac *ops = sp_hmac_ops((enum sp_integrity)i);
        void *state = new_state(ops, key, ops->key_bytes);
        fill(packet, sizeof packet);
        struct sp_hmac_job jobs[] = {
            {.state = state, .data = packet, .len_bytes = 100, .icv = apart},
            {.state = state, .data = packet, .len_bytes = 100, .icv = packet + 100},
        };
        ops->mac(jobs, 2);
        cr_expect_arr_eq(packet + 100, apart, ops->icv_bytes);
        free(state);
    }
}

Test(hmac, of_no_jobs_does_nothing)
{
    for (int i = 0; i < SP_INTEGRITY_COMBINED; i++)
        sp_hmac_ops((enum sp_integrity)i)->mac(NULL, 0);
}
