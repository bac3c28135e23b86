/* SPDX-License-Identifier: ISC
 *
 * Findings about a policy, as lines and as JSON.
 */
#include "check_report.h"

#include "json.h"
#include "terminal.h"
#include "tool.h"

size_t check_warnings(const struct sp_check *check)
{
    size_t warnings = 0;
    for (size_t i = 0; i < sp_check_count(check); i++)
        warnings += !sp_check_get(check, i)->is_note;
    return warnings;
}

/* The rule's file and line, or the policy as a whole. */
static const char *place_of(const struct sp_policy *policy, uint32_t index, const char *path,
                            uint32_t *ret_line)
{
    struct sp_rule_info rule;
    *ret_line = 0;
    if (index == SP_NO_RULE || sp_policy_rule(policy, index, &rule) != SP_OK)
        return path;
    *ret_line = rule.line;
    return rule.file;
}

void check_print(const struct sp_check *check, const struct sp_policy *policy, const char *path, FILE *out)
{
    for (size_t i = 0; i < sp_check_count(check); i++) {
        const struct sp_check_finding *finding = sp_check_get(check, i);
        uint32_t line;
        char text[SP_FLOW_TEXT_BYTES];
        terminal_write(out, place_of(policy, finding->rule, path, &line));
        if (line)
            fprintf(out, ":%u", line);
        fprintf(out, ": %s: ", finding->is_note ? "note" : "warning");
        terminal_write(out, finding->text);
        fprintf(out, " [%s]\n", sp_check_name(finding->kind));
        if (finding->has_example)
            fprintf(out, "    example: %s\n", sp_flow_format(&finding->example, text));
    }
}

static json_t *other_json(const struct sp_policy *policy, const struct sp_check_finding *finding)
{
    uint32_t line;
    if (finding->other_rule == SP_NO_RULE)
        return json_null();
    json_t *object = tool_need(json_object());
    json_put(object, "file", json_text(place_of(policy, finding->other_rule, NULL, &line)));
    json_put(object, "line", json_number(line));
    return object;
}

static json_t *finding_json(const struct sp_policy *policy, const char *path,
                            const struct sp_check_finding *finding)
{
    char example[SP_FLOW_TEXT_BYTES], area[SP_AREA_TEXT_BYTES];
    uint32_t line;
    json_t *object = tool_need(json_object());
    json_put(object, "severity", json_text(finding->is_note ? "note" : "warning"));
    json_put(object, "code", json_text(sp_check_name(finding->kind)));
    json_put(object, "file", json_text(place_of(policy, finding->rule, path, &line)));
    json_put(object, "line", json_number(line));
    json_put(object, "column", json_number(0));
    json_put(object, "width", json_number(0));
    json_put(object, "text", json_text(finding->text));
    json_put(object, "source_line", json_text(""));
    json_put(object, "other", other_json(policy, finding));
    json_put(object, "example",
             finding->has_example ? json_text(sp_flow_format(&finding->example, example)) : json_null());
    json_put(object, "area",
             finding->has_example ? json_text(sp_area_format(&finding->area, area)) : json_null());
    return object;
}

void check_add_json(const struct sp_check *check, const struct sp_policy *policy, const char *path,
                    json_t *findings)
{
    for (size_t i = 0; i < sp_check_count(check); i++)
        json_push(findings, finding_json(policy, path, sp_check_get(check, i)));
}
