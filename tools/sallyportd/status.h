/* SPDX-License-Identifier: ISC
 *
 * The answer to "status", as control.h describes it.
 */
#ifndef SALLYPORTD_STATUS_H
#define SALLYPORTD_STATUS_H

#include "daemon.h"

/* NULL when memory is out. */
json_t *status_build(struct daemon *daemon);

#endif
