/* SPDX-License-Identifier: ISC
 *
 * The report of cells.h. A cell is printed as soon as it is measured, so that a long run shows that it lives.
 */
#include "cells.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct cells {
    json_t *list;
};

struct cells *cells_create(void)
{
    struct cells *cells = malloc(sizeof *cells);

    if (cells == NULL || (cells->list = json_array()) == NULL)
        abort();
    printf("%-6s %8s %6s %6s %8s  %-22s %9s %21s %9s %8s %19s\n", "work", "payload", "burst", "SAs",
           "threads", "engine", "MB/s", "min..max", "cycles/B", "ratio", "min..max");
    return cells;
}

void cells_destroy(struct cells *cells)
{
    json_decref(cells->list);
    free(cells);
}

static json_t *reals(const double *values, size_t count)
{
    json_t *list = json_array();

    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(list, json_real(values[i])) != 0)
            abort();
    return list;
}

static void print_line(const struct cell *cell, struct spread rate, struct spread ratio)
{
    char payload[24] = "mix";

    if (cell->payload_bytes > 0)
        (void)snprintf(payload, sizeof payload, "%zu", cell->payload_bytes);
    printf("%-6s %8s %6zu %6zu %8zu  %-22s %9.2f %10.2f..%-9.2f %9.2f %8.4f %9.4f..%-8.4f\n", cell->work,
           payload, cell->burst, cell->sas, cell->threads, cell->engine, rate.median, rate.min, rate.max,
           cell->cycles_byte, ratio.median, ratio.min, ratio.max);
    (void)fflush(stdout);
}

void cells_add(struct cells *cells, const struct cell *cell)
{
    static const char *const bases[] = {
        [RATIO_TO_BEST_PEER] = "best peer", [RATIO_TO_ONE_THREAD] = "one thread"};
    struct spread rate = bench_spread(cell->mb_s, cell->repeats);
    struct spread ratio = bench_spread(cell->ratio, cell->repeats);
    json_t *entry = json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:s, s:f, s:f, s:f, s:f, s:s, s:f, s:f, s:f, s:o}", "work", cell->work,
        "payload_bytes", (json_int_t)cell->payload_bytes, "burst", (json_int_t)cell->burst, "sas",
        (json_int_t)cell->sas, "threads", (json_int_t)cell->threads, "engine", cell->engine, "mb_s",
        rate.median, "mb_s_min", rate.min, "mb_s_max", rate.max, "cycles_byte", cell->cycles_byte, "ratio_to",
        bases[cell->ratio_base], "ratio", ratio.median, "ratio_min", ratio.min, "ratio_max", ratio.max,
        "mb_s_repeats", reals(cell->mb_s, cell->repeats));

    if (entry == NULL || json_array_append_new(cells->list, entry) != 0)
        abort();
    print_line(cell, rate, ratio);
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
    static const char *const keys[] = {"work",     "payload_bytes", "burst",     "sas",      "threads",
                                       "engine",   "mb_s",          "mb_s_min",  "mb_s_max", "cycles_byte",
                                       "ratio_to", "ratio",         "ratio_min", "ratio_max"};
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

struct spread bench_spread(const double *values, size_t count)
{
    double sorted[REPEATS_MAX];

    memcpy(sorted, values, count * sizeof *values);
    double median = bench_median(sorted, count);
    return (struct spread){.median = median, .min = sorted[0], .max = sorted[count - 1]};
}

double bench_cycles_per_ns(void)
{
    enum { TURNS = 3, ADDITIONS = 300000 };
    double turns[TURNS];

    for (size_t turn = 0; turn < TURNS; turn++) {
        uint64_t before_ns = bench_cpu_ns(), sum = before_ns;
        for (uint64_t i = 0; i < ADDITIONS; i++) {
            sum += i;
            __asm__ volatile("" : "+r"(sum)); /* keeps it a chain */
        }
        turns[turn] = ADDITIONS / (double)(bench_cpu_ns() - before_ns);
    }
    return bench_median(turns, TURNS);
}
