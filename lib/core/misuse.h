/* SPDX-License-Identifier: ISC
 *
 * Misuse: a caller's bug that the headers forbid. It aborts, through a handler that the caller may set. */
#ifndef SP_CORE_MISUSE_H
#define SP_CORE_MISUSE_H

#include <sallyport/status.h>

_Noreturn void sp_misuse(const char *what);

/* what must be true unless the caller broke a promise of the header */
#define SP_REQUIRE(condition)                                                                                \
    do {                                                                                                     \
        if (__builtin_expect(!(condition), 0))                                                               \
            sp_misuse("sallyport: " #condition " does not hold");                                            \
    } while (0)

#endif
