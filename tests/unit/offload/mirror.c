/* SPDX-License-Identifier: ISC
 *
 * The mirror against a kernel of the test's: whatever happens to the kernel's SAs, whatever of it is lost and
 * wherever a dump is cut, in the end the SAD has the kernel's SAs.
 */
#include "mirror_kernel.h"

#include "xfrm_messages.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <linux/udp.h>
#include <stdlib.h>
#include <string.h>

/* A place that chance leaves alone. */
#define ETERNAL 0u

static struct mirror_kernel kernel;
static struct sp_sad *sad;
static struct sp_mirror *mirror;

/* ---- what was told ------------------------------------------------------------------------------------- */

static struct {
    uint32_t of_kind[SP_MIRROR_HEARD + 1];
    uint32_t of_eternal[SP_MIRROR_HEARD + 1];
    uint32_t of_event[SP_OFFLOAD_LOST + 1];
    char text[512]; /* the last */
} told;

static void take_news(const struct sp_mirror_news *news, void *context)
{
    (void)context;
    told.of_kind[news->kind]++;
    if (news->spi == 0x1000 && news->destination.bytes[3] == 1)
        told.of_eternal[news->kind]++;
    cr_assert_eq(news->event != NULL, news->kind == SP_MIRROR_HEARD);
    if (news->event != NULL)
        told.of_event[news->event->kind]++;
    snprintf(told.text, sizeof told.text, "%s", news->text);
}

static void begin_with(uint32_t capacity, struct sp_mirror_options options)
{
    memset(&told, 0, sizeof told);
    options.on_news = take_news;
    mirror_kernel_begin(&kernel);
    cr_assert_eq(sp_sad_create(capacity, &sad), SP_OK);
    mirror = mirror_of(&kernel, sad, &options);
    cr_assert_eq(sp_mirror_pump(mirror), SP_OK);
}

static void begin(void)
{
    begin_with(64, (struct sp_mirror_options){.with_ours = false});
}

static void end(void)
{
    sp_mirror_close(&mirror);
    cr_expect_eq(sp_sad_count(sad), 0, "a mirror that is closed leaves %u SAs", sp_sad_count(sad));
    sp_sad_destroy(&sad);
    mirror_kernel_end(&kernel);
}

static void pump(void)
{
    cr_assert_eq(sp_mirror_pump(mirror), SP_OK);
}

static struct sp_mirror_counts counts(void)
{
    struct sp_mirror_counts now;

    sp_mirror_count(mirror, &now);
    return now;
}

/* ---- the kernel's table and the SAD ---------------------------------------------------------------------
 */

static void fingerprint_of(uint32_t place, char *text)
{
    struct sp_xfrm_sa sa;

    kernel_sa(&kernel, place, &sa);
    sp_sa_fingerprint(&(struct sp_sa_params){.encryption = SP_ENCRYPTION_3DES_CBC,
                                             .integrity = SP_INTEGRITY_HMAC_SHA1_96,
                                             .encryption_key = sa.encryption.key,
                                             .encryption_key_bytes = 24,
                                             .integrity_key = sa.integrity.key,
                                             .integrity_key_bytes = 20},
                      text);
}

static bool has(uint32_t place)
{
    return kernel.sas[place].is_there && !kernel.sas[place].is_larval;
}

/* Its number in the SAD, or SP_NO_SA. */
static uint32_t number_of(uint32_t place)
{
    char fingerprint[17];
    struct sp_xfrm_sa sa;
    struct sp_sa_info info;

    fingerprint_of(place, fingerprint);
    kernel_sa(&kernel, place, &sa);
    for (uint32_t i = 0; i < sp_sad_capacity(sad); i++)
        if (sp_sad_get(sad, i, &info) == SP_OK && info.spi == sa.spi &&
            memcmp(&info.destination, &sa.destination, sizeof sa.destination) == 0 &&
            strcmp(info.fingerprint, fingerprint) == 0)
            return i;
    return SP_NO_SA;
}

static bool has_good(uint32_t place)
{
    return has(place) && kernel.sas[place].kind == MADE_GOOD;
}

/* To a SAD, SAs that differ by their mark alone have the same place: one of the two can be there. */
static void expect_equal(const char *when, uint64_t seed)
{
    uint32_t wanted = 0, good = 0, found = 0;

    for (uint32_t place = 0; place < PLACES / 2; place++) {
        const uint32_t other = place + PLACES / 2;
        const bool is_good = has_good(place), is_other_good = has_good(other);
        wanted += has(place) + has(other);
        good += is_good || is_other_good;
        found += (is_good && number_of(place) != SP_NO_SA) || (is_other_good && number_of(other) != SP_NO_SA);
        for (uint32_t i = place; i < PLACES; i += PLACES / 2) {
            struct sp_sa_info info;
            if (has_good(i) && number_of(i) != SP_NO_SA && sp_sad_get(sad, number_of(i), &info) == SP_OK)
                cr_expect(info.lifetime.hard_seconds <= kernel.sas[i].hard_seconds &&
                              info.lifetime.hard_seconds + 0x7fffffff > kernel.sas[i].hard_seconds,
                          "seed %zu, %s: an SA has other limits", (size_t)seed, when);
        }
    }
    const struct sp_mirror_counts now = counts();
    const uint32_t room = sp_sad_capacity(sad);
    cr_expect_not(now.is_behind, "seed %zu, %s: behind", (size_t)seed, when);
    cr_expect_eq(found, good < room ? good : room, "seed %zu, %s: %u SAs of %u", (size_t)seed, when, found,
                 good);
    cr_expect_eq(sp_sad_count(sad), found, "seed %zu, %s: %u SAs, of which the kernel has %u", (size_t)seed,
                 when, sp_sad_count(sad), found);
    cr_expect_eq(now.mirrored, found);
    cr_expect_eq(now.mirrored + now.refused, wanted, "seed %zu, %s: %u and %u of %u are counted",
                 (size_t)seed, when, now.mirrored, now.refused, wanted);
}

/* ---- chance -------------------------------------------------------------------------------------------- */

struct history {
    uint64_t state;
    bool with_flush, with_faults;
};

static uint32_t draw(struct history *history, uint32_t below)
{
    return (uint32_t)(chance(&history->state) >> 16) % below;
}

static void happen(struct history *history)
{
    const uint32_t place = 1 + draw(history, PLACES - 1);

    switch (draw(history, 12)) {
    case 0:
        kernel_reserve(&kernel, place);
        break;
    case 1:
    case 2:
        kernel_update(&kernel, place, UINT32_MAX - draw(history, 100));
        break;
    case 3:
    case 4:
        kernel_delete(&kernel, place);
        break;
    case 5:
        kernel_expire(&kernel, place);
        break;
    case 6:
        if (history->with_flush && draw(history, 8) == 0)
            kernel_flush(&kernel);
        break;
    case 7: /* a rekeying: the new one first */
        kernel_add(&kernel, 1 + place % (PLACES - 1), MADE_GOOD, 1);
        kernel_delete(&kernel, place);
        break;
    default:
        kernel_add(&kernel, place, draw(history, 4) == 0 ? draw(history, MADE_KINDS) : MADE_GOOD,
                   1 + draw(history, 3));
        break;
    }
}

static void happen_meanwhile(struct mirror_kernel *of, void *context)
{
    struct history *history = context;

    if (draw(history, 3) == 0)
        happen(history);
    if (!history->with_faults)
        return;
    of->is_interrupted |= draw(history, 40) == 0;
    static const int errors[] = {ENOBUFS, EAGAIN, ENOMEM, EMSGSIZE};
    if (draw(history, 40) == 0)
        of->dump_error = errors[draw(history, 4)];
}

static void settle(void)
{
    kernel.meanwhile = NULL;
    kernel.dump_error = 0;
    for (int i = 0; i < 3; i++)
        pump();
}

/* A history of so many steps. What is told is heard now and then. */
static void live_through(struct history *history, int steps)
{
    kernel.meanwhile = happen_meanwhile;
    kernel.context = history;
    kernel_add(&kernel, ETERNAL, MADE_GOOD, 1);
    for (int i = 0; i < steps; i++) {
        happen(history);
        if (draw(history, 6) == 0)
            pump();
    }
    settle();
}

static uint64_t tests_of_chance(uint64_t everyday)
{
    return getenv("SP_NIGHTLY") != NULL ? 50 * everyday : everyday;
}

static void expect_eternal_untouched(uint64_t seed)
{
    cr_expect_eq(told.of_eternal[SP_MIRROR_ADDED], 1, "seed %zu: added %u times", (size_t)seed,
                 told.of_eternal[SP_MIRROR_ADDED]);
    cr_expect_eq(told.of_eternal[SP_MIRROR_REMOVED], 0, "seed %zu", (size_t)seed);
}

Test(mirror, has_the_kernels_SAs_whatever_happens, .timeout = 600)
{
    const uint64_t seeds = tests_of_chance(200);

    for (uint64_t seed = 1; seed <= seeds; seed++) {
        begin();
        struct history history = {.state = seed, .with_flush = seed % 2 == 0};
        live_through(&history, 120);
        expect_equal("nothing lost", seed);
        /* the eternal one shares its place with that of the mark */
        if (!history.with_flush && !has_good(ETERNAL + PLACES / 2))
            expect_eternal_untouched(seed);
        end();
    }
}

Test(mirror, has_the_kernels_SAs_when_the_queue_runs_over_and_dumps_fail, .timeout = 600)
{
    const uint64_t seeds = tests_of_chance(200);
    uint64_t losses = 0;

    for (uint64_t seed = 1; seed <= seeds; seed++) {
        begin_with(seed % 3 == 0 ? 5 : 64, (struct sp_mirror_options){.with_ours = false});
        struct history history = {.state = seed, .with_flush = seed % 2 == 0, .with_faults = true};
        kernel.room = 1 + seed % 9;
        live_through(&history, 120);
        expect_equal("much lost", seed);
        losses += counts().losses;
        end();
    }
    cr_expect_gt(losses, seeds, "too little is lost");
}

Test(mirror, has_the_kernels_SAs_wherever_one_or_more_messages_are_lost, .timeout = 600)
{
    for (uint32_t lose_count = 1; lose_count <= 5; lose_count += 2)
        for (uint32_t lose_at = 1; lose_at <= 80; lose_at++) {
            begin();
            struct history history = {.state = lose_count};
            kernel.lose_at = lose_at;
            kernel.lose_count = lose_count;
            live_through(&history, 150);
            cr_assert_gt(kernel.told, 80);
            expect_equal("lost at", lose_at);
            cr_expect_geq(told.of_kind[SP_MIRROR_LOST], 1);
            end();
        }
}

/* ---- one by one ---------------------------------------------------------------------------------------- */

TestSuite(mirror_of_one, .init = begin, .fini = end);

Test(mirror_of_one, is_there_from_the_start_when_the_kernel_had_it)
{
    end();
    memset(&told, 0, sizeof told);
    mirror_kernel_begin(&kernel);
    kernel_add(&kernel, 3, MADE_GOOD, 1);
    cr_assert_eq(sp_sad_create(8, &sad), SP_OK);
    mirror = mirror_of(&kernel, sad, &(struct sp_mirror_options){.on_news = take_news});
    pump();
    cr_expect_neq(number_of(3), SP_NO_SA);
    expect_equal("at the start", 0);
}

Test(mirror_of_one, a_reserved_place_is_none_until_it_has_keys)
{
    kernel_reserve(&kernel, 2);
    sp_mirror_resync(mirror);
    pump();
    cr_expect_eq(sp_sad_count(sad), 0);
    cr_expect_eq(counts().refused, 0);
    kernel_update(&kernel, 2, 3600);
    pump();
    cr_expect_neq(number_of(2), SP_NO_SA);
    cr_expect_eq(told.of_kind[SP_MIRROR_ADDED], 1);
}

Test(mirror_of_one, goes_with_a_deletion_an_expiry_or_a_flush)
{
    static void (*const ends[])(struct mirror_kernel *, uint32_t) = {kernel_delete, kernel_expire};

    for (uint32_t i = 0; i < 3; i++) {
        kernel_add(&kernel, i, MADE_GOOD, 1);
        pump();
        cr_expect_eq(sp_sad_count(sad), 1);
        if (i < 2)
            ends[i](&kernel, i);
        else
            kernel_flush(&kernel);
        pump();
        cr_expect_eq(sp_sad_count(sad), 0);
    }
    cr_expect_eq(told.of_kind[SP_MIRROR_REMOVED], 3);
    cr_expect_eq(counts().dumps, 1, "only the first");
}

Test(mirror_of_one, other_limits_leave_its_number_and_its_keys)
{
    struct sp_sa_info before, after;

    kernel_add(&kernel, 1, MADE_GOOD, 1);
    pump();
    cr_assert_eq(sp_sad_get(sad, number_of(1), &before), SP_OK);
    kernel_update(&kernel, 1, 4000000000);
    pump();
    cr_assert_eq(sp_sad_get(sad, number_of(1), &after), SP_OK);
    cr_expect_eq(after.number, before.number);
    cr_expect_eq(before.lifetime.hard_seconds - after.lifetime.hard_seconds, UINT32_MAX - 4000000000);
    cr_expect_eq(told.of_kind[SP_MIRROR_CHANGED], 1);
    cr_expect_eq(told.of_kind[SP_MIRROR_REMOVED], 0);
}

Test(mirror_of_one, an_update_with_other_keys_changes_no_keys)
{
    kernel_add(&kernel, 1, MADE_GOOD, 1);
    pump();
    kernel_update(&kernel, 1, 4000000001);
    pump();
    expect_equal("after the update", 0);
    cr_expect_eq(told.of_kind[SP_MIRROR_REMOVED], 0);
}

Test(mirror_of_one, what_the_library_cannot_do_is_counted_and_said_once)
{
    static const char *const words[] = {
        [MADE_WEAK] = "k1", [MADE_UNKNOWN] = "cbc(aes)", [MADE_BEET] = "mode"};

    for (uint32_t kind = MADE_WEAK; kind < MADE_KINDS; kind++) {
        kernel_add(&kernel, kind, (enum made_sa_kind)kind, 1);
        pump();
        cr_expect_eq(counts().refused, kind);
        cr_expect(strstr(told.text, words[kind]) != NULL, "%s", told.text);
    }
    sp_mirror_resync(mirror);
    pump();
    cr_expect_eq(told.of_kind[SP_MIRROR_REFUSED], 3);
    cr_expect_eq(sp_sad_count(sad), 0);
    kernel_flush(&kernel);
    pump();
    cr_expect_eq(counts().refused, 0);
}

Test(mirror_of_one, keys_that_the_kernel_keeps_to_itself_are_no_keys)
{
    static const uint8_t zeroes[24];
    static struct sp_xfrm_message message;

    kernel_add(&kernel, 0, MADE_GOOD, 1);
    message = (struct sp_xfrm_message){.type = XFRM_MSG_NEWSA};
    kernel_sa(&kernel, 0, &message.sa);
    kernel_delete(&kernel, 0);
    message.sa.encryption.key = message.sa.integrity.key = zeroes;
    kernel_tell(&kernel, &message);
    pump();
    cr_expect_eq(sp_sad_count(sad), 0);
    cr_expect(strstr(told.text, "locked down") != NULL, "%s", told.text);
}

/* An SA of place 0 as the kernel says it when `change` has been at it, in the SAD. */
static struct sp_sa_info mirrored(void (*change)(struct sp_xfrm_sa *sa))
{
    static struct sp_xfrm_message message;
    struct sp_sa_info info = {.number = SP_NO_SA};

    kernel_add(&kernel, 0, MADE_GOOD, 1);
    message = (struct sp_xfrm_message){.type = XFRM_MSG_NEWSA};
    kernel_sa(&kernel, 0, &message.sa);
    kernel_delete(&kernel, 0);
    change(&message.sa);
    kernel_tell(&kernel, &message);
    pump();
    cr_assert_eq(sp_sad_count(sad), 1, "%s", told.text);
    for (uint32_t i = 0; i < sp_sad_capacity(sad) && info.number == SP_NO_SA; i++)
        if (sp_sad_get(sad, i, &info) != SP_OK)
            info.number = SP_NO_SA;
    return info;
}

static void let_it_have_gcm(struct sp_xfrm_sa *sa)
{
    static const uint8_t key[36] = {1, 2, 3};

    sa->encryption = sa->integrity = (struct sp_xfrm_algorithm){.key_bits = 0};
    sa->aead = (struct sp_xfrm_algorithm){
        .name = "rfc4106(gcm(aes))", .key = key, .key_bits = 8 * sizeof key, .icv_bits = 128};
}

Test(mirror_of_one, has_the_kernels_aes_gcm)
{
    const struct sp_sa_info info = mirrored(let_it_have_gcm);

    cr_expect_eq(info.encryption, SP_ENCRYPTION_AES256_GCM16);
    cr_expect_eq(info.integrity, SP_INTEGRITY_COMBINED);
    cr_expect_not(info.has_esn);
    cr_expect_not(sp_encap_is_on(&info.encap));
}

static void let_it_have_esn_in_udp(struct sp_xfrm_sa *sa)
{
    sa->flags |= XFRM_STATE_ESN;
    sa->has |= SP_XFRM_HAS_REPLAY_ESN | SP_XFRM_HAS_ENCAP;
    sa->replay_esn = (struct sp_xfrm_replay_esn){.window_packets = 128, .bitmap_words = 4};
    sa->encap = (struct sp_xfrm_encap){.type = UDP_ENCAP_ESPINUDP,
                                       .source_port = 4500,
                                       .destination_port = 61000,
                                       .original = {.family = 4}};
}

Test(mirror_of_one, has_the_kernels_esn_and_udp)
{
    const struct sp_sa_info info = mirrored(let_it_have_esn_in_udp);

    cr_expect(info.has_esn);
    cr_expect_eq(info.replay_window_packets, 128);
    cr_expect_eq(info.encap.source_port, 4500);
    cr_expect_eq(info.encap.destination_port, 61000);
}

static void let_it_be_a_tunnel(struct sp_xfrm_sa *sa)
{
    sa->mode = XFRM_MODE_TUNNEL;
}

static void let_it_be_a_tunnel_with_choices(struct sp_xfrm_sa *sa)
{
    sa->mode = XFRM_MODE_TUNNEL;
    sa->flags |= XFRM_STATE_NOPMTUDISC | XFRM_STATE_NOECN;
    sa->has |= SP_XFRM_HAS_EXTRA_FLAGS;
    sa->extra_flags = XFRM_SA_XFLAG_DONT_ENCAP_DSCP;
}

Test(mirror_of_one, has_the_kernels_tunnels_and_what_their_outer_headers_say)
{
    struct sp_sa_info info = mirrored(let_it_be_a_tunnel);

    cr_expect_eq(info.mode, SP_MODE_TUNNEL);
    cr_expect(info.tunnel.df == SP_TUNNEL_DF_COPY && !info.tunnel.has_dscp && !info.tunnel.has_no_ecn);
    end();
    begin();
    info = mirrored(let_it_be_a_tunnel_with_choices);
    cr_expect_eq(info.mode, SP_MODE_TUNNEL);
    cr_expect(info.tunnel.df == SP_TUNNEL_DF_CLEAR && info.tunnel.has_dscp && info.tunnel.dscp == 0 &&
              info.tunnel.has_no_ecn);
}

Test(mirror_of_one, what_found_no_room_comes_when_there_is_some)
{
    end();
    begin_with(1, (struct sp_mirror_options){.with_ours = false});
    kernel_add(&kernel, 1, MADE_GOOD, 1);
    kernel_add(&kernel, 2, MADE_GOOD, 1);
    pump();
    cr_expect_neq(number_of(1), SP_NO_SA);
    cr_expect(strstr(told.text, "full") != NULL, "%s", told.text);
    kernel_delete(&kernel, 1);
    pump();
    cr_expect_neq(number_of(2), SP_NO_SA);
    expect_equal("after a deletion", 0);
}

Test(mirror_of_one, what_the_kernel_does_silently_is_found_by_a_resync)
{
    kernel_add(&kernel, 1, MADE_GOOD, 1);
    kernel_add(&kernel, 2, MADE_GOOD, 1);
    pump();
    kernel_lose_sa(&kernel, 1);
    pump();
    cr_expect_eq(sp_sad_count(sad), 2);
    sp_mirror_resync(mirror);
    cr_expect(counts().is_behind);
    pump();
    expect_equal("after a resync", 0);
    kernel_lose_sa(&kernel, 2);
    kernel_add(&kernel, 2, MADE_GOOD, 1);
    pump();
    expect_equal("or when another one comes in its place", 0);
}

Test(mirror_of_one, others_in_the_SAD_are_left_alone)
{
    static const uint8_t key[20] = {1};
    const struct sp_sa_params params = {.spi = 0x1001,
                                        .source = {4, {192, 0, 2, 1}},
                                        .destination = {4, {198, 51, 100, 1}},
                                        .encryption = SP_ENCRYPTION_NULL,
                                        .integrity = SP_INTEGRITY_HMAC_SHA1_96,
                                        .integrity_key = key,
                                        .integrity_key_bytes = sizeof key};
    uint32_t number;

    cr_assert_eq(sp_sad_add(sad, &params, &number, NULL), SP_OK);
    kernel_add(&kernel, 1, MADE_GOOD, 1); /* the same SPI and addresses */
    kernel_flush(&kernel);
    kernel_add(&kernel, 1, MADE_GOOD, 1);
    pump();
    cr_expect_eq(counts().refused, 1);
    sp_mirror_close(&mirror);
    cr_expect_eq(sp_sad_count(sad), 1);
    cr_assert_eq(sp_sad_remove(sad, number), SP_OK);
}

static void expect_filtered(const struct sp_mirror_options *options, const char *wanted)
{
    char found[64] = "";

    end();
    begin_with(64, *options);
    kernel_add(&kernel, 1, MADE_GOOD, 1);
    kernel_add(&kernel, 2, MADE_GOOD, 5);
    kernel_add(&kernel, 3, MADE_GOOD, 0x53000101);
    kernel_add(&kernel, 4 + PLACES / 2, MADE_GOOD, 1);
    pump();
    for (uint32_t i = 0; i < PLACES; i++)
        if (has(i) && number_of(i) != SP_NO_SA)
            snprintf(found + strlen(found), sizeof found - strlen(found), "%u ", i % (PLACES / 2));
    cr_expect_str_eq(found, wanted);
    cr_expect_eq(counts().refused, 0);
    sp_mirror_resync(mirror);
    kernel_flush(&kernel);
    pump();
    cr_expect_eq(sp_sad_count(sad), 0);
}

Test(mirror_of_one, only_those_that_are_asked_for)
{
    expect_filtered(&(struct sp_mirror_options){.with_ours = false}, "1 2 4 ");
    expect_filtered(&(struct sp_mirror_options){.with_ours = true}, "1 2 3 4 ");
    expect_filtered(&(struct sp_mirror_options){.reqid_min = 2, .reqid_max = 9}, "2 ");
    expect_filtered(&(struct sp_mirror_options){.by_mark = true}, "1 2 ");
    expect_filtered(&(struct sp_mirror_options){.by_mark = true, .mark = 7, .mark_mask = 0xff}, "4 ");
    expect_filtered(&(struct sp_mirror_options){.by_interface_id = true}, "1 2 4 ");
    expect_filtered(&(struct sp_mirror_options){.by_interface_id = true, .interface_id = 3}, "");
}

Test(mirror_of_one, limits_are_the_kernels_within_what_is_asked_for_and_safe)
{
    struct sp_sa_info info;

    kernel_add(&kernel, 1, MADE_GOOD, 1);
    pump();
    cr_assert_eq(sp_sad_get(sad, number_of(1), &info), SP_OK);
    cr_expect_eq(info.lifetime.hard_bytes, 102400000, "of w2k, as the kernel's has none");
    cr_expect_eq(info.lifetime.hard_packets, 0);
    cr_expect_leq(info.lifetime.hard_seconds, UINT32_MAX - 1700000000u, "it is old already");
    end();
    begin_with(8, (struct sp_mirror_options){.lifetime = {.hard_packets = 50, .hard_bytes = 4096}});
    kernel_add(&kernel, 1, MADE_GOOD, 1);
    pump();
    cr_assert_eq(sp_sad_get(sad, number_of(1), &info), SP_OK);
    cr_expect_eq(info.lifetime.hard_bytes, 4096);
    cr_expect_eq(info.lifetime.hard_packets, 50);
}

Test(mirror_of_one, what_else_is_heard_is_handed_on)
{
    static const uint16_t types[] = {XFRM_MSG_ACQUIRE, XFRM_MSG_NEWPOLICY, XFRM_MSG_FLUSHPOLICY,
                                     XFRM_MSG_MAPPING, XFRM_MSG_EXPIRE};
    static const enum sp_offload_event_kind kinds[] = {SP_OFFLOAD_ACQUIRE, SP_OFFLOAD_POLICY_ADDED,
                                                       SP_OFFLOAD_POLICIES_FLUSHED, SP_OFFLOAD_SA_MAPPED,
                                                       SP_OFFLOAD_SA_SOFT_EXPIRED};
    static struct sp_xfrm_message message;

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        message = (struct sp_xfrm_message){.type = types[i]};
        kernel_tell(&kernel, &message);
        sp_mirror_resync(mirror); /* even then */
        pump();
        cr_expect_eq(told.of_event[kinds[i]], 1, "type %u", types[i]);
    }
    cr_expect_eq(told.of_kind[SP_MIRROR_HEARD], sizeof types / sizeof *types);
}

Test(mirror_of_one, an_expiry_here_is_told_to_the_kernel)
{
    kernel_add(&kernel, 1, MADE_GOOD, 1);
    kernel_add(&kernel, 2 + PLACES / 2, MADE_GOOD, 1);
    pump();
    const uint32_t soft = number_of(1), hard = number_of(2 + PLACES / 2);
    cr_expect_eq(sp_mirror_expired(mirror, soft, false), SP_OK);
    cr_expect_eq(kernel.last_expired, 1);
    cr_expect_eq(sp_mirror_expired(mirror, hard, true), SP_OK);
    cr_expect_eq(kernel.last_expired, (int)(2 + PLACES / 2));
    pump();
    expect_equal("after a hard expiry", 0);
    cr_expect_eq(sp_sad_count(sad), 1);
    cr_expect_eq(sp_mirror_expired(mirror, hard, true), SP_ERR_NOT_FOUND);
    cr_expect_eq(sp_mirror_expired(mirror, 60000, true), SP_ERR_NOT_FOUND);
    kernel_lose_sa(&kernel, 1);
    cr_expect_eq(sp_mirror_expired(mirror, soft, true), SP_ERR_NOT_FOUND);
}

Test(mirror_of_one, has_the_kernels_SAs_after_a_dump_that_was_refused)
{
    kernel_add(&kernel, 1, MADE_GOOD, 1);
    kernel.is_lost = true;
    kernel.dump_error = EPERM;
    cr_expect_eq(sp_mirror_pump(mirror), SP_ERR_PERMISSION);
    cr_expect(counts().is_behind);
    pump();
    expect_equal("when it is allowed again", 0);
}
