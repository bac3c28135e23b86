/* SPDX-License-Identifier: ISC
 *
 * What this processor and its operating system offer to kernels, less what SALLYPORT_CPUMASK hides.
 */
#ifndef SP_CORE_CPU_H
#define SP_CORE_CPU_H

#include <stdbool.h>
#include <stdint.h>

enum sp_cpu_feature {
    SP_CPU_SSE2 = 1u << 0,
    SP_CPU_SSSE3 = 1u << 1,
    SP_CPU_SSE41 = 1u << 2,
    SP_CPU_AES_NI = 1u << 3,
    SP_CPU_SHA_NI = 1u << 4,
    SP_CPU_GFNI = 1u << 5, /* the SSE form; wider ones need SP_CPU_AVX2 or SP_CPU_AVX512 beside it */
    SP_CPU_AVX = 1u << 6,
    SP_CPU_AVX2 = 1u << 7,
    SP_CPU_BMI2 = 1u << 8,
    SP_CPU_VAES = 1u << 9,
    SP_CPU_AVX512 = 1u << 10, /* F, BW, DQ and VL together: no kernel wants fewer */
    SP_CPU_AVX512_VBMI = 1u << 11,
};
#define SP_CPU_FEATURE_COUNT 12

/* The features that kernels may use. Detected once; the same for the life of the process, from any thread. */
uint32_t sp_cpu_features(void);

/* The features that are there, hidden or not. */
uint32_t sp_cpu_features_present(void);

/* "avx2" for SP_CPU_AVX2; NULL for what isn't one of the bits. */
const char *sp_cpu_feature_name(uint32_t feature);

/* What is left of features when names are hidden: names separated by commas, or "all". A feature that builds
 * on a hidden one goes with it, as AVX-512 with AVX2. A name that isn't known hides nothing and makes
 * *ret_is_understood false, so that a misspelt mask can't pass for a working one. */
uint32_t sp_cpu_hide(uint32_t features, const char *names, bool *ret_is_understood);

#endif
