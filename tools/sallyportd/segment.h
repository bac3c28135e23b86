/* SPDX-License-Identifier: ISC
 *
 * The daemon's statistics segment: where it is, and that it is kept up to date.
 */
#ifndef SALLYPORTD_SEGMENT_H
#define SALLYPORTD_SEGMENT_H

#include "daemon.h"

/* Without a segment nothing but the figures is missing, so a failure is said and the daemon goes on. */
void segment_open(struct daemon *daemon);
/* Once a second. */
void segment_tick(struct daemon *daemon);

#endif
