/* SPDX-License-Identifier: ISC
 *
 * What a check knows of the whole policy: its boxes, where those of each rule are, and which decide anything.
 */
#include "policy/analysis.h"

#include "policy/model.h"

#include <stdlib.h>

const struct sp_piece *sp_analysis_box(const struct sp_analysis *analysis, enum sp_direction direction,
                                       uint32_t place)
{
    return &analysis->sieves[direction].boxes[place];
}

/* A rule's boxes are next to each other, whatever the order of the rules. */
static enum sp_status find_spans(struct sp_analysis *analysis, enum sp_direction direction)
{
    const struct sp_sieve *sieve = &analysis->sieves[direction];
    struct sp_span *spans = calloc((size_t)analysis->policy->rule_count + 1, sizeof *spans);
    analysis->spans[direction] = spans;
    analysis->is_dead[direction] = calloc(sieve->count + 1, sizeof **analysis->is_dead);
    if (spans == NULL || analysis->is_dead[direction] == NULL)
        return SP_ERR_MEMORY;
    for (size_t i = 0; i < sieve->count; i++) {
        struct sp_span *span = &spans[sieve->boxes[i].rule];
        if (span->count++ == 0)
            span->start = (uint32_t)i;
    }
    return SP_OK;
}

enum sp_status sp_analysis_find_left(struct sp_analysis *analysis, enum sp_direction direction,
                                     const struct sp_box *box, uint32_t before, bool *ret_is_found,
                                     struct sp_box *ret_part)
{
    const struct sp_fence fence = {.index = &analysis->living[direction], .before = before};
    return sp_search_free(&analysis->search, box, &fence, 1, ret_is_found, ret_part);
}

static enum sp_status find_dead(struct sp_analysis *analysis, enum sp_direction direction)
{
    enum sp_status status = SP_OK;
    for (uint32_t place = 0; place < analysis->sieves[direction].count && status == SP_OK; place++) {
        bool is_alive = false;
        const struct sp_fence fence = {.index = &analysis->sieves[direction].index, .before = place};
        status = sp_search_free(&analysis->search, &sp_analysis_box(analysis, direction, place)->box, &fence,
                                1, &is_alive, NULL);
        analysis->is_dead[direction][place] = !is_alive;
    }
    return status;
}

bool sp_analysis_is_alive(const struct sp_analysis *analysis, uint32_t rule, enum sp_direction direction)
{
    const struct sp_span span = analysis->spans[direction][rule];
    for (uint32_t place = span.start; place < span.start + span.count; place++) {
        if (!analysis->is_dead[direction][place])
            return true;
    }
    return false;
}

static enum sp_status prepare_direction(struct sp_analysis *analysis, enum sp_direction direction)
{
    struct sp_sieve *sieve = &analysis->sieves[direction];
    enum sp_status status = sp_sieve_create(sieve, analysis->policy, direction, analysis->me);
    if (status == SP_OK)
        status = find_spans(analysis, direction);
    if (status == SP_OK)
        status = find_dead(analysis, direction);
    if (status == SP_OK)
        status = sp_box_index_create(&analysis->living[direction], sieve->boxes, sieve->count,
                                     analysis->is_dead[direction]);
    return status;
}

enum sp_status sp_analysis_prepare(struct sp_analysis *analysis)
{
    analysis->rival_numbers =
        calloc((size_t)analysis->policy->rule_count + 1, sizeof *analysis->rival_numbers);
    if (analysis->rival_numbers == NULL)
        return SP_ERR_MEMORY;
    const enum sp_status status = prepare_direction(analysis, SP_OUTBOUND);
    return status == SP_OK ? prepare_direction(analysis, SP_INBOUND) : status;
}

void sp_analysis_free(struct sp_analysis *analysis)
{
    for (int direction = SP_OUTBOUND; direction <= SP_INBOUND; direction++) {
        sp_sieve_free(&analysis->sieves[direction]);
        sp_box_index_free(&analysis->living[direction]);
        free(analysis->spans[direction]);
        free(analysis->is_dead[direction]);
    }
    free(analysis->rivals);
    free(analysis->rival_numbers);
    free(analysis->candidates.places);
    free(analysis->others.places);
    sp_search_end(&analysis->search);
}
