/* SPDX-License-Identifier: ISC
 *
 * Cutting large packets and joining segments. Lengths and checksums are judged by code that the library
 * doesn't share; what joins must cut into the same bytes again.
 */
#include <sallyport/large.h>

#include "packets.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#define ACK 0x10
#define PSH 0x08
#define FIN 0x01
#define SYN 0x02
#define CWR 0x80
#define SLOT_BYTES 4096
#define SLOTS 256

static const uint8_t timestamps[12] = {1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8};

struct shape {
    bool is_ipv6;
    uint8_t flags;
    size_t option_bytes;
    uint32_t sequence;
    size_t payload_bytes;
};

static size_t ip_bytes_of(bool is_ipv6)
{
    return is_ipv6 ? 40 : 20;
}

static void put_u16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static size_t get_u16(const uint8_t *at)
{
    return (size_t)at[0] << 8 | at[1];
}

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)(get_u16(at) << 16 | get_u16(at + 2));
}

static uint16_t tcp_sum(const uint8_t *packet, size_t len_bytes)
{
    bool is_ipv6 = packet[0] >> 4 == 6;
    size_t ip_bytes = ip_bytes_of(is_ipv6);

    return naive_tcp_sum(packet + (is_ipv6 ? 8 : 12), is_ipv6 ? 32 : 8, packet + ip_bytes,
                         len_bytes - ip_bytes);
}

/* All that a stack puts into the field when a device is to finish it. */
static void set_pseudo_header_sum(uint8_t *packet, size_t total_bytes)
{
    bool is_ipv6 = packet[0] >> 4 == 6;
    size_t ip_bytes = ip_bytes_of(is_ipv6);
    uint8_t pseudo[40] = {0};
    size_t addresses_bytes = is_ipv6 ? 32 : 8;

    memcpy(pseudo, packet + (is_ipv6 ? 8 : 12), addresses_bytes);
    pseudo[addresses_bytes + 1] = 6;
    put_u16(pseudo + addresses_bytes + 2, total_bytes - ip_bytes);
    put_u16(packet + ip_bytes + 16, naive_sum(pseudo, addresses_bytes + 4));
}

/* A packet of any length with random payload; its checksum right, or as a stack leaves it for a device. */
static size_t build(uint8_t *packet, const struct shape *shape, struct sp_large *large, size_t segment_bytes)
{
    size_t ip_bytes = ip_bytes_of(shape->is_ipv6), tcp_bytes = 20 + shape->option_bytes;
    size_t total_bytes = ip_bytes + tcp_bytes + shape->payload_bytes;
    uint8_t *tcp = packet + ip_bytes;

    memset(packet, 0, ip_bytes + tcp_bytes);
    if (shape->is_ipv6) {
        packet[0] = 0x60;
        put_u16(packet + 4, total_bytes - 40);
        packet[6] = 6;
        packet[7] = 64;
        memcpy(packet + 8, "\x20\x01\x0d\xb8", 4);
        memcpy(packet + 24, "\x20\x01\x0d\xb8", 4);
        packet[23] = 1;
        packet[39] = 2;
    } else {
        packet[0] = 0x45;
        put_u16(packet + 2, total_bytes);
        put_u16(packet + 4, 0xfffe); /* wraps while counting */
        packet[6] = 0x40;
        packet[8] = 64;
        packet[9] = 6;
        memcpy(packet + 12, "\xc0\x00\x02\x01\xc6\x33\x64\x02", 8);
        put_u16(packet + 10, (uint16_t)~naive_sum(packet, 20));
    }
    put_u16(tcp, 40000);
    put_u16(tcp + 2, 80);
    put_u16(tcp + 4, shape->sequence >> 16);
    put_u16(tcp + 6, shape->sequence & 0xffff);
    put_u16(tcp + 8, 0x1234);
    tcp[12] = (uint8_t)(tcp_bytes / 4 << 4);
    tcp[13] = shape->flags;
    put_u16(tcp + 14, 501);
    memcpy(tcp + 20, timestamps, shape->option_bytes);
    for (size_t i = 0; i < shape->payload_bytes; i++)
        tcp[tcp_bytes + i] = (uint8_t)rand();
    *large = (struct sp_large){.segment_bytes = (uint16_t)segment_bytes,
                               .needs_checksum = segment_bytes > 0,
                               .checksum_start_bytes = (uint16_t)ip_bytes,
                               .checksum_offset_bytes = 16};
    if (segment_bytes > 0)
        set_pseudo_header_sum(packet, total_bytes);
    else
        put_u16(tcp + 16, (uint16_t)~tcp_sum(packet, total_bytes));
    return total_bytes;
}

static struct sp_packet *make_slots(void)
{
    static struct sp_packet packets[SLOTS];
    static uint8_t memory[SLOTS][SLOT_BYTES];

    for (size_t i = 0; i < SLOTS; i++)
        packets[i] = (struct sp_packet){.buffer = memory[i], .capacity_bytes = SLOT_BYTES};
    return packets;
}

static const uint8_t *bytes_of(const struct sp_packet *packet)
{
    return packet->buffer + packet->head_bytes;
}

static void expect_segment(const struct sp_packet *packet, const struct shape *shape, const uint8_t *payload,
                           size_t done_bytes, size_t payload_bytes, size_t index)
{
    const uint8_t *ip = bytes_of(packet), *tcp = ip + ip_bytes_of(shape->is_ipv6);
    size_t header_bytes = ip_bytes_of(shape->is_ipv6) + 20 + shape->option_bytes;
    uint8_t flags = shape->flags;

    cr_assert_eq(packet->len_bytes, header_bytes + payload_bytes);
    cr_assert_eq(get_u16(ip + (shape->is_ipv6 ? 4 : 2)), packet->len_bytes - (shape->is_ipv6 ? 40u : 0u));
    if (!shape->is_ipv6) {
        cr_assert_eq(naive_sum(ip, 20), 0xffff);
        cr_assert_eq(get_u16(ip + 4), (0xfffe + index) & 0xffff);
    }
    if (done_bytes > 0)
        flags &= (uint8_t)~CWR;
    if (done_bytes + payload_bytes < shape->payload_bytes)
        flags &= (uint8_t) ~(FIN | PSH);
    cr_assert_eq(tcp[13], flags, "segment %zu has flags %#x", index, tcp[13]);
    cr_assert_eq(get_u32(tcp + 4), shape->sequence + (uint32_t)done_bytes);
    cr_assert_arr_eq(tcp + 20, timestamps, shape->option_bytes);
    cr_assert_arr_eq(ip + header_bytes, payload + done_bytes, payload_bytes);
    cr_assert_eq(tcp_sum(ip, packet->len_bytes), 0xffff, "segment %zu's checksum", index);
}

/* Cuts in calls of at most batch segments, and judges each. Returns how many there were. */
static size_t expect_cut(const struct shape *shape, size_t segment_bytes, size_t batch)
{
    static uint8_t packet[65600];
    struct sp_packet *packets = make_slots();
    struct sp_cutter cutter;
    struct sp_large large;
    size_t header_bytes = ip_bytes_of(shape->is_ipv6) + 20 + shape->option_bytes;
    size_t len_bytes = build(packet, shape, &large, segment_bytes), done_bytes = 0, segments = 0, got;

    cr_assert_eq(sp_cutter_start(&cutter, packet, len_bytes, &large), SP_DROP_NONE);
    while ((got = sp_cutter_next(&cutter, packets, batch)) > 0) {
        for (size_t i = 0; i < got; i++) {
            size_t left_bytes = shape->payload_bytes - done_bytes;
            size_t payload_bytes = left_bytes < segment_bytes ? left_bytes : segment_bytes;
            expect_segment(&packets[i], shape, packet + header_bytes, done_bytes, payload_bytes, segments++);
            done_bytes += payload_bytes;
        }
    }
    cr_assert_eq(done_bytes, shape->payload_bytes);
    return segments;
}

Test(large, a_packet_of_64_kilobytes_becomes_segments_for_the_wire)
{
    for (int is_ipv6 = 0; is_ipv6 < 2; is_ipv6++) {
        struct shape shape = {.is_ipv6 = is_ipv6,
                              .flags = ACK | PSH | FIN | CWR,
                              .option_bytes = 12,
                              .sequence = 0xffff0000,
                              .payload_bytes = 65535 - 20 - 32};
        cr_assert_eq(expect_cut(&shape, 1448, 256), 46);
        cr_assert_eq(expect_cut(&shape, 1448, 7), 46);
        cr_assert_eq(expect_cut(&shape, 536, 128), 123);
    }
}

Test(large, any_lengths_cut)
{
    for (size_t payload_bytes = 1; payload_bytes < 300; payload_bytes++)
        for (size_t segment_bytes = 1; segment_bytes < 120; segment_bytes += 7) {
            struct shape shape = {.is_ipv6 = payload_bytes % 2,
                                  .flags = ACK | PSH,
                                  .option_bytes = payload_bytes % 3 * 4,
                                  .sequence = 7,
                                  .payload_bytes = payload_bytes};
            expect_cut(&shape, segment_bytes, 9);
        }
}

Test(large, an_ordinary_packet_passes_with_its_checksum_made)
{
    uint8_t packet[2048];
    struct sp_packet *packets = make_slots();
    struct sp_cutter cutter;
    struct sp_large large;

    for (size_t payload_bytes = 0; payload_bytes < 200; payload_bytes++) {
        struct shape shape = {.is_ipv6 = payload_bytes % 2, .flags = ACK, .payload_bytes = payload_bytes};
        size_t len_bytes = build(packet, &shape, &large, 1);
        large.segment_bytes = 0;
        cr_assert_eq(sp_cutter_start(&cutter, packet, len_bytes, &large), SP_DROP_NONE);
        cr_assert_eq(sp_cutter_next(&cutter, packets, SLOTS), 1);
        cr_assert_eq(packets[0].len_bytes, len_bytes);
        cr_assert_eq(tcp_sum(bytes_of(&packets[0]), len_bytes), 0xffff);
        cr_assert_eq(sp_cutter_next(&cutter, packets, SLOTS), 0);
    }
}

Test(large, what_needs_nothing_is_copied_as_it_is)
{
    const uint8_t junk[5] = {1, 2, 3, 4, 5};
    const struct sp_large ordinary = {0};
    struct sp_packet *packets = make_slots();
    struct sp_cutter cutter;

    cr_assert_eq(sp_cutter_start(&cutter, junk, sizeof junk, &ordinary), SP_DROP_NONE);
    cr_assert_eq(sp_cutter_next(&cutter, packets, SLOTS), 1);
    cr_assert_eq(packets[0].len_bytes, sizeof junk);
    cr_assert_arr_eq(bytes_of(&packets[0]), junk, sizeof junk);
}

static void expect_refused(const uint8_t *packet, size_t len_bytes, struct sp_large large, const char *what)
{
    struct sp_packet *packets = make_slots();
    struct sp_cutter cutter;

    cr_assert_eq(sp_cutter_start(&cutter, packet, len_bytes, &large), SP_DROP_MALFORMED, "%s", what);
    cr_assert_eq(sp_cutter_next(&cutter, packets, SLOTS), 0);
}

Test(large, what_does_not_fit_together_is_refused)
{
    uint8_t packet[4096], changed[4096];
    struct shape shape = {.flags = ACK, .option_bytes = 12, .payload_bytes = 3000};
    struct sp_large large, other;
    size_t len_bytes = build(packet, &shape, &large, 1000);

    expect_refused(packet, 0, large, "nothing");
    expect_refused(packet, 51, large, "cut off");
    other = large, other.needs_checksum = false;
    expect_refused(packet, len_bytes, other, "checksums are said to be there");
    other = large, other.checksum_start_bytes = 24;
    expect_refused(packet, len_bytes, other, "another start");
    other = large, other.checksum_offset_bytes = 6;
    expect_refused(packet, len_bytes, other, "another field");
    other = large, other.segment_bytes = 0, other.checksum_start_bytes = (uint16_t)len_bytes;
    expect_refused(packet, len_bytes, other, "a checksum outside");
    memcpy(changed, packet, sizeof changed), changed[9] = 17;
    expect_refused(changed, len_bytes, large, "UDP");
    memcpy(changed, packet, sizeof changed), changed[6] = 0x20;
    expect_refused(changed, len_bytes, large, "a fragment");
    memcpy(changed, packet, sizeof changed), changed[32] = 0x40;
    expect_refused(changed, len_bytes, large, "a TCP header too short");
    memcpy(changed, packet, sizeof changed), changed[0] = 0x35;
    expect_refused(changed, len_bytes, large, "IPv3");
}

/* ---- joining ------------------------------------------------------------------------------------------- */

static struct sp_piece pieces[SLOTS];
static struct sp_joined joined[SLOTS];

/* Puts a segment into a slot, as opened. */
static void set_segment(struct sp_packet *packet, const struct shape *shape, size_t index)
{
    struct sp_large ignored;

    packet->head_bytes = SP_PACKET_HEADROOM_BYTES;
    packet->verdict = SP_VERDICT_OPENED;
    uint8_t *ip = packet->buffer + packet->head_bytes;
    packet->len_bytes = (uint32_t)build(ip, shape, &ignored, 0);
    if (!shape->is_ipv6) {
        put_u16(ip + 4, 0xfffe + index);
        put_u16(ip + 10, 0);
        put_u16(ip + 10, (uint16_t)~naive_sum(ip, 20));
    }
}

static void set_segments(struct sp_packet *packets, size_t count, const struct shape *first)
{
    struct shape shape = *first;

    for (size_t i = 0; i < count; i++) {
        set_segment(&packets[i], &shape, i);
        shape.sequence += (uint32_t)shape.payload_bytes;
    }
}

/* After a change of IPv4 or TCP fields. */
static void mend(struct sp_packet *packet)
{
    uint8_t *ip = packet->buffer + packet->head_bytes;
    uint8_t *tcp = ip + ip_bytes_of(ip[0] >> 4 == 6);

    if (ip[0] >> 4 == 4) {
        put_u16(ip + 10, 0);
        put_u16(ip + 10, (uint16_t)~naive_sum(ip, 20));
    }
    put_u16(tcp + 16, 0);
    put_u16(tcp + 16, (uint16_t)~tcp_sum(ip, packet->len_bytes));
}

static size_t gather(const struct sp_joined *one, uint8_t *to)
{
    size_t len_bytes = 0;

    for (uint32_t i = 0; i < one->piece_count; i++) {
        const struct sp_piece *piece = &pieces[one->first_piece + i];
        memcpy(to + len_bytes, piece->data, piece->len_bytes);
        len_bytes += piece->len_bytes;
    }
    cr_assert_eq(len_bytes, one->len_bytes);
    return len_bytes;
}

/* What was joined is cut again: the same packets must come out. */
static void expect_round_trip(const struct sp_joined *one, uint8_t originals[][SLOT_BYTES],
                              const uint32_t *lengths, size_t count)
{
    static uint8_t whole[65600], cut_memory[SLOTS][SLOT_BYTES];
    static struct sp_packet cut[SLOTS];
    struct sp_cutter cutter;
    size_t len_bytes = gather(one, whole);

    for (size_t i = 0; i < SLOTS; i++)
        cut[i] = (struct sp_packet){.buffer = cut_memory[i], .capacity_bytes = SLOT_BYTES};
    cr_assert_eq(sp_cutter_start(&cutter, whole, len_bytes, &one->large), SP_DROP_NONE);
    cr_assert_eq(sp_cutter_next(&cutter, cut, SLOTS), count);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(cut[i].len_bytes, lengths[i]);
        cr_assert_arr_eq(bytes_of(&cut[i]), originals[i], lengths[i], "segment %zu", i);
    }
}

Test(large, segments_of_a_flow_join_and_cut_into_the_same)
{
    static uint8_t originals[SLOTS][SLOT_BYTES];
    uint32_t lengths[SLOTS];

    for (unsigned variant = 0; variant < 200; variant++) {
        struct sp_packet *packets = make_slots();
        size_t count = 2 + variant % 40;
        struct shape shape = {.is_ipv6 = variant % 2,
                              .flags = ACK,
                              .option_bytes = variant % 3 * 4,
                              .sequence = 0xfffff000,
                              .payload_bytes = 1 + (size_t)rand() % 1500};
        set_segments(packets, count, &shape);
        if (variant % 5 == 0) { /* a shorter end */
            struct shape last = shape;
            last.flags = ACK | PSH;
            last.payload_bytes = 1 + (size_t)rand() % shape.payload_bytes;
            last.sequence = shape.sequence + (uint32_t)((count - 1) * shape.payload_bytes);
            set_segment(&packets[count - 1], &last, count - 1);
        }
        for (size_t i = 0; i < count; i++) {
            lengths[i] = packets[i].len_bytes;
            memcpy(originals[i], bytes_of(&packets[i]), lengths[i]);
        }
        cr_assert_eq(sp_join(packets, count, SP_VERDICT_OPENED, pieces, joined), 1, "variant %u", variant);
        cr_assert_eq(joined[0].piece_count, count);
        cr_assert_eq(joined[0].large.segment_bytes, shape.payload_bytes);
        expect_round_trip(&joined[0], originals, lengths, count);
    }
}

Test(large, a_joined_packet_stays_below_64_kilobytes)
{
    struct sp_packet *packets = make_slots();
    struct shape shape = {.flags = ACK, .payload_bytes = 1460};

    set_segments(packets, 100, &shape);
    cr_assert_eq(sp_join(packets, 100, SP_VERDICT_OPENED, pieces, joined), 3);
    cr_assert_eq(joined[0].piece_count, 44);
    cr_assert_leq(joined[0].len_bytes, 65535);
    cr_assert_eq(joined[2].piece_count, 12);
}

enum change {
    CHANGE_NOTHING,
    CHANGE_TTL,
    CHANGE_DSCP,
    CHANGE_DF,
    CHANGE_IPV4_ID,
    CHANGE_GAP,
    CHANGE_OVERLAP,
    CHANGE_ACKNOWLEDGED,
    CHANGE_WINDOW,
    CHANGE_OPTION,
    CHANGE_URGENT,
    CHANGE_FIN,
    CHANGE_SYN,
    CHANGE_RST,
    CHANGE_ECE,
    CHANGE_RESERVED,
    CHANGE_CHECKSUM,
    CHANGE_PAYLOAD,
    CHANGE_LONGER,
    CHANGE_EMPTY,
    CHANGE_COUNT
};

static void change_second(struct sp_packet *packet, enum change change, const struct shape *first)
{
    uint8_t *ip = packet->buffer + packet->head_bytes, *tcp = ip + 20;
    struct shape other = *first;

    other.sequence += (uint32_t)first->payload_bytes;
    switch (change) {
    case CHANGE_TTL:
        ip[8]--;
        break;
    case CHANGE_DSCP:
        ip[1] = 0x20;
        break;
    case CHANGE_DF:
        ip[6] = 0;
        break;
    case CHANGE_IPV4_ID:
        ip[6] = 0, put_u16(ip + 4, 9);
        break;
    case CHANGE_GAP:
        put_u16(tcp + 6, get_u16(tcp + 6) + 1);
        break;
    case CHANGE_OVERLAP:
        put_u16(tcp + 6, get_u16(tcp + 6) - 1);
        break;
    case CHANGE_ACKNOWLEDGED:
        tcp[11]++;
        break;
    case CHANGE_WINDOW:
        tcp[15]++;
        break;
    case CHANGE_OPTION:
        tcp[27]++;
        break;
    case CHANGE_URGENT:
        tcp[13] |= 0x20;
        break;
    case CHANGE_FIN:
        tcp[13] |= FIN;
        break;
    case CHANGE_SYN:
        tcp[13] |= SYN;
        break;
    case CHANGE_RST:
        tcp[13] |= 0x04;
        break;
    case CHANGE_ECE:
        tcp[13] |= 0x40;
        break;
    case CHANGE_RESERVED:
        tcp[12] |= 0x02;
        break;
    case CHANGE_CHECKSUM:
        tcp[17] ^= 1;
        return;
    case CHANGE_PAYLOAD:
        ip[packet->len_bytes - 1] ^= 1;
        return;
    case CHANGE_LONGER:
        other.payload_bytes++, set_segment(packet, &other, 1);
        return;
    case CHANGE_EMPTY:
        other.payload_bytes = 0, set_segment(packet, &other, 1);
        return;
    default:
        return;
    }
    mend(packet);
}

Test(large, whatever_differs_keeps_segments_apart)
{
    struct shape shape = {.flags = ACK, .option_bytes = 12, .sequence = 100, .payload_bytes = 64};

    for (enum change change = CHANGE_NOTHING; change < CHANGE_COUNT; change++) {
        struct sp_packet *packets = make_slots();
        uint8_t before[2][SLOT_BYTES];
        set_segments(packets, 2, &shape);
        if (change == CHANGE_IPV4_ID) { /* without DF in both, the count must be right */
            packets[0].buffer[packets[0].head_bytes + 6] = 0;
            mend(&packets[0]);
        }
        change_second(&packets[1], change, &shape);
        for (size_t i = 0; i < 2; i++)
            memcpy(before[i], bytes_of(&packets[i]), packets[i].len_bytes);
        size_t count = sp_join(packets, 2, SP_VERDICT_OPENED, pieces, joined);
        cr_assert_eq(count, change == CHANGE_NOTHING ? 1 : 2, "change %d", change);
        for (size_t i = 0; i < 2 && change != CHANGE_NOTHING; i++) {
            cr_assert_eq(joined[i].large.segment_bytes, 0);
            cr_assert_arr_eq(bytes_of(&packets[i]), before[i], packets[i].len_bytes);
        }
    }
}

Test(large, a_push_and_a_short_segment_end_a_run)
{
    struct sp_packet *packets = make_slots();
    struct shape shape = {.flags = ACK, .payload_bytes = 100};

    set_segments(packets, 6, &shape);
    packets[2].buffer[packets[2].head_bytes + 33] |= PSH;
    mend(&packets[2]);
    cr_assert_eq(sp_join(packets, 6, SP_VERDICT_OPENED, pieces, joined), 2);
    cr_assert_eq(joined[0].piece_count, 3);
    cr_assert_eq(bytes_of(&packets[0])[33], ACK | PSH);
    cr_assert_eq(joined[1].piece_count, 3);
}

Test(large, flows_are_joined_side_by_side_and_keep_their_order)
{
    struct sp_packet *packets = make_slots();
    struct shape shape = {.flags = ACK, .payload_bytes = 10};
    enum { FLOWS = 12, EACH = 4 }; /* more than are looked for at a time */

    for (size_t i = 0; i < FLOWS * EACH; i++) {
        shape.sequence = (uint32_t)(i / FLOWS * shape.payload_bytes);
        set_segment(&packets[i], &shape, i / FLOWS);
        put_u16(packets[i].buffer + packets[i].head_bytes + 20, 1000 + i % FLOWS);
        mend(&packets[i]);
    }
    size_t count = sp_join(packets, FLOWS * EACH, SP_VERDICT_OPENED, pieces, joined);
    uint32_t expected[FLOWS] = {0}, pieces_seen = 0;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *tcp = pieces[joined[i].first_piece].data + 20;
        size_t flow = get_u16(tcp) - 1000;
        cr_assert_eq(get_u32(tcp + 4), expected[flow]);
        expected[flow] += (uint32_t)(joined[i].len_bytes - 40);
        pieces_seen += joined[i].piece_count;
    }
    cr_assert_eq(pieces_seen, FLOWS * EACH);

    /* and few of them do join */
    for (size_t i = 0; i < 6; i++) {
        shape.sequence = (uint32_t)(i / 2 * shape.payload_bytes);
        set_segment(&packets[i], &shape, i / 2);
        put_u16(packets[i].buffer + packets[i].head_bytes + 20, 1000 + i % 2);
        mend(&packets[i]);
    }
    cr_assert_eq(sp_join(packets, 6, SP_VERDICT_OPENED, pieces, joined), 2);
    cr_assert_eq(pieces[1].packet, 2);
}

Test(large, only_packets_with_the_verdict_come_out)
{
    struct sp_packet *packets = make_slots();
    struct shape shape = {.flags = ACK, .payload_bytes = 10};

    set_segments(packets, 5, &shape);
    packets[1].verdict = SP_VERDICT_DROP;
    packets[4].verdict = SP_VERDICT_BYPASS;
    cr_assert_eq(sp_join(packets, 5, SP_VERDICT_OPENED, pieces, joined), 2);
    cr_assert_eq(joined[0].piece_count + joined[1].piece_count, 3);
    cr_assert_eq(pieces[1].packet, 2);
}

Test(large, anything_else_goes_alone)
{
    struct sp_packet *packets = make_slots();
    struct sample sample;
    static const uint8_t payload[32];

    for (size_t i = 0; i < 2; i++) {
        sample_ipv4(&sample, 17, 0, 0, payload, sizeof payload);
        packets[i].head_bytes = 1;
        packets[i].verdict = SP_VERDICT_OPENED;
        packets[i].len_bytes = (uint32_t)sample.len_bytes;
        memcpy(packets[i].buffer + 1, sample.bytes, sample.len_bytes);
    }
    packets[2].verdict = SP_VERDICT_OPENED;
    packets[2].len_bytes = 0;
    cr_assert_eq(sp_join(packets, 3, SP_VERDICT_OPENED, pieces, joined), 3);
    cr_assert_eq(joined[0].large.segment_bytes, 0);
}
