/* SPDX-License-Identifier: ISC
 *
 * Plans are held against a kernel in the test's memory that decides packets as the real one does: the policy
 * of the lowest priority that holds the packet, among equals the one that came first, and a replaced policy
 * comes again.
 */
#include "xfrm_messages.h"
#include "xfrm/plan.h"

#include <criterion/criterion.h>

#include <string.h>

#define PACKETS 16u /* 192.0.2.0 to 192.0.2.15 */
#define POLICIES_MAX 40u

struct held {
    struct sp_xfrm_policy policy;
    uint32_t came;
};
struct kernel {
    struct held held[POLICIES_MAX];
    uint32_t count, clock;
};

static bool holds(const struct sp_xfrm_policy *policy, uint32_t packet)
{
    uint32_t shift = 32u - policy->selector.destination_prefix_bits;

    return (uint32_t)policy->selector.destination.bytes[3] >> shift == packet >> shift;
}

/* Said again, not asked of what is tested: policies here have one template at most. */
static bool lets_pass(const struct sp_xfrm_policy *policy)
{
    return policy->action == XFRM_POLICY_ALLOW &&
           (policy->template_count == 0 || policy->templates[0].is_optional);
}

static bool passes_clear(const struct kernel *kernel, uint32_t packet)
{
    const struct held *best = NULL;

    for (uint32_t i = 0; i < kernel->count; i++) {
        const struct held *held = &kernel->held[i];
        if (!holds(&held->policy, packet))
            continue;
        if (best == NULL || held->policy.priority < best->policy.priority ||
            (held->policy.priority == best->policy.priority && held->came < best->came))
            best = held;
    }
    return best == NULL || lets_pass(&best->policy);
}

static bool has_selector(const struct sp_xfrm_policy *left, const struct sp_xfrm_policy *right)
{
    return memcmp(&left->selector, &right->selector, sizeof left->selector) == 0;
}

static void obey(struct kernel *kernel, const struct sp_xfrm_step *step)
{
    static struct sp_xfrm_message message;
    uint32_t place = 0;

    sp_xfrm_step_message(step, &message);
    while (place < kernel->count && !has_selector(&kernel->held[place].policy, &message.policy))
        place++;
    cr_assert_eq(message.policy.index & 7, XFRM_POLICY_OUT);
    if (message.type == XFRM_MSG_NEWPOLICY) {
        cr_assert_eq(place, kernel->count, "no such policy may be there");
        for (uint32_t i = 0; i < kernel->count; i++)
            cr_assert_neq(kernel->held[i].policy.index, message.policy.index);
        cr_assert_lt(kernel->count++, POLICIES_MAX);
    } else {
        cr_assert_lt(place, kernel->count);
        cr_assert_eq(kernel->held[place].policy.index, message.policy.index);
        cr_assert(sp_xfrm_policy_is_ours(&kernel->held[place].policy), "never somebody else's");
    }
    if (message.type == XFRM_MSG_DELPOLICY)
        kernel->held[place] = kernel->held[--kernel->count];
    else
        kernel->held[place] = (struct held){message.policy, kernel->clock++};
}

static struct sp_xfrm_policy policy_of_chance(uint64_t *state, uint32_t priority)
{
    uint8_t bits = (uint8_t)(28 + chance(state) % 5);
    struct sp_xfrm_policy policy = {.priority = priority, .direction = XFRM_POLICY_OUT};

    policy.selector.family = policy.selector.destination.family = policy.selector.source.family = 4;
    policy.selector.destination_prefix_bits = bits;
    policy.selector.destination =
        (struct sp_address){4, {192, 0, 2, (uint8_t)(chance(state) % PACKETS & 0xffu << (32 - bits))}};
    switch (chance(state) % 4) {
    case 0:
        policy.action = XFRM_POLICY_BLOCK;
        break;
    case 1:
        policy.template_count = 1;
        policy.templates[0] = (struct sp_xfrm_template){
            .family = 4, .reqid = 1 + (uint32_t)(chance(state) % 2), .protocol = 50};
        break;
    case 2: /* ESP if there is an SA */
        policy.template_count = 1;
        policy.templates[0] = (struct sp_xfrm_template){.family = 4, .protocol = 50, .is_optional = true};
        break;
    default:
        break;
    }
    return policy;
}

static uint32_t policies_of_chance(uint64_t *state, struct sp_xfrm_policy *policies)
{
    uint32_t count = (uint32_t)(chance(state) % 13), step = 1 + (uint32_t)(chance(state) % 3);

    for (uint32_t i = 0; i < count; i++)
        policies[i] = policy_of_chance(state, 10 + step * i);
    return count;
}

static void add_foreign(uint64_t *state, struct kernel *kernel)
{
    struct sp_xfrm_policy policy = policy_of_chance(state, 5 + (uint32_t)(chance(state) % 40));

    policy.index = 8 * (1 + kernel->count) + XFRM_POLICY_OUT;
    policy.selector.protocol = 6; /* a selector that none of ours has; the packets are TCP */
    for (uint32_t i = 0; i < kernel->count; i++)
        if (has_selector(&kernel->held[i].policy, &policy))
            return;
    kernel->held[kernel->count++] = (struct held){policy, kernel->clock++};
}

static uint32_t foreign_count(const struct kernel *kernel)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < kernel->count; i++)
        count += !sp_xfrm_policy_is_ours(&kernel->held[i].policy);
    return count;
}

static struct sp_xfrm_plan plan_for(const struct kernel *kernel, const struct sp_xfrm_policy *wanted,
                                    uint32_t wanted_count)
{
    static struct sp_xfrm_policy actual[POLICIES_MAX]; /* steps point into it */
    const struct sp_xfrm_policy *conflict;
    struct sp_xfrm_plan plan;

    for (uint32_t i = 0; i < kernel->count; i++)
        actual[i] = kernel->held[i].policy;
    cr_assert_eq(sp_xfrm_plan_policies(wanted, wanted_count, actual, kernel->count, &plan, &conflict), SP_OK);
    cr_assert_eq(plan.foreign_count, foreign_count(kernel));
    return plan;
}

/* Does each packet that passes in clear do so before or afterwards too? */
static void expect_safe(const struct kernel *before, const struct kernel *now, const struct kernel *after)
{
    for (uint32_t packet = 0; packet < PACKETS; packet++)
        if (passes_clear(now, packet))
            cr_assert(passes_clear(before, packet) || passes_clear(after, packet));
}

/* Any order within a phase is as good. */
static void shuffle(uint64_t *state, struct sp_xfrm_plan *plan)
{
    for (uint32_t i = 1; i < plan->step_count; i++) {
        cr_assert_leq(plan->steps[i - 1].phase, plan->steps[i].phase);
        for (uint32_t at = i; at > 0 && plan->steps[at - 1].phase == plan->steps[at].phase; at--) {
            if (chance(state) % 2 == 0)
                break;
            struct sp_xfrm_step step = plan->steps[at];
            plan->steps[at] = plan->steps[at - 1];
            plan->steps[at - 1] = step;
        }
    }
}

/* Carries out at most `steps` steps. */
static void apply(uint64_t *state, struct kernel *kernel, const struct sp_xfrm_policy *wanted,
                  uint32_t wanted_count, uint32_t steps)
{
    struct sp_xfrm_plan plan = plan_for(kernel, wanted, wanted_count);
    struct kernel before = *kernel, after = *kernel;

    shuffle(state, &plan);
    for (uint32_t i = 0; i < plan.step_count; i++)
        obey(&after, &plan.steps[i]);
    for (uint32_t i = 0; i < plan.step_count && i < steps; i++) {
        obey(kernel, &plan.steps[i]);
        expect_safe(&before, kernel, &after);
    }
    sp_xfrm_plan_free(&plan);
}

/* The kernel with nobody else's policies must decide as the first of wanted that holds the packet. */
static void expect_decides_as(const struct kernel *kernel, const struct sp_xfrm_policy *wanted,
                              uint32_t wanted_count)
{
    if (foreign_count(kernel) > 0)
        return;
    for (uint32_t packet = 0; packet < PACKETS; packet++) {
        uint32_t first = 0;
        while (first < wanted_count && !holds(&wanted[first], packet))
            first++;
        bool passes = first == wanted_count || lets_pass(&wanted[first]);
        cr_assert_eq(passes_clear(kernel, packet), passes);
    }
}

static void expect_done(const struct kernel *kernel, const struct sp_xfrm_policy *wanted,
                        uint32_t wanted_count)
{
    struct sp_xfrm_plan plan = plan_for(kernel, wanted, wanted_count);

    cr_assert_eq(plan.step_count, 0);
    cr_assert_eq(plan.kept_count + plan.shadowed_count, wanted_count);
    sp_xfrm_plan_free(&plan);
    expect_decides_as(kernel, wanted, wanted_count);
}

Test(xfrm_plan, lets_nothing_pass_meanwhile_and_converges_wherever_it_is_cut_off)
{
    static struct sp_xfrm_policy wanted[POLICIES_MAX];
    uint64_t state = 88172645463325252u;
    uint32_t cuts = 0;

    for (uint32_t round = 0; round < 20000; round++) {
        struct kernel kernel = {.count = 0};
        for (uint64_t i = chance(&state) % 6; i > 3; i--)
            add_foreign(&state, &kernel);
        for (uint32_t change = 0; change < 3; change++) {
            uint32_t wanted_count = policies_of_chance(&state, wanted);
            uint32_t foreign = foreign_count(&kernel);
            if (chance(&state) % 2 == 0) {
                apply(&state, &kernel, wanted, wanted_count, (uint32_t)(chance(&state) % 8));
                cuts++;
            }
            apply(&state, &kernel, wanted, wanted_count, UINT32_MAX);
            expect_done(&kernel, wanted, wanted_count);
            cr_assert_eq(foreign_count(&kernel), foreign);
        }
    }
    cr_expect_gt(cuts, 1000);
}

Test(xfrm_plan, changes_only_what_differs)
{
    static struct sp_xfrm_policy wanted[3];
    uint64_t state = 1;
    struct kernel kernel = {.count = 0};

    for (uint32_t i = 0; i < 3; i++) {
        wanted[i] = policy_of_chance(&state, 10 + i);
        wanted[i].selector.destination_prefix_bits = 32;
        wanted[i].selector.destination.bytes[3] = (uint8_t)i;
    }
    apply(&state, &kernel, wanted, 3, UINT32_MAX);
    cr_expect_eq(kernel.count, 3);
    wanted[1].action ^= XFRM_POLICY_BLOCK;
    struct sp_xfrm_plan plan = plan_for(&kernel, wanted, 3);
    cr_assert_eq(plan.step_count, 1);
    cr_expect_eq(plan.steps[0].type, XFRM_MSG_UPDPOLICY);
    cr_expect_eq(plan.steps[0].policy, &wanted[1]);
    cr_expect_eq(plan.kept_count, 2);
    sp_xfrm_plan_free(&plan);
    plan = plan_for(&kernel, wanted, 0);
    cr_expect_eq(plan.step_count, 3);
    sp_xfrm_plan_free(&plan);
}

Test(xfrm_plan, plans_nothing_when_somebody_elses_policy_has_a_selector)
{
    uint64_t state = 1;
    struct sp_xfrm_policy wanted[2] = {policy_of_chance(&state, 10), policy_of_chance(&state, 11)};
    struct sp_xfrm_policy foreign;
    struct sp_xfrm_plan plan = {.step_count = 77};
    const struct sp_xfrm_policy *conflict = NULL;

    wanted[1].selector.protocol = 17;
    foreign = wanted[1];
    foreign.index = 8 + XFRM_POLICY_OUT;
    cr_expect_eq(sp_xfrm_plan_policies(wanted, 2, &foreign, 1, &plan, &conflict), SP_ERR_EXISTS);
    cr_expect_eq(conflict, &wanted[1]);
    cr_expect_eq(plan.step_count, 77);
    foreign.has |= SP_XFRM_HAS_MARK; /* another mark makes another policy */
    foreign.mark = (struct sp_xfrm_mark){1, 1};
    cr_assert_eq(sp_xfrm_plan_policies(wanted, 2, &foreign, 1, &plan, &conflict), SP_OK);
    cr_expect_eq(plan.step_count, 2);
    cr_expect_eq(plan.foreign_count, 1);
    sp_xfrm_plan_free(&plan);
}

/* A plan that was cut off can leave two of ours with one priority. */
Test(xfrm_plan, replaces_a_policy_only_when_none_of_its_priority_could_get_in_front)
{
    uint64_t state = 88172645463325252u;

    for (uint32_t round = 0; round < 20; round++) {
        struct sp_xfrm_policy wanted = policy_of_chance(&state, 10), bypass;
        struct kernel kernel = {.count = 2, .clock = 2};
        wanted.selector.destination_prefix_bits = 28;
        wanted.selector.destination.bytes[3] = 0;
        bypass = wanted;
        wanted.action = XFRM_POLICY_BLOCK;
        bypass.action = XFRM_POLICY_ALLOW;
        bypass.template_count = 0;
        bypass.selector.protocol = 6;
        kernel.held[0] = (struct held){wanted, 0};
        kernel.held[0].policy.index = SP_XFRM_INDEX_FIRST + XFRM_POLICY_OUT;
        kernel.held[1] = (struct held){bypass, 1};
        kernel.held[1].policy.index = SP_XFRM_INDEX_FIRST + 8 + XFRM_POLICY_OUT;
        wanted.limits.hard_bytes = 1;
        apply(&state, &kernel, &wanted, 1, UINT32_MAX);
        expect_done(&kernel, &wanted, 1);
    }
}
