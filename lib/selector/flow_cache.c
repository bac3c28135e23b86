/* SPDX-License-Identifier: ISC
 *
 * The flow cache: a hash table of sets of two, looked up by the whole key, which is compared in full.
 *
 * Why: where few flows make most packets an answer costs one cache line, whatever the table; where they
 * don't, it costs that line for nothing, which is why it rests then (below). A burst goes through in steps,
 * as in tuples.c: the sets are fetched while the other packets are hashed, and all misses are classified
 * together. A new flow goes to a set's front and pushes the one there back; the one behind it is forgotten.
 *
 * Who sends packets must not choose who is forgotten: the hash is strongly universal (multilinear, Lemire and
 * Kaser, "Strongly universal string hashing is fast", The Computer Journal 2014) under a key that the cache
 * drew for itself, so that any two flows share a set once in as many keys as there are sets.
 */
#include "selector/flow_cache.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 2
#define FLOWS_MAX (1u << 24)
#define KEY_WORDS 5

/* The key without its padding. No key is all zero: its family isn't. */
struct flow {
    uint64_t words[KEY_WORDS];
    uint64_t tag;
    uint32_t box;
    uint8_t unused[12];
};
_Static_assert(sizeof(struct flow) == 64, "a flow is a cache line");

/* A random number for each half word of a key, and one more. No secret of the traffic's: it only has to be
 * unknown to who sends. */
struct hash_numbers {
    uint64_t sum;
    uint64_t halves[KEY_WORDS][2];
};

/* Asking costs something and may bring nothing: after a while of learning, the hits are counted over and
 * over, and when they get too few the cache rests. */
enum phase { LEARNING, COUNTING, RESTING };

struct sp_flow_cache {
    struct flow *flows;
    void *memory; /* where flows begin somewhere */
    uint32_t sets_mask;
    enum phase phase;
    uint64_t phase_keys_left, phase_hits;
    struct hash_numbers numbers;
    struct sp_flow_cache_stats stats;
};

#define PHASE_KEYS_MIN 4096u
#define RESTING_PHASES 8u

/* As long as learning takes: a packet of each flow that there is room for. */
static uint64_t phase_keys(const struct sp_flow_cache *cache)
{
    uint64_t flows = ((uint64_t)cache->sets_mask + 1) * WAYS;

    return flows > PHASE_KEYS_MIN ? flows : PHASE_KEYS_MIN;
}

/* Pages that are not asked for are not there yet: caches of workers whose policy is small cost nothing. */
static bool allocate_flows(struct sp_flow_cache *cache, uint32_t sets)
{
    size_t set_bytes = sizeof *cache->flows * WAYS;

    cache->memory = calloc((size_t)sets + 1, set_bytes);
    if (!cache->memory)
        return false;
    size_t past = (uintptr_t)cache->memory % set_bytes;
    cache->flows = (struct flow *)((char *)cache->memory + (past ? set_bytes - past : 0));
    return true;
}

enum sp_status sp_flow_cache_create(uint32_t flows, struct sp_flow_cache **ret_cache)
{
    uint32_t sets = 1;

    if (flows == 0 || flows > FLOWS_MAX)
        return SP_ERR_INVALID;
    while (sets * WAYS < flows)
        sets *= 2;
    struct sp_flow_cache *cache = sodium_init() < 0 ? NULL : calloc(1, sizeof *cache);
    if (!cache)
        return SP_ERR_MEMORY;
    cache->sets_mask = sets - 1;
    cache->phase_keys_left = phase_keys(cache);
    randombytes_buf(&cache->numbers, sizeof cache->numbers);
    if (!allocate_flows(cache, sets)) {
        free(cache);
        return SP_ERR_MEMORY;
    }
    *ret_cache = cache;
    return SP_OK;
}

void sp_flow_cache_destroy(struct sp_flow_cache **cache)
{
    if (!*cache)
        return;
    free((*cache)->memory);
    free(*cache);
    *cache = NULL;
}

static struct flow flow_of(const struct sp_selector_key *key, uint64_t tag)
{
    uint64_t rest = (uint64_t)key->source_port << 48 | (uint64_t)key->destination_port << 32 |
                    (uint64_t)key->protocol << 16 | (uint64_t)key->family << 8 | key->ports_unknown;

    return (struct flow){
        .words = {key->source.low, key->destination.low, rest, key->source.high, key->destination.high},
        .tag = tag};
}

static struct flow *set_of(const struct sp_flow_cache *cache, const struct flow *flow)
{
    uint64_t hash = cache->numbers.sum;

    for (int i = 0; i < KEY_WORDS; i++)
        hash += (cache->numbers.halves[i][0] + (uint32_t)flow->words[i]) *
                (cache->numbers.halves[i][1] + (flow->words[i] >> 32));
    return &cache->flows[((hash >> 32) & cache->sets_mask) * WAYS];
}

static bool is_same(const struct flow *a, const struct flow *b)
{
    uint64_t difference = a->tag ^ b->tag;

    for (int i = 0; i < KEY_WORDS; i++)
        difference |= a->words[i] ^ b->words[i];
    return difference == 0;
}

/* Half of the packets must be known, or asking for all costs more than it saves. */
static enum phase next_phase(const struct sp_flow_cache *cache)
{
    if (cache->phase == RESTING)
        return LEARNING;
    return cache->phase == COUNTING && cache->phase_hits * 2 < phase_keys(cache) ? RESTING : COUNTING;
}

static void begin_phase(struct sp_flow_cache *cache)
{
    cache->phase = next_phase(cache);
    cache->phase_keys_left = phase_keys(cache) * (cache->phase == RESTING ? RESTING_PHASES : 1);
    cache->phase_hits = 0;
}

static uint32_t ask_nobody(struct sp_flow_cache *cache, uint32_t count, uint8_t *ret_misses)
{
    for (uint32_t i = 0; i < count; i++)
        ret_misses[i] = (uint8_t)i;
    cache->stats.unasked += count;
    return count;
}

static uint32_t ask(struct sp_flow_cache *cache, uint64_t tag, const struct sp_selector_key *keys,
                    uint32_t count, uint32_t *ret_boxes, uint8_t *ret_misses)
{
    struct flow flows[SP_FLOW_CACHE_BATCH], *sets[SP_FLOW_CACHE_BATCH];
    uint32_t misses = 0;

    for (uint32_t i = 0; i < count; i++) {
        flows[i] = flow_of(&keys[i], tag);
        sets[i] = set_of(cache, &flows[i]);
        __builtin_prefetch(sets[i]);
        __builtin_prefetch(sets[i] + 1);
    }
    for (uint32_t i = 0; i < count; i++) {
        bool is_first = is_same(&sets[i][0], &flows[i]);
        ret_boxes[i] = sets[i][is_first ? 0 : 1].box;
        if (!is_first && !is_same(&sets[i][1], &flows[i]))
            ret_misses[misses++] = (uint8_t)i;
    }
    cache->phase_hits += count - misses;
    cache->stats.hits += count - misses;
    cache->stats.misses += misses;
    return misses;
}

uint32_t sp_flow_cache_probe(struct sp_flow_cache *cache, uint64_t tag, const struct sp_selector_key *keys,
                             uint32_t count, uint32_t *ret_boxes, uint8_t *ret_misses)
{
    if (cache->phase_keys_left < count)
        begin_phase(cache);
    cache->phase_keys_left -= count;
    if (cache->phase == RESTING)
        return ask_nobody(cache, count, ret_misses);
    return ask(cache, tag, keys, count, ret_boxes, ret_misses);
}

/* Two packets of one new flow both miss: the second finds the flow in place. */
void sp_flow_cache_learn(struct sp_flow_cache *cache, uint64_t tag, const struct sp_selector_key *key,
                         uint32_t box)
{
    if (cache->phase == RESTING)
        return;
    struct flow flow = flow_of(key, tag), *set = set_of(cache, &flow);

    if (!is_same(&set[0], &flow)) {
        set[1] = set[0];
        set[0] = flow;
    }
    set[0].box = box;
}

static void lookup_batch(struct sp_flow_cache *cache, uint64_t tag, const struct sp_selector_table *table,
                         const struct sp_selector_key *keys, uint32_t count, uint32_t *ret_boxes)
{
    struct sp_selector_key missed[SP_FLOW_CACHE_BATCH];
    uint32_t boxes[SP_FLOW_CACHE_BATCH];
    uint8_t places[SP_FLOW_CACHE_BATCH];
    uint32_t misses = sp_flow_cache_probe(cache, tag, keys, count, ret_boxes, places);

    if (cache->phase == RESTING) {
        sp_selector_lookup(table, keys, count, ret_boxes);
        return;
    }
    if (misses == 0)
        return;
    for (uint32_t i = 0; i < misses; i++)
        missed[i] = keys[places[i]];
    sp_selector_lookup(table, missed, misses, boxes);
    for (uint32_t i = 0; i < misses; i++) {
        ret_boxes[places[i]] = boxes[i];
        sp_flow_cache_learn(cache, tag, &missed[i], boxes[i]);
    }
}

void sp_flow_cache_lookup(struct sp_flow_cache *cache, uint64_t tag, const struct sp_selector_table *table,
                          const struct sp_selector_key *keys, size_t count, uint32_t *ret_boxes)
{
    for (size_t i = 0; i < count; i += SP_FLOW_CACHE_BATCH) {
        size_t left = count - i;
        uint32_t now = left < SP_FLOW_CACHE_BATCH ? (uint32_t)left : SP_FLOW_CACHE_BATCH;
        lookup_batch(cache, tag, table, keys + i, now, ret_boxes + i);
    }
}

struct sp_flow_cache_stats sp_flow_cache_stats(const struct sp_flow_cache *cache)
{
    return cache->stats;
}
