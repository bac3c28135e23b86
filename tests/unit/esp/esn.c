/* SPDX-License-Identifier: ISC
 *
 * Extended sequence numbers (RFC 4303 2.2.1, appendix A): 64 bits, of which the upper 32 are in the ICV only.
 */
#include "unit/esp/fixture.h"

#include <criterion/criterion.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BORDER ((uint64_t)1 << 32) /* between two subspaces */

static struct fixture fixture;

static void setup(void)
{
    fixture_create_esn(&fixture, SP_REPLAY_WINDOW_MIN);
}

static void teardown(void)
{
    fixture_destroy(&fixture);
}

TestSuite(esn, .init = setup, .fini = teardown);

static uint32_t read_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* As if so many packets had gone before. */
static void set_sent(uint32_t number, uint64_t sequence)
{
    fixture_sa_pointer(&fixture, number)->sequence_sent = sequence;
}

static void set_received(uint32_t number, uint64_t sequence)
{
    struct sp_sa *sa = fixture_sa_pointer(&fixture, number);
    sp_replay_init(&sa->replay, sa->replay.window_packets);
    cr_assert(sp_replay_accept(&sa->replay, sequence));
}

static enum sp_drop seal(struct sample *sample, uint32_t number)
{
    sample_reset(sample);
    sample->packet.sa = number;
    sp_esp_seal(fixture.esp, &sample->packet, 1);
    return sample->packet.reason;
}

static enum sp_drop open_again(struct sample *sample)
{
    sample->packet.verdict = SP_VERDICT_NONE;
    sp_esp_open(fixture.esp, &sample->packet, 1);
    return sample->packet.reason;
}

/* Forges a packet around a dummy's trailer, which tells by its reason that it came so far. */
static enum sp_drop open_number(struct sample *sample, uint32_t number, uint64_t sequence)
{
    static const uint8_t dummy[8] = {1, 2, 3, 4, 5, 6, 6, 59};
    sample_forge(sample, fixture_sa_pointer(&fixture, number), sequence, dummy, sizeof dummy);
    sp_esp_open(fixture.esp, &sample->packet, 1);
    return sample->packet.reason;
}

Test(esn, the_upper_half_is_in_the_icv_and_not_in_the_packet_for_every_suite_and_length)
{
    static const uint64_t numbers[] = {1, 0xffffffff, BORDER, BORDER + 1, 0x0123456789abcdef};
    for (int suite = 0; suite < SUITES; suite++)
        for (uint32_t bytes = 0; bytes <= 300; bytes++)
            for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
                struct sample sample;
                uint8_t icv[16];
                sample_create(&sample, bytes % 2 ? SHAPE_IPV4 : SHAPE_IPV6, bytes);
                uint8_t family = bytes % 2 ? 4 : 6;
                set_sent(fixture_sa(suite, family), numbers[i] - 1);
                cr_assert_eq(seal(&sample, fixture_sa(suite, family)), SP_DROP_NONE);
                const uint8_t *esp = packet_start(&sample.packet) + sample.header_bytes;
                uint32_t esp_bytes = sample.packet.len_bytes - sample.header_bytes;
                cr_assert_eq(read_u32(esp + 4), (uint32_t)numbers[i]);
                fixture_expect_icv(suite, family, esp, esp_bytes, (uint32_t)(numbers[i] >> 32), icv);
                cr_assert_eq(
                    memcmp(esp + esp_bytes - fixture_icv_bytes(suite), icv, fixture_icv_bytes(suite)), 0,
                    "%s, %u bytes, number %lx", fixture_suite_name(suite), bytes, (unsigned long)numbers[i]);
                sample_destroy(&sample);
            }
}

/* More packets than one chunk, in one burst, from before the border to behind it. */
static void cross_the_border(int suite, uint64_t before)
{
    enum { PACKETS = 600 };
    static struct sample samples[PACKETS];
    static struct sp_packet packets[PACKETS];
    const uint32_t number = fixture_sa(suite, 4);
    set_sent(number, before);
    set_received(number, before);
    for (int i = 0; i < PACKETS; i++) {
        sample_create(&samples[i], SHAPE_IPV4, (uint32_t)(i * 37 % 400));
        samples[i].packet.sa = number;
        packets[i] = samples[i].packet;
    }
    sp_esp_seal(fixture.esp, packets, PACKETS);
    for (int i = 0; i < PACKETS; i++) {
        cr_assert_eq(packets[i].verdict, SP_VERDICT_SEALED);
        packets[i].verdict = SP_VERDICT_NONE;
    }
    sp_esp_open(fixture.esp, packets, PACKETS);
    for (int i = 0; i < PACKETS; i++) {
        cr_assert_eq(packets[i].verdict, SP_VERDICT_OPENED, "%s, packet %d: %s", fixture_suite_name(suite), i,
                     sp_drop_id(packets[i].reason));
        samples[i].packet = packets[i];
        cr_assert(sample_is_original(&samples[i]));
        sample_destroy(&samples[i]);
    }
    struct sp_sa_info info;
    cr_assert_eq(sp_sad_get(fixture.sad, number, &info), SP_OK);
    cr_assert(info.has_esn);
    cr_assert_eq(info.sequence_sent, before + PACKETS);
    cr_assert_eq(info.sequence_received, before + PACKETS);
}

Test(esn, bursts_go_over_the_border_between_subspaces_for_every_suite)
{
    for (int suite = 0; suite < SUITES; suite++)
        for (uint64_t high = 0; high < 3; high++)
            cross_the_border(suite, (high << 32 | 0xffffffff) - 299);
}

Test(esn, a_number_of_the_window_comes_once_on_both_sides_of_the_border)
{
    for (uint32_t window = SP_REPLAY_WINDOW_MIN; window <= SP_REPLAY_WINDOW_MAX; window *= 4) {
        fixture_destroy(&fixture);
        fixture_create_esn(&fixture, window);
        for (int suite = 0; suite < SUITES; suite += 7) {
            const uint32_t number = fixture_sa(suite, 4);
            struct sample sample;
            sample_create(&sample, SHAPE_IPV4, 64);
            set_received(number, BORDER + window / 2);
            for (uint64_t sequence = BORDER + window / 2 - 1; sequence > BORDER - window / 2; sequence--) {
                cr_assert_eq(open_number(&sample, number, sequence), SP_DROP_DUMMY, "%s",
                             sp_drop_id(sample.packet.reason));
                cr_assert_eq(open_number(&sample, number, sequence), SP_DROP_REPLAY);
            }
            /* left of the window it is taken for one of the next subspace, whose ICV is another */
            cr_assert_eq(open_number(&sample, number, BORDER - window / 2), SP_DROP_BAD_ICV);
            sample_destroy(&sample);
        }
    }
}

Test(esn, a_leap_of_nearly_a_subspace_is_followed_and_one_of_more_is_not)
{
    struct sample sample;
    sample_create(&sample, SHAPE_IPV4, 64);
    for (int suite = 0; suite < SUITES; suite++) {
        const uint32_t number = fixture_sa(suite, 4);
        set_received(number, 5 * BORDER + 100);
        /* RFC 4303 appendix A3: losing a subspace of packets loses the peer */
        cr_assert_eq(open_number(&sample, number, 6 * BORDER + 100), SP_DROP_REPLAY);
        cr_assert_eq(open_number(&sample, number, 6 * BORDER + 101), SP_DROP_BAD_ICV);
        cr_assert_eq(open_number(&sample, number, 6 * BORDER + 36), SP_DROP_DUMMY);
        cr_assert_eq(open_number(&sample, number, 4 * BORDER + 37), SP_DROP_BAD_ICV);
    }
    sample_destroy(&sample);
}

Test(esn, an_sa_with_them_and_one_without_do_not_understand_each_other)
{
    struct fixture plain;
    fixture_create(&plain);
    for (int suite = 0; suite < SUITES; suite++) {
        struct sample sample;
        sample_create(&sample, SHAPE_IPV4, 100);
        cr_assert_eq(seal(&sample, fixture_sa(suite, 4)), SP_DROP_NONE);
        sample.packet.verdict = SP_VERDICT_NONE;
        sp_esp_open(plain.esp, &sample.packet, 1);
        cr_assert_eq(sample.packet.reason, SP_DROP_BAD_ICV);
        sample_destroy(&sample);
    }
    fixture_destroy(&plain);
}

Test(esn, the_last_number_is_never_passed_and_the_counter_does_not_wrap)
{
    struct sample sample;
    struct sp_sa *sa = fixture_sa_pointer(&fixture, 0);
    const uint64_t last = UINT64_MAX - UINT32_MAX;
    sample_create(&sample, SHAPE_IPV4, 16);
    set_sent(0, last - 2);
    for (int i = 0; i < 6; i++)
        cr_assert_eq(seal(&sample, 0), i < 2 ? SP_DROP_NONE : SP_DROP_SEQ_EXHAUSTED);
    cr_assert_eq(sa->packets, 2u);
    cr_assert_eq(sa->sequence_sent, last);
    sa->sequence_sent = BORDER + 4; /* where the others end, these go on */
    cr_assert_eq(seal(&sample, 0), SP_DROP_NONE);
    cr_assert_eq(open_again(&sample), SP_DROP_BAD_ICV); /* the receiver is at 0 and can't know: A3 */
    sample_destroy(&sample);
}

#define PACKETS_EACH 20000u

struct taker {
    pthread_t thread;
    uint8_t *seen;
};

static void *take_numbers(void *argument)
{
    struct taker *taker = argument;
    struct sp_esp *esp;
    struct sample sample;
    cr_assert_eq(sp_esp_create(fixture.sad, &esp), SP_OK);
    sample_create(&sample, SHAPE_IPV4, 20);
    for (uint32_t i = 0; i < PACKETS_EACH; i++) {
        sample_reset(&sample);
        sample.packet.sa = fixture_sa(3, 4);
        sp_esp_seal(esp, &sample.packet, 1);
        if (sample.packet.verdict != SP_VERDICT_SEALED)
            break;
        uint32_t low = read_u32(packet_start(&sample.packet) + sample.header_bytes + 4);
        __atomic_fetch_add(&taker->seen[low + PACKETS_EACH], 1, __ATOMIC_RELAXED);
    }
    sample_destroy(&sample);
    sp_esp_destroy(&esp);
    return NULL;
}

Test(esn, threads_that_cross_the_border_together_use_each_number_once)
{
    struct taker takers[2];
    uint8_t *seen = calloc(2 * PACKETS_EACH + 2, 1);
    set_sent(fixture_sa(3, 4), BORDER - PACKETS_EACH);
    for (int i = 0; i < 2; i++) {
        takers[i].seen = seen;
        cr_assert_eq(pthread_create(&takers[i].thread, NULL, take_numbers, &takers[i]), 0);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(takers[i].thread, NULL);
    for (uint32_t i = 1; i <= 2 * PACKETS_EACH; i++) /* uint32_t wraps as the lower half does */
        cr_assert_eq(seen[i], 1, "%u", i);
    free(seen);
}
