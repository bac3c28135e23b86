/* SPDX-License-Identifier: ISC
 *
 * Load and flush: the goal is made first, then the kernel is brought there.
 */
#include "kernel/nic.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static enum sp_status report_socket(enum sp_status status, struct sp_report *report)
{
    struct sp_error error = {.code = status, .width = 1};

    switch (status) {
    case SP_ERR_UNSUPPORTED:
        (void)snprintf(error.text, sizeof error.text,
                       "this kernel's IPsec can't be had: it was built without CONFIG_XFRM_USER");
        break;
    case SP_ERR_SYSTEM:
        (void)snprintf(error.text, sizeof error.text, "no socket to the kernel's IPsec: %s", strerror(errno));
        break;
    default:
        (void)snprintf(error.text, sizeof error.text, "no socket to the kernel's IPsec: %s",
                       sp_status_text(status));
        break;
    }
    sp_report_add(report, &error);
    return status;
}

/* One at a time in a network namespace: two that plan at once would take the same indices. The lock is on the
 * namespace itself, so it needs no place in a file system. < 0: there is no /proc to lock by. */
static int lock_namespace(void)
{
    int descriptor = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

    while (descriptor >= 0 && flock(descriptor, LOCK_EX) != 0 && errno == EINTR)
        continue;
    return descriptor;
}

/* load: NULL when all goes. */
static enum sp_status bring(struct sp_xfrm_link *link, const struct sp_kernel_goal *goal,
                            const struct sp_offload_load *load, struct sp_report *report,
                            struct sp_offload_changes *ret_changes)
{
    if (load == NULL || load->nic == NULL)
        return sp_kernel_reconcile(link, goal, report, ret_changes);
    const enum sp_status status = sp_kernel_nic_bring(link, goal, load->nic, &load->me, report, ret_changes);
    if (status == SP_OK && load->on_grant != NULL)
        sp_kernel_nic_tell(goal->sas, load->nic->mode, goal->is_trial, load->on_grant, load->context);
    return status;
}

static enum sp_status reconcile(const struct sp_kernel_goal *goal, const struct sp_offload_load *load,
                                struct sp_report *report, struct sp_offload_changes *ret_changes)
{
    struct sp_xfrm_link *link;
    enum sp_status status = sp_xfrm_link_open(&link);

    if (status != SP_OK)
        return report_socket(status, report);
    int lock = lock_namespace();
    status = bring(link, goal, load, report, ret_changes);
    if (lock >= 0)
        (void)close(lock);
    sp_xfrm_link_close(&link);
    return status;
}

/* Of the kernel, as against a mistake of whoever asks. */
static bool is_inability(enum sp_status status)
{
    return status == SP_ERR_UNSUPPORTED || status == SP_ERR_LIMIT;
}

/* A request that takes what comes may go on to somebody else, who is told why nobody here took it. */
static void tell_refusal(const struct sp_offload_load *load, const struct sp_kernel_sas *sas,
                         const struct sp_report *report)
{
    const size_t count = sp_report_count(report);

    if (load->nic == NULL || load->nic->mode != SP_OFFLOAD_AUTO || load->on_grant == NULL)
        return;
    sp_kernel_nic_tell_refused(sas, count > 0 ? sp_report_get(report, count - 1)->text : "the kernel refuses",
                               load->on_grant, load->context);
}

enum sp_status sp_offload_kernel_load(const struct sp_offload_load *load, struct sp_report *report,
                                      struct sp_offload_changes *ret_changes)
{
    struct sp_kernel_policies policies = {.policies = NULL};
    struct sp_kernel_sas sas = {.wanted = NULL};
    const struct sp_kernel_goal goal = {.policies = &policies,
                                        .sas = &sas,
                                        .is_trial = load->is_trial,
                                        .on_step = load->on_step,
                                        .context = load->context};

    if (load->me.unknown || (load->nic != NULL && load->keys_path == NULL))
        return SP_ERR_INVALID;
    enum sp_status status =
        sp_kernel_policies_make(load->policy, &load->me, load->rule_policies, report, &policies);
    if ((status == SP_OK || is_inability(status)) && load->keys_path != NULL) {
        const enum sp_status read = sp_kernel_sas_load(load->keys_path, load->policy, report, &sas);
        status = read != SP_OK ? read : status;
    }
    if (status == SP_OK)
        status = reconcile(&goal, load, report, ret_changes);
    if (is_inability(status))
        tell_refusal(load, &sas, report);
    sp_kernel_policies_free(&policies);
    sp_kernel_sas_free(&sas);
    return status;
}

enum sp_status sp_offload_kernel_flush(bool is_trial, sp_offload_on_step *on_step, void *context,
                                       struct sp_report *report, struct sp_offload_changes *ret_changes)
{
    struct sp_kernel_policies policies = {.policies = NULL};
    struct sp_kernel_sas sas = {.wanted = NULL};
    const struct sp_kernel_goal goal = {
        .policies = &policies, .sas = &sas, .is_trial = is_trial, .on_step = on_step, .context = context};

    enum sp_status status = reconcile(&goal, NULL, report, ret_changes);
    sp_kernel_sas_free(&sas);
    return status;
}
