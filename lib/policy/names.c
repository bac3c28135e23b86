/* SPDX-License-Identifier: ISC
 *
 * A map from names to numbers: open addressing, FNV-1a (Fowler, Noll, Vo), never more than half full. Whoever
 * writes a policy may choose colliding names and then waits for his own file only.
 */
#include "policy/names.h"

#include <stdlib.h>
#include <string.h>

static size_t hash(const char *name)
{
    uint64_t value = 0xcbf29ce484222325u;
    for (; *name != '\0'; name++)
        value = (value ^ (unsigned char)*name) * 0x100000001b3u;
    return (size_t)(value ^ value >> 32);
}

/* The slot that holds the name, or the free one where it would go. */
static struct sp_names_slot *probe(const struct sp_names *names, const char *name)
{
    size_t at = hash(name) & (names->capacity - 1);
    while (names->slots[at].name != NULL && strcmp(names->slots[at].name, name) != 0)
        at = (at + 1) & (names->capacity - 1);
    return &names->slots[at];
}

static bool enlarge(struct sp_names *names)
{
    struct sp_names wider = {.capacity = names->capacity == 0 ? 32 : names->capacity * 2};
    wider.slots = calloc(wider.capacity, sizeof *wider.slots);
    if (wider.slots == NULL)
        return false;
    for (size_t i = 0; i < names->capacity; i++) {
        if (names->slots[i].name != NULL)
            *probe(&wider, names->slots[i].name) = names->slots[i];
    }
    wider.count = names->count;
    free(names->slots);
    *names = wider;
    return true;
}

uint32_t sp_names_find(const struct sp_names *names, const char *name)
{
    if (names->capacity == 0)
        return SP_NAMES_NONE;
    const struct sp_names_slot *slot = probe(names, name);
    return slot->name == NULL ? SP_NAMES_NONE : slot->number;
}

bool sp_names_add(struct sp_names *names, const char *name, uint32_t number)
{
    if (names->count * 2 >= names->capacity && !enlarge(names))
        return false;
    *probe(names, name) = (struct sp_names_slot){.name = name, .number = number};
    names->count++;
    return true;
}

void sp_names_free(struct sp_names *names)
{
    free(names->slots);
    *names = (struct sp_names){0};
}
