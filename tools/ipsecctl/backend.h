/* SPDX-License-Identifier: ISC
 *
 * Who does the ESP, as the verbs load, flush, status and monitor are told.
 */
#ifndef IPSECCTL_BACKEND_H
#define IPSECCTL_BACKEND_H

#include "json.h"

#include <sallyport/offload.h>

/* To look at and to flush, kernel and nic are one: all SAs are the kernel's, whoever does their ESP. */
enum backend {
    BACKEND_USER,
    BACKEND_KERNEL,
    BACKEND_NIC,
    BACKEND_AUTO, /* of load alone: the first of nic, kernel, user who can */
};

/* "user", "kernel", "nic". */
#define BACKEND_NAMES "kernel, nic or user"
bool backend_read(const char *word, enum backend *ret_backend);

/* Prints the findings, and when there are none says the status. An exit code. */
int backend_failed(enum sp_status status, const struct sp_report *report);
/* What was changed, or with is_trial would be. */
void backend_print_changes(const struct sp_offload_changes *changes, bool is_trial);
json_t *backend_json_changes(const struct sp_offload_changes *changes);
/* For on_step: prints it on standard output. */
void backend_print_step(const char *step, void *context);

/* ipsecctl status --backend kernel, and nic. An exit code. */
int backend_kernel_status(bool as_json);

#endif
