/* SPDX-License-Identifier: ISC
 *
 * The codec by itself: messages written and read, without any kernel.
 */
#ifndef SP_BENCH_OFFLOAD_CODEC_H
#define SP_BENCH_OFFLOAD_CODEC_H

enum codec_work {
    CODEC_WRITE_SA,
    CODEC_READ_SA,
    CODEC_WRITE_POLICY,
    CODEC_READ_POLICY,
    CODEC_READ_ANSWER,
    CODEC_WORKS
};
extern const char *const codec_names[CODEC_WORKS];

/* Messages a second, over some milliseconds of processor time. */
double codec_rate(enum codec_work work);

#endif
