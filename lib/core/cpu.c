/* SPDX-License-Identifier: ISC
 *
 * CPU features by CPUID, and by XGETBV whether the operating system keeps the wide registers across a switch
 * of threads: without that, an instruction that CPUID announces still faults or, worse, loses its upper half
 * (Intel SDM volume 1, 14.3 and 15.2).
 *
 * SALLYPORT_CPUMASK hides features, so that tests can run every kernel on one machine and an operator can
 * step around one. It is read by secure_getenv: who runs a privileged program must not choose its code.
 *
 * The result is cached in one atomic word. Threads that meet there at first each detect the same value.
 */
#include "core/cpu.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define IS_KNOWN (1u << 31) /* in the cached word: detection is done */

struct feature {
    uint32_t bit;
    uint32_t needs; /* what it builds on, directly */
    const char *name;
};

/* In an order in which each feature stands behind what it needs: sp_cpu_hide() relies on it. */
static const struct feature known[SP_CPU_FEATURE_COUNT] = {
    {SP_CPU_SSE2, 0, "sse2"},
    {SP_CPU_SSSE3, SP_CPU_SSE2, "ssse3"},
    {SP_CPU_SSE41, SP_CPU_SSSE3, "sse41"},
    {SP_CPU_AES_NI, SP_CPU_SSE2, "aes_ni"},
    {SP_CPU_SHA_NI, SP_CPU_SSE41, "sha_ni"},
    {SP_CPU_GFNI, SP_CPU_SSE41, "gfni"},
    {SP_CPU_AVX, SP_CPU_SSE41, "avx"},
    {SP_CPU_AVX2, SP_CPU_AVX, "avx2"},
    {SP_CPU_BMI2, 0, "bmi2"}, /* VEX-coded, but on general registers: it needs no AVX state */
    {SP_CPU_VAES, SP_CPU_AVX2 | SP_CPU_AES_NI, "vaes"},
    {SP_CPU_AVX512, SP_CPU_AVX2, "avx512"},
    {SP_CPU_AVX512_VBMI, SP_CPU_AVX512, "avx512_vbmi"},
};

/* features without those that miss something they build on */
static uint32_t only_founded(uint32_t features)
{
    for (size_t i = 0; i < SP_CPU_FEATURE_COUNT; i++) {
        if ((features & known[i].needs) != known[i].needs)
            features &= ~known[i].bit;
    }
    return features;
}

#if defined(__x86_64__)

#include <cpuid.h>

#define XCR0_AVX_STATE 0x06    /* xmm and ymm */
#define XCR0_AVX512_STATE 0xe6 /* those, the masks and both parts of zmm */

struct leaf {
    uint32_t eax, ebx, ecx, edx;
};

static struct leaf read_leaf(uint32_t leaf_number)
{
    struct leaf leaf = {0};

    /* leaves the zeros when the processor doesn't reach that far */
    __get_cpuid_count(leaf_number, 0, &leaf.eax, &leaf.ebx, &leaf.ecx, &leaf.edx);
    return leaf;
}

/* XCR0, by the instruction itself: the intrinsic would need a file compiled with -mxsave. */
static uint32_t read_kept_state(void)
{
    uint32_t low, high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static uint32_t bit_if(uint32_t word, uint32_t mask, uint32_t feature)
{
    return (word & mask) == mask ? feature : 0;
}

static uint32_t detect(void)
{
    struct leaf basic = read_leaf(1), extended = read_leaf(7);
    uint32_t kept_state = basic.ecx & bit_OSXSAVE ? read_kept_state() : 0;
    uint32_t features = 0;

    features |= bit_if(basic.edx, bit_SSE2, SP_CPU_SSE2);
    features |= bit_if(basic.ecx, bit_SSSE3, SP_CPU_SSSE3);
    features |= bit_if(basic.ecx, bit_SSE4_1, SP_CPU_SSE41);
    features |= bit_if(basic.ecx, bit_AES, SP_CPU_AES_NI);
    features |= bit_if(extended.ebx, bit_SHA, SP_CPU_SHA_NI);
    features |= bit_if(extended.ecx, bit_GFNI, SP_CPU_GFNI);
    features |= bit_if(extended.ebx, bit_BMI2, SP_CPU_BMI2);
    if ((kept_state & XCR0_AVX_STATE) == XCR0_AVX_STATE) {
        features |= bit_if(basic.ecx, bit_AVX, SP_CPU_AVX);
        features |= bit_if(extended.ebx, bit_AVX2, SP_CPU_AVX2);
        features |= bit_if(extended.ecx, bit_VAES, SP_CPU_VAES);
    }
    if ((kept_state & XCR0_AVX512_STATE) == XCR0_AVX512_STATE) {
        features |=
            bit_if(extended.ebx, bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL, SP_CPU_AVX512);
        features |= bit_if(extended.ecx, bit_AVX512VBMI, SP_CPU_AVX512_VBMI);
    }
    return only_founded(features);
}

#else

static uint32_t detect(void)
{
    return 0;
}

#endif

static uint32_t bits_of_name(const char *name, size_t length)
{
    static const char everything[] = "all";
    uint32_t bits = 0;

    for (size_t i = 0; i < SP_CPU_FEATURE_COUNT; i++) {
        bool is_it = strlen(known[i].name) == length && memcmp(known[i].name, name, length) == 0;

        if (is_it)
            bits = known[i].bit;
    }
    if (length == strlen(everything) && memcmp(name, everything, length) == 0)
        bits = (1u << SP_CPU_FEATURE_COUNT) - 1;
    return bits;
}

uint32_t sp_cpu_hide(uint32_t features, const char *names, bool *ret_is_understood)
{
    uint32_t hidden = 0;
    bool is_understood = true;

    while (*names != '\0') {
        size_t length = strcspn(names, ",");
        uint32_t bits = bits_of_name(names, length);

        is_understood = is_understood && (bits != 0 || length == 0);
        hidden |= bits;
        names += length;
        names += *names == ',';
    }
    *ret_is_understood = is_understood;
    return only_founded(features & ~hidden);
}

uint32_t sp_cpu_features_present(void)
{
    return detect();
}

uint32_t sp_cpu_features(void)
{
    static _Atomic uint32_t cached;
    uint32_t word = atomic_load_explicit(&cached, memory_order_relaxed);

    if (word & IS_KNOWN)
        return word & ~IS_KNOWN;
    const char *names = secure_getenv("SALLYPORT_CPUMASK");
    bool is_understood;
    uint32_t features = detect();

    if (names != NULL)
        features = sp_cpu_hide(features, names, &is_understood);
    atomic_store_explicit(&cached, features | IS_KNOWN, memory_order_relaxed);
    return features;
}

const char *sp_cpu_feature_name(uint32_t feature)
{
    for (size_t i = 0; i < SP_CPU_FEATURE_COUNT; i++) {
        if (known[i].bit == feature)
            return known[i].name;
    }
    return NULL;
}
