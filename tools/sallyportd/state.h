/* SPDX-License-Identifier: ISC
 *
 * What the SAs have used, kept over the end of the daemon: --state.
 */
#ifndef SALLYPORTD_STATE_H
#define SALLYPORTD_STATE_H

#include "daemon.h"

/* Before keys are loaded. Without --state there is nothing to do. False after saying why. */
bool state_open(struct daemon *daemon);
/* Some times a second, and after SAs were added: reserves what they may use next. False after saying why. */
bool state_save(struct daemon *daemon);
/* The data path has ended. */
void state_close(struct daemon *daemon);

#endif
