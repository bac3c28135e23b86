/* SPDX-License-Identifier: ISC
 *
 * The scratch that one thread seals and opens in, and what both share.
 */
#ifndef SP_ESP_CONTEXT_H
#define SP_ESP_CONTEXT_H

#include "core/misuse.h"
#include "crypto/gcm.h"
#include "crypto/suite.h"
#include "esp/iv.h"
#include "sa/sad.h"
#include "wire/headers.h"

#include <sallyport/esp.h>

#include <string.h>

#define SP_ESP_HEADER_BYTES 8  /* SPI and sequence number (RFC 4303 2.1, 2.2) */
#define SP_ESP_TRAILER_BYTES 2 /* pad length and next header (RFC 4303 2.5, 2.6) */
#define SP_ESP_ALIGN_BYTES 4   /* of the trailer's end, whatever the cipher (RFC 4303 2.4) */
#define SP_ICV_BYTES_MIN 12
#define SP_ICV_BYTES_MAX 16
/* Longer bursts go through in pieces: enough to fill any lanes, small enough to stay in the cache. */
#define SP_ESP_CHUNK 256
/* How many packets before its turn a packet is fetched: a fetch from memory takes as long as a few. */
#define SP_ESP_AHEAD 6

/* A packet under way, and where its parts are (from its ESP header on: header, IV, what the cipher covers,
 * ICV). */
struct sp_esp_item {
    struct sp_packet *packet;
    struct sp_sa *sa;
    uint8_t *esp;                /* the ESP header */
    uint32_t esp_offset;         /* from the (outer) IP header: of ESP, or of the UDP header in front of it */
    uint32_t udp_bytes;          /* of that header, 0: there is none */
    uint32_t next_header_offset; /* transport mode */
    uint32_t cipher_bytes;       /* payload, padding and trailer */
    uint32_t payload_bytes;      /* sealing: without padding and trailer */
    uint64_t sequence;           /* with or without ESN */
    uint8_t next_header;
    bool is_plain; /* plain.h */
};

struct sp_esp {
    struct sp_sad *sad;
    struct sp_iv_pool *ivs;
    struct sp_gcm *gcm;
    struct sp_esp_item items[SP_ESP_CHUNK];
    struct sp_cbc_job cbc_jobs[SP_ESP_CHUNK];
    struct sp_hmac_job hmac_jobs[SP_ESP_CHUNK];
    uint8_t icvs[SP_ESP_CHUNK][SP_ICV_BYTES_MAX];
};

/* What the trailer must end on a multiple of. */
static inline uint32_t sp_esp_align_bytes(const struct sp_cipher *cipher)
{
    return cipher->block_bytes > SP_ESP_ALIGN_BYTES ? (uint32_t)cipher->block_bytes : SP_ESP_ALIGN_BYTES;
}

/* Bytes of UDP in front of the SA's ESP. */
static inline uint32_t sp_esp_udp_bytes(const struct sp_sa *sa)
{
    return sp_encap_is_on(&sa->encap) ? SP_ENCAP_OVERHEAD_BYTES : 0;
}

static inline uint8_t *sp_esp_cipher_start(const struct sp_esp_item *item)
{
    return item->esp + SP_ESP_HEADER_BYTES + item->sa->cipher->iv_bytes;
}

/* Packets of one SA in a row, at least one. Workers may share an SA, so what is counted on it is counted once
 * for each run. */
static inline size_t sp_esp_run_length(const struct sp_esp_item *items, size_t count)
{
    size_t run = 1;
    while (run < count && items[run].sa == items[0].sa)
        run++;
    return run;
}

static inline uint64_t sp_esp_run_bytes(const struct sp_esp_item *items, size_t count)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += items[i].cipher_bytes;
    return bytes;
}

/* The packet may have a verdict already and be no packet at all: nothing of it is followed. */
static inline void sp_esp_prefetch(const struct sp_packet *packet)
{
    __builtin_prefetch((const void *)((uintptr_t)packet->buffer + packet->head_bytes), 1);
}

/* Moves an IP header; the usual ones without a call. */
static inline void sp_esp_move_header(uint8_t *to, const uint8_t *from, uint32_t len_bytes)
{
    uint8_t header[40];

    switch (len_bytes) {
    case 20: /* IPv4 without options */
        memcpy(header, from, 20);
        memcpy(to, header, 20);
        return;
    case 40: /* IPv6 without extension headers */
        memcpy(header, from, 40);
        memcpy(to, header, 40);
        return;
    default:
        memmove(to, from, len_bytes);
    }
}

static inline void sp_esp_drop(struct sp_packet *packet, enum sp_drop reason)
{
    packet->verdict = SP_VERDICT_DROP;
    packet->reason = reason;
}

/* May this stand behind ESP in transport mode? A whole IP packet is tunnel mode, and hop-by-hop options,
 * routing and fragment headers come before ESP (RFC 4303 3.1.1). */
static inline bool sp_esp_is_transport_payload(uint8_t next_header)
{
    const uint64_t others = (uint64_t)1 << 0 | /* hop-by-hop options */
                            (uint64_t)1 << SP_PROTOCOL_IPV4 | (uint64_t)1 << SP_PROTOCOL_IPV6 |
                            (uint64_t)1 << 43 | (uint64_t)1 << 44; /* routing, fragment */
    return next_header >= 64 || (others >> next_header & 1) == 0;
}

/* A caller whose packet reaches out of its buffer has a bug that no drop reason would cure. */
static inline void sp_esp_require_bounds(const struct sp_packet *packet)
{
    SP_REQUIRE(packet->buffer != NULL && packet->head_bytes <= packet->capacity_bytes &&
               packet->len_bytes <= packet->capacity_bytes - packet->head_bytes);
}

/* Padding as it starts, as far as a block cipher of 8 bytes has any (RFC 4303 2.4); trailer and ICV behind it
 * are longer than what is left of the eight, so that all eight may be written or read. */
static inline uint64_t sp_esp_padding(void)
{
    static const uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint64_t padding;
    memcpy(&padding, bytes, sizeof padding);
    return padding;
}
#define SP_ESP_PADDING_BYTES 8u
_Static_assert(SP_ESP_TRAILER_BYTES + SP_ICV_BYTES_MIN >= SP_ESP_PADDING_BYTES, "room for eight bytes");

/* Runs the cipher (seal or open) over all items, one call for each algorithm in use. */
void sp_esp_run_cipher(struct sp_esp *esp, const struct sp_esp_item *items, size_t count,
                       enum sp_direction direction);
/* Computes the ICV of each item: outbound behind the packet's ciphertext, inbound in esp->icvs by index.
 * Combined modes do all of their work here: in both directions it is what comes last before the ICV. */
void sp_esp_run_integrity(struct sp_esp *esp, const struct sp_esp_item *items, size_t count,
                          enum sp_direction direction);

/* One piece of a burst, at most SP_ESP_CHUNK packets. */
void sp_esp_seal_chunk(struct sp_esp *esp, struct sp_packet *packets, size_t count, uint64_t now_ns);
void sp_esp_open_chunk(struct sp_esp *esp, struct sp_packet *packets, size_t count, uint64_t now_ns);

#endif
