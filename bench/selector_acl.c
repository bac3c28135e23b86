/* SPDX-License-Identifier: ISC
 *
 * DPDK's librte_acl as a peer: a trie of all five fields at once, walked by vector instructions for many
 * packets together. Its build is given what it takes (max_size 0: the fastest tries it can think of), each of
 * its algorithms that this machine has is tried and the fastest one is measured.
 *
 * It runs without huge pages from the system, for which a bench can't ask. So that this doesn't slow it down,
 * its memory is anonymous and advised to be huge.
 */
#include "selector_engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_acl.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_malloc.h>

#define FIELDS 5
RTE_ACL_RULE_DEF(acl_rule, FIELDS);

struct packet {
    uint8_t protocol, unused[3];
    uint32_t source, destination;
    uint16_t source_port, destination_port;
};

static const enum rte_acl_classify_alg algorithms[] = {RTE_ACL_CLASSIFY_SCALAR, RTE_ACL_CLASSIFY_SSE,
                                                       RTE_ACL_CLASSIFY_AVX2, RTE_ACL_CLASSIFY_AVX512X16,
                                                       RTE_ACL_CLASSIFY_AVX512X32};
static const char *const algorithm_names[] = {"librte_acl/scalar", "librte_acl/sse", "librte_acl/avx2",
                                              "librte_acl/avx512x16", "librte_acl/avx512x32"};

static const char *const cached_names[] = {"librte_acl/scalar+cache", "librte_acl/sse+cache",
                                           "librte_acl/avx2+cache", "librte_acl/avx512x16+cache",
                                           "librte_acl/avx512x32+cache"};

struct acl_state {
    struct sp_flow_cache *cache; /* or NULL */
    const struct scene *scene;
    bool is_borrowed; /* context and packets belong to the engine without a cache */
    struct rte_acl_ctx *context;
    struct packet *packets[2];
    const uint8_t **pointers[2];
};

/* DPDK puts memory without huge pages in a memfd, which can't have them either; where there are no memfds it
 * takes anonymous memory. This one is in front of libc's. */
__attribute__((visibility("default"))) int memfd_create(const char *name, unsigned flags)
{
    (void)name;
    (void)flags;
    errno = ENOSYS;
    return -1;
}

static void advise_huge_pages(void)
{
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");

    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        char *end, *next;
        uintptr_t first = strtoul(line, &end, 16), last = strtoul(end + 1, &next, 16);
        if (last - first >= 1ul << 30 && strncmp(next, " rw", 3) == 0)
            (void)madvise((void *)first, last - first, MADV_HUGEPAGE);
    }
    if (maps != NULL)
        (void)fclose(maps);
}

/* Once; it moves the thread to one processor, which is undone. */
static bool start_dpdk(void)
{
    static int answer = -2;
    static char words[][40] = {"bench",
                               "--no-huge",
                               "--no-pci",
                               "--no-shconf",
                               "--no-telemetry",
                               "-m",
                               "4096",
                               "--force-max-simd-bitwidth=512",
                               "--log-level=*:error"};
    char *arguments[sizeof words / sizeof words[0]];
    cpu_set_t processors;

    if (answer != -2)
        return answer >= 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        arguments[i] = words[i];
    (void)sched_getaffinity(0, sizeof processors, &processors);
    answer = rte_eal_init((int)(sizeof words / sizeof words[0]), arguments);
    (void)sched_setaffinity(0, sizeof processors, &processors);
    if (answer < 0)
        (void)fprintf(stderr, "librte_acl: DPDK does not start: %s\n", rte_strerror(rte_errno));
    advise_huge_pages();
    return answer >= 0;
}

static size_t heap_bytes(void)
{
    struct rte_malloc_socket_stats stats;

    return rte_malloc_get_socket_stats(0, &stats) == 0 ? stats.heap_allocsz_bytes : 0;
}

static uint8_t prefix_length(uint64_t first, uint64_t last)
{
    return (uint8_t)(first == last ? 32 : __builtin_clzll(first ^ last) - 32);
}

static void fill_rule(struct acl_rule *rule, const struct sp_selector_box *box, uint32_t count)
{
    bool is_any = box->protocol == SP_SELECTOR_PROTOCOL_ANY;

    memset(rule, 0, sizeof *rule);
    rule->data.category_mask = 1;
    rule->data.priority = (int32_t)(count - box->rule);
    rule->data.userdata = box->rule + 1;
    rule->field[0].value.u8 = is_any ? 0 : (uint8_t)box->protocol;
    rule->field[0].mask_range.u8 = is_any ? 0 : UINT8_MAX;
    rule->field[1].value.u32 = (uint32_t)box->source_first.low;
    rule->field[1].mask_range.u32 = prefix_length(box->source_first.low, box->source_last.low);
    rule->field[2].value.u32 = (uint32_t)box->destination_first.low;
    rule->field[2].mask_range.u32 = prefix_length(box->destination_first.low, box->destination_last.low);
    rule->field[3].value.u16 = box->source_port_first;
    rule->field[3].mask_range.u16 = box->source_port_last;
    rule->field[4].value.u16 = box->destination_port_first;
    rule->field[4].mask_range.u16 = box->destination_port_last;
}

static bool build_context(struct acl_state *state, const struct scene *scene)
{
    static const struct rte_acl_config config = {
        .num_categories = 1,
        .num_fields = FIELDS,
        .defs = {{RTE_ACL_FIELD_TYPE_BITMASK, 1, 0, 0, offsetof(struct packet, protocol)},
                 {RTE_ACL_FIELD_TYPE_MASK, 4, 1, 1, offsetof(struct packet, source)},
                 {RTE_ACL_FIELD_TYPE_MASK, 4, 2, 2, offsetof(struct packet, destination)},
                 {RTE_ACL_FIELD_TYPE_RANGE, 2, 3, 3, offsetof(struct packet, source_port)},
                 {RTE_ACL_FIELD_TYPE_RANGE, 2, 4, 3, offsetof(struct packet, destination_port)}}};
    static unsigned number;
    char name[16];
    struct rte_acl_param parameters = {.name = name,
                                       .socket_id = SOCKET_ID_ANY,
                                       .rule_size = RTE_ACL_RULE_SZ(FIELDS),
                                       .max_rule_num = scene->boxes_count};
    struct acl_rule *rules = calloc(scene->boxes_count, sizeof *rules);

    (void)snprintf(name, sizeof name, "bench%u", number++);
    state->context = rules == NULL ? NULL : rte_acl_create(&parameters);
    for (uint32_t i = 0; state->context != NULL && i < scene->boxes_count; i++)
        fill_rule(&rules[i], &scene->boxes[i], scene->boxes_count);
    bool is_built =
        state->context != NULL &&
        rte_acl_add_rules(state->context, (const struct rte_acl_rule *)rules, scene->boxes_count) == 0 &&
        rte_acl_build(state->context, &config) == 0;
    free(rules);
    return is_built;
}

static bool fill_packets(struct acl_state *state, const struct scene *scene)
{
    for (int trace = 0; trace < 2; trace++) {
        struct packet *packets = calloc(scene->trace_count, sizeof *packets);
        const uint8_t **pointers = malloc(scene->trace_count * sizeof *pointers);
        state->packets[trace] = packets;
        state->pointers[trace] = pointers;
        if (packets == NULL || pointers == NULL)
            return false;
        for (size_t i = 0; i < scene->trace_count; i++) {
            const struct sp_selector_key *key = &scene->traces[trace][i];
            packets[i] = (struct packet){.protocol = key->protocol,
                                         .source = htonl((uint32_t)key->source.low),
                                         .destination = htonl((uint32_t)key->destination.low),
                                         .source_port = htons(key->source_port),
                                         .destination_port = htons(key->destination_port)};
            pointers[i] = (const uint8_t *)&packets[i];
        }
    }
    return true;
}

static void destroy_acl(struct engine *engine)
{
    struct acl_state *state = engine->state;

    sp_flow_cache_destroy(&state->cache);
    if (!state->is_borrowed)
        rte_acl_free(state->context);
    for (int trace = 0; trace < 2 && !state->is_borrowed; trace++) {
        free(state->packets[trace]);
        free(state->pointers[trace]);
    }
    free(state);
}

static bool build_acl(struct engine *engine, const struct scene *scene)
{
    if (!start_dpdk())
        return false;
    struct acl_state *state = calloc(1, sizeof *state);
    if (state == NULL)
        return false;
    size_t before_bytes = heap_bytes();
    engine->state = state;
    state->scene = scene;
    if (!build_context(state, scene) || !fill_packets(state, scene)) {
        (void)fprintf(stderr, "librte_acl: can't build of %u rules\n", scene->boxes_count);
        destroy_acl(engine);
        return false;
    }
    engine->bytes = heap_bytes() - before_bytes;
    return true;
}

static bool put_cache_before(struct engine *engine, const struct engine *plain)
{
    struct acl_state *state = malloc(sizeof *state);

    if (state == NULL)
        return false;
    *state = *(const struct acl_state *)plain->state;
    state->is_borrowed = true;
    if (sp_flow_cache_create(CACHED_FLOWS, &state->cache) != SP_OK)
        abort();
    engine->state = state;
    engine->bytes = plain->bytes;
    return true;
}

/* An algorithm that the machine hasn't leaves the one before it. */
static void choose_algorithm(struct engine *engine, int variant)
{
    const struct acl_state *state = engine->state;

    if (rte_acl_set_ctx_classify(state->context, algorithms[variant]) == 0)
        engine->name = engine->has_cache ? cached_names[variant] : algorithm_names[variant];
}

static void classify(const struct acl_state *state, const uint8_t **packets, uint32_t count,
                     uint32_t *ret_boxes)
{
    if (rte_acl_classify(state->context, packets, ret_boxes, count, 1) != 0)
        abort();
    for (uint32_t i = 0; i < count; i++)
        ret_boxes[i]--; /* 0 is no match: becomes SP_SELECTOR_MISS */
}

static void lookup_acl(struct engine *engine, int trace, size_t first, size_t count, uint32_t *ret_boxes)
{
    const struct acl_state *state = engine->state;

    classify(state, state->pointers[trace] + first, (uint32_t)count, ret_boxes);
}

static void lookup_cached(struct engine *engine, int trace, size_t first, size_t count, uint32_t *ret_boxes)
{
    const struct acl_state *state = engine->state;
    const struct sp_selector_key *keys = state->scene->traces[trace];
    const uint8_t *packets[SP_FLOW_CACHE_BATCH];
    uint8_t places[SP_FLOW_CACHE_BATCH];
    uint32_t boxes[SP_FLOW_CACHE_BATCH];

    for (size_t at = 0; at < count; at += SP_FLOW_CACHE_BATCH) {
        size_t left = count - at, now = left < SP_FLOW_CACHE_BATCH ? left : SP_FLOW_CACHE_BATCH;
        uint32_t misses =
            sp_flow_cache_probe(state->cache, 1, keys + first + at, (uint32_t)now, ret_boxes + at, places);
        for (uint32_t i = 0; i < misses; i++)
            packets[i] = state->pointers[trace][first + at + places[i]];
        if (misses > 0)
            classify(state, packets, misses, boxes);
        for (uint32_t i = 0; i < misses; i++) {
            ret_boxes[at + places[i]] = boxes[i];
            sp_flow_cache_learn(state->cache, 1, &keys[first + at + places[i]], boxes[i]);
        }
    }
}

const struct engine engine_acl = {.name = "librte_acl",
                                  .is_peer = true,
                                  .build = build_acl,
                                  .destroy = destroy_acl,
                                  .lookup = lookup_acl,
                                  .variants = sizeof algorithms / sizeof algorithms[0],
                                  .choose = choose_algorithm};

const struct engine engine_acl_cached = {.name = "librte_acl+cache",
                                         .is_peer = true,
                                         .has_cache = true,
                                         .build_on = put_cache_before,
                                         .destroy = destroy_acl,
                                         .lookup = lookup_cached,
                                         .variants = sizeof algorithms / sizeof algorithms[0],
                                         .choose = choose_algorithm};
