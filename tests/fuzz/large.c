/* SPDX-License-Identifier: ISC
 *
 * Cutting and joining. An odd first byte: what a device says beside a packet, and the packet, which is cut;
 * its segments hold its payload, byte for byte. An even one: packets behind their lengths, which are joined;
 * no packet is lost, and cutting what was joined gives the same packets again.
 */
#include "fuzz.h"

#include "wire/checksum.h"
#include "wire/headers.h"

#include <sallyport/large.h>

#include <string.h>

#define BATCH 64
#define ROOM_BYTES (SP_PACKET_HEADROOM_BYTES + SP_PACKET_TAILROOM_BYTES)

static uint16_t number_at(const uint8_t *data)
{
    return (uint16_t)(data[0] << 8 | data[1]);
}

static uint8_t *start_of(const struct sp_packet *packet)
{
    return packet->buffer + packet->head_bytes;
}

static void make_packets(struct sp_packet *packets, size_t count, uint32_t len_bytes)
{
    for (size_t i = 0; i < count; i++) {
        packets[i] = (struct sp_packet){.buffer = malloc(ROOM_BYTES + len_bytes),
                                        .capacity_bytes = (uint32_t)(ROOM_BYTES + len_bytes)};
        FUZZ_HOLDS(packets[i].buffer != NULL);
    }
}

static void free_packets(struct sp_packet *packets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(packets[i].buffer);
}

/* A segment that the wire would take; returns how much payload it has. */
static uint32_t read_segment(const struct sp_packet *packet, uint32_t header_bytes)
{
    struct sp_headers headers;
    uint32_t total_bytes;
    FUZZ_HOLDS(sp_headers_read(start_of(packet), packet->len_bytes, true, &headers, &total_bytes) ==
               SP_DROP_NONE);
    FUZZ_HOLDS(total_bytes == packet->len_bytes && headers.protocol == SP_PROTOCOL_TCP);
    FUZZ_HOLDS(total_bytes >= header_bytes);
    return total_bytes - header_bytes;
}

/* Takes all segments, which must be the rest of the packet. */
static void take_segments(struct sp_cutter *cutter, const uint8_t *packet)
{
    struct sp_packet packets[BATCH];
    const uint32_t header_bytes = cutter->header_bytes, payload_bytes = cutter->payload_bytes;
    const bool is_ordinary = cutter->tcp_at == 0;
    uint32_t seen_bytes = 0;
    size_t count;
    make_packets(packets, BATCH, header_bytes + cutter->segment_bytes);
    while ((count = sp_cutter_next(cutter, packets, BATCH)) > 0) {
        for (size_t i = 0; i < count && !is_ordinary; i++) {
            const uint32_t len_bytes = read_segment(&packets[i], header_bytes);
            FUZZ_HOLDS(len_bytes <= cutter->segment_bytes && seen_bytes + len_bytes <= payload_bytes);
            FUZZ_HOLDS(memcmp(start_of(&packets[i]) + header_bytes, packet + header_bytes + seen_bytes,
                              len_bytes) == 0);
            seen_bytes += len_bytes;
        }
        FUZZ_HOLDS(!is_ordinary || (count == 1 && packets[0].len_bytes == header_bytes));
    }
    FUZZ_HOLDS(is_ordinary || seen_bytes == payload_bytes);
    free_packets(packets, BATCH);
}

static void cut(const uint8_t *data, size_t size)
{
    if (size < 7)
        return;
    const struct sp_large large = {.segment_bytes = number_at(data),
                                   .needs_checksum = (data[2] & 1) != 0,
                                   .checksum_start_bytes = number_at(data + 3),
                                   .checksum_offset_bytes = number_at(data + 5)};
    struct sp_cutter cutter;
    struct sp_packet none[1];
    const uint8_t *packet = data + 7;
    const enum sp_drop drop = sp_cutter_start(&cutter, packet, size - 7, &large);
    FUZZ_HOLDS(drop == SP_DROP_NONE || drop == SP_DROP_MALFORMED);
    if (drop == SP_DROP_NONE)
        take_segments(&cutter, packet);
    else
        FUZZ_HOLDS(sp_cutter_next(&cutter, none, 1) == 0);
}

/* As a sender would have it, so that the packet may be joined at all. */
static void mend_checksums(uint8_t *packet, uint32_t len_bytes)
{
    struct sp_headers headers;
    uint32_t total_bytes;
    if (sp_headers_read(packet, len_bytes, false, &headers, &total_bytes) != SP_DROP_NONE ||
        headers.protocol != SP_PROTOCOL_TCP || total_bytes - headers.upper_offset < 20)
        return;
    const uint32_t tcp_bytes = total_bytes - headers.upper_offset;
    const bool is_ipv6 = headers.source.family == 6;
    uint8_t rest[4] = {0, SP_PROTOCOL_TCP, (uint8_t)(tcp_bytes >> 8), (uint8_t)tcp_bytes};
    uint8_t *tcp = packet + headers.upper_offset;
    memset(tcp + 16, 0, 2);
    uint64_t sum = sp_sum(packet + (is_ipv6 ? 8 : 12), is_ipv6 ? 32 : 8, sp_sum(rest, sizeof rest, 0));
    const uint16_t checksum = (uint16_t)~sp_sum_fold(sp_sum(tcp, tcp_bytes, sum));
    tcp[16] = (uint8_t)(checksum >> 8);
    tcp[17] = (uint8_t)checksum;
    if (is_ipv6)
        return;
    memset(packet + 10, 0, 2);
    const uint16_t header_checksum = sp_checksum(packet, (packet[0] & 0x0fu) * 4, 0);
    packet[10] = (uint8_t)(header_checksum >> 8);
    packet[11] = (uint8_t)header_checksum;
}

/* Equal, but for what a sender that forbids fragments may put in IPv4's identification (RFC 6864). */
static bool is_same(const uint8_t *left, const uint8_t *right, size_t len_bytes)
{
    if (left[0] >> 4 == 4 && len_bytes >= 20 && (left[6] & 0x40) != 0)
        return memcmp(left, right, 4) == 0 && memcmp(left + 6, right + 6, 4) == 0 &&
               memcmp(left + 12, right + 12, len_bytes - 12) == 0;
    return memcmp(left, right, len_bytes) == 0;
}

/* Cutting gives the packets again. originals: as they were, each in its own packet's place. */
static void cut_again(const struct sp_joined *joined, const struct sp_piece *pieces,
                      const struct sp_packet *originals)
{
    struct sp_packet packet;
    struct sp_cutter cutter;
    uint8_t *whole = malloc(joined->len_bytes);
    uint32_t len_bytes = 0;
    FUZZ_HOLDS(whole != NULL);
    for (uint32_t i = 0; i < joined->piece_count; i++) {
        FUZZ_HOLDS(len_bytes + pieces[i].len_bytes <= joined->len_bytes);
        memcpy(whole + len_bytes, pieces[i].data, pieces[i].len_bytes);
        len_bytes += pieces[i].len_bytes;
    }
    FUZZ_HOLDS(len_bytes == joined->len_bytes);
    FUZZ_HOLDS(sp_cutter_start(&cutter, whole, len_bytes, &joined->large) == SP_DROP_NONE);
    make_packets(&packet, 1, cutter.header_bytes + cutter.segment_bytes);
    for (uint32_t i = 0; i < joined->piece_count; i++) {
        const struct sp_packet *original = &originals[pieces[i].packet];
        FUZZ_HOLDS(sp_cutter_next(&cutter, &packet, 1) == 1 && packet.len_bytes == original->len_bytes);
        FUZZ_HOLDS(is_same(start_of(&packet), start_of(original), packet.len_bytes));
    }
    FUZZ_HOLDS(sp_cutter_next(&cutter, &packet, 1) == 0);
    free_packets(&packet, 1);
    free(whole);
}

static void check_join(struct sp_packet *packets, struct sp_packet *originals, size_t count)
{
    struct sp_piece pieces[SP_JOIN_PACKETS_MAX];
    struct sp_joined joined[SP_JOIN_PACKETS_MAX];
    bool is_seen[SP_JOIN_PACKETS_MAX] = {false};
    const size_t joined_count = sp_join(packets, count, SP_VERDICT_OPENED, pieces, joined);
    FUZZ_HOLDS(joined_count <= count);
    for (size_t i = 0; i < joined_count; i++) {
        const struct sp_piece *first = &pieces[joined[i].first_piece];
        FUZZ_HOLDS(joined[i].piece_count > 0 && joined[i].first_piece + joined[i].piece_count <= count);
        for (uint32_t k = 0; k < joined[i].piece_count; k++) {
            FUZZ_HOLDS(first[k].packet < count && !is_seen[first[k].packet]);
            FUZZ_HOLDS(packets[first[k].packet].verdict == SP_VERDICT_OPENED);
            is_seen[first[k].packet] = true;
        }
        if (joined[i].len_bytes > 0)
            cut_again(&joined[i], first, originals);
    }
    for (size_t i = 0; i < count; i++)
        FUZZ_HOLDS(is_seen[i] == (packets[i].verdict == SP_VERDICT_OPENED));
}

/* Each packet: its length, of which the highest bit gives it another verdict. */
static size_t read_packets(const uint8_t *data, size_t size, struct sp_packet *packets)
{
    size_t count = 0;
    while (size >= 2 && count < SP_JOIN_PACKETS_MAX) {
        const uint16_t number = number_at(data);
        uint32_t len_bytes = number & 0x7fffu;
        data += 2;
        size -= 2;
        len_bytes = len_bytes > size ? (uint32_t)size : len_bytes;
        make_packets(&packets[count], 1, len_bytes);
        packets[count].head_bytes = SP_PACKET_HEADROOM_BYTES;
        packets[count].len_bytes = len_bytes;
        packets[count].verdict = number >> 15 ? SP_VERDICT_DROP : SP_VERDICT_OPENED;
        memcpy(start_of(&packets[count]), data, len_bytes);
        data += len_bytes;
        size -= len_bytes;
        count++;
    }
    return count;
}

static void join(const uint8_t *data, size_t size, bool mends)
{
    struct sp_packet packets[SP_JOIN_PACKETS_MAX], originals[SP_JOIN_PACKETS_MAX];
    const size_t count = read_packets(data, size, packets);
    (void)read_packets(data, size, originals);
    for (size_t i = 0; i < count && mends; i++) {
        mend_checksums(start_of(&packets[i]), packets[i].len_bytes);
        mend_checksums(start_of(&originals[i]), originals[i].len_bytes);
    }
    check_join(packets, originals, count);
    free_packets(packets, count);
    free_packets(originals, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0 && (data[0] & 1) != 0)
        cut(data + 1, size - 1);
    else if (size > 0)
        join(data + 1, size - 1, (data[0] & 2) != 0);
    return 0;
}
