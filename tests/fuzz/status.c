/* SPDX-License-Identifier: ISC
 *
 * The asking side of the control socket: an answer that is any JSON at all is shown by ipsecmon's views. The
 * first half of the input is the former answer, when a NUL byte divides it.
 */
#include "fuzz.h"

#include "source_fill.h"
#include "views.h"

#include <string.h>

static json_t *status_of(const char *text, size_t len_bytes)
{
    json_t *status = json_loadb(text, len_bytes, 0, NULL);
    if (json_is_object(status))
        return status;
    json_decref(status);
    return NULL;
}

static struct snapshot *snapshot_of(const char *text, size_t len_bytes, uint64_t at_ns)
{
    static struct rule_finder finder;
    json_t *status = status_of(text, len_bytes);
    struct snapshot *snapshot = snapshot_create();
    snapshot->at_ns = at_ns;
    if (status != NULL) {
        source_fill(snapshot, status, &finder);
        snapshot_sum(snapshot);
    }
    return snapshot;
}

static void show(const struct snapshot *now, bool is_aligned)
{
    char *text = NULL;
    size_t len_bytes;
    FILE *out = open_memstream(&text, &len_bytes);
    FUZZ_HOLDS(out != NULL);
    view_text(out, now, NULL, is_aligned);
    view_metrics(out, now, METRICS_OPENMETRICS);
    view_metrics(out, now, METRICS_TEXT);
    FUZZ_HOLDS(fclose(out) == 0);
    fuzz_expect_printable(text, len_bytes);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *divider = size > 0 ? memchr(data, '\0', size) : NULL;
    const size_t former_bytes = divider != NULL ? (size_t)(divider - data) : 0;
    const uint8_t *rest = divider != NULL ? divider + 1 : data;
    struct snapshot *former = snapshot_of((const char *)data, former_bytes, 1000000000);
    struct snapshot *now = snapshot_of((const char *)rest, size - (size_t)(rest - data), 3000000000);
    snapshot_compare(now, former);
    show(now, true);
    show(now, false);
    json_decref(view_json(now, NULL, JSON_WHOLE));
    snapshot_destroy(&former);
    snapshot_destroy(&now);
    return 0;
}
