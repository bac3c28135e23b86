/* SPDX-License-Identifier: ISC
 *
 * Built without libmicrohttpd: --prometheus and --web say so.
 */
#include "serve.h"

#include "tool.h"

int serve(struct source *source, const struct wish *wish)
{
    (void)source;
    (void)wish;
    tool_say(
        "built without HTTP: install libmicrohttpd-dev and build with -Dhttp=enabled; --openmetrics prints");
    return TOOL_NOT_APPLIED;
}
