/* SPDX-License-Identifier: ISC
 *
 * Which packets were dropped, the last ones: a counter says that a peer's packets are refused, this says
 * which.
 *
 * Each worker has a ring that the control thread drains. What doesn't fit is not told, it is counted all the
 * same; and each reason has only so much of the ring between two drains, so that a flood of one kind neither
 * hides the others nor costs more than a look at two numbers a packet.
 */
#include "engine/engine.h"

#include "core/clock.h"
#include "wire/udp.h"

#include <string.h>

#define CLEAR_ESP_BYTES 8u
#define FLOW_LABEL_MASK 0xfffffu /* RFC 8200 3: the last 20 bits of the first word */

static bool is_full(struct sp_drop_ring *ring, uint32_t head, enum sp_drop reason)
{
    const uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    if (tail != ring->seen_tail) { /* it was drained */
        ring->seen_tail = tail;
        memset(ring->noted, 0, sizeof ring->noted);
    }
    return ring->noted[reason] == SP_DROPS_A_REASON || head - tail == SP_DROP_RING;
}

static void set_addresses(struct sp_dropped *dropped, const struct sp_headers *headers)
{
    dropped->source = headers->source;
    dropped->destination = headers->destination;
    dropped->protocol = headers->protocol;
    dropped->has_ports = headers->has_ports;
    dropped->source_port = headers->source_port;
    dropped->destination_port = headers->destination_port;
}

/* What of ESP is never encrypted (RFC 4303 2): SPI and sequence number. A packet of an SA whose SPI isn't
 * there was opened already, or isn't sealed yet: those bytes are its contents. */
static void set_esp(struct sp_dropped *dropped, const struct sp_packet *packet, const struct sp_sa *sa,
                    uint32_t esp_offset)
{
    if (packet->len_bytes < esp_offset || packet->len_bytes - esp_offset < CLEAR_ESP_BYTES)
        return;
    const uint8_t *esp = sp_packet_start(packet) + esp_offset;
    if (sa && sp_read_u32(esp) != sa->spi)
        return;
    dropped->spi = sp_read_u32(esp);
    dropped->sequence = sp_read_u32(esp + 4);
    dropped->has_spi = dropped->has_sequence = true;
}

/* Where ESP begins in a packet that was read, or that would have it there; 0: it has none. Of its fragments
 * only the first begins with it. */
static uint32_t esp_offset_of(const struct sp_headers *headers, const struct sp_sa *sa,
                              enum sp_direction direction)
{
    if (headers->is_fragment && !headers->is_first_fragment)
        return 0;
    if (headers->protocol == SP_PROTOCOL_ESP)
        return headers->esp_offset;
    if (headers->protocol == SP_PROTOCOL_UDP && sa && direction == SP_INBOUND && sp_encap_is_on(&sa->encap))
        return headers->upper_offset + SP_UDP_HEADER_BYTES;
    return 0;
}

/* What the packet itself says. A packet that was opened and then refused has been wiped: what was read of it
 * before (read_before) is still known. */
static void describe(struct sp_dropped *dropped, const struct sp_packet *packet, const struct sp_sa *sa,
                     const struct sp_headers *read_before)
{
    struct sp_headers headers;
    uint32_t total_bytes;
    const bool is_readable = sp_headers_read(sp_packet_start(packet), packet->len_bytes, false, &headers,
                                             &total_bytes) == SP_DROP_NONE;
    if (is_readable)
        set_addresses(dropped, &headers);
    else if (sa && read_before)
        set_addresses(dropped, read_before);
    if (is_readable && headers.source.family == 6)
        dropped->flow_label = sp_read_u32(sp_packet_start(packet)) & FLOW_LABEL_MASK;
    const uint32_t esp_offset = is_readable ? esp_offset_of(&headers, sa, dropped->direction) : 0;
    if (esp_offset > 0)
        set_esp(dropped, packet, sa, esp_offset);
    if (sa) {
        dropped->spi = sa->spi;
        dropped->has_spi = true;
    }
}

void sp_drop_note(struct sp_worker *worker, const struct sp_snapshot *snapshot, enum sp_direction direction,
                  const struct sp_packet *packet, const struct sp_headers *read_before)
{
    struct sp_drop_ring *ring = &worker->drops;
    const uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (is_full(ring, head, packet->reason))
        return;
    struct sp_dropped *dropped = &ring->dropped[head & (SP_DROP_RING - 1)];
    *dropped = (struct sp_dropped){.at_ns = sp_clock_now_ns(),
                                   .direction = direction,
                                   .reason = packet->reason,
                                   .generation = snapshot ? snapshot->generation : 0,
                                   .rule = packet->rule,
                                   .sa = packet->sa};
    describe(dropped, packet, sp_sad_by_number(worker->engine->sad, packet->sa), read_before);
    ring->noted[packet->reason]++;
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
}

static size_t drain(struct sp_drop_ring *ring, struct sp_dropped *dropped, size_t max)
{
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    const uint32_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    size_t taken = 0;
    while (tail != head && taken < max)
        dropped[taken++] = ring->dropped[tail++ & (SP_DROP_RING - 1)];
    atomic_store_explicit(&ring->tail, tail, memory_order_release);
    return taken;
}

size_t sp_engine_dropped(struct sp_engine *engine, struct sp_dropped *dropped, size_t max)
{
    size_t taken = 0;
    pthread_mutex_lock(&engine->lock);
    for (uint32_t slot = 0; slot < SP_WORKERS_MAX; slot++)
        if (engine->workers[slot])
            taken += drain(&engine->workers[slot]->drops, dropped + taken, max - taken);
    pthread_mutex_unlock(&engine->lock);
    return taken;
}
