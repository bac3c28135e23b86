/* SPDX-License-Identifier: ISC
 *
 * Which system calls a thread may ask for (seccomp(2)). Any other ends the daemon, and says so: then the
 * guard stays up, and what the policy protects goes nowhere.
 */
#ifndef SALLYPORTD_SYSCALL_FILTER_H
#define SALLYPORTD_SYSCALL_FILTER_H

#include <stdbool.h>

enum syscall_filter {
    SYSCALL_FILTER_CONTROL, /* all that sets up, reads files and repairs; threads inherit it */
    SYSCALL_FILTER_WORKER,  /* what carries packets */
};

/* For this thread from now on; no_new_privs must be set. False after saying why. Where the kernel has no such
 * filters, or the build has none, that is said, and true: status tells. */
bool syscall_filter_install(enum syscall_filter filter);

#endif
