/* SPDX-License-Identifier: ISC
 *
 * Differences between two policies. A person gets a page of them, a script all.
 */
#include "difference_report.h"

#include "json.h"
#include "terminal.h"
#include "tool.h"

#define SHOWN_MAX 50

/* "    front-end.policy:8: protect out ...", or the default. */
static void print_side(const struct difference_sides *sides, int side, const struct sp_match *match,
                       FILE *out)
{
    const struct sp_policy *policy = sides->policies[side];
    struct sp_rule_info rule;
    char text[4096];
    fputs("    ", out);
    terminal_write(out, sides->names[side]);
    if (match->rule == SP_NO_RULE || sp_policy_rule(policy, match->rule, &rule) != SP_OK) {
        fprintf(out, ": default %s\n", sp_action_name(match->action));
        return;
    }
    fprintf(out, ":%u: %s", rule.line, match->is_mirrored ? "mirror of " : "");
    terminal_write(out, sp_policy_rule_text(policy, match->rule, text, sizeof text));
    fputc('\n', out);
}

static const char *severity_of(const struct sp_difference *difference)
{
    if (difference->kind == SP_DIFFERENCE_MEANING)
        return "difference";
    return difference->is_note ? "note" : "disagreement";
}

static void print_one(const struct sp_difference *difference, const struct difference_sides *sides, FILE *out)
{
    char area[SP_AREA_TEXT_BYTES], example[SP_FLOW_TEXT_BYTES];
    fprintf(out, "%s: %s [%s]\n    packets: %s\n    example: %s\n", severity_of(difference),
            sp_difference_text(difference->kind), sp_difference_name(difference->kind),
            sp_area_format(&difference->area, area), sp_flow_format(&difference->example, example));
    print_side(sides, 0, &difference->first, out);
    print_side(sides, 1, &difference->second, out);
}

void difference_print(const struct sp_differences *differences, const struct difference_sides *sides,
                      FILE *out)
{
    const size_t count = sp_differences_count(differences);
    for (size_t i = 0; i < count && i < SHOWN_MAX; i++)
        print_one(sp_differences_get(differences, i), sides, out);
    if (count > SHOWN_MAX)
        fprintf(out, "... and %zu more: --json has all\n", count - SHOWN_MAX);
}

static json_t *side_json(const struct difference_sides *sides, int side, const struct sp_match *match)
{
    json_t *object;
    if (match->rule == SP_NO_RULE) {
        object = tool_need(json_object());
        json_put(object, "index", json_null());
        json_put(object, "action", json_text(sp_action_name(match->action)));
    } else {
        object = json_rule(sides->policies[side], match->rule);
    }
    json_put(object, "mirrored", json_boolean(match->is_mirrored));
    return object;
}

json_t *difference_json(const struct sp_differences *differences, const struct difference_sides *sides)
{
    json_t *array = tool_need(json_array());
    for (size_t i = 0; i < sp_differences_count(differences); i++) {
        const struct sp_difference *difference = sp_differences_get(differences, i);
        char area[SP_AREA_TEXT_BYTES], example[SP_FLOW_TEXT_BYTES];
        json_t *object = tool_need(json_object());
        json_put(object, "kind", json_text(sp_difference_name(difference->kind)));
        json_put(object, "severity", json_text(severity_of(difference)));
        json_put(object, "text", json_text(sp_difference_text(difference->kind)));
        json_put(object, "area", json_text(sp_area_format(&difference->area, area)));
        json_put(object, "example", json_text(sp_flow_format(&difference->example, example)));
        json_put(object, "first", side_json(sides, 0, &difference->first));
        json_put(object, "second", side_json(sides, 1, &difference->second));
        json_push(array, object);
    }
    return array;
}
