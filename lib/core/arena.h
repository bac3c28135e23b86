/* SPDX-License-Identifier: ISC
 *
 * The key arena: guarded, locked, not dumped memory for key bytes and what derives from them.
 *
 * libsodium's sodium_malloc gives each allocation its own guard pages, which doesn't scale to 100,000 SAs.
 * The arena takes large regions from it and carves them into slots of 64-byte multiples, aligned to 64 bytes.
 */
#ifndef SP_CORE_ARENA_H
#define SP_CORE_ARENA_H

#include <sallyport/status.h>

struct sp_arena;

enum sp_status sp_arena_create(struct sp_arena **ret_arena) SP_MUST_USE;
/* Wipes everything, taken or not. */
void sp_arena_destroy(struct sp_arena **arena);

/* A zeroed slot of at least size_bytes (1..65,536), 64-byte aligned, or NULL when memory is out. Control
 * thread only. */
void *sp_arena_take(struct sp_arena *arena, size_t size_bytes) SP_MUST_USE;
/* Wipes the slot and gives it back; slot may be NULL. size_bytes as taken. */
void sp_arena_give(struct sp_arena *arena, void *slot, size_t size_bytes);

#endif
