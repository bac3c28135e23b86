/* SPDX-License-Identifier: ISC
 *
 * In the place of the screen where there is no ncurses: tables are printed instead.
 */
#include "screen.h"

#include "tool.h"

bool screen_is_possible(void)
{
    return false;
}

int screen_watch(struct source *source, const struct wish *wish)
{
    (void)source;
    (void)wish;
    return TOOL_NOT_APPLIED;
}
