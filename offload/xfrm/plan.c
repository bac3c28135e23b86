/* SPDX-License-Identifier: ISC
 *
 * Plans what to ask of the kernel. Both sides are sorted by what the kernel tells policies apart by, and
 * walked together.
 */
#include "xfrm/plan.h"

#include "xfrm/parts.h"

#include <stdlib.h>
#include <string.h>

/* What makes two policies the same one to the kernel. Zeroed first, so that bytes can be compared. */
struct identity {
    struct xfrm_selector selector;
    uint32_t mark_value, mark_mask, interface_id;
    uint8_t direction, type;
};

struct entry {
    struct identity identity;
    const struct sp_xfrm_policy *policy;
};

static int compare_entries(const void *left, const void *right)
{
    const struct entry *one = left, *other = right;
    int order = memcmp(&one->identity, &other->identity, sizeof one->identity);

    if (order != 0)
        return order;
    return (one->policy->priority > other->policy->priority) -
           (one->policy->priority < other->policy->priority);
}

static int compare_numbers(const void *left, const void *right)
{
    uint32_t one = *(const uint32_t *)left, other = *(const uint32_t *)right;

    return (one > other) - (one < other);
}

static void identify(const struct sp_xfrm_policy *policy, struct entry *entry)
{
    memset(entry, 0, sizeof *entry);
    sp_xfrm_put_selector(&policy->selector, &entry->identity.selector);
    if (policy->has & SP_XFRM_HAS_MARK) {
        entry->identity.mark_value = policy->mark.value;
        entry->identity.mark_mask = policy->mark.mask;
    }
    if (policy->has & SP_XFRM_HAS_INTERFACE_ID)
        entry->identity.interface_id = policy->interface_id;
    entry->identity.direction = policy->direction;
    entry->identity.type = policy->type;
    entry->policy = policy;
}

static struct entry *sorted(const struct sp_xfrm_policy *policies, uint32_t count)
{
    struct entry *entries = calloc((size_t)count + 1, sizeof *entries);

    if (entries == NULL)
        return NULL;
    for (uint32_t i = 0; i < count; i++)
        identify(&policies[i], &entries[i]);
    qsort(entries, count, sizeof *entries, compare_entries);
    return entries;
}

const struct sp_xfrm_range sp_xfrm_backend_range = {SP_XFRM_INDEX_FIRST, SP_XFRM_INDEX_LAST};
const struct sp_xfrm_range sp_xfrm_guard_range = {0x54000000u, 0x54ffffffu};

static bool is_in(const struct sp_xfrm_range *range, const struct sp_xfrm_policy *policy)
{
    return policy->index >= range->index_first && policy->index <= range->index_last;
}

bool sp_xfrm_policy_is_ours(const struct sp_xfrm_policy *policy)
{
    return is_in(&sp_xfrm_backend_range, policy);
}

bool sp_xfrm_policy_passes_clear(const struct sp_xfrm_policy *policy)
{
    if (policy->action != XFRM_POLICY_ALLOW)
        return false;
    for (uint32_t i = 0; i < policy->template_count; i++)
        if (!policy->templates[i].is_optional)
            return false;
    return true;
}

static bool has_same_templates(const struct sp_xfrm_policy *left, const struct sp_xfrm_policy *right)
{
    if (left->template_count != right->template_count)
        return false;
    for (uint32_t i = 0; i < left->template_count; i++) {
        struct xfrm_user_tmpl one, other;
        sp_xfrm_put_template(&left->templates[i], &one);
        sp_xfrm_put_template(&right->templates[i], &other);
        if (memcmp(&one, &other, sizeof one) != 0)
            return false;
    }
    return true;
}

static bool has_same_device(const struct sp_xfrm_policy *left, const struct sp_xfrm_policy *right)
{
    if ((left->has & SP_XFRM_HAS_DEVICE) != (right->has & SP_XFRM_HAS_DEVICE))
        return false;
    return !(left->has & SP_XFRM_HAS_DEVICE) || left->device.interface == right->device.interface;
}

static bool is_as_wanted(const struct sp_xfrm_policy *wanted, const struct sp_xfrm_policy *actual)
{
    return wanted->priority == actual->priority && wanted->action == actual->action &&
           wanted->flags == actual->flags && wanted->share == actual->share &&
           has_same_device(wanted, actual) &&
           memcmp(&wanted->limits, &actual->limits, sizeof wanted->limits) == 0 &&
           has_same_templates(wanted, actual);
}

static enum sp_xfrm_phase phase_of_update(const struct sp_xfrm_policy *wanted,
                                          const struct sp_xfrm_policy *actual)
{
    bool passes = sp_xfrm_policy_passes_clear(wanted);

    if (passes != sp_xfrm_policy_passes_clear(actual))
        return passes ? SP_XFRM_LOOSEN : SP_XFRM_TIGHTEN;
    if (wanted->priority == actual->priority)
        return SP_XFRM_REPLACE;
    return (wanted->priority < actual->priority) == passes ? SP_XFRM_LOOSEN : SP_XFRM_TIGHTEN;
}

/* Indices of ours that the kernel has, in order, and how far the search for free ones has come. */
struct indices {
    const struct sp_xfrm_range *range;
    uint32_t *used;
    uint32_t used_count, next_used, number;
};

static bool indices_fill(struct indices *indices, const struct sp_xfrm_range *range,
                         const struct sp_xfrm_policy *actual, uint32_t actual_count)
{
    *indices =
        (struct indices){.range = range, .used = calloc((size_t)actual_count + 1, sizeof *indices->used)};
    if (indices->used == NULL)
        return false;
    for (uint32_t i = 0; i < actual_count; i++)
        if (is_in(range, &actual[i]))
            indices->used[indices->used_count++] = actual[i].index & ~7u;
    qsort(indices->used, indices->used_count, sizeof *indices->used, compare_numbers);
    return true;
}

/* A free index, whatever the direction; 0: there is none. */
static uint32_t indices_take(struct indices *indices)
{
    for (;; indices->number++) {
        if (indices->number > (indices->range->index_last - indices->range->index_first) / 8)
            return 0;
        uint32_t index = indices->range->index_first + 8 * indices->number;
        while (indices->next_used < indices->used_count && indices->used[indices->next_used] < index)
            indices->next_used++;
        if (indices->next_used < indices->used_count && indices->used[indices->next_used] == index)
            continue;
        indices->number++;
        return index;
    }
}

struct planner {
    const struct entry *wanted, *actual;
    uint32_t wanted_count, actual_count;
    struct indices indices;
    struct sp_xfrm_plan plan;
    const struct sp_xfrm_policy *conflict;
};

static void add_step(struct planner *planner, enum sp_xfrm_phase phase, uint16_t type,
                     const struct sp_xfrm_policy *policy, uint32_t index)
{
    planner->plan.steps[planner->plan.step_count++] =
        (struct sp_xfrm_step){.phase = phase, .type = type, .policy = policy, .index = index};
}

static enum sp_status insert(struct planner *planner, const struct sp_xfrm_policy *wanted)
{
    uint32_t index = indices_take(&planner->indices);

    if (index == 0)
        return SP_ERR_LIMIT;
    add_step(planner, sp_xfrm_policy_passes_clear(wanted) ? SP_XFRM_LOOSEN : SP_XFRM_TIGHTEN,
             XFRM_MSG_NEWPOLICY, wanted, index | wanted->direction);
    return SP_OK;
}

static void leave_or_delete(struct planner *planner, const struct sp_xfrm_policy *actual)
{
    if (!is_in(planner->indices.range, actual)) {
        planner->plan.foreign_count++;
        return;
    }
    add_step(planner, sp_xfrm_policy_passes_clear(actual) ? SP_XFRM_TIGHTEN : SP_XFRM_LOOSEN,
             XFRM_MSG_DELPOLICY, actual, actual->index);
}

static enum sp_status keep_or_update(struct planner *planner, const struct sp_xfrm_policy *wanted,
                                     const struct sp_xfrm_policy *actual)
{
    if (!is_in(planner->indices.range, actual)) {
        planner->conflict = wanted;
        return SP_ERR_EXISTS;
    }
    if (is_as_wanted(wanted, actual))
        planner->plan.kept_count++;
    else
        add_step(planner, phase_of_update(wanted, actual), XFRM_MSG_UPDPOLICY, wanted, actual->index);
    return SP_OK;
}

static bool is_shadowed(const struct entry *wanted, uint32_t place)
{
    return place > 0 &&
           memcmp(&wanted[place - 1].identity, &wanted[place].identity, sizeof wanted->identity) == 0;
}

static enum sp_status walk(struct planner *planner)
{
    enum sp_status status = SP_OK;
    uint32_t w = 0, a = 0;

    while (status == SP_OK && (w < planner->wanted_count || a < planner->actual_count)) {
        if (w < planner->wanted_count && is_shadowed(planner->wanted, w)) {
            planner->plan.shadowed_count++;
            w++;
            continue;
        }
        int order = w == planner->wanted_count ? 1
                    : a == planner->actual_count
                        ? -1
                        : memcmp(&planner->wanted[w].identity, &planner->actual[a].identity,
                                 sizeof planner->wanted->identity);
        if (order < 0)
            status = insert(planner, planner->wanted[w++].policy);
        else if (order > 0)
            leave_or_delete(planner, planner->actual[a++].policy);
        else
            status = keep_or_update(planner, planner->wanted[w++].policy, planner->actual[a++].policy);
    }
    return status;
}

static int compare_steps(const void *left, const void *right)
{
    const struct sp_xfrm_step *one = left, *other = right;

    if (one->phase != other->phase)
        return one->phase < other->phase ? -1 : 1;
    return (one->policy->priority > other->policy->priority) -
           (one->policy->priority < other->policy->priority);
}

enum sp_status sp_xfrm_plan_range(const struct sp_xfrm_range *range, const struct sp_xfrm_policy *wanted,
                                  uint32_t wanted_count, const struct sp_xfrm_policy *actual,
                                  uint32_t actual_count, struct sp_xfrm_plan *ret_plan,
                                  const struct sp_xfrm_policy **ret_conflict)
{
    struct entry *wanted_entries = sorted(wanted, wanted_count);
    struct entry *actual_entries = sorted(actual, actual_count);
    struct planner planner = {.wanted = wanted_entries,
                              .actual = actual_entries,
                              .wanted_count = wanted_count,
                              .actual_count = actual_count};
    enum sp_status status = SP_ERR_MEMORY;

    planner.plan.steps = calloc((size_t)wanted_count + actual_count + 1, sizeof *planner.plan.steps);
    if (indices_fill(&planner.indices, range, actual, actual_count) && wanted_entries != NULL &&
        actual_entries != NULL && planner.plan.steps != NULL)
        status = walk(&planner);
    free(wanted_entries);
    free(actual_entries);
    free(planner.indices.used);
    if (status != SP_OK) {
        free(planner.plan.steps);
        if (status == SP_ERR_EXISTS)
            *ret_conflict = planner.conflict;
        return status;
    }
    qsort(planner.plan.steps, planner.plan.step_count, sizeof *planner.plan.steps, compare_steps);
    *ret_plan = planner.plan;
    return SP_OK;
}

enum sp_status sp_xfrm_plan_policies(const struct sp_xfrm_policy *wanted, uint32_t wanted_count,
                                     const struct sp_xfrm_policy *actual, uint32_t actual_count,
                                     struct sp_xfrm_plan *ret_plan,
                                     const struct sp_xfrm_policy **ret_conflict)
{
    return sp_xfrm_plan_range(&sp_xfrm_backend_range, wanted, wanted_count, actual, actual_count, ret_plan,
                              ret_conflict);
}

void sp_xfrm_plan_free(struct sp_xfrm_plan *plan)
{
    free(plan->steps);
    *plan = (struct sp_xfrm_plan){.steps = NULL};
}

/* A deletion goes by the index: a policy that somebody put in our place meanwhile has another one. */
void sp_xfrm_step_message(const struct sp_xfrm_step *step, struct sp_xfrm_message *ret_message)
{
    memset(ret_message, 0, sizeof *ret_message);
    ret_message->type = step->type;
    ret_message->policy = *step->policy;
    ret_message->policy.index = step->index;
}
