/* SPDX-License-Identifier: ISC
 *
 * What the command line asks for.
 */
#ifndef IPSECMON_WISH_H
#define IPSECMON_WISH_H

#include "filter.h"
#include "http.h"
#include "source.h"

#include <stdint.h>

enum wish_output { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_CSV, OUTPUT_METRICS };

struct wish {
    enum source_kind source;
    const char *path; /* of the control socket or the segment */
    uint32_t interval_ms;
    enum wish_output output;
    struct filter *filter;
    bool is_metrics_served, is_web;
    struct http_place metrics, web;
    bool is_once, is_expecting, is_ascii, is_help, is_version;
};

/* TOOL_OK, or TOOL_USAGE after having said why. */
int wish_read(int argc, char **argv, struct wish *ret_wish);
void wish_free(struct wish *wish);
void wish_help(void);

#endif
