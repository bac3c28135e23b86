/* SPDX-License-Identifier: ISC
 *
 * Terminals, seen from a tool that mostly prints.
 */
#include "terminal.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Below this a job is over before a person could read the line. */
#define PROGRESS_FROM_BYTES ((uint64_t)4 << 20)
#define PROGRESS_EVERY_NS 100000000u

bool terminal_is(FILE *stream)
{
    return isatty(fileno(stream)) == 1;
}

bool terminal_can_draw(FILE *stream)
{
    const char *term = getenv("TERM");
    return term && *term && strcmp(term, "dumb") != 0 && terminal_is(stream);
}

bool terminal_has_colour(FILE *stream)
{
    const char *no_color = getenv("NO_COLOR");
    if (no_color && *no_color)
        return false;
    return terminal_can_draw(stream);
}

const char *terminal_look(FILE *stream, enum terminal_look look)
{
    static const char *const sequences[] = {
        [LOOK_PLAIN] = "\033[0m", [LOOK_BOLD] = "\033[1m", [LOOK_GOOD] = "\033[32m",
        [LOOK_BAD] = "\033[31m",  [LOOK_DIM] = "\033[2m",
    };
    return terminal_has_colour(stream) ? sequences[look] : "";
}

enum terminal_look terminal_look_of(const char *word)
{
    if (strcmp(word, "protect") == 0)
        return LOOK_GOOD;
    return strcmp(word, "block") == 0 ? LOOK_BAD : LOOK_BOLD;
}

void terminal_write(FILE *stream, const char *text)
{
    for (const unsigned char *byte = (const unsigned char *)text; *byte; byte++)
        fputc(*byte < ' ' || *byte == 0x7f ? '?' : *byte, stream);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void progress_start(struct progress *progress, uint64_t total_bytes)
{
    *progress = (struct progress){
        .is_shown = total_bytes >= PROGRESS_FROM_BYTES && terminal_is(stderr),
        .total_bytes = total_bytes,
    };
}

void progress_step(struct progress *progress, uint64_t done_bytes, uint64_t packets)
{
    if (!progress->is_shown)
        return;
    const uint64_t now = now_ns();
    if (now < progress->next_ns)
        return;
    progress->next_ns = now + PROGRESS_EVERY_NS;
    progress->was_drawn = true;
    const uint64_t done = done_bytes < progress->total_bytes ? done_bytes : progress->total_bytes;
    fprintf(stderr, "\r%3u %%  %llu packets\033[K", (unsigned)(done * 100 / progress->total_bytes),
            (unsigned long long)packets);
    fflush(stderr);
}

void progress_end(struct progress *progress)
{
    if (progress->was_drawn) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
    progress->is_shown = progress->was_drawn = false;
}
