/* SPDX-License-Identifier: ISC
 *
 * The key arena: regions from sodium_malloc (guard pages around, mlock, MADV_DONTDUMP), carved into slots.
 *
 * A region is handed out from its front; a slot that comes back waits, wiped, in the free list of its size.
 * An SAD takes few different sizes over and over, so slots are never joined again. The link of a free list
 * lies in the free slot itself: giving back can't fail for lack of memory.
 *
 * The limits of this, told honestly: mlock works within RLIMIT_MEMLOCK and beyond that the pages may reach a
 * swap device; neighbours within a region aren't guarded from each other.
 */
#include "core/arena.h"
#include "core/misuse.h"

#include <sodium.h>

#include <stdlib.h>
#include <stdbool.h>

#define SLOT_STEP_BYTES 64u
#define REGION_BYTES 65536u
#define SLOT_CLASSES (REGION_BYTES / SLOT_STEP_BYTES)

struct free_slot {
    struct free_slot *next;
};

struct region {
    struct region *next;
    unsigned char *memory; /* REGION_BYTES of it, page-aligned as they end at a guard page */
};

struct sp_arena {
    struct region *regions; /* the first is the one being carved */
    size_t carved_bytes;    /* of the first region */
    struct free_slot *free_slots[SLOT_CLASSES];
};

enum sp_status sp_arena_create(struct sp_arena **ret_arena)
{
    SP_REQUIRE(ret_arena != NULL);
    if (sodium_init() < 0)
        return SP_ERR_UNSUPPORTED;
    struct sp_arena *arena = calloc(1, sizeof *arena);
    if (arena == NULL)
        return SP_ERR_MEMORY;
    *ret_arena = arena;
    return SP_OK;
}

void sp_arena_destroy(struct sp_arena **arena)
{
    SP_REQUIRE(arena != NULL);
    if (*arena == NULL)
        return;
    struct region *next;
    for (struct region *region = (*arena)->regions; region != NULL; region = next) {
        next = region->next;
        sodium_free(region->memory); /* wipes */
        free(region);
    }
    free(*arena);
    *arena = NULL;
}

static size_t class_of(size_t size_bytes)
{
    return (size_bytes - 1) / SLOT_STEP_BYTES;
}

static size_t class_bytes(size_t slot_class)
{
    return (slot_class + 1) * SLOT_STEP_BYTES;
}

static void keep_free(struct sp_arena *arena, void *memory, size_t slot_class)
{
    struct free_slot *slot = memory;

    slot->next = arena->free_slots[slot_class];
    arena->free_slots[slot_class] = slot;
}

static void *reuse(struct sp_arena *arena, size_t slot_class)
{
    struct free_slot *slot = arena->free_slots[slot_class];

    if (slot == NULL)
        return NULL;
    arena->free_slots[slot_class] = slot->next;
    slot->next = NULL;
    return slot;
}

static enum sp_status add_region(struct sp_arena *arena)
{
    struct region *region = malloc(sizeof *region);
    unsigned char *memory = sodium_malloc(REGION_BYTES);

    if (region == NULL || memory == NULL) {
        free(region);
        sodium_free(memory);
        return SP_ERR_MEMORY;
    }
    sodium_memzero(memory, REGION_BYTES);
    /* what the old region has left is a slot of that size */
    if (arena->regions != NULL && arena->carved_bytes < REGION_BYTES)
        keep_free(arena, arena->regions->memory + arena->carved_bytes,
                  class_of(REGION_BYTES - arena->carved_bytes));
    region->memory = memory;
    region->next = arena->regions;
    arena->regions = region;
    arena->carved_bytes = 0;
    return SP_OK;
}

void *sp_arena_take(struct sp_arena *arena, size_t size_bytes)
{
    SP_REQUIRE(arena != NULL && size_bytes > 0 && size_bytes <= REGION_BYTES);
    size_t slot_class = class_of(size_bytes);
    size_t slot_bytes = class_bytes(slot_class);
    void *slot = reuse(arena, slot_class);

    if (slot != NULL)
        return slot;
    bool is_full = arena->regions == NULL || arena->carved_bytes + slot_bytes > REGION_BYTES;
    if (is_full && add_region(arena) != SP_OK)
        return NULL;
    slot = arena->regions->memory + arena->carved_bytes;
    arena->carved_bytes += slot_bytes;
    return slot;
}

void sp_arena_give(struct sp_arena *arena, void *slot, size_t size_bytes)
{
    SP_REQUIRE(arena != NULL && size_bytes > 0 && size_bytes <= REGION_BYTES);
    if (slot == NULL)
        return;
    size_t slot_class = class_of(size_bytes);
    sodium_memzero(slot, class_bytes(slot_class));
    keep_free(arena, slot, slot_class);
}
