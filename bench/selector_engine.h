/* SPDX-License-Identifier: ISC
 *
 * What the selector bench measures: something that is built of boxes and classifies a trace of IPv4 packets.
 */
#ifndef SP_BENCH_SELECTOR_ENGINE_H
#define SP_BENCH_SELECTOR_ENGINE_H

#include "selector/flow_cache.h"

/* Both stay where they are until the engine is destroyed. */
struct scene {
    const struct sp_selector_box *boxes;
    uint32_t boxes_count;
    const struct sp_selector_key *traces[2];
    size_t trace_count;
};

#define CACHED_FLOWS 32768 /* 2 MiB */

struct engine {
    const char *name;
    bool is_peer, has_cache;
    /* false: it can't, and says why on standard error. Sets the name, if it depends, and bytes. */
    bool (*build)(struct engine *engine, const struct scene *scene);
    /* Instead of build: the same as a plain engine, which outlives this one, with something in front. */
    bool (*build_on)(struct engine *engine, const struct engine *plain);
    void (*destroy)(struct engine *engine);
    /* Finds the boxes of count packets of a trace from first on. */
    void (*lookup)(struct engine *engine, int trace, size_t first, size_t count, uint32_t *ret_boxes);
    /* Whatever there is to choose from; 1 for most. */
    int variants;
    void (*choose)(struct engine *engine, int variant);
    void *state;
    size_t bytes;
};

extern const struct engine engine_sallyport, engine_linear;
/* Both with the same flow cache in front. */
extern const struct engine engine_sallyport_cached, engine_acl_cached;
/* DPDK's librte_acl, whichever of its algorithms is fastest; .build is NULL when the bench has no DPDK. */
extern const struct engine engine_acl;

#endif
