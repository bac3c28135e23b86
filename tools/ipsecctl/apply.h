/* SPDX-License-Identifier: ISC
 *
 * What a run over a capture came to, and how it is told.
 */
#ifndef IPSECCTL_APPLY_H
#define IPSECCTL_APPLY_H

#include "capture.h"

#include <sallyport/engine.h>

#define MISSING_SAS_MAX 64

/* An SA that packets needed and that is in no file. */
struct missing_sa {
    struct sp_address source, destination;
    uint32_t rule;
};

struct run {
    enum sp_direction direction;
    struct capture_in *in;
    struct capture_out *out;
    uint64_t other_frames;                      /* not IP: written as they were */
    uint64_t truncated_frames;                  /* cut off by the capture: dropped before the engine */
    struct missing_sa missing[MISSING_SAS_MAX]; /* the first ones */
    size_t missing_count;
};

void apply_print_tables(const struct run *run, const struct sp_engine *engine, const struct sp_sad *sad,
                        FILE *out);
void apply_print_json(const struct run *run, const struct sp_engine *engine, const struct sp_sad *sad,
                      FILE *out);

#endif
