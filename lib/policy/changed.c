/* SPDX-License-Identifier: ISC
 *
 * Two versions of a policy have most of their boxes in common, in the same order. A packet that no other box
 * holds is decided by the first of the common ones in both, so only what the others hold has to be looked at:
 * a diff of two long policies costs what was changed.
 *
 * Any common subsequence will do for that, and a long one is found as patience diff does it (Bram Cohen):
 * what is alike at both ends, then boxes that either version has exactly once, in the longest run that
 * ascends in both.
 */
#include "policy/changed.h"

#include "policy/model.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

struct entry {
    uint64_t hash;
    uint32_t place;
};

struct matching {
    const struct sp_policy *policies[2];
    const struct sp_sieve *sieves[2];
    uint32_t start, ends[2];    /* the middle, between what is alike at both ends */
    struct entry *entries[2];   /* of the middle, by hash */
    uint32_t *partners;         /* by place of the first version: the one in the second, or NONE */
    uint32_t *tails, *previous; /* of runs */
    bool *are_common[2];        /* by place */
};

static const struct sp_piece *box_at(const struct matching *matching, int which, uint32_t place)
{
    return &matching->sieves[which]->boxes[place];
}

static struct sp_meaning meaning_at(const struct matching *matching, int which, uint32_t place)
{
    return sp_meaning_of(matching->policies[which], box_at(matching, which, place)->rule);
}

static bool are_same(const struct matching *matching, uint32_t first, uint32_t second)
{
    const struct sp_box *one = &box_at(matching, 0, first)->box, *other = &box_at(matching, 1, second)->box;
    if (!sp_box_covers(one, other) || !sp_box_covers(other, one))
        return false;
    const struct sp_meaning left = meaning_at(matching, 0, first), right = meaning_at(matching, 1, second);
    return sp_meaning_agrees(&left, &right) && sp_meaning_lives_alike(&left, &right);
}

/* FNV-1a. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * 1099511628211u;
    return hash;
}

static uint64_t hash_of(const struct matching *matching, int which, uint32_t place)
{
    const struct sp_box *box = &box_at(matching, which, place)->box;
    const struct sp_meaning meaning = meaning_at(matching, which, place);
    const uint32_t words[] = {box->family, (uint32_t)meaning.action, (uint32_t)meaning.how.encryption,
                              (uint32_t)meaning.how.integrity, (uint32_t)meaning.how.has_esn};
    uint64_t hash = hash_bytes(14695981039346656037u, words, sizeof words);
    hash = hash_bytes(hash, box->first, sizeof box->first);
    return hash_bytes(hash, box->last, sizeof box->last);
}

static int by_hash(const void *left_pointer, const void *right_pointer)
{
    const struct entry *left = left_pointer, *right = right_pointer;
    if (left->hash != right->hash)
        return left->hash < right->hash ? -1 : 1;
    return (left->place > right->place) - (left->place < right->place);
}

/* What is alike at both ends is common. */
static void match_ends(struct matching *matching)
{
    uint32_t *ends = matching->ends;
    ends[0] = matching->sieves[0]->count;
    ends[1] = matching->sieves[1]->count;
    while (matching->start < ends[0] && matching->start < ends[1] &&
           are_same(matching, matching->start, matching->start)) {
        matching->are_common[0][matching->start] = matching->are_common[1][matching->start] = true;
        matching->start++;
    }
    while (ends[0] > matching->start && ends[1] > matching->start &&
           are_same(matching, ends[0] - 1, ends[1] - 1))
        matching->are_common[0][--ends[0]] = matching->are_common[1][--ends[1]] = true;
}

static uint32_t sort_middle(struct matching *matching, int which)
{
    const uint32_t count = matching->ends[which] - matching->start;
    for (uint32_t i = 0; i < count; i++)
        matching->entries[which][i] =
            (struct entry){hash_of(matching, which, matching->start + i), matching->start + i};
    if (count > 1)
        qsort(matching->entries[which], count, sizeof **matching->entries, by_hash);
    return count;
}

/* How many entries from `at` on have the same hash. */
static uint32_t repeats(const struct entry *entries, uint32_t count, uint32_t at)
{
    uint32_t end = at + 1;
    while (end < count && entries[end].hash == entries[at].hash)
        end++;
    return end - at;
}

/* Pairs what both middles have exactly once. */
static void match_single(struct matching *matching)
{
    const struct entry *first = matching->entries[0], *second = matching->entries[1];
    const uint32_t first_count = sort_middle(matching, 0), second_count = sort_middle(matching, 1);
    uint32_t a = 0, b = 0;
    while (a < first_count && b < second_count) {
        if (first[a].hash != second[b].hash) {
            *(first[a].hash < second[b].hash ? &a : &b) += 1;
            continue;
        }
        const uint32_t first_repeats = repeats(first, first_count, a);
        const uint32_t second_repeats = repeats(second, second_count, b);
        if (first_repeats == 1 && second_repeats == 1 && are_same(matching, first[a].place, second[b].place))
            matching->partners[first[a].place] = second[b].place;
        a += first_repeats;
        b += second_repeats;
    }
}

/* The longest run of partners that ascend: tails[n] ends the run of n + 1 that ends lowest. */
static void keep_longest_run(struct matching *matching)
{
    uint32_t longest = 0;
    for (uint32_t place = matching->start; place < matching->ends[0]; place++) {
        uint32_t low = 0, high = longest;
        if (matching->partners[place] == NONE)
            continue;
        while (low < high) {
            const uint32_t middle = low + (high - low) / 2;
            if (matching->partners[matching->tails[middle]] < matching->partners[place])
                low = middle + 1;
            else
                high = middle;
        }
        matching->previous[place] = low > 0 ? matching->tails[low - 1] : NONE;
        matching->tails[low] = place;
        longest = low == longest ? longest + 1 : longest;
    }
    for (uint32_t at = longest > 0 ? matching->tails[longest - 1] : NONE; at != NONE;
         at = matching->previous[at])
        matching->are_common[0][at] = matching->are_common[1][matching->partners[at]] = true;
}

static bool make_room(struct matching *matching)
{
    const size_t first = (size_t)matching->sieves[0]->count + 1,
                 second = (size_t)matching->sieves[1]->count + 1;
    matching->entries[0] = calloc(first, sizeof **matching->entries);
    matching->entries[1] = calloc(second, sizeof **matching->entries);
    matching->are_common[0] = calloc(first, sizeof **matching->are_common);
    matching->are_common[1] = calloc(second, sizeof **matching->are_common);
    matching->tails = calloc(first, sizeof *matching->tails);
    matching->previous = calloc(first, sizeof *matching->previous);
    matching->partners = malloc(first * sizeof *matching->partners);
    if (matching->partners != NULL)
        memset(matching->partners, 0xff, first * sizeof *matching->partners); /* NONE */
    return matching->entries[0] != NULL && matching->entries[1] != NULL && matching->are_common[0] != NULL &&
           matching->are_common[1] != NULL && matching->tails != NULL && matching->previous != NULL &&
           matching->partners != NULL;
}

static void free_room(struct matching *matching)
{
    for (int which = 0; which < 2; which++) {
        free(matching->entries[which]);
        free(matching->are_common[which]);
    }
    free(matching->tails);
    free(matching->previous);
    free(matching->partners);
}

static enum sp_status collect(const struct matching *matching, struct sp_piece **ret_boxes,
                              uint32_t *ret_count)
{
    const size_t room = (size_t)matching->sieves[0]->count + matching->sieves[1]->count + 1;
    struct sp_piece *boxes = calloc(room, sizeof *boxes);
    uint32_t count = 0;
    if (boxes == NULL)
        return SP_ERR_MEMORY;
    for (int which = 0; which < 2; which++) {
        for (uint32_t place = matching->start; place < matching->ends[which]; place++) {
            if (matching->are_common[which][place])
                continue;
            boxes[count].box = box_at(matching, which, place)->box;
            boxes[count].rule = count;
            count++;
        }
    }
    *ret_boxes = boxes;
    *ret_count = count;
    return SP_OK;
}

enum sp_status sp_changed_boxes(const struct sp_policy *first_policy, const struct sp_sieve *first,
                                const struct sp_policy *second_policy, const struct sp_sieve *second,
                                struct sp_piece **ret_boxes, uint32_t *ret_count)
{
    struct matching matching = {.policies = {first_policy, second_policy}, .sieves = {first, second}};
    enum sp_status status = SP_ERR_MEMORY;
    if (make_room(&matching)) {
        match_ends(&matching);
        match_single(&matching);
        keep_longest_run(&matching);
        status = collect(&matching, ret_boxes, ret_count);
    }
    free_room(&matching);
    return status;
}
