/* SPDX-License-Identifier: ISC
 *
 * The result of comparing two policies, and the comparison of two policies of one host, which needs nothing
 * but to divide each rule's part of one among the rules of the other.
 */
#include "policy/differences.h"

#include "core/misuse.h"
#include "policy/model.h"

#include <stdlib.h>

struct sp_differences {
    struct sp_difference *items;
    size_t count, disagreements;
};

static const struct {
    const char *name, *text;
    bool is_note;
} kinds[] = {
    [SP_DIFFERENCE_NOT_REQUIRED] = {"not-required",
                                    "sent protected, but the receiver would let it pass in clear", false},
    [SP_DIFFERENCE_PARAMETERS] = {"parameters",
                                  "protected by both, with different algorithms, sequence numbers or tunnels",
                                  false},
    [SP_DIFFERENCE_REFUSED] = {"refused", "one end protects it, the other blocks it", false},
    [SP_DIFFERENCE_CLEAR] = {"clear", "sent in clear, but the receiver requires protection", false},
    [SP_DIFFERENCE_DENIED] = {"denied", "one end blocks what the other would let pass in clear", true},
    [SP_DIFFERENCE_CLIENT_PORT] =
        {"client-port", "one end protects it, the other blocks it, but only for a client's port below 1024",
         true},
    [SP_DIFFERENCE_LIFETIME] = {"lifetime", "protected by both, with different lifetimes of keys", true},
    [SP_DIFFERENCE_MEANING] = {"meaning", "the two policies treat it differently", false},
};
#define KINDS (sizeof kinds / sizeof *kinds)

const char *sp_difference_name(enum sp_difference_kind kind)
{
    return (size_t)kind < KINDS ? kinds[kind].name : "?";
}

const char *sp_difference_text(enum sp_difference_kind kind)
{
    return (size_t)kind < KINDS ? kinds[kind].text : "?";
}

static struct sp_match match_of(const struct sp_policy *policy, uint32_t rule)
{
    return (struct sp_match){.rule = rule, .action = sp_meaning_of(policy, rule).action};
}

static bool is_mirrored(const struct sp_policy *policy, uint32_t rule, enum sp_direction direction)
{
    return rule != SP_NO_RULE && policy->rules[rule].direction != direction;
}

static void put(struct sp_differences *differences, const struct sp_piece *piece, enum sp_direction direction,
                const struct sp_policy *first, const struct sp_policy *second)
{
    const bool is_meaning = piece->kind == SP_DIFFERENCE_MEANING;
    /* compare: the second end receives what the first one sends */
    const enum sp_direction second_direction =
        is_meaning ? direction : (direction == SP_OUTBOUND ? SP_INBOUND : SP_OUTBOUND);
    struct sp_difference *item = &differences->items[differences->count++];
    *item = (struct sp_difference){
        .kind = (enum sp_difference_kind)piece->kind,
        .is_note = kinds[piece->kind].is_note,
        .area = sp_box_area(&piece->box, direction),
        .example = sp_box_example(&piece->box, direction),
        .first = match_of(first, piece->rule),
        .second = match_of(second, piece->other),
    };
    item->first.is_mirrored = is_mirrored(first, piece->rule, direction);
    item->second.is_mirrored = is_mirrored(second, piece->other, second_direction);
    if (!item->is_note)
        differences->disagreements++;
}

static void put_all(struct sp_differences *differences, const struct sp_region found[2], bool notes,
                    const struct sp_policy *first, const struct sp_policy *second)
{
    for (int direction = SP_OUTBOUND; direction <= SP_INBOUND; direction++) {
        const struct sp_region *region = &found[direction];
        for (size_t i = 0; i < region->count; i++) {
            const struct sp_piece *piece = &region->pieces[i];
            if (kinds[piece->kind].is_note == notes && sp_box_is_sent(&piece->box))
                put(differences, piece, (enum sp_direction)direction, first, second);
        }
    }
}

enum sp_status sp_differences_create(struct sp_region found[2], const struct sp_policy *first,
                                     const struct sp_policy *second, struct sp_differences **ret_differences)
{
    struct sp_differences *differences = calloc(1, sizeof *differences);
    if (differences != NULL) {
        sp_region_join(&found[0]);
        sp_region_join(&found[1]);
        differences->items = calloc(found[0].count + found[1].count + 1, sizeof *differences->items);
    }
    if (differences == NULL || differences->items == NULL) {
        free(differences);
        differences = NULL;
    } else {
        put_all(differences, found, false, first, second);
        put_all(differences, found, true, first, second);
    }
    sp_region_free(&found[0]);
    sp_region_free(&found[1]);
    if (differences == NULL)
        return SP_ERR_MEMORY;
    *ret_differences = differences;
    return SP_OK;
}

void sp_differences_destroy(struct sp_differences **differences)
{
    SP_REQUIRE(differences != NULL);
    if (*differences == NULL)
        return;
    free((*differences)->items);
    free(*differences);
    *differences = NULL;
}

size_t sp_differences_count(const struct sp_differences *differences)
{
    SP_REQUIRE(differences != NULL);
    return differences->count;
}

size_t sp_differences_disagreements(const struct sp_differences *differences)
{
    SP_REQUIRE(differences != NULL);
    return differences->disagreements;
}

const struct sp_difference *sp_differences_get(const struct sp_differences *differences, size_t index)
{
    SP_REQUIRE(differences != NULL && index < differences->count);
    return &differences->items[index];
}
