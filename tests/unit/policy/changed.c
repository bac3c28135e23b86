/* SPDX-License-Identifier: ISC
 *
 * What two versions don't have in common is little when little was changed, also in long policies.
 */
#include "policy/changed.h"
#include "unit/policy/fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define RULES 5000

static const struct sp_me anybody = {.unknown = true};

struct edit {
    int deleted, doubled, moved_from, moved_to; /* -1: none */
    const char *fallback, *lifetime;
};

static void write_rule(FILE *out, int rule)
{
    if (rule % 2 == 0)
        fprintf(out, "protect out tcp from me to 10.0.%d.%d port %d with \"a\"\n", rule >> 8, rule & 255,
                rule % 7 + 1);
    else
        fprintf(out, "block in tcp from 10.0.%d.%d to me\n", rule >> 8, rule & 255);
}

static struct sp_policy *version_of(const struct edit *edit)
{
    char *text = NULL;
    size_t len_bytes;
    FILE *out = open_memstream(&text, &len_bytes);
    fprintf(out, "action \"a\" { esp 3des-cbc hmac-sha1-96\nlifetime %s\n}\n", edit->lifetime);
    for (int rule = 0; rule < RULES; rule++) {
        if (rule == edit->moved_to)
            write_rule(out, edit->moved_from);
        if (rule != edit->deleted && rule != edit->moved_from)
            write_rule(out, rule);
        if (rule == edit->doubled)
            write_rule(out, rule);
    }
    fprintf(out, "default %s\n", edit->fallback);
    fclose(out);
    struct sp_policy *policy = policy_of(text);
    free(text);
    return policy;
}

static const struct edit unchanged = {-1, -1, -1, -1, "bypass", "w2k"};

static uint32_t changed_between(const struct sp_policy *first, const struct sp_policy *second)
{
    struct sp_sieve sieves[2] = {0};
    struct sp_piece *boxes = NULL;
    uint32_t count = 0;
    cr_assert_eq(sp_sieve_create(&sieves[0], first, SP_OUTBOUND, &anybody), SP_OK);
    cr_assert_eq(sp_sieve_create(&sieves[1], second, SP_OUTBOUND, &anybody), SP_OK);
    cr_assert_eq(sp_changed_boxes(first, &sieves[0], second, &sieves[1], &boxes, &count), SP_OK);
    for (uint32_t i = 0; i < count; i++)
        cr_assert_eq(boxes[i].rule, i);
    free(boxes);
    sp_sieve_free(&sieves[0]);
    sp_sieve_free(&sieves[1]);
    return count;
}

Test(changed, few_edits_of_a_long_policy_leave_few_boxes)
{
    static const struct {
        struct edit edit;
        uint32_t boxes;
    } cases[] = {
        {{-1, -1, -1, -1, "bypass", "w2k"}, 0},
        {{2000, -1, -1, -1, "bypass", "w2k"}, 1},
        {{0, -1, -1, -1, "bypass", "w2k"}, 1},
        {{RULES - 2, -1, -1, -1, "bypass", "w2k"}, 1},
        {{-1, 700, -1, -1, "bypass", "w2k"}, 1},
        {{-1, -1, 1000, 3000, "bypass", "w2k"}, 2},
        {{-1, -1, 3000, 1000, "bypass", "w2k"}, 2},
        {{4500, 4000, 1000, 3000, "bypass", "w2k"}, 6}, /* the doubled one isn't single */
        {{-1, -1, -1, -1, "bypass", "nist-r2"}, RULES},
    };
    struct sp_policy *first = version_of(&unchanged);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sp_policy *second = version_of(&cases[i].edit);
        cr_assert_eq(changed_between(first, second), cases[i].boxes, "%zu: %u", i,
                     changed_between(first, second));
        cr_assert_eq(changed_between(second, first), cases[i].boxes, "%zu", i);
        sp_policy_destroy(&second);
    }
    sp_policy_destroy(&first);
}

Test(changed, a_long_policy_differs_from_an_edited_one_where_it_was_edited)
{
    const struct edit edit = {4000, -1, 1000, 3000, "bypass", "w2k"};
    struct sp_policy *first = version_of(&unchanged), *second = version_of(&edit);
    struct sp_differences *differences = NULL;
    cr_assert_eq(sp_policy_diff(first, second, &anybody, &differences), SP_OK);
    cr_assert_eq(sp_differences_count(differences), 2); /* rule 4000 out, and its mirror */
    for (size_t i = 0; i < 2; i++)
        cr_assert_eq(sp_differences_get(differences, i)->first.rule, 4000);
    sp_differences_destroy(&differences);
    sp_policy_destroy(&first);
    sp_policy_destroy(&second);
}
