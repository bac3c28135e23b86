/* SPDX-License-Identifier: ISC
 *
 * Lets User-mode Linux run on processors with AMX. Preloaded into it by in-guest, where that is needed.
 *
 * The kernel of a guest keeps 2,696 bytes of extended state for each of its processes, which was all there
 * was up to AVX-512. With AMX there are 11,008, and the host's kernel takes nothing but all of it
 * (PTRACE_SETREGSET), so the guest's first process could not be started. Here the rest is added: zeroes,
 * which mean "as at the beginning", because what says which parts are in use is in the bytes that the guest
 * knows. Its processes never ask for AMX.
 */
#include <dlfcn.h>
#include <elf.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

#define WIDE_BYTES 16384u /* the host's kernel takes of it what its processor has */

typedef long ptrace_call(enum __ptrace_request request, ...);

/* Static, as a guest's kernel has small stacks and only one thread that lets its processes run. */
static _Alignas(64) char wide[WIDE_BYTES];

static struct iovec widen(const struct iovec *narrow)
{
    const size_t known_bytes = narrow->iov_len < WIDE_BYTES ? narrow->iov_len : WIDE_BYTES;

    memcpy(wide, narrow->iov_base, known_bytes);
    memset(wide + known_bytes, 0, WIDE_BYTES - known_bytes);
    return (struct iovec){.iov_base = wide, .iov_len = WIDE_BYTES};
}

__attribute__((visibility("default"))) long ptrace(enum __ptrace_request request, ...)
{
    static ptrace_call *next;
    va_list arguments;

    va_start(arguments, request);
    const pid_t process = va_arg(arguments, pid_t);
    void *address = va_arg(arguments, void *);
    void *data = va_arg(arguments, void *);
    va_end(arguments);
    if (next == NULL) /* the cast that POSIX knows, as ISO C has none from a pointer to a function's */
        *(void **)&next = dlsym(RTLD_NEXT, "ptrace");
    if (request != PTRACE_SETREGSET || (uintptr_t)address != NT_X86_XSTATE)
        return next(request, process, address, data);
    struct iovec all = widen(data);
    return next(request, process, address, &all);
}
