/* SPDX-License-Identifier: ISC
 *
 * What a client of the control socket hands over to be loaded: open files, and what it calls them. The daemon
 * opens no path that a client names, so nobody has it read what he could not read himself.
 */
#ifndef SALLYPORTD_HANDED_H
#define SALLYPORTD_HANDED_H

#include <sallyport/policy.h>

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define HANDED_NAME_MAX_BYTES 1024

struct handed {
    const char *policy_name, *keys_name; /* valid as long as the question */
    int policy_fd, keys_fd;              /* the control server's */
    uint64_t network_namespace;          /* that the client wants to be served; 0: any */
    bool is_trial;                       /* only looked through */
};

/* Reads a question for "load", as control.h has it. False: *ret_why is a sentence. */
bool handed_read(const json_t *question, const int *descriptors, size_t count, struct handed *ret_handed,
                 const char **ret_why);
/* Reads the policy. SP_ERR_PARSE with findings in the report; SP_ERR_INVALID: it is not what control.h says;
 * SP_ERR_IO, SP_ERR_LIMIT, SP_ERR_MEMORY. */
enum sp_status handed_policy(const struct handed *handed, struct sp_policy **ret_policy,
                             struct sp_report *report) SP_MUST_USE;

#endif
