/* SPDX-License-Identifier: ISC
 *
 * What the kernel tests share: TAP, a seeded source of random data, buffers that fault when they are overrun,
 * and a clock.
 */
#ifndef SP_TESTS_KERNELS_HARNESS_H
#define SP_TESTS_KERNELS_HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct harness {
    size_t lines, failures;
    uint64_t random_state;
    bool is_nightly; /* longer */
    bool is_brief; /* less of everything that is repeated, for emulators and for the same kernels once more */
    bool is_measuring; /* print cycles too, as comments */
};

/* One TAP line. */
void harness_tell(struct harness *harness, bool is_right, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void harness_skip(struct harness *harness, const char *why, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A comment. */
void harness_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Not for keys: fast, and the same for the same seed. */
uint64_t harness_random(struct harness *harness);
size_t harness_random_below(struct harness *harness, size_t bound);
void harness_fill(struct harness *harness, void *to, size_t len_bytes);

/* Memory that ends at a page which faults when touched. Data is placed so that it ends there, or a little
 * before; canaries fill what is between, and the bytes in front of it. */
#define HARNESS_CANARY_BYTES 64
struct guarded {
    uint8_t *pages;
    size_t room_bytes; /* the greatest len_bytes + tail_bytes */
    uint8_t *data;
    size_t len_bytes, tail_bytes;
};

void guarded_create(struct guarded *guarded, size_t room_bytes);
void guarded_destroy(struct guarded *guarded);
/* Where len_bytes begin that end tail_bytes before the guard page; with room for canaries before them. */
uint8_t *guarded_place(struct guarded *guarded, size_t len_bytes, size_t tail_bytes);
/* Whether the canaries around what was placed last are as they were. */
bool guarded_is_intact(const struct guarded *guarded);

/* The time stamp counter (reference cycles), or nanoseconds where there is none. */
uint64_t harness_cycles(void);
/* The lower quartile: whatever else runs on a machine can only make a sample slower. Sorts what it is given.
 */
double harness_quartile(double *values, size_t count);

void kernels_tdes(struct harness *harness);
void kernels_hmac(struct harness *harness);

#endif
