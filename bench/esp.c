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
#include "esp_peer.h"

#include "crypto/suite.h"

#include <sallyport/esp.h>
#include <sodium.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IP_HEADER_BYTES 20
#define STRIDE_EXTRA_BYTES (SP_PACKET_HEADROOM_BYTES + IP_HEADER_BYTES + SP_PACKET_TAILROOM_BYTES)
#define SPI_FIRST 0x1000
#define TCP 6
#define MANY_SAS 1000
#define FULL_PAYLOAD_BYTES 1424

static const size_t payloads[] = {64, 256, 576, 1024, FULL_PAYLOAD_BYTES, 8192};
static const size_t bursts[] = {1, 8, 32, 128, 256};
#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

enum work { WORK_SEAL, WORK_OPEN, WORKS };
enum side { SIDE_OURS, SIDE_PEER, SIDES };

static const char *const work_names[WORKS] = {"seal", "open"};

struct options {
    size_t repeats, bytes_per_repeat;
    const char *json_path;
};

/* SAs and the peer's contexts for them, made once. */
struct world {
    struct keys *keys;
    struct sp_sad *sad;
    struct sp_esp *esp;
    struct peer *peer;
};

/* The packets of one cell, for both sides. */
struct field {
    size_t payload_bytes, burst, sas, count, stride_bytes, cipher_bytes;
    uint8_t *clear;  /* the IP packets as they were, payload_bytes + header each */
    uint8_t *ours;   /* stride_bytes each */
    uint8_t *theirs; /* stride_bytes each, from the ESP header on */
    uint8_t *theirs_clear, *theirs_sealed;
    struct sp_packet *packets;
    struct peer_packet *peer_packets;
};

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "bench/esp: %s\n", what);
    exit(1);
}

static void *allocate(size_t count, size_t size_bytes)
{
    void *memory = calloc(count, size_bytes);

    require(memory != NULL, "out of memory");
    return memory;
}

static void create_world(struct world *world, size_t sas)
{
    struct sp_sa_params params = {
        .source = {.family = 4, .bytes = {192, 0, 2, 1}},
        .destination = {.family = 4, .bytes = {198, 51, 100, 2}},
        .mode = SP_MODE_TRANSPORT,
        .encryption = SP_ENCRYPTION_3DES_CBC,
        .integrity = SP_INTEGRITY_HMAC_SHA1_96,
        .encryption_key_bytes = TDES_KEY_BYTES,
        .integrity_key_bytes = SHA1_KEY_BYTES,
        .has_lifetime = true,
    };
    char reason[256];

    require(sp_lifetime_preset("nist-r1", &params.lifetime) == SP_OK, "no preset nist-r1");
    require(sp_sad_create((uint32_t)sas, &world->sad) == SP_OK, "no SAD");
    world->keys = allocate(sas, sizeof *world->keys);
    for (size_t i = 0; i < sas; i++) {
        uint32_t number;
        randombytes_buf(&world->keys[i], sizeof world->keys[i]);
        params.spi = SPI_FIRST + (uint32_t)i;
        params.encryption_key = world->keys[i].encryption;
        params.integrity_key = world->keys[i].integrity;
        require(sp_sad_add(world->sad, &params, &number, reason) == SP_OK && number == i, "an SA is refused");
    }
    require(sp_esp_create(world->sad, &world->esp) == SP_OK, "no ESP context");
    world->peer = peer_create(world->keys, sas);
}

static void destroy_world(struct world *world)
{
    peer_destroy(world->peer);
    sp_esp_destroy(&world->esp);
    sp_sad_destroy(&world->sad);
    free(world->keys);
}

static size_t clear_bytes(const struct field *field)
{
    return IP_HEADER_BYTES + field->payload_bytes;
}

static size_t sealed_bytes(const struct field *field)
{
    return ESP_FRONT_BYTES + field->cipher_bytes + ICV_BYTES;
}

static void write_clear(uint8_t *packet, size_t payload_bytes)
{
    size_t total_bytes = IP_HEADER_BYTES + payload_bytes;
    const uint8_t header[IP_HEADER_BYTES] = {0x45,
                                             0,
                                             (uint8_t)(total_bytes >> 8),
                                             (uint8_t)total_bytes,
                                             0,
                                             0,
                                             0x40,
                                             0,
                                             64,
                                             6,
                                             0,
                                             0,
                                             192,
                                             0,
                                             2,
                                             1,
                                             198,
                                             51,
                                             100,
                                             2};
    uint32_t sum = 0;

    memcpy(packet, header, sizeof header);
    for (size_t i = 0; i < IP_HEADER_BYTES; i += 2)
        sum += (uint32_t)(header[i] << 8 | header[i + 1]);
    sum = (sum & 0xffff) + (sum >> 16);
    packet[10] = (uint8_t)(~sum >> 8);
    packet[11] = (uint8_t)~sum;
    randombytes_buf(packet + IP_HEADER_BYTES, payload_bytes);
}

static void create_field(struct field *field, size_t bytes_per_repeat)
{
    size_t count = bytes_per_repeat / field->payload_bytes;

    if (count < field->sas)
        count = field->sas;
    field->count = (count + field->burst - 1) / field->burst * field->burst;
    field->stride_bytes = field->payload_bytes + STRIDE_EXTRA_BYTES;
    field->cipher_bytes = (field->payload_bytes + 2 + 7) / 8 * 8;
    field->clear = allocate(field->count, clear_bytes(field));
    field->ours = allocate(field->count, field->stride_bytes);
    field->theirs = allocate(field->count, field->stride_bytes);
    field->theirs_clear = allocate(field->count, sealed_bytes(field));
    field->theirs_sealed = allocate(field->count, sealed_bytes(field));
    field->packets = allocate(field->count, sizeof *field->packets);
    field->peer_packets = allocate(field->count, sizeof *field->peer_packets);
    for (size_t i = 0; i < field->count; i++)
        write_clear(field->clear + i * clear_bytes(field), field->payload_bytes);
}

static void destroy_field(struct field *field)
{
    free(field->clear);
    free(field->ours);
    free(field->theirs);
    free(field->theirs_clear);
    free(field->theirs_sealed);
    free(field->packets);
    free(field->peer_packets);
}

static void reset_ours(struct field *field)
{
    for (size_t i = 0; i < field->count; i++) {
        field->packets[i] = (struct sp_packet){.buffer = field->ours + i * field->stride_bytes,
                                               .capacity_bytes = (uint32_t)field->stride_bytes,
                                               .head_bytes = SP_PACKET_HEADROOM_BYTES,
                                               .len_bytes = (uint32_t)clear_bytes(field),
                                               .sa = (uint32_t)(i % field->sas)};
        memcpy(field->packets[i].buffer + SP_PACKET_HEADROOM_BYTES, field->clear + i * clear_bytes(field),
               clear_bytes(field));
    }
}

static void reset_theirs(struct field *field, const uint8_t *from)
{
    for (size_t i = 0; i < field->count; i++) {
        uint8_t *esp = field->theirs + i * field->stride_bytes;
        field->peer_packets[i] =
            (struct peer_packet){.esp = esp, .cipher_bytes = field->cipher_bytes, .sa = i % field->sas};
        memcpy(esp, from + i * sealed_bytes(field), sealed_bytes(field));
    }
}

static uint64_t time_ours(struct world *world, struct field *field, enum work work)
{
    for (size_t i = 0; i < field->count; i++)
        field->packets[i].verdict = SP_VERDICT_NONE;
    uint64_t before_ns = bench_cpu_ns();
    for (size_t i = 0; i < field->count; i += field->burst) {
        if (work == WORK_SEAL)
            sp_esp_seal(world->esp, field->packets + i, field->burst);
        else
            sp_esp_open(world->esp, field->packets + i, field->burst);
    }
    uint64_t taken_ns = bench_cpu_ns() - before_ns;
    enum sp_verdict expected = work == WORK_SEAL ? SP_VERDICT_SEALED : SP_VERDICT_OPENED;
    for (size_t i = 0; i < field->count; i++)
        require(field->packets[i].verdict == expected, "a packet of ours was dropped");
    return taken_ns;
}

static uint64_t time_theirs(struct world *world, struct field *field, enum work work)
{
    bool is_right = true;
    uint64_t before_ns = bench_cpu_ns();

    for (size_t i = 0; i < field->count; i += field->burst) {
        if (work == WORK_SEAL)
            peer_seal(world->peer, field->peer_packets + i, field->burst);
        else
            is_right = is_right && peer_open(world->peer, field->peer_packets + i, field->burst);
    }
    uint64_t taken_ns = bench_cpu_ns() - before_ns;
    require(is_right, "a packet of the peer's has a wrong ICV");
    return taken_ns;
}

/* What the peer starts from: header and IV of what we sealed, padding and trailer of RFC 4303 2.4. */
static void lay_out_theirs(struct field *field)
{
    size_t pad_bytes = field->cipher_bytes - field->payload_bytes - 2;

    for (size_t i = 0; i < field->count; i++) {
        const struct sp_packet *packet = &field->packets[i];
        const uint8_t *esp = packet->buffer + packet->head_bytes + IP_HEADER_BYTES;
        uint8_t *clear = field->theirs_clear + i * sealed_bytes(field);
        uint8_t *trailer = clear + ESP_FRONT_BYTES + field->payload_bytes;

        require(packet->len_bytes == IP_HEADER_BYTES + sealed_bytes(field), "a sealed length is wrong");
        memcpy(field->theirs_sealed + i * sealed_bytes(field), esp, sealed_bytes(field));
        memcpy(clear, esp, ESP_FRONT_BYTES);
        memcpy(clear + ESP_FRONT_BYTES, field->clear + i * clear_bytes(field) + IP_HEADER_BYTES,
               field->payload_bytes);
        for (size_t pad = 1; pad <= pad_bytes; pad++)
            *trailer++ = (uint8_t)pad;
        trailer[0] = (uint8_t)pad_bytes;
        trailer[1] = TCP;
    }
}

static void compare_sealed(const struct field *field)
{
    for (size_t i = 0; i < field->count; i++) {
        const uint8_t *ours = field->theirs_sealed + i * sealed_bytes(field);
        require(memcmp(field->peer_packets[i].esp, ours, sealed_bytes(field)) == 0,
                "what we sealed is not what libcrypto seals");
    }
}

static void compare_opened(const struct field *field)
{
    for (size_t i = 0; i < field->count; i++) {
        const struct sp_packet *packet = &field->packets[i];
        const uint8_t *clear = field->clear + i * clear_bytes(field);
        const uint8_t *theirs = field->peer_packets[i].esp + ESP_FRONT_BYTES;

        require(packet->len_bytes == clear_bytes(field) &&
                    memcmp(packet->buffer + packet->head_bytes, clear, clear_bytes(field)) == 0,
                "what we opened is not what was sealed");
        require(memcmp(theirs, clear + IP_HEADER_BYTES, field->payload_bytes) == 0,
                "what libcrypto opened is not what was sealed");
    }
}

/* The peer must seal to the same bytes as we did; then each side opens, and must find the clear packet. */
static void compare(struct world *world, struct field *field)
{
    reset_ours(field);
    (void)time_ours(world, field, WORK_SEAL);
    lay_out_theirs(field);
    reset_theirs(field, field->theirs_clear);
    (void)time_theirs(world, field, WORK_SEAL);
    compare_sealed(field);
    (void)time_theirs(world, field, WORK_OPEN);
    (void)time_ours(world, field, WORK_OPEN);
    compare_opened(field);
}

/* taken_ns[work][side]; who begins changes from repeat to repeat. */
static void repeat_once(struct world *world, struct field *field, size_t repeat,
                        uint64_t taken_ns[WORKS][SIDES])
{
    for (size_t turn = 0; turn < SIDES; turn++) {
        if ((turn + repeat) % SIDES == SIDE_OURS) {
            reset_ours(field);
            taken_ns[WORK_SEAL][SIDE_OURS] = time_ours(world, field, WORK_SEAL);
            taken_ns[WORK_OPEN][SIDE_OURS] = time_ours(world, field, WORK_OPEN);
        } else {
            reset_theirs(field, field->theirs_clear);
            taken_ns[WORK_SEAL][SIDE_PEER] = time_theirs(world, field, WORK_SEAL);
            reset_theirs(field, field->theirs_sealed);
            taken_ns[WORK_OPEN][SIDE_PEER] = time_theirs(world, field, WORK_OPEN);
        }
    }
}

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

    create_field(field, options->bytes_per_repeat);
    compare(world, field);
    double payload_bytes = (double)(field->count * field->payload_bytes);
    for (size_t repeat = 0; repeat < options->repeats; repeat++) {
        uint64_t taken_ns[WORKS][SIDES] = {{0}};
        repeat_once(world, field, repeat, taken_ns);
        for (size_t work = 0; work < WORKS; work++) {
            for (size_t side = 0; side < SIDES; side++)
                rates[work][side][repeat] = payload_bytes * 1000 / (double)taken_ns[work][side];
            ratios[work][repeat] = rates[work][SIDE_OURS][repeat] / rates[work][SIDE_PEER][repeat];
        }
    }
    for (size_t work = 0; work < WORKS; work++)
        result.ratio[work] =
            report(field, (enum work)work, rates[work], ratios[work], options->repeats, cells);
    destroy_field(field);
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
    require(sodium_init() >= 0, "libsodium does not start");
    create_world(&world, MANY_SAS);
    struct cells *cells = cells_create();
    measure_all(&world, &options, cells);
    if (options.json_path != NULL)
        is_written = cells_write_json(cells, options.json_path);
    cells_destroy(cells);
    destroy_world(&world);
    return is_written ? 0 : 1;
}
