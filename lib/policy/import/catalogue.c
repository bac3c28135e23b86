/* SPDX-License-Identifier: ISC
 *
 * Objects by name, as netsh has them: any case finds them, and what was removed may be added again.
 */
#include "policy/import/import.h"

#include <stdlib.h>
#include <string.h>

static int lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : (unsigned char)byte;
}

bool sp_same_word(const char *left, const char *right)
{
    while (*left != '\0' && lower(*left) == lower(*right))
        left++, right++;
    return *left == *right;
}

bool sp_word_starts(const char *text, const char *beginning)
{
    while (*beginning != '\0' && lower(*text) == lower(*beginning))
        text++, beginning++;
    return *beginning == '\0';
}

bool sp_word_contains(const char *text, const char *part)
{
    for (; *text != '\0'; text++)
        if (sp_word_starts(text, part))
            return true;
    return *part == '\0';
}

bool sp_word_number(const char *text, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;
    if (*text == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return false;
        number = number * 10 + (uint64_t)(*text - '0');
        if (number > max)
            return false;
    }
    *ret_number = number;
    return true;
}

/* The name in lower case; false when no object can have it. */
static bool make_key(const char *name, char key[SP_IMPORT_NAME_BYTES])
{
    const size_t len = strlen(name);
    if (len >= SP_IMPORT_NAME_BYTES)
        return false;
    for (size_t i = 0; i <= len; i++)
        key[i] = (char)lower(name[i]);
    return true;
}

void *sp_catalogue_find(const struct sp_catalogue *catalogue, const char *name)
{
    char key[SP_IMPORT_NAME_BYTES];
    const uint32_t number = make_key(name, key) ? sp_names_find(&catalogue->names, key) : SP_NAMES_NONE;
    return number == SP_NAMES_NONE ? NULL : catalogue->objects[number];
}

bool sp_catalogue_add(struct sp_catalogue *catalogue, struct sp_storage *storage, const char *name,
                      void *object)
{
    char text[SP_IMPORT_NAME_BYTES];
    const char *key = make_key(name, text) ? sp_storage_text(storage, text, strlen(text)) : NULL;
    if (key == NULL)
        return false;
    const uint32_t number = sp_names_find(&catalogue->names, key);
    if (number != SP_NAMES_NONE) {
        catalogue->objects[number] = object;
        return true;
    }
    if (!sp_grow(&catalogue->objects, &catalogue->capacity, catalogue->count, sizeof *catalogue->objects) ||
        !sp_names_add(&catalogue->names, key, (uint32_t)catalogue->count))
        return false;
    catalogue->objects[catalogue->count++] = object;
    return true;
}

void sp_catalogue_remove(struct sp_catalogue *catalogue, const void *object)
{
    for (size_t i = 0; i < catalogue->count; i++)
        if (catalogue->objects[i] == object)
            catalogue->objects[i] = NULL;
}

void sp_catalogue_free(struct sp_catalogue *catalogue)
{
    sp_names_free(&catalogue->names);
    free(catalogue->objects);
    *catalogue = (struct sp_catalogue){0};
}
