/* SPDX-License-Identifier: ISC
 *
 * A policy as a batch script of "netsh ipsec static" commands.
 *
 * Windows has no order of rules: the most specific filter decides. So the script is imported again before it
 * is handed over, and compared with the policy over all packets: first with every address of the host's own
 * side being "me", then with none being so. A packet's address on that side is the one or the other, so the
 * two together leave nothing out.
 */
#include "policy/export/export.h"
#include "core/misuse.h"

#include <sallyport/analysis.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define RULES_MAX 10000u

struct netsh {
    struct sp_export export;
    const char *policy_name;
    struct sp_names names; /* of filter lists and rules, in lower case */
    struct sp_names action_names;
    const char **action_texts; /* of each action, as written; NULL: not yet */
    const char *block, *permit;
    bool *is_done; /* rules that are written together with their twin */
};

/* The same for the other direction: without "me", a filter is both. */
static bool are_twins(const struct sp_rule_info *left, const struct sp_rule_info *right)
{
    return left->direction != right->direction && left->action == right->action &&
           left->action_index == right->action_index && left->protocol == right->protocol &&
           sp_export_same_ends(&left->from, &right->from) && sp_export_same_ends(&left->to, &right->to);
}

static bool is_any(const struct sp_endpoint *end)
{
    return !end->is_me && end->address_count == 0;
}

/* Its mirror is the rule itself. */
static bool is_symmetric(const struct sp_rule_info *rule)
{
    return rule->action == SP_ACTION_PROTECT && is_any(&rule->from) && is_any(&rule->to) &&
           rule->from.port_count == 0 && rule->to.port_count == 0;
}

static uint32_t find_twin(const struct netsh *netsh, uint32_t index)
{
    const struct sp_policy *policy = netsh->export.policy;
    if (is_symmetric(&policy->rules[index]))
        return index;
    for (uint32_t i = 0; i < policy->rule_count; i++)
        if (!netsh->is_done[i] && are_twins(&policy->rules[i], &policy->rules[index]))
            return i;
    return SP_NO_RULE;
}

static bool check_rule(struct netsh *netsh, uint32_t index)
{
    const struct sp_rule_info *rule = &netsh->export.policy->rules[index];
    const struct sp_endpoint *near = rule->direction == SP_OUTBOUND ? &rule->from : &rule->to;
    const struct sp_endpoint *far = rule->direction == SP_OUTBOUND ? &rule->to : &rule->from;
    const bool has_ports = rule->from.port_count > 0 || rule->to.port_count > 0;
    const char *fault = NULL;
    if (rule->icmp.type_count > 0)
        fault = "netsh has no types of ICMP";
    else if (rule->protocol == 0)
        fault = "netsh takes protocol 0 for any";
    else if (has_ports && rule->protocol != IPPROTO_TCP && rule->protocol != IPPROTO_UDP)
        fault = "netsh has ports for TCP and UDP only";
    else if (far->is_me)
        fault = "netsh has me at the host's own end only";
    else if (near->is_me && near->address_count > 0)
        fault = "netsh can't say which side other addresses beside me are on: write a rule for me alone";
    else if (!near->is_me) {
        const uint32_t twin = find_twin(netsh, index);
        if (twin == SP_NO_RULE)
            fault =
                "without me netsh means both directions: write me, or the same rule for the other one too";
        else
            netsh->is_done[twin] = true;
    }
    if (fault != NULL)
        sp_export_error(&netsh->export, index, "%s", fault);
    return fault == NULL;
}

/* In quotes nothing but these means anything to cmd.exe. */
static bool clean_name(const char *name, size_t most_bytes, char *text)
{
    size_t len = strlen(name);
    bool is_same = true;
    for (len = len > most_bytes ? most_bytes : len; len > 0 && ((unsigned char)name[len] & 0xc0) == 0x80;)
        len--;
    for (size_t i = 0; i < len; i++) {
        text[i] = name[i] == '%' || name[i] == '"' || name[i] == '!' ? '_' : name[i];
        is_same = is_same && text[i] == name[i];
    }
    text[len] = '\0';
    return is_same;
}

/* A name that no other has, in any case: NAME, NAME (2). NULL: no memory. */
static const char *name_for(struct netsh *netsh, struct sp_names *names, const char *wanted)
{
    char text[SP_EXPORT_NAME_BYTES], key[SP_EXPORT_NAME_BYTES], base[SP_EXPORT_NAME_BYTES];
    (void)clean_name(wanted, sizeof base - 16, base);
    for (uint32_t number = 1;; number++) {
        snprintf(text, sizeof text, number == 1 ? "%s" : "%s (%u)", base, number);
        for (size_t i = 0; i <= strlen(text); i++)
            key[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
        if (sp_names_find(names, key) == SP_NAMES_NONE)
            break;
    }
    const char *kept = sp_storage_text(netsh->export.storage, text, strlen(text));
    const char *kept_key = sp_storage_text(netsh->export.storage, key, strlen(key));
    if (kept == NULL || kept_key == NULL || !sp_names_add(names, kept_key, 0)) {
        sp_export_no_memory(&netsh->export);
        return NULL;
    }
    return kept;
}

static const char *method_of(struct netsh *netsh, uint32_t rule, const struct sp_action_info *action,
                             char text[SP_EXPORT_NAME_BYTES])
{
    static const char *const integrities[SP_INTEGRITY_COUNT] = {
        [SP_INTEGRITY_HMAC_MD5_96] = "MD5", [SP_INTEGRITY_HMAC_SHA1_96] = "SHA1"};
    const struct sp_lifetime *lifetime = &action->lifetime;
    const char *fault = NULL;
    if (action->mode == SP_MODE_TUNNEL)
        fault = "tunnels can't be carried over to netsh: write mode transport";
    else if (action->integrity == SP_INTEGRITY_COMBINED)
        fault = "netsh has no AES-GCM: write 3des-cbc";
    else if (action->has_esn)
        fault = "netsh has no extended sequence numbers: leave esn out";
    else if (integrities[action->integrity] == NULL)
        fault = "netsh has hmac-sha1-96 and hmac-md5-96 only";
    else if (lifetime->hard_packets != 0)
        fault = "netsh has no lifetimes in packets";
    else if (lifetime->hard_bytes == 0 || lifetime->hard_bytes % 1024 != 0 || lifetime->hard_seconds == 0)
        fault = "netsh lifetimes have both whole KB and seconds";
    if (fault != NULL) {
        sp_export_error(&netsh->export, rule, "%s", fault);
        return NULL;
    }
    snprintf(text, SP_EXPORT_NAME_BYTES, "ESP[%s,%s]:%lluk/%llus",
             action->encryption == SP_ENCRYPTION_NULL ? "None" : "3DES", integrities[action->integrity],
             (unsigned long long)(lifetime->hard_bytes / 1024), (unsigned long long)lifetime->hard_seconds);
    return text;
}

/* The filter action of a rule, written when it is first used; NULL after an error. */
static const char *action_of(struct netsh *netsh, uint32_t rule, enum sp_action kind, uint32_t action_index)
{
    char method[SP_EXPORT_NAME_BYTES];
    const char **known = kind == SP_ACTION_BLOCK    ? &netsh->block
                         : kind == SP_ACTION_BYPASS ? &netsh->permit
                                                    : &netsh->action_texts[action_index];
    if (*known != NULL)
        return *known;
    const struct sp_action_info *action =
        kind == SP_ACTION_PROTECT ? &netsh->export.policy->actions[action_index] : NULL;
    if (action != NULL && method_of(netsh, rule, action, method) == NULL)
        return NULL;
    *known = name_for(netsh, &netsh->action_names,
                      action != NULL            ? action->name
                      : kind == SP_ACTION_BLOCK ? "Block"
                                                : "Permit");
    if (*known == NULL)
        return NULL;
    fprintf(netsh->export.out, "netsh ipsec static add filteraction name=\"%s\" action=%s", *known,
            action != NULL            ? "negotiate"
            : kind == SP_ACTION_BLOCK ? "block"
                                      : "permit");
    if (action != NULL)
        fprintf(netsh->export.out, " inpass=no soft=no qmpfs=no qmsecmethods=\"%s\"", method);
    fputc('\n', netsh->export.out);
    return *known;
}

static void put_address(FILE *out, const char *tag, const struct sp_endpoint *end, uint32_t index)
{
    char text[SP_ADDRESS_TEXT_BYTES];
    struct sp_address prefix;
    unsigned bits;
    if (end->is_me || end->address_count == 0) {
        fprintf(out, " %saddr=%s", tag, end->is_me ? "me" : "any");
        return;
    }
    const struct sp_address_range *range = &end->addresses[index];
    struct sp_prefixes prefixes = sp_prefixes_of(range);
    fprintf(out, " %saddr=%s", tag, sp_address_format(&range->first, text));
    const bool is_prefix =
        sp_prefixes_next(&prefixes, &prefix, &bits) && !sp_prefixes_next(&prefixes, &prefix, &(unsigned){0});
    if (!is_prefix)
        fprintf(out, "-%s", sp_address_format(&range->last, text));
    else if (range->first.family == 6 && bits < 128)
        fprintf(out, " %smask=%u", tag, bits);
    else if (range->first.family == 4 && bits < 32) {
        const uint32_t mask = bits == 0 ? 0 : UINT32_MAX << (32 - bits);
        fprintf(out, " %smask=%u.%u.%u.%u", tag, mask >> 24, mask >> 16 & 255, mask >> 8 & 255, mask & 255);
    }
}

struct pair {
    const char *list;
    const struct sp_rule_info *rule;
    uint32_t from, to; /* elements */
};

static void put_filter(struct netsh *netsh, const struct pair *pair, uint32_t from_port, uint32_t to_port)
{
    FILE *out = netsh->export.out;
    const struct sp_rule_info *rule = pair->rule;
    fprintf(out, "netsh ipsec static add filter filterlist=\"%s\"", pair->list);
    put_address(out, "src", &rule->from, pair->from);
    put_address(out, "dst", &rule->to, pair->to);
    if (rule->protocol == IPPROTO_TCP || rule->protocol == IPPROTO_UDP)
        fprintf(out, " protocol=%s", rule->protocol == IPPROTO_TCP ? "TCP" : "UDP");
    else if (rule->protocol != SP_PROTOCOL_ANY)
        fprintf(out, " protocol=%u", rule->protocol);
    fprintf(out, " mirrored=%s", rule->action == SP_ACTION_PROTECT ? "yes" : "no");
    if (rule->from.port_count > 0 || rule->to.port_count > 0)
        fprintf(out, " srcport=%u dstport=%u", from_port, to_port);
    fputc('\n', out);
}

static bool has_all_ports(const struct sp_endpoint *end)
{
    for (uint32_t i = 0; i < end->port_count; i++)
        if (end->ports[i].first == 0 && end->ports[i].last == UINT16_MAX)
            return true;
    return end->port_count == 0;
}

/* How many single ports an end has, 1 when it has all: netsh knows no ranges. */
static uint64_t count_ports(const struct sp_endpoint *end)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < end->port_count; i++)
        count += (uint64_t)(end->ports[i].last - end->ports[i].first) + 1;
    return has_all_ports(end) ? 1 : count;
}

static bool has_port_0(const struct sp_endpoint *end)
{
    for (uint32_t i = 0; i < end->port_count; i++)
        if (end->ports[i].first == 0)
            return !has_all_ports(end);
    return false;
}

/* The index-th single port; 0 for any. */
static uint32_t port_at(const struct sp_endpoint *end, uint64_t index)
{
    if (has_all_ports(end))
        return 0;
    for (uint32_t i = 0; i < end->port_count; i++) {
        const uint64_t count = (uint64_t)(end->ports[i].last - end->ports[i].first) + 1;
        if (index < count)
            return end->ports[i].first + (uint32_t)index;
        index -= count;
    }
    return 0;
}

static bool same_family(const struct pair *pair)
{
    const struct sp_endpoint *from = &pair->rule->from, *to = &pair->rule->to;
    return from->address_count == 0 || to->address_count == 0 ||
           from->addresses[pair->from].first.family == to->addresses[pair->to].first.family;
}

static bool has_room(struct netsh *netsh, uint32_t index, uint64_t from_ports, uint64_t to_ports)
{
    const struct sp_rule_info *rule = &netsh->export.policy->rules[index];
    const uint64_t pairs = (uint64_t)(rule->from.address_count > 0 ? rule->from.address_count : 1) *
                           (rule->to.address_count > 0 ? rule->to.address_count : 1);
    const char *fault = NULL;
    if (has_port_0(&rule->from) || has_port_0(&rule->to))
        fault = "netsh takes port 0 for any";
    else if (from_ports * to_ports * pairs > SP_EXPORT_LINES_A_RULE)
        fault = "this needs thousands of filters, because netsh has no ranges of ports: name fewer";
    if (fault != NULL)
        sp_export_error(&netsh->export, index, "%s", fault);
    return fault == NULL;
}

static void put_filters(struct netsh *netsh, uint32_t index, const char *list)
{
    const struct sp_rule_info *rule = &netsh->export.policy->rules[index];
    const uint64_t from_ports = count_ports(&rule->from), to_ports = count_ports(&rule->to);
    struct pair pair = {.list = list, .rule = rule};
    if (!has_room(netsh, index, from_ports, to_ports))
        return;
    do {
        for (pair.to = 0; pair.to < rule->to.address_count || pair.to == 0; pair.to++)
            for (uint64_t s = 0; s < from_ports && same_family(&pair); s++)
                for (uint64_t d = 0; d < to_ports; d++)
                    put_filter(netsh, &pair, port_at(&rule->from, s), port_at(&rule->to, d));
    } while (++pair.from < rule->from.address_count);
}

static void put_rule_line(struct netsh *netsh, const char *list, const char *action)
{
    fprintf(netsh->export.out,
            "netsh ipsec static add rule name=\"%s\" policy=\"%s\" filterlist=\"%s\" filteraction=\"%s\"\n",
            list, netsh->policy_name, list, action);
}

static bool put_rule(struct netsh *netsh, uint32_t index)
{
    const struct sp_rule_info *rule = &netsh->export.policy->rules[index];
    char name[SP_EXPORT_NAME_BYTES];
    snprintf(name, sizeof name, "Rule %u", index + 1);
    const char *list = name_for(netsh, &netsh->names, rule->name != NULL ? rule->name : name);
    if (list == NULL)
        return false;
    const char *action = action_of(netsh, index, rule->action, rule->action_index);
    if (action == NULL)
        return !netsh->export.is_out_of_memory;
    if (rule->name != NULL && !clean_name(rule->name, sizeof name - 1, name))
        sp_export_tell(&netsh->export, SP_SEVERITY_WARNING, index,
                       "percent signs, quotes and exclamation marks of its name became _");
    fprintf(netsh->export.out, "netsh ipsec static add filterlist name=\"%s\"\n", list);
    put_filters(netsh, index, list);
    put_rule_line(netsh, list, action);
    return true;
}

static bool put_default(struct netsh *netsh)
{
    if (netsh->export.policy->fallback == SP_ACTION_BYPASS)
        return true;
    const char *list = name_for(netsh, &netsh->names, "Default");
    const char *action = list != NULL ? action_of(netsh, SP_NO_RULE, SP_ACTION_BLOCK, 0) : NULL;
    if (action == NULL)
        return false;
    fprintf(netsh->export.out,
            "netsh ipsec static add filterlist name=\"%s\"\n"
            "netsh ipsec static add filter filterlist=\"%s\" srcaddr=any dstaddr=any mirrored=yes\n",
            list, list);
    put_rule_line(netsh, list, action);
    return true;
}

static void put_head(struct netsh *netsh)
{
    fprintf(netsh->export.out,
            "@echo off\n"
            "REM A policy for Windows, whose most specific filter decides. What this can't say:\n"
            "REM - how peers authenticate: rules take Kerberos, say rootca or psk for others;\n"
            "REM - what becomes of fragments and of what IPsec exempts by itself, such as IKE.\n"
            "REM Ranges of addresses and IPv6 need Windows Vista or later.\n"
            "chcp 65001 >nul\n"
            "netsh ipsec static add policy name=\"%s\" activatedefaultrule=no assign=no\n",
            netsh->policy_name);
}

static bool put_all(struct netsh *netsh)
{
    const struct sp_policy *policy = netsh->export.policy;
    put_head(netsh);
    for (uint32_t place = 0; place < policy->rule_count; place++) {
        const uint32_t index = policy->ordered[place];
        if (netsh->is_done[index])
            continue;
        netsh->is_done[index] = true;
        if (check_rule(netsh, index) && !put_rule(netsh, index))
            return false;
    }
    if (!put_default(netsh))
        return false;
    fprintf(netsh->export.out, "netsh ipsec static set policy name=\"%s\" assign=yes\n", netsh->policy_name);
    return true;
}

/* Tells each rule once whose packets the script would treat otherwise. */
static void tell_differences(struct netsh *netsh, const struct sp_differences *differences)
{
    for (size_t i = 0; i < sp_differences_count(differences); i++) {
        const struct sp_difference *difference = sp_differences_get(differences, i);
        char flow[SP_FLOW_TEXT_BYTES];
        sp_flow_format(&difference->example, flow);
        sp_export_error(&netsh->export, difference->first.rule,
                        "Windows has no order of rules, and its most specific filter would %s %.120s",
                        sp_action_name(difference->second.action), flow);
        if (i == 9)
            return;
    }
}

static enum sp_status compare(struct netsh *netsh, const struct sp_policy *imported, const struct sp_me *me)
{
    struct sp_differences *differences = NULL;
    const enum sp_status status = sp_policy_diff(netsh->export.policy, imported, me, &differences);
    if (status == SP_OK)
        tell_differences(netsh, differences);
    sp_differences_destroy(&differences);
    return status;
}

/* The script, read as Windows would, and the policy mean the same. */
static enum sp_status prove(struct netsh *netsh, const char *text)
{
    const struct sp_me all = {.unknown = true}, none = {.unknown = false};
    struct sp_report *report = NULL;
    struct sp_import_result result = {0};
    struct sp_policy *imported = NULL;
    enum sp_status status = sp_report_create(&report);
    if (status == SP_OK)
        status = sp_import_netsh_bytes(text, strlen(text), "the script", NULL, &result, report);
    if (status == SP_OK)
        status = sp_policy_parse(result.text, strlen(result.text), "the script", &imported, report);
    if (status == SP_OK)
        status = compare(netsh, imported, &all);
    if (status == SP_OK && netsh->export.errors == 0)
        status = compare(netsh, imported, &none);
    sp_policy_destroy(&imported);
    sp_import_result_free(&result);
    sp_report_destroy(&report);
    return status;
}

static bool take_room(struct netsh *netsh)
{
    const struct sp_policy *policy = netsh->export.policy;
    netsh->is_done = calloc((size_t)policy->rule_count + 1, sizeof *netsh->is_done);
    netsh->action_texts = calloc((size_t)policy->action_count + 1, sizeof *netsh->action_texts);
    return netsh->is_done != NULL && netsh->action_texts != NULL;
}

enum sp_status sp_export_netsh(const struct sp_policy *policy, const char *name, char **ret_text,
                               struct sp_report *report)
{
    SP_REQUIRE(policy != NULL && ret_text != NULL && report != NULL);
    char clean[SP_EXPORT_NAME_BYTES], *text = NULL;
    struct netsh netsh = {.export = {.policy = policy, .report = report}, .policy_name = clean};
    (void)clean_name(name != NULL && *name != '\0' ? name : "Sallyport", sizeof clean - 1, clean);
    if (policy->rule_count > RULES_MAX) {
        sp_export_error(&netsh.export, SP_NO_RULE, "netsh is given %u rules at most", RULES_MAX);
        return SP_ERR_LIMIT;
    }
    bool is_good = sp_export_start(&netsh.export) && take_room(&netsh);
    if (is_good && !put_all(&netsh) && netsh.export.errors == 0)
        sp_export_no_memory(&netsh.export);
    enum sp_status status = sp_export_finish(&netsh.export, &text);
    if (status == SP_OK && is_good)
        status = prove(&netsh, text);
    if (status == SP_OK && (!is_good || netsh.export.errors > 0))
        status = is_good ? SP_ERR_UNSUPPORTED : SP_ERR_MEMORY;
    sp_names_free(&netsh.names);
    sp_names_free(&netsh.action_names);
    free(netsh.is_done);
    free(netsh.action_texts);
    if (status == SP_OK)
        *ret_text = text;
    else
        free(text);
    return status;
}
