/* SPDX-License-Identifier: ISC
 *
 * Joining segments: what is joined must cut into the same bytes again, and what differs must stay apart.
 */
#include "large_packets.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

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

Test(join, segments_of_a_flow_join_and_cut_into_the_same)
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

Test(join, a_joined_packet_stays_below_64_kilobytes)
{
    struct sp_packet *packets = make_slots();
    struct shape shape = {.flags = ACK, .payload_bytes = 1460};

    set_segments(packets, 100, &shape);
    cr_assert_eq(sp_join(packets, 100, SP_VERDICT_OPENED, pieces, joined), 3);
    cr_assert_eq(joined[0].piece_count, 44);
    cr_assert_leq(joined[0].len_bytes, 65535);
    cr_assert_eq(joined[2].piece_count, 12);
}

Test(join, a_joined_packet_of_just_64_kilobytes_would_have_the_length_0)
{
    struct sp_packet *packets = make_slots();
    struct shape shape = {.flags = ACK, .option_bytes = 12, .payload_bytes = 1284};

    cr_assert_eq(52 + 51 * shape.payload_bytes, 65536);
    set_segments(packets, 51, &shape);
    cr_assert_eq(sp_join(packets, 51, SP_VERDICT_OPENED, pieces, joined), 2);
    cr_assert_eq(joined[0].piece_count, 50);
    cr_assert_eq(get_u16(pieces[0].data + 2), joined[0].len_bytes);
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

Test(join, whatever_differs_keeps_segments_apart)
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

Test(join, a_push_and_a_short_segment_end_a_run)
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

    set_segments(packets, 3, &shape);
    shape.sequence += 3 * 100;
    shape.payload_bytes = 60;
    set_segments(packets + 3, 2, &shape);
    cr_assert_eq(sp_join(packets, 5, SP_VERDICT_OPENED, pieces, joined), 2);
    cr_assert_eq(joined[0].piece_count, 4);
    cr_assert_eq(joined[1].piece_count, 1);
}

Test(join, identification_may_stand_still_where_nothing_is_fragmented)
{
    struct sp_packet *packets = make_slots();
    struct shape shape = {.flags = ACK, .payload_bytes = 100};

    set_segments(packets, 3, &shape);
    for (size_t i = 0; i < 3; i++) {
        put_u16(packets[i].buffer + packets[i].head_bytes + 4, 0);
        mend(&packets[i]);
    }
    cr_assert_eq(sp_join(packets, 3, SP_VERDICT_OPENED, pieces, joined), 1);
}

Test(join, nothing_of_a_flow_overtakes_what_can_not_be_joined)
{
    struct sp_packet *packets = make_slots();
    struct shape shape = {.flags = ACK, .payload_bytes = 100}, empty = {.flags = ACK, .sequence = 100};

    set_segment(&packets[0], &shape, 0);
    set_segment(&packets[1], &empty, 1);
    shape.sequence = 100;
    set_segment(&packets[2], &shape, 1);
    cr_assert_eq(sp_join(packets, 3, SP_VERDICT_OPENED, pieces, joined), 3);
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(pieces[joined[i].first_piece].packet, i);
}

Test(join, packets_with_ip_options_go_alone)
{
    struct sp_packet *packets = make_slots();
    struct shape shape = {.flags = ACK, .payload_bytes = 64};

    for (size_t i = 0; i < 2; i++) {
        uint8_t tcp[20 + 64], *ip = packets[i].buffer + SP_PACKET_HEADROOM_BYTES;
        struct sample sample;
        set_segment(&packets[i], &shape, i);
        memcpy(tcp, ip + 20, sizeof tcp);
        sample_ipv4(&sample, 6, 0, 4, tcp, sizeof tcp);
        memcpy(sample.bytes + 12, ip + 12, 8); /* the addresses that the checksum covers */
        sample.bytes[6] = 0x40;
        put_u16(sample.bytes + 10, 0);
        put_u16(sample.bytes + 10, (uint16_t)~naive_sum(sample.bytes, 24));
        memcpy(ip, sample.bytes, sample.len_bytes);
        packets[i].len_bytes = (uint32_t)sample.len_bytes;
        shape.sequence += 64;
    }
    cr_assert_eq(sp_join(packets, 2, SP_VERDICT_OPENED, pieces, joined), 2);
}

Test(join, flows_are_joined_side_by_side_and_keep_their_order)
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

Test(join, only_packets_with_the_verdict_come_out)
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

Test(join, anything_else_goes_alone)
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
