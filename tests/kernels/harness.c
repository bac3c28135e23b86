/* SPDX-License-Identifier: ISC
 *
 * harness.h's work.
 */
#include "harness.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CANARY 0xc5

void harness_tell(struct harness *harness, bool is_right, const char *format, ...)
{
    va_list arguments;

    if (!is_right)
        harness->failures++;
    printf("%s %zu - ", is_right ? "ok" : "not ok", ++harness->lines);
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    (void)fflush(stdout);
}

void harness_skip(struct harness *harness, const char *why, const char *format, ...)
{
    va_list arguments;

    printf("ok %zu - ", ++harness->lines);
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    printf(" # SKIP %s\n", why);
}

void harness_note(const char *format, ...)
{
    va_list arguments;

    printf("# ");
    va_start(arguments, format);
    (void)vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    (void)fflush(stdout);
}

/* splitmix64 */
uint64_t harness_random(struct harness *harness)
{
    uint64_t word = harness->random_state += 0x9e3779b97f4a7c15u;

    word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9u;
    word = (word ^ word >> 27) * 0x94d049bb133111ebu;
    return word ^ word >> 31;
}

size_t harness_random_below(struct harness *harness, size_t bound)
{
    return (size_t)(harness_random(harness) % bound);
}

void harness_fill(struct harness *harness, void *to, size_t len_bytes)
{
    uint8_t *at = to;

    while (len_bytes > 0) {
        uint64_t word = harness_random(harness);
        size_t some = len_bytes < sizeof word ? len_bytes : sizeof word;
        memcpy(at, &word, some);
        at += some;
        len_bytes -= some;
    }
}

static size_t whole_pages(size_t bytes)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);

    return (bytes + page_bytes - 1) / page_bytes * page_bytes;
}

void guarded_create(struct guarded *guarded, size_t room_bytes)
{
    size_t open_bytes = whole_pages(room_bytes + HARNESS_CANARY_BYTES), guard_bytes = whole_pages(1);
    void *pages =
        mmap(NULL, open_bytes + guard_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    *guarded = (struct guarded){.pages = pages, .room_bytes = room_bytes};
    if (pages == MAP_FAILED || mprotect(guarded->pages + open_bytes, guard_bytes, PROT_NONE) != 0) {
        (void)fprintf(stderr, "kernels: no memory for a guarded buffer\n");
        abort();
    }
}

void guarded_destroy(struct guarded *guarded)
{
    (void)munmap(guarded->pages, whole_pages(guarded->room_bytes + HARNESS_CANARY_BYTES) + whole_pages(1));
    *guarded = (struct guarded){0};
}

uint8_t *guarded_place(struct guarded *guarded, size_t len_bytes, size_t tail_bytes)
{
    uint8_t *end = guarded->pages + whole_pages(guarded->room_bytes + HARNESS_CANARY_BYTES);

    if (len_bytes + tail_bytes > guarded->room_bytes)
        abort();
    guarded->len_bytes = len_bytes;
    guarded->tail_bytes = tail_bytes;
    guarded->data = end - tail_bytes - len_bytes;
    memset(guarded->data - HARNESS_CANARY_BYTES, CANARY, HARNESS_CANARY_BYTES);
    memset(guarded->data + len_bytes, CANARY, tail_bytes);
    return guarded->data;
}

bool guarded_is_intact(const struct guarded *guarded)
{
    const uint8_t *before = guarded->data - HARNESS_CANARY_BYTES,
                  *behind = guarded->data + guarded->len_bytes;
    bool is_intact = true;

    for (size_t i = 0; i < HARNESS_CANARY_BYTES; i++)
        is_intact = is_intact && before[i] == CANARY;
    for (size_t i = 0; i < guarded->tail_bytes; i++)
        is_intact = is_intact && behind[i] == CANARY;
    return is_intact;
}

uint64_t harness_cycles(void)
{
#if defined(__x86_64__)
    return __builtin_ia32_rdtsc();
#else
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

double harness_quartile(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare_doubles);
    return values[count / 4];
}
