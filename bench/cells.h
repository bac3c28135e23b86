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

/* What a cell's ratios are to. */
enum ratio_base { RATIO_TO_BEST_PEER, RATIO_TO_ONE_THREAD };

struct cell {
    const char *work;
    size_t payload_bytes; /* 0: an internet mix */
    size_t burst, sas;
    const char *engine;
    size_t threads, repeats;
    const double *mb_s; /* of 10^6 bytes, one for each repeat; threads: of all together */
    double cycles_byte; /* of the core: median */
    /* One for each repeat: by the fastest peer's, or by one thread's in the same repeat. */
    const double *ratio;
    enum ratio_base ratio_base;
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
/* Of the core, as it runs now: by a chain of additions, which take a cycle each. */
double bench_cycles_per_ns(void);

struct spread {
    double median, min, max;
};
struct spread bench_spread(const double *values, size_t count);
/* Orders the values. */
double bench_median(double *values, size_t count);

#endif
