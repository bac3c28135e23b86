/* SPDX-License-Identifier: ISC
 *
 * The statistics segment (sallyport/segment.h) lies beside the control socket unless told otherwise.
 */
#include "segment.h"

#include "datapath/losses.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

#define SOCKET_ENDING ".sock"
#define SEGMENT_ENDING ".stats"

/* "/run/sallyport/control.sock" makes "/run/sallyport/control.stats". False: too long. */
static bool path_beside(const char *socket_path, char *path, size_t path_bytes)
{
    size_t stem_bytes = strlen(socket_path);
    const size_t ending_bytes = strlen(SOCKET_ENDING);
    if (stem_bytes > ending_bytes && strcmp(socket_path + stem_bytes - ending_bytes, SOCKET_ENDING) == 0)
        stem_bytes -= ending_bytes;
    const int len_bytes = snprintf(path, path_bytes, "%.*s" SEGMENT_ENDING, (int)stem_bytes, socket_path);
    return len_bytes > 0 && (size_t)len_bytes < path_bytes;
}

void segment_open(struct daemon *daemon)
{
    char beside[256];
    const char *path = daemon->options.stats_path;
    if (!path && path_beside(daemon->options.control_path, beside, sizeof beside))
        path = beside;
    if (!path)
        return;
    const enum sp_status status = sp_segment_create(path, daemon->engine, &daemon->segment);
    if (status != SP_OK)
        log_errno("no statistics segment at %s", path);
}

void segment_tick(struct daemon *daemon)
{
    losses_take(daemon);
    if (daemon->segment && sp_segment_write(daemon->segment) != SP_OK)
        log_errno("the statistics segment can't grow");
}
