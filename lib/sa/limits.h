/* SPDX-License-Identifier: ISC
 *
 * Between the SAD and the lifetimes of its SAs.
 */
#ifndef SP_SA_LIMITS_H
#define SP_SA_LIMITS_H

#include "sa/sad.h"

/* Sets sa's lifetime, with limits to compare with. */
void sp_sa_set_lifetime(struct sp_sa *sa, const struct sp_lifetime *lifetime);

#endif
