/* SPDX-License-Identifier: ISC
 *
 * Tests of tools/ipsecmon/compare.c and of model.c's sums: rates, and totals that don't fall.
 */
#include "model.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define SECOND_NS 1000000000u

static struct snapshot *snapshot_at(uint64_t second, size_t associations)
{
    struct snapshot *snapshot = snapshot_create();
    snapshot->is_up = true;
    snapshot->at_ns = (second + 1) * SECOND_NS;
    snapshot_set_associations(snapshot, associations);
    return snapshot;
}

static struct association *set(struct snapshot *snapshot, size_t index, uint32_t spi, const char *direction,
                               uint64_t packets)
{
    struct association *sa = &snapshot->associations[index];
    sa->spi = spi;
    sa->direction = direction;
    sa->source = "192.0.2.1";
    sa->destination = "192.0.2.2";
    sa->is_confidential = sa->is_authenticated = sa->is_active = true;
    sa->packets = sa->esp_packets = packets;
    sa->bytes = packets * 100;
    return sa;
}

static uint64_t known(const struct snapshot *snapshot, enum known_counter counter)
{
    cr_assert(snapshot->known[counter].is_known);
    return snapshot->known[counter].value;
}

static void look(struct snapshot *now, const struct snapshot *former)
{
    snapshot_keep_ended(now, former);
    snapshot_sum(now);
    snapshot_compare(now, former);
}

Test(compare, sums_do_not_fall_when_an_association_goes_or_is_made_anew)
{
    struct snapshot *looks[4];
    looks[0] = snapshot_at(0, 3);
    set(looks[0], 0, 1, "out", 10);
    set(looks[0], 1, 2, "in", 20);
    set(looks[0], 2, 3, "out", 5)->is_confidential = false;
    look(looks[0], NULL);
    cr_assert_eq(known(looks[0], KNOWN_CONFIDENTIAL_SENT), 1000);
    cr_assert_eq(known(looks[0], KNOWN_AUTHENTICATED_SENT), 1500);

    looks[1] = snapshot_at(1, 2); /* 1 is gone, 2 goes on */
    set(looks[1], 0, 2, "in", 30);
    set(looks[1], 1, 3, "out", 5)->is_confidential = false;
    look(looks[1], looks[0]);
    cr_assert_eq(known(looks[1], KNOWN_CONFIDENTIAL_SENT), 1000);
    cr_assert_eq(known(looks[1], KNOWN_AUTHENTICATED_SENT), 1500);
    cr_assert_eq(known(looks[1], KNOWN_CONFIDENTIAL_RECEIVED), 3000);
    cr_assert_eq(known(looks[1], KNOWN_ACTIVE_ASSOCIATIONS), 2);

    looks[2] = snapshot_at(2, 1); /* 3 is gone, 2 was made anew */
    set(looks[2], 0, 2, "in", 4);
    look(looks[2], looks[1]);
    cr_assert_eq(known(looks[2], KNOWN_AUTHENTICATED_SENT), 1500);
    cr_assert_eq(known(looks[2], KNOWN_CONFIDENTIAL_RECEIVED), 3400);
    cr_assert_not(looks[2]->associations[0].has_rates, "another one has no past");

    looks[3] = snapshot_at(3, 0);
    look(looks[3], looks[2]);
    cr_assert_eq(known(looks[3], KNOWN_CONFIDENTIAL_SENT), 1000);
    cr_assert_eq(known(looks[3], KNOWN_CONFIDENTIAL_RECEIVED), 3400);
    cr_assert_eq(looks[3]->ended[FLOW_INBOUND].packets, 34);
    for (size_t i = 0; i < 4; i++)
        snapshot_destroy(&looks[i]);
}

Test(compare, fewer_packets_or_bytes_than_before_are_of_another_association)
{
    for (int fewer = 0; fewer < 3; fewer++) {
        struct snapshot *former = snapshot_at(0, 1), *now = snapshot_at(1, 1);
        struct association *before = set(former, 0, 1, "out", 10), *after = set(now, 0, 1, "out", 10);
        *(fewer == 0 ? &before->packets : fewer == 1 ? &before->bytes : &before->esp_packets) += 1000;
        look(former, NULL);
        look(now, former);
        cr_assert_not(after->has_rates, "%d", fewer);
        cr_assert_eq(now->ended[FLOW_OUTBOUND].packets, before->packets);
        snapshot_destroy(&former);
        snapshot_destroy(&now);
    }
}

Test(compare, another_life_has_no_past)
{
    struct snapshot *former = snapshot_at(0, 1), *now = snapshot_at(1, 0);
    set(former, 0, 1, "out", 10);
    now->life = 7;
    look(former, NULL);
    look(now, former);
    cr_assert_eq(known(now, KNOWN_CONFIDENTIAL_SENT), 0);
    cr_assert_eq(now->seconds, 0);
    snapshot_destroy(&former);
    snapshot_destroy(&now);
}

Test(compare, rates_are_differences_over_time_of_the_same_association)
{
    struct snapshot *former = snapshot_at(0, 40), *now = snapshot_at(2, 40);
    for (uint32_t i = 0; i < 40; i++) {
        set(former, i, i, "out", 1000);
        set(now, 39 - i, i, "out", 1000 + 2 * i); /* in another order */
        former->associations[i].fingerprint = "a";
        now->associations[39 - i].fingerprint = i == 7 ? "b" : "a";
    }
    look(former, NULL);
    look(now, former);
    cr_assert_float_eq(now->seconds, 2.0, 1e-9);
    for (uint32_t i = 0; i < 40; i++) {
        const struct association *sa = &now->associations[39 - i];
        cr_assert_eq(sa->has_rates, i != 7, "other keys are another association");
        cr_assert_float_eq(sa->packets_second, i == 7 ? 0.0 : i, 1e-9);
        cr_assert_float_eq(sa->bytes_second, i == 7 ? 0.0 : i * 100.0, 1e-9);
        cr_assert_eq(sa->new_esp_packets, i == 7 ? 0 : 2 * i);
        cr_assert_eq(sa->history_count, 1);
        cr_assert_float_eq(sa->history[0], sa->bytes_second * 8.0, 1e-3);
    }
    snapshot_destroy(&former);
    snapshot_destroy(&now);
}

Test(compare, a_history_keeps_the_newest_and_has_an_end)
{
    struct snapshot *former = NULL;
    for (uint32_t second = 0; second < HISTORY_SAMPLES + 30; second++) {
        struct snapshot *now = snapshot_at(second, 1);
        set(now, 0, 1, "out", (uint64_t)second * second);
        look(now, former);
        const struct association *sa = &now->associations[0];
        cr_assert_eq(sa->history_count, second < HISTORY_SAMPLES ? second : HISTORY_SAMPLES);
        if (second > 0)
            cr_assert_float_eq(sa->history[sa->history_count - 1], (2.0 * second - 1) * 800, 1);
        if (second > HISTORY_SAMPLES)
            cr_assert_float_eq(sa->history[0], (2.0 * (second - HISTORY_SAMPLES + 1) - 1) * 800, 1);
        snapshot_destroy(&former);
        former = now;
    }
    snapshot_destroy(&former);
}

Test(compare, a_packet_that_moves_from_sealed_to_dropped_makes_no_counter_fall)
{
    struct snapshot *former = snapshot_at(0, 0), *now = snapshot_at(1, 0);
    former->flows[FLOW_OUTBOUND] =
        (struct flow){.offered_packets = 10, .sealed_packets = 9, .dropped_packets = 1};
    now->flows[FLOW_OUTBOUND] =
        (struct flow){.offered_packets = 10, .sealed_packets = 8, .dropped_packets = 2};
    look(former, NULL);
    look(now, former);
    cr_assert_eq(now->flows[FLOW_OUTBOUND].sealed_packets, 9);
    cr_assert_eq(now->flows[FLOW_OUTBOUND].dropped_packets, 2);
    cr_assert_float_eq(now->flows[FLOW_OUTBOUND].dropped_second, 1.0, 1e-9);
    snapshot_destroy(&former);
    snapshot_destroy(&now);
}

Test(model, the_tightest_limit_says_how_much_is_used_and_what_is_left_ends_at_nothing)
{
    struct association sa = {.bytes = 50, .hard_bytes = 200, .packets = 9, .hard_packets = 10};
    uint64_t left = 77;
    cr_assert_eq(association_used_percent(&sa), 90);
    cr_assert_not(association_seconds_left(&sa, &left));
    cr_assert_eq(left, 77);
    cr_assert(association_bytes_left(&sa, &left));
    cr_assert_eq(left, 150);
    sa = (struct association){.age_seconds = 4000, .hard_seconds = 3600};
    cr_assert_eq(association_used_percent(&sa), 100);
    cr_assert(association_seconds_left(&sa, &left));
    cr_assert_eq(left, 0);
    sa = (struct association){.bytes = 1};
    cr_assert_eq(association_used_percent(&sa), -1);
}

Test(model, counters_have_the_names_of_reasons_on_the_way_in)
{
    struct snapshot *snapshot = snapshot_at(0, 0);
    struct drop_count drops[] = {
        {.where = "inbound", .reason = "bad-icv", .packets = 1},
        {.where = "outbound", .reason = "bad-icv", .packets = 100},
        {.where = "inbound", .reason = "unknown-spi", .packets = 2},
        {.where = "inbound", .reason = "bad-padding", .packets = 3},
        {.where = "inbound", .reason = "bad-length", .packets = 10},
        {.where = "inbound", .reason = "bad-next-header", .packets = 30},
        {.where = "inbound", .reason = "replay", .packets = 5},
    };
    snapshot->drops = drops;
    snapshot->drop_count = sizeof drops / sizeof *drops;
    snapshot_set_known(snapshot, KNOWN_BAD_SPI, 9); /* the source knows better */
    snapshot_sum(snapshot);
    cr_assert_eq(known(snapshot, KNOWN_NOT_AUTHENTICATED), 1);
    cr_assert_eq(known(snapshot, KNOWN_BAD_SPI), 9);
    cr_assert_eq(known(snapshot, KNOWN_NOT_DECRYPTED), 43);
    cr_assert_eq(known(snapshot, KNOWN_REPLAYED), 5);
    cr_assert_not(snapshot->known[KNOWN_KEY_ADDITIONS].is_known);
    snapshot_destroy(&snapshot);
}

Test(model, a_dropped_packet_concerns_the_sa_of_its_spi_and_addresses)
{
    const struct association sa = {.number = 3, .spi = 7, .source = "192.0.2.2", .destination = "192.0.2.1"};
    struct last_drop drop = {.from = "192.0.2.2", .to = "192.0.2.1", .has_spi = true, .spi = 7};
    cr_assert(last_drop_concerns(&drop, &sa));
    drop.spi = 8;
    cr_assert_not(last_drop_concerns(&drop, &sa));
    drop.has_spi = false;
    cr_assert(last_drop_concerns(&drop, &sa), "no SA was found for it");
    drop.from = "192.0.2.22";
    cr_assert_not(last_drop_concerns(&drop, &sa));
    drop = (struct last_drop){.from = "192.0.2.2", .to = "192.0.2.1", .has_spi = true, .spi = 7};
    drop.to = "";
    cr_assert_not(last_drop_concerns(&drop, &sa));
    drop.has_sa = true; /* of a tunnel, by its number */
    drop.sa = 3;
    cr_assert(last_drop_concerns(&drop, &sa));
    drop.sa = 4;
    cr_assert_not(last_drop_concerns(&drop, &sa));
}

Test(model, security_is_said_as_people_know_it)
{
    struct pool pool = {0};
    cr_assert_str_eq(security_text(&pool, "3des-cbc", "hmac-sha1-96"), "ESP 3DES/HMAC SHA1");
    cr_assert_str_eq(security_text(&pool, "null", "hmac-md5-96"), "ESP no encryption/HMAC MD5");
    cr_assert_str_eq(security_text(&pool, "aes128-gcm16", "combined"), "ESP AES-128-GCM");
    cr_assert_str_eq(security_text(&pool, "", "hmac-md5-96"), "");
    cr_assert_str_eq(security_text(&pool, "new-cipher", "hmac-new"), "ESP new-cipher/hmac-new");
    pool_free(&pool);
}
