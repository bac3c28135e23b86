/* SPDX-License-Identifier: ISC
 *
 * Every refusal of an SA: its status, its sentence, and that nothing was added.
 */
#include "sa/params.h"
#include "unit/sa/fixture.h"

#include <criterion/criterion.h>

#include <string.h>

static void refused(const struct sp_sa_params *params, enum sp_status expected, const char *sentence_part)
{
    struct sp_sad *sad = NULL;
    uint32_t number = 77;
    char reason[256] = "";

    cr_assert_eq(sp_sad_create(4, &sad), SP_OK);
    enum sp_status status = sp_sad_add(sad, params, &number, reason);
    cr_assert_eq(status, expected, "%s instead of %s", sp_status_text(status), sp_status_text(expected));
    cr_assert(strstr(reason, sentence_part) != NULL, "\"%s\" does not say \"%s\"", reason, sentence_part);
    cr_assert_eq(number, 77u, "the output was touched");
    cr_assert_eq(sp_sad_count(sad), 0u);
    cr_assert_eq(sp_sad_add(sad, params, &number, NULL), expected, "the reason must be optional");
    sp_sad_destroy(&sad);
}

Test(params, spis_0_to_255_are_refused)
{
    for (uint32_t spi = 0; spi < 256; spi++) {
        struct sp_sa_params params = good_params();
        params.spi = spi;
        refused(&params, SP_ERR_SPI, "use one of 256 or more");
    }
}

Test(params, a_key_of_the_wrong_length_is_refused_with_the_right_one)
{
    struct sp_sa_params params = good_params();
    params.encryption_key_bytes = 16;
    refused(&params, SP_ERR_KEY_LENGTH, "3des-cbc needs a key of 24 bytes, not 16");

    params = good_params();
    params.encryption_key = NULL;
    params.encryption_key_bytes = 0;
    refused(&params, SP_ERR_KEY_LENGTH, "3des-cbc needs a key of 24 bytes, not 0");

    params = good_params();
    params.encryption = SP_ENCRYPTION_NULL;
    refused(&params, SP_ERR_KEY_LENGTH, "null takes no key, not one of 24 bytes");

    params = good_params();
    params.integrity_key_bytes = 16;
    refused(&params, SP_ERR_KEY_LENGTH, "hmac-sha1-96 needs a key of 20 bytes, not 16");
    params.integrity = SP_INTEGRITY_HMAC_MD5_96;
    params.integrity_key_bytes = 20;
    refused(&params, SP_ERR_KEY_LENGTH, "hmac-md5-96 needs a key of 16 bytes, not 20");
    params.integrity = SP_INTEGRITY_HMAC_SHA2_256_128;
    refused(&params, SP_ERR_KEY_LENGTH, "hmac-sha2-256-128 needs a key of 32 bytes, not 20");
}

Test(params, a_3des_key_with_equal_neighbours_is_refused)
{
    uint8_t key[24];
    struct sp_sa_params params = good_params();
    params.encryption_key = key;

    memcpy(key, good_3des_key, 24);
    memcpy(key + 8, key, 8);
    refused(&params, SP_ERR_WEAK_KEY, "");
    key[8] ^= 1; /* the parity bit counts for nothing */
    refused(&params, SP_ERR_WEAK_KEY, "");

    memcpy(key, good_3des_key, 24);
    memcpy(key + 16, key + 8, 8);
    refused(&params, SP_ERR_WEAK_KEY, "");
}

Test(params, a_3des_key_with_a_weak_part_is_refused)
{
    static const uint8_t weak[8] = {0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01};
    static const uint8_t semi_weak[8] = {0x01, 0xfe, 0x01, 0xfe, 0x01, 0xfe, 0x01, 0xfe};
    for (int part = 0; part < 3; part++) {
        uint8_t key[24];
        struct sp_sa_params params = good_params();
        params.encryption_key = key;
        memcpy(key, good_3des_key, 24);
        memcpy(key + 8 * part, weak, 8);
        refused(&params, SP_ERR_WEAK_KEY, "");
        memcpy(key + 8 * part, semi_weak, 8);
        refused(&params, SP_ERR_WEAK_KEY, "");
    }
}

Test(params, addresses_of_two_families_are_refused)
{
    struct sp_sa_params params = good_params();
    params.destination = (struct sp_address){.family = 6, .bytes = {0x20, 0x01, 0x0d, 0xb8}};
    refused(&params, SP_ERR_INVALID, "IPv4");
    params.destination.family = 0;
    refused(&params, SP_ERR_INVALID, "IPv4 or IPv6");
}

Test(params, values_outside_their_lists_are_refused)
{
    struct sp_sa_params params = good_params();
    params.encryption = SP_ENCRYPTION_COUNT;
    refused(&params, SP_ERR_INVALID, "3des-cbc");
    params = good_params();
    params.integrity = SP_INTEGRITY_COUNT;
    refused(&params, SP_ERR_INVALID, "hmac-sha1-96");
    params = good_params();
    params.mode = (enum sp_mode)9;
    refused(&params, SP_ERR_INVALID, "transport");
}

Test(params, what_a_tunnel_can_not_do_is_refused)
{
    struct sp_sa_params params = good_params();
    params.mode = SP_MODE_TUNNEL;
    params.tunnel.df = SP_TUNNEL_DF_COUNT;
    refused(&params, SP_ERR_INVALID, "copy, set or clear");
    params.tunnel = (struct sp_tunnel){.has_dscp = true, .dscp = 64};
    refused(&params, SP_ERR_INVALID, "at most 63, not 64");
    params.tunnel = (struct sp_tunnel){.dscp = 10};
    refused(&params, SP_ERR_INVALID, "no DSCP of its own");
}

Test(params, transport_mode_has_no_outer_header_to_choose_for)
{
    static const struct sp_tunnel tunnels[] = {
        {.df = SP_TUNNEL_DF_SET}, {.has_dscp = true}, {.dscp = 1}, {.has_no_ecn = true}};
    for (size_t i = 0; i < sizeof tunnels / sizeof *tunnels; i++) {
        struct sp_sa_params params = good_params();
        params.tunnel = tunnels[i];
        refused(&params, SP_ERR_INVALID, "in tunnel mode only");
    }
}

Test(params, replay_windows_out_of_range_or_step_are_refused)
{
    static const uint32_t bad[] = {1, 32, 63, 65, 100, 4095, 4097, 4160, UINT32_MAX};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sp_sa_params params = good_params();
        params.replay_window_packets = bad[i];
        refused(&params, SP_ERR_INVALID, "64 to 4096 packets in steps of 64");
    }
}

Test(params, tdes_without_a_byte_limit_is_refused)
{
    struct sp_sa_params params = good_params();
    params.has_lifetime = true;
    params.lifetime = (struct sp_lifetime){.hard_seconds = 60};
    refused(&params, SP_ERR_INVALID, "byte limit");
    params.lifetime.hard_bytes = ((uint64_t)32 << 30) + 1;
    refused(&params, SP_ERR_INVALID, "at most 34359738368");
}

Test(params, soft_limits_above_the_hard_ones_are_refused)
{
    struct sp_sa_params params = good_params();
    params.has_lifetime = true;
    params.lifetime = (struct sp_lifetime){.soft_bytes = 1001, .hard_bytes = 1000};
    refused(&params, SP_ERR_INVALID, "soft byte limit");
    params.lifetime = (struct sp_lifetime){.hard_bytes = 1000, .soft_packets = 11, .hard_packets = 10};
    refused(&params, SP_ERR_INVALID, "soft packet limit");
    params.lifetime = (struct sp_lifetime){.hard_bytes = 1000, .soft_seconds = 11, .hard_seconds = 10};
    refused(&params, SP_ERR_INVALID, "soft time limit");
    params.lifetime = (struct sp_lifetime){1000, 1000, 10, 10, 10, 10};
    cr_assert_eq(sp_sa_params_check(&params, NULL), SP_OK, "they may be equal");
}

Test(params, gcm_has_no_integrity_algorithm_and_others_have_one)
{
    struct sp_sa_params params = good_params();
    params.integrity = SP_INTEGRITY_COMBINED;
    refused(&params, SP_ERR_INVALID, "AES-GCM");
    params = good_params();
    params.encryption = SP_ENCRYPTION_AES128_GCM16;
    refused(&params, SP_ERR_INVALID, "AES-GCM");
}

static struct sp_sa_params gcm_params(uint32_t spi, const uint8_t key[20])
{
    struct sp_sa_params params = good_params();
    params.spi = spi;
    params.encryption = SP_ENCRYPTION_AES128_GCM16;
    params.integrity = SP_INTEGRITY_COMBINED;
    params.encryption_key = key;
    params.encryption_key_bytes = 20;
    params.integrity_key_bytes = 0;
    return params;
}

Test(params, a_gcm_key_serves_one_sa_at_a_time)
{
    static const uint8_t key[20] = {1, 2, 3};
    struct sp_sad *sad;
    uint32_t number, other;
    char reason[256];
    struct sp_sa_params params = gcm_params(0x1000, key);
    cr_assert_eq(sp_sad_create(4, &sad), SP_OK);
    cr_assert_eq(sp_sad_add(sad, &params, &number, reason), SP_OK, "%s", reason);
    params.spi++;
    cr_assert_eq(sp_sad_add(sad, &params, &other, reason), SP_ERR_WEAK_KEY);
    cr_assert_not_null(strstr(reason, "make a key for each SA"));
    cr_assert_eq(sp_sad_remove(sad, number), SP_OK);
    cr_assert_eq(sp_sad_add(sad, &params, &other, reason), SP_OK, "%s", reason);
    sp_sad_destroy(&sad);
}

/* Of two buckets, so that some of many keys share one. */
Test(params, a_gcm_key_is_remembered_when_others_go)
{
    static const uint8_t key[20] = {1, 2, 3};
    const struct sp_sa_params params = gcm_params(0x1000, key), again = gcm_params(0x3000, key);
    for (uint8_t i = 0; i < 64; i++) {
        const uint8_t other_key[20] = {9, i};
        const struct sp_sa_params other = gcm_params(0x2000, other_key);
        struct sp_sad *sad;
        uint32_t number, other_number, third;
        cr_assert_eq(sp_sad_create(2, &sad), SP_OK);
        cr_assert_eq(sp_sad_add(sad, i % 2 ? &params : &other, &number, NULL), SP_OK);
        cr_assert_eq(sp_sad_add(sad, i % 2 ? &other : &params, &other_number, NULL), SP_OK);
        cr_assert_eq(sp_sad_remove(sad, i % 2 ? other_number : number), SP_OK);
        cr_assert_eq(sp_sad_add(sad, &again, &third, NULL), SP_ERR_WEAK_KEY, "%u", i);
        sp_sad_destroy(&sad);
    }
}
