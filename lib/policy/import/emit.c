/* SPDX-License-Identifier: ISC
 *
 * Text of the policy that was asked for.
 *
 * Windows has no order of rules: the most specific filter decides. So rules are sorted here: by how many bits
 * of both addresses are fixed, then by whether the protocol is, then by how many ports are; among equals
 * block comes before protect and that before bypass, then the order of the script holds.
 *
 * A filter without "me" holds at either end, so it becomes a rule for each direction. A mirrored filter that
 * permits or blocks becomes two rules; protect is mirrored by itself.
 */
#include "policy/import/import.h"

#include <stdlib.h>
#include <string.h>

/* One line to be written. */
struct line {
    struct sp_netsh_rule *rule;
    const struct sp_netsh_filter *filter;
    enum sp_direction direction;
    bool is_swapped; /* from the filter's destination to its source */
    unsigned address_bits, port_count;
    size_t number;
};

struct emitter {
    struct sp_import *import;
    struct line *lines;
    size_t count, capacity;
    struct sp_names names; /* of rules, to have each once */
    FILE *out;
};

static unsigned fixed_bits(bool is_me, bool is_any, const struct sp_address_range *range)
{
    if (is_me || is_any)
        return is_me ? 128 : 0;
    const unsigned bytes = range->first.family == 4 ? 4 : 16;
    unsigned bits = 0;
    while (bits < bytes * 8 &&
           ((range->first.bytes[bits / 8] ^ range->last.bytes[bits / 8]) >> (7 - bits % 8) & 1) == 0)
        bits++;
    return bits * (16 / bytes); /* one address counts the same in both families */
}

static int compare(const void *left, const void *right)
{
    static const int strictness[] = {[SP_ACTION_BLOCK] = 0, [SP_ACTION_PROTECT] = 1, [SP_ACTION_BYPASS] = 2};
    const struct line *a = left, *b = right;
    const bool a_any = a->filter->protocol == SP_PROTOCOL_ANY, b_any = b->filter->protocol == SP_PROTOCOL_ANY;
    const int a_rank = strictness[a->rule->action->kind], b_rank = strictness[b->rule->action->kind];
    if (a->address_bits != b->address_bits)
        return a->address_bits > b->address_bits ? -1 : 1;
    if (a_any != b_any)
        return a_any ? 1 : -1;
    if (a->port_count != b->port_count)
        return a->port_count > b->port_count ? -1 : 1;
    if (a_rank != b_rank)
        return a_rank - b_rank;
    return a->number > b->number ? 1 : -1;
}

static bool add_line(struct emitter *emitter, struct sp_netsh_rule *rule,
                     const struct sp_netsh_filter *filter, enum sp_direction direction, bool is_swapped)
{
    if (!sp_grow(&emitter->lines, &emitter->capacity, emitter->count, sizeof *emitter->lines))
        return sp_import_no_memory(emitter->import);
    emitter->lines[emitter->count] = (struct line){
        .rule = rule,
        .filter = filter,
        .direction = direction,
        .is_swapped = is_swapped,
        .address_bits =
            fixed_bits(filter->source_is_me, filter->source_is_any, &filter->source) +
            fixed_bits(filter->destination_is_me, filter->destination_is_any, &filter->destination),
        .port_count = (filter->source_port != 0) + (filter->destination_port != 0),
        .number = emitter->count,
    };
    emitter->count++;
    return true;
}

/* Mirrored, both ends are the same. */
static bool is_symmetric(const struct sp_netsh_filter *filter)
{
    return filter->source_is_any && filter->destination_is_any &&
           filter->source_port == filter->destination_port;
}

static bool add_lines(struct emitter *emitter, struct sp_netsh_rule *rule,
                      const struct sp_netsh_filter *filter)
{
    const bool is_out = filter->source_is_me || !filter->destination_is_me;
    const bool is_in = filter->destination_is_me || !filter->source_is_me;
    const bool is_protect = rule->action->kind == SP_ACTION_PROTECT;
    const bool is_mirrored = filter->is_mirrored && !is_protect && !is_symmetric(filter);
    if (is_out && !add_line(emitter, rule, filter, SP_OUTBOUND, false))
        return false;
    if (is_in && !(is_protect && is_out && is_symmetric(filter)) &&
        !add_line(emitter, rule, filter, SP_INBOUND, false))
        return false;
    if (is_mirrored && is_out && !add_line(emitter, rule, filter, SP_INBOUND, true))
        return false;
    if (is_mirrored && is_in && !add_line(emitter, rule, filter, SP_OUTBOUND, true))
        return false;
    if (is_protect && !filter->is_mirrored)
        sp_diagnose(&emitter->import->diagnosis, SP_SEVERITY_WARNING, SP_ERR_UNSUPPORTED, &filter->place,
                    "mirrored=no can't be kept with negotiate: the other direction is protected too");
    return true;
}

#define fault(place, ...) sp_diagnose_error(&emitter->import->diagnosis, place, __VA_ARGS__)
#define doubt(place, ...)                                                                                    \
    sp_diagnose(&emitter->import->diagnosis, SP_SEVERITY_WARNING, SP_ERR_UNSUPPORTED, place, __VA_ARGS__)

/* What a rule says that a policy here can't: an error when less would be protected. */
static bool check_rule(struct emitter *emitter, const struct sp_netsh_rule *rule)
{
    const struct sp_netsh_action *action = rule->action;
    const size_t errors = emitter->import->diagnosis.errors;
    const bool is_protect = action->kind == SP_ACTION_PROTECT;
    if (!rule->is_active) {
        doubt(&rule->place, "this rule is not active, and is left out");
        return false;
    }
    if (rule->is_tunnel)
        fault(&rule->place, "tunnels can't be carried over: only transport mode can be had");
    if (rule->has_connection_type && action->kind == SP_ACTION_BYPASS)
        fault(&rule->place, "a permit for one conntype would hold for all: say conntype=all");
    else if (rule->has_connection_type)
        doubt(&rule->place, "conntype isn't carried over: this rule holds on all interfaces");
    if (is_protect && action->is_soft)
        fault(&action->place, "soft=yes falls back to clear text, which is refused here: say soft=no");
    if (is_protect && action->accepts_clear)
        doubt(&action->place, "inpass=yes isn't carried over: what comes in clear text is dropped");
    if (is_protect && !action->method.is_found)
        fault(&action->place, "negotiate needs qmsecmethods, such as ESP[3DES,SHA1]:100000k/3600s");
    if (rule->list->first == NULL)
        doubt(&rule->place, "its filter list is empty: nothing comes of this rule");
    return errors == emitter->import->diagnosis.errors;
}

static enum sp_status collect(struct emitter *emitter, const struct sp_netsh_policy *policy)
{
    for (size_t i = 0; i < policy->rules.count; i++) {
        struct sp_netsh_rule *rule = policy->rules.objects[i];
        if (rule == NULL || !check_rule(emitter, rule))
            continue;
        for (const struct sp_netsh_filter *filter = rule->list->first; filter != NULL;
             filter = filter->next) {
            if (!add_lines(emitter, rule, filter))
                return SP_ERR_MEMORY;
            if (emitter->count <= SP_IMPORT_MAX_RULES)
                continue;
            sp_diagnose(&emitter->import->diagnosis, SP_SEVERITY_ERROR, SP_ERR_LIMIT, &policy->place,
                        "this policy needs more than %u rules", SP_IMPORT_MAX_RULES);
            return SP_ERR_LIMIT;
        }
    }
    return sp_diagnosis_status(&emitter->import->diagnosis);
}

static void put_name(FILE *out, const char *name)
{
    fputc('"', out);
    for (; *name != '\0'; name++) {
        if (*name == '"' || *name == '\\')
            fputc('\\', out);
        fputc(*name, out);
    }
    fputc('"', out);
}

static void put_action(FILE *out, struct sp_netsh_action *action)
{
    const struct sp_netsh_method *method = &action->method;
    if (action->kind != SP_ACTION_PROTECT || action->is_emitted)
        return;
    action->is_emitted = true;
    fputs("action ", out);
    put_name(out, action->name);
    fprintf(out, " {\n    esp %s %s\n    lifetime %llu KB %llu seconds\n    require\n}\n",
            sp_encryption_name(method->encryption), sp_integrity_name(method->integrity),
            (unsigned long long)method->kilobytes, (unsigned long long)method->seconds);
}

static unsigned prefix_of(const struct sp_address_range *range)
{
    const unsigned bytes = range->first.family == 4 ? 4 : 16;
    const unsigned fixed = fixed_bits(false, false, range) / (16 / bytes);
    for (unsigned bit = fixed; bit < bytes * 8; bit++)
        if ((range->first.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0 ||
            (range->last.bytes[bit / 8] >> (7 - bit % 8) & 1) == 0)
            return UINT8_MAX; /* no prefix */
    return fixed;
}

static void put_endpoint(FILE *out, const char *side, const struct sp_netsh_filter *filter, bool is_source)
{
    const struct sp_address_range *range = is_source ? &filter->source : &filter->destination;
    const bool is_me = is_source ? filter->source_is_me : filter->destination_is_me;
    const bool is_any = is_source ? filter->source_is_any : filter->destination_is_any;
    const uint16_t port = is_source ? filter->source_port : filter->destination_port;
    char text[SP_ADDRESS_TEXT_BYTES];
    fprintf(out, " %s %s", side, is_me ? "me" : is_any ? "any" : sp_address_format(&range->first, text));
    if (!is_me && !is_any && memcmp(&range->first, &range->last, sizeof range->first) != 0) {
        const unsigned prefix = prefix_of(range);
        if (prefix != UINT8_MAX)
            fprintf(out, "/%u", prefix);
        else
            fprintf(out, "-%s", sp_address_format(&range->last, text));
    }
    if (port != 0)
        fprintf(out, " port %u", port);
}

static void add_suffix(const char *base, uint32_t number, char *name, size_t size_bytes)
{
    char suffix[16];
    size_t len = strlen(base);
    const size_t suffix_bytes = (size_t)snprintf(suffix, sizeof suffix, " (%u)", number);
    if (len + suffix_bytes > size_bytes - 1)
        for (len = size_bytes - 1 - suffix_bytes; ((unsigned char)base[len] & 0xc0) == 0x80;)
            len--;
    snprintf(name, size_bytes, "%.*s%s", (int)len, base, suffix);
}

/* "NAME", "NAME (2)", and so on: no two rules have one name. */
static bool put_rule_name(struct emitter *emitter, struct sp_netsh_rule *rule)
{
    char name[SP_IMPORT_NAME_BYTES];
    snprintf(name, sizeof name, "%s", rule->name);
    if (rule->emitted_count++ > 0)
        add_suffix(rule->name, rule->emitted_count, name, sizeof name);
    while (sp_names_find(&emitter->names, name) != SP_NAMES_NONE)
        add_suffix(rule->name, ++rule->emitted_count, name, sizeof name);
    const char *kept = sp_storage_text(emitter->import->storage, name, strlen(name));
    if (kept == NULL || !sp_names_add(&emitter->names, kept, 0))
        return sp_import_no_memory(emitter->import);
    fputs(" as ", emitter->out);
    put_name(emitter->out, kept);
    return true;
}

static bool put_line(struct emitter *emitter, const struct line *line)
{
    FILE *out = emitter->out;
    const struct sp_netsh_filter *filter = line->filter;
    fprintf(out, "%s %s", sp_action_name(line->rule->action->kind),
            line->direction == SP_OUTBOUND ? "out" : "in");
    if (filter->protocol == 6 || filter->protocol == 17 || filter->protocol == 1)
        fputs(filter->protocol == 6 ? " tcp" : filter->protocol == 17 ? " udp" : " icmp", out);
    else if (filter->protocol != SP_PROTOCOL_ANY)
        fprintf(out, " %u", filter->protocol);
    put_endpoint(out, "from", filter, !line->is_swapped);
    put_endpoint(out, "to", filter, line->is_swapped);
    if (line->rule->action->kind == SP_ACTION_PROTECT) {
        fputs(" with ", out);
        put_name(out, line->rule->action->name);
    }
    const bool is_good = put_rule_name(emitter, line->rule);
    fputc('\n', out);
    return is_good;
}

static enum sp_status put_policy(struct emitter *emitter, const struct sp_netsh_policy *policy,
                                 char **ret_text)
{
    char *text = NULL;
    size_t text_bytes;
    bool is_good = true;
    emitter->out = open_memstream(&text, &text_bytes);
    if (emitter->out == NULL)
        return SP_ERR_MEMORY;
    fprintf(emitter->out, "# The policy \"%s\" of a netsh script. The most specific rule comes first.\n",
            policy->name);
    for (size_t i = 0; i < emitter->count; i++)
        put_action(emitter->out, emitter->lines[i].rule->action);
    for (size_t i = 0; i < emitter->count && is_good; i++)
        is_good = put_line(emitter, &emitter->lines[i]);
    fputs("default bypass\n", emitter->out);
    is_good = !ferror(emitter->out) && is_good;
    /* glibc's fclose may lose the text for want of memory and say nothing */
    if (fclose(emitter->out) != 0 || !is_good || text == NULL) {
        free(text);
        return SP_ERR_MEMORY;
    }
    *ret_text = text;
    return SP_OK;
}

/* The policy by its name, or the assigned one, or the only one; NULL after an error. */
static const struct sp_netsh_policy *select_policy(struct sp_import *import, const char *name)
{
    const struct sp_netsh_policy *assigned = NULL, *last = NULL;
    size_t count = 0;
    if (name != NULL) {
        last = sp_catalogue_find(&import->policies, name);
        if (last == NULL)
            sp_import_error(import, "has no policy \"%.100s\"", name);
        return last;
    }
    for (size_t i = 0; i < import->policies.count; i++) {
        const struct sp_netsh_policy *policy = import->policies.objects[i];
        if (policy == NULL)
            continue;
        last = policy;
        count++;
        if (policy->is_assigned)
            assigned = policy;
    }
    if (assigned == NULL && count != 1) {
        sp_import_error(import, count == 0 ? "leaves no policy" : "assigns none of its policies: name one");
        return NULL;
    }
    if (assigned == NULL)
        sp_diagnose(&import->diagnosis, SP_SEVERITY_WARNING, SP_ERR_UNSUPPORTED, &last->place,
                    "this policy is not assigned: Windows would not use it");
    return assigned != NULL ? assigned : last;
}

enum sp_status sp_import_emit(struct sp_import *import, const char *name, char **ret_text)
{
    struct emitter emitter = {.import = import};
    const struct sp_netsh_policy *policy = select_policy(import, name);
    if (policy == NULL)
        return SP_ERR_PARSE;
    enum sp_status status = collect(&emitter, policy);
    if (status == SP_OK && emitter.count > 0)
        qsort(emitter.lines, emitter.count, sizeof *emitter.lines, compare);
    if (status == SP_OK)
        status = put_policy(&emitter, policy, ret_text);
    sp_names_free(&emitter.names);
    free(emitter.lines);
    return status;
}
