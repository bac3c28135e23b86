/* SPDX-License-Identifier: ISC
 *
 * Tests of tools/sallyportd/events/line_queue.c: lines come out whole and in order, and what there was no
 * room for is counted exactly.
 */
#include "events/line_queue.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All that waits, in pieces of at most so many bytes; NUL-terminated, the caller's to free. */
static char *drain(struct line_queue *queue, size_t piece_bytes)
{
    char *text = calloc(1, 2 * LINE_QUEUE_BYTES);
    size_t len_bytes = 0, waiting_bytes;
    const char *next;
    while ((next = line_queue_next(queue, &waiting_bytes)), waiting_bytes > 0) {
        const size_t taken = waiting_bytes < piece_bytes ? waiting_bytes : piece_bytes;
        cr_assert_lt(len_bytes + taken, 2 * LINE_QUEUE_BYTES);
        memcpy(text + len_bytes, next, taken);
        len_bytes += taken;
        line_queue_sent(queue, taken);
    }
    return text;
}

static struct line_queue made(void)
{
    struct line_queue queue;
    cr_assert(line_queue_open(&queue));
    return queue;
}

Test(line_queue, lines_come_out_in_order_whatever_the_pieces)
{
    struct line_queue queue = made();
    line_queue_add(&queue, "one");
    line_queue_add(&queue, "");
    line_queue_add(&queue, "three");
    char *text = drain(&queue, 2);
    cr_assert_str_eq(text, "one\n\nthree\n");
    free(text);
    line_queue_close(&queue);
    cr_assert_null(queue.bytes);
}

Test(line_queue, it_holds_so_many_bytes_and_tells_how_many_lines_it_lost)
{
    struct line_queue queue = made();
    static char half[LINE_QUEUE_BYTES / 2];
    memset(half, 'x', sizeof half - 1); /* a half with its newline */
    line_queue_add(&queue, half);
    line_queue_add(&queue, half);
    for (int i = 0; i < 7; i++)
        line_queue_add(&queue, "");
    char *text = drain(&queue, 100000);
    cr_assert_eq(strlen(text) - strlen(text + LINE_QUEUE_BYTES), LINE_QUEUE_BYTES);
    const char *lost = text + LINE_QUEUE_BYTES;
    cr_assert_not_null(strstr(lost, "\"event\":\"lost\",\"count\":7,"), "%s", lost);
    cr_assert_eq(strchr(lost, '\n'), strrchr(lost, '\n'), "it is one line");
    free(text);

    line_queue_add(&queue, "afterwards");
    text = drain(&queue, 100);
    cr_assert_str_eq(text, "afterwards\n", "and the count begins anew");
    free(text);
    line_queue_close(&queue);
}

Test(line_queue, once_one_is_lost_all_are_until_it_is_empty)
{
    struct line_queue queue = made();
    static char whole[LINE_QUEUE_BYTES];
    memset(whole, 'x', sizeof whole - 1);
    line_queue_add(&queue, whole);
    line_queue_add(&queue, "lost");
    line_queue_sent(&queue, LINE_QUEUE_BYTES - 1); /* there is room, but not yet a place */
    line_queue_add(&queue, "lost as well");
    char *text = drain(&queue, 64);
    cr_assert_eq(text[0], '\n');
    cr_assert_not_null(strstr(text, "\"count\":2,"));
    cr_assert_null(strstr(text, "lost as well"));
    free(text);
    line_queue_close(&queue);
}

/* Pushes and takes of any length: what comes out and what is said to be lost is what went in. */
Test(line_queue, nothing_is_lost_without_being_counted)
{
    struct line_queue queue = made();
    unsigned long long seed = 7, added = 0, told = 0, lost = 0;
    char line[8192], *text;
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 300; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            const size_t len_bytes = 8 + seed / 65536 % (sizeof line - 8);
            memset(line, '.', len_bytes);
            line[len_bytes - 1] = '\0';
            line_queue_add(&queue, line);
            added++;
        }
        if (round % 3 == 0) {
            size_t waiting_bytes;
            (void)line_queue_next(&queue, &waiting_bytes);
            cr_assert_leq(waiting_bytes, LINE_QUEUE_BYTES);
            continue;
        }
        text = drain(&queue, 1 + seed / 3 % 70000);
        for (char *at = text, *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
            const char *count = *at == '{' ? strstr(at, "\"count\":") : NULL;
            lost += count ? strtoull(count + 8, NULL, 10) : 0;
            told += count == NULL;
        }
        free(text);
    }
    cr_assert_gt(lost, 0);
    cr_assert_eq(told + lost, added, "%llu told, %llu lost of %llu", told, lost, added);
    line_queue_close(&queue);
}
