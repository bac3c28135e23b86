/* SPDX-License-Identifier: ISC
 *
 * What bench/esp runs on: SAs with the peer's contexts for them, and packets for both sides.
 */
#ifndef SP_BENCH_ESP_FIELD_H
#define SP_BENCH_ESP_FIELD_H

#include "esp_peer.h"

#include <sallyport/esp.h>

enum work { WORK_SEAL, WORK_OPEN, WORKS };
enum side { SIDE_OURS, SIDE_PEER, SIDES };

/* SAs 0 .. sas-1 and the peer's contexts for them, made once. */
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

void world_create(struct world *world, size_t sas);
void world_destroy(struct world *world);

/* payload_bytes, burst and sas are set; makes at least bytes_per_repeat of payload. */
void field_create(struct field *field, size_t bytes_per_repeat);
void field_destroy(struct field *field);
/* Both sides must seal to the same bytes, and open to what was sealed: ends the bench otherwise. */
void field_compare(struct world *world, struct field *field);
/* Seals and opens every packet by one side, and tells how long each took. */
void field_time(struct world *world, struct field *field, enum side side, uint64_t ret_taken_ns[WORKS]);

/* Ends the bench with a sentence when the condition does not hold. */
void bench_require(bool condition, const char *what);

#endif
