/* SPDX-License-Identifier: ISC
 *
 * Lifetimes: presets, defaults, and that a hard limit is never passed.
 */
#include "core/clock.h"
#include "sa/lifetime.h"
#include "sa/sad.h"
#include "unit/sa/fixture.h"

#include <criterion/criterion.h>

#include <pthread.h>

#define NS_PER_SECOND 1000000000u

static struct sp_sad *sad;

static void make_sad(void)
{
    cr_assert_eq(sp_sad_create(8, &sad), SP_OK);
}

static void destroy_sad(void)
{
    sp_sad_destroy(&sad);
}

TestSuite(lifetime, .init = make_sad, .fini = destroy_sad);

/* lifetime NULL: none of its own */
static struct sp_sa *add(const struct sp_lifetime *lifetime)
{
    struct sp_sa_params params = good_params();
    uint32_t number;
    char reason[256];
    params.has_lifetime = lifetime != NULL;
    if (lifetime != NULL)
        params.lifetime = *lifetime;
    cr_assert_eq(sp_sad_add(sad, &params, &number, reason), SP_OK, "%s", reason);
    return sp_sad_by_number(sad, number);
}

static enum sp_drop spend(struct sp_sa *sa, uint64_t bytes)
{
    return sp_sa_spend(sa, bytes, sp_clock_now_ns());
}

Test(lifetime, presets_are_what_their_names_promise)
{
    struct sp_lifetime lifetime;
    cr_assert_eq(sp_lifetime_preset("w2k", &lifetime), SP_OK);
    cr_assert_eq(lifetime.hard_bytes, 102400000u);
    cr_assert_eq(lifetime.hard_seconds, 3600u);
    cr_assert_eq(lifetime.soft_seconds, 3150u);
    cr_assert_eq(sp_lifetime_preset("nist-r2", &lifetime), SP_OK);
    cr_assert_eq(lifetime.hard_bytes, 8u << 20);
    cr_assert_eq(lifetime.soft_bytes, 7u << 20);
    cr_assert_eq(lifetime.hard_seconds, 0u);
    cr_assert_eq(sp_lifetime_preset("nist-r1", &lifetime), SP_OK);
    cr_assert_eq(lifetime.hard_bytes, (uint64_t)32 << 30);
    cr_assert_eq(sp_lifetime_preset("forever", &lifetime), SP_ERR_NOT_FOUND);
}

Test(lifetime, a_preset_is_known_by_its_name_with_and_without_soft_limits)
{
    static const char *const names[] = {"w2k", "nist-r2", "nist-r1"};
    for (size_t i = 0; i < 3; i++) {
        struct sp_lifetime lifetime;
        cr_assert_eq(sp_lifetime_preset(names[i], &lifetime), SP_OK);
        cr_assert_str_eq(sp_lifetime_preset_name(&lifetime), names[i]);
        lifetime.soft_bytes = lifetime.soft_seconds = 0;
        cr_assert_str_eq(sp_lifetime_preset_name(&lifetime), names[i]);
        lifetime.hard_packets = 1;
        cr_assert_null(sp_lifetime_preset_name(&lifetime));
    }
}

Test(lifetime, an_sa_without_one_starts_with_w2k)
{
    struct sp_sa *sa = add(NULL);
    cr_assert_str_eq(sp_lifetime_preset_name(&sa->lifetime), "w2k");
}

Test(lifetime, the_first_action_replaces_the_default_and_later_ones_tighten)
{
    struct sp_sa *sa = add(NULL);
    const struct sp_lifetime longer = {.hard_bytes = (uint64_t)1 << 34, .hard_packets = 50};
    sp_sa_tighten_lifetime(sa, &longer);
    cr_assert_eq(sa->lifetime.hard_bytes, (uint64_t)1 << 34);
    cr_assert_eq(sa->lifetime.hard_packets, 50u);
    cr_assert_eq(sa->lifetime.hard_seconds, 0u, "w2k's time limit was to be replaced");

    const struct sp_lifetime other = {.hard_bytes = 1 << 20, .hard_packets = 60, .hard_seconds = 80};
    sp_sa_tighten_lifetime(sa, &other);
    cr_assert_eq(sa->lifetime.hard_bytes, 1u << 20);
    cr_assert_eq(sa->lifetime.hard_packets, 50u);
    cr_assert_eq(sa->lifetime.hard_seconds, 80u);
    cr_assert_leq(sa->lifetime.soft_bytes, sa->lifetime.hard_bytes);
    for (int i = 0; i < 50; i++)
        cr_assert_eq(spend(sa, 1), SP_DROP_NONE);
    cr_assert_eq(spend(sa, 1), SP_DROP_HARD_PACKETS);
}

Test(lifetime, no_action_takes_the_byte_limit_off_3des)
{
    struct sp_sa *sa = add(NULL);
    const struct sp_lifetime none = {.hard_seconds = 5};
    sp_sa_tighten_lifetime(sa, &none);
    cr_assert_eq(sa->lifetime.hard_bytes, (uint64_t)1 << 35);
}

Test(lifetime, an_own_lifetime_is_left_alone_by_actions)
{
    const struct sp_lifetime own = {.hard_bytes = 1000};
    const struct sp_lifetime action = {.hard_bytes = 10};
    struct sp_sa *sa = add(&own);
    sp_sa_tighten_lifetime(sa, &action);
    cr_assert_eq(sa->lifetime.hard_bytes, 1000u);
}

Test(lifetime, a_packet_that_would_pass_the_byte_limit_is_refused_and_spends_nothing)
{
    const struct sp_lifetime lifetime = {.hard_bytes = 1000};
    struct sp_sa *sa = add(&lifetime);
    cr_assert_eq(spend(sa, 874), SP_DROP_NONE);
    cr_assert_eq(sa->state, SP_SA_LIVE);
    cr_assert_eq(spend(sa, 1), SP_DROP_NONE);
    cr_assert_eq(sa->state, SP_SA_SOFT_EXPIRED);
    cr_assert_eq(spend(sa, 126), SP_DROP_HARD_BYTES);
    cr_assert_eq(sa->bytes, 875u);
    cr_assert_eq(sa->packets, 2u);
    cr_assert_eq(sa->state, SP_SA_HARD_EXPIRED);
    cr_assert_eq(spend(sa, 1), SP_DROP_HARD_BYTES, "a dead SA must stay dead");
}

Test(lifetime, what_meets_the_limit_exactly_is_the_last_to_pass)
{
    const struct sp_lifetime lifetime = {.hard_bytes = 1000};
    struct sp_sa *sa = add(&lifetime);
    cr_assert_eq(spend(sa, 1000), SP_DROP_NONE);
    cr_assert_eq(sa->state, SP_SA_HARD_EXPIRED);
    cr_assert_eq(spend(sa, 0), SP_DROP_HARD_BYTES);
}

static enum sp_limit limit_of(const struct sp_sa *sa)
{
    struct sp_sa_info info;
    cr_assert_eq(sp_sad_get(sad, sa->number, &info), SP_OK);
    return info.limit;
}

Test(lifetime, which_limit_was_met_first_is_known_for_each_state)
{
    const struct sp_lifetime lifetime = {
        .soft_bytes = 500, .hard_bytes = 1000, .soft_packets = 2, .hard_packets = 3, .hard_seconds = 80};
    struct sp_sa *sa = add(&lifetime);
    (void)spend(sa, 499);
    cr_assert_eq(limit_of(sa), SP_LIMIT_NONE);
    (void)spend(sa, 0);
    cr_assert_eq(limit_of(sa), SP_LIMIT_PACKETS);
    sp_clock_advance_ns(70ull * NS_PER_SECOND);
    cr_assert_eq(limit_of(sa), SP_LIMIT_PACKETS, "the soft time limit came later");
    sp_clock_advance_ns(10ull * NS_PER_SECOND);
    cr_assert_eq(limit_of(sa), SP_LIMIT_TIME);
    cr_assert_eq(sp_sa_limit_met(sa, SP_SA_SOFT_EXPIRED), SP_LIMIT_PACKETS);
    cr_assert_str_eq(sp_limit_name(SP_LIMIT_NONE), "none");
    cr_assert_str_eq(sp_limit_name(SP_LIMIT_COUNT), "?");
}

Test(lifetime, huge_packets_do_not_wrap_the_byte_counter)
{
    const struct sp_lifetime lifetime = {.hard_bytes = 1000};
    struct sp_sa *sa = add(&lifetime);
    cr_assert_eq(spend(sa, 10), SP_DROP_NONE);
    cr_assert_eq(spend(sa, UINT64_MAX - 4), SP_DROP_HARD_BYTES);
}

Test(lifetime, time_expires_softly_then_hard_without_any_packet)
{
    const struct sp_lifetime lifetime = {.hard_bytes = 1000, .hard_seconds = 80};
    struct sp_sa *sa = add(&lifetime);
    struct sp_sa_info info;
    sp_clock_advance_ns((uint64_t)69 * NS_PER_SECOND);
    cr_assert_eq(sp_sad_get(sad, sa->number, &info), SP_OK);
    cr_assert_eq(info.state, SP_SA_LIVE);
    sp_clock_advance_ns((uint64_t)1 * NS_PER_SECOND);
    cr_assert_eq(sp_sad_get(sad, sa->number, &info), SP_OK);
    cr_assert_eq(info.state, SP_SA_SOFT_EXPIRED);
    cr_assert_eq(spend(sa, 1), SP_DROP_NONE);
    sp_clock_advance_ns((uint64_t)10 * NS_PER_SECOND);
    cr_assert_eq(sp_sad_get(sad, sa->number, &info), SP_OK);
    cr_assert_eq(info.state, SP_SA_HARD_EXPIRED);
    cr_assert_eq(spend(sa, 1), SP_DROP_HARD_TIME);
    cr_assert_eq(sa->packets, 1u);
}

Test(lifetime, the_first_hard_limit_met_is_the_reason_from_then_on)
{
    const struct sp_lifetime lifetime = {.hard_bytes = 1000, .hard_packets = 2, .hard_seconds = 5};
    struct sp_sa *sa = add(&lifetime);
    cr_assert_eq(spend(sa, 1), SP_DROP_NONE);
    cr_assert_eq(spend(sa, 1), SP_DROP_NONE);
    cr_assert_eq(spend(sa, 5000), SP_DROP_HARD_PACKETS);
    sp_clock_advance_ns((uint64_t)6 * NS_PER_SECOND);
    cr_assert_eq(spend(sa, 5000), SP_DROP_HARD_PACKETS);
}

Test(lifetime, a_time_limit_beyond_the_clock_never_comes)
{
    const struct sp_lifetime lifetime = {.hard_bytes = 1000, .hard_seconds = UINT64_MAX};
    struct sp_sa *sa = add(&lifetime);
    cr_assert_eq(spend(sa, 1), SP_DROP_NONE);
}

Test(lifetime, many_packets_are_spent_together_or_not_at_all)
{
    const struct sp_lifetime lifetime = {.hard_bytes = 1000, .hard_packets = 10};
    struct sp_sa *sa = add(&lifetime);
    uint64_t now_ns = sp_clock_now_ns();
    cr_assert(sp_sa_spend_many(sa, 4, 400, now_ns));
    cr_assert_not(sp_sa_spend_many(sa, 7, 10, now_ns));
    cr_assert_not(sp_sa_spend_many(sa, 2, 601, now_ns));
    cr_assert_eq(sa->state, SP_SA_LIVE, "what was refused as a whole must not end the SA");
    cr_assert_eq(sa->bytes, 400u);
    cr_assert_eq(sa->packets, 4u);
    cr_assert(sp_sa_spend_many(sa, 6, 600, now_ns));
    cr_assert_eq(sa->state, SP_SA_HARD_EXPIRED);
    cr_assert_not(sp_sa_spend_many(sa, 1, 0, now_ns));
}

struct spender {
    struct sp_sa *sa;
    uint64_t bytes, packets;
};

static void *spend_all(void *argument)
{
    struct spender *spender = argument;
    uint64_t now_ns = sp_clock_now_ns();
    for (uint64_t size = 1; sp_sa_spend(spender->sa, size, now_ns) == SP_DROP_NONE; size = size % 1500 + 1) {
        spender->bytes += size;
        spender->packets++;
    }
    return NULL;
}

static void race(const struct sp_lifetime *lifetime, struct spender *ret_sum)
{
    struct spender spenders[4] = {0};
    pthread_t threads[4];
    struct sp_sa *sa = add(lifetime);
    for (int i = 0; i < 4; i++) {
        spenders[i].sa = sa;
        cr_assert_eq(pthread_create(&threads[i], NULL, spend_all, &spenders[i]), 0);
    }
    *ret_sum = (struct spender){.sa = sa};
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        ret_sum->bytes += spenders[i].bytes;
        ret_sum->packets += spenders[i].packets;
    }
    cr_assert_eq(sa->bytes, ret_sum->bytes);
    cr_assert_eq(sa->packets, ret_sum->packets);
}

Test(lifetime, four_workers_racing_never_pass_a_byte_limit)
{
    const struct sp_lifetime lifetime = {.hard_bytes = 300000000};
    struct spender sum;
    race(&lifetime, &sum);
    cr_assert_leq(sum.bytes, lifetime.hard_bytes);
    cr_assert_gt(sum.bytes, lifetime.hard_bytes - 1501);
}

Test(lifetime, four_workers_racing_never_pass_a_packet_limit)
{
    const struct sp_lifetime lifetime = {.hard_bytes = (uint64_t)1 << 35, .hard_packets = 400000};
    struct spender sum;
    race(&lifetime, &sum);
    cr_assert_eq(sum.packets, lifetime.hard_packets);
}

Test(lifetime, another_one_can_be_set_and_counts_from_birth)
{
    const struct sp_lifetime first = {.hard_bytes = 1000, .soft_bytes = 900};
    const struct sp_lifetime wider = {.hard_bytes = 2000, .soft_bytes = 1950, .hard_seconds = 60};
    const struct sp_lifetime narrower = {.hard_bytes = 1600};
    struct sp_sa *sa = add(&first);
    cr_assert_eq(spend(sa, 800), SP_DROP_NONE);
    cr_assert_eq(sp_sad_set_lifetime(sad, sa->number, &wider, NULL), SP_OK);
    cr_expect_eq(spend(sa, 700), SP_DROP_NONE);
    cr_expect_eq(sp_sa_state_at(sa, sp_clock_now_ns()), SP_SA_LIVE);
    cr_expect_eq(sp_sad_set_lifetime(sad, sa->number, &narrower, NULL), SP_OK);
    cr_expect_eq(sa->lifetime.soft_bytes, 1400);
    cr_expect_eq(spend(sa, 101), SP_DROP_HARD_BYTES);
    cr_expect_eq(sp_sad_set_lifetime(sad, sa->number, &wider, NULL), SP_OK);
    cr_expect_eq(spend(sa, 1), SP_DROP_HARD_BYTES, "what has died stays dead");
}

Test(lifetime, one_that_is_set_obeys_the_rules_or_changes_nothing)
{
    const struct sp_lifetime good = {.hard_bytes = 1000}, bad = {.hard_packets = 5};
    struct sp_sa *sa = add(NULL);
    char reason[256] = "";
    cr_expect_eq(sp_sad_set_lifetime(sad, sa->number, &bad, reason), SP_ERR_INVALID);
    cr_expect(strstr(reason, "byte limit") != NULL, "%s", reason);
    cr_expect_str_eq(sp_lifetime_preset_name(&sa->lifetime), "w2k");
    cr_expect_eq(sp_sad_set_lifetime(sad, 7, &good, NULL), SP_ERR_NOT_FOUND);
    cr_expect_eq(sp_sad_set_lifetime(sad, sa->number, &good, NULL), SP_OK);
    sp_sa_tighten_lifetime(sa, &(struct sp_lifetime){.hard_bytes = 10});
    cr_expect_eq(sa->lifetime.hard_bytes, 1000, "no action has a say in it any more");
}
