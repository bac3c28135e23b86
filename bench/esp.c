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

#include "crypto/suite.h"

#include <sodium.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY_SAS 1024

static const size_t all_payloads[] = {64, 256, 576, 1024, 1424, 8192, PAYLOAD_MIX};
static const size_t all_bursts[] = {1, 8, 16, 32, 64, 128, 256};
static const size_t quick_payloads[] = {64, 1424, PAYLOAD_MIX};
static const size_t quick_bursts[] = {1, 8, 32, 128};
static const size_t sa_counts[] = {1, MANY_SAS};
#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

static const char *const work_names[WORKS] = {"seal", "open"};

struct options {
    size_t repeats, bytes_per_repeat;
    const size_t *payloads, *bursts;
    size_t payload_count, burst_count;
    const char *json_path, *csv_path;
    bool has_slow_peers;
};

/* One kind of work, by side and repeat. */
struct rates {
    double mb_s[SIDES_MAX][REPEATS_MAX];
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

static void report_side(const struct field *field, enum work work, const struct rates *rates, size_t side,
                        size_t repeats, struct cells *cells)
{
    static double cycles_per_ns = -1;
    double values[REPEATS_MAX], ratios[REPEATS_MAX];
    char our_engine[32];

    if (cycles_per_ns < 0)
        cycles_per_ns = bench_cycles_per_ns();
    (void)snprintf(our_engine, sizeof our_engine, "sallyport/%s",
                   sp_cipher_ops(SP_ENCRYPTION_3DES_CBC)->kernel);
    for (size_t i = 0; i < repeats; i++) {
        values[i] = rates->mb_s[side][i];
        ratios[i] = values[i] / best_peer(rates, i);
    }
    double median = bench_median(values, repeats); /* orders them */
    const struct cell cell = {.work = work_names[work],
                              .payload_bytes = field->payload_bytes,
                              .burst = field->burst,
                              .sas = field->sas,
                              .engine = side == SIDE_OURS ? our_engine : peers[side - 1]->name,
                              .mb_s = median,
                              .mb_s_min = values[0],
                              .mb_s_max = values[repeats - 1],
                              .cycles_byte = cycles_per_ns * 1000 / median,
                              .ratio_to_best_peer = bench_median(ratios, repeats)};
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
            uint64_t taken_ns[WORKS];
            field_time(world, field, side, taken_ns);
            for (size_t work = 0; work < WORKS; work++)
                rates[work].mb_s[side][repeat] =
                    (double)field->total_payload_bytes * 1000 / (double)taken_ns[work];
        }
    }
    for (size_t work = 0; work < WORKS; work++)
        for (size_t side = 0; side < sides; side++)
            report_side(field, (enum work)work, &rates[work], side, options->repeats, cells);
    field_destroy(field);
}

static void measure_all(struct world *world, const struct options *options, struct cells *cells)
{
    for (size_t i = 0; i < options->payload_count; i++) {
        for (size_t j = 0; j < options->burst_count * COUNT_OF(sa_counts); j++) {
            struct field field = {.payload_bytes = options->payloads[i],
                                  .burst = options->bursts[j / COUNT_OF(sa_counts)],
                                  .sas = sa_counts[j % COUNT_OF(sa_counts)]};
            measure(world, &field, options, cells);
        }
    }
}

static void usage(FILE *out)
{
    (void)fputs("usage: bench/run esp [--quick] [--json FILE] [--csv FILE] [--slow-peers]\n\n"
                "  --quick  fewer cells, fewer and shorter repeats\n"
                "  --json   writes the cells to FILE\n"
                "  --csv    the same, comma-separated\n"
                "  --slow-peers  IPsec-MB also without AVX-512, where it takes minutes\n\n"
                "example: bench/run esp --quick --json esp.json\n",
                out);
}

static void read_options(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            options->repeats = 5;
            options->bytes_per_repeat = 256 * 1024;
            options->payloads = quick_payloads;
            options->payload_count = COUNT_OF(quick_payloads);
            options->bursts = quick_bursts;
            options->burst_count = COUNT_OF(quick_bursts);
        } else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
            options->json_path = argv[++i];
        } else if (strcmp(argv[i], "--slow-peers") == 0) {
            options->has_slow_peers = true;
        } else if (strcmp(argv[i], "--csv") == 0 && i + 1 < argc) {
            options->csv_path = argv[++i];
        } else {
            bool is_help = strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0;
            usage(is_help ? stdout : stderr);
            exit(is_help ? 0 : 1);
        }
    }
}

int main(int argc, char **argv)
{
    struct options options = {.repeats = 15,
                              .bytes_per_repeat = 1024 * 1024,
                              .payloads = all_payloads,
                              .payload_count = COUNT_OF(all_payloads),
                              .bursts = all_bursts,
                              .burst_count = COUNT_OF(all_bursts)};
    struct world world;
    bool is_written = true;

    read_options(argc, argv, &options);
    bench_require(sodium_init() >= 0, "libsodium does not start");
    if (!options.has_slow_peers && peers_leave_slow_ones() > 0)
        printf("IPsec-MB is left out: without AVX-512 it is far slower than libcrypto (--slow-peers)\n\n");
    world_create(&world, MANY_SAS);
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
