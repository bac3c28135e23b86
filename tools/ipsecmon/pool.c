/* SPDX-License-Identifier: ISC
 *
 * A list of chunks, filled one after the other.
 */
#include "pool.h"

#include "tool.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES 65536u

struct pool_chunk {
    struct pool_chunk *next;
    size_t used_bytes, room_bytes;
    alignas(max_align_t) unsigned char memory[];
};

static struct pool_chunk *add_chunk(struct pool *pool, size_t least_bytes)
{
    const size_t room_bytes = least_bytes > CHUNK_BYTES ? least_bytes : CHUNK_BYTES;
    struct pool_chunk *chunk = tool_need(calloc(1, sizeof *chunk + room_bytes));
    chunk->room_bytes = room_bytes;
    chunk->next = pool->chunks;
    pool->chunks = chunk;
    return chunk;
}

void *pool_take(struct pool *pool, size_t len_bytes)
{
    const size_t step = alignof(max_align_t);
    const size_t taken_bytes = (len_bytes + step - 1) / step * step;
    struct pool_chunk *chunk = pool->chunks;
    if (!chunk || chunk->room_bytes - chunk->used_bytes < taken_bytes)
        chunk = add_chunk(pool, taken_bytes);
    void *memory = chunk->memory + chunk->used_bytes;
    chunk->used_bytes += taken_bytes;
    return memory;
}

const char *pool_text(struct pool *pool, const char *text)
{
    if (!text || !*text)
        return "";
    const size_t len_bytes = strlen(text) + 1;
    return memcpy(pool_take(pool, len_bytes), text, len_bytes);
}

const char *pool_format(struct pool *pool, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    const int len_bytes = vasprintf(&text, format, arguments);
    va_end(arguments);
    tool_need(len_bytes < 0 ? NULL : text);
    const char *copy = pool_text(pool, text);
    free(text);
    return copy;
}

void pool_free(struct pool *pool)
{
    while (pool->chunks) {
        struct pool_chunk *next = pool->chunks->next;
        free(pool->chunks);
        pool->chunks = next;
    }
}
