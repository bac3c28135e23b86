/* SPDX-License-Identifier: ISC
 *
 * The selector table as policies use it, and what it replaced: a scan of the boxes.
 */
#include "selector_engine.h"

#include <stdio.h>
#include <stdlib.h>

struct table_state {
    struct sp_selector_table *table;
    struct sp_flow_cache *cache; /* or NULL */
    const struct scene *scene;
    char name[48];
};

static bool build_table(struct engine *engine, const struct scene *scene)
{
    struct table_state *state = calloc(1, sizeof *state);

    if (state == NULL || sp_selector_build(scene->boxes, scene->boxes_count, &state->table) != SP_OK) {
        (void)fprintf(stderr, "%s: no memory\n", engine->name);
        exit(1);
    }
    state->scene = scene;
    (void)snprintf(state->name, sizeof state->name, "sallyport/%s%s",
                   sp_selector_method_name(state->table, 4), engine->has_cache ? "+cache" : "");
    engine->name = state->name;
    engine->bytes = sp_selector_bytes(state->table);
    engine->state = state;
    return true;
}

static bool put_cache_before(struct engine *engine, const struct engine *plain)
{
    struct table_state *state = malloc(sizeof *state);

    if (state == NULL)
        return false;
    *state = *(const struct table_state *)plain->state;
    if (sp_flow_cache_create(CACHED_FLOWS, &state->cache) != SP_OK)
        abort();
    (void)snprintf(state->name, sizeof state->name, "%s+cache", plain->name);
    engine->name = state->name;
    engine->bytes = plain->bytes;
    engine->state = state;
    return true;
}

static void destroy_table(struct engine *engine)
{
    struct table_state *state = engine->state;

    sp_flow_cache_destroy(&state->cache);
    if (!engine->has_cache)
        sp_selector_destroy(&state->table);
    free(state);
}

static void lookup_table(struct engine *engine, int trace, size_t first, size_t count, uint32_t *ret_boxes)
{
    const struct table_state *state = engine->state;

    const struct sp_selector_key *keys = state->scene->traces[trace] + first;
    if (state->cache != NULL)
        sp_flow_cache_lookup(state->cache, 1, state->table, keys, count, ret_boxes);
    else
        sp_selector_lookup(state->table, keys, count, ret_boxes);
}

const struct engine engine_sallyport = {.name = "sallyport",
                                        .build = build_table,
                                        .destroy = destroy_table,
                                        .lookup = lookup_table,
                                        .variants = 1};

const struct engine engine_sallyport_cached = {.name = "sallyport+cache",
                                               .has_cache = true,
                                               .build_on = put_cache_before,
                                               .destroy = destroy_table,
                                               .lookup = lookup_table,
                                               .variants = 1};

static bool build_linear(struct engine *engine, const struct scene *scene)
{
    struct table_state *state = calloc(1, sizeof *state);

    if (state == NULL)
        return false;
    state->scene = scene;
    engine->state = state;
    engine->bytes = scene->boxes_count * sizeof *scene->boxes;
    return true;
}

static void destroy_linear(struct engine *engine)
{
    free(engine->state);
}

static void lookup_linear(struct engine *engine, int trace, size_t first, size_t count, uint32_t *ret_boxes)
{
    const struct scene *scene = ((const struct table_state *)engine->state)->scene;

    for (size_t i = 0; i < count; i++)
        ret_boxes[i] = sp_selector_naive(scene->boxes, scene->boxes_count, &scene->traces[trace][first + i]);
}

const struct engine engine_linear = {.name = "linear",
                                     .is_peer = true,
                                     .build = build_linear,
                                     .destroy = destroy_linear,
                                     .lookup = lookup_linear,
                                     .variants = 1};
