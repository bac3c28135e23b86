/* SPDX-License-Identifier: ISC
 *
 * What every bench here reports: cells of one kind of work at one size by one engine, as a table for people
 * and as JSON and CSV for whoever compares runs.
 */
#ifndef SP_BENCH_CELLS_H
#define SP_BENCH_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPEATS_MAX 64

struct cell {
    const char *work;
    size_t payload_bytes; /* 0: an internet mix */
    size_t burst, sas;
    const char *engine;
    double mb_s, mb_s_min, mb_s_max; /* median and extremes over the repeats, of 10^6 bytes */
    double cycles_byte;              /* of the median; 0: this machine has no cycle counter to read */
    double ratio_to_best_peer; /* median over the repeats, each against the fastest peer of that repeat */
};

struct cells;

struct cells *cells_create(void);
void cells_destroy(struct cells *cells);
/* Adds the cell and prints its line. */
void cells_add(struct cells *cells, const struct cell *cell);
/* false when it could not be written; says why. */
bool cells_write_json(const struct cells *cells, const char *path);
/* The same cells, under a line with the JSON keys. */
bool cells_write_csv(const struct cells *cells, const char *path);

/* The thread's own processor time: a repeat that was interrupted by another process isn't slower for it. */
uint64_t bench_cpu_ns(void);
/* Of the time stamp counter; 0 where there is none. */
double bench_cycles_per_ns(void);
/* Orders the values. */
double bench_median(double *values, size_t count);

#endif
