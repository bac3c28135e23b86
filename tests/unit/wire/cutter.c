/* SPDX-License-Identifier: ISC
 *
 * Cutting large packets. Lengths and checksums are judged by code that the library doesn't share.
 */
#include "large_packets.h"

#include <criterion/criterion.h>

#include <string.h>

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

Test(cutter, a_packet_of_64_kilobytes_becomes_segments_for_the_wire)
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

Test(cutter, any_lengths_cut)
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

Test(cutter, an_ordinary_packet_passes_with_its_checksum_made)
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

Test(cutter, what_needs_nothing_is_copied_as_it_is)
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

Test(cutter, what_does_not_fit_together_is_refused)
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

Test(cutter, a_udp_checksum_that_comes_to_nothing_is_sent_as_all_ones)
{
    const struct sp_large large = {
        .needs_checksum = true, .checksum_start_bytes = 20, .checksum_offset_bytes = 6};
    struct sp_packet *packets = make_slots();
    struct sp_cutter cutter;
    struct sample sample;
    uint8_t udp[10] = {0x12, 0x34, 0, 53, 0, 10, 0, 0};

    put_u16(udp + 8, (uint16_t)~naive_sum(udp, 8)); /* the field's own sum, 0, leaves a sum of all ones */
    sample_ipv4(&sample, 17, 0, 0, udp, sizeof udp);
    cr_assert_eq(sp_cutter_start(&cutter, sample.bytes, sample.len_bytes, &large), SP_DROP_NONE);
    cr_assert_eq(sp_cutter_next(&cutter, packets, SLOTS), 1);
    cr_assert_eq(get_u16(bytes_of(&packets[0]) + 26), 0xffff); /* 0 would mean none (RFC 768) */
}
