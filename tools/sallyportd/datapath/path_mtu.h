/* SPDX-License-Identifier: ISC
 *
 * How long packets may be: what the path to the peers carries, less what sealing adds.
 */
#ifndef SALLYPORTD_PATH_H
#define SALLYPORTD_PATH_H

#include "daemon.h"

/* Finds out what holds now, for a policy that is about to be, or is, in force. */
struct path_limits path_limits_now(const struct daemon *daemon, const struct sp_policy *policy);
/* Once a second: finds it out again, and puts it in force where it has changed. */
void path_follow(struct daemon *daemon);

/* Takes what routers report about our ESP packets over a family (4, 6). */
void path_read_reports(struct daemon *daemon, int fd, uint8_t family);
/* Once a second: forgets narrow paths that are older than ten minutes (RFC 1191 6.3). */
void path_tick(struct daemon *daemon);

#endif
