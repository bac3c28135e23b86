/* SPDX-License-Identifier: ISC
 *
 * The control thread's loop: signals, the control socket, the host's addresses, the engine's events.
 */
#ifndef SALLYPORTD_LOOP_H
#define SALLYPORTD_LOOP_H

#include "daemon.h"

/* Before any thread is started: the signals that the loop takes are blocked in all of them. */
void loop_block_signals(void);

enum loop_end {
    LOOP_ASKED,  /* SIGTERM or SIGINT */
    LOOP_BROKEN, /* the data path can't go on, or the loop itself can't */
};
enum loop_end loop_run(struct daemon *daemon);

#endif
