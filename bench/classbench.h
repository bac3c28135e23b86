/* SPDX-License-Identifier: ISC
 *
 * Rule sets and traces in the style of ClassBench, for the bench and for the tests.
 */
#ifndef SP_BENCH_CLASSBENCH_H
#define SP_BENCH_CLASSBENCH_H

#include "selector/selector.h"

enum classbench_style {
    CLASSBENCH_ACL,
    CLASSBENCH_FW,
    CLASSBENCH_IPC,
    CLASSBENCH_UNIFORM, /* no structure at all: arbitrary ranges, from any to one value */
};
#define CLASSBENCH_STYLES 4
extern const char *const classbench_style_names[CLASSBENCH_STYLES];

/* Fills ret_boxes with count boxes for packets of the family, 4 or 6. The same seed gives the same boxes. */
void classbench_boxes(enum classbench_style style, uint8_t family, uint32_t count, uint64_t seed,
                      struct sp_selector_box *ret_boxes);

/* A trace: nine packets of ten are drawn inside a box, the tenth anywhere. With locality, few flows make most
 * packets, in short runs (Pareto); without, each packet is drawn anew. */
void classbench_trace(const struct sp_selector_box *boxes, uint32_t boxes_count, uint8_t family,
                      bool has_locality, uint64_t seed, struct sp_selector_key *ret_keys, size_t keys_count);

#endif
