/* SPDX-License-Identifier: ISC
 *
 * A pool of unpredictable initialization vectors, one a thread.
 */
#ifndef SP_ESP_IV_H
#define SP_ESP_IV_H

#include <stddef.h>
#include <stdint.h>

#include <sallyport/status.h>

struct sp_iv_pool;

/* Keyed from the operating system's random source. SP_ERR_MEMORY. */
enum sp_status sp_iv_pool_create(struct sp_iv_pool **ret_pool) SP_MUST_USE;
void sp_iv_pool_destroy(struct sp_iv_pool **pool);

/* Takes iv_bytes (0..64) that nobody can foretell. No system call. */
void sp_iv_pool_take(struct sp_iv_pool *pool, uint8_t *iv, size_t iv_bytes);

#endif
