/* SPDX-License-Identifier: ISC
 *
 * The kernel's SAs as a mirror knows them, found by what the kernel tells SAs apart by.
 */
#ifndef SP_OFFLOAD_MIRROR_TABLE_H
#define SP_OFFLOAD_MIRROR_TABLE_H

#include "xfrm/xfrm.h"

#include <sodium.h>

/* A hash of all of an SA that can't change while it lives: algorithms, keys, mode, ... */
struct sp_mirror_identity {
    uint8_t bytes[16];
};

struct sp_mirrored {
    struct sp_mirrored *next;
    uint32_t spi, reqid;
    struct sp_address source, destination;
    struct sp_xfrm_mark mark;
    struct sp_mirror_identity identity;
    struct sp_xfrm_limits limits;     /* as the kernel said last */
    uint64_t added_at, birth_seconds; /* its age when it came into the SAD */
    uint32_t number;                  /* in the SAD, when it is there */
    enum sp_status refusal;           /* SP_OK: it is there */
    bool is_seen;                     /* by the dump that is going on */
};

/* Starts as all zeroes, and then sp_mirror_table_begin. */
struct sp_mirror_table {
    struct sp_mirrored **buckets;
    size_t bucket_count, count;
    uint8_t hash_key[crypto_shorthash_KEYBYTES], identity_key[crypto_generichash_KEYBYTES];
};

bool sp_mirror_table_begin(struct sp_mirror_table *table);
void sp_mirror_table_free(struct sp_mirror_table *table);

struct sp_mirror_identity sp_mirror_identify(const struct sp_mirror_table *table,
                                             const struct sp_xfrm_sa *sa);
bool sp_mirror_is_same(const struct sp_mirror_identity *left, const struct sp_mirror_identity *right);

/* NULL: it isn't there. */
struct sp_mirrored *sp_mirror_table_find(const struct sp_mirror_table *table, const struct sp_xfrm_sa *sa);
/* A new one with the SA's names and times; NULL when memory is out. */
struct sp_mirrored *sp_mirror_table_add(struct sp_mirror_table *table, const struct sp_xfrm_sa *sa);
void sp_mirror_table_remove(struct sp_mirror_table *table, struct sp_mirrored *entry);

/* Visits all; the visitor may remove the one it is given, and no other. */
typedef void sp_mirror_table_visitor(struct sp_mirrored *entry, void *context);
void sp_mirror_table_visit(struct sp_mirror_table *table, sp_mirror_table_visitor *visit, void *context);

#endif
