/* SPDX-License-Identifier: ISC
 *
 * The reader of record.h. Whatever it can't read breaks the file: a vector that is skipped in silence proves
 * nothing.
 */
#include "record.h"

#include <stdlib.h>
#include <string.h>

static int digit_of(char character)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = strchr(digits, character);

    return character != '\0' && found != NULL ? (int)(found - digits) : -1;
}

/* Leaves len_bytes 0 when the text isn't hexadecimal: it is a number then. */
static void decode(struct field *field)
{
    size_t text_bytes = strlen(field->text);

    field->len_bytes = 0;
    if (text_bytes % 2 != 0)
        return;
    for (size_t i = 0; i < text_bytes / 2; i++) {
        int high = digit_of(field->text[2 * i]), low = digit_of(field->text[2 * i + 1]);
        if (high < 0 || low < 0)
            return;
        field->bytes[i] = (uint8_t)(high << 4 | low);
    }
    field->len_bytes = text_bytes / 2;
}

enum line { LINE_END, LINE_NOTHING, LINE_FIELD, LINE_BROKEN };

static enum line read_line(struct record_file *file, struct field *ret_field)
{
    char line[2 * FIELD_BYTES_MAX + 64];

    if (fgets(line, sizeof line, file->stream) == NULL)
        return LINE_END;
    size_t line_bytes = strcspn(line, "\r\n");
    if (line[line_bytes] == '\0' && !feof(file->stream))
        return LINE_BROKEN; /* longer than the buffer */
    line[line_bytes] = '\0';
    if (line[0] == '\0' || line[0] == '#')
        return LINE_NOTHING;
    if (sscanf(line, "[%15[^]]]", file->section) == 1)
        return LINE_NOTHING;
    int read = sscanf(line, "%23[A-Za-z0-9] = %1024s", ret_field->name, ret_field->text);
    const char *equals = strchr(line, '=');
    if (read == 1 && equals != NULL && equals[1 + strspn(equals + 1, " ")] == '\0')
        ret_field->text[0] = '\0'; /* an empty text */
    else if (read != 2)
        return LINE_BROKEN;
    decode(ret_field);
    return LINE_FIELD;
}

static bool begins(const struct record_file *file, const struct field *field)
{
    return strcmp(field->name, file->first_name) == 0;
}

static enum line read_field(struct record_file *file, struct field *ret_field)
{
    enum line line;

    if (file->has_pending) {
        file->has_pending = false;
        *ret_field = file->pending;
        return LINE_FIELD;
    }
    do {
        line = read_line(file, ret_field);
    } while (line == LINE_NOTHING);
    return line;
}

bool record_next(struct record_file *file, struct record *ret_record)
{
    struct field field;
    enum line line = read_field(file, &field);

    ret_record->count = 0;
    if (line == LINE_FIELD)
        memcpy(ret_record->section, file->section, sizeof file->section);
    while (line == LINE_FIELD) {
        if (ret_record->count > 0 && begins(file, &field)) {
            file->pending = field;
            file->has_pending = true;
            return true;
        }
        if (ret_record->count == FIELDS_MAX || (ret_record->count == 0 && !begins(file, &field))) {
            file->is_broken = true;
            return false;
        }
        ret_record->fields[ret_record->count++] = field;
        line = read_field(file, &field);
    }
    file->is_broken = line == LINE_BROKEN;
    return ret_record->count > 0 && !file->is_broken;
}

const struct field *record_field(const struct record *record, const char *name)
{
    for (size_t i = 0; i < record->count; i++) {
        if (strcmp(record->fields[i].name, name) == 0)
            return &record->fields[i];
    }
    return NULL;
}
