/* SPDX-License-Identifier: ISC
 *
 * Wiping that costs no more than its stores: it happens after each burst, where a call into a library would
 * show. So does a memset of 128 bytes, which compilers turn into REP STOS.
 */
#ifndef SP_CRYPTO_HMAC_WIPE_H
#define SP_CRYPTO_HMAC_WIPE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* For small constant multiples of 16 bytes. The barrier is what makes it a wipe, since the compiler can't
 * know that nobody reads the zeroes, and what keeps the stores from becoming a memset again. */
static inline void sp_wipe(void *bytes, size_t len_bytes)
{
    typedef uint32_t unit __attribute__((vector_size(16)));
    const unit zeroes = {0};

    for (size_t i = 0; i < len_bytes; i += sizeof zeroes) {
        memcpy((uint8_t *)bytes + i, &zeroes, sizeof zeroes);
        __asm__ volatile("" : : "r"(bytes) : "memory");
    }
}

#define SP_WIPE_STACK_UNIT_BYTES 128

/* What functions called before have left on the stack below the caller, down to len_bytes of it, a multiple
 * of the unit. They can't do it themselves: what a compiler spills has no name in C. Always inlined, and
 * alloca rather than an array, since the frame must grow from exactly where the callees' frames began. */
static inline __attribute__((always_inline)) void sp_wipe_stack(size_t len_bytes)
{
    uint8_t *bytes = __builtin_alloca(len_bytes);

    for (size_t done = 0; done < len_bytes; done += SP_WIPE_STACK_UNIT_BYTES)
        sp_wipe(bytes + done, SP_WIPE_STACK_UNIT_BYTES);
}

#endif
