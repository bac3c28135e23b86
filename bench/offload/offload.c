/* SPDX-License-Identifier: ISC
 *
 * How fast SAs and policies get into a kernel, back, and out of it, beside `ip -batch`; and how fast the
 * codec alone is.
 *
 * The kernel is that of a network namespace of our own. All three engines do the same jobs and take turns,
 * who begins changing from repeat to repeat; what the kernel has is compared with what it was given after
 * each push. Each repeat gives one ratio to `ip -batch` and one to the floor.
 */
#include "../cells.h"
#include "codec.h"
#include "engines.h"

#include <jansson.h>

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

static const uint32_t all_counts[] = {1000, 10000, 100000};

struct options {
    const char *place, *json_path;
    bool is_quick, is_codec, has_sas;
    uint32_t count_first, count_last;
};

struct times {
    double ns[ENGINES][JOBS][REPEATS_MAX];
    size_t repeats;
};

/* ---- measuring ----------------------------------------------------------------------------------------- */

/* The kernel frees what was deleted when it gets round to it, and that is not to be the next one's time. */
static void settle(uint32_t count)
{
    const uint64_t ns = 20000000u + (uint64_t)count * 10000u;
    const struct timespec rest = {.tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u)};

    (void)nanosleep(&rest, NULL);
}

static void take_turn(enum subject_kind kind, uint32_t count, enum engine_number engine, struct times *times)
{
    double(*ns)[REPEATS_MAX] = times->ns[engine];

    ns[JOB_PUSH][times->repeats] = (double)engine_run(engine, JOB_PUSH);
    engines_check(kind, count);
    ns[JOB_READ][times->repeats] = (double)engine_run(engine, JOB_READ);
    ns[JOB_DELETE][times->repeats] = (double)engine_run(engine, JOB_DELETE);
    engines_check(kind, 0);
    settle(count);
    (void)engine_run(ENGINE_FLOOR, JOB_PUSH);
    ns[JOB_FLUSH][times->repeats] = (double)engine_run(engine, JOB_FLUSH);
    engines_check(kind, 0);
    settle(count);
}

/* A kernel's first SA of a suite makes it look for the algorithms. */
static void warm_up(uint32_t count)
{
    (void)engine_run(ENGINE_FLOOR, JOB_PUSH);
    (void)engine_run(ENGINE_FLOOR, JOB_FLUSH);
    settle(count);
}

/* As often as time allows: at least thrice, unless once takes longer than all should. */
static void measure(enum subject_kind kind, uint32_t count, const struct options *options,
                    struct times *ret_times)
{
    const uint64_t limit_ns = (options->is_quick ? 20u : 60u) * UINT64_C(1000000000);
    const size_t repeats_max = options->is_quick ? 5 : 11;
    const uint64_t start_ns = bench_clock_ns();

    ret_times->repeats = 0;
    engines_prepare(kind, count);
    warm_up(count);
    do {
        for (size_t turn = 0; turn < ENGINES; turn++)
            take_turn(kind, count, (enum engine_number)((turn + ret_times->repeats) % ENGINES), ret_times);
        ret_times->repeats++;
    } while (ret_times->repeats < repeats_max &&
             bench_clock_ns() - start_ns < (ret_times->repeats < 3 ? 2 * limit_ns : limit_ns));
    engines_forget();
}

/* ---- telling ------------------------------------------------------------------------------------------- */

static void add_cell(json_t *cells, json_t *cell)
{
    if (cell == NULL || json_array_append_new(cells, cell) != 0)
        bench_fail("no memory");
}

static struct spread ratios(const double *of_ns, const double *to_ns, size_t repeats)
{
    double values[REPEATS_MAX];

    for (size_t i = 0; i < repeats; i++)
        values[i] = of_ns[i] / to_ns[i];
    return bench_spread(values, repeats);
}

static void report(const struct options *options, enum subject_kind kind, uint32_t count, enum job job,
                   enum engine_number engine, const struct times *times, json_t *cells)
{
    const double *ns = times->ns[engine][job];
    double rates[REPEATS_MAX];

    for (size_t i = 0; i < times->repeats; i++)
        rates[i] = count * 1e9 / ns[i];
    const struct spread rate = bench_spread(rates, times->repeats);
    const struct spread ratio = ratios(times->ns[ENGINE_IP][job], ns, times->repeats);
    const struct spread share = ratios(times->ns[ENGINE_FLOOR][job], ns, times->repeats);
    printf("%-6s %-9s %-9s %7u  %-13s %11.0f %10.0f..%-11.0f %7.2f %6.2f..%-6.2f %6.0f %%\n", options->place,
           job_names[job], subject_names[kind], count, engine_names[engine], rate.median, rate.min, rate.max,
           ratio.median, ratio.min, ratio.max, 100 * share.median);
    (void)fflush(stdout);
    add_cell(cells,
             json_pack("{s:s, s:s, s:s, s:I, s:s, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "place",
                       options->place, "job", job_names[job], "what", subject_names[kind], "count",
                       (json_int_t)count, "engine", engine_names[engine], "repeats",
                       (json_int_t)times->repeats, "per_second", rate.median, "per_second_min", rate.min,
                       "per_second_max", rate.max, "ratio_to_ip", ratio.median, "ratio_to_ip_min", ratio.min,
                       "ratio_to_ip_max", ratio.max, "kernel_share", share.median));
}

static void measure_kernel(const struct options *options, json_t *cells)
{
    static struct times times;

    printf("%-6s %-9s %-9s %7s  %-13s %11s %23s %7s %14s %8s\n", "place", "job", "what", "count", "engine",
           "a second", "min..max", "times", "min..max", "kernel");
    for (size_t i = 0; i < COUNT_OF(all_counts); i++)
        for (enum subject_kind kind = options->has_sas ? SUBJECT_SA : SUBJECT_POLICY; kind < SUBJECT_KINDS;
             kind++) {
            const uint32_t count = all_counts[i];
            if (count < options->count_first || count > options->count_last)
                continue;
            measure(kind, count, options, &times);
            for (enum job job = JOB_PUSH; job < JOBS; job++)
                for (enum engine_number engine = ENGINE_SALLYPORT; engine < ENGINES; engine++)
                    report(options, kind, count, job, engine, &times, cells);
        }
}

static void measure_codec(const struct options *options, json_t *cells)
{
    const size_t repeats = options->is_quick ? 5 : 15;
    double rates[REPEATS_MAX];

    printf("%-6s %-32s %13s %25s %11s\n", "place", "codec", "a second", "min..max", "ns each");
    for (enum codec_work work = (enum codec_work)0; work < CODEC_WORKS; work++) {
        for (size_t i = 0; i < repeats; i++)
            rates[i] = codec_rate(work);
        const struct spread rate = bench_spread(rates, repeats);
        printf("%-6s %-32s %13.0f %12.0f..%-12.0f %10.0f\n", options->place, codec_names[work], rate.median,
               rate.min, rate.max, 1e9 / rate.median);
        add_cell(cells,
                 json_pack("{s:s, s:s, s:s, s:I, s:f, s:f, s:f}", "place", options->place, "job", "codec",
                           "what", codec_names[work], "repeats", (json_int_t)repeats, "per_second",
                           rate.median, "per_second_min", rate.min, "per_second_max", rate.max));
    }
}

/* ---- options ------------------------------------------------------------------------------------------- */

static void usage(FILE *out)
{
    (void)fputs(
        "usage: bench-offload [--place NAME] [--codec | --policies] [--quick] [--count N] [--json FILE]\n\n"
        "  --place NAME  what the table calls this machine\n"
        "  --codec       only messages written and read\n"
        "  --policies    no SAs: this kernel has no ESP\n"
        "  --quick       fewer repeats, no more than 10,000 at once\n"
        "  --count N     only 1000, 10000 or 100000\n"
        "  --json FILE   also writes the cells to FILE\n\n"
        "bench/run offload runs it where there is a kernel with ESP\n",
        out);
}

static struct options read_options(int argc, char **argv)
{
    struct options options = {.place = "host", .has_sas = true, .count_last = UINT32_MAX};

    for (int i = 1; i < argc; i++) {
        const bool has_value = i + 1 < argc;
        if (strcmp(argv[i], "--quick") == 0) {
            options.is_quick = true;
        } else if (strcmp(argv[i], "--codec") == 0) {
            options.is_codec = true;
        } else if (strcmp(argv[i], "--policies") == 0) {
            options.has_sas = false;
        } else if (strcmp(argv[i], "--place") == 0 && has_value) {
            options.place = argv[++i];
        } else if (strcmp(argv[i], "--count") == 0 && has_value) {
            options.count_first = options.count_last = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--json") == 0 && has_value) {
            options.json_path = argv[++i];
        } else {
            const bool is_help = strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
            usage(is_help ? stdout : stderr);
            exit(is_help ? 0 : 1);
        }
    }
    if (options.is_quick && options.count_last == UINT32_MAX)
        options.count_last = 10000;
    return options;
}

int main(int argc, char **argv)
{
    const struct options options = read_options(argc, argv);
    json_t *cells = json_array();
    int answer = 0;

    if (options.is_codec) {
        measure_codec(&options, cells);
    } else {
        if (unshare(CLONE_NEWNET) != 0)
            bench_fail("a network namespace takes root: %s", strerror(errno));
        measure_kernel(&options, cells);
    }
    if (options.json_path != NULL &&
        json_dump_file(cells, options.json_path, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) != 0) {
        perror(options.json_path);
        answer = 1;
    }
    json_decref(cells);
    return answer;
}
