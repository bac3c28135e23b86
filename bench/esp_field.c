/* SPDX-License-Identifier: ISC
 *
 * Packets that are sealed and opened over and over. Only sealing and opening are within the measured time;
 * filling the memory anew before is not.
 */
#include "esp_field.h"

#include "cells.h"

#include <sodium.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IP_HEADER_BYTES 20
#define STRIDE_EXTRA_BYTES (SP_PACKET_HEADROOM_BYTES + IP_HEADER_BYTES + SP_PACKET_TAILROOM_BYTES)
#define SPI_FIRST 0x1000
#define TCP 6
#define TURN_NS_MIN 4000000 /* shorter ones would measure interrupts and the clock */
#define PASSES_MAX 16

void bench_require(bool condition, const char *what)
{
    if (condition)
        return;
    (void)fprintf(stderr, "bench/esp: %s\n", what);
    exit(1);
}

static void *allocate(size_t count, size_t size_bytes)
{
    void *memory = calloc(count, size_bytes);

    bench_require(memory != NULL, "out of memory");
    return memory;
}

void world_create(struct world *world, size_t sas, bool has_peers)
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

    bench_require(sp_lifetime_preset("nist-r1", &params.lifetime) == SP_OK, "no preset nist-r1");
    bench_require(sp_sad_create((uint32_t)sas, &world->sad) == SP_OK, "no SAD");
    world->keys = allocate(sas, sizeof *world->keys);
    for (size_t i = 0; i < sas; i++) {
        uint32_t number;
        randombytes_buf(&world->keys[i], sizeof world->keys[i]);
        params.spi = SPI_FIRST + (uint32_t)i;
        params.encryption_key = world->keys[i].encryption;
        params.integrity_key = world->keys[i].integrity;
        bench_require(sp_sad_add(world->sad, &params, &number, reason) == SP_OK && number == i,
                      "an SA is refused");
    }
    bench_require(sp_esp_create(world->sad, &world->esp) == SP_OK, "no ESP context");
    world->has_peers = has_peers;
    for (size_t i = 0; i < peer_count && has_peers; i++)
        world->peer_states[i] = peers[i]->create(world->keys, sas);
}

void world_destroy(struct world *world)
{
    for (size_t i = 0; i < peer_count && world->has_peers; i++)
        peers[i]->destroy(world->peer_states[i]);
    sp_esp_destroy(&world->esp);
    sp_sad_destroy(&world->sad);
    free(world->keys);
}

static size_t payload_of(const struct field *field, size_t index)
{
    static const uint16_t mix[] = {64, 576, 64, 64, 576, 64, 1424, 64, 576, 64, 576, 64};

    return field->payload_bytes != PAYLOAD_MIX ? field->payload_bytes
                                               : mix[index % (sizeof mix / sizeof mix[0])];
}

static size_t clear_bytes(const struct field *field, size_t index)
{
    return IP_HEADER_BYTES + payload_of(field, index);
}

static size_t cipher_bytes(const struct field *field, size_t index)
{
    return (payload_of(field, index) + 2 + 7) / 8 * 8;
}

static size_t sealed_bytes(const struct field *field, size_t index)
{
    return ESP_FRONT_BYTES + cipher_bytes(field, index) + ICV_BYTES;
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

static size_t largest_payload(const struct field *field)
{
    return field->payload_bytes != PAYLOAD_MIX ? field->payload_bytes : 1424;
}

void field_create(struct field *field, size_t bytes_per_repeat)
{
    size_t count = 0, total_bytes = 0;

    while (total_bytes < bytes_per_repeat || count < field->sas || count % field->burst != 0)
        total_bytes += payload_of(field, count++);
    field->count = count;
    field->total_payload_bytes = total_bytes;
    field->stride_bytes = largest_payload(field) + STRIDE_EXTRA_BYTES;
    field->clear = allocate(count, field->stride_bytes);
    field->memory = allocate(count, field->stride_bytes);
    field->theirs_clear = allocate(count, field->stride_bytes);
    field->sealed = allocate(count, field->stride_bytes);
    field->sealed_other = allocate(count, field->stride_bytes);
    field->packets = allocate(count, sizeof *field->packets);
    field->peer_packets = allocate(count, sizeof *field->peer_packets);
    for (size_t i = 0; i < count; i++)
        write_clear(field->clear + i * field->stride_bytes, payload_of(field, i));
}

void field_destroy(struct field *field)
{
    free(field->clear);
    free(field->memory);
    free(field->theirs_clear);
    free(field->sealed);
    free(field->sealed_other);
    free(field->packets);
    free(field->peer_packets);
}

void field_reset_ours(struct field *field)
{
    for (size_t i = 0; i < field->count; i++) {
        size_t at = i * field->stride_bytes;
        field->packets[i] = (struct sp_packet){.buffer = field->memory + at,
                                               .capacity_bytes = (uint32_t)field->stride_bytes,
                                               .head_bytes = SP_PACKET_HEADROOM_BYTES,
                                               .len_bytes = (uint32_t)clear_bytes(field, i),
                                               .sa = (uint32_t)(field->sa_first + i % field->sas)};
        memcpy(field->memory + at + SP_PACKET_HEADROOM_BYTES, field->clear + at, clear_bytes(field, i));
    }
}

static void reset_theirs(struct field *field, const uint8_t *from)
{
    for (size_t i = 0; i < field->count; i++) {
        size_t at = i * field->stride_bytes;
        field->peer_packets[i] = (struct peer_packet){.esp = field->memory + at,
                                                      .cipher_bytes = cipher_bytes(field, i),
                                                      .sa = field->sa_first + i % field->sas};
        memcpy(field->memory + at, from + at, sealed_bytes(field, i) - ICV_BYTES + ICV_BYTES_MAX);
    }
}

uint64_t field_time_ours(struct sp_esp *esp, struct field *field, enum work work)
{
    for (size_t i = 0; i < field->count; i++)
        field->packets[i].verdict = SP_VERDICT_NONE;
    uint64_t before_ns = bench_cpu_ns();

    for (size_t i = 0; i < field->count; i += field->burst) {
        if (work == WORK_SEAL)
            sp_esp_seal(esp, field->packets + i, field->burst);
        else
            sp_esp_open(esp, field->packets + i, field->burst);
    }
    uint64_t taken_ns = bench_cpu_ns() - before_ns;
    enum sp_verdict expected = work == WORK_SEAL ? SP_VERDICT_SEALED : SP_VERDICT_OPENED;
    for (size_t i = 0; i < field->count; i++)
        bench_require(field->packets[i].verdict == expected, "a packet of ours was dropped");
    return taken_ns;
}

static uint64_t time_theirs(struct world *world, struct field *field, size_t number, enum work work)
{
    const struct peer *peer = peers[number];
    void *state = world->peer_states[number];
    bool is_right = true;
    uint64_t before_ns = bench_cpu_ns();

    for (size_t i = 0; i < field->count; i += field->burst) {
        if (work == WORK_SEAL)
            peer->seal(state, field->peer_packets + i, field->burst);
        else
            is_right = is_right && peer->open(state, field->peer_packets + i, field->burst);
    }
    uint64_t taken_ns = bench_cpu_ns() - before_ns;
    bench_require(is_right, "a packet of a peer's has a wrong ICV");
    return taken_ns;
}

/* What the peers start from: header and IV of what we sealed, padding and trailer of RFC 4303 2.4. */
static void lay_out_theirs(struct field *field)
{
    for (size_t i = 0; i < field->count; i++) {
        const struct sp_packet *packet = &field->packets[i];
        const uint8_t *esp = packet->buffer + packet->head_bytes + IP_HEADER_BYTES;
        size_t at = i * field->stride_bytes, payload_bytes = payload_of(field, i);
        size_t pad_bytes = cipher_bytes(field, i) - payload_bytes - 2;
        uint8_t *clear = field->theirs_clear + at, *trailer = clear + ESP_FRONT_BYTES + payload_bytes;

        bench_require(packet->len_bytes == IP_HEADER_BYTES + sealed_bytes(field, i),
                      "a sealed length is wrong");
        memcpy(field->sealed + at, esp, sealed_bytes(field, i));
        memcpy(clear, esp, ESP_FRONT_BYTES);
        memcpy(clear + ESP_FRONT_BYTES, field->clear + at + IP_HEADER_BYTES, payload_bytes);
        for (size_t pad = 1; pad <= pad_bytes; pad++)
            *trailer++ = (uint8_t)pad;
        trailer[0] = (uint8_t)pad_bytes;
        trailer[1] = TCP;
    }
}

static void compare_ours(const struct field *field)
{
    for (size_t i = 0; i < field->count; i++) {
        const struct sp_packet *packet = &field->packets[i];
        const uint8_t *clear = field->clear + i * field->stride_bytes;

        bench_require(packet->len_bytes == clear_bytes(field, i) &&
                          memcmp(packet->buffer + packet->head_bytes, clear, packet->len_bytes) == 0,
                      "what we opened is not what was sealed");
    }
}

static void compare_peer(struct world *world, struct field *field, size_t number)
{
    bool is_other = peers[number]->is_other_suite;

    reset_theirs(field, field->theirs_clear);
    (void)time_theirs(world, field, number, WORK_SEAL);
    if (is_other)
        memcpy(field->sealed_other, field->memory, field->count * field->stride_bytes);
    for (size_t i = 0; i < field->count && !is_other; i++)
        bench_require(memcmp(field->peer_packets[i].esp, field->sealed + i * field->stride_bytes,
                             sealed_bytes(field, i)) == 0,
                      "what we sealed is not what a peer seals");
    (void)time_theirs(world, field, number, WORK_OPEN);
    for (size_t i = 0; i < field->count; i++)
        bench_require(memcmp(field->peer_packets[i].esp + ESP_FRONT_BYTES,
                             field->clear + i * field->stride_bytes + IP_HEADER_BYTES,
                             payload_of(field, i)) == 0,
                      "what a peer opened is not what was sealed");
}

void field_compare(struct world *world, struct field *field)
{
    field_reset_ours(field);
    (void)field_time_ours(world->esp, field, WORK_SEAL);
    lay_out_theirs(field);
    (void)field_time_ours(world->esp, field, WORK_OPEN);
    compare_ours(field);
    for (size_t i = 0; i < peer_count; i++)
        compare_peer(world, field, i);
}

static void pass(struct world *world, struct field *field, size_t side, uint64_t taken_ns[WORKS])
{
    if (side == SIDE_OURS) {
        field_reset_ours(field);
        taken_ns[WORK_SEAL] += field_time_ours(world->esp, field, WORK_SEAL);
        taken_ns[WORK_OPEN] += field_time_ours(world->esp, field, WORK_OPEN);
        return;
    }
    size_t number = side - 1;
    reset_theirs(field, field->theirs_clear);
    taken_ns[WORK_SEAL] += time_theirs(world, field, number, WORK_SEAL);
    reset_theirs(field, peers[number]->is_other_suite ? field->sealed_other : field->sealed);
    taken_ns[WORK_OPEN] += time_theirs(world, field, number, WORK_OPEN);
}

void field_time(struct world *world, struct field *field, size_t side, double ret_mb_s[WORKS])
{
    uint64_t taken_ns[WORKS] = {0};
    size_t passes = 0;

    do {
        pass(world, field, side, taken_ns);
        passes++;
    } while (passes < PASSES_MAX && taken_ns[WORK_SEAL] < TURN_NS_MIN && taken_ns[WORK_OPEN] < TURN_NS_MIN);
    for (size_t work = 0; work < WORKS; work++)
        ret_mb_s[work] = (double)(passes * field->total_payload_bytes) * 1000 / (double)taken_ns[work];
}
