/* SPDX-License-Identifier: ISC
 *
 * From the library's structures to JSON.
 */
#include "json.h"

#include "tool.h"

#include <stdlib.h>
#include <string.h>

#define RULE_TEXT_BYTES 4096

json_t *json_text(const char *text)
{
    if (!text)
        return json_null();
    json_t *value = json_string(text);
    if (value)
        return value;
    char *ascii = tool_need(strdup(text));
    for (char *byte = ascii; *byte; byte++)
        if ((unsigned char)*byte >= 0x80)
            *byte = '?';
    value = json_string(ascii);
    free(ascii);
    return tool_need(value);
}

void json_put(json_t *object, const char *member, json_t *value)
{
    if (!value || json_object_set_new(object, member, value) != 0)
        tool_need(NULL);
}

void json_push(json_t *array, json_t *value)
{
    if (!value || json_array_append_new(array, value) != 0)
        tool_need(NULL);
}

json_t *json_number(uint64_t number)
{
    return json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number);
}

json_t *json_lifetime(const struct sp_lifetime *lifetime)
{
    json_t *object = tool_need(json_object());
    json_put(object, "preset", json_text(sp_lifetime_preset_name(lifetime)));
    json_put(object, "soft_bytes", json_number(lifetime->soft_bytes));
    json_put(object, "hard_bytes", json_number(lifetime->hard_bytes));
    json_put(object, "soft_packets", json_number(lifetime->soft_packets));
    json_put(object, "hard_packets", json_number(lifetime->hard_packets));
    json_put(object, "soft_seconds", json_number(lifetime->soft_seconds));
    json_put(object, "hard_seconds", json_number(lifetime->hard_seconds));
    return object;
}

json_t *json_counters(const struct sp_counters *counters, bool with_all_drops)
{
    uint64_t dropped = 0;
    json_t *drops = tool_need(json_object());
    for (int reason = SP_DROP_NONE + 1; reason < SP_DROP_COUNT; reason++) {
        const uint64_t packets = counters->dropped_packets[reason];
        dropped += packets;
        if (packets || with_all_drops)
            json_put(drops, sp_drop_id((enum sp_drop)reason), json_number(packets));
    }
    json_t *object = tool_need(json_object());
    json_put(object, "offered_packets", json_number(counters->offered_packets));
    json_put(object, "offered_bytes", json_number(counters->offered_bytes));
    json_put(object, "bypassed_packets", json_number(counters->bypassed_packets));
    json_put(object, "sealed_packets", json_number(counters->sealed_packets));
    json_put(object, "opened_packets", json_number(counters->opened_packets));
    json_put(object, "dropped_packets", json_number(dropped));
    json_put(object, "drops", drops);
    return object;
}

json_t *json_rule(const struct sp_policy *policy, uint32_t index)
{
    struct sp_rule_info rule;
    if (sp_policy_rule(policy, index, &rule) != SP_OK)
        return json_null();
    char text[RULE_TEXT_BYTES];
    json_t *object = tool_need(json_object());
    json_put(object, "index", json_number(index));
    json_put(object, "name", json_text(rule.name));
    json_put(object, "file", json_text(rule.file));
    json_put(object, "line", json_number(rule.line));
    json_put(object, "action", json_text(sp_action_name(rule.action)));
    json_put(object, "direction", json_text(rule.direction == SP_OUTBOUND ? "out" : "in"));
    json_put(object, "text", json_text(sp_policy_rule_text(policy, index, text, sizeof text)));
    return object;
}

json_t *json_findings(const struct sp_report *report)
{
    json_t *findings = tool_need(json_array());
    for (size_t i = 0; i < sp_report_count(report); i++) {
        const struct sp_error *error = sp_report_get(report, i);
        json_t *finding = tool_need(json_object());
        json_put(finding, "severity",
                 json_text(error->severity == SP_SEVERITY_WARNING ? "warning" : "error"));
        json_put(finding, "code", json_text(sp_status_text(error->code)));
        json_put(finding, "file", json_text(error->file));
        json_put(finding, "line", json_number(error->line));
        json_put(finding, "column", json_number(error->column));
        json_put(finding, "width", json_number(error->width));
        json_put(finding, "text", json_text(error->text));
        json_put(finding, "source_line", json_text(error->source_line));
        json_push(findings, finding);
    }
    return findings;
}

void json_print(json_t *value, FILE *out, bool is_indented)
{
    json_dumpf(value, out, is_indented ? JSON_INDENT(2) : JSON_COMPACT);
    fputc('\n', out);
    json_decref(value);
}

json_t *json_encap(const struct sp_encap *encap)
{
    if (!sp_encap_is_on(encap))
        return json_null();
    json_t *object = tool_need(json_object());
    json_put(object, "type", json_text("udp"));
    json_put(object, "source_port", json_number(encap->source_port));
    json_put(object, "destination_port", json_number(encap->destination_port));
    return object;
}
