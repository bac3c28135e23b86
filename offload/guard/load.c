/* SPDX-License-Identifier: ISC
 *
 * Brings the kernel's policies of the guard to what they shall be: looked at, planned (xfrm/plan.h), done.
 */
#include "guard/policies.h"
#include "kernel/reconcile.h"
#include "kernel/requests.h"
#include "xfrm/plan.h"
#include "xfrm/text.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PASSES_MAX 4

struct list {
    struct sp_xfrm_policy *policies;
    uint32_t count, capacity;
    bool is_out_of_memory;
};

static void begin(void *context)
{
    ((struct list *)context)->count = 0;
}

static void see(const struct sp_xfrm_message *message, void *context)
{
    struct list *list = context;

    if (message->type != XFRM_MSG_NEWPOLICY || message->policy.direction != XFRM_POLICY_OUT)
        return;
    if (list->count == list->capacity) {
        const uint32_t capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
        struct sp_xfrm_policy *wider = realloc(list->policies, capacity * sizeof *wider);
        if (wider == NULL) {
            list->is_out_of_memory = true;
            return;
        }
        list->policies = wider;
        list->capacity = capacity;
    }
    list->policies[list->count++] = message->policy;
}

static void make_step(uint32_t number, struct sp_xfrm_message *ret_message, void *context)
{
    sp_xfrm_step_message(&((const struct sp_xfrm_plan *)context)->steps[number], ret_message);
}

__attribute__((format(printf, 3, 4))) static enum sp_status
complain(struct sp_report *report, enum sp_status status, const char *format, ...)
{
    struct sp_error error = {.code = status, .width = 1};
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(error.text, sizeof error.text, format, arguments);
    va_end(arguments);
    sp_report_add(report, &error);
    return status;
}

/* The steps are in their order, and a refusal ends them: what loosens comes last. */
static enum sp_status carry_out(struct sp_xfrm_link *link, struct sp_xfrm_plan *plan,
                                struct sp_report *report)
{
    struct sp_kernel_requests requests = {.make = make_step, .context = plan, .count = plan->step_count};
    struct sp_xfrm_message message;
    char what[SP_XFRM_TEXT_BYTES], why[160];
    enum sp_status status = sp_kernel_requests_send(link, &requests);

    if (status != SP_OK || !requests.is_refused)
        return status;
    make_step(requests.refused, &message, plan);
    if (sp_kernel_refusal_is_race(message.type, requests.answer.error)) {
        errno = EAGAIN;
        return SP_ERR_SYSTEM;
    }
    status = requests.answer.error == EPERM ? SP_ERR_PERMISSION : SP_ERR_UNSUPPORTED;
    return complain(report, status, "%.90s: %.120s", sp_xfrm_policy_text(&message.policy, what),
                    sp_xfrm_refusal(&message, &requests.answer, why, sizeof why));
}

static void count_changes(const struct sp_xfrm_plan *plan, struct sp_offload_changes *changes)
{
    changes->policies_kept = plan->kept_count;
    changes->policies_foreign = plan->foreign_count;
    changes->policies_unreachable = plan->shadowed_count;
    for (uint32_t i = 0; i < plan->step_count; i++)
        (*(plan->steps[i].type == XFRM_MSG_NEWPOLICY   ? &changes->policies_added
           : plan->steps[i].type == XFRM_MSG_DELPOLICY ? &changes->policies_deleted
                                                       : &changes->policies_changed))++;
}

static enum sp_status one_pass(struct sp_xfrm_link *link, const struct sp_kernel_policies *wanted,
                               struct sp_report *report, struct sp_offload_changes *changes)
{
    struct list actual = {.policies = NULL};
    struct sp_xfrm_plan plan = {.steps = NULL};
    const struct sp_xfrm_policy *conflict = NULL;
    char text[SP_XFRM_TEXT_BYTES];

    enum sp_status status = sp_kernel_dump(link, XFRM_MSG_GETPOLICY, begin, see, &actual);
    if (status == SP_OK && actual.is_out_of_memory)
        status = SP_ERR_MEMORY;
    if (status == SP_OK)
        status = sp_xfrm_plan_range(&sp_xfrm_guard_range, wanted->policies, wanted->count, actual.policies,
                                    actual.count, &plan, &conflict);
    if (status == SP_ERR_EXISTS)
        complain(report, status, "somebody else's kernel policy stands where ours should: %.160s",
                 sp_xfrm_policy_text(conflict, text));
    if (status == SP_OK) {
        status = carry_out(link, &plan, report);
        count_changes(&plan, changes);
        sp_xfrm_plan_free(&plan);
    }
    free(actual.policies);
    return status;
}

static enum sp_status bring(const struct sp_kernel_policies *wanted, struct sp_report *report,
                            struct sp_offload_changes *ret_changes)
{
    struct sp_offload_changes changes = {0};
    struct sp_xfrm_link *link;
    enum sp_status status = sp_xfrm_link_open(&link);

    if (status == SP_ERR_UNSUPPORTED)
        return complain(report, status, "the kernel has no XFRM (CONFIG_XFRM_USER)");
    if (status != SP_OK)
        return complain(report, status, "no socket to the kernel's IPsec: %s", strerror(errno));
    status = SP_ERR_SYSTEM;
    for (int i = 0; i < PASSES_MAX && status == SP_ERR_SYSTEM; i++)
        status = one_pass(link, wanted, report, &changes);
    if (status == SP_ERR_SYSTEM || status == SP_ERR_MEMORY)
        complain(report, status, "the conversation with the kernel broke off: %s",
                 status == SP_ERR_MEMORY ? "no memory" : strerror(errno));
    sp_xfrm_link_close(&link);
    if (status == SP_OK)
        *ret_changes = changes;
    return status;
}

enum sp_status sp_offload_guard_load(const struct sp_offload_guard *guard, struct sp_report *report,
                                     struct sp_offload_changes *ret_changes)
{
    struct sp_kernel_policies policies = {.policies = NULL};

    if (guard->me.unknown)
        return SP_ERR_INVALID;
    enum sp_status status = sp_guard_policies_make(guard, report, &policies);
    if (status == SP_OK)
        status = bring(&policies, report, ret_changes);
    sp_kernel_policies_free(&policies);
    return status;
}

enum sp_status sp_offload_guard_flush(struct sp_report *report, struct sp_offload_changes *ret_changes)
{
    const struct sp_kernel_policies none = {.policies = NULL};

    return bring(&none, report, ret_changes);
}

/* A policy of the socket itself comes before all others (ip(7), IP_XFRM_POLICY). */
enum sp_status sp_offload_guard_exempt(int socket, uint8_t family)
{
    struct xfrm_userpolicy_info pass = {
        .lft = {XFRM_INF, XFRM_INF, XFRM_INF, XFRM_INF, 0, 0, 0, 0},
        .dir = XFRM_POLICY_OUT,
        .action = XFRM_POLICY_ALLOW,
    };

    pass.sel.family = family == 6 ? AF_INET6 : AF_INET;
    const int level = family == 6 ? IPPROTO_IPV6 : IPPROTO_IP;
    const int option = family == 6 ? IPV6_XFRM_POLICY : IP_XFRM_POLICY;
    if (setsockopt(socket, level, option, &pass, sizeof pass) == 0)
        return SP_OK;
    if (errno == ENOPROTOOPT || errno == EOPNOTSUPP)
        return SP_ERR_UNSUPPORTED;
    return errno == EPERM ? SP_ERR_PERMISSION : SP_ERR_SYSTEM;
}
