/* SPDX-License-Identifier: ISC
 *
 * Where the lines of the audit log go.
 */
#ifndef SALLYPORTD_AUDIT_SINK_H
#define SALLYPORTD_AUDIT_SINK_H

#include "audit/line.h"

#include <stdbool.h>

enum audit_sink_kind {
    AUDIT_SINK_NONE,
    AUDIT_SINK_STDERR,
    AUDIT_SINK_SYSLOG,
    AUDIT_SINK_JOURNAL,
    AUDIT_SINK_FILE
};

struct audit_sink {
    enum audit_sink_kind kind;
    const char *path; /* of the file */
    int fd;           /* -1: none is open */
    bool is_failing;  /* which was said */
};

/* "none", "stderr", "syslog", "journal", or a path with a slash in it. False: it is none of these. */
bool audit_sink_choose(const char *destination, struct audit_sink *ret_sink);
/* Once more, too, after somebody has renamed the file. False after saying why. */
bool audit_sink_open(struct audit_sink *sink);
void audit_sink_close(struct audit_sink *sink);
/* priority is syslog(3)'s. A sink that takes nothing is told of once in the log, and nobody waits for it. */
void audit_sink_write(struct audit_sink *sink, const struct audit_line *line, int priority);

#endif
