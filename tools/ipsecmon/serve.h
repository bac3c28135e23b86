/* SPDX-License-Identifier: ISC
 *
 * --prometheus and --web: the same snapshots, over HTTP.
 */
#ifndef IPSECMON_SERVE_H
#define IPSECMON_SERVE_H

#include "source.h"
#include "wish.h"

/* Serves until a signal ends it: TOOL_OK; TOOL_NOT_APPLIED after having said why it can't. */
int serve(struct source *source, const struct wish *wish);

#endif
