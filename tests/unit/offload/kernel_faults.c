/* SPDX-License-Identifier: ISC
 *
 * Reconciliation against the kernel that this test runs on, over a transport that goes wrong at each call in
 * turn, and with a kernel that refuses each request in turn.
 *
 * What must hold afterwards: no policy that lets packets pass in clear is in front of one that doesn't where
 * neither the old policy nor the new one has that, the kernel has nothing of a third kind, and doing it once
 * more leads to the new side exactly.
 */
#include "kernel_sides.h"
#include "kernel_wire.h"

#include <criterion/criterion.h>

#include <errno.h>

TestSuite(kernel_faults, .init = sides_begin, .fini = sides_end, .timeout = 240);

static bool has_left_trial(void)
{
    return wire.refused.type == XFRM_MSG_DELSA && is_of_a_trial(&wire.refused.sa);
}

/* Once more, and then there is nothing left to do. */
static void check_is_healed(struct side *side, bool was_done)
{
    struct sp_offload_changes changes;

    wire.at = -1;
    cr_assert_eq(reach(side, &changes), SP_OK);
    if (was_done)
        cr_assert_eq(changed(&changes), 0, "what is said to be done is done");
    cr_assert_eq(reach(side, &changes), SP_OK);
    cr_assert_eq(changed(&changes), 0);
    cr_assert_eq(changes.policies_kept + changes.policies_unreachable, side->policies.count);
    cr_assert_eq(changes.sas_kept, side->sas.count);
}

/* From one side to the other with a fault at each call or request; returns how many there were. */
static int suffer(enum fault fault, int error, bool is_healed_at_once, struct side *from, struct side *to)
{
    struct sp_offload_changes changes;

    for (int at = 0;; at++) {
        start_from(from);
        wire_expect(fault, error, at);
        enum sp_status status = reach(to, &changes);
        const bool was_met = wire_was_met(), is_trial_left = has_left_trial();
        wire_heal();
        check_is_between(from, to);
        if (is_healed_at_once)
            cr_assert_eq(status, SP_OK, "fault %d of %d at %d is healed by looking again", fault, error, at);
        check_is_healed(to, status == SP_OK && !is_trial_left);
        if (!was_met)
            return at;
    }
}

Test(kernel_faults, killed_at_any_call_and_run_again_it_converges_and_nothing_leaks)
{
    cr_expect_gt(suffer(FAULT_KILLED, EIO, false, &old_side, &new_side), 6);
    suffer(FAULT_KILLED, EIO, false, &new_side, &old_side);
    suffer(FAULT_KILLED, EIO, false, &old_side, &none);
}

Test(kernel_faults, what_fails_once_is_healed_in_the_same_call)
{
    static const int errors[] = {EAGAIN, EINTR, ENOBUFS, ENOMEM, EINVAL};

    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        suffer(FAULT_SEND_FAILS, errors[i], true, &old_side, &new_side);
        suffer(FAULT_RECEIVE_FAILS, errors[i], true, &new_side, &old_side);
    }
    for (enum fault fault = FAULT_ANSWER_LOST; fault <= FAULT_ANSWER_CUT; fault++)
        suffer(fault, 0, true, fault % 2 ? &old_side : &new_side, fault % 2 ? &new_side : &old_side);
    suffer(FAULT_SEND_IS_SHORT, 0, true, &old_side, &new_side);
}

Test(kernel_faults, without_the_right_to_ask_nothing_is_between)
{
    suffer(FAULT_SEND_FAILS, EPERM, false, &old_side, &new_side);
}

/* What the kernel says when somebody else was quicker, and what it says when it will not. */
Test(kernel_faults, refused_at_any_request_and_run_again_it_converges_and_nothing_leaks)
{
    static const int errors[] = {EEXIST, ESRCH, ENOENT, ENOMEM, ENOBUFS, EPERM, EINVAL};

    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        cr_expect_gt(suffer(FAULT_REFUSED, errors[i], false, &old_side, &new_side), 6);
        suffer(FAULT_REFUSED_THEN_KILLED, errors[i], false, &new_side, &old_side);
    }
}
