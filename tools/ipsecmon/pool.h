/* SPDX-License-Identifier: ISC
 *
 * Memory that lives as long as a snapshot: texts and tables are many, and all go at once.
 */
#ifndef IPSECMON_POOL_H
#define IPSECMON_POOL_H

#include <stddef.h>

struct pool {
    struct pool_chunk *chunks;
};

/* Zeroed, for any type; out of memory ends the tool. */
void *pool_take(struct pool *pool, size_t len_bytes);
/* A copy; NULL is "". */
const char *pool_text(struct pool *pool, const char *text);
const char *pool_format(struct pool *pool, const char *format, ...) __attribute__((format(printf, 2, 3)));
void pool_free(struct pool *pool);

#endif
