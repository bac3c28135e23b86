/* SPDX-License-Identifier: ISC
 *
 * A pool of unpredictable initialization vectors, one a thread.
 */
#ifndef SP_ESP_IV_H
#define SP_ESP_IV_H

#include <stddef.h>
#include <stdint.h>

#include <sallyport/status.h>

#include <string.h>

#define SP_IV_POOL_KEY_BYTES 32

/* The key, and behind it the stream: one run of the cipher makes the next of both. */
struct sp_iv_pool {
    uint8_t bytes[4096];
    size_t at; /* of the first byte not given out */
};

/* Keyed from the operating system's random source. SP_ERR_MEMORY. */
enum sp_status sp_iv_pool_create(struct sp_iv_pool **ret_pool) SP_MUST_USE;
void sp_iv_pool_destroy(struct sp_iv_pool **pool);

/* Takes iv_bytes (0..64) that nobody can foretell. No system call. */
void sp_iv_pool_take(struct sp_iv_pool *pool, uint8_t *iv, size_t iv_bytes);

void sp_iv_pool_refill(struct sp_iv_pool *pool);

/* The same of 8 bytes, without a call. */
static inline void sp_iv_pool_take_8(struct sp_iv_pool *pool, uint8_t *iv)
{
    if (sizeof pool->bytes - pool->at < 8)
        sp_iv_pool_refill(pool);
    memcpy(iv, pool->bytes + pool->at, 8);
    pool->at += 8;
}

#endif
