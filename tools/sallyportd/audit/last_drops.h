/* SPDX-License-Identifier: ISC
 *
 * The last packets that the engine dropped, some of each reason: what a person asks for who sees a counter
 * grow.
 */
#ifndef SALLYPORTD_LAST_DROPS_H
#define SALLYPORTD_LAST_DROPS_H

#include "daemon.h"

#include <jansson.h>

/* False: no memory, which was said. */
bool last_drops_open(struct daemon *daemon);
void last_drops_close(struct daemon *daemon);
/* Takes over what the engine noted since. */
void last_drops_take(struct daemon *daemon);
/* As control.h describes it, the newest first. */
json_t *last_drops_list(const struct daemon *daemon);

#endif
