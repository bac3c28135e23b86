/* SPDX-License-Identifier: ISC
 *
 * Storage that is given back all at once.
 *
 * Large policies have hundreds of thousands of short names and ranges; one allocation each would cost more
 * than their text. Blocks are carved front to back and chained; the chain is freed in one go.
 */
#include "policy/storage.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES ((size_t)16384)

struct block {
    struct block *next;
    size_t used_bytes, size_bytes;
    alignas(max_align_t) unsigned char bytes[];
};

struct sp_storage {
    struct block *newest;
};

struct sp_storage *sp_storage_create(void)
{
    return calloc(1, sizeof(struct sp_storage));
}

void sp_storage_destroy(struct sp_storage *storage)
{
    if (storage == NULL)
        return;
    for (struct block *block = storage->newest; block != NULL;) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    free(storage);
}

void *sp_storage_take(struct sp_storage *storage, size_t size_bytes)
{
    if (size_bytes > SIZE_MAX / 2)
        return NULL;
    size_t rounded = (size_bytes + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    struct block *block = storage->newest;
    if (block == NULL || block->size_bytes - block->used_bytes < rounded) {
        size_t room = rounded > BLOCK_BYTES ? rounded : BLOCK_BYTES;
        block = malloc(sizeof *block + room);
        if (block == NULL)
            return NULL;
        *block = (struct block){.next = storage->newest, .size_bytes = room};
        storage->newest = block;
    }
    void *taken = block->bytes + block->used_bytes;
    block->used_bytes += rounded;
    return taken;
}

char *sp_storage_text(struct sp_storage *storage, const char *bytes, size_t len_bytes)
{
    char *copy = sp_storage_take(storage, len_bytes + 1);
    if (copy == NULL)
        return NULL;
    memcpy(copy, bytes, len_bytes);
    copy[len_bytes] = '\0';
    return copy;
}

bool sp_grow(void *array, size_t *capacity, size_t count, size_t element_bytes)
{
    if (count < *capacity)
        return true;
    void *old, *grown;
    memcpy(&old, array, sizeof old); /* array is a T **, and a void ** may not alias it */
    size_t wanted = *capacity == 0 ? 8 : *capacity * 2;
    if (wanted > SIZE_MAX / 2 / element_bytes)
        return false;
    grown = realloc(old, wanted * element_bytes);
    if (grown == NULL)
        return false;
    memcpy(array, &grown, sizeof grown);
    *capacity = wanted;
    return true;
}
