/* SPDX-License-Identifier: ISC
 *
 * The answers to "status" and to "policy", as control.h describes it.
 */
#ifndef SALLYPORTD_STATUS_H
#define SALLYPORTD_STATUS_H

#include "daemon.h"

/* NULL when memory is out. */
json_t *status_build(struct daemon *daemon);
/* The answer to "policy". NULL when memory is out. */
json_t *status_policy(struct daemon *daemon);

#endif
