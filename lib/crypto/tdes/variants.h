/* SPDX-License-Identifier: ISC
 *
 * All variants of 3DES-CBC, for tests that run each of them.
 */
#ifndef SP_CRYPTO_TDES_VARIANTS_H
#define SP_CRYPTO_TDES_VARIANTS_H

#include "core/cpu.h"
#include "crypto/tdes/lanes.h"

#include <stdbool.h>

extern const struct sp_tdes_lanes sp_tdes_lanes_portable;
extern const struct sp_tdes_lanes sp_tdes_lanes_bytes_avx2;
extern const struct sp_tdes_lanes sp_tdes_lanes_avx2;
extern const struct sp_tdes_lanes sp_tdes_lanes_avx512;
extern const struct sp_tdes_lanes sp_tdes_lanes_vbmi;

struct sp_tdes_variant {
    const struct sp_cipher *ops;
    const struct sp_tdes_lanes *lanes; /* NULL for the reference */
    uint32_t needs;                    /* CPU features */
};

/* The reference first, then upward. */
const struct sp_tdes_variant *sp_tdes_variants(size_t *ret_count);

/* What a variant has to show before it is used. */
bool sp_tdes_gives_known_answers(const struct sp_cipher *ops);

#endif
