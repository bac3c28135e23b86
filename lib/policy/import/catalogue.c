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

static char *key_of(struct sp_storage *storage, const char *name)
{
    char *key = sp_storage_text(storage, name, strlen(name));
    for (char *at = key; at != NULL && *at != '\0'; at++)
        *at = (char)lower(*at);
    return key;
}

void *sp_catalogue_find(const struct sp_catalogue *catalogue, struct sp_storage *storage, const char *name)
{
    const char *key = key_of(storage, name);
    if (key == NULL)
        return NULL; /* adding will fail too, and say so */
    const uint32_t number = sp_names_find(&catalogue->names, key);
    return number == SP_NAMES_NONE ? NULL : catalogue->objects[number];
}

bool sp_catalogue_add(struct sp_catalogue *catalogue, struct sp_storage *storage, const char *name,
                      void *object)
{
    const char *key = key_of(storage, name);
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
