/* SPDX-License-Identifier: ISC
 *
 * What the screen draws: lines of a window that know how wide it is. Nothing in here reads keys or asks a
 * source.
 */
#ifndef IPSECMON_PANES_H
#define IPSECMON_PANES_H

#include "filter.h"
#include "model.h"

#include <stdbool.h>

enum sort_key { SORT_RATE, SORT_SPI, SORT_PEER, SORT_USED, SORT_FILTER, SORT_DROPS, SORT_COUNT };

struct view_state {
    enum sort_key sort;
    bool is_reversed, is_ascii, has_all_drops, is_detail, is_help;
    char filter_text[128];
    const struct filter *filter;
    size_t top, selected; /* of the associations as sorted */
    uint32_t interval_ms;
    bool is_typing;     /* a filter is being typed */
    const char *notice; /* about the filter; "" */
};

const char *sort_name(enum sort_key sort);
/* The associations that pass the filter, sorted: *ret_count of them; free() the array. */
const struct association **panes_sort(const struct snapshot *snapshot, const struct view_state *state,
                                      size_t *ret_count);
/* Draws everything; rows and columns are the window's. Moves top and selected to where they are possible. */
void panes_draw(const struct snapshot *snapshot, struct view_state *state, int rows, int columns);
void panes_start_colours(void);
/* A graph of count values in width characters, the newest on the right, to text (4 * width + 1 bytes). */
void graph_text(const float *values, uint32_t count, int width, bool is_ascii, char *text);

#endif
