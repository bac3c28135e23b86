/* SPDX-License-Identifier: ISC
 *
 * A flow cache: what a selector table said about the flows that one worker saw last.
 *
 * It belongs to one thread. Each answer carries the tag that was in force, and counts for nothing under
 * another one: a new policy needs no flush, only a new tag. Its size never changes. Where less than half of
 * the packets are of flows that it knows, it lets most of them pass unasked.
 */
#ifndef SP_SELECTOR_FLOW_CACHE_H
#define SP_SELECTOR_FLOW_CACHE_H

#include "selector/selector.h"

struct sp_flow_cache;

struct sp_flow_cache_stats {
    uint64_t hits, misses, unasked;
};

/* For so many flows, rounded up to a power of two; 64 bytes each. SP_ERR_INVALID: none, or more than 2^24.
 * SP_ERR_MEMORY, also when there is no randomness to be had. */
enum sp_status sp_flow_cache_create(uint32_t flows, struct sp_flow_cache **ret_cache) SP_MUST_USE;
void sp_flow_cache_destroy(struct sp_flow_cache **cache);

/* As sp_selector_lookup(). Different tables, also those of two directions or of two generations, must have
 * different tags for as long as the cache lives: the generation times two plus the direction is one. */
void sp_flow_cache_lookup(struct sp_flow_cache *cache, uint64_t tag, const struct sp_selector_table *table,
                          const struct sp_selector_key *keys, size_t count, uint32_t *ret_boxes);

/* Its two halves, for whoever classifies the misses in another way. probe() answers what it can of up to
 * SP_FLOW_CACHE_BATCH keys, lists the places of the others and returns how many they are; learn() is told. */
#define SP_FLOW_CACHE_BATCH 64
uint32_t sp_flow_cache_probe(struct sp_flow_cache *cache, uint64_t tag, const struct sp_selector_key *keys,
                             uint32_t count, uint32_t *ret_boxes, uint8_t *ret_misses);
void sp_flow_cache_learn(struct sp_flow_cache *cache, uint64_t tag, const struct sp_selector_key *key,
                         uint32_t box);

struct sp_flow_cache_stats sp_flow_cache_stats(const struct sp_flow_cache *cache);

#endif
