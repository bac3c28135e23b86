/* SPDX-License-Identifier: ISC
 *
 * One association, all of it, with the last packets that were dropped on it.
 */
#ifndef IPSECMON_PANES_DETAIL_H
#define IPSECMON_PANES_DETAIL_H

#include "panes.h"

/* From row first on, up to row last. */
void pane_detail(const struct snapshot *snapshot, const struct association *sa, bool is_ascii, int first,
                 int last, int columns);
void pane_help(int first, int last, int columns);
/* Writes text at a place, cut to columns characters, control characters replaced. */
void put_text(int row, int column, int columns, const char *text);

#endif
