/* SPDX-License-Identifier: ISC
 *
 * Tells a service manager how the daemon fares, where there is one ($NOTIFY_SOCKET).
 */
#ifndef SALLYPORTD_NOTIFY_H
#define SALLYPORTD_NOTIFY_H

/* The gate is up, or a reload is over, whatever came of it. */
void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);
/* Each second: a sign of life, if one is asked for. */
void notify_tick(void);

#endif
