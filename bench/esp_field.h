/* SPDX-License-Identifier: ISC
 *
 * What bench/esp runs on: SAs with the peers' contexts for them, and packets for all sides.
 */
#ifndef SP_BENCH_ESP_FIELD_H
#define SP_BENCH_ESP_FIELD_H

#include "esp_peer.h"

#include <sallyport/esp.h>

enum work { WORK_SEAL, WORK_OPEN, WORKS };

/* Side 0 is ours, side 1 + n is peers[n]. */
#define SIDE_OURS 0
#define SIDES_MAX (1 + PEERS_MAX)

/* Packets of an internet mix, as payloads: seven of 64 bytes, four of 576, one of 1,424. */
#define PAYLOAD_MIX 0

/* SAs 0 .. sas-1 and each peer's contexts for them, made once. */
struct world {
    struct keys *keys;
    struct sp_sad *sad;
    struct sp_esp *esp;
    bool has_peers;
    void *peer_states[PEERS_MAX];
};

/* The packets of one cell. Everything has slots of stride_bytes, whatever the packet's length. */
struct field {
    size_t payload_bytes;        /* of each packet, or PAYLOAD_MIX */
    size_t burst, sas, sa_first; /* sas of them, from sa_first on */
    size_t count, stride_bytes, total_payload_bytes;
    uint8_t *clear;        /* IP packets */
    uint8_t *memory;       /* where the side whose turn it is works; the others' caches fare alike */
    uint8_t *theirs_clear; /* from the ESP header on, padded */
    uint8_t *sealed;       /* by us, and so by every peer of the same suite */
    uint8_t *sealed_other; /* by the peer of the other suite */
    struct sp_packet *packets;
    struct peer_packet *peer_packets;
};

/* The peers only where asked for. */
void world_create(struct world *world, size_t sas, bool has_peers);
void world_destroy(struct world *world);

/* payload_bytes, burst, sas and sa_first are set; makes at least bytes_per_repeat of payload and a packet for
 * each SA.
 */
void field_create(struct field *field, size_t bytes_per_repeat);
void field_destroy(struct field *field);
/* All sides must seal to the same bytes (but those of another suite), and open to what was sealed: ends the
 * bench otherwise. */
void field_compare(struct world *world, struct field *field);
/* Seals and opens every packet by one side until either took a few milliseconds, and tells how fast it was.
 */
void field_time(struct world *world, struct field *field, size_t side, double ret_mb_s[WORKS]);

/* For threads, each with a field of its own: packets in clear, and the time that sealing or opening takes. */
void field_reset_ours(struct field *field);
uint64_t field_time_ours(struct sp_esp *esp, struct field *field, enum work work);

/* Ends the bench with a sentence when the condition does not hold. */
void bench_require(bool condition, const char *what);

#endif
