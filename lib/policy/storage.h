/* SPDX-License-Identifier: ISC
 *
 * Storage that is given back all at once: the names and ranges of a policy live exactly as long as the
 * policy. */
#ifndef SP_POLICY_STORAGE_H
#define SP_POLICY_STORAGE_H

#include <sallyport/status.h>

#include <stdbool.h>

struct sp_storage;

/* NULL when memory is out. */
struct sp_storage *sp_storage_create(void) SP_MUST_USE;
void sp_storage_destroy(struct sp_storage *storage);

/* Aligned for any type, not zeroed; NULL when memory is out. */
void *sp_storage_take(struct sp_storage *storage, size_t size_bytes) SP_MUST_USE;
/* A NUL-terminated copy; NULL when memory is out. */
char *sp_storage_text(struct sp_storage *storage, const char *bytes, size_t len_bytes) SP_MUST_USE;

/* Makes room in a plain heap array for one more element than count; false when memory is out, and then the
 * array is as it was. */
bool sp_grow(void *array, size_t *capacity, size_t count, size_t element_bytes) SP_MUST_USE;

#endif
