/* SPDX-License-Identifier: ISC
 *
 * ESP in transport mode, 3DES-CBC with HMAC-SHA1-96: sp_esp_seal() and sp_esp_open() beside other libraries.
 *
 * All do the same cipher and HMAC bytes in turns, in the same run, in the same memory. What comes out is
 * compared byte by byte before anything is timed. Each repeat gives one ratio of ours to the peer that was
 * the fastest of that repeat, all taken milliseconds apart; the median of those is reported, so that a
 * machine that speeds up or slows down meanwhile doesn't matter.
 */
#include "cells.h"
#include "esp_field.h"
#include "esp_threads.h"

#include "crypto/suite.h"

#include <sodium.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY_SAS 1024
#define SHAPES_MAX 128
#define BYTES_PER_REPEAT (1024 * 1024)

static const size_t all_payloads[] = {64, 256, 576, 1024, 1424, 8192, PAYLOAD_MIX};
static const size_t all_bursts[] = {1, 8, 16, 32, 64, 128, 256};
static const size_t quick_payloads[] = {64, 1424, PAYLOAD_MIX};
static const size_t quick_bursts[] = {1, 8, 32, 128};
static const size_t sa_counts[] = {1, MANY_SAS};
#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))
_Static_assert(COUNT_OF(all_payloads) * COUNT_OF(all_bursts) * COUNT_OF(sa_counts) <= SHAPES_MAX,
               "make room");

static const char *const work_names[WORKS] = {"seal", "open"};

struct shape {
    size_t payload_bytes, burst, sas;
};

struct options {
    size_t repeats, bytes_per_repeat, threads;
    struct shape shapes[SHAPES_MAX];
    size_t shape_count;
    const char *json_path, *csv_path;
    bool is_quick, has_slow_peers;
};

/* One kind of work, by side and repeat. */
struct rates {
    double mb_s[SIDES_MAX][REPEATS_MAX];
    double cycles_byte[SIDES_MAX][REPEATS_MAX];
};

/* The rate of the fastest of the peers that do the same work, in this repeat. */
static double best_peer(const struct rates *rates, size_t repeat)
{
    double best = 0;

    for (size_t i = 0; i < peer_count; i++)
        if (!peers[i]->is_other_suite && rates->mb_s[i + 1][repeat] > best)
            best = rates->mb_s[i + 1][repeat];
    return best;
}

static const char *our_engine(void)
{
    static char name[64];

    (void)snprintf(name, sizeof name, "sallyport/%s", sp_cipher_ops(SP_ENCRYPTION_3DES_CBC)->kernel);
    return name;
}

static void report_side(const struct field *field, enum work work, const struct rates *rates, size_t side,
                        size_t repeats, struct cells *cells)
{
    const double *mb_s = rates->mb_s[side];
    double ratios[REPEATS_MAX];

    for (size_t i = 0; i < repeats; i++)
        ratios[i] = mb_s[i] / best_peer(rates, i);
    const struct cell cell = {.work = work_names[work],
                              .payload_bytes = field->payload_bytes,
                              .burst = field->burst,
                              .sas = field->sas,
                              .engine = side == SIDE_OURS ? our_engine() : peers[side - 1]->name,
                              .threads = 1,
                              .repeats = repeats,
                              .mb_s = mb_s,
                              .cycles_byte = bench_spread(rates->cycles_byte[side], repeats).median,
                              .ratio = ratios,
                              .ratio_base = RATIO_TO_BEST_PEER};
    cells_add(cells, &cell);
}

static void measure(struct world *world, struct field *field, const struct options *options,
                    struct cells *cells)
{
    static struct rates rates[WORKS];
    size_t sides = 1 + peer_count;

    field_create(field, options->bytes_per_repeat);
    field_compare(world, field);
    for (size_t repeat = 0; repeat < options->repeats; repeat++) {
        for (size_t turn = 0; turn < sides; turn++) {
            size_t side = (turn + repeat) % sides; /* who begins changes */
            double mb_s[WORKS];
            double cycles_per_ns = bench_cycles_per_ns(); /* it changes from moment to moment */
            field_time(world, field, side, mb_s);
            for (size_t work = 0; work < WORKS; work++) {
                rates[work].mb_s[side][repeat] = mb_s[work];
                rates[work].cycles_byte[side][repeat] = cycles_per_ns * 1000 / mb_s[work];
            }
        }
    }
    for (size_t work = 0; work < WORKS; work++)
        for (size_t side = 0; side < sides; side++)
            report_side(field, (enum work)work, &rates[work], side, options->repeats, cells);
    field_destroy(field);
}

static void report_threads(const struct field *field, enum work work, double (*rates)[2],
                           const struct options *options, double cycles_per_ns, struct cells *cells)
{
    double mb_s[REPEATS_MAX], ratios[REPEATS_MAX];

    for (size_t all = 0; all < 2; all++) {
        for (size_t i = 0; i < options->repeats; i++) {
            mb_s[i] = rates[i][all];
            ratios[i] = rates[i][all] / rates[i][0];
        }
        size_t threads = all ? options->threads : 1;
        const struct cell cell = {.work = work_names[work],
                                  .payload_bytes = field->payload_bytes,
                                  .burst = field->burst,
                                  .sas = field->sas,
                                  .engine = our_engine(),
                                  .threads = threads,
                                  .repeats = options->repeats,
                                  .mb_s = mb_s,
                                  .cycles_byte = cycles_per_ns * 1000 * (double)threads /
                                                 bench_spread(mb_s, options->repeats).median,
                                  .ratio = ratios,
                                  .ratio_base = RATIO_TO_ONE_THREAD};
        cells_add(cells, &cell);
    }
}

static void measure_threads(struct world *world, struct field *field, const struct options *options,
                            struct cells *cells)
{
    static double rates[WORKS][REPEATS_MAX][2];
    double(*both[WORKS])[2] = {rates[WORK_SEAL], rates[WORK_OPEN]};
    double cycles_per_ns = bench_cycles_per_ns() / 2;

    threads_time(world, field, options->bytes_per_repeat, options->threads, options->repeats, both);
    cycles_per_ns += bench_cycles_per_ns() / 2;
    for (size_t work = 0; work < WORKS; work++)
        report_threads(field, (enum work)work, rates[work], options, cycles_per_ns, cells);
}

static void measure_all(struct world *world, const struct options *options, struct cells *cells)
{
    for (size_t i = 0; i < options->shape_count; i++) {
        const struct shape *shape = &options->shapes[i];
        struct field field = {
            .payload_bytes = shape->payload_bytes, .burst = shape->burst, .sas = shape->sas};
        if (options->threads > 1)
            measure_threads(world, &field, options, cells);
        else
            measure(world, &field, options, cells);
    }
}

static void add_shapes(struct options *options, const size_t *payloads, size_t payload_count,
                       const size_t *bursts, size_t burst_count)
{
    for (size_t i = 0; i < payload_count; i++)
        for (size_t j = 0; j < burst_count * COUNT_OF(sa_counts); j++)
            options->shapes[options->shape_count++] = (struct shape){
                payloads[i], bursts[j / COUNT_OF(sa_counts)], sa_counts[j % COUNT_OF(sa_counts)]};
}

/* PAYLOAD:BURST:SAS, where PAYLOAD may be mix. */
static bool read_shape(struct options *options, const char *text)
{
    struct shape shape = {.payload_bytes = PAYLOAD_MIX};
    const char *rest = strchr(text, ':');
    int end = 0;

    if (rest == NULL || options->shape_count == SHAPES_MAX)
        return false;
    if (strncmp(text, "mix:", 4) != 0 && (sscanf(text, "%zu", &shape.payload_bytes) != 1 ||
                                          shape.payload_bytes == 0 || shape.payload_bytes > 65000))
        return false;
    if (sscanf(rest, ":%zu:%zu%n", &shape.burst, &shape.sas, &end) != 2 || rest[end] != '\0')
        return false;
    if (shape.burst == 0 || shape.burst > 65536 || shape.sas == 0 || shape.sas > MANY_SAS)
        return false;
    options->shapes[options->shape_count++] = shape;
    return true;
}

static bool read_count(const char *text, size_t max, size_t *ret_count)
{
    int end = 0;
    size_t count;

    if (sscanf(text, "%zu%n", &count, &end) != 1 || text[end] != '\0' || count == 0 || count > max)
        return false;
    *ret_count = count;
    return true;
}

static int usage(FILE *out, int answer)
{
    (void)fputs("usage: bench/run esp [--quick] [--cell PAYLOAD:BURST:SAS]... [--repeats N] [--bytes N]\n"
                "                     [--threads N] [--json FILE] [--csv FILE] [--slow-peers]\n\n"
                "  --quick       fewer cells, fewer and shorter repeats\n"
                "  --cell        only this one; PAYLOAD in bytes or mix, at most 1024 SAS; may be repeated\n"
                "  --repeats N   how often everything takes its turn, at most 64\n"
                "  --bytes N     payload that a turn seals and opens at least\n"
                "  --threads N   no peers: N threads beside one\n"
                "  --json FILE   writes the cells to FILE\n"
                "  --csv FILE    the same, comma-separated\n"
                "  --slow-peers  IPsec-MB also without AVX-512, where it takes minutes\n\n"
                "example: bench/run esp --cell 1424:128:1 --json esp.json\n",
                out);
    return answer;
}

/* One option with its value; false when there is no such one, or its value is none. */
static bool read_option(struct options *options, const char *name, const char *value)
{
    if (strcmp(name, "--cell") == 0)
        return read_shape(options, value);
    if (strcmp(name, "--repeats") == 0)
        return read_count(value, REPEATS_MAX, &options->repeats);
    if (strcmp(name, "--bytes") == 0)
        return read_count(value, 1u << 30, &options->bytes_per_repeat);
    if (strcmp(name, "--threads") == 0)
        return read_count(value, THREADS_MAX, &options->threads);
    if (strcmp(name, "--json") == 0)
        options->json_path = value;
    else if (strcmp(name, "--csv") == 0)
        options->csv_path = value;
    else
        return false;
    return true;
}

static void read_options(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            exit(usage(stdout, 0));
        else if (strcmp(argv[i], "--quick") == 0)
            options->is_quick = true;
        else if (strcmp(argv[i], "--slow-peers") == 0)
            options->has_slow_peers = true;
        else if (i + 1 == argc || !read_option(options, argv[i], argv[i + 1]))
            exit(usage(stderr, 1));
        else
            i++;
    }
    if (options->repeats == 0)
        options->repeats = options->is_quick ? 5 : 15;
    if (options->bytes_per_repeat == 0)
        options->bytes_per_repeat = options->is_quick ? BYTES_PER_REPEAT / 4 : BYTES_PER_REPEAT;
    if (options->shape_count > 0)
        return;
    if (options->is_quick)
        add_shapes(options, quick_payloads, COUNT_OF(quick_payloads), quick_bursts, COUNT_OF(quick_bursts));
    else
        add_shapes(options, all_payloads, COUNT_OF(all_payloads), all_bursts, COUNT_OF(all_bursts));
}

int main(int argc, char **argv)
{
    static struct options options = {.threads = 1};
    struct world world = {0};
    bool is_written = true;

    read_options(argc, argv, &options);
    bench_require(sodium_init() >= 0, "libsodium does not start");
    if (peers_leave_out(options.has_slow_peers) > 0)
        printf("IPsec-MB is left out: without AVX-512 it is far slower than libcrypto (--slow-peers)\n\n");
    world_create(&world, MANY_SAS * options.threads, options.threads == 1);
    struct cells *cells = cells_create();
    measure_all(&world, &options, cells);
    if (options.json_path != NULL)
        is_written = cells_write_json(cells, options.json_path);
    if (options.csv_path != NULL)
        is_written = cells_write_csv(cells, options.csv_path) && is_written;
    cells_destroy(cells);
    world_destroy(&world);
    return is_written ? 0 : 1;
}
