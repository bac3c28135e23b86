/* SPDX-License-Identifier: ISC
 *
 * The room is there from the beginning, so adding never needs memory; the kernel gives the pages when they
 * are first written to. The bytes that wait lie in one piece, and move to the front when they come to the end
 * of the room.
 */
#include "events/line_queue.h"

#include "moment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool line_queue_open(struct line_queue *queue)
{
    *queue = (struct line_queue){.bytes = malloc(LINE_QUEUE_BYTES)};
    return queue->bytes != NULL;
}

void line_queue_close(struct line_queue *queue)
{
    free(queue->bytes);
    *queue = (struct line_queue){0};
}

/* False: no room. */
static bool append(struct line_queue *queue, const char *line)
{
    const size_t len_bytes = strlen(line), waiting_bytes = queue->end - queue->first;
    if (len_bytes + 1 > LINE_QUEUE_BYTES - waiting_bytes)
        return false;
    if (len_bytes + 1 > LINE_QUEUE_BYTES - queue->end) {
        memmove(queue->bytes, queue->bytes + queue->first, waiting_bytes);
        queue->first = 0;
        queue->end = waiting_bytes;
    }
    memcpy(queue->bytes + queue->end, line, len_bytes);
    queue->bytes[queue->end + len_bytes] = '\n';
    queue->end += len_bytes + 1;
    return true;
}

void line_queue_add(struct line_queue *queue, const char *line)
{
    if (queue->lost > 0 || !append(queue, line))
        queue->lost++;
}

const char *line_queue_next(const struct line_queue *queue, size_t *ret_bytes)
{
    *ret_bytes = queue->end - queue->first;
    return queue->bytes + queue->first;
}

void line_queue_sent(struct line_queue *queue, size_t bytes)
{
    char moment[MOMENT_BYTES], line[256];
    queue->first += bytes;
    if (queue->first < queue->end)
        return;
    queue->first = queue->end = 0;
    if (queue->lost == 0)
        return;
    snprintf(line, sizeof line,
             "{\"time\":\"%s\",\"event\":\"lost\",\"count\":%llu,"
             "\"text\":\"%llu events were not told, as they were read too slowly\"}",
             moment_now(moment), (unsigned long long)queue->lost, (unsigned long long)queue->lost);
    queue->lost = 0;
    (void)append(queue, line); /* there is all the room */
}
