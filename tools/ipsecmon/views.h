/* SPDX-License-Identifier: ISC
 *
 * What ipsecmon shows: tables of associations and counters with their rates.
 */
#ifndef IPSECMON_VIEWS_H
#define IPSECMON_VIEWS_H

#include "rates.h"

/* One line: who the daemon is and which policy it has. */
void view_headline(FILE *out, const struct sample *now);
/* The tables; rows: lines that there are for SAs, 0 means all. */
void view_totals(FILE *out, const struct sample *former, const struct sample *now, bool is_aligned);
void view_drops(FILE *out, const struct sample *former, const struct sample *now, bool is_aligned);
void view_sas(FILE *out, const struct sample *former, const struct sample *now, bool is_aligned,
              unsigned rows);

/* The status with "time" and "rates" added, or {"ok": false, "error": ...}. */
json_t *view_json(const struct sample *former, const struct sample *now);

#endif
