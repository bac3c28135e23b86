/* SPDX-License-Identifier: ISC
 *
 * The build was made without libseccomp, or with a sanitizer, whose own system calls no list foresees.
 */
#include "privilege/syscall_filter.h"

#include "log.h"

bool syscall_filter_install(enum syscall_filter filter)
{
    if (filter == SYSCALL_FILTER_CONTROL)
        log_line("system calls aren't filtered: this build has no seccomp");
    return true;
}
