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

void world_create(struct world *world, size_t sas)
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
    world->peer = peer_create(world->keys, sas);
}

void world_destroy(struct world *world)
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

void field_create(struct field *field, size_t bytes_per_repeat)
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

void field_destroy(struct field *field)
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
        bench_require(field->packets[i].verdict == expected, "a packet of ours was dropped");
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
    bench_require(is_right, "a packet of the peer's has a wrong ICV");
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

        bench_require(packet->len_bytes == IP_HEADER_BYTES + sealed_bytes(field), "a sealed length is wrong");
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
        bench_require(memcmp(field->peer_packets[i].esp, ours, sealed_bytes(field)) == 0,
                      "what we sealed is not what libcrypto seals");
    }
}

static void compare_opened(const struct field *field)
{
    for (size_t i = 0; i < field->count; i++) {
        const struct sp_packet *packet = &field->packets[i];
        const uint8_t *clear = field->clear + i * clear_bytes(field);
        const uint8_t *theirs = field->peer_packets[i].esp + ESP_FRONT_BYTES;

        bench_require(packet->len_bytes == clear_bytes(field) &&
                          memcmp(packet->buffer + packet->head_bytes, clear, clear_bytes(field)) == 0,
                      "what we opened is not what was sealed");
        bench_require(memcmp(theirs, clear + IP_HEADER_BYTES, field->payload_bytes) == 0,
                      "what libcrypto opened is not what was sealed");
    }
}

/* The peer must seal to the same bytes as we did; then each side opens, and must find the clear packet. */
void field_compare(struct world *world, struct field *field)
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

void field_time(struct world *world, struct field *field, enum side side, uint64_t ret_taken_ns[WORKS])
{
    if (side == SIDE_OURS) {
        reset_ours(field);
        ret_taken_ns[WORK_SEAL] = time_ours(world, field, WORK_SEAL);
        ret_taken_ns[WORK_OPEN] = time_ours(world, field, WORK_OPEN);
        return;
    }
    reset_theirs(field, field->theirs_clear);
    ret_taken_ns[WORK_SEAL] = time_theirs(world, field, WORK_SEAL);
    reset_theirs(field, field->theirs_sealed);
    ret_taken_ns[WORK_OPEN] = time_theirs(world, field, WORK_OPEN);
}
