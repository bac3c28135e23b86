/* SPDX-License-Identifier: ISC
 *
 * One pass: look, plan, ask. Passes are repeated while what failed may be luck.
 */
#include "kernel/reconcile.h"

#include "kernel/needs.h"
#include "kernel/requests.h"
#include "xfrm/plan.h"
#include "xfrm/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSES_MAX 4
#define DUMPS_MAX 50

struct policy_list {
    struct sp_xfrm_policy *policies;
    uint32_t count, capacity;
    bool is_out_of_memory;
};

struct run {
    struct sp_xfrm_link *link;
    const struct sp_kernel_goal *goal;
    struct sp_report *report;
    struct policy_list actual, original; /* original: of ours, before the first change */
    struct sp_xfrm_plan plan;
    bool has_plan, has_changed;
    bool is_ending_old; /* former SAs have begun to go, and some may be left */
    size_t ended_count; /* former SAs that are gone */
    bool has_lowered;   /* in this pass a NIC was asked for too much */
    char fault[256];    /* what failed; empty: nothing, or what the status says */
};

/* ---- looking ------------------------------------------------------------------------------------------- */

enum sp_status sp_kernel_dump(struct sp_xfrm_link *link, uint16_t type, sp_kernel_begin *begin,
                              sp_xfrm_on_message *on_message, void *context)
{
    enum sp_status status = SP_OK;

    for (int i = 0; i < DUMPS_MAX; i++) {
        begin(context);
        status = sp_xfrm_link_dump(link, type, on_message, context);
        if (status != SP_ERR_SYSTEM || errno != EINTR)
            return status;
    }
    return status;
}

static void begin_policies(void *context)
{
    ((struct policy_list *)context)->count = 0;
}

static bool keep(struct policy_list *list, const struct sp_xfrm_policy *policy)
{
    if (list->count == list->capacity) {
        uint32_t capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
        struct sp_xfrm_policy *wider = realloc(list->policies, capacity * sizeof *wider);
        if (wider == NULL) {
            list->is_out_of_memory = true;
            return false;
        }
        list->policies = wider;
        list->capacity = capacity;
    }
    list->policies[list->count++] = *policy;
    return true;
}

/* Sockets have policies too, of directions above these three, which are no one's but theirs. */
static void see_policy(const struct sp_xfrm_message *message, void *context)
{
    if (message->type == XFRM_MSG_NEWPOLICY && message->policy.direction <= XFRM_POLICY_FWD)
        (void)keep(context, &message->policy);
}

static enum sp_status look_at_policies(struct run *run)
{
    enum sp_status status =
        sp_kernel_dump(run->link, XFRM_MSG_GETPOLICY, begin_policies, see_policy, &run->actual);

    return status == SP_OK && run->actual.is_out_of_memory ? SP_ERR_MEMORY : status;
}

static void begin_sas(void *context)
{
    sp_kernel_sas_forget(context);
}

static void see_sa(const struct sp_xfrm_message *message, void *context)
{
    if (message->type == XFRM_MSG_NEWSA)
        sp_kernel_sas_see(context, &message->sa);
}

static enum sp_status look_at_sas(struct run *run)
{
    struct sp_kernel_sas *sas = run->goal->sas;
    enum sp_status status = sp_kernel_dump(run->link, XFRM_MSG_GETSA, begin_sas, see_sa, sas);

    return status == SP_OK && sas->is_out_of_memory ? SP_ERR_MEMORY : status;
}

/* ---- planning ------------------------------------------------------------------------------------------ */

__attribute__((format(printf, 3, 4))) static enum sp_status fail(struct run *run, enum sp_status status,
                                                                 const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(run->fault, sizeof run->fault, format, arguments);
    va_end(arguments);
    return status;
}

static enum sp_status plan_policies(struct run *run, const struct sp_xfrm_policy *wanted, uint32_t count)
{
    const struct sp_xfrm_policy *conflict = NULL;
    char text[SP_XFRM_TEXT_BYTES];

    if (run->has_plan)
        sp_xfrm_plan_free(&run->plan);
    enum sp_status status =
        sp_xfrm_plan_policies(wanted, count, run->actual.policies, run->actual.count, &run->plan, &conflict);
    run->has_plan = status == SP_OK;
    if (status == SP_ERR_EXISTS)
        return fail(run, status,
                    "somebody else's policy stands where ours should: %.160s. Take it away first",
                    sp_xfrm_policy_text(conflict, text));
    return status;
}

static enum sp_status check_sas(struct run *run)
{
    const struct sp_kernel_sa *taken = sp_kernel_sas_find(run->goal->sas, SP_KERNEL_TAKEN);
    const struct sp_kernel_sa *spent = sp_kernel_sas_spent(run->goal->sas);
    char destination[SP_ADDRESS_TEXT_BYTES];

    if (taken != NULL)
        return fail(run, SP_ERR_EXISTS,
                    "SPI 0x%08x to %s is somebody else's, or reserved by an IKE daemon: take another SPI",
                    taken->spi, sp_address_format(&taken->destination, destination));
    if (spent != NULL)
        return fail(
            run, SP_ERR_LIMIT,
            "the SA 0x%08x to %s can't be replaced under its keys, as it has no sequence numbers left: "
            "make new keys",
            spent->spi, sp_address_format(&spent->destination, destination));
    return SP_OK;
}

static enum sp_status look_and_plan(struct run *run)
{
    enum sp_status status = look_at_policies(run);

    if (status == SP_OK)
        status = look_at_sas(run);
    if (status == SP_OK)
        status = plan_policies(run, run->goal->policies->policies, run->goal->policies->count);
    return status == SP_OK ? check_sas(run) : status;
}

/* ---- asking -------------------------------------------------------------------------------------------- */

static void tell(const struct run *run, const char *verb, const char *what)
{
    char text[SP_XFRM_TEXT_BYTES + 32];

    if (run->goal->on_step == NULL)
        return;
    (void)snprintf(text, sizeof text, "%s %s", verb, what);
    run->goal->on_step(text, run->goal->context);
}

static const char *describe(const struct sp_xfrm_message *message, char *text)
{
    switch (message->type) {
    case XFRM_MSG_NEWSA:
    case XFRM_MSG_UPDSA:
    case XFRM_MSG_DELSA:
        return sp_xfrm_sa_text(&message->sa, text);
    default:
        return sp_xfrm_policy_text(&message->policy, text);
    }
}

static const char *verb_of(uint16_t type)
{
    switch (type) {
    case XFRM_MSG_NEWSA:
    case XFRM_MSG_NEWPOLICY:
        return "add";
    case XFRM_MSG_DELSA:
    case XFRM_MSG_DELPOLICY:
        return "delete";
    default:
        return "change";
    }
}

/* What a race or a lost message left undone is done by the next pass. */
static enum sp_status fail_for_now(struct run *run, int error)
{
    errno = error;
    return fail(run, SP_ERR_SYSTEM, "the conversation with the kernel broke off: %s", strerror(error));
}

static enum sp_status judge_refusal(struct run *run, struct sp_kernel_requests *requests)
{
    struct sp_xfrm_message message;
    char what[SP_XFRM_TEXT_BYTES], why[160];

    requests->make(requests->refused, &message, requests->context);
    if (sp_kernel_refusal_is_race(message.type, requests->answer.error))
        return fail_for_now(run, EAGAIN);
    return fail(run, requests->answer.error == EPERM ? SP_ERR_PERMISSION : SP_ERR_UNSUPPORTED,
                "can't %s %.90s: %s", verb_of(message.type), describe(&message, what),
                sp_xfrm_refusal(&message, &requests->answer, why, sizeof why));
}

static void tell_all(const struct run *run, const struct sp_kernel_requests *requests)
{
    struct sp_xfrm_message message;
    char text[SP_XFRM_TEXT_BYTES];

    for (uint32_t i = 0; run->goal->on_step != NULL && i < requests->count; i++) {
        requests->make(i, &message, requests->context);
        tell(run, verb_of(message.type), describe(&message, text));
    }
}

static enum sp_status ask(struct run *run, struct sp_kernel_requests *requests)
{
    if (requests->count == 0)
        return SP_OK;
    tell_all(run, requests);
    if (run->goal->is_trial)
        return SP_OK;
    run->has_changed = true;
    enum sp_status status = sp_kernel_requests_send(run->link, requests);
    if (status == SP_ERR_SYSTEM)
        return fail_for_now(run, errno);
    if (status == SP_OK && requests->is_refused)
        return judge_refusal(run, requests);
    return status;
}

struct sa_requests {
    const struct sp_kernel_sas *sas;
    const struct sp_kernel_sa_step *steps;
};

static void make_sa(uint32_t number, struct sp_xfrm_message *ret_message, void *context)
{
    const struct sa_requests *requests = context;

    sp_kernel_sas_message(requests->sas, &requests->steps[number], ret_message);
}

static bool is_tied(uint32_t number, void *context)
{
    const struct sa_requests *requests = context;

    return sp_kernel_sas_is_tied(requests->sas, &requests->steps[number]);
}

/* One that takes what comes is refused by its NIC: the next pass asks for less. */
static bool lower(struct run *run, const struct sp_kernel_requests *requests,
                  const struct sp_kernel_sa_step *steps)
{
    struct sp_xfrm_message message;
    char why[SP_KERNEL_REFUSAL_BYTES];

    if (!requests->is_refused || requests->answer.error == EPERM)
        return false;
    requests->make(requests->refused, &message, requests->context);
    if (message.type != XFRM_MSG_NEWSA || !(message.sa.has & SP_XFRM_HAS_DEVICE))
        return false;
    (void)sp_xfrm_refusal(&message, &requests->answer, why, sizeof why);
    run->has_lowered |= sp_kernel_sas_lower(run->goal->sas, steps[requests->refused].index, why);
    return run->has_lowered;
}

static enum sp_status ask_sas(struct run *run, enum sp_kernel_sas_aim aim)
{
    struct sp_kernel_sa_step *steps;
    struct sa_requests of_sas = {.sas = run->goal->sas};
    struct sp_kernel_requests requests = {
        .make = make_sa, .is_tied = is_tied, .context = &of_sas, .forgives_absence = aim != SP_KERNEL_BRING};
    enum sp_status status = sp_kernel_sas_plan(run->goal->sas, aim, &steps, &requests.count);

    if (status != SP_OK)
        return status;
    of_sas.steps = steps;
    status = ask(run, &requests);
    if (status == SP_ERR_UNSUPPORTED && lower(run, &requests, steps))
        status = fail_for_now(run, EAGAIN);
    free(steps);
    return status;
}

/* Steps that may be sent together. */
enum group { GROUP_TIGHTEN_ALONE, GROUP_TIGHTEN_WITH_SAS, GROUP_LOOSEN, GROUP_REPLACE };

static enum group group_of(const struct sp_xfrm_step *step)
{
    if (step->phase == SP_XFRM_LOOSEN)
        return GROUP_LOOSEN;
    if (step->phase == SP_XFRM_REPLACE)
        return GROUP_REPLACE;
    return step->type != XFRM_MSG_DELPOLICY && step->policy->template_count > 0 ? GROUP_TIGHTEN_WITH_SAS
                                                                                : GROUP_TIGHTEN_ALONE;
}

struct policy_requests {
    const struct sp_xfrm_plan *plan;
    uint32_t *chosen;
};

static void make_policy(uint32_t number, struct sp_xfrm_message *ret_message, void *context)
{
    const struct policy_requests *requests = context;

    sp_xfrm_step_message(&requests->plan->steps[requests->chosen[number]], ret_message);
}

static enum sp_status ask_policies(struct run *run, enum group group)
{
    struct policy_requests of_policies = {
        .plan = &run->plan, .chosen = calloc((size_t)run->plan.step_count + 1, sizeof(uint32_t))};
    struct sp_kernel_requests requests = {.make = make_policy, .context = &of_policies};

    if (of_policies.chosen == NULL)
        return SP_ERR_MEMORY;
    for (uint32_t i = 0; i < run->plan.step_count; i++)
        if (group_of(&run->plan.steps[i]) == group)
            of_policies.chosen[requests.count++] = i;
    enum sp_status status = ask(run, &requests);
    free(of_policies.chosen);
    return status;
}

static enum sp_status ask_all(struct run *run)
{
    enum sp_status status = ask_policies(run, GROUP_TIGHTEN_ALONE);

    if (status == SP_OK)
        status = ask_sas(run, SP_KERNEL_BRING);
    if (status == SP_OK)
        status = ask_policies(run, GROUP_TIGHTEN_WITH_SAS);
    if (status == SP_OK)
        status = ask_policies(run, GROUP_LOOSEN);
    if (status == SP_OK)
        status = ask_policies(run, GROUP_REPLACE);
    if (status != SP_OK)
        return status;
    run->is_ending_old = true;
    status = ask_sas(run, SP_KERNEL_END_OLD);
    run->is_ending_old = status != SP_OK;
    if (status == SP_OK && !run->goal->is_trial)
        run->ended_count += run->goal->sas->old_count;
    return status;
}

/* ---- passes -------------------------------------------------------------------------------------------- */

static bool remember_original(struct run *run)
{
    for (uint32_t i = 0; i < run->actual.count; i++)
        if (sp_xfrm_policy_is_ours(&run->actual.policies[i]) &&
            !keep(&run->original, &run->actual.policies[i]))
            return false;
    sp_kernel_sas_note_new(run->goal->sas);
    return true;
}

static struct sp_offload_changes count_changes(const struct run *run)
{
    const struct sp_kernel_sas *sas = run->goal->sas;
    struct sp_offload_changes changes = {
        .policies_kept = run->plan.kept_count,
        .policies_foreign = run->plan.foreign_count,
        .policies_unreachable = run->plan.shadowed_count,
        .sas_deleted = (uint32_t)sas->old_count,
        .sas_foreign = sas->foreign_count,
    };

    for (uint32_t i = 0; i < run->plan.step_count; i++)
        (*(run->plan.steps[i].type == XFRM_MSG_NEWPOLICY   ? &changes.policies_added
           : run->plan.steps[i].type == XFRM_MSG_DELPOLICY ? &changes.policies_deleted
                                                           : &changes.policies_changed))++;
    for (size_t i = 0; i < sas->count; i++)
        (*(sas->wanted[i].found == SP_KERNEL_MISSING ? &changes.sas_added
           : sas->wanted[i].found == SP_KERNEL_EQUAL ? &changes.sas_kept
                                                     : &changes.sas_changed))++;
    return changes;
}

static enum sp_status preflight(struct run *run, bool *ret_has_lowered)
{
    const bool changes_policies = run->plan.step_count > 0;
    enum sp_status status = sp_kernel_needs_ask(run->link, run->goal, changes_policies, ret_has_lowered,
                                                run->fault, sizeof run->fault);

    return status == SP_ERR_SYSTEM ? fail_for_now(run, errno) : status;
}

/* What the kernel can't do at all is a better reason than what stands in the way of it. */
static enum sp_status preflight_after(struct run *run, enum sp_status found, bool *ret_has_lowered)
{
    char fault[sizeof run->fault];

    (void)snprintf(fault, sizeof fault, "%s", run->fault);
    const enum sp_status status = preflight(run, ret_has_lowered);
    if (status != SP_OK || found == SP_OK)
        return status;
    (void)snprintf(run->fault, sizeof run->fault, "%s", fault);
    return found;
}

/* Before the first change: looks until what is asked for is what would be granted. */
static enum sp_status prepare(struct run *run, struct sp_offload_changes *changes)
{
    bool has_lowered = true;
    enum sp_status status = SP_OK;

    while (status == SP_OK && has_lowered) {
        status = look_and_plan(run);
        if (status == SP_OK || status == SP_ERR_EXISTS)
            status = preflight_after(run, status, &has_lowered);
    }
    if (status != SP_OK)
        return status;
    run->original.count = 0;
    if (!remember_original(run))
        return SP_ERR_MEMORY;
    *changes = count_changes(run);
    return SP_OK;
}

static enum sp_status one_pass(struct run *run, struct sp_offload_changes *changes)
{
    run->has_lowered = false;
    const enum sp_status status = run->has_changed ? look_and_plan(run) : prepare(run, changes);
    return status == SP_OK ? ask_all(run) : status;
}

/* Policies as they were, no SA that wasn't there, and the others where they were. */
static enum sp_status put_back(struct run *run)
{
    enum sp_status status = look_at_policies(run);

    sp_kernel_sas_ask_former(run->goal->sas);
    if (status == SP_OK)
        status = look_at_sas(run);
    if (status == SP_OK)
        status = plan_policies(run, run->original.policies, run->original.count);
    for (enum group group = GROUP_TIGHTEN_ALONE; status == SP_OK && group <= GROUP_REPLACE; group++)
        status = ask_policies(run, group);
    return status == SP_OK ? ask_sas(run, SP_KERNEL_TAKE_BACK) : status;
}

static void report_failure(struct run *run, enum sp_status status, const char *fault, bool is_put_back)
{
    struct sp_error error = {.code = status, .width = 1};
    char without[104] = "";

    /* found out when all was done: their keys are gone */
    if (run->ended_count > 0)
        (void)snprintf(without, sizeof without,
                       ". What was is in force again, without %zu former SAs that had ended: load them again",
                       run->ended_count);
    (void)snprintf(error.text, sizeof error.text, "%.150s%s", fault,
                   run->is_ending_old ? ". All that is new is in force, but former SAs are left: try again"
                   : is_put_back      ? without
                                      : ". The kernel now has a part of it, and no more in clear: try again");
    sp_report_add(run->report, &error);
}

static enum sp_status give_up(struct run *run, enum sp_status status)
{
    char fault[sizeof run->fault];
    bool is_put_back = true;

    (void)snprintf(fault, sizeof fault, "%s", run->fault[0] != '\0' ? run->fault : sp_status_text(status));
    /* Once former SAs have begun to go there is no way back, and nothing but them is missing. */
    for (int i = 0; run->has_changed && !run->is_ending_old && i < PASSES_MAX; i++) {
        enum sp_status back = put_back(run);
        is_put_back = back == SP_OK;
        if (back != SP_ERR_SYSTEM)
            break;
    }
    report_failure(run, status, fault, is_put_back);
    return status;
}

/* One that is elsewhere than asked for, and doesn't take what comes. */
static const struct sp_kernel_sa *find_strict(const struct sp_kernel_sas *sas)
{
    for (size_t i = 0; i < sas->count; i++)
        if (sas->wanted[i].found == SP_KERNEL_OTHER_FORM && !sas->wanted[i].takes_what_comes)
            return &sas->wanted[i];
    return NULL;
}

/* What a NIC does of it is known only now. */
static enum sp_status look_back(struct run *run)
{
    bool asks_nic = false;

    for (size_t i = 0; i < run->goal->sas->count; i++)
        asks_nic |= run->goal->sas->wanted[i].asked.interface != 0;
    if (!asks_nic || run->goal->is_trial)
        return SP_OK;
    const enum sp_status status = look_at_sas(run);
    if (status != SP_OK)
        return status;
    for (size_t i = 0; i < run->goal->sas->count; i++)
        if (run->goal->sas->wanted[i].found == SP_KERNEL_OTHER_FORM)
            (void)sp_kernel_sas_lower(run->goal->sas, i, "the kernel said yes and does it in software");
    const struct sp_kernel_sa *other = find_strict(run->goal->sas);
    char what[SP_XFRM_TEXT_BYTES];
    if (other == NULL)
        return SP_OK;
    const struct sp_xfrm_sa named = {
        .spi = other->spi, .source = other->source, .destination = other->destination};
    return fail(run, SP_ERR_UNSUPPORTED, "the kernel took %.90s, and not to the NIC as was asked",
                sp_xfrm_sa_text(&named, what));
}

enum sp_status sp_kernel_reconcile(struct sp_xfrm_link *link, const struct sp_kernel_goal *goal,
                                   struct sp_report *report, struct sp_offload_changes *ret_changes)
{
    struct run run = {.link = link, .goal = goal, .report = report};
    struct sp_offload_changes changes = {0};
    enum sp_status status = SP_ERR_SYSTEM;

    for (int i = 0; i < PASSES_MAX && status == SP_ERR_SYSTEM; i += run.has_lowered ? 0 : 1) {
        run.fault[0] = '\0';
        status = one_pass(&run, &changes);
        if (status == SP_ERR_SYSTEM && run.fault[0] == '\0')
            status = fail_for_now(&run, errno);
    }
    if (status == SP_OK)
        status = look_back(&run);
    if (status == SP_OK)
        *ret_changes = changes;
    else
        status = give_up(&run, status);
    if (run.has_plan)
        sp_xfrm_plan_free(&run.plan);
    free(run.actual.policies);
    free(run.original.policies);
    return status;
}
