/* SPDX-License-Identifier: ISC
 *
 * Members that several of control.h's objects have, so that they mean the same in each.
 */
#ifndef SALLYPORTD_MEMBERS_H
#define SALLYPORTD_MEMBERS_H

#include "daemon.h"

#include <jansson.h>

json_t *member_number(uint64_t value);
/* null for NULL and "". */
json_t *member_text(const char *text);
json_t *member_address(const struct sp_address *address);
json_t *member_lifetime(const struct sp_lifetime *lifetime);
/* null: none. */
json_t *member_limit(enum sp_limit limit);
/* "out", "in", "none": no address of this host is in it. */
const char *member_direction(const struct daemon *daemon, const struct sp_address *source,
                             const struct sp_address *destination);

#endif
