/* SPDX-License-Identifier: ISC
 *
 * What sealing writes, and when it writes nothing.
 */
#include "core/clock.h"
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

TestSuite(seal, .init = setup, .fini = teardown);

static uint32_t read_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void seal(struct sample *sample, uint32_t number)
{
    sample->packet.sa = number;
    sp_esp_seal(fixture.esp, &sample->packet, 1);
}

static void assert_sealed(const struct sample *sample)
{
    cr_assert_eq(sample->packet.verdict, SP_VERDICT_SEALED, "%s", sp_drop_id(sample->packet.reason));
    cr_assert_eq(sample->packet.reason, SP_DROP_NONE);
}

/* Seals and expects a drop that leaves every byte and every place of the packet alone. */
static void assert_refused(struct sample *sample, uint32_t number, enum sp_drop reason)
{
    struct sp_packet before = sample->packet;
    uint8_t *copy = malloc(before.capacity_bytes);
    memcpy(copy, before.buffer, before.capacity_bytes);
    seal(sample, number);
    cr_assert_eq(sample->packet.verdict, SP_VERDICT_DROP);
    cr_assert_eq(sample->packet.reason, reason, "%s", sp_drop_id(sample->packet.reason));
    cr_assert_eq(sample->packet.head_bytes, before.head_bytes);
    cr_assert_eq(sample->packet.len_bytes, before.len_bytes);
    cr_assert_eq(memcmp(copy, before.buffer, before.capacity_bytes), 0, "bytes changed");
    free(copy);
}

static void check_ip_header(const struct sample *sample)
{
    const uint8_t *ip = packet_start(&sample->packet);
    uint32_t len_bytes = sample->packet.len_bytes;
    if (ip[0] >> 4 == 4) {
        cr_assert_eq((uint32_t)(ip[2] << 8 | ip[3]), len_bytes);
        cr_assert_eq(ip[9], 50);
        cr_assert_eq(plain_checksum(ip, sample->header_bytes), 0);
        cr_assert_eq(memcmp(ip + 4, sample->original + 4, 5), 0, "id, flags and TTL are to stay");
        cr_assert_eq(memcmp(ip + 12, sample->original + 12, sample->header_bytes - 12), 0);
        return;
    }
    cr_assert_eq((uint32_t)(ip[4] << 8 | ip[5]), len_bytes - 40);
    cr_assert_eq(memcmp(ip, sample->original, 4), 0);
    cr_assert_eq(memcmp(ip + 7, sample->original + 7, 33), 0);
    cr_assert_eq(ip[sample->header_bytes == 40 ? 6 : 56], 50);
}

/* Only null encryption lets one look at the trailer from outside. */
static void check_clear_payload(const struct sample *sample, uint32_t cipher_bytes)
{
    const uint8_t *payload = packet_start(&sample->packet) + sample->header_bytes + 8;
    uint32_t payload_bytes = sample->original_bytes - sample->header_bytes;
    uint32_t pad_bytes = cipher_bytes - payload_bytes - 2;
    cr_assert_eq(memcmp(payload, sample->original + sample->header_bytes, payload_bytes), 0);
    for (uint32_t i = 0; i < pad_bytes; i++)
        cr_assert_eq(payload[payload_bytes + i], i + 1);
    cr_assert_eq(payload[cipher_bytes - 2], pad_bytes);
    cr_assert_eq(payload[cipher_bytes - 1], PROTOCOL_TEST);
}

static void check_sealed(const struct sample *sample, int suite, uint32_t sequence)
{
    const uint8_t *esp = packet_start(&sample->packet) + sample->header_bytes;
    uint32_t payload_bytes = sample->original_bytes - sample->header_bytes;
    uint32_t align = fixture_align_bytes(suite);
    uint32_t cipher_bytes = (payload_bytes + 2 + align - 1) / align * align;

    assert_sealed(sample);
    cr_assert_eq(sample->packet.rule, 7u);
    check_ip_header(sample);
    cr_assert_eq(read_u32(esp), 0x1000u + 0x11u * (uint32_t)suite);
    cr_assert_eq(read_u32(esp + 4), sequence);
    cr_assert_eq(sample->packet.len_bytes,
                 sample->header_bytes + fixture_front_bytes(suite) + cipher_bytes + fixture_icv_bytes(suite));
    if (fixture_is_null(suite))
        check_clear_payload(sample, cipher_bytes);
    else
        cr_assert_not(sample_holds_plaintext(sample), "plaintext left behind");
}

Test(seal, every_suite_and_shape_gives_an_esp_packet_with_right_headers)
{
    uint32_t sequence[SUITES][2] = {{0}};
    for (int suite = 0; suite < SUITES; suite++)
        for (enum shape shape = 0; shape < SHAPE_COUNT; shape++)
            for (uint32_t bytes = 0; bytes < 40; bytes++) {
                struct sample sample;
                uint8_t family = shape_family(shape);
                sample_create(&sample, shape, bytes);
                seal(&sample, fixture_sa(suite, family));
                check_sealed(&sample, suite, ++sequence[suite][family == 6]);
                sample_destroy(&sample);
            }
}

Test(seal, no_two_packets_have_the_same_iv)
{
    enum { PACKETS = 2000 };
    static uint64_t ivs[PACKETS];
    for (int i = 0; i < PACKETS; i++) {
        struct sample sample;
        sample_create(&sample, SHAPE_IPV4, 16);
        seal(&sample, 0);
        assert_sealed(&sample);
        memcpy(&ivs[i], packet_start(&sample.packet) + sample.header_bytes + 8, 8);
        for (int j = 0; j < i; j++)
            cr_assert_neq(ivs[i], ivs[j]);
        sample_destroy(&sample);
    }
}

Test(seal, sequence_numbers_end_at_the_last_one_and_never_wrap)
{
    struct sample sample;
    struct sp_sa *sa = fixture_sa_pointer(&fixture, 0);
    struct sp_sa_info info;
    sample_create(&sample, SHAPE_IPV4, 16);
    sa->sequence_sent = UINT32_MAX - 2;
    for (uint32_t i = 1; i <= 2; i++) {
        seal(&sample, 0);
        assert_sealed(&sample);
        cr_assert_eq(read_u32(packet_start(&sample.packet) + 24), UINT32_MAX - 2 + i);
        sample_reset(&sample);
    }
    uint64_t bytes = sa->bytes;
    for (int i = 0; i < 3; i++) {
        assert_refused(&sample, 0, SP_DROP_SEQ_EXHAUSTED);
        sample_reset(&sample);
    }
    cr_assert_eq(sa->bytes, bytes);
    cr_assert_eq(sp_sad_get(fixture.sad, 0, &info), SP_OK);
    cr_assert_eq(info.sequence_sent, UINT32_MAX);
    sample_destroy(&sample);
}

Test(seal, a_burst_that_runs_out_of_sequence_numbers_sends_what_it_may)
{
    struct sample samples[4];
    struct sp_packet packets[4];
    fixture_sa_pointer(&fixture, 0)->sequence_sent = UINT32_MAX - 2;
    for (int i = 0; i < 4; i++) {
        sample_create(&samples[i], SHAPE_IPV4, 16);
        samples[i].packet.sa = 0;
        packets[i] = samples[i].packet;
    }
    sp_esp_seal(fixture.esp, packets, 4);
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(packets[i].reason, i < 2 ? SP_DROP_NONE : SP_DROP_SEQ_EXHAUSTED);
        sample_destroy(&samples[i]);
    }
}

Test(seal, a_burst_that_meets_a_limit_sends_exactly_what_fits)
{
    enum { PACKETS = 20 };
    struct sample samples[PACKETS];
    struct sp_packet packets[PACKETS];
    const struct sp_lifetime lifetime = {.hard_bytes = 24 * 7 + 23};
    struct sp_sa *sa = fixture_sa_pointer(&fixture, 0);
    sp_sa_tighten_lifetime(sa, &lifetime);
    for (int i = 0; i < PACKETS; i++) {
        sample_create(&samples[i], SHAPE_IPV4, 16); /* 24 bytes of ciphertext */
        samples[i].packet.sa = i == 3 ? fixture_sa(1, 4) : 0;
        packets[i] = samples[i].packet;
    }
    sp_esp_seal(fixture.esp, packets, PACKETS);
    for (int i = 0; i < PACKETS; i++) {
        cr_assert_eq(packets[i].reason, i < 8 ? SP_DROP_NONE : SP_DROP_HARD_BYTES, "packet %d", i);
        sample_destroy(&samples[i]);
    }
    cr_assert_eq(sa->bytes, 24u * 7);
    cr_assert_eq(sa->packets, 7u);
    cr_assert_eq(sa->sequence_sent, 7u);
}

Test(seal, one_byte_too_little_headroom_or_tailroom_is_refused)
{
    for (int suite = 0; suite < SUITES; suite++)
        for (uint32_t bytes = 1; bytes < 10; bytes++) {
            struct sample sample;
            uint32_t align = fixture_align_bytes(suite);
            uint32_t back = (bytes + 2 + align - 1) / align * align - bytes + fixture_icv_bytes(suite);
            uint32_t head = 128 - fixture_front_bytes(suite);
            sample_create(&sample, SHAPE_IPV4, bytes);

            sample.packet.buffer += head + 1;
            sample.packet.head_bytes -= head + 1;
            sample.packet.capacity_bytes -= head + 1;
            assert_refused(&sample, fixture_sa(suite, 4), SP_DROP_NO_ROOM);
            sample_reset(&sample);
            sample.packet.capacity_bytes -= 64 - back + 1;
            assert_refused(&sample, fixture_sa(suite, 4), SP_DROP_NO_ROOM);

            sample_reset(&sample);
            sample.packet.buffer += head;
            sample.packet.head_bytes -= head;
            sample.packet.capacity_bytes -= head + 64 - back;
            seal(&sample, fixture_sa(suite, 4));
            assert_sealed(&sample);
            cr_assert_eq(sample.packet.head_bytes, 0u);
            cr_assert_eq(sample.packet.len_bytes, sample.packet.capacity_bytes);
            cr_assert_eq(sample.memory[head - 1], 0xee);
            cr_assert_eq(sample.memory[128 + sample.original_bytes + back], 0xee);
            sample_destroy(&sample);
        }
}

Test(seal, link_padding_behind_the_packet_is_not_sealed)
{
    struct sample sample;
    sample_create(&sample, SHAPE_IPV4, 1);
    sample.packet.len_bytes += 25; /* as Ethernet pads to 46 bytes */
    seal(&sample, 0);
    assert_sealed(&sample);
    cr_assert_eq(sample.packet.len_bytes, 20u + 16 + 8 + 12);
    sample_destroy(&sample);
}

Test(seal, a_packet_that_would_exceed_65535_bytes_is_refused)
{
    struct sample sample;
    for (uint32_t total = 65535 - 60; total <= 65535; total++) {
        sample_create(&sample, SHAPE_IPV4, total - 20);
        uint32_t sealed = 20 + 16 + (total - 20 + 2 + 7) / 8 * 8 + 12;
        if (sealed > 65535) {
            assert_refused(&sample, 0, SP_DROP_TOO_LONG);
        } else {
            seal(&sample, 0);
            assert_sealed(&sample);
            cr_assert_eq(sample.packet.len_bytes, sealed);
        }
        sample_destroy(&sample);
    }
}

Test(seal, fragments_are_refused)
{
    static const uint8_t flags[3][2] = {{0x20, 0}, {0, 5}, {0x20, 5}};
    for (int i = 0; i < 3; i++) {
        struct sample sample;
        sample_create(&sample, SHAPE_IPV4, 40);
        memcpy(packet_start(&sample.packet) + 6, flags[i], 2);
        set_ip_length(packet_start(&sample.packet), sample.original_bytes);
        assert_refused(&sample, 0, SP_DROP_FRAGMENT);
        sample_destroy(&sample);
    }
}

Test(seal, an_ipv6_fragment_is_refused_but_an_atomic_one_is_sealed_behind_its_header)
{
    static const uint8_t fragment[8] = {PROTOCOL_TEST, 0, 0, 1, 0, 0, 0, 9};
    struct sample sample;
    sample_create(&sample, SHAPE_IPV6, 40);
    uint8_t *ip = sample.original;
    ip[6] = 44;
    memcpy(ip + 40, fragment, 8);
    sample_reset(&sample);
    assert_refused(&sample, fixture_sa(0, 6), SP_DROP_FRAGMENT);
    ip[43] = 0;
    sample_reset(&sample);
    seal(&sample, fixture_sa(0, 6));
    assert_sealed(&sample);
    cr_assert_eq(packet_start(&sample.packet)[40], 50, "the fragment header names ESP");
    cr_assert_eq(read_u32(packet_start(&sample.packet) + 48), 0x1000u);
    sample_destroy(&sample);
}

Test(seal, a_whole_ip_packet_inside_is_refused_as_the_peer_would_refuse_it)
{
    static const uint8_t inner[] = {4, 41};
    for (size_t i = 0; i < sizeof inner; i++) {
        struct sample sample;
        sample_create(&sample, SHAPE_IPV6, 40);
        sample.original[6] = inner[i];
        sample_reset(&sample);
        assert_refused(&sample, fixture_sa(0, 6), SP_DROP_BAD_NEXT_HEADER);
        sample_destroy(&sample);
    }
}

Test(seal, broken_packets_are_refused)
{
    struct sample sample;
    sample_create(&sample, SHAPE_IPV4, 40);
    packet_start(&sample.packet)[10] ^= 1; /* checksum */
    assert_refused(&sample, 0, SP_DROP_MALFORMED);
    sample_reset(&sample);
    sample.packet.len_bytes--;
    assert_refused(&sample, 0, SP_DROP_MALFORMED);
    sample_reset(&sample);
    sample.packet.len_bytes = 0;
    assert_refused(&sample, 0, SP_DROP_MALFORMED);
    sample_destroy(&sample);
}

Test(seal, numbers_without_an_sa_are_refused)
{
    struct sample sample;
    sample_create(&sample, SHAPE_IPV4, 40);
    assert_refused(&sample, 2 * SUITES, SP_DROP_NO_SA);
    sample_reset(&sample);
    assert_refused(&sample, SP_NO_SA, SP_DROP_NO_SA);
    sample_reset(&sample);
    cr_assert_eq(sp_sad_remove(fixture.sad, 0), SP_OK);
    assert_refused(&sample, 0, SP_DROP_NO_SA);
    sample_destroy(&sample);
}

Test(seal, an_sa_carries_nothing_between_other_hosts)
{
    struct sample sample;
    sample_create(&sample, SHAPE_IPV4, 40);
    packet_start(&sample.packet)[19] ^= 1;
    set_ip_length(packet_start(&sample.packet), sample.original_bytes);
    assert_refused(&sample, 0, SP_DROP_NO_SA);
    sample_reset(&sample);
    assert_refused(&sample, fixture_sa(0, 6), SP_DROP_NO_SA);
    sample_destroy(&sample);
}

Test(seal, a_dead_sa_says_which_limit_killed_it)
{
    struct sample sample;
    struct sp_sa *sa = fixture_sa_pointer(&fixture, 0);
    sample_create(&sample, SHAPE_IPV4, 40);
    const struct sp_lifetime lifetime = {.hard_bytes = 100, .hard_packets = 1000, .hard_seconds = 60};
    sp_sa_tighten_lifetime(sa, &lifetime);
    seal(&sample, 0); /* 48 bytes of ciphertext each */
    assert_sealed(&sample);
    cr_assert_eq(sa->bytes, 48u);
    sample_reset(&sample);
    seal(&sample, 0);
    assert_sealed(&sample);
    sample_reset(&sample);
    assert_refused(&sample, 0, SP_DROP_HARD_BYTES);
    cr_assert_eq(sa->bytes, 96u);

    sa = fixture_sa_pointer(&fixture, fixture_sa(1, 4));
    sp_sa_tighten_lifetime(sa, &lifetime);
    sp_clock_advance_ns(60000000000u);
    sample_reset(&sample);
    assert_refused(&sample, fixture_sa(1, 4), SP_DROP_HARD_TIME);

    const struct sp_lifetime one_packet = {.hard_bytes = 1000, .hard_packets = 1};
    sa = fixture_sa_pointer(&fixture, fixture_sa(2, 4));
    sp_sa_tighten_lifetime(sa, &one_packet);
    sample_reset(&sample);
    seal(&sample, fixture_sa(2, 4));
    assert_sealed(&sample);
    sample_reset(&sample);
    assert_refused(&sample, fixture_sa(2, 4), SP_DROP_HARD_PACKETS);
    sample_destroy(&sample);
}

Test(seal, a_refused_packet_uses_no_sequence_number)
{
    struct sample sample;
    struct sp_sa *sa = fixture_sa_pointer(&fixture, 0);
    sample_create(&sample, SHAPE_IPV4, 40);
    sample.packet.capacity_bytes -= 60;
    assert_refused(&sample, 0, SP_DROP_NO_ROOM);
    cr_assert_eq(sa->sequence_sent, 0u);
    cr_assert_eq(sa->packets, 0u);
    sample_destroy(&sample);
}

Test(seal, packets_with_a_verdict_are_left_alone)
{
    struct sample sample;
    sample_create(&sample, SHAPE_IPV4, 40);
    for (enum sp_verdict verdict = SP_VERDICT_BYPASS; verdict <= SP_VERDICT_DROP; verdict++) {
        sample_reset(&sample);
        sample.packet.verdict = verdict;
        seal(&sample, 0);
        cr_assert_eq(sample.packet.verdict, verdict);
        cr_assert(sample_is_original(&sample));
    }
    sample_destroy(&sample);
}

/* What the IVs of an SA start at, taken from one packet: an IV is that plus the sequence number. */
static uint64_t iv_start_of(const struct sample *sample)
{
    const uint8_t *esp = packet_start(&sample->packet) + sample->header_bytes;
    uint64_t iv = (uint64_t)read_u32(esp + 8) << 32 | read_u32(esp + 12);
    return iv - read_u32(esp + 4);
}

Test(seal, gcm_counts_its_ivs_with_the_sequence_numbers_from_a_start_of_the_sas_own)
{
    uint64_t starts[4];
    for (int i = 0; i < 4; i++) {
        const uint32_t number = fixture_sa(6 + i / 2, i % 2 == 0 ? 4 : 6);
        for (int packet = 0; packet < 300; packet++) {
            struct sample sample;
            sample_create(&sample, i % 2 == 0 ? SHAPE_IPV4 : SHAPE_IPV6, 20);
            seal(&sample, number);
            assert_sealed(&sample);
            starts[i] = packet == 0 ? iv_start_of(&sample) : starts[i];
            cr_assert_eq(iv_start_of(&sample), starts[i]);
            sample_destroy(&sample);
        }
        for (int before = 0; before < i; before++)
            cr_assert_neq(starts[i], starts[before]);
    }
}

Test(seal, gcm_starts_elsewhere_when_the_same_key_is_loaded_again)
{
    uint64_t starts[2];
    for (int run = 0; run < 2; run++) {
        struct sample sample;
        sample_create(&sample, SHAPE_IPV4, 20);
        seal(&sample, fixture_sa(6, 4));
        assert_sealed(&sample);
        starts[run] = iv_start_of(&sample);
        sample_destroy(&sample);
        teardown();
        setup();
    }
    cr_assert_neq(starts[0], starts[1]);
}
