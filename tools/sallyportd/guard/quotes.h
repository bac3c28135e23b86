/* SPDX-License-Identifier: ISC
 *
 * ICMP errors that quote what came in protected.
 */
#ifndef SALLYPORTD_GUARD_QUOTES_H
#define SALLYPORTD_GUARD_QUOTES_H

#include "guard/match.h"

/* The lines that drop such errors about a protect rule's packets; view: of those packets, which came in.
 * False when memory is out. */
bool quotes_write(struct guard_text *text, const struct view *view);

#endif
