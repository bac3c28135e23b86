/* SPDX-License-Identifier: ISC
 *
 * A graph of one line, in eighths of a character or in ASCII.
 */
#include "panes.h"

#include <string.h>

void graph_text(const float *values, uint32_t count, int width, bool is_ascii, char *text)
{
    static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const letters[] = {" ", ".", ":", "-", "=", "+", "*", "#", "@"};
    const char *const *levels = is_ascii ? letters : blocks;
    const uint32_t shown = count < (uint32_t)width ? count : (uint32_t)width;
    float most = 0;
    for (uint32_t i = count - shown; i < count; i++)
        most = values[i] > most ? values[i] : most;
    size_t at = 0;
    for (uint32_t blank = shown; blank < (uint32_t)width; blank++)
        text[at++] = ' ';
    for (uint32_t i = count - shown; i < count; i++) {
        /* anything but nothing is seen */
        const int level = most > 0 && values[i] > 0 ? 1 + (int)(values[i] / most * 7.0f + 0.5f) : 0;
        const char *mark = levels[level > 8 ? 8 : level];
        memcpy(text + at, mark, strlen(mark));
        at += strlen(mark);
    }
    text[at] = '\0';
}
