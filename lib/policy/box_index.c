/* SPDX-License-Identifier: ISC
 *
 * A tree of bounding boxes over the boxes of one direction (a packed R-tree, after Roussopoulos and Leifker
 * 1985), because what most boxes have to do with each other is nothing: a question then costs a path through
 * the tree and what it finds, instead of a look at each box.
 *
 * Packed by halves: a node's boxes are sorted by their centers in the dimension in which most of them are
 * narrow, compared to the node; so wide boxes gather in nodes of their own and narrow ones are told apart.
 * Each node knows its first and last place, for most questions are about boxes that come before another one.
 */
#include "policy/box_index.h"

#include "policy/storage.h"

#include <stdlib.h>

#define LEAF_BOXES 8u
#define DEPTH_MAX 64 /* halves of at most 2^32 boxes, two nodes a level */
#define LOOKED_AT_MAX 16u
#define NARROW 8 /* at most one eighth of the node */

struct sp_box_node {
    struct sp_box bounds;
    uint32_t first_place, last_place;
    uint32_t start, count; /* of a leaf: in sorted[] */
    uint32_t left;         /* the right one is next to it; SP_BOX_NOWHERE: a leaf */
};

struct entry {
    sp_number center;
    uint32_t place;
};

static void extend(struct sp_box *bounds, const struct sp_box *box)
{
    for (int d = 0; d < SP_DIMENSIONS; d++) {
        if (box->first[d] < bounds->first[d])
            bounds->first[d] = box->first[d];
        if (box->last[d] > bounds->last[d])
            bounds->last[d] = box->last[d];
    }
}

static void set_bounds(const struct sp_box_index *index, struct sp_box_node *node)
{
    const uint32_t *places = index->sorted + node->start;
    node->bounds = index->boxes[places[0]].box;
    node->first_place = node->last_place = places[0];
    for (uint32_t i = 1; i < node->count; i++) {
        extend(&node->bounds, &index->boxes[places[i]].box);
        if (places[i] < node->first_place)
            node->first_place = places[i];
        if (places[i] > node->last_place)
            node->last_place = places[i];
    }
}

/* The dimension in which most boxes of the node are narrow. */
static int choose_dimension(const struct sp_box_index *index, const struct sp_box_node *node)
{
    uint32_t most = 0;
    int chosen = 0;
    for (int d = 0; d < SP_DIMENSIONS; d++) {
        const sp_number limit = (node->bounds.last[d] - node->bounds.first[d]) / NARROW;
        const bool is_flat = node->bounds.last[d] == node->bounds.first[d];
        uint32_t narrow = 0;
        for (uint32_t i = 0; i < node->count && !is_flat; i++) {
            const struct sp_box *box = &index->boxes[index->sorted[node->start + i]].box;
            narrow += box->last[d] - box->first[d] <= limit;
        }
        if (narrow > most) {
            most = narrow;
            chosen = d;
        }
    }
    return chosen;
}

static int by_center(const void *left_pointer, const void *right_pointer)
{
    const struct entry *left = left_pointer, *right = right_pointer;
    if (left->center != right->center)
        return left->center < right->center ? -1 : 1;
    return left->place < right->place ? -1 : 1;
}

static void sort_node(const struct sp_box_index *index, const struct sp_box_node *node, struct entry *entries)
{
    const int d = choose_dimension(index, node);
    for (uint32_t i = 0; i < node->count; i++) {
        const struct sp_box *box = &index->boxes[index->sorted[node->start + i]].box;
        const sp_number center = box->first[d] / 2 + box->last[d] / 2;
        entries[i] = (struct entry){center, index->sorted[node->start + i]};
    }
    qsort(entries, node->count, sizeof *entries, by_center);
    for (uint32_t i = 0; i < node->count; i++)
        index->sorted[node->start + i] = entries[i].place;
}

/* Splits nodes until they are leaves; each one's halves are behind it. */
static void grow_tree(struct sp_box_index *index, uint32_t root, struct entry *entries)
{
    for (uint32_t at = root; at < index->node_count; at++) {
        struct sp_box_node *node = &index->nodes[at];
        set_bounds(index, node);
        if (node->count <= LEAF_BOXES)
            continue;
        sort_node(index, node, entries);
        const uint32_t half = node->count / 2;
        node->left = index->node_count;
        index->nodes[index->node_count++] =
            (struct sp_box_node){.start = node->start, .count = half, .left = SP_BOX_NOWHERE};
        index->nodes[index->node_count++] = (struct sp_box_node){
            .start = node->start + half, .count = node->count - half, .left = SP_BOX_NOWHERE};
    }
}

static void add_family(struct sp_box_index *index, uint32_t count, const bool *are_left_out, int which,
                       uint32_t *used, struct entry *entries)
{
    const uint8_t family = which == 0 ? 4 : 6;
    const uint32_t start = *used;
    for (uint32_t place = 0; place < count; place++) {
        if (index->boxes[place].box.family == family && (are_left_out == NULL || !are_left_out[place]))
            index->sorted[(*used)++] = place;
    }
    index->roots[which] = SP_BOX_NOWHERE;
    if (*used == start)
        return;
    index->roots[which] = index->node_count++;
    index->nodes[index->roots[which]] =
        (struct sp_box_node){.start = start, .count = *used - start, .left = SP_BOX_NOWHERE};
    grow_tree(index, index->roots[which], entries);
}

enum sp_status sp_box_index_create(struct sp_box_index *index, const struct sp_piece *boxes, uint32_t count,
                                   const bool *are_left_out)
{
    /* halving ends with more than LEAF_BOXES / 2 in each leaf */
    const size_t nodes = 2 * ((size_t)count / (LEAF_BOXES / 2) + 2);
    uint32_t used = 0;
    struct entry *entries = calloc((size_t)count + 1, sizeof *entries);
    *index = (struct sp_box_index){.boxes = boxes,
                                   .sorted = calloc((size_t)count + 1, sizeof *index->sorted),
                                   .nodes = calloc(nodes, sizeof *index->nodes)};
    if (entries == NULL || index->sorted == NULL || index->nodes == NULL) {
        free(entries);
        sp_box_index_free(index);
        return SP_ERR_MEMORY;
    }
    add_family(index, count, are_left_out, 0, &used, entries);
    add_family(index, count, are_left_out, 1, &used, entries);
    free(entries);
    return SP_OK;
}

void sp_box_index_free(struct sp_box_index *index)
{
    free(index->sorted);
    free(index->nodes);
    *index = (struct sp_box_index){0};
}

/* A walk through the nodes that may hold an answer. */
struct walk {
    uint32_t waiting[DEPTH_MAX];
    int count;
};

static void start(const struct sp_box_index *index, const struct sp_box *box, struct walk *walk)
{
    const uint32_t root = index->roots[box->family == 4 ? 0 : 1];
    walk->count = 0;
    if (root != SP_BOX_NOWHERE)
        walk->waiting[walk->count++] = root;
}

static const struct sp_box_node *next(const struct sp_box_index *index, struct walk *walk)
{
    return walk->count > 0 ? &index->nodes[walk->waiting[--walk->count]] : NULL;
}

static void descend(const struct sp_box_node *node, struct walk *walk)
{
    walk->waiting[walk->count++] = node->left + 1;
    walk->waiting[walk->count++] = node->left;
}

uint32_t sp_box_index_cover(const struct sp_box_index *index, const struct sp_box *box, uint32_t before)
{
    struct walk walk;
    start(index, box, &walk);
    for (const struct sp_box_node *node; (node = next(index, &walk)) != NULL;) {
        if (node->first_place >= before || !sp_box_covers(&node->bounds, box))
            continue;
        if (node->left != SP_BOX_NOWHERE) {
            descend(node, &walk);
            continue;
        }
        for (uint32_t i = 0; i < node->count; i++) {
            const uint32_t place = index->sorted[node->start + i];
            if (place < before && sp_box_covers(&index->boxes[place].box, box))
                return place;
        }
    }
    return SP_BOX_NOWHERE;
}

uint32_t sp_box_index_meet(const struct sp_box_index *index, const struct sp_box *box, uint32_t before)
{
    struct walk walk;
    uint32_t best = SP_BOX_NOWHERE, looked_at = 0;
    unsigned best_bits = 0;
    start(index, box, &walk);
    for (const struct sp_box_node *node; (node = next(index, &walk)) != NULL && looked_at < LOOKED_AT_MAX;) {
        if (node->first_place >= before || !sp_box_meets(&node->bounds, box))
            continue;
        if (node->left != SP_BOX_NOWHERE) {
            descend(node, &walk);
            continue;
        }
        for (uint32_t i = 0; i < node->count; i++) {
            const uint32_t place = index->sorted[node->start + i];
            struct sp_box common;
            if (place >= before || !sp_box_intersect(&index->boxes[place].box, box, &common))
                continue;
            const unsigned bits = sp_box_size_bits(&common);
            looked_at++;
            if (best == SP_BOX_NOWHERE || bits > best_bits) {
                best = place;
                best_bits = bits;
            }
        }
    }
    return best;
}

uint32_t sp_box_index_first(const struct sp_box_index *index, const struct sp_box *box)
{
    struct walk walk;
    uint32_t first = SP_BOX_NOWHERE;
    start(index, box, &walk);
    for (const struct sp_box_node *node; (node = next(index, &walk)) != NULL;) {
        if (node->first_place >= first || !sp_box_meets(&node->bounds, box))
            continue;
        if (node->left != SP_BOX_NOWHERE) {
            descend(node, &walk);
            continue;
        }
        for (uint32_t i = 0; i < node->count; i++) {
            const uint32_t place = index->sorted[node->start + i];
            if (place < first && sp_box_meets(&index->boxes[place].box, box))
                first = place;
        }
    }
    return first;
}

static int by_place(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

enum sp_status sp_box_index_all(const struct sp_box_index *index, const struct sp_box *box, uint32_t from,
                                uint32_t before, struct sp_box_places *ret_places)
{
    struct walk walk;
    ret_places->count = 0;
    start(index, box, &walk);
    for (const struct sp_box_node *node; (node = next(index, &walk)) != NULL;) {
        if (node->first_place >= before || node->last_place < from || !sp_box_meets(&node->bounds, box))
            continue;
        if (node->left != SP_BOX_NOWHERE) {
            descend(node, &walk);
            continue;
        }
        for (uint32_t i = 0; i < node->count; i++) {
            const uint32_t place = index->sorted[node->start + i];
            if (place < from || place >= before || !sp_box_meets(&index->boxes[place].box, box))
                continue;
            if (!sp_grow(&ret_places->places, &ret_places->capacity, ret_places->count,
                         sizeof *ret_places->places))
                return SP_ERR_MEMORY;
            ret_places->places[ret_places->count++] = place;
        }
    }
    if (ret_places->count > 1)
        qsort(ret_places->places, ret_places->count, sizeof *ret_places->places, by_place);
    return SP_OK;
}
