/* SPDX-License-Identifier: ISC
 *
 * The end of "ipsecctl apply": what became of the packets, for people and for scripts. All of it comes from
 * the engine's own counters, so it says what a live host's would.
 */
#include "apply.h"

#include "json.h"
#include "table.h"
#include "terminal.h"
#include "tool.h"

#include <stdlib.h>

static uint64_t dropped_packets(const struct sp_counters *counters)
{
    uint64_t sum = 0;
    for (int reason = SP_DROP_NONE + 1; reason < SP_DROP_COUNT; reason++)
        sum += counters->dropped_packets[reason];
    return sum;
}

static struct sp_counters totals_of(const struct run *run, const struct sp_engine *engine)
{
    struct sp_stats stats;
    sp_engine_stats(engine, &stats);
    return stats.direction[run->direction];
}

/* False when the rule decided about no packet. */
static bool rule_counters(const struct run *run, const struct sp_engine *engine, uint32_t rule,
                          struct sp_counters *ret_counters)
{
    struct sp_stats stats;
    if (sp_engine_rule_stats(engine, rule, &stats) != SP_OK)
        return false;
    *ret_counters = stats.direction[run->direction];
    return ret_counters->offered_packets > 0;
}

static bool sa_counters(const struct run *run, const struct sp_engine *engine, uint32_t sa,
                        struct sp_counters *ret_counters)
{
    struct sp_stats stats;
    if (sp_engine_sa_stats(engine, sa, &stats) != SP_OK)
        return false;
    *ret_counters = stats.direction[run->direction];
    return ret_counters->offered_packets > 0;
}

static void finish_table(struct table *table, FILE *out)
{
    if (table_rows(table) > 0) {
        table_print(table, out, terminal_is(out));
        fputc('\n', out);
    }
    table_destroy(&table);
}

static void add_verdict(struct table *table, const char *verdict, uint64_t packets, const char *meaning)
{
    table_add(table, "%s", verdict);
    table_add_number(table, packets);
    table_add(table, "%s", meaning);
}

static void print_verdicts(const struct run *run, const struct sp_counters *counters, FILE *out)
{
    struct table *table = table_create("VERDICT|>PACKETS|MEANING");
    add_verdict(table, "bypass", counters->bypassed_packets, "passed in clear text");
    if (run->direction == SP_OUTBOUND)
        add_verdict(table, "sealed", counters->sealed_packets, "left as ESP");
    else
        add_verdict(table, "opened", counters->opened_packets, "came as ESP and was let in");
    add_verdict(table, "drop", dropped_packets(counters), "dropped, for the reasons below");
    add_verdict(table, "not-ip", run->other_frames, "not an IP packet: passed as it was");
    add_verdict(table, "truncated", run->truncated_frames, "cut off by the capture (snaplen): dropped");
    finish_table(table, out);
}

static void print_reasons(const struct sp_counters *counters, FILE *out)
{
    struct table *table = table_create("REASON|>PACKETS|MEANING");
    for (int i = SP_DROP_NONE + 1; i < SP_DROP_COUNT; i++) {
        const enum sp_drop reason = (enum sp_drop)i;
        if (counters->dropped_packets[reason] == 0)
            continue;
        table_add(table, "%s", sp_drop_id(reason));
        table_add_number(table, counters->dropped_packets[reason]);
        table_add(table, "%s", sp_drop_text(reason));
    }
    finish_table(table, out);
}

static void add_counters(struct table *table, const struct sp_counters *counters)
{
    table_add_number(table, counters->offered_packets);
    table_add_number(table, counters->bypassed_packets);
    table_add_number(table, counters->sealed_packets + counters->opened_packets);
    table_add_number(table, dropped_packets(counters));
}

static void print_rules(const struct run *run, const struct sp_engine *engine, FILE *out)
{
    const struct sp_policy *policy = sp_engine_policy(engine);
    struct table *table = table_create("WHERE|>PACKETS|>BYPASS|>ESP|>DROP|RULE");
    struct sp_counters counters;
    for (uint32_t i = 0; i < sp_policy_rule_count(policy); i++) {
        char text[1024];
        struct sp_rule_info rule;
        if (!rule_counters(run, engine, i, &counters) || sp_policy_rule(policy, i, &rule) != SP_OK)
            continue;
        table_add(table, "%s:%u", rule.file, rule.line);
        add_counters(table, &counters);
        table_add(table, "%s", sp_policy_rule_text(policy, i, text, sizeof text));
    }
    if (rule_counters(run, engine, SP_NO_RULE, &counters)) {
        table_add(table, "default");
        add_counters(table, &counters);
        table_add(table, "default %s, and packets that no rule was asked about",
                  sp_action_name(sp_policy_default(policy)));
    }
    finish_table(table, out);
}

static void print_sas(const struct run *run, const struct sp_engine *engine, const struct sp_sad *sad,
                      FILE *out)
{
    struct table *table = table_create("SPI|FROM|TO|>ESP|>DROP|SA");
    for (uint32_t number = 0; number < sp_sad_capacity(sad); number++) {
        char from[SP_ADDRESS_TEXT_BYTES], to[SP_ADDRESS_TEXT_BYTES];
        struct sp_counters counters;
        struct sp_sa_info sa;
        if (sp_sad_get(sad, number, &sa) != SP_OK || !sa_counters(run, engine, number, &counters))
            continue;
        table_add(table, "0x%08x", sa.spi);
        table_add(table, "%s", sp_address_format(&sa.source, from));
        table_add(table, "%s", sp_address_format(&sa.destination, to));
        table_add_number(table, counters.sealed_packets + counters.opened_packets);
        table_add_number(table, dropped_packets(&counters));
        table_add(table, "%s", sa.name);
    }
    finish_table(table, out);
}

static void print_missing(const struct run *run, const struct sp_policy *policy, FILE *out)
{
    struct table *table = table_create("MISSING SA|FROM|TO|RULE");
    for (size_t i = 0; i < run->missing_count; i++) {
        const struct missing_sa *missing = &run->missing[i];
        char from[SP_ADDRESS_TEXT_BYTES], to[SP_ADDRESS_TEXT_BYTES], text[1024];
        struct sp_rule_info rule;
        if (sp_policy_rule(policy, missing->rule, &rule) != SP_OK)
            continue;
        table_add(table, "%s:%u", rule.file, rule.line);
        table_add(table, "%s", sp_address_format(&missing->source, from));
        table_add(table, "%s", sp_address_format(&missing->destination, to));
        table_add(table, "%s", sp_policy_rule_text(policy, missing->rule, text, sizeof text));
    }
    finish_table(table, out);
}

void apply_print_tables(const struct run *run, const struct sp_engine *engine, const struct sp_sad *sad,
                        FILE *out)
{
    const struct sp_counters counters = totals_of(run, engine);
    print_verdicts(run, &counters, out);
    print_reasons(&counters, out);
    print_rules(run, engine, out);
    print_sas(run, engine, sad, out);
    print_missing(run, sp_engine_policy(engine), out);
    fprintf(out, "%s: %llu frames read; %s: %llu written\n", run->in->path,
            (unsigned long long)run->in->frames, run->out->path, (unsigned long long)run->out->frames);
}

static json_t *file_json(const char *path, uint64_t frames)
{
    json_t *object = tool_need(json_object());
    json_put(object, "file", json_text(path));
    json_put(object, "frames", json_number(frames));
    return object;
}

static json_t *rules_json(const struct run *run, const struct sp_engine *engine)
{
    const struct sp_policy *policy = sp_engine_policy(engine);
    json_t *rules = tool_need(json_array());
    for (uint32_t i = 0; i < sp_policy_rule_count(policy); i++) {
        struct sp_counters counters = {0};
        rule_counters(run, engine, i, &counters);
        json_t *rule = json_rule(policy, i);
        json_put(rule, "stats", json_counters(&counters, false));
        json_push(rules, rule);
    }
    return rules;
}

static json_t *default_json(const struct run *run, const struct sp_engine *engine)
{
    struct sp_counters counters = {0};
    rule_counters(run, engine, SP_NO_RULE, &counters);
    json_t *object = tool_need(json_object());
    json_put(object, "action", json_text(sp_action_name(sp_policy_default(sp_engine_policy(engine)))));
    json_put(object, "stats", json_counters(&counters, false));
    return object;
}

static json_t *sas_json(const struct run *run, const struct sp_engine *engine, const struct sp_sad *sad)
{
    json_t *sas = tool_need(json_array());
    for (uint32_t number = 0; number < sp_sad_capacity(sad); number++) {
        char text[SP_ADDRESS_TEXT_BYTES];
        struct sp_counters counters = {0};
        struct sp_sa_info sa;
        if (sp_sad_get(sad, number, &sa) != SP_OK)
            continue;
        sa_counters(run, engine, number, &counters);
        json_t *object = tool_need(json_object());
        json_put(object, "number", json_number(number));
        json_put(object, "name", sa.name[0] ? json_text(sa.name) : json_null());
        json_put(object, "spi", json_number(sa.spi));
        json_put(object, "source", json_text(sp_address_format(&sa.source, text)));
        json_put(object, "destination", json_text(sp_address_format(&sa.destination, text)));
        json_put(object, "stats", json_counters(&counters, false));
        json_push(sas, object);
    }
    return sas;
}

static json_t *missing_json(const struct run *run)
{
    json_t *array = tool_need(json_array());
    for (size_t i = 0; i < run->missing_count; i++) {
        const struct missing_sa *missing = &run->missing[i];
        char text[SP_ADDRESS_TEXT_BYTES];
        json_t *object = tool_need(json_object());
        json_put(object, "source", json_text(sp_address_format(&missing->source, text)));
        json_put(object, "destination", json_text(sp_address_format(&missing->destination, text)));
        json_put(object, "rule", json_number(missing->rule));
        json_push(array, object);
    }
    return array;
}

void apply_print_json(const struct run *run, const struct sp_engine *engine, const struct sp_sad *sad,
                      FILE *out)
{
    const struct sp_counters counters = totals_of(run, engine);
    json_t *object = tool_need(json_object());
    json_put(object, "direction", json_text(run->direction == SP_OUTBOUND ? "out" : "in"));
    json_put(object, "input", file_json(run->in->path, run->in->frames));
    json_put(object, "output", file_json(run->out->path, run->out->frames));
    json_put(object, "not_ip_frames", json_number(run->other_frames));
    json_put(object, "truncated_frames", json_number(run->truncated_frames));
    json_put(object, "totals", json_counters(&counters, true));
    json_put(object, "default", default_json(run, engine));
    json_put(object, "rules", rules_json(run, engine));
    json_put(object, "sas", sas_json(run, engine, sad));
    json_put(object, "missing_sas", missing_json(run));
    json_print(object, out, true);
}
