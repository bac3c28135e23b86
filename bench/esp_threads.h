/* SPDX-License-Identifier: ISC
 *
 * Sealing and opening by several threads at once.
 */
#ifndef SP_BENCH_ESP_THREADS_H
#define SP_BENCH_ESP_THREADS_H

#include "esp_field.h"

#define THREADS_MAX 64

/* Seals and opens by one thread alone and by all of them at once, in turns. rates[work][0] is one thread's
 * and rates[work][1] what all do together, in MB/s, for each repeat. The world has SAs for all threads:
 * field->sas for each. Ends the bench when there are fewer processors than threads. */
void threads_time(const struct world *world, const struct field *model, size_t bytes_per_repeat,
                  size_t threads, size_t repeats, double (*rates[WORKS])[2]);

#endif
