/* SPDX-License-Identifier: ISC
 *
 * Bit-sliced 3DES on 256 lanes. Compiled for AVX2: nothing in here may be called where that is missing.
 */
#define VECTOR_BYTES 32
#define KERNEL sp_tdes_lanes_avx2
#define KERNEL_SEAL_LANES_MIN 97 /* more than three times the lanes of the byte-sliced one */
#define KERNEL_OPEN_LANES_MIN 97
#define KERNEL_BELOW &sp_tdes_lanes_bytes_avx2
#include "crypto/tdes/variants.h"

#include "crypto/tdes/bitslice_template.h"
