/* SPDX-License-Identifier: ISC
 *
 * The selector table as policies use it, and what it replaced: a scan of the boxes.
 */
#include "selector_engine.h"

#include <stdio.h>
#include <stdlib.h>

struct table_state {
    struct sp_selector_table *table;
    const struct scene *scene;
    char name[32];
};

static bool build_table(struct engine *engine, const struct scene *scene)
{
    struct table_state *state = calloc(1, sizeof *state);

    if (state == NULL || sp_selector_build(scene->boxes, scene->boxes_count, &state->table) != SP_OK) {
        (void)fprintf(stderr, "%s: no memory\n", engine->name);
        free(state);
        return false;
    }
    state->scene = scene;
    (void)snprintf(state->name, sizeof state->name, "sallyport/%s", sp_selector_method_name(state->table, 4));
    engine->name = state->name;
    engine->bytes = sp_selector_bytes(state->table);
    engine->state = state;
    return true;
}

static void destroy_table(struct engine *engine)
{
    struct table_state *state = engine->state;

    sp_selector_destroy(&state->table);
    free(state);
}

static void lookup_table(struct engine *engine, int trace, size_t first, size_t count, uint32_t *ret_boxes)
{
    const struct table_state *state = engine->state;

    sp_selector_lookup(state->table, state->scene->traces[trace] + first, count, ret_boxes);
}

const struct engine engine_sallyport = {.name = "sallyport",
                                        .build = build_table,
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
