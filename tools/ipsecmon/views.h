/* SPDX-License-Identifier: ISC
 *
 * Views that are printed: tables for people, JSON, CSV and OpenMetrics for programs. The live one is in
 * screen.h.
 */
#ifndef IPSECMON_VIEWS_H
#define IPSECMON_VIEWS_H

#include "filter.h"
#include "model.h"

#include <stdio.h>

/* filter may be NULL everywhere: all associations. */
void view_text(FILE *out, const struct snapshot *snapshot, const struct filter *filter, bool is_aligned);

enum json_extent {
    JSON_WHOLE, /* with the daemon's own status around it */
    JSON_LIVE,  /* what all sources have, no more */
};
json_t *view_json(const struct snapshot *snapshot, const struct filter *filter, enum json_extent extent);

/* RFC 4180: a line an association. */
void view_csv_head(FILE *out);
void view_csv(FILE *out, const struct snapshot *snapshot, const struct filter *filter);

enum metrics_format {
    METRICS_OPENMETRICS, /* OpenMetrics 1.0, with its end */
    METRICS_TEXT,        /* Prometheus's older text format, 0.0.4 */
};
void view_metrics(FILE *out, const struct snapshot *snapshot, enum metrics_format format);

#endif
