/* SPDX-License-Identifier: ISC
 *
 * Packets of one SA that follow each other go a shorter way (lib/esp/plain.h), which must lead to the same
 * place.
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

TestSuite(runs, .init = setup, .fini = teardown);

static void seal_all(struct sp_packet *packets, size_t count)
{
    sp_esp_seal(fixture.esp, packets, count);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(packets[i].verdict, SP_VERDICT_SEALED, "%s", sp_drop_id(packets[i].reason));
        packets[i].verdict = SP_VERDICT_NONE;
        packets[i].sa = SP_NO_SA;
    }
}

/* Two SAs, so that each has runs, or every packet another SA than the one before. */
static void there_and_back(size_t run_length, uint32_t payload_bytes_min)
{
    enum { PACKETS = 700 };
    static struct sample samples[PACKETS];
    static struct sp_packet packets[PACKETS];
    for (size_t i = 0; i < PACKETS; i++) {
        sample_create(&samples[i], SHAPE_IPV4, payload_bytes_min + (uint32_t)i * 53 % PACKETS);
        packets[i] = samples[i].packet;
        packets[i].sa = fixture_sa(i / run_length % 2 == 0 ? 0 : 2, 4);
    }
    seal_all(packets, PACKETS);
    sp_esp_open(fixture.esp, packets, PACKETS);
    for (size_t i = 0; i < PACKETS; i++) {
        cr_assert_eq(packets[i].verdict, SP_VERDICT_OPENED, "%zu: %s", i, sp_drop_id(packets[i].reason));
        cr_assert_eq(packets[i].sa, fixture_sa(i / run_length % 2 == 0 ? 0 : 2, 4));
        samples[i].packet = packets[i];
        cr_assert(sample_is_original(&samples[i]));
        sample_destroy(&samples[i]);
    }
}

Test(runs, of_any_lengths_come_back_whole)
{
    there_and_back(1, 0);
    there_and_back(7, 0);
    there_and_back(700, 0);
    there_and_back(700, 700);
}

/* What is told of a packet by itself is told of it behind another one of its SA, too. */
static void assert_told_alike(const struct sp_packet *good, const struct sp_packet *damaged)
{
    static uint8_t bytes[2][2048];
    struct sp_sa *sa = fixture_sa_pointer(&fixture, fixture_sa(0, 4));
    struct sp_packet both[2] = {*good, *damaged}, alone = *damaged;

    memcpy(bytes[0], good->buffer, good->capacity_bytes);
    memcpy(bytes[1], damaged->buffer, damaged->capacity_bytes);
    sp_replay_init(&sa->replay, 64);
    sp_esp_open(fixture.esp, &alone, 1);
    memcpy(damaged->buffer, bytes[1], damaged->capacity_bytes);
    sp_replay_init(&sa->replay, 64);
    sp_esp_open(fixture.esp, both, 2);
    memcpy(good->buffer, bytes[0], good->capacity_bytes);
    cr_assert_eq(both[0].verdict, SP_VERDICT_OPENED);
    cr_assert_eq(both[1].verdict, alone.verdict);
    cr_assert_eq(both[1].reason, alone.reason, "%s, alone %s", sp_drop_id(both[1].reason),
                 sp_drop_id(alone.reason));
    cr_assert_eq(both[1].sa, alone.sa);
    if (alone.verdict == SP_VERDICT_DROP)
        cr_assert_arr_eq(damaged->buffer, bytes[1], damaged->capacity_bytes);
    else
        memcpy(damaged->buffer, bytes[1], damaged->capacity_bytes);
}

Test(runs, a_flaw_behind_a_good_packet_is_told_as_alone)
{
    struct sample samples[2];
    struct sp_packet packets[2];
    for (size_t i = 0; i < 2; i++) {
        sample_create(&samples[i], SHAPE_IPV4, 61);
        packets[i] = samples[i].packet;
        packets[i].sa = fixture_sa(0, 4);
    }
    seal_all(packets, 2);
    uint8_t *ip = packet_start(&packets[1]);
    for (uint32_t bit = 0; bit < packets[1].len_bytes * 8; bit++) {
        for (int is_mended = 0; is_mended < 2; is_mended++) {
            uint8_t header[20];
            memcpy(header, ip, sizeof header);
            ip[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
            if (is_mended && bit / 8 < 20 && bit / 8 != 0) {
                ip[10] = ip[11] = 0;
                uint16_t checksum = plain_checksum(ip, 20);
                ip[10] = (uint8_t)(checksum >> 8);
                ip[11] = (uint8_t)checksum;
            }
            assert_told_alike(&packets[0], &packets[1]);
            if (bit / 8 >= 20)
                ip[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
            memcpy(ip, header, sizeof header);
        }
    }
    for (uint32_t cut_bytes = 1; cut_bytes < packets[1].len_bytes - 20; cut_bytes++) {
        struct sp_packet cut = packets[1];
        cut.len_bytes -= cut_bytes;
        set_ip_length(ip, cut.len_bytes);
        assert_told_alike(&packets[0], &cut);
    }
    set_ip_length(ip, packets[1].len_bytes);
    assert_told_alike(&packets[0], &packets[1]);
    for (size_t i = 0; i < 2; i++)
        sample_destroy(&samples[i]);
}

Test(runs, a_number_again_behind_another_packet_is_a_replay)
{
    struct sample samples[3];
    struct sp_packet packets[3];
    for (size_t i = 0; i < 3; i++) {
        sample_create(&samples[i], SHAPE_IPV4, 61);
        packets[i] = samples[i].packet;
        packets[i].sa = fixture_sa(0, 4);
    }
    seal_all(packets, 3);
    sp_esp_open(fixture.esp, packets, 1);
    cr_assert_eq(packets[0].verdict, SP_VERDICT_OPENED);
    uint32_t len_bytes = packets[2].len_bytes;
    memcpy(packet_start(&packets[2]), packet_start(&packets[1]), len_bytes);
    sp_esp_open(fixture.esp, packets + 1, 2);
    cr_assert_eq(packets[1].verdict, SP_VERDICT_OPENED);
    cr_assert_eq(packets[2].reason, SP_DROP_REPLAY);
    for (size_t i = 0; i < 3; i++)
        sample_destroy(&samples[i]);
}
