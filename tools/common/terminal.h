/* SPDX-License-Identifier: ISC
 *
 * What may be done to a stream when a person looks at it: colours (unless NO_COLOR, no-color.org), aligned
 * tables, progress.
 */
#ifndef TOOLS_TERMINAL_H
#define TOOLS_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

bool terminal_is(FILE *stream);
/* A terminal that understands escape sequences. */
bool terminal_can_draw(FILE *stream);
bool terminal_has_colour(FILE *stream);

enum terminal_look { LOOK_PLAIN, LOOK_BOLD, LOOK_GOOD, LOOK_BAD, LOOK_DIM };
/* The escape sequence, or "" where there is no colour. */
const char *terminal_look(FILE *stream, enum terminal_look look);
/* The look of an action's or verdict's name: "protect", "block", ... */
enum terminal_look terminal_look_of(const char *word);

/* Writes text with control characters replaced: names come from files, and files must not drive a terminal.
 */
void terminal_write(FILE *stream, const char *text);

/* A line on stderr that says how far a long job is; silent unless stderr is a terminal. */
struct progress {
    bool is_shown, was_drawn;
    uint64_t total_bytes, next_ns;
};
/* Shown only when there is much to do. */
void progress_start(struct progress *progress, uint64_t total_bytes);
/* Cheap: draws ten times a second at most. */
void progress_step(struct progress *progress, uint64_t done_bytes, uint64_t packets);
void progress_end(struct progress *progress);

#endif
