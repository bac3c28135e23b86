/* SPDX-License-Identifier: ISC
 *
 * The asking side of the control socket: an answer that is any JSON at all is shown by ipsecmon's views. The
 * first half of the input is the former answer, when a NUL byte divides it.
 */
#include "fuzz.h"

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

static void show(const struct sample *former, const struct sample *now, bool is_aligned)
{
    char *text = NULL;
    size_t len_bytes;
    FILE *out = open_memstream(&text, &len_bytes);
    FUZZ_HOLDS(out != NULL);
    view_headline(out, now);
    view_totals(out, former, now, is_aligned);
    view_drops(out, former, now, is_aligned);
    view_sas(out, former, now, is_aligned, 3);
    view_sas(out, former, now, is_aligned, 0);
    FUZZ_HOLDS(fclose(out) == 0);
    fuzz_expect_printable(text, len_bytes);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *divider = size > 0 ? memchr(data, '\0', size) : NULL;
    const size_t former_bytes = divider != NULL ? (size_t)(divider - data) : 0;
    const uint8_t *rest = divider != NULL ? divider + 1 : data;
    struct sample former = {.status = status_of((const char *)data, former_bytes), .at_ns = 1000000000};
    struct sample now = {.status = status_of((const char *)rest, size - (size_t)(rest - data)),
                         .at_ns = 3000000000};
    if (now.status != NULL) {
        show(&former, &now, true);
        show(&former, &now, false);
    }
    json_decref(view_json(&former, &now));
    json_decref(former.status);
    json_decref(now.status);
    return 0;
}
