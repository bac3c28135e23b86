/* SPDX-License-Identifier: ISC
 *
 * The part of the selector bench that changes one rule.
 */
#ifndef SP_BENCH_SELECTOR_CHANGE_H
#define SP_BENCH_SELECTOR_CHANGE_H

#include "selector_engine.h"

#include <jansson.h>

/* Prints a line for each kind of change and adds it to cells. Beside them stand what building the table anew
 * takes, and librte_acl; 0: it isn't there. */
void change_play(const char *style, const struct scene *scene, double build_seconds, double acl_seconds,
                 json_t *cells);

#endif
