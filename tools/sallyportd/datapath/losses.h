/* SPDX-License-Identifier: ISC
 *
 * What the host dropped because its queues before the data path were full: the device's, and those of the
 * sockets. The host counts it; here it joins the engine's counters, each with its reason.
 */
#ifndef SALLYPORTD_LOSSES_H
#define SALLYPORTD_LOSSES_H

#include "daemon.h"

/* Takes in what was lost since the last call. To be called before counters are shown, and before the gate is
 * stopped. */
void losses_take(struct daemon *daemon);

#endif
