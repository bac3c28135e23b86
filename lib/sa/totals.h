/* SPDX-License-Identifier: ISC
 *
 * Inside of the totals over all SAs that there were.
 */
#ifndef SP_SA_TOTALS_H
#define SP_SA_TOTALS_H

#include "sa/sad.h"

/* Adds what an SA carried so far. */
void sp_sad_totals_add(struct sp_sad_totals *totals, const struct sp_sa *sa);

/* sad.c keeps them: of the SAs that are gone, with additions and deletions; and what was told last. */
struct sp_sad_totals *sp_sad_totals_gone(struct sp_sad *sad);
struct sp_sad_totals *sp_sad_totals_told(struct sp_sad *sad);

#endif
