/* SPDX-License-Identifier: ISC
 *
 * A chained hash table that grows. The hash is keyed: peers choose SPIs.
 */
#include "mirror/table.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BUCKETS 256u

bool sp_mirror_table_begin(struct sp_mirror_table *table)
{
    table->buckets = calloc(FIRST_BUCKETS, sizeof(struct sp_mirrored *));
    table->bucket_count = table->buckets != NULL ? FIRST_BUCKETS : 0;
    table->count = 0;
    crypto_shorthash_keygen(table->hash_key);
    crypto_generichash_keygen(table->identity_key);
    return table->buckets != NULL;
}

static void free_entry(struct sp_mirrored *entry, void *context)
{
    (void)context;
    free(entry);
}

void sp_mirror_table_free(struct sp_mirror_table *table)
{
    sp_mirror_table_visit(table, free_entry, NULL);
    free(table->buckets);
    sodium_memzero(table, sizeof *table);
}

/* What the kernel tells SAs of one protocol apart by, without padding. */
struct place {
    uint8_t destination[16];
    uint32_t spi, mark, mark_mask, family;
};

static struct sp_mirrored **bucket_of(const struct sp_mirror_table *table, uint32_t spi,
                                      const struct sp_address *destination, const struct sp_xfrm_mark *mark)
{
    struct place place = {
        .spi = spi, .mark = mark->value, .mark_mask = mark->mask, .family = destination->family};
    uint64_t hash;

    memcpy(place.destination, destination->bytes, sizeof place.destination);
    crypto_shorthash((uint8_t *)&hash, (const uint8_t *)&place, sizeof place, table->hash_key);
    return &table->buckets[hash & (table->bucket_count - 1)];
}

static void hash_text(crypto_generichash_state *state, const struct sp_xfrm_algorithm *algorithm)
{
    const uint32_t lengths[] = {algorithm->key_bits, algorithm->icv_bits};

    crypto_generichash_update(state, (const uint8_t *)algorithm->name, sizeof algorithm->name);
    crypto_generichash_update(state, (const uint8_t *)lengths, sizeof lengths);
    if (algorithm->key != NULL)
        crypto_generichash_update(state, algorithm->key, (algorithm->key_bits + 7) / 8);
}

struct sp_mirror_identity sp_mirror_identify(const struct sp_mirror_table *table, const struct sp_xfrm_sa *sa)
{
    const uint32_t numbers[] = {
        sa->reqid,      sa->mode,         sa->flags,
        sa->encap.type, sa->interface_id, (uint32_t)sa->encap.source_port << 16 | sa->encap.destination_port,
    };
    struct sp_mirror_identity identity;
    crypto_generichash_state state;

    crypto_generichash_init(&state, table->identity_key, sizeof table->identity_key, sizeof identity.bytes);
    crypto_generichash_update(&state, (const uint8_t *)numbers, sizeof numbers);
    crypto_generichash_update(&state, sa->source.bytes, sizeof sa->source.bytes);
    hash_text(&state, &sa->encryption);
    hash_text(&state, &sa->integrity);
    hash_text(&state, &sa->aead);
    crypto_generichash_final(&state, identity.bytes, sizeof identity.bytes);
    sodium_memzero(&state, sizeof state);
    return identity;
}

bool sp_mirror_is_same(const struct sp_mirror_identity *left, const struct sp_mirror_identity *right)
{
    return sodium_memcmp(left->bytes, right->bytes, sizeof left->bytes) == 0;
}

struct sp_mirrored *sp_mirror_table_find(const struct sp_mirror_table *table, const struct sp_xfrm_sa *sa)
{
    struct sp_mirrored *entry = *bucket_of(table, sa->spi, &sa->destination, &sa->mark);

    while (entry != NULL &&
           !(entry->spi == sa->spi && entry->mark.value == sa->mark.value &&
             entry->mark.mask == sa->mark.mask && entry->destination.family == sa->destination.family &&
             memcmp(entry->destination.bytes, sa->destination.bytes, sizeof sa->destination.bytes) == 0))
        entry = entry->next;
    return entry;
}

/* Fewer buckets than it should have is slow, not wrong. */
static void grow(struct sp_mirror_table *table)
{
    struct sp_mirrored **former = table->buckets;
    const size_t former_count = table->bucket_count;
    struct sp_mirrored **wider = calloc(2 * former_count, sizeof(struct sp_mirrored *));

    if (wider == NULL)
        return;
    table->buckets = wider;
    table->bucket_count = 2 * former_count;
    for (size_t i = 0; i < former_count; i++)
        for (struct sp_mirrored *entry = former[i], *next; entry != NULL; entry = next) {
            struct sp_mirrored **bucket = bucket_of(table, entry->spi, &entry->destination, &entry->mark);
            next = entry->next;
            entry->next = *bucket;
            *bucket = entry;
        }
    free(former);
}

struct sp_mirrored *sp_mirror_table_add(struct sp_mirror_table *table, const struct sp_xfrm_sa *sa)
{
    struct sp_mirrored *entry = calloc(1, sizeof *entry);

    if (entry == NULL)
        return NULL;
    if (table->count == table->bucket_count)
        grow(table);
    entry->spi = sa->spi;
    entry->reqid = sa->reqid;
    entry->source = sa->source;
    entry->destination = sa->destination;
    entry->mark = sa->mark;
    entry->limits = sa->limits;
    entry->added_at = sa->used.added_at;
    entry->identity = sp_mirror_identify(table, sa);
    struct sp_mirrored **bucket = bucket_of(table, sa->spi, &sa->destination, &sa->mark);
    entry->next = *bucket;
    *bucket = entry;
    table->count++;
    return entry;
}

void sp_mirror_table_remove(struct sp_mirror_table *table, struct sp_mirrored *entry)
{
    struct sp_mirrored **link = bucket_of(table, entry->spi, &entry->destination, &entry->mark);

    while (*link != entry)
        link = &(*link)->next;
    *link = entry->next;
    table->count--;
    free(entry);
}

void sp_mirror_table_visit(struct sp_mirror_table *table, sp_mirror_table_visitor *visit, void *context)
{
    for (size_t i = 0; i < table->bucket_count; i++)
        for (struct sp_mirrored *entry = table->buckets[i], *next; entry != NULL; entry = next) {
            next = entry->next;
            visit(entry, context);
        }
}
