/* SPDX-License-Identifier: ISC
 *
 * Tests of lib/sa/totals.c: what SAs carried is never less than it was, however often their keys change.
 */
#include "sa/sad.h"
#include "unit/sa/fixture.h"

#include <criterion/criterion.h>

static struct sp_sad *make_sad(void)
{
    struct sp_sad *sad = NULL;
    cr_assert_eq(sp_sad_create(8, &sad), SP_OK);
    return sad;
}

static uint32_t add(struct sp_sad *sad, struct sp_sa_params params)
{
    uint32_t number;
    char reason[256];
    cr_assert_eq(sp_sad_add(sad, &params, &number, reason), SP_OK, "%s", reason);
    return number;
}

static uint32_t add_spi(struct sp_sad *sad, uint32_t spi)
{
    struct sp_sa_params params = good_params();
    params.spi = spi;
    return add(sad, params);
}

/* A packet as lib/esp accounts for it, in the direction's own way. */
static void carry(const struct sp_sad *sad, uint32_t number, enum sp_direction direction, uint64_t bytes)
{
    struct sp_sa *sa = sp_sad_by_number(sad, number);
    if (direction == SP_OUTBOUND)
        sa->sequence_sent++;
    else
        cr_assert(sp_replay_accept(&sa->replay, sa->replay.highest + 1));
    cr_assert_eq(sp_sa_spend(sa, bytes, sa->born_ns), SP_DROP_NONE);
}

static struct sp_sad_totals totals_of(struct sp_sad *sad)
{
    struct sp_sad_totals totals;
    sp_sad_totals(sad, &totals);
    return totals;
}

static void assert_carried(const struct sp_sad_carried *carried, uint64_t packets, uint64_t bytes)
{
    cr_assert_eq(carried->packets, packets);
    cr_assert_eq(carried->authenticated_bytes, bytes);
    cr_assert_eq(carried->confidential_bytes, bytes);
}

Test(totals, sums_go_on_over_rekeys_by_direction)
{
    struct sp_sad *sad = make_sad();
    uint32_t out = add_spi(sad, 0x1001), in = add_spi(sad, 0x2001);
    for (uint32_t rekey = 1; rekey <= 5; rekey++) {
        carry(sad, out, SP_OUTBOUND, 1000);
        carry(sad, out, SP_OUTBOUND, 500);
        carry(sad, in, SP_INBOUND, 64);
        const struct sp_sad_totals before = totals_of(sad);
        assert_carried(&before.direction[SP_OUTBOUND], 2 * rekey, 1500 * rekey);
        assert_carried(&before.direction[SP_INBOUND], rekey, 64 * rekey);

        const uint32_t old_out = out, old_in = in;
        out = add_spi(sad, 0x1001 + rekey);
        in = add_spi(sad, 0x2001 + rekey);
        cr_assert_eq(sp_sad_remove(sad, old_out), SP_OK);
        cr_assert_eq(sp_sad_remove(sad, old_in), SP_OK);
        const struct sp_sad_totals after = totals_of(sad);
        cr_assert_arr_eq(&after.direction, &before.direction, sizeof after.direction);
        cr_assert_eq(after.key_additions, 2 + 2 * rekey);
        cr_assert_eq(after.key_deletions, 2 * rekey);
    }
    sp_sad_destroy(&sad);
}

Test(totals, an_sa_that_carried_nothing_is_of_no_direction_and_a_refused_one_no_addition)
{
    struct sp_sad *sad = make_sad();
    const uint32_t number = add_spi(sad, 0x1001);
    struct sp_sa_params same = good_params();
    same.spi = 0x1001;
    uint32_t ignored;
    cr_assert_eq(sp_sad_add(sad, &same, &ignored, NULL), SP_ERR_EXISTS);
    cr_assert_eq(sp_sad_remove(sad, number), SP_OK);
    cr_assert_eq(sp_sad_remove(sad, number), SP_ERR_NOT_FOUND);
    const struct sp_sad_totals totals = totals_of(sad);
    cr_assert_eq(totals.key_additions, 1);
    cr_assert_eq(totals.key_deletions, 1);
    assert_carried(&totals.direction[SP_OUTBOUND], 0, 0);
    assert_carried(&totals.direction[SP_INBOUND], 0, 0);
    sp_sad_destroy(&sad);
}

Test(totals, null_encryption_is_authenticated_but_not_confidential)
{
    struct sp_sad *sad = make_sad();
    struct sp_sa_params params = good_params();
    params.encryption = SP_ENCRYPTION_NULL;
    params.encryption_key = NULL;
    params.encryption_key_bytes = 0;
    carry(sad, add(sad, params), SP_OUTBOUND, 300);
    carry(sad, add_spi(sad, 0x2001), SP_OUTBOUND, 40);
    const struct sp_sad_totals totals = totals_of(sad);
    cr_assert_eq(totals.direction[SP_OUTBOUND].authenticated_bytes, 340);
    cr_assert_eq(totals.direction[SP_OUTBOUND].confidential_bytes, 40);
    sp_sad_destroy(&sad);
}

Test(totals, what_was_told_never_falls)
{
    struct sp_sad *sad = make_sad();
    const uint32_t number = add_spi(sad, 0x1001);
    carry(sad, number, SP_OUTBOUND, 1000);
    struct sp_sa *sa = sp_sad_by_number(sad, number);
    sa->packets++; /* as a packet that is about to be refused for its bytes does for a moment */
    cr_assert_eq(totals_of(sad).direction[SP_OUTBOUND].packets, 2);
    sa->packets--;
    cr_assert_eq(totals_of(sad).direction[SP_OUTBOUND].packets, 2);
    carry(sad, number, SP_OUTBOUND, 1000);
    carry(sad, number, SP_OUTBOUND, 1000);
    cr_assert_eq(totals_of(sad).direction[SP_OUTBOUND].packets, 3, "and then it goes on");
    sp_sad_destroy(&sad);
}

Test(totals, who_talks_to_himself_sends)
{
    struct sp_sad *sad = make_sad();
    const uint32_t number = add_spi(sad, 0x1001);
    carry(sad, number, SP_OUTBOUND, 100);
    carry(sad, number, SP_INBOUND, 100);
    const struct sp_sad_totals totals = totals_of(sad);
    assert_carried(&totals.direction[SP_OUTBOUND], 2, 200);
    assert_carried(&totals.direction[SP_INBOUND], 0, 0);
    sp_sad_destroy(&sad);
}
