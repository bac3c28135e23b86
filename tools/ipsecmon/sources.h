/* SPDX-License-Identifier: ISC
 *
 * Inside of the sources.
 */
#ifndef IPSECMON_SOURCES_H
#define IPSECMON_SOURCES_H

#include "rule_finder.h"
#include "source.h"

#include <sallyport/segment.h>

struct source {
    enum source_kind kind;
    const char *path;
    struct rule_finder finder;      /* SOURCE_USER: its policy, read once a generation */
    struct sp_stats_reader *reader; /* SOURCE_SEGMENT: open while there is one */
};

/* Each fills a snapshot, or leaves it down with a reason. former: what was told before, NULL: nothing; for
 * those who don't know themselves what is gone. */
void source_user(struct source *source, struct snapshot *snapshot, const struct snapshot *former);
void source_segment(struct source *source, struct snapshot *snapshot, const struct snapshot *former);
void source_kernel(struct source *source, struct snapshot *snapshot, const struct snapshot *former);

#endif
