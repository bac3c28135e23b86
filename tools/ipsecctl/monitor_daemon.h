/* SPDX-License-Identifier: ISC
 *
 * ipsecctl monitor --backend user: what a running sallyportd tells its subscribers.
 */
#ifndef IPSECCTL_MONITOR_DAEMON_H
#define IPSECCTL_MONITOR_DAEMON_H

#include <stdbool.h>
#include <stdint.h>

/* Prints an event a line, count of them (0: until the daemon hangs up). An exit code. */
int monitor_daemon(const char *path, bool as_json, uint64_t count);

#endif
