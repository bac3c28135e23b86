/* SPDX-License-Identifier: ISC
 *
 * Reads the response files of NIST's CAVP and the HMAC files beside them: records of "NAME = hex" lines, each
 * begun by the same name ("COUNT", "Len"), under "[SECTION]" lines.
 */
#ifndef SP_TESTS_VECTORS_RECORD_H
#define SP_TESTS_VECTORS_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define FIELD_BYTES_MAX 512
#define FIELDS_MAX 16

struct field {
    char name[24];
    char text[2 * FIELD_BYTES_MAX + 1];
    uint8_t bytes[FIELD_BYTES_MAX]; /* of the text, when it is hexadecimal */
    size_t len_bytes;
};

struct record {
    char section[16];
    struct field fields[FIELDS_MAX];
    size_t count;
};

struct record_file {
    FILE *stream;
    const char *first_name; /* the name that begins a record */
    char section[16];
    struct field pending; /* the first line of the next record, when it was seen already */
    bool has_pending;
    bool is_broken; /* a line that this reader doesn't understand */
};

/* false at the end of the file, or when it is broken. */
bool record_next(struct record_file *file, struct record *ret_record);
/* The field, or NULL. */
const struct field *record_field(const struct record *record, const char *name);

#endif
