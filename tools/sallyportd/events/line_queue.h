/* SPDX-License-Identifier: ISC
 *
 * Lines that wait for a subscriber to read them: never more than so many bytes, and what finds no room is
 * counted.
 */
#ifndef SALLYPORTD_LINE_QUEUE_H
#define SALLYPORTD_LINE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE_QUEUE_BYTES ((size_t)1 << 20)

struct line_queue {
    char *bytes; /* NULL: closed */
    size_t first, end;
    uint64_t lost; /* since the last line that fitted */
};

/* False: no memory. */
bool line_queue_open(struct line_queue *queue);
void line_queue_close(struct line_queue *queue);

/* Adds a line, to which a newline is put, or counts it as lost. When one was lost, all are until the reader
 * has caught up, and a line of its own, {"event": "lost", "count": N}, stands where they would have been. */
void line_queue_add(struct line_queue *queue, const char *line);
/* What is to be sent next; 0 bytes: nothing. */
const char *line_queue_next(const struct line_queue *queue, size_t *ret_bytes);
/* So much of it was. */
void line_queue_sent(struct line_queue *queue, size_t bytes);

#endif
