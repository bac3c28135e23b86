/* SPDX-License-Identifier: ISC
 *
 * Tells a service manager how the daemon fares, where there is one ($NOTIFY_SOCKET).
 */
#ifndef SALLYPORTD_NOTIFY_H
#define SALLYPORTD_NOTIFY_H

#include <stdbool.h>

struct daemon;

/* The gate is up, or a reload is over, and the policy in force is still the former one if it was refused. */
void notify_ready(const struct daemon *daemon, bool is_refused);
void notify_reloading(void);
void notify_stopping(void);
/* Each second: a sign of life, if one is asked for. */
void notify_tick(void);

#endif
