/* SPDX-License-Identifier: ISC
 *
 * ESP in transport mode, 3DES-CBC with HMAC-SHA1-96: sp_esp_seal() and sp_esp_open() beside raw libcrypto.
 *
 * Both do the same cipher and HMAC bytes in turns, in the same run, on equal memory. What comes out is
 * compared byte by byte before anything is timed. Each repeat gives one ratio of the two, taken milliseconds
 * apart; the median of those is reported, so that a machine that speeds up or slows down meanwhile doesn't
 * matter.
 */
#include "cells.h"
#include "esp_field.h"

#include "crypto/suite.h"

#include <sodium.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MANY_SAS 1000
#define FULL_PAYLOAD_BYTES 1424

static const size_t payloads[] = {64, 256, 576, 1024, FULL_PAYLOAD_BYTES, 8192};
static const size_t bursts[] = {1, 8, 32, 128, 256};
#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

static const char *const work_names[WORKS] = {"seal", "open"};

struct options {
    size_t repeats, bytes_per_repeat;
    const char *json_path;
};

static void fill_cell(struct cell *cell, double *rates, size_t repeats, double cycles_per_ns)
{
    cell->mb_s = bench_median(rates, repeats);
    cell->mb_s_min = rates[0];
    cell->mb_s_max = rates[repeats - 1];
    cell->cycles_byte = cycles_per_ns * 1000 / cell->mb_s;
}

struct result {
    double ratio[WORKS];
};

/* rates and ratios of one kind of work; returns the median ratio. */
static double report(const struct field *field, enum work work, double rates[SIDES][REPEATS_MAX],
                     double *ratios, size_t repeats, struct cells *cells)
{
    static double cycles_per_ns = -1;
    char our_engine[32];
    struct cell cell = {.work = work_names[work],
                        .payload_bytes = field->payload_bytes,
                        .burst = field->burst,
                        .sas = field->sas,
                        .engine = our_engine};

    if (cycles_per_ns < 0)
        cycles_per_ns = bench_cycles_per_ns();
    (void)snprintf(our_engine, sizeof our_engine, "sallyport/%s",
                   sp_cipher_ops(SP_ENCRYPTION_3DES_CBC)->kernel);
    double ratio = bench_median(ratios, repeats);
    cell.ratio_to_best_peer = ratio;
    fill_cell(&cell, rates[SIDE_OURS], repeats, cycles_per_ns);
    cells_add(cells, &cell);
    cell.engine = "libcrypto EVP";
    cell.ratio_to_best_peer = 1;
    fill_cell(&cell, rates[SIDE_PEER], repeats, cycles_per_ns);
    cells_add(cells, &cell);
    return ratio;
}

static struct result measure(struct world *world, struct field *field, const struct options *options,
                             struct cells *cells)
{
    static double rates[WORKS][SIDES][REPEATS_MAX], ratios[WORKS][REPEATS_MAX];
    struct result result;

    field_create(field, options->bytes_per_repeat);
    field_compare(world, field);
    double payload_bytes = (double)(field->count * field->payload_bytes);
    for (size_t repeat = 0; repeat < options->repeats; repeat++) {
        uint64_t taken_ns[SIDES][WORKS];
        for (size_t turn = 0; turn < SIDES; turn++) {
            size_t side = (turn + repeat) % SIDES; /* who begins changes */
            field_time(world, field, (enum side)side, taken_ns[side]);
        }
        for (size_t work = 0; work < WORKS; work++) {
            for (size_t side = 0; side < SIDES; side++)
                rates[work][side][repeat] = payload_bytes * 1000 / (double)taken_ns[side][work];
            ratios[work][repeat] = rates[work][SIDE_OURS][repeat] / rates[work][SIDE_PEER][repeat];
        }
    }
    for (size_t work = 0; work < WORKS; work++)
        result.ratio[work] =
            report(field, (enum work)work, rates[work], ratios[work], options->repeats, cells);
    field_destroy(field);
    return result;
}

static void measure_all(struct world *world, const struct options *options, struct cells *cells)
{
    double ratios[WORKS][COUNT_OF(bursts)];

    for (size_t i = 0; i < COUNT_OF(payloads); i++) {
        for (size_t j = 0; j < COUNT_OF(bursts); j++) {
            struct field field = {.payload_bytes = payloads[i], .burst = bursts[j], .sas = 1};
            struct result result = measure(world, &field, options, cells);
            for (size_t work = 0; payloads[i] == FULL_PAYLOAD_BYTES && work < WORKS; work++)
                ratios[work][j] = result.ratio[work];
        }
    }
    struct field field = {.payload_bytes = FULL_PAYLOAD_BYTES, .burst = 32, .sas = MANY_SAS};
    (void)measure(world, &field, options, cells);
    printf("\nTime over raw libcrypto at %d-byte payloads, median over the bursts (negative: less):\n",
           FULL_PAYLOAD_BYTES);
    for (size_t work = 0; work < WORKS; work++)
        printf("  %s %+.2f %%\n", work_names[work],
               (1 / bench_median(ratios[work], COUNT_OF(bursts)) - 1) * 100);
}

static void usage(FILE *out)
{
    (void)fputs("usage: bench/run esp [--quick] [--json FILE]\n\n"
                "  --quick  fewer and shorter repeats\n"
                "  --json   writes the cells to FILE\n\n"
                "example: bench/run esp --quick --json esp.json\n",
                out);
}

static void read_options(int argc, char **argv, struct options *options)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            options->repeats = 5;
            options->bytes_per_repeat = 256 * 1024;
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
    struct options options = {.repeats = 15, .bytes_per_repeat = 1024 * 1024};
    struct world world;
    bool is_written = true;

    read_options(argc, argv, &options);
    bench_require(sodium_init() >= 0, "libsodium does not start");
    world_create(&world, MANY_SAS);
    struct cells *cells = cells_create();
    measure_all(&world, &options, cells);
    if (options.json_path != NULL)
        is_written = cells_write_json(cells, options.json_path);
    cells_destroy(cells);
    world_destroy(&world);
    return is_written ? 0 : 1;
}
