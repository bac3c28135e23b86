/* SPDX-License-Identifier: ISC
 *
 * What the process may do, and how it gives up what it need not be able to do. Who takes the daemon over gets
 * no more than its threads have (docs/security.md).
 */
#ifndef SALLYPORTD_PRIVILEGE_H
#define SALLYPORTD_PRIVILEGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* The first thing that the process does: no core dumps, no debugger, no other programs, and of the
 * capabilities and system calls only what setting up takes. False after saying why. */
bool privilege_begin(void);
/* Is there what it takes to set a host up? False after saying why. */
bool privilege_suffices(void);
/* When policy and keys are read and nothing of the host is touched yet: what the loop, its reloads and
 * repairs take is kept, and nothing else. An encap_port of 0 is none. False after saying why. */
bool privilege_enter_loop(uint32_t encap_port);
/* A thread of the data path has its sockets and its engine's worker, and needs nothing more. False after
 * saying why: it must not begin. */
bool privilege_enter_worker(void);

/* control.h's "confinement", as the kernel says of this moment. NULL when memory is out. */
json_t *privilege_status(void);

#endif
