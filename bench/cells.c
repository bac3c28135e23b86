/* SPDX-License-Identifier: ISC
 *
 * The report of cells.h. A cell is printed as soon as it is measured, so that a long run shows that it lives.
 */
#include "cells.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

struct cells {
    json_t *list;
};

struct cells *cells_create(void)
{
    struct cells *cells = malloc(sizeof *cells);

    if (cells == NULL || (cells->list = json_array()) == NULL)
        abort();
    printf("%-6s %8s %6s %6s  %-22s %9s %21s %9s %8s\n", "work", "payload", "burst", "SAs", "engine", "MB/s",
           "min..max", "cycles/B", "ratio");
    return cells;
}

void cells_destroy(struct cells *cells)
{
    json_decref(cells->list);
    free(cells);
}

static json_t *real_or_null(double value)
{
    return value > 0 ? json_real(value) : json_null();
}

void cells_add(struct cells *cells, const struct cell *cell)
{
    json_t *entry = json_pack(
        "{s:s, s:I, s:I, s:I, s:s, s:f, s:f, s:f, s:o, s:f}", "work", cell->work, "payload_bytes",
        (json_int_t)cell->payload_bytes, "burst", (json_int_t)cell->burst, "sas", (json_int_t)cell->sas,
        "engine", cell->engine, "mb_s", cell->mb_s, "mb_s_min", cell->mb_s_min, "mb_s_max", cell->mb_s_max,
        "cycles_byte", real_or_null(cell->cycles_byte), "ratio_to_best_peer", cell->ratio_to_best_peer);

    if (entry == NULL || json_array_append_new(cells->list, entry) != 0)
        abort();
    char payload[24] = "mix";

    if (cell->payload_bytes > 0)
        (void)snprintf(payload, sizeof payload, "%zu", cell->payload_bytes);
    printf("%-6s %8s %6zu %6zu  %-22s %9.2f %10.2f..%-9.2f %9.1f %8.4f\n", cell->work, payload, cell->burst,
           cell->sas, cell->engine, cell->mb_s, cell->mb_s_min, cell->mb_s_max, cell->cycles_byte,
           cell->ratio_to_best_peer);
    (void)fflush(stdout);
}

bool cells_write_json(const struct cells *cells, const char *path)
{
    if (json_dump_file(cells->list, path, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) == 0)
        return true;
    perror(path);
    return false;
}

static void write_csv_value(const json_t *value, FILE *out)
{
    if (json_is_string(value))
        (void)fprintf(out, "\"%s\"", json_string_value(value)); /* no name has quotes */
    else if (json_is_number(value))
        (void)fprintf(out, "%.6g", json_number_value(value));
}

bool cells_write_csv(const struct cells *cells, const char *path)
{
    static const char *const keys[] = {
        "work", "payload_bytes", "burst",    "sas",         "engine",
        "mb_s", "mb_s_min",      "mb_s_max", "cycles_byte", "ratio_to_best_peer"};
    const size_t key_count = sizeof keys / sizeof keys[0];
    FILE *out = fopen(path, "w");
    size_t index;
    json_t *entry;

    for (size_t i = 0; out != NULL && i < key_count; i++)
        (void)fprintf(out, "%s%s", keys[i], i + 1 < key_count ? "," : "\n");
    json_array_foreach(cells->list, index, entry)
    {
        for (size_t i = 0; out != NULL && i < key_count; i++) {
            write_csv_value(json_object_get(entry, keys[i]), out);
            (void)fputc(i + 1 < key_count ? ',' : '\n', out);
        }
    }
    if (out != NULL && fclose(out) == 0)
        return true;
    perror(path);
    return false;
}

static uint64_t read_ns(clockid_t clock)
{
    struct timespec now;

    if (clock_gettime(clock, &now) != 0)
        abort();
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t bench_cpu_ns(void)
{
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

double bench_cycles_per_ns(void)
{
#if defined(__x86_64__)
    const struct timespec pause = {.tv_nsec = 50000000};
    uint64_t before_ns = read_ns(CLOCK_MONOTONIC), before = __rdtsc();

    (void)nanosleep(&pause, NULL);
    uint64_t cycles = __rdtsc() - before;
    return (double)cycles / (double)(read_ns(CLOCK_MONOTONIC) - before_ns);
#else
    return 0;
#endif
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return (a > b) - (a < b);
}

double bench_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_size);
    return count % 2 != 0 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}
