/* SPDX-License-Identifier: ISC
 *
 * Bit-sliced 3DES on 512 lanes, by vpternlog: for processors with AVX-512 that lack VBMI. Compiled for
 * AVX-512: nothing in here may be called where that is missing.
 *
 * A round is 203 gates where AVX2 takes 391 and 32 XORs, on twice the lanes, with twice the registers: a step
 * costs less than one of the 256 lanes of AVX2, which are of no use beside it.
 */
#include "crypto/tdes/variants.h"

#include <immintrin.h>

#define VECTOR_BYTES 64
#define TERNARY(a, b, c, table)                                                                              \
    ((vector)_mm512_ternarylogic_epi64((__m512i)(a), (__m512i)(b), (__m512i)(c), table))
#define KERNEL sp_tdes_lanes_avx512
#define KERNEL_SEAL_LANES_MIN 65
#define KERNEL_OPEN_LANES_MIN 65
#define KERNEL_BELOW &sp_tdes_lanes_bytes_avx2
#include "crypto/tdes/bitslice_template.h"
