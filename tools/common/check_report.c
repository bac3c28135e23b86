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

static void print_finding(const struct sp_check_finding *finding, FILE *out)
{
    char text[SP_FLOW_TEXT_BYTES];
    terminal_write(out, finding->file);
    fprintf(out, ":%u: %s: ", finding->line, finding->is_note ? "note" : "warning");
    terminal_write(out, finding->text);
    fprintf(out, " [%s]\n", sp_check_name(finding->kind));
    if (finding->has_example)
        fprintf(out, "    example: %s\n", sp_flow_format(&finding->example, text));
}

void check_print(const struct sp_check *check, bool with_notes, FILE *out)
{
    for (size_t i = 0; i < sp_check_count(check); i++)
        if (with_notes || !sp_check_get(check, i)->is_note)
            print_finding(sp_check_get(check, i), out);
}

static json_t *other_json(const struct sp_policy *policy, const struct sp_check_finding *finding)
{
    struct sp_rule_info rule;
    if (finding->other_rule == SP_NO_RULE || sp_policy_rule(policy, finding->other_rule, &rule) != SP_OK)
        return json_null();
    json_t *object = tool_need(json_object());
    json_put(object, "file", json_text(rule.file));
    json_put(object, "line", json_number(rule.line));
    return object;
}

static json_t *finding_json(const struct sp_policy *policy, const struct sp_check_finding *finding)
{
    char example[SP_FLOW_TEXT_BYTES], area[SP_AREA_TEXT_BYTES];
    json_t *object = tool_need(json_object());
    json_put(object, "severity", json_text(finding->is_note ? "note" : "warning"));
    json_put(object, "code", json_text(sp_check_name(finding->kind)));
    json_put(object, "file", json_text(finding->file));
    json_put(object, "line", json_number(finding->line));
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

void check_add_json(const struct sp_check *check, const struct sp_policy *policy, json_t *findings)
{
    for (size_t i = 0; i < sp_check_count(check); i++)
        json_push(findings, finding_json(policy, sp_check_get(check, i)));
}
