/* SPDX-License-Identifier: ISC
 *
 * Text with keys in it. Digits are written straight into the locked memory, since printf would leave them in
 * buffers of its own. */
#include "policy/export/secret_text.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FIRST_BYTES ((size_t)8192)

/* Where len_bytes more go; NULL when memory is out. */
static char *enlarge(struct sp_secret_text *text, size_t len_bytes)
{
    size_t capacity = text->capacity != 0 ? text->capacity : FIRST_BYTES;
    while (capacity < text->len_bytes + len_bytes)
        capacity *= 2;
    if (text->is_out_of_memory)
        return NULL;
    if (capacity != text->capacity) {
        char *wider = sodium_malloc(capacity);
        text->is_out_of_memory = wider == NULL;
        if (wider == NULL)
            return NULL;
        if (text->len_bytes > 0)
            memcpy(wider, text->bytes, text->len_bytes);
        sodium_free(text->bytes);
        text->bytes = wider;
        text->capacity = capacity;
    }
    char *room = text->bytes + text->len_bytes;
    text->len_bytes += len_bytes;
    return room;
}

static void put(struct sp_secret_text *text, const char *bytes, size_t len_bytes)
{
    char *room = enlarge(text, len_bytes);
    if (room != NULL)
        memcpy(room, bytes, len_bytes);
}

void sp_secret_text_put(struct sp_secret_text *text, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    const int len = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    put(text, line, len < (int)sizeof line ? (size_t)len : sizeof line - 1);
}

void sp_secret_text_put_key(struct sp_secret_text *text, const uint8_t *key, size_t len_bytes)
{
    if (len_bytes == 0) {
        put(text, "''", 2);
        return;
    }
    put(text, "0x", 2);
    char *room = enlarge(text, 2 * len_bytes + 1); /* with a NUL, which is taken back */
    if (room == NULL)
        return;
    sodium_bin2hex(room, 2 * len_bytes + 1, key, len_bytes);
    text->len_bytes--;
}

void sp_secret_text_free(struct sp_secret_text *text)
{
    sodium_free(text->bytes);
    *text = (struct sp_secret_text){0};
}
