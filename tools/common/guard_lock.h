/* SPDX-License-Identifier: ISC
 *
 * The file that a sallyportd has locked as long as it guards a network namespace.
 */
#ifndef TOOLS_GUARD_LOCK_H
#define TOOLS_GUARD_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#define GUARD_LOCK_PATH_BYTES 64
/* Of the namespace with this inode, to path[GUARD_LOCK_PATH_BYTES]. */
void guard_lock_path(uint64_t network_namespace, char *path);

/* The inode of our own network namespace; 0: there is no /proc to tell it. */
uint64_t own_namespace(void);
/* Does a sallyportd guard our own network namespace? */
bool guard_is_at_work(void);

#endif
