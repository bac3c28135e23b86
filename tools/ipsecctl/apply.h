/* SPDX-License-Identifier: ISC
 *
 * What a run over a capture came to, and how it is told.
 */
#ifndef IPSECCTL_APPLY_H
#define IPSECCTL_APPLY_H

#include "capture.h"

#include <sallyport/engine.h>

struct run {
    enum sp_direction direction;
    struct capture_in *in;
    struct capture_out *out;
    uint64_t other_frames;     /* not IP: written as they were */
    uint64_t truncated_frames; /* cut off by the capture: dropped before the engine */
};

void apply_print_tables(const struct run *run, const struct sp_engine *engine, const struct sp_sad *sad,
                        FILE *out);
void apply_print_json(const struct run *run, const struct sp_engine *engine, const struct sp_sad *sad,
                      FILE *out);

#endif
