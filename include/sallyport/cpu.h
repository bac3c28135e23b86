/* SPDX-License-Identifier: ISC
 *
 * Sallyport: which code runs on this processor, and why not other code.
 *
 * Each algorithm has kernels for several sets of instructions. The first call that needs an algorithm chooses
 * among them: a kernel counts when the processor and the operating system offer its instructions, when the
 * environment variable SALLYPORT_CPUMASK doesn't hide them (names of features, separated by commas, or
 * "all"), and when it gives known answers. The choice stays for the life of the process.
 */
#ifndef SALLYPORT_CPU_H
#define SALLYPORT_CPU_H

#include <sallyport/status.h>

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A set of instructions that some kernel might want. */
struct sp_cpu_feature_info {
    const char *name; /* "avx2", as SALLYPORT_CPUMASK has it; static storage */
    bool is_present;  /* the processor has it and the operating system keeps its registers */
    bool is_hidden;   /* present, but SALLYPORT_CPUMASK hides it or what it builds on */
};

enum sp_kernel_fate {
    SP_KERNEL_IN_USE,  /* chosen; of several, each runs for the sizes of burst that it is best at */
    SP_KERNEL_OUTDONE, /* it would work, but those in use are faster */
    SP_KERNEL_MISSING, /* this machine has not the features */
    SP_KERNEL_HIDDEN,  /* it has them, but SALLYPORT_CPUMASK hides some */
    SP_KERNEL_FAILED,  /* it did not give the known answers: a compiler or the processor broke it */
};
#define SP_KERNEL_FATE_COUNT 5

struct sp_kernel_info {
    const char *algorithm; /* "3des-cbc", "hmac-sha1-96", as policies have it; static storage */
    const char *kernel;    /* "bitslice-avx2"; static storage */
    size_t lanes;          /* packets, or for 3DES blocks, that it works on at once */
    enum sp_kernel_fate fate;
    char features[96]; /* those that are missing or hidden, separated by commas; else empty */
};

/* Feature number index, from 0. SP_ERR_NOT_FOUND behind the last. Any thread. */
SP_API enum sp_status sp_cpu_feature_get(size_t index, struct sp_cpu_feature_info *ret_info) SP_MUST_USE;

/* Kernel number index, from 0, by algorithm and upward from the one that runs anywhere. SP_ERR_NOT_FOUND
 * behind the last of this build. It tries the known answers of the kernel anew: not for a data path. Any
 * thread. */
SP_API enum sp_status sp_kernel_get(size_t index, struct sp_kernel_info *ret_info) SP_MUST_USE;

/* "in use", "missing"; "?" for what isn't a fate. Static storage. */
SP_API const char *sp_kernel_fate_text(enum sp_kernel_fate fate);

/* SALLYPORT_CPUMASK as it was found, or NULL without one (or in a program with more rights than who started
 * it, which ignores it). *ret_is_understood is false when a name in it is unknown and so hides nothing. */
SP_API const char *sp_cpu_mask(bool *ret_is_understood);

#ifdef __cplusplus
}
#endif
#endif
