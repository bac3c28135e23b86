/* SPDX-License-Identifier: ISC
 *
 * What the kernel refuses is told by name, and everything is put back as it was. Against the kernel that this
 * test runs on, which is made to refuse each request of a change in turn.
 */
#include "kernel_sides.h"
#include "kernel_wire.h"
#include "xfrm/text.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

TestSuite(kernel_rollback, .init = sides_begin, .fini = sides_end, .timeout = 240);

static const char *last_report(void)
{
    cr_assert_gt(sp_report_count(sides_report), 0);
    return sp_report_get(sides_report, sp_report_count(sides_report) - 1)->text;
}

/* The SA whose keys were to be replaced is the exception: its old keys are nowhere any more. */
static void expect_same(const struct state *before, const struct state *after, int at)
{
    cr_assert_eq(after->policy_count, before->policy_count, "after a refusal at %d", at);
    for (uint32_t i = 0; i < before->policy_count; i++)
        cr_assert(has_policy(after, &before->policies[i]), "policy %u is lost after a refusal at %d", i, at);
    for (uint32_t i = 0; i < before->sa_count; i++)
        cr_assert(before->sas[i].spi == REPLACED_SPI || has_same_sa(after, before, i),
                  "SA 0x%x is another after a refusal at %d", before->sas[i].spi, at);
    for (uint32_t i = 0; i < after->sa_count; i++)
        cr_assert(after->sas[i].spi == REPLACED_SPI || has_same_sa(before, after, i),
                  "SA 0x%x is new after a refusal at %d", after->sas[i].spi, at);
}

/* Deletions of policies are by selector, so that is what has to be named. */
static const char *describe(const struct sp_xfrm_message *request, char *text)
{
    const bool is_sa =
        request->type == XFRM_MSG_NEWSA || request->type == XFRM_MSG_UPDSA || request->type == XFRM_MSG_DELSA;

    return is_sa ? sp_xfrm_sa_text(&request->sa, text)
                 : sp_xfrm_selector_text(&request->policy.selector, text);
}

/* When former SAs have begun to go, what is new stays: nothing but their end is missing. */
static void expect_new(struct side *to, int at)
{
    struct sp_offload_changes changes;

    cr_assert_eq(reach(to, &changes), SP_OK);
    cr_assert_gt(changes.sas_deleted, 0, "after a refusal at %d", at);
    cr_assert_eq(changed(&changes), changes.sas_deleted, "after a refusal at %d", at);
}

static void expect_named(int at)
{
    char text[SP_XFRM_TEXT_BYTES];

    if (is_of_a_trial(&wire.refused.sa))
        return; /* that is told as what the kernel lacks */
    cr_assert_not_null(strstr(last_report(), describe(&wire.refused, text)), "at %d \"%s\" doesn't name %s",
                       at, last_report(), text);
}

/* Returns how many requests there were. */
static int refuse_each(int error, enum sp_status wanted, struct side *from, struct side *to)
{
    static struct state before, after;
    struct sp_offload_changes changes;

    for (int at = 0;; at++) {
        start_from(from);
        look(&before);
        wire_expect(FAULT_REFUSED, error, at);
        enum sp_status status = reach(to, &changes);
        if (!wire_was_met()) {
            cr_assert_eq(status, SP_OK);
            return at;
        }
        wire.at = -1;
        if (status == SP_OK) /* what was only a trial's end, or what is done in effect */
            continue;
        cr_assert_eq(status, wanted);
        expect_named(at);
        cr_expect_null(strstr(last_report(), "has a part of it"), "at %d: %s", at, last_report());
        look(&after);
        if (strstr(last_report(), "All that is new is in force") != NULL)
            expect_new(to, at);
        else
            expect_same(&before, &after, at);
    }
}

Test(kernel_rollback, what_the_kernel_refuses_is_named_and_all_is_as_it_was)
{
    cr_expect_gt(refuse_each(EINVAL, SP_ERR_UNSUPPORTED, &old_side, &new_side), 6);
    cr_expect_gt(refuse_each(EINVAL, SP_ERR_UNSUPPORTED, &new_side, &old_side), 6);
    refuse_each(EPERM, SP_ERR_PERMISSION, &old_side, &new_side);
    refuse_each(ENOMEM, SP_ERR_UNSUPPORTED, &old_side, &none);
}

Test(kernel_rollback, when_even_putting_back_fails_the_report_says_so_and_nothing_leaks)
{
    struct sp_offload_changes changes;
    int told = 0;

    for (int at = 0;; at++) {
        start_from(&old_side);
        wire_expect(FAULT_REFUSED_THEN_KILLED, EINVAL, at);
        enum sp_status status = reach(&new_side, &changes);
        if (!wire_was_met())
            break;
        wire.at = -1;
        const struct sp_xfrm_message refused = wire.refused;
        wire_heal();
        check_is_between(&old_side, &new_side);
        if (status == SP_OK || is_of_a_trial(&refused.sa))
            continue;
        wire.refused = refused;
        expect_named(at);
        cr_assert(strstr(last_report(), "The kernel now has a part of it") != NULL ||
                      strstr(last_report(), "All that is new is in force") != NULL,
                  "at %d: %s", at, last_report());
        told++;
    }
    cr_expect_gt(told, 3);
    start_from(&new_side);
}
