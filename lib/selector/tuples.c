/* SPDX-License-Identifier: ISC
 *
 * Tuple space search, for thousands of boxes and more.
 *
 * Boxes that fix the same bits of a packet stand in one hash table, found by those bits (Srinivasan, Suri and
 * Varghese, "Packet Classification using Tuple Space Search", SIGCOMM 1999). Rule sets use hundreds of
 * tuples, but a table may look at fewer bits than its boxes fix and tell them apart in its chains, so that
 * few tables do: tuples_choose.c. What no tuple serves well, wide ranges above all, is the rest and goes to
 * another method, bit vectors mostly.
 *
 * Why: memory and building grow with the number of boxes and not with its square. A lookup costs a probe in
 * every table, of which most miss the cache, therefore a burst goes through in steps: all hashes of all
 * packets in a group of tables, whose buckets are fetched meanwhile; then the buckets, of which most are
 * empty or have a filter bit that says no, and the chains of the others are fetched; then the chains. Tables
 * are in the order of their first box, and a packet that has an answer before that is not compared there any
 * more. Costs: about 3 ns a table and packet; 45 bytes a box for IPv4, 90 for IPv6.
 */
#include "core/cpu.h"
#include "selector/method.h"
#include "selector/tuples.h"

#include <stdlib.h>
#include <string.h>

/* A bucket's chain ends where the next one's begins: tables have a bucket more than they use. */
struct bucket {
    uint32_t first_entry;
    uint32_t filter; /* one bit for each entry's hash */
};

struct entry_ipv4 {
    uint32_t source, source_width, destination, destination_width;
    uint16_t source_port, source_port_width, destination_port, destination_port_width;
    uint16_t protocol;
    uint32_t index;
};

struct entry_ipv6 {
    struct sp_selector_address source_first, source_last, destination_first, destination_last;
    uint16_t source_port, source_port_width, destination_port, destination_port_width;
    uint16_t protocol;
    uint32_t index;
};

struct table {
    struct sp_tuple tuple;
    uint32_t first_bucket, shift; /* a hash's bucket is its bits above shift */
    uint32_t best;                /* the least index in it */
};

struct tuples {
    uint32_t tables_count, entries_count, buckets_count;
    bool is_ipv6;
    struct table tables[SP_TUPLES_MAX];
    struct bucket *buckets;
    struct entry_ipv4 *ipv4;
    struct entry_ipv6 *ipv6;
    const struct sp_selector_method *rest_method; /* NULL: there is no rest */
    void *rest;
};

static void tuples_destroy(void *classifier)
{
    struct tuples *tuples = classifier;

    if (tuples->rest)
        tuples->rest_method->destroy(tuples->rest);
    free(tuples->buckets);
    free(tuples->ipv4);
    free(tuples->ipv6);
    free(tuples);
}

static void put_entry(struct tuples *tuples, uint32_t at, const struct sp_selector_box *box)
{
    uint16_t source_port_width = (uint16_t)(box->source_port_last - box->source_port_first);
    uint16_t destination_port_width = (uint16_t)(box->destination_port_last - box->destination_port_first);

    if (tuples->is_ipv6) {
        tuples->ipv6[at] = (struct entry_ipv6){
            box->source_first,      box->source_last,  box->destination_first,      box->destination_last,
            box->source_port_first, source_port_width, box->destination_port_first, destination_port_width,
            box->protocol,          box->rule};
        return;
    }
    tuples->ipv4[at] = (struct entry_ipv4){
        (uint32_t)box->source_first.low,
        (uint32_t)(box->source_last.low - box->source_first.low),
        (uint32_t)box->destination_first.low,
        (uint32_t)(box->destination_last.low - box->destination_first.low),
        box->source_port_first,
        source_port_width,
        box->destination_port_first,
        destination_port_width,
        box->protocol,
        box->rule,
    };
}

struct plan {
    const struct sp_selector_box *boxes;
    uint32_t count;
    struct sp_tuples choice;
    uint32_t boxes_of[SP_TUPLES_MAX];
    uint32_t rank_of[SP_TUPLES_MAX]; /* where a tuple's table stands */
    uint32_t rest_count;
};

static uint32_t bucket_of(const struct table *table, uint32_t hash)
{
    return table->first_bucket + (uint32_t)((uint64_t)hash >> table->shift);
}

/* Tables in the order of their first boxes, each with about one bucket a box. */
static void place_tables(struct tuples *tuples, struct plan *plan)
{
    bool is_placed[SP_TUPLES_MAX] = {false};

    for (uint32_t i = 0; i < plan->count; i++) {
        uint8_t tuple = plan->choice.tuple_of_box[i];
        if (tuple == SP_TUPLES_REST) {
            plan->rest_count++;
            continue;
        }
        plan->boxes_of[tuple]++;
        if (is_placed[tuple])
            continue;
        is_placed[tuple] = true;
        plan->rank_of[tuple] = tuples->tables_count;
        tuples->tables[tuples->tables_count++] =
            (struct table){.tuple = plan->choice.tuples[tuple], .best = plan->boxes[i].rule, .shift = 29};
    }
    tuples->entries_count = plan->count - plan->rest_count;
    for (uint32_t tuple = 0; tuple < plan->choice.count; tuple++) {
        struct table *table = &tuples->tables[plan->rank_of[tuple]];
        if (!is_placed[tuple])
            continue;
        while ((UINT64_C(1) << (32 - table->shift)) * 3 < (uint64_t)plan->boxes_of[tuple] * 4)
            table->shift--;
        table->first_bucket = tuples->buckets_count;
        tuples->buckets_count += (1u << (32 - table->shift)) + 1;
    }
}

/* Counts each bucket's entries into first_entry, then puts them in place in ascending order. */
static void fill_tables(struct tuples *tuples, const struct plan *plan, uint32_t *next)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < plan->count; i++) {
        uint8_t tuple = plan->choice.tuple_of_box[i];
        if (tuple == SP_TUPLES_REST)
            continue;
        const struct table *table = &tuples->tables[plan->rank_of[tuple]];
        uint32_t hash = sp_tuple_hash_box(&table->tuple, &plan->boxes[i]);
        struct bucket *bucket = &tuples->buckets[bucket_of(table, hash)];
        bucket->first_entry++;
        bucket->filter |= 1u << (hash & 31);
    }
    for (uint32_t i = 0; i < tuples->buckets_count; i++) {
        uint32_t count = tuples->buckets[i].first_entry;
        tuples->buckets[i].first_entry = next[i] = sum;
        sum += count;
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        uint8_t tuple = plan->choice.tuple_of_box[i];
        if (tuple == SP_TUPLES_REST)
            continue;
        const struct table *table = &tuples->tables[plan->rank_of[tuple]];
        uint32_t bucket = bucket_of(table, sp_tuple_hash_box(&table->tuple, &plan->boxes[i]));
        put_entry(tuples, next[bucket]++, &plan->boxes[i]);
    }
}

static enum sp_status build_rest(struct tuples *tuples, const struct plan *plan, uint8_t family)
{
    uint32_t count = 0;

    if (plan->rest_count == 0)
        return SP_OK;
    struct sp_selector_box *boxes = malloc(plan->rest_count * sizeof *boxes);
    if (!boxes)
        return SP_ERR_MEMORY;
    for (uint32_t i = 0; i < plan->count; i++)
        if (plan->choice.tuple_of_box[i] == SP_TUPLES_REST)
            boxes[count++] = plan->boxes[i];
    tuples->rest_method = sp_selector_choose(count, family, &sp_selector_tuples);
    enum sp_status status = tuples->rest_method->build(boxes, count, family, &tuples->rest);
    free(boxes);
    return status;
}

static enum sp_status allocate(struct tuples *tuples)
{
    size_t entry_bytes = tuples->is_ipv6 ? sizeof *tuples->ipv6 : sizeof *tuples->ipv4;
    void *entries = aligned_alloc(64, ((tuples->entries_count + 1) * entry_bytes + 63) & ~(size_t)63);

    tuples->buckets = calloc(tuples->buckets_count + 1, sizeof *tuples->buckets);
    if (tuples->is_ipv6)
        tuples->ipv6 = entries;
    else
        tuples->ipv4 = entries;
    return entries && tuples->buckets ? SP_OK : SP_ERR_MEMORY;
}

static enum sp_status tuples_build(const struct sp_selector_box *boxes, uint32_t count, uint8_t family,
                                   void **ret_classifier)
{
    struct plan plan = {.boxes = boxes, .count = count};
    uint32_t *next = NULL;
    struct tuples *tuples = calloc(1, sizeof *tuples);
    enum sp_status status = tuples ? SP_OK : SP_ERR_MEMORY;

    if (status == SP_OK)
        status = sp_tuples_choose(boxes, count, family, &plan.choice);
    if (status != SP_OK)
        goto out;
    tuples->is_ipv6 = family == 6;
    place_tables(tuples, &plan);
    status = allocate(tuples);
    next = malloc((tuples->buckets_count + 1) * sizeof *next);
    if (status != SP_OK || !next) {
        status = SP_ERR_MEMORY;
        goto out;
    }
    fill_tables(tuples, &plan, next);
    status = build_rest(tuples, &plan, family);
    if (status == SP_OK)
        *ret_classifier = tuples;
out:
    free(next);
    free(plan.choice.tuple_of_box);
    if (status != SP_OK && tuples)
        tuples_destroy(tuples);
    return status;
}

static inline bool holds_ipv4(const struct entry_ipv4 *entry, const struct sp_selector_batch *batch,
                              uint32_t at)
{
    uint16_t source_port = (uint16_t)((batch->ports[at] >> 16) - entry->source_port);
    uint16_t destination_port = (uint16_t)(batch->ports[at] - entry->destination_port);

    return (batch->source[at] - entry->source <= entry->source_width) &
           (batch->destination[at] - entry->destination <= entry->destination_width) &
           (source_port <= entry->source_port_width) & (destination_port <= entry->destination_port_width) &
           ((entry->protocol == SP_SELECTOR_PROTOCOL_ANY) | (entry->protocol == batch->protocol[at]));
}

static inline bool is_between(struct sp_selector_address address, struct sp_selector_address first,
                              struct sp_selector_address last)
{
    return (address.high > first.high || (address.high == first.high && address.low >= first.low)) &&
           (address.high < last.high || (address.high == last.high && address.low <= last.low));
}

static inline bool holds_ipv6(const struct entry_ipv6 *entry, const struct sp_selector_batch *batch,
                              uint32_t at)
{
    uint16_t source_port = (uint16_t)((batch->ports[at] >> 16) - entry->source_port);
    uint16_t destination_port = (uint16_t)(batch->ports[at] - entry->destination_port);

    return source_port <= entry->source_port_width && destination_port <= entry->destination_port_width &&
           (entry->protocol == SP_SELECTOR_PROTOCOL_ANY || entry->protocol == batch->protocol[at]) &&
           is_between(batch->source_ipv6[at], entry->source_first, entry->source_last) &&
           is_between(batch->destination_ipv6[at], entry->destination_first, entry->destination_last);
}

#define GROUP 16 /* tables whose probes are under way together */

struct probes {
    uint32_t hashes[GROUP][SP_SELECTOR_BATCH];
    struct chain {
        uint32_t entry, end, packet;
    } chains[GROUP * SP_SELECTOR_BATCH];
    uint32_t chains_count;
};

static inline __attribute__((always_inline)) void hash_all(const struct tuples *tuples,
                                                           const struct table *table,
                                                           const struct sp_selector_batch *batch,
                                                           uint32_t *ret_hashes)
{
    uint32_t rounded = (batch->count + 7) & ~7u; /* whole vectors */

    for (uint32_t i = 0; !tuples->is_ipv6 && i < rounded; i++)
        ret_hashes[i] =
            sp_tuple_hash_ipv4(&table->tuple, batch->source[i], batch->destination[i], batch->ports[i]);
    for (uint32_t i = 0; tuples->is_ipv6 && i < batch->count; i++)
        ret_hashes[i] = sp_tuple_hash_ipv6(&table->tuple, batch->source_ipv6[i], batch->destination_ipv6[i],
                                           batch->ports[i]);
    for (uint32_t i = 0; i < batch->count; i++)
        __builtin_prefetch(&tuples->buckets[bucket_of(table, ret_hashes[i])]);
}

/* Lists the chains that may hold an answer; a packet whose filter says no isn't a branch. */
static inline __attribute__((always_inline)) void list_chains(const struct tuples *tuples,
                                                              const struct table *table,
                                                              const struct sp_selector_batch *batch,
                                                              const uint32_t *hashes, struct probes *probes)
{
    uint32_t count = probes->chains_count;

    for (uint32_t i = 0; i < batch->count; i++) {
        const struct bucket *bucket = &tuples->buckets[bucket_of(table, hashes[i])];
        bool is_candidate = (bucket->filter >> (hashes[i] & 31) & 1) & (table->best < batch->found[i]);
        probes->chains[count] = (struct chain){bucket[0].first_entry, bucket[1].first_entry, i};
        count += is_candidate;
    }
    for (uint32_t i = probes->chains_count; i < count; i++) {
        uint32_t entry = probes->chains[i].entry;
        __builtin_prefetch(tuples->is_ipv6 ? (const void *)&tuples->ipv6[entry]
                                           : (const void *)&tuples->ipv4[entry]);
    }
    probes->chains_count = count;
}

static inline __attribute__((always_inline)) void
compare_chains(const struct tuples *tuples, struct sp_selector_batch *batch, const struct probes *probes)
{
    for (uint32_t i = 0; i < probes->chains_count; i++) {
        const struct chain *chain = &probes->chains[i];
        uint32_t *found = &batch->found[chain->packet];
        for (uint32_t at = chain->entry; at < chain->end; at++) {
            uint32_t index = tuples->is_ipv6 ? tuples->ipv6[at].index : tuples->ipv4[at].index;
            if (index >= *found)
                break;
            bool is_hit = tuples->is_ipv6 ? holds_ipv6(&tuples->ipv6[at], batch, chain->packet)
                                          : holds_ipv4(&tuples->ipv4[at], batch, chain->packet);
            if (is_hit)
                *found = index;
        }
    }
}

static inline __attribute__((always_inline)) void probe_tables(const struct tuples *tuples,
                                                               struct sp_selector_batch *batch)
{
    struct probes probes;

    for (uint32_t first = 0; first < tuples->tables_count; first += GROUP) {
        uint32_t left = tuples->tables_count - first, count = left < GROUP ? left : GROUP;
        const struct table *tables = &tuples->tables[first];
        probes.chains_count = 0;
        for (uint32_t i = 0; i < count; i++)
            hash_all(tuples, &tables[i], batch, probes.hashes[i]);
        for (uint32_t i = 0; i < count; i++)
            list_chains(tuples, &tables[i], batch, probes.hashes[i], &probes);
        compare_chains(tuples, batch, &probes);
    }
}

static void probe_tables_portable(const struct tuples *tuples, struct sp_selector_batch *batch)
{
    probe_tables(tuples, batch);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void probe_tables_avx2(const struct tuples *tuples,
                                                              struct sp_selector_batch *batch)
{
    probe_tables(tuples, batch);
}
#else
#define probe_tables_avx2 probe_tables_portable
#endif

static void tuples_lookup(const void *classifier, struct sp_selector_batch *batch)
{
    const struct tuples *tuples = classifier;

    if (tuples->rest)
        tuples->rest_method->lookup(tuples->rest, batch);
    else
        memset(batch->found, 0xff, sizeof batch->found); /* SP_SELECTOR_MISS */
    if (sp_cpu_features() & SP_CPU_AVX2)
        probe_tables_avx2(tuples, batch);
    else
        probe_tables_portable(tuples, batch);
}

static size_t tuples_bytes(const void *classifier)
{
    const struct tuples *tuples = classifier;
    size_t entry_bytes = tuples->is_ipv6 ? sizeof *tuples->ipv6 : sizeof *tuples->ipv4;
    size_t bytes = sizeof *tuples + tuples->buckets_count * sizeof *tuples->buckets +
                   tuples->entries_count * entry_bytes;

    return tuples->rest ? bytes + tuples->rest_method->bytes(tuples->rest) : bytes;
}

const struct sp_selector_method sp_selector_tuples = {"tuples", tuples_build, tuples_destroy, tuples_lookup,
                                                      tuples_bytes};
