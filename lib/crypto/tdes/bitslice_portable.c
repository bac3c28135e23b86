/* SPDX-License-Identifier: ISC
 *
 * Bit-sliced 3DES on 128 lanes, for whatever the compiler makes of 128-bit vectors: SSE2 on x86-64, which has
 * it always, NEON on arm64.
 */
#include "crypto/tdes/variants.h"

#define VECTOR_BYTES 16
#define KERNEL sp_tdes_lanes_portable
#define KERNEL_SEAL_LANES_MIN 12
#define KERNEL_OPEN_LANES_MIN 12
#define KERNEL_BELOW NULL
#include "crypto/tdes/bitslice_template.h"
