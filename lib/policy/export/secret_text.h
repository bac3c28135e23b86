/* SPDX-License-Identifier: ISC
 *
 * Text with keys in it that grows in locked memory. */
#ifndef SP_POLICY_SECRET_TEXT_H
#define SP_POLICY_SECRET_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Starts as all zeroes. Needs sodium_init(). */
struct sp_secret_text {
    char *bytes; /* of sodium_malloc; no NUL behind it */
    size_t len_bytes, capacity;
    bool is_out_of_memory; /* then nothing is added any more */
};

/* At most 511 bytes, and nothing that is secret. */
void sp_secret_text_put(struct sp_secret_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* 0x and hex digits; '' when there are none. */
void sp_secret_text_put_key(struct sp_secret_text *text, const uint8_t *key, size_t len_bytes);
/* Wipes. */
void sp_secret_text_free(struct sp_secret_text *text);

#endif
