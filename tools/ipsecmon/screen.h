/* SPDX-License-Identifier: ISC
 *
 * The live screen of a terminal.
 */
#ifndef IPSECMON_SCREEN_H
#define IPSECMON_SCREEN_H

#include "wish.h"

/* Standard output is a terminal that can be drawn on, and this ipsecmon was built with a screen. */
bool screen_is_possible(void);
/* Until "q". A signal that ends it gives the terminal back first. */
int screen_watch(struct source *source, const struct wish *wish);

#endif
