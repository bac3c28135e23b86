/* SPDX-License-Identifier: ISC
 *
 * Which source does what, and what they share.
 */
#include "sources.h"

#include "tool.h"

#include <stdlib.h>

struct source *source_open(enum source_kind kind, const char *path)
{
    struct source *source = tool_need(calloc(1, sizeof *source));
    source->kind = kind;
    source->path = path;
    return source;
}

void source_close(struct source **source)
{
    if (!*source)
        return;
    rule_finder_close(&(*source)->finder);
    sp_stats_close(&(*source)->reader);
    free(*source);
    *source = NULL;
}

struct snapshot *source_take(struct source *source, const struct snapshot *former)
{
    static void (*const fill[])(struct source *, struct snapshot *, const struct snapshot *) = {
        [SOURCE_USER] = source_user, [SOURCE_SEGMENT] = source_segment, [SOURCE_KERNEL] = source_kernel};
    struct snapshot *snapshot = snapshot_create();
    fill[source->kind](source, snapshot, former);
    if (snapshot->is_up)
        snapshot_sum(snapshot);
    snapshot_compare(snapshot, former);
    return snapshot;
}
