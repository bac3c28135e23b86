/* SPDX-License-Identifier: ISC
 *
 * Selector tables beside DPDK's librte_acl and a plain scan: rule sets in ClassBench's style, whole traces
 * with locality and without, IPv4.
 *
 * All engines of a rule set are built first, their answers are compared, and then they take turns, who begins
 * changing from round to round. Each round gives one ratio to each peer, taken milliseconds apart.
 */
#include "cells.h"
#include "classbench.h"
#include "selector_change.h"
#include "selector_engine.h"

#include <jansson.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))
#define ENGINES_MAX 8
#define BURST_MAX 256

static const uint32_t sizes[] = {10, 100, 1000, 10000, 100000};
static const size_t bursts[] = {32, BURST_MAX};
static const char *const trace_names[] = {"local", "uniform"};

struct options {
    size_t rounds, trace_count;
    uint32_t size_first, size_last;
    const char *json_path;
    bool only_changes;
    uint64_t slice_ns; /* of a round: an engine that needs longer sees only a part of the trace */
};

struct contender {
    struct engine engine;
    double build_seconds;
    size_t packets[2]; /* of each trace, a round */
    size_t next[2]
               [COUNT_OF(bursts)]; /* each round goes on where the last one ended, so that all is replayed */
    double ns[2][COUNT_OF(bursts)][REPEATS_MAX];
};

struct match {
    struct scene scene;
    struct contender *contenders[ENGINES_MAX];
    size_t contenders_count;
    const char *style;
};

static void fail(const char *what)
{
    (void)fprintf(stderr, "bench-selector: %s\n", what);
    exit(1);
}

static uint64_t run(struct engine *engine, int trace, size_t first, size_t count, size_t burst)
{
    uint32_t found[BURST_MAX];
    uint64_t before_ns = bench_cpu_ns();

    for (size_t i = 0; i + burst <= count; i += burst)
        engine->lookup(engine, trace, first + i, burst, found);
    return bench_cpu_ns() - before_ns;
}

/* Passes take turns among the variants, and the best of each counts: a neighbour's moment decides nothing. */
static void choose_fastest(struct engine *engine)
{
    enum { PASSES = 7, VARIANTS_MAX = 8 };
    const size_t count = 8192;
    uint64_t best_ns[VARIANTS_MAX];
    int best = 0;

    memset(best_ns, 0xff, sizeof best_ns);
    for (int pass = 0; engine->choose != NULL && pass < PASSES; pass++)
        for (int variant = 0; variant < engine->variants && variant < VARIANTS_MAX; variant++) {
            engine->choose(engine, variant);
            uint64_t ns = run(engine, 1, (size_t)pass * count, count, BURST_MAX);
            best_ns[variant] = ns < best_ns[variant] ? ns : best_ns[variant];
        }
    for (int variant = 1; engine->choose != NULL && variant < engine->variants; variant++)
        if (best_ns[variant] < best_ns[best])
            best = variant;
    if (engine->choose != NULL)
        engine->choose(engine, best);
}

static bool build(const struct match *match, struct engine *engine, const struct engine *plain)
{
    if (engine->build_on != NULL)
        return plain != NULL && engine->build_on(engine, plain);
    return engine->build != NULL && engine->build(engine, &match->scene);
}

/* The contender, or NULL when it can't be built here. */
static struct contender *add_contender(struct match *match, const struct engine *engine,
                                       const struct contender *plain, const struct options *options)
{
    struct contender *contender = calloc(1, sizeof *contender);

    if (contender == NULL)
        fail("no memory");
    contender->engine = *engine;
    uint64_t before_ns = bench_cpu_ns();
    if (!build(match, &contender->engine, plain ? &plain->engine : NULL)) {
        free(contender);
        return NULL;
    }
    contender->build_seconds = plain ? plain->build_seconds : (double)(bench_cpu_ns() - before_ns) / 1e9;
    choose_fastest(&contender->engine);
    for (int trace = 0; trace < 2; trace++) {
        (void)run(&contender->engine, trace, 0, BURST_MAX, BURST_MAX);
        uint64_t ns = run(&contender->engine, trace, 0, BURST_MAX, BURST_MAX) / BURST_MAX + 1;
        size_t packets = (size_t)(options->slice_ns / ns) / BURST_MAX * BURST_MAX + BURST_MAX;
        size_t most = match->scene.trace_count / 2;
        contender->packets[trace] = packets < most ? packets : most;
    }
    match->contenders[match->contenders_count++] = contender;
    return contender;
}

/* As many packets as a scan classifies in a moment. */
static void compare_answers(struct match *match)
{
    const struct scene *scene = &match->scene;
    size_t count = 40000000 / scene->boxes_count / BURST_MAX * BURST_MAX;

    count = count < BURST_MAX ? BURST_MAX : count < scene->trace_count ? count : scene->trace_count;
    for (size_t i = 0; i < match->contenders_count; i++) {
        struct engine *engine = &match->contenders[i]->engine;
        for (size_t first = 0; first + BURST_MAX <= count; first += BURST_MAX) {
            uint32_t found[BURST_MAX];
            engine->lookup(engine, 1, first, BURST_MAX, found);
            for (size_t k = 0; k < BURST_MAX; k++)
                if (found[k] !=
                    sp_selector_naive(scene->boxes, scene->boxes_count, &scene->traces[1][first + k]))
                    fail("an engine finds another box than the scan");
        }
    }
}

/* The next stretch of the trace, the first eighth of which warms up what the others threw out. */
static double time_stretch(const struct match *match, struct contender *contender, int trace, size_t burst)
{
    size_t count = contender->packets[trace], warm = count / 8 / BURST_MAX * BURST_MAX;
    size_t *next = &contender->next[trace][burst];

    if (*next + warm + count > match->scene.trace_count)
        *next = 0;
    (void)run(&contender->engine, trace, *next, warm, bursts[burst]);
    uint64_t ns = run(&contender->engine, trace, *next + warm, count, bursts[burst]);
    *next += warm + count;
    return (double)ns / (double)count;
}

static void measure(struct match *match, const struct options *options)
{
    size_t count = match->contenders_count;

    for (size_t round = 0; round < options->rounds; round++)
        for (size_t turn = 0; turn < count; turn++) {
            struct contender *contender = match->contenders[(turn + round) % count];
            for (int trace = 0; trace < 2; trace++)
                for (size_t burst = 0; burst < COUNT_OF(bursts); burst++)
                    contender->ns[trace][burst][round] = time_stretch(match, contender, trace, burst);
        }
}

static double median_of(const double *values, size_t count, double *ret_min, double *ret_max)
{
    double copy[REPEATS_MAX];

    memcpy(copy, values, count * sizeof *copy);
    double median = bench_median(copy, count);
    *ret_min = copy[0];
    *ret_max = copy[count - 1];
    return median;
}

/* With a flow cache in front, or without. NULL: there is none. */
static const struct contender *best_peer(const struct match *match, bool has_cache, int trace, size_t burst,
                                         size_t rounds)
{
    const struct contender *best = NULL;
    double best_ns = 0, ignored;

    for (size_t i = 0; i < match->contenders_count; i++) {
        const struct contender *contender = match->contenders[i];
        double ns = median_of(contender->ns[trace][burst], rounds, &ignored, &ignored);
        if (contender->engine.is_peer && contender->engine.has_cache == has_cache &&
            (best == NULL || ns < best_ns)) {
            best = contender;
            best_ns = ns;
        }
    }
    return best;
}

static void report_cell(const struct match *match, const struct contender *contender, int trace, size_t burst,
                        size_t rounds, json_t *cells)
{
    const struct contender *peer = best_peer(match, contender->engine.has_cache, trace, burst, rounds);
    double ratios[REPEATS_MAX], min, max;
    double median = median_of(contender->ns[trace][burst], rounds, &min, &max);
    double bytes_rule = (double)contender->engine.bytes / match->scene.boxes_count;

    for (size_t round = 0; peer != NULL && round < rounds; round++)
        ratios[round] = peer->ns[trace][burst][round] / contender->ns[trace][burst][round];
    double ratio = peer == NULL ? 0 : bench_median(ratios, rounds);
    printf("%-4s %7u %-8s %5zu  %-26s %9.1f %9.1f..%-9.1f %10.4f %9.0f %7.2f\n", match->style,
           match->scene.boxes_count, trace_names[trace], bursts[burst], contender->engine.name, median, min,
           max, contender->build_seconds, bytes_rule, ratio);
    (void)fflush(stdout);
    json_t *cell = json_pack("{s:s, s:I, s:s, s:I, s:s, s:f, s:f, s:f, s:f, s:f, s:o}", "family",
                             match->style, "rules", (json_int_t)match->scene.boxes_count, "trace",
                             trace_names[trace], "burst", (json_int_t)bursts[burst], "engine",
                             contender->engine.name, "ns_packet", median, "ns_packet_min", min,
                             "ns_packet_max", max, "build_seconds", contender->build_seconds, "bytes_rule",
                             bytes_rule, "ratio_to_best_peer", peer == NULL ? json_null() : json_real(ratio));
    if (cell == NULL || json_array_append_new(cells, cell) != 0)
        fail("no memory");
}

/* Below, there is nothing to save. */
#define CHANGE_SIZE_MIN 1000

static void compare_and_measure(struct match *match, const struct options *options, json_t *cells)
{
    compare_answers(match);
    measure(match, options);
    for (int trace = 0; trace < 2; trace++)
        for (size_t burst = 0; burst < COUNT_OF(bursts); burst++)
            for (size_t i = 0; i < match->contenders_count; i++)
                report_cell(match, match->contenders[i], trace, burst, options->rounds, cells);
}

static void play(enum classbench_style style, uint32_t size, const struct options *options, json_t *cells)
{
    struct sp_selector_box *boxes = malloc(size * sizeof *boxes);
    struct sp_selector_key *keys[2];
    struct match match = {.style = classbench_style_names[style]};

    for (int trace = 0; trace < 2; trace++)
        keys[trace] = malloc(options->trace_count * sizeof *keys[trace]);
    if (boxes == NULL || keys[0] == NULL || keys[1] == NULL)
        fail("no memory");
    classbench_boxes(style, 4, size, 1, boxes);
    classbench_trace(boxes, size, 4, true, 11, keys[0], options->trace_count);
    classbench_trace(boxes, size, 4, false, 12, keys[1], options->trace_count);
    match.scene = (struct scene){boxes, size, {keys[0], keys[1]}, options->trace_count};
    const struct contender *ours = add_contender(&match, &engine_sallyport, NULL, options);
    (void)add_contender(&match, &engine_linear, NULL, options);
    const struct contender *acl = add_contender(&match, &engine_acl, NULL, options);
    (void)add_contender(&match, &engine_sallyport_cached, ours, options);
    (void)add_contender(&match, &engine_acl_cached, acl, options);
    if (!options->only_changes)
        compare_and_measure(&match, options, cells);
    if (size >= CHANGE_SIZE_MIN)
        change_play(match.style, &match.scene, ours->build_seconds, acl ? acl->build_seconds : 0, cells);
    for (size_t i = match.contenders_count; i-- > 0;) {
        match.contenders[i]->engine.destroy(&match.contenders[i]->engine);
        free(match.contenders[i]);
    }
    free(keys[0]);
    free(keys[1]);
    free(boxes);
}

static void usage(FILE *out)
{
    (void)fputs("usage: bench/run selector [--quick] [--rules N] [--change] [--json FILE]\n\n"
                "  --quick    fewer and shorter rounds, no more than 10,000 rules\n"
                "  --rules N  only rule sets of this size: 10, 100, 1000, 10000 or 100000\n"
                "  --change   only how long it takes to change one rule\n"
                "  --json     writes the cells to FILE\n\n"
                "example: bench/run selector --quick --json selector.json\n",
                out);
}

static void read_options(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            options->rounds = 5;
            options->slice_ns = 2000000;
            options->size_last = options->size_last < 10000 ? options->size_last : 10000;
        } else if (strcmp(argv[i], "--rules") == 0 && i + 1 < argc) {
            options->size_first = options->size_last = (uint32_t)strtoul(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--change") == 0) {
            options->only_changes = true;
        } else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
            options->json_path = argv[++i];
        } else {
            bool is_help = strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
            usage(is_help ? stdout : stderr);
            exit(is_help ? 0 : 1);
        }
    }
}

int main(int argc, char **argv)
{
    struct options options = {
        .rounds = 11, .slice_ns = 20000000, .trace_count = 262144, .size_last = UINT32_MAX};
    json_t *cells = json_array();
    bool is_written = true;

    read_options(argc, argv, &options);
    printf("%-4s %7s %-8s %5s  %-26s %9s %20s %10s %9s %7s\n", "set", "rules", "trace", "burst", "engine",
           "ns/packet", "min..max", "build s", "B/rule", "ratio");
    for (size_t size = 0; size < COUNT_OF(sizes); size++)
        for (int style = 0; style < 3; style++)
            if (sizes[size] >= options.size_first && sizes[size] <= options.size_last)
                play((enum classbench_style)style, sizes[size], &options, cells);
    if (options.json_path != NULL &&
        json_dump_file(cells, options.json_path, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) != 0) {
        perror(options.json_path);
        is_written = false;
    }
    json_decref(cells);
    return is_written ? 0 : 1;
}
