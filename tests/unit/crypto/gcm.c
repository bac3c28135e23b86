/* SPDX-License-Identifier: ISC
 *
 * AES-GCM's manners: what it leaves in memory, and that it takes none while it runs. That its answers are
 * right is for tests/vectors and tests/interop to say.
 */
#include "crypto/gcm.h"

#include <criterion/criterion.h>

#include <openssl/crypto.h>

#include <stdlib.h>
#include <string.h>

#define BLOCKS_MAX 8192

/* All that libcrypto took since watching began, so that it can be looked through. */
static struct {
    void *start;
    size_t len_bytes;
} blocks[BLOCKS_MAX];
static size_t taken;
static bool is_watching;

static void *take(size_t len_bytes, const char *file, int line)
{
    (void)file, (void)line;
    void *start = malloc(len_bytes);
    if (!is_watching)
        return start;
    for (size_t i = 0; i < BLOCKS_MAX && start != NULL; i++) {
        if (blocks[i].start != NULL)
            continue;
        blocks[i].start = start;
        blocks[i].len_bytes = len_bytes;
        taken++;
        return start;
    }
    abort(); /* more blocks than this test has room for */
}

static void give(void *start, const char *file, int line)
{
    (void)file, (void)line;
    for (size_t i = 0; i < BLOCKS_MAX && is_watching; i++)
        if (blocks[i].start == start)
            blocks[i].start = NULL;
    free(start);
}

static void *resize(void *start, size_t len_bytes, const char *file, int line)
{
    (void)file, (void)line;
    void *moved = realloc(start, len_bytes);
    taken++;
    for (size_t i = 0; i < BLOCKS_MAX && is_watching && start != NULL; i++)
        if (blocks[i].start == start) {
            blocks[i].start = moved;
            blocks[i].len_bytes = len_bytes;
        }
    return moved;
}

/* libcrypto lets itself be watched only before it first takes memory, which the test runner's libraries make
 * it do. */
__attribute__((constructor)) static void watch(void)
{
    if (CRYPTO_set_mem_functions(take, resize, give) != 1)
        abort();
}

static bool libcrypto_holds(const uint8_t *bytes, size_t len_bytes)
{
    for (size_t i = 0; i < BLOCKS_MAX; i++)
        if (blocks[i].start != NULL && memmem(blocks[i].start, blocks[i].len_bytes, bytes, len_bytes) != NULL)
            return true;
    return false;
}

static void expect_forgotten(enum sp_encryption encryption)
{
    const struct sp_cipher *cipher = sp_cipher_ops(encryption);
    uint8_t key[36], state[64], text[200] = {0}, icv[SP_GCM_ICV_BYTES];
    static const uint8_t iv[SP_GCM_IV_BYTES], aad[8];
    struct sp_gcm *gcm;
    const struct sp_gcm_job job = {.cipher = cipher,
                                   .state = state,
                                   .iv = iv,
                                   .aad = aad,
                                   .aad_bytes = sizeof aad,
                                   .text = text,
                                   .len_bytes = sizeof text,
                                   .icv = icv};
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(0x91 + 37 * i);
    cipher->expand(state, key);
    cr_assert_eq(sp_gcm_create(&gcm), SP_OK);
    size_t before = taken;
    sp_gcm_seal(gcm, &job);
    cr_assert(libcrypto_holds(key, 16), "the first round key is the key itself: else this test sees nothing");
    cr_assert(sp_gcm_open(gcm, &job));
    sp_gcm_forget(gcm);
    cr_assert_not(libcrypto_holds(key, 16));
    sp_gcm_seal(gcm, &job);
    cr_assert_eq(taken, before, "memory was taken for a packet");
    sp_gcm_destroy(&gcm);
}

Test(gcm, takes_no_memory_for_packets_and_keeps_no_key_when_told_to_forget)
{
    is_watching = true;
    expect_forgotten(SP_ENCRYPTION_AES128_GCM16);
    expect_forgotten(SP_ENCRYPTION_AES256_GCM16);
}

Test(gcm, wipes_what_has_a_wrong_icv)
{
    const struct sp_cipher *cipher = sp_cipher_ops(SP_ENCRYPTION_AES256_GCM16);
    uint8_t key[36] = {1, 2, 3}, state[64], icv[SP_GCM_ICV_BYTES];
    static const uint8_t iv[SP_GCM_IV_BYTES], aad[8], zeros[300];
    struct sp_gcm *gcm;
    cipher->expand(state, key);
    cr_assert_eq(sp_gcm_create(&gcm), SP_OK);
    for (size_t len_bytes = 0; len_bytes <= 300; len_bytes++) {
        uint8_t text[300];
        memset(text, 0x5a, sizeof text);
        const struct sp_gcm_job job = {.cipher = cipher,
                                       .state = state,
                                       .iv = iv,
                                       .aad = aad,
                                       .aad_bytes = sizeof aad,
                                       .text = text,
                                       .len_bytes = len_bytes,
                                       .icv = icv};
        sp_gcm_seal(gcm, &job);
        icv[len_bytes % SP_GCM_ICV_BYTES] ^= 1;
        cr_assert_not(sp_gcm_open(gcm, &job));
        cr_assert_eq(memcmp(text, zeros, len_bytes), 0);
        cr_assert(len_bytes == sizeof text || text[len_bytes] == 0x5a);
    }
    sp_gcm_destroy(&gcm);
}
