/* SPDX-License-Identifier: ISC
 *
 * What the verbs that speak to a backend share.
 */
#include "backend.h"

#include "terminal.h"
#include "tool.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

bool backend_read(const char *word, enum backend *ret_backend)
{
    static const char *const names[] = {
        [BACKEND_USER] = "user", [BACKEND_KERNEL] = "kernel", [BACKEND_NIC] = "nic"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(word, names[i]) == 0) {
            *ret_backend = (enum backend)i;
            return true;
        }
    return false;
}

static const char *reason_of(enum sp_status status)
{
    if (status == SP_ERR_PERMISSION)
        return "only root may see and change the kernel's IPsec (CAP_NET_ADMIN)";
    if (status == SP_ERR_UNSUPPORTED)
        return "this kernel's IPsec can't be had: it was built without CONFIG_XFRM_USER";
    return status == SP_ERR_SYSTEM ? strerror(errno) : sp_status_text(status);
}

/* Findings about a file look as a compiler's; what the kernel refused is about no file. */
int backend_failed(enum sp_status status, const struct sp_report *report)
{
    const int why = errno;
    bool is_about_file = false;
    for (size_t i = 0; report && i < sp_report_count(report); i++)
        is_about_file |= sp_report_get(report, i)->file[0] != '\0';
    errno = why;
    if (is_about_file)
        sp_report_print(report, stderr);
    else if (report && sp_report_count(report) > 0)
        tool_say("%s", sp_report_get(report, sp_report_count(report) - 1)->text);
    else
        tool_say("%s", reason_of(status));
    return tool_exit_of(status);
}

void backend_print_changes(const struct sp_offload_changes *changes, bool is_trial)
{
    printf("%s policies: %" PRIu32 " added, %" PRIu32 " changed, %" PRIu32 " deleted, %" PRIu32 " kept",
           is_trial ? "would be:" : "done:", changes->policies_added, changes->policies_changed,
           changes->policies_deleted, changes->policies_kept);
    printf("; SAs: %" PRIu32 " added, %" PRIu32 " changed, %" PRIu32 " deleted, %" PRIu32 " kept\n",
           changes->sas_added, changes->sas_changed, changes->sas_deleted, changes->sas_kept);
    if (changes->policies_foreign + changes->sas_foreign > 0)
        printf("not ours, left alone: %" PRIu32 " policies, %" PRIu32
               " SAs (ipsecctl status --backend kernel)\n",
               changes->policies_foreign, changes->sas_foreign);
}

json_t *backend_json_changes(const struct sp_offload_changes *changes)
{
    json_t *policies = tool_need(json_object()), *sas = tool_need(json_object());
    json_put(policies, "added", json_number(changes->policies_added));
    json_put(policies, "changed", json_number(changes->policies_changed));
    json_put(policies, "deleted", json_number(changes->policies_deleted));
    json_put(policies, "kept", json_number(changes->policies_kept));
    json_put(policies, "unreachable", json_number(changes->policies_unreachable));
    json_put(policies, "foreign", json_number(changes->policies_foreign));
    json_put(sas, "added", json_number(changes->sas_added));
    json_put(sas, "changed", json_number(changes->sas_changed));
    json_put(sas, "deleted", json_number(changes->sas_deleted));
    json_put(sas, "kept", json_number(changes->sas_kept));
    json_put(sas, "foreign", json_number(changes->sas_foreign));
    json_t *object = tool_need(json_object());
    json_put(object, "policies", policies);
    json_put(object, "sas", sas);
    return object;
}

void backend_print_step(const char *step, void *context)
{
    (void)context;
    terminal_write(stdout, step);
    putchar('\n');
}
