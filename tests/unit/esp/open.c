/* SPDX-License-Identifier: ISC
 *
 * Opening: what was sealed comes back, and nothing else does.
 */
#include "unit/esp/fixture.h"

#include <criterion/criterion.h>

#include <string.h>

static struct fixture fixture;

static void setup(void)
{
    fixture_create(&fixture);
}

static void teardown(void)
{
    fixture_destroy(&fixture);
}

TestSuite(open, .init = setup, .fini = teardown);

static void seal(struct sample *sample, int suite)
{
    sample->packet.sa = fixture_sa(suite, (uint8_t)(sample->original[0] >> 4));
    sp_esp_seal(fixture.esp, &sample->packet, 1);
    cr_assert_eq(sample->packet.verdict, SP_VERDICT_SEALED, "%s", sp_drop_id(sample->packet.reason));
    sample->packet.verdict = SP_VERDICT_NONE;
    sample->packet.sa = SP_NO_SA;
}

static void open_one(struct sample *sample)
{
    sp_esp_open(fixture.esp, &sample->packet, 1);
}

static void assert_opened(const struct sample *sample, int suite)
{
    cr_assert_eq(sample->packet.verdict, SP_VERDICT_OPENED, "%s: %s", fixture_suite_name(suite),
                 sp_drop_id(sample->packet.reason));
    cr_assert_eq(sample->packet.reason, SP_DROP_NONE);
    cr_assert(sample_is_original(sample), "%s: other bytes came back", fixture_suite_name(suite));
    cr_assert_eq(sample->packet.sa, fixture_sa(suite, (uint8_t)(sample->original[0] >> 4)));
    cr_assert_eq(sample->packet.head_bytes, 128u);
    cr_assert_eq(sample->packet.rule, 7u);
}

static void assert_dropped(const struct sample *sample, enum sp_drop reason)
{
    cr_assert_eq(sample->packet.verdict, SP_VERDICT_DROP);
    cr_assert_eq(sample->packet.reason, reason, "%s instead of %s", sp_drop_id(sample->packet.reason),
                 sp_drop_id(reason));
    cr_assert_not(sample_holds_plaintext(sample), "plaintext left in the buffer");
}

Test(open, what_was_sealed_comes_back_for_every_suite_shape_and_payload_length_to_1480)
{
    for (int suite = 0; suite < SUITES; suite++)
        for (enum shape shape = 0; shape < SHAPE_COUNT; shape++)
            for (uint32_t bytes = 0; bytes <= 1480; bytes++) {
                struct sample sample;
                sample_create(&sample, shape, bytes);
                seal(&sample, suite);
                open_one(&sample);
                assert_opened(&sample, suite);
                sample_destroy(&sample);
            }
}

Test(open, a_long_mixed_burst_comes_back_whole_and_in_order)
{
    enum { PACKETS = 1000 };
    static struct sample samples[PACKETS];
    static struct sp_packet packets[PACKETS];
    for (int i = 0; i < PACKETS; i++) {
        enum shape shape = (enum shape)(i % SHAPE_COUNT);
        sample_create(&samples[i], shape, 1 + (uint32_t)(i * 37 % 1400));
        packets[i] = samples[i].packet;
        packets[i].sa = fixture_sa(i % SUITES, shape_family(shape));
        packets[i].user = &samples[i];
    }
    sp_esp_seal(fixture.esp, packets, PACKETS);
    for (int i = 0; i < PACKETS; i++) {
        cr_assert_eq(packets[i].verdict, SP_VERDICT_SEALED);
        packets[i].verdict = SP_VERDICT_NONE;
    }
    sp_esp_open(fixture.esp, packets, PACKETS);
    for (int i = 0; i < PACKETS; i++) {
        samples[i].packet = packets[i];
        cr_assert_eq(packets[i].user, &samples[i]);
        assert_opened(&samples[i], i % SUITES);
        sample_destroy(&samples[i]);
    }
}

/* What a receiver must say to a sealed packet with this bit turned. Bits of the IPv6 header that ESP doesn't
 * cover and routers may change are the one exception: SP_DROP_NONE. */
static enum sp_drop expected_for_bit(const struct sample *sample, uint32_t bit)
{
    uint32_t at = bit / 8;
    bool is_ipv6 = sample->original[0] >> 4 == 6;
    if (at >= sample->header_bytes)
        return at < sample->header_bytes + 4 ? SP_DROP_UNKNOWN_SPI : SP_DROP_BAD_ICV;
    if (!is_ipv6)
        return SP_DROP_MALFORMED; /* the header checksum covers all of it */
    if (at == 0)
        return bit < 4 ? SP_DROP_MALFORMED : SP_DROP_NONE;
    if (at < 4 || at == 7)
        return SP_DROP_NONE; /* traffic class, flow label, hop limit */
    if (at >= 8)
        return SP_DROP_UNKNOWN_SPI;
    return SP_DROP_COUNT; /* length and next header: one of several */
}

/* Only the way to GCM's ICV leads over the text; what it leaves must be nothing at all. */
static void expect_text_wiped(const struct sample *sample)
{
    const uint8_t *ip = packet_start(&sample->packet);
    uint32_t total_bytes = ip[0] >> 4 == 6 ? 40u + (ip[4] * 256u + ip[5]) : ip[2] * 256u + ip[3];
    for (uint32_t at = sample->header_bytes + 16; at < total_bytes - 16; at++)
        cr_assert_eq(ip[at], 0);
}

static void flip_and_open(struct sample *sample, const struct sp_packet *sealed, const uint8_t *bytes,
                          uint32_t bit, int suite)
{
    uint8_t *ip = packet_start(sealed);
    sample->packet = *sealed;
    memcpy(ip, bytes, sealed->len_bytes);
    ip[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
    uint8_t flipped = ip[bit / 8];

    open_one(sample);
    enum sp_drop expected = expected_for_bit(sample, bit);
    if (expected == SP_DROP_NONE) {
        cr_assert_eq(sample->packet.verdict, SP_VERDICT_OPENED, "bit %u", bit);
        return;
    }
    cr_assert_eq(sample->packet.verdict, SP_VERDICT_DROP, "bit %u", bit);
    if (expected != SP_DROP_COUNT)
        cr_assert_eq(sample->packet.reason, expected, "bit %u: %s", bit, sp_drop_id(sample->packet.reason));
    if (sample->packet.reason == SP_DROP_BAD_ICV && fixture_is_combined(suite)) {
        expect_text_wiped(sample);
        return;
    }
    cr_assert_eq(ip[bit / 8], flipped);
    ip[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
    cr_assert_eq(memcmp(ip, bytes, sealed->len_bytes), 0, "bit %u: bytes were written", bit);
}

static void flip_every_bit(int suite, enum shape shape, uint32_t payload_bytes)
{
    struct sample sample;
    static uint8_t bytes[2048];
    sample_create(&sample, shape, payload_bytes);
    struct sp_sa *sa = fixture_sa_pointer(&fixture, fixture_sa(suite, shape_family(shape)));
    seal(&sample, suite);
    struct sp_packet sealed = sample.packet;
    memcpy(bytes, packet_start(&sealed), sealed.len_bytes);
    for (uint32_t bit = 0; bit < sealed.len_bytes * 8; bit++) {
        sp_replay_init(&sa->replay, 64); /* the packets that open must not make replays of the others */
        flip_and_open(&sample, &sealed, bytes, bit, suite);
    }
    sample_destroy(&sample);
}

Test(open, every_single_bit_flip_of_a_sealed_packet_is_dropped_with_the_right_reason_and_nothing_written)
{
    for (int suite = 0; suite < SUITES; suite++)
        for (enum shape shape = SHAPE_IPV4; shape <= SHAPE_IPV6; shape++) {
            fixture_sa_pointer(&fixture, fixture_sa(suite, shape_family(shape)))->sequence_sent = 0x01000000;
            flip_every_bit(suite, shape, 61);
        }
}

Test(open, every_truncation_of_a_sealed_packet_is_malformed)
{
    for (int suite = 0; suite < SUITES; suite++)
        for (enum shape shape = 0; shape < SHAPE_COUNT; shape++) {
            struct sample sample;
            sample_create(&sample, shape, 50);
            seal(&sample, suite);
            struct sp_packet sealed = sample.packet;
            for (uint32_t len_bytes = 0; len_bytes < sealed.len_bytes; len_bytes++) {
                sample.packet = sealed;
                sample.packet.len_bytes = len_bytes;
                open_one(&sample);
                cr_assert_eq(sample.packet.reason, SP_DROP_MALFORMED);
            }
            sample.packet = sealed;
            open_one(&sample);
            assert_opened(&sample, suite);
            sample_destroy(&sample);
        }
}

/* The cleverer truncation: the IP header agrees. Lengths that are whole blocks get as far as the ICV. */
static enum sp_drop expected_for_length(int suite, uint32_t esp_bytes)
{
    uint32_t fixed = fixture_front_bytes(suite) + fixture_icv_bytes(suite);
    uint32_t align = fixture_align_bytes(suite);
    if (esp_bytes < fixed + align || (esp_bytes - fixed) % align != 0)
        return SP_DROP_BAD_LENGTH;
    return SP_DROP_BAD_ICV;
}

Test(open, every_truncation_with_a_mended_ip_header_is_a_bad_length_or_a_bad_icv)
{
    for (int suite = 0; suite < SUITES; suite++)
        for (enum shape shape = SHAPE_IPV4; shape <= SHAPE_IPV6; shape++) {
            struct sample sample;
            sample_create(&sample, shape, 50);
            seal(&sample, suite);
            struct sp_packet sealed = sample.packet;
            uint8_t bytes[256];
            memcpy(bytes, packet_start(&sealed), sealed.len_bytes);
            for (uint32_t esp_bytes = 1; esp_bytes < sealed.len_bytes - sample.header_bytes; esp_bytes++) {
                sample.packet = sealed;
                sample.packet.len_bytes = sample.header_bytes + esp_bytes;
                memcpy(packet_start(&sealed), bytes, sealed.len_bytes);
                set_ip_length(packet_start(&sample.packet), sample.packet.len_bytes);
                open_one(&sample);
                cr_assert_eq(sample.packet.verdict, SP_VERDICT_DROP);
                cr_assert_eq(sample.packet.reason, expected_for_length(suite, esp_bytes), "%s %u: %s",
                             fixture_suite_name(suite), esp_bytes, sp_drop_id(sample.packet.reason));
            }
            sample_destroy(&sample);
        }
}

Test(open, link_padding_behind_the_packet_is_cut_off)
{
    struct sample sample;
    sample_create(&sample, SHAPE_IPV4, 3);
    seal(&sample, 0);
    sample.packet.len_bytes += 10;
    open_one(&sample);
    assert_opened(&sample, 0);
    sample_destroy(&sample);
}

Test(open, the_same_packet_again_is_a_replay_and_stays_sealed)
{
    struct sample sample;
    sample_create(&sample, SHAPE_IPV4, 64);
    seal(&sample, 0);
    struct sp_packet sealed = sample.packet;
    uint8_t copy[256];
    memcpy(copy, packet_start(&sealed), sealed.len_bytes);
    open_one(&sample);
    assert_opened(&sample, 0);
    memset(sample.memory, 0, sample.packet.capacity_bytes);
    memcpy(packet_start(&sealed), copy, sealed.len_bytes);
    sample.packet = sealed;
    open_one(&sample);
    assert_dropped(&sample, SP_DROP_REPLAY);
    cr_assert_eq(memcmp(packet_start(&sealed), copy, sealed.len_bytes), 0);
    sample_destroy(&sample);
}

Test(open, a_replay_is_told_before_its_icv_is_looked_at)
{
    struct sample sample;
    sample_create(&sample, SHAPE_IPV4, 64);
    seal(&sample, 0);
    open_one(&sample);
    assert_opened(&sample, 0);
    fixture_sa_pointer(&fixture, 0)->sequence_sent = 0;
    sample_reset(&sample);
    seal(&sample, 0);
    packet_start(&sample.packet)[sample.packet.len_bytes - 1] ^= 1;
    open_one(&sample);
    assert_dropped(&sample, SP_DROP_REPLAY);
    sample_destroy(&sample);
}

Test(open, a_number_twice_in_one_burst_passes_once)
{
    struct sample samples[2];
    struct sp_packet packets[2];
    for (int i = 0; i < 2; i++) {
        sample_create(&samples[i], SHAPE_IPV4, 64);
        fixture_sa_pointer(&fixture, 0)->sequence_sent = 41;
        seal(&samples[i], 0);
        packets[i] = samples[i].packet;
    }
    sp_esp_open(fixture.esp, packets, 2);
    cr_assert_eq(packets[0].verdict, SP_VERDICT_OPENED);
    cr_assert_eq(packets[1].reason, SP_DROP_REPLAY);
    samples[1].packet = packets[1];
    assert_dropped(&samples[1], SP_DROP_REPLAY);
    for (int i = 0; i < 2; i++)
        sample_destroy(&samples[i]);
}

Test(open, a_forged_number_does_not_move_the_window_or_spend_lifetime)
{
    struct sample sample;
    struct sp_sa *sa = fixture_sa_pointer(&fixture, 0);
    sample_create(&sample, SHAPE_IPV4, 64);
    seal(&sample, 0);
    uint64_t bytes = sa->bytes;
    packet_start(&sample.packet)[24] = 0xff; /* far ahead */
    open_one(&sample);
    assert_dropped(&sample, SP_DROP_BAD_ICV);
    cr_assert_eq(sa->replay.highest, 0u);
    cr_assert_eq(sa->bytes, bytes);
    sample_destroy(&sample);
}

Test(open, packets_may_come_out_of_order_within_the_window_only)
{
    enum { PACKETS = 66 };
    struct sample samples[PACKETS];
    for (int i = 0; i < PACKETS; i++) {
        sample_create(&samples[i], SHAPE_IPV4, 64);
        seal(&samples[i], 0);
    }
    for (int i = PACKETS - 1; i >= 0; i--) {
        open_one(&samples[i]);
        if (i >= PACKETS - 64)
            assert_opened(&samples[i], 0);
        else
            assert_dropped(&samples[i], SP_DROP_REPLAY);
        sample_destroy(&samples[i]);
    }
}

/* Opens a packet of the first SA that a keyed peer made around this plaintext. */
static void forge_and_open(struct sample *sample, int suite, const uint8_t *plaintext, uint32_t bytes)
{
    static uint32_t sequence;
    const struct sp_sa *sa = fixture_sa_pointer(&fixture, fixture_sa(suite, 4));
    sample_forge(sample, sa, ++sequence, plaintext, bytes);
    open_one(sample);
}

static void assert_wiped(const struct sample *sample, int suite, uint32_t plaintext_bytes)
{
    const uint8_t *at = packet_start(&sample->packet) + sample->header_bytes + fixture_front_bytes(suite);
    for (uint32_t i = 0; i < plaintext_bytes; i++)
        cr_assert_eq(at[i], 0);
}

Test(open, padding_that_is_not_1_2_3_is_dropped_and_wiped_although_the_icv_is_right)
{
    struct sample sample;
    sample_create(&sample, SHAPE_IPV4, 64);
    for (int suite = 0; suite < SUITES; suite++)
        for (uint32_t wrong = 0; wrong < 14; wrong++) {
            uint8_t text[64];
            memcpy(text, sample.original + 20, 48);
            for (uint8_t i = 0; i < 14; i++)
                text[48 + i] = (uint8_t)(i + 1);
            text[62] = 14;
            text[63] = PROTOCOL_TEST;
            text[48 + wrong] ^= 0x40;
            forge_and_open(&sample, suite, text, sizeof text);
            assert_dropped(&sample, SP_DROP_BAD_PADDING);
            assert_wiped(&sample, suite, sizeof text);
            text[48 + wrong] ^= 0x40;
            forge_and_open(&sample, suite, text, sizeof text);
            cr_assert_eq(sample.packet.verdict, SP_VERDICT_OPENED);
            cr_assert_eq(sample.packet.len_bytes, 20u + 48);
        }
    sample_destroy(&sample);
}

Test(open, padding_longer_than_the_payload_is_dropped_and_wiped)
{
    struct sample sample;
    uint8_t text[64];
    sample_create(&sample, SHAPE_IPV4, 64);
    for (unsigned pad_bytes = 0; pad_bytes < 256; pad_bytes++) {
        for (unsigned i = 0; i < 62; i++)
            text[i] = (uint8_t)(pad_bytes >= 62 - i ? pad_bytes - (61 - i) : 0x77);
        text[62] = (uint8_t)pad_bytes;
        text[63] = PROTOCOL_TEST;
        forge_and_open(&sample, 0, text, sizeof text);
        if (pad_bytes <= 62) {
            cr_assert_eq(sample.packet.verdict, SP_VERDICT_OPENED, "%u", pad_bytes);
            cr_assert_eq(sample.packet.len_bytes, 20 + 62 - pad_bytes);
            continue;
        }
        assert_dropped(&sample, SP_DROP_BAD_PADDING);
        assert_wiped(&sample, 0, sizeof text);
    }
    sample_destroy(&sample);
}

Test(open, next_headers_that_transport_mode_does_not_carry_are_dropped_and_wiped)
{
    struct sample sample;
    uint8_t text[64];
    sample_create(&sample, SHAPE_IPV4, 64);
    memcpy(text, sample.original + 20, 62);
    text[62] = 0;
    for (unsigned next = 0; next < 256; next++) {
        text[63] = (uint8_t)next;
        forge_and_open(&sample, 0, text, sizeof text);
        bool is_bad = next == 0 || next == 4 || next == 41 || next == 43 || next == 44;
        if (is_bad || next == 59) {
            assert_dropped(&sample, is_bad ? SP_DROP_BAD_NEXT_HEADER : SP_DROP_DUMMY);
            assert_wiped(&sample, 0, sizeof text);
            continue;
        }
        cr_assert_eq(sample.packet.verdict, SP_VERDICT_OPENED, "%u", next);
        cr_assert_eq(packet_start(&sample.packet)[9], next);
        cr_assert_eq(plain_checksum(packet_start(&sample.packet), 20), 0);
    }
    sample_destroy(&sample);
}

Test(open, an_esp_packet_too_short_for_its_header_is_a_bad_length)
{
    for (uint32_t bytes = 0; bytes < 8; bytes++) {
        struct sample sample;
        sample_create(&sample, SHAPE_IPV4, bytes);
        packet_start(&sample.packet)[9] = 50;
        set_ip_length(packet_start(&sample.packet), sample.original_bytes);
        open_one(&sample);
        cr_assert_eq(sample.packet.reason, SP_DROP_BAD_LENGTH);
        sample_destroy(&sample);
    }
}

Test(open, reserved_and_unknown_spis_are_dropped)
{
    struct sample sample;
    sample_create(&sample, SHAPE_IPV4, 64);
    for (uint32_t spi = 0; spi < 258; spi++) {
        sample_reset(&sample);
        seal(&sample, 0);
        uint8_t *at = packet_start(&sample.packet) + 20;
        at[2] = (uint8_t)(spi >> 8);
        at[3] = (uint8_t)spi;
        open_one(&sample);
        assert_dropped(&sample, SP_DROP_UNKNOWN_SPI);
        cr_assert_eq(sample.packet.sa, SP_NO_SA);
    }
    sample_destroy(&sample);
}

Test(open, esp_fragments_and_clear_text_are_dropped)
{
    struct sample sample;
    sample_create(&sample, SHAPE_IPV4, 64);
    seal(&sample, 0);
    packet_start(&sample.packet)[6] = 0x20;
    set_ip_length(packet_start(&sample.packet), sample.packet.len_bytes);
    open_one(&sample);
    assert_dropped(&sample, SP_DROP_FRAGMENT);

    sample_reset(&sample);
    open_one(&sample);
    cr_assert_eq(sample.packet.reason, SP_DROP_CLEAR_TEXT);
    cr_assert(sample_is_original(&sample));
    sample_destroy(&sample);
}

Test(open, destination_options_before_esp_are_stepped_over)
{
    static const uint8_t options[8] = {50, 0, 1, 4, 0, 0, 0, 0};
    struct sample sample;
    sample_create(&sample, SHAPE_IPV6, 64);
    seal(&sample, 0);
    uint8_t *ip = packet_start(&sample.packet);
    memmove(ip - 8, ip, 40);
    memcpy(ip + 32, options, 8);
    ip[-2] = 60;
    sample.packet.head_bytes -= 8;
    sample.packet.len_bytes += 8;
    set_ip_length(ip - 8, sample.packet.len_bytes);
    open_one(&sample);
    cr_assert_eq(sample.packet.verdict, SP_VERDICT_OPENED, "%s", sp_drop_id(sample.packet.reason));
    ip = packet_start(&sample.packet);
    cr_assert_eq(ip[6], 60);
    cr_assert_eq(ip[40], PROTOCOL_TEST);
    cr_assert_eq(memcmp(ip + 48, sample.original + 40, 64), 0);
    sample_destroy(&sample);
}

Test(open, a_dead_sa_opens_nothing_and_says_why)
{
    const struct sp_lifetime lifetime = {.hard_bytes = 1000, .hard_packets = 3};
    struct sample samples[2];
    sp_sa_tighten_lifetime(fixture_sa_pointer(&fixture, 0), &lifetime);
    for (int i = 0; i < 2; i++) {
        sample_create(&samples[i], SHAPE_IPV4, 64);
        seal(&samples[i], 0);
    }
    open_one(&samples[0]);
    assert_opened(&samples[0], 0);
    open_one(&samples[1]);
    assert_dropped(&samples[1], SP_DROP_HARD_PACKETS);
    cr_assert_eq(fixture_sa_pointer(&fixture, 0)->replay.highest, 1u, "a dead SA's window moved");
    for (int i = 0; i < 2; i++)
        sample_destroy(&samples[i]);
}

Test(open, a_burst_that_meets_a_limit_delivers_exactly_what_fits)
{
    enum { PACKETS = 20 };
    struct sample samples[PACKETS];
    struct sp_packet packets[PACKETS];
    struct sp_sa *sa = fixture_sa_pointer(&fixture, 0);
    for (int i = 0; i < PACKETS; i++) {
        sample_create(&samples[i], SHAPE_IPV4, 16); /* 24 bytes of ciphertext */
        seal(&samples[i], i == 3 ? 1 : 0);
        packets[i] = samples[i].packet;
    }
    uint64_t sealed_bytes = sa->bytes, sealed_packets = sa->packets;
    const struct sp_lifetime lifetime = {.hard_bytes = sealed_bytes + 24 * 7 + 23};
    sp_sa_tighten_lifetime(sa, &lifetime);
    sp_esp_open(fixture.esp, packets, PACKETS);
    for (int i = 0; i < PACKETS; i++) {
        cr_assert_eq(packets[i].reason, i < 8 ? SP_DROP_NONE : SP_DROP_HARD_BYTES, "packet %d", i);
        sample_destroy(&samples[i]);
    }
    cr_assert_eq(sa->bytes, sealed_bytes + 24 * 7);
    cr_assert_eq(sa->packets, sealed_packets + 7);
}

Test(open, packets_with_a_verdict_are_left_alone)
{
    struct sample sample;
    sample_create(&sample, SHAPE_IPV4, 40);
    seal(&sample, 0);
    sample.packet.verdict = SP_VERDICT_BYPASS;
    open_one(&sample);
    cr_assert_eq(sample.packet.verdict, SP_VERDICT_BYPASS);
    cr_assert_eq(packet_start(&sample.packet)[9], 50);
    sample_destroy(&sample);
}

Test(open, a_gcm_packet_twice_in_one_burst_passes_once_and_the_other_is_wiped)
{
    enum { GCM = 6 };
    struct sample first, second;
    sample_create(&first, SHAPE_IPV4, 300);
    sample_create(&second, SHAPE_IPV4, 300);
    cr_assert(fixture_is_combined(GCM));
    seal(&first, GCM);
    memcpy(second.memory, first.memory, first.packet.capacity_bytes);
    struct sp_packet packets[2] = {first.packet, first.packet};
    packets[1].buffer = second.memory;
    sp_esp_open(fixture.esp, packets, 2);
    first.packet = packets[0];
    second.packet = packets[1];
    assert_opened(&first, GCM);
    assert_dropped(&second, SP_DROP_REPLAY);
    expect_text_wiped(&second);
    sample_destroy(&first);
    sample_destroy(&second);
}

Test(open, a_gcm_packet_past_a_hard_limit_is_wiped)
{
    enum { GCM = 7 };
    struct sample sample;
    struct sp_sa *sa = fixture_sa_pointer(&fixture, fixture_sa(GCM, 4));
    sample_create(&sample, SHAPE_IPV4, 300);
    seal(&sample, GCM);
    sa->limits.hard_bytes = sa->bytes + 1; /* too little for a second packet */
    open_one(&sample);
    assert_dropped(&sample, SP_DROP_HARD_BYTES);
    expect_text_wiped(&sample);
    sample_destroy(&sample);
}
