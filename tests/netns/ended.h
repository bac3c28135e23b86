/* SPDX-License-Identifier: ISC
 *
 * For programs of the scenes that go on until SIGTERM, and then say what they saw.
 */
#ifndef SP_TESTS_NETNS_ENDED_H
#define SP_TESTS_NETNS_ENDED_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static volatile sig_atomic_t is_over;

static void set_over(int number)
{
    (void)number;
    is_over = 1;
}

/* Calls that wait return then: without SA_RESTART. */
static inline void end_on_sigterm(void)
{
    const struct sigaction on_end = {.sa_handler = set_over};
    sigaction(SIGTERM, &on_end, NULL);
}

static inline _Noreturn void fail(const char *what)
{
    perror(what);
    exit(1);
}

#endif
