/* SPDX-License-Identifier: ISC
 *
 * Tests of tunnel mode: what lib/esp/seal.c and lib/esp/open.c make of an SA whose packets hold whole
 * packets.
 */
#include "unit/esp/fixture.h"

#include <criterion/criterion.h>

#include <string.h>

#define OUTER_BYTES(family) ((family) == 6 ? 40u : 20u)

static const uint8_t families[2] = {4, 6};
static const struct sp_sa_params plain = {.mode = SP_MODE_TUNNEL};
static const struct sp_encap usual_ports = {4500, 4500};

static uint16_t word(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static void seal(const struct fixture *fixture, struct sample *sample, int suite, uint8_t outer_family)
{
    sample->packet.sa = fixture_sa(suite, outer_family);
    sp_esp_seal(fixture->esp, &sample->packet, 1);
    cr_assert_eq(sample->packet.verdict, SP_VERDICT_SEALED, "%s", sp_drop_id(sample->packet.reason));
    sample->packet.verdict = SP_VERDICT_NONE;
    sample->packet.sa = SP_NO_SA;
}

static enum sp_drop open_it(const struct fixture *fixture, struct sample *sample)
{
    sp_esp_open(fixture->esp, &sample->packet, 1);
    cr_assert_eq(sample->packet.verdict,
                 sample->packet.reason == SP_DROP_NONE ? SP_VERDICT_OPENED : SP_VERDICT_DROP);
    return sample->packet.reason;
}

/* The outer header, from the RFCs and not from lib/wire, but for the identification. */
static void check_outer(const struct sample *sample, uint8_t family, uint8_t protocol)
{
    const uint8_t *ip = packet_start(&sample->packet), *inner = sample->original;
    const bool is_ipv6 = inner[0] >> 4 == 6;
    const uint8_t traffic_class = (uint8_t)(is_ipv6 ? inner[0] << 4 | inner[1] >> 4 : inner[1]);
    uint8_t expected[40] = {0};
    if (family == 4) {
        const uint8_t header[20] = {0x45, traffic_class, 0, 0,   ip[4], ip[5], 0x40, 0,   64, protocol, 0,
                                    0,    203,           0, 113, 1,     203,   0,    113, 2};
        memcpy(expected, header, sizeof header);
    } else {
        const uint8_t start[8] = {
            (uint8_t)(0x60 | traffic_class >> 4), (uint8_t)(traffic_class << 4), 0, 0, 0, 0, protocol, 64};
        static const uint8_t gate[16] = {0x20, 0x01, 0x0d, 0xb8, 0xff};
        memcpy(expected, start, sizeof start);
        memcpy(expected + 8, gate, sizeof gate);
        memcpy(expected + 24, gate, sizeof gate);
        expected[23] = 1;
        expected[39] = 2;
    }
    set_ip_length(expected, sample->packet.len_bytes);
    cr_assert_arr_eq(ip, expected, OUTER_BYTES(family));
}

/* Lengths, SPI, next header and, with extended sequence numbers, the ICV by libcrypto itself. */
static void check_esp(const struct sample *sample, int suite, uint8_t family, uint32_t udp_bytes,
                      bool has_esn)
{
    const uint32_t esp_at = OUTER_BYTES(family) + udp_bytes;
    const uint8_t *esp = packet_start(&sample->packet) + esp_at;
    const uint32_t esp_bytes = sample->packet.len_bytes - esp_at;
    const uint32_t fixed_bytes = fixture_front_bytes(suite) + fixture_icv_bytes(suite);
    const uint32_t align = fixture_align_bytes(suite);
    uint8_t icv[16];
    cr_assert_eq(esp_bytes, fixed_bytes + (sample->original_bytes + 2 + align - 1) / align * align);
    cr_assert_eq(word(esp + 2), 0x1000 + 0x11 * suite);
    if (fixture_is_null(suite)) {
        cr_assert_arr_eq(esp + 8, sample->original, sample->original_bytes);
        cr_assert_eq(esp[esp_bytes - fixture_icv_bytes(suite) - 1], sample->original[0] >> 4 == 6 ? 41 : 4);
    }
    if (has_esn) {
        fixture_expect_icv(suite, family, esp, esp_bytes, 0, icv);
        cr_assert_arr_eq(esp + esp_bytes - fixture_icv_bytes(suite), icv, fixture_icv_bytes(suite));
    }
}

static void check_udp(const struct sample *sample, uint8_t family)
{
    const uint8_t *ip = packet_start(&sample->packet), *udp = ip + OUTER_BYTES(family);
    const uint32_t udp_bytes = sample->packet.len_bytes - OUTER_BYTES(family);
    static uint8_t whole[BUFFER_BYTES];
    cr_assert_eq(word(udp), 4500);
    cr_assert_eq(word(udp + 2), 4500);
    cr_assert_eq(word(udp + 4), udp_bytes);
    if (family == 4) {
        cr_assert_eq(word(udp + 6), 0);
        return;
    }
    memset(whole, 0, 40);
    memcpy(whole, ip + 8, 32);
    whole[34] = (uint8_t)(udp_bytes >> 8);
    whole[35] = (uint8_t)udp_bytes;
    whole[39] = 17;
    memcpy(whole + 40, udp, udp_bytes);
    cr_assert_neq(word(udp + 6), 0);
    cr_assert_eq(plain_checksum(whole, 40 + udp_bytes), 0);
}

/* There and back, with a look at what the wire sees. */
static void round_trip(const struct fixture *fixture, const struct sp_sa_params *like, int suite,
                       uint8_t family, struct sample *sample)
{
    const bool is_in_udp = sp_encap_is_on(&like->encap);
    seal(fixture, sample, suite, family);
    check_outer(sample, family, is_in_udp ? 17 : 50);
    if (is_in_udp)
        check_udp(sample, family);
    check_esp(sample, suite, family, is_in_udp ? 8 : 0, like->has_esn);
    cr_assert(fixture_is_null(suite) || !sample_holds_plaintext(sample));
    cr_assert_eq(open_it(fixture, sample), SP_DROP_NONE, "%s", sp_drop_id(sample->packet.reason));
    cr_assert(sample_is_original(sample));
    cr_assert_eq(sample->packet.sa, fixture_sa(suite, family));
    cr_assert_eq(sample->packet.head_bytes, 128u);
}

static void round_trips(const struct sp_sa_params *like, uint32_t step_bytes)
{
    struct fixture fixture;
    fixture_create_like(&fixture, like);
    for (int suite = 0; suite < SUITES; suite++)
        for (int outer = 0; outer < 2; outer++)
            for (enum shape shape = 0; shape < SHAPE_COUNT; shape++)
                for (uint32_t bytes = 0; bytes <= 1440; bytes += step_bytes) {
                    struct sample sample;
                    sample_create(&sample, shape, bytes);
                    round_trip(&fixture, like, suite, families[outer], &sample);
                    sample_destroy(&sample);
                }
    fixture_destroy(&fixture);
}

Test(tunnel, every_packet_comes_back_out_of_every_suite_and_either_family)
{
    round_trips(&plain, 1);
}

Test(tunnel, the_same_in_udp_and_with_extended_sequence_numbers)
{
    struct sp_sa_params like = plain;
    like.encap = usual_ports;
    round_trips(&like, 7);
    like.has_esn = true;
    round_trips(&like, 31);
    like.encap = (struct sp_encap){0};
    round_trips(&like, 31);
}

Test(tunnel, a_mixed_burst_of_both_modes_comes_back_whole)
{
    enum { PACKETS = 600 };
    static struct sample samples[PACKETS];
    static struct sp_packet packets[PACKETS];
    struct fixture fixture;
    fixture_create_like(&fixture, &plain);
    /* and one SA of transport mode, on the short way */
    struct sp_sa_params transport = {.spi = 0x9999,
                                     .source = {4, {192, 0, 2, 1}},
                                     .destination = {4, {198, 51, 100, 2}},
                                     .encryption = SP_ENCRYPTION_NULL,
                                     .integrity = SP_INTEGRITY_HMAC_SHA1_96,
                                     .integrity_key = (const uint8_t *)"20 bytes of HMAC key",
                                     .integrity_key_bytes = 20};
    uint32_t number;
    cr_assert_eq(sp_sad_add(fixture.sad, &transport, &number, NULL), SP_OK);
    for (int i = 0; i < PACKETS; i++) {
        enum shape shape = (enum shape)(i % SHAPE_COUNT);
        sample_create(&samples[i], shape, (uint32_t)(i * 37 % 1400));
        packets[i] = samples[i].packet;
        packets[i].sa =
            shape == SHAPE_IPV4 && i % 3 == 0 ? number : fixture_sa(i % SUITES, families[i / 7 % 2]);
    }
    sp_esp_seal(fixture.esp, packets, PACKETS);
    for (int i = 0; i < PACKETS; i++) {
        cr_assert_eq(packets[i].verdict, SP_VERDICT_SEALED);
        packets[i].verdict = SP_VERDICT_NONE;
    }
    sp_esp_open(fixture.esp, packets, PACKETS);
    for (int i = 0; i < PACKETS; i++) {
        samples[i].packet = packets[i];
        cr_assert_eq(packets[i].verdict, SP_VERDICT_OPENED);
        cr_assert(sample_is_original(&samples[i]));
        sample_destroy(&samples[i]);
    }
    fixture_destroy(&fixture);
}

/* Makes the sample a fragment: of IPv4, as transport mode would refuse it. */
static void make_fragment(struct sample *sample, uint16_t flags_and_offset)
{
    sample->original[6] = (uint8_t)(flags_and_offset >> 8);
    sample->original[7] = (uint8_t)flags_and_offset;
    set_ip_length(sample->original, sample->original_bytes);
    sample_reset(sample);
}

Test(tunnel, fragments_go_through_and_never_make_the_outer_header_one)
{
    static const uint16_t fields[] = {0x2000, 0x2010, 0x0010, 0x1fff};
    struct fixture fixture;
    fixture_create_like(&fixture, &plain);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        for (int outer = 0; outer < 2; outer++) {
            struct sample sample;
            sample_create(&sample, SHAPE_IPV4, 200);
            make_fragment(&sample, fields[i]);
            seal(&fixture, &sample, 0, families[outer]);
            if (families[outer] == 4)
                cr_assert_eq(word(packet_start(&sample.packet) + 6), 0);
            cr_assert_eq(open_it(&fixture, &sample), SP_DROP_NONE);
            cr_assert(sample_is_original(&sample));
            sample_destroy(&sample);
        }
    fixture_destroy(&fixture);
}

Test(tunnel, df_dscp_and_ecn_are_what_the_sa_says)
{
    static const struct {
        struct sp_tunnel tunnel;
        uint8_t traffic_class;
        uint16_t flags;
    } cases[] = {
        /* the sample has DF set and a traffic class of 0x2e */
        {{0}, 0x2e, 0x4000},
        {{.df = SP_TUNNEL_DF_SET}, 0x2e, 0x4000},
        {{.df = SP_TUNNEL_DF_CLEAR, .has_dscp = true, .dscp = 46}, 0xba, 0},
        {{.has_dscp = true, .has_no_ecn = true}, 0, 0x4000},
        {{.has_no_ecn = true}, 0x2c, 0x4000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct sp_sa_params like = {.mode = SP_MODE_TUNNEL, .tunnel = cases[i].tunnel};
        struct fixture fixture;
        struct sample sample;
        fixture_create_like(&fixture, &like);
        sample_create(&sample, SHAPE_IPV4, 20);
        seal(&fixture, &sample, 0, 4);
        cr_assert_eq(packet_start(&sample.packet)[1], cases[i].traffic_class);
        cr_assert_eq(word(packet_start(&sample.packet) + 6), cases[i].flags);
        cr_assert_eq(plain_checksum(packet_start(&sample.packet), 20), 0);
        sample_reset(&sample);
        seal(&fixture, &sample, 0, 6);
        cr_assert_eq((word(packet_start(&sample.packet)) >> 4 & 0xff), cases[i].traffic_class);
        sample_destroy(&sample);
        fixture_destroy(&fixture);
    }
}

Test(tunnel, congestion_on_the_way_is_marked_inside_or_costs_the_packet)
{
    static const struct {
        uint8_t inner, outer;
        enum sp_drop reason;
        uint8_t leaves;
    } cases[] = {{0, 0, SP_DROP_NONE, 0}, {0, 2, SP_DROP_NONE, 0}, {0, 3, SP_DROP_BAD_ECN, 0},
                 {2, 3, SP_DROP_NONE, 3}, {2, 0, SP_DROP_NONE, 2}, {1, 3, SP_DROP_NONE, 3},
                 {2, 1, SP_DROP_NONE, 1}, {3, 0, SP_DROP_NONE, 3}};
    struct fixture fixture;
    fixture_create_like(&fixture, &plain);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int outer = 0; outer < 2; outer++) {
            struct sample sample;
            sample_create(&sample, SHAPE_IPV4, 100);
            sample.original[1] = (uint8_t)(0xb8 | cases[i].inner);
            set_ip_length(sample.original, sample.original_bytes);
            sample_reset(&sample);
            seal(&fixture, &sample, 0, families[outer]);
            uint8_t *ip = packet_start(&sample.packet);
            if (families[outer] == 4) {
                ip[1] = (uint8_t)((ip[1] & 0xfc) | cases[i].outer);
                set_ip_length(ip, sample.packet.len_bytes);
            } else {
                ip[1] = (uint8_t)((ip[1] & 0xcf) | cases[i].outer << 4);
            }
            cr_assert_eq(open_it(&fixture, &sample), cases[i].reason);
            if (cases[i].reason == SP_DROP_NONE) {
                sample.original[1] = (uint8_t)(0xb8 | cases[i].leaves);
                set_ip_length(sample.original, sample.original_bytes);
                cr_assert(sample_is_original(&sample));
            } else {
                cr_assert_not(sample_holds_plaintext(&sample));
            }
            sample_destroy(&sample);
        }
    fixture_destroy(&fixture);
}

/* Opens what a peer with the key sent: text and then padding and trailer. */
static enum sp_drop open_forged(const struct fixture *fixture, struct sample *carrier, uint64_t sequence,
                                const uint8_t *text, uint32_t text_bytes, uint8_t next_header)
{
    uint8_t plaintext[512] = {0};
    uint32_t at = text_bytes;
    memcpy(plaintext, text, text_bytes);
    for (uint8_t pad = 1; (at + 2) % 8 != 0; pad++)
        plaintext[at++] = pad;
    plaintext[at] = (uint8_t)(at - text_bytes);
    plaintext[at + 1] = next_header;
    sample_forge(carrier, fixture_sa_pointer(fixture, fixture_sa(0, carrier->original[0] >> 4)), sequence,
                 plaintext, at + 2);
    /* the carrier's addresses are a host's; the tunnel's ends are others */
    uint8_t *ip = packet_start(&carrier->packet);
    const struct sp_sa *sa = fixture_sa_pointer(fixture, fixture_sa(0, carrier->original[0] >> 4));
    const bool is_ipv6 = ip[0] >> 4 == 6;
    const size_t address_bytes = is_ipv6 ? 16 : 4;
    memcpy(ip + (is_ipv6 ? 8 : 12), sa->source.bytes, address_bytes);
    memcpy(ip + (is_ipv6 ? 8 : 12) + address_bytes, sa->destination.bytes, address_bytes);
    set_ip_length(ip, carrier->packet.len_bytes);
    carrier->packet.verdict = SP_VERDICT_NONE;
    return open_it(fixture, carrier);
}

Test(tunnel, what_is_no_ip_packet_inside_is_refused_with_its_reason_and_wiped)
{
    struct fixture fixture;
    struct sample inner4, inner6, carrier;
    uint64_t sequence = 0;
    fixture_create_like(&fixture, &plain);
    sample_create(&inner4, SHAPE_IPV4, 60);
    sample_create(&inner6, SHAPE_IPV6, 60);
    for (int outer = 0; outer < 2; outer++, sequence = 0) {
        sample_create(&carrier, families[outer] == 4 ? SHAPE_IPV4 : SHAPE_IPV6, 400);
        memset(carrier.original + carrier.header_bytes, 0, 400); /* not to be taken for the inner one's */
        struct {
            const struct sample *inner;
            uint32_t text_bytes;
            uint8_t next_header;
            enum sp_drop reason;
        } cases[] = {
            {&inner4, inner4.original_bytes, 4, SP_DROP_NONE},
            {&inner6, inner6.original_bytes, 41, SP_DROP_NONE},
            /* the version isn't what the trailer says */
            {&inner4, inner4.original_bytes, 41, SP_DROP_BAD_INNER},
            {&inner6, inner6.original_bytes, 4, SP_DROP_BAD_INNER},
            /* cut off, and nothing at all */
            {&inner4, inner4.original_bytes - 1, 4, SP_DROP_BAD_INNER},
            {&inner6, inner6.original_bytes - 1, 41, SP_DROP_BAD_INNER},
            {&inner4, 19, 4, SP_DROP_BAD_INNER},
            {&inner6, 39, 41, SP_DROP_BAD_INNER},
            {&inner4, 0, 4, SP_DROP_BAD_INNER},
            {&inner6, 0, 41, SP_DROP_BAD_INNER},
            /* what transport mode carries, options, and a dummy */
            {&inner4, inner4.original_bytes, 6, SP_DROP_BAD_NEXT_HEADER},
            {&inner4, inner4.original_bytes, 17, SP_DROP_BAD_NEXT_HEADER},
            {&inner4, inner4.original_bytes, 0, SP_DROP_BAD_NEXT_HEADER},
            {&inner4, inner4.original_bytes, 50, SP_DROP_BAD_NEXT_HEADER},
            {&inner4, inner4.original_bytes, 59, SP_DROP_DUMMY},
        };
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            const struct sample *inner = cases[i].inner;
            enum sp_drop reason = open_forged(&fixture, &carrier, ++sequence, inner->original,
                                              cases[i].text_bytes, cases[i].next_header);
            cr_assert_eq(reason, cases[i].reason, "case %zu: %s", i, sp_drop_id(reason));
            if (reason == SP_DROP_NONE) {
                cr_assert_eq(carrier.packet.len_bytes, inner->original_bytes);
                cr_assert_arr_eq(packet_start(&carrier.packet), inner->original, inner->original_bytes);
            } else {
                for (uint32_t at = inner->header_bytes; at + 8 <= cases[i].text_bytes; at++)
                    cr_assert_null(
                        memmem(carrier.memory, carrier.packet.capacity_bytes, inner->original + at, 8));
            }
        }
        sample_destroy(&carrier);
    }
    sample_destroy(&inner4);
    sample_destroy(&inner6);
    fixture_destroy(&fixture);
}

Test(tunnel, padding_behind_the_inner_packet_that_hides_its_length_is_taken_off)
{
    struct fixture fixture;
    struct sample inner, carrier;
    uint8_t text[400];
    fixture_create_like(&fixture, &plain);
    sample_create(&inner, SHAPE_IPV6, 60);
    sample_create(&carrier, SHAPE_IPV4, 500);
    memset(text, 0x77, sizeof text);
    memcpy(text, inner.original, inner.original_bytes);
    cr_assert_eq(open_forged(&fixture, &carrier, 1, text, sizeof text, 41), SP_DROP_NONE);
    cr_assert_eq(carrier.packet.len_bytes, inner.original_bytes);
    cr_assert_arr_eq(packet_start(&carrier.packet), inner.original, inner.original_bytes);
    sample_destroy(&carrier);
    sample_destroy(&inner);
    fixture_destroy(&fixture);
}

Test(tunnel, an_inner_ipv4_header_with_a_wrong_checksum_is_refused)
{
    struct fixture fixture;
    struct sample inner, carrier;
    fixture_create_like(&fixture, &plain);
    sample_create(&inner, SHAPE_IPV4, 60);
    sample_create(&carrier, SHAPE_IPV6, 400);
    inner.original[10] ^= 1;
    cr_assert_eq(open_forged(&fixture, &carrier, 1, inner.original, inner.original_bytes, 4),
                 SP_DROP_BAD_INNER);
    sample_destroy(&carrier);
    sample_destroy(&inner);
    fixture_destroy(&fixture);
}

/* How far the headroom reaches, by suite, outer family and encapsulation. */
static void check_headroom(const struct sp_sa_params *like, uint32_t udp_bytes)
{
    struct fixture fixture;
    fixture_create_like(&fixture, like);
    for (int suite = 0; suite < SUITES; suite++)
        for (int outer = 0; outer < 2; outer++) {
            const uint32_t wanted = OUTER_BYTES(families[outer]) + udp_bytes + fixture_front_bytes(suite);
            cr_assert_leq(wanted, SP_PACKET_HEADROOM_BYTES);
            for (uint32_t room = wanted - 1; room <= wanted; room++) {
                struct sample sample;
                sample_create(&sample, SHAPE_IPV6, 100);
                sample.packet.buffer += sample.packet.head_bytes - room;
                sample.packet.capacity_bytes -= sample.packet.head_bytes - room;
                sample.packet.head_bytes = room;
                sample.packet.sa = fixture_sa(suite, families[outer]);
                sp_esp_seal(fixture.esp, &sample.packet, 1);
                cr_assert_eq(sample.packet.reason, room < wanted ? SP_DROP_NO_ROOM : SP_DROP_NONE);
                cr_assert(room == wanted || sample_is_original(&sample));
                sample_destroy(&sample);
            }
        }
    fixture_destroy(&fixture);
}

Test(tunnel, headroom_has_to_hold_outer_header_udp_esp_and_iv_and_no_byte_more)
{
    struct sp_sa_params like = plain;
    check_headroom(&like, 0);
    like.encap = usual_ports;
    check_headroom(&like, 8);
}

Test(tunnel, a_packet_that_would_pass_65535_bytes_is_too_long_and_one_byte_earlier_is_not)
{
    struct fixture fixture;
    fixture_create_like(&fixture, &plain);
    for (int outer = 0; outer < 2; outer++) {
        /* null encryption: 8 + 12 bytes of ESP, alignment to 4 */
        const uint32_t most_bytes = (65535u - OUTER_BYTES(families[outer]) - 20) / 4 * 4 - 2;
        for (uint32_t bytes = most_bytes; bytes <= most_bytes + 1; bytes++) {
            struct sample sample;
            sample_create(&sample, SHAPE_IPV4, bytes - 20);
            sample.packet.sa = fixture_sa(3, families[outer]);
            sp_esp_seal(fixture.esp, &sample.packet, 1);
            cr_assert_eq(sample.packet.reason, bytes == most_bytes ? SP_DROP_NONE : SP_DROP_TOO_LONG);
            sample_destroy(&sample);
        }
    }
    fixture_destroy(&fixture);
}

Test(tunnel, identifications_of_outer_ipv4_headers_differ_for_65536_packets)
{
    static uint8_t seen[65536];
    struct fixture fixture;
    struct sample sample;
    fixture_create_like(&fixture, &plain);
    sample_create(&sample, SHAPE_IPV4, 8);
    for (int i = 0; i < 65536; i++) {
        sample_reset(&sample);
        seal(&fixture, &sample, 3, 4);
        cr_assert_eq(seen[word(packet_start(&sample.packet) + 4)]++, 0);
    }
    sample_destroy(&sample);
    fixture_destroy(&fixture);
}

Test(tunnel, an_outer_packet_from_elsewhere_finds_no_sa_and_a_wrong_carrier_is_refused)
{
    struct sp_sa_params like = plain;
    struct fixture fixture, in_udp;
    struct sample sample;
    fixture_create_like(&fixture, &like);
    like.encap = usual_ports;
    fixture_create_like(&in_udp, &like);
    sample_create(&sample, SHAPE_IPV4, 100);
    seal(&fixture, &sample, 0, 4);
    cr_assert_eq(open_it(&in_udp, &sample), SP_DROP_ENCAP);
    sample_reset(&sample);
    seal(&fixture, &sample, 0, 4);
    uint8_t *ip = packet_start(&sample.packet);
    ip[15] = 77;
    set_ip_length(ip, sample.packet.len_bytes);
    cr_assert_eq(open_it(&fixture, &sample), SP_DROP_UNKNOWN_SPI);
    sample_destroy(&sample);
    fixture_destroy(&in_udp);
    fixture_destroy(&fixture);
}

/* An SA of one mode, a packet of the other, everything else the same. */
Test(tunnel, the_modes_do_not_open_each_other_s_packets)
{
    struct sp_sa_params params = {.spi = 0x4242,
                                  .source = {4, {192, 0, 2, 1}},
                                  .destination = {4, {198, 51, 100, 2}},
                                  .encryption = SP_ENCRYPTION_NULL,
                                  .integrity = SP_INTEGRITY_HMAC_SHA1_96,
                                  .integrity_key = (const uint8_t *)"20 bytes of HMAC key",
                                  .integrity_key_bytes = 20};
    for (int i = 0; i < 2; i++) {
        struct fixture ends[2];
        uint32_t numbers[2];
        struct sample sample;
        for (int end = 0; end < 2; end++) {
            params.mode = end == i ? SP_MODE_TUNNEL : SP_MODE_TRANSPORT;
            fixture_create(&ends[end]);
            cr_assert_eq(sp_sad_add(ends[end].sad, &params, &numbers[end], NULL), SP_OK);
        }
        sample_create(&sample, SHAPE_IPV4, 100);
        sample.packet.sa = numbers[0];
        sp_esp_seal(ends[0].esp, &sample.packet, 1);
        cr_assert_eq(sample.packet.verdict, SP_VERDICT_SEALED);
        sample.packet.verdict = SP_VERDICT_NONE;
        cr_assert_eq(open_it(&ends[1], &sample), SP_DROP_BAD_NEXT_HEADER);
        cr_assert_not(sample_holds_plaintext(&sample));
        sample_destroy(&sample);
        for (int end = 0; end < 2; end++)
            fixture_destroy(&ends[end]);
    }
}
