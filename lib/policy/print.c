/* SPDX-License-Identifier: ISC
 *
 * The canonical text of a policy: includes resolved, defaults written out, one statement a line. Reading it
 * gives the same policy, and printing that the same text.
 */
#include "policy/model.h"
#include "core/misuse.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>

/* Either to a stream, or to text of size_bytes, cut. */
struct printer {
    FILE *out;
    char *text;
    size_t size_bytes, used_bytes;
    bool is_cut;
    char next; /* the first byte that found no room */
};

static void put_bytes(struct printer *printer, const char *bytes, size_t len_bytes)
{
    if (printer->out != NULL) {
        (void)fwrite(bytes, 1, len_bytes, printer->out);
        return;
    }
    size_t room = printer->size_bytes - 1 - printer->used_bytes;
    size_t taken = len_bytes < room ? len_bytes : room;
    memcpy(printer->text + printer->used_bytes, bytes, taken);
    printer->used_bytes += taken;
    if (taken < len_bytes && !printer->is_cut) {
        printer->is_cut = true;
        printer->next = bytes[taken];
    }
}

static void put(struct printer *printer, const char *text)
{
    put_bytes(printer, text, strlen(text));
}

static void put_number(struct printer *printer, uint64_t number, const char *behind)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    put(printer, text);
    put(printer, behind);
}

static void put_quoted(struct printer *printer, const char *name)
{
    put(printer, "\"");
    for (; *name != '\0'; name++) {
        if (*name == '"' || *name == '\\')
            put(printer, "\\");
        put_bytes(printer, name, 1);
    }
    put(printer, "\"");
}

/* The length of the prefix that the range is, or -1. */
static int prefix_bits(const struct sp_address_range *range)
{
    int bits = 0, size_bits = range->first.family == 4 ? 32 : 128;
    for (; bits < size_bits; bits++) {
        unsigned mask = 0x80u >> (bits % 8);
        if ((range->first.bytes[bits / 8] & mask) != (range->last.bytes[bits / 8] & mask))
            break;
    }
    for (int i = bits; i < size_bits; i++) {
        unsigned mask = 0x80u >> (i % 8);
        if ((range->first.bytes[i / 8] & mask) != 0 || (range->last.bytes[i / 8] & mask) == 0)
            return -1;
    }
    return bits;
}

static void put_addresses(struct printer *printer, const struct sp_address_range *range)
{
    char text[SP_ADDRESS_TEXT_BYTES];
    int bits = prefix_bits(range);
    put(printer, sp_address_format(&range->first, text));
    if (bits == (range->first.family == 4 ? 32 : 128))
        return;
    put(printer, bits < 0 ? "-" : "/");
    if (bits < 0)
        put(printer, sp_address_format(&range->last, text));
    else
        put_number(printer, (uint64_t)bits, "");
}

static void put_range(struct printer *printer, const struct sp_port_range *range)
{
    put_number(printer, range->first, range->first == range->last ? "" : "-");
    if (range->first != range->last)
        put_number(printer, range->last, "");
}

/* A list as people write it: sets by their names where it names some, else what the endpoint holds. */
struct list {
    const struct sp_policy *policy;
    const struct sp_endpoint *endpoint;
    const struct sp_written *written; /* NULL: it names no set */
    bool is_of_ports;
};

static struct list list_of(const struct sp_policy *policy, const struct sp_endpoint *endpoint,
                           const struct sp_written *written, bool is_of_ports)
{
    bool has_sets = written != NULL && written->count > 0;
    return (struct list){policy, endpoint, has_sets ? written : NULL, is_of_ports};
}

static bool has_me(const struct list *list)
{
    if (list->is_of_ports)
        return false;
    return list->written != NULL ? list->written->is_me_named : list->endpoint->is_me;
}

static uint32_t element_count(const struct list *list)
{
    if (list->written != NULL)
        return list->written->count;
    return list->is_of_ports ? list->endpoint->port_count : list->endpoint->address_count;
}

static void put_element(struct printer *printer, const struct list *list, uint32_t index)
{
    const struct sp_term *term = list->written != NULL ? &list->written->terms[index] : NULL;
    if (term != NULL && term->set != SP_TERM_RANGE)
        put_quoted(printer, list->policy->sets[term->set].info.name);
    else if (list->is_of_ports)
        put_range(printer, term != NULL ? &term->ports : &list->endpoint->ports[index]);
    else
        put_addresses(printer, term != NULL ? &term->addresses : &list->endpoint->addresses[index]);
}

static void put_elements(struct printer *printer, const struct list *list)
{
    uint32_t count = element_count(list);
    if (has_me(list))
        put(printer, count > 0 ? "me, " : "me");
    for (uint32_t i = 0; i < count; i++) {
        put(printer, i == 0 ? "" : ", ");
        put_element(printer, list, i);
    }
}

static void put_list(struct printer *printer, const struct list *list)
{
    bool is_in_braces = (size_t)element_count(list) + has_me(list) > 1;
    put(printer, is_in_braces ? "{ " : "");
    put_elements(printer, list);
    put(printer, is_in_braces ? " }" : "");
}

static void put_endpoint(struct printer *printer, const char *side, const struct list *addresses,
                         const struct list *ports)
{
    put(printer, side);
    if (element_count(addresses) == 0 && !has_me(addresses))
        put(printer, "any");
    else
        put_list(printer, addresses);
    if (element_count(ports) == 0)
        return;
    put(printer, " port ");
    put_list(printer, ports);
}

static void put_protocol(struct printer *printer, uint16_t protocol)
{
    switch (protocol) {
    case SP_PROTOCOL_ANY:
        return;
    case IPPROTO_TCP:
        put(printer, " tcp");
        return;
    case IPPROTO_UDP:
        put(printer, " udp");
        return;
    case IPPROTO_ICMP:
        put(printer, " icmp");
        return;
    case IPPROTO_ICMPV6:
        put(printer, " icmp6");
        return;
    case IPPROTO_SCTP:
        put(printer, " sctp");
        return;
    default:
        put(printer, " ");
        put_number(printer, protocol, "");
    }
}

static void put_numbers(struct printer *printer, const char *word, const struct sp_port_range *ranges,
                        uint32_t count)
{
    if (count == 0)
        return;
    put(printer, word);
    put(printer, count > 1 ? "{ " : "");
    for (uint32_t i = 0; i < count; i++) {
        put(printer, i == 0 ? "" : ", ");
        put_range(printer, &ranges[i]);
    }
    put(printer, count > 1 ? " }" : "");
}

static void put_endpoints(struct printer *printer, const struct sp_policy *policy, uint32_t index)
{
    const struct sp_rule_info *rule = &policy->rules[index];
    const struct sp_wording *wording = policy->wordings[index];
    struct list from = list_of(policy, &rule->from, wording != NULL ? &wording->from : NULL, false);
    struct list from_ports =
        list_of(policy, &rule->from, wording != NULL ? &wording->from_ports : NULL, true);
    struct list to = list_of(policy, &rule->to, wording != NULL ? &wording->to : NULL, false);
    struct list to_ports = list_of(policy, &rule->to, wording != NULL ? &wording->to_ports : NULL, true);
    put_endpoint(printer, " from ", &from, &from_ports);
    put_endpoint(printer, " to ", &to, &to_ports);
}

static void put_rule(struct printer *printer, const struct sp_policy *policy, uint32_t index)
{
    const struct sp_rule_info *rule = &policy->rules[index];
    put(printer, sp_action_name(rule->action));
    put(printer, rule->direction == SP_OUTBOUND ? " out" : " in");
    put_protocol(printer, rule->protocol);
    put_numbers(printer, " type ", rule->icmp.types, rule->icmp.type_count);
    put_numbers(printer, " code ", rule->icmp.codes, rule->icmp.code_count);
    put_endpoints(printer, policy, index);
    if (rule->action_index != SP_NO_RULE) {
        put(printer, " with ");
        put_quoted(printer, policy->actions[rule->action_index].name);
    }
    if (rule->name != NULL) {
        put(printer, " as ");
        put_quoted(printer, rule->name);
    }
}

static void put_lifetime(struct printer *printer, const struct sp_lifetime *lifetime)
{
    const char *preset = sp_lifetime_preset_name(lifetime);
    put(printer, "    lifetime");
    if (preset != NULL) {
        put(printer, " ");
        put(printer, preset);
    }
    const struct {
        uint64_t limit;
        const char *unit;
    } limits[] = {
        {lifetime->hard_bytes, " bytes"},
        {lifetime->hard_seconds, " seconds"},
        {lifetime->hard_packets, " packets"},
    };
    for (size_t i = 0; preset == NULL && i < sizeof limits / sizeof *limits; i++) {
        if (limits[i].limit == 0)
            continue;
        put(printer, " ");
        put_number(printer, limits[i].limit, limits[i].unit);
    }
    put(printer, "\n");
}

static void put_mode(struct printer *printer, const struct sp_action_info *action)
{
    char address[SP_ADDRESS_TEXT_BYTES];
    put(printer, "\n    mode ");
    put(printer, sp_mode_name(action->mode));
    if (action->mode == SP_MODE_TUNNEL) {
        put(printer, " from ");
        put(printer, sp_address_format(&action->tunnel_from, address));
        put(printer, " to ");
        put(printer, sp_address_format(&action->tunnel_to, address));
    }
    put(printer, "\n");
}

static void put_action(struct printer *printer, const struct sp_action_info *action)
{
    char suite[SP_SUITE_TEXT_BYTES];
    put(printer, "action ");
    put_quoted(printer, action->name);
    put(printer, " {\n    esp ");
    put(printer, sp_suite_format(action->encryption, action->integrity, suite));
    put_mode(printer, action);
    if (action->is_encapsulated)
        put(printer, "    encap udp\n");
    put(printer, action->has_esn ? "    esn\n" : "");
    put_lifetime(printer, &action->lifetime);
    put(printer, "    require\n}\n");
}

static void put_set(struct printer *printer, const struct sp_policy *policy, const struct sp_set *set)
{
    struct list list = list_of(policy, &set->info.holds, &set->written, set->info.is_of_ports);
    put(printer, "set ");
    put_quoted(printer, set->info.name);
    put(printer, " { ");
    put_elements(printer, &list);
    put(printer, " }\n");
}

static void put_definitions(struct printer *printer, const struct sp_policy *policy)
{
    for (uint32_t i = 0; i < policy->action_count; i++)
        put_action(printer, &policy->actions[i]);
    for (uint32_t i = 0; i < policy->set_count; i++)
        put_set(printer, policy, &policy->sets[i]);
}

static void put_default(struct printer *printer, const struct sp_policy *policy)
{
    put(printer, "default ");
    put(printer, sp_action_name(policy->fallback));
    put(printer, "\n");
}

void sp_policy_print(const struct sp_policy *policy, FILE *out)
{
    SP_REQUIRE(policy != NULL && out != NULL);
    struct printer printer = {.out = out};
    put_definitions(&printer, policy);
    if (policy->order == SP_ORDER_SPECIFIC)
        put(&printer, "order specific\n");
    for (uint32_t i = 0; i < policy->rule_count; i++) {
        put_rule(&printer, policy, i);
        put(&printer, "\n");
    }
    put_default(&printer, policy);
}

/* A file's name may hold anything, and this must stay one comment. */
static void put_place(struct printer *printer, const struct sp_rule_info *rule)
{
    put(printer, "  # ");
    for (const char *at = rule->file; *at != '\0'; at++)
        put_bytes(printer, (unsigned char)*at < 0x20 || *at == 0x7f ? "?" : at, 1);
    put(printer, ":");
    put_number(printer, rule->line, "\n");
}

void sp_policy_print_compiled(const struct sp_policy *policy, FILE *out)
{
    SP_REQUIRE(policy != NULL && out != NULL);
    struct printer printer = {.out = out};
    put_definitions(&printer, policy);
    for (uint32_t i = 0; i < policy->rule_count; i++) {
        put_rule(&printer, policy, policy->ordered[i]);
        put_place(&printer, &policy->rules[policy->ordered[i]]);
    }
    put_default(&printer, policy);
}

const char *sp_policy_rule_text(const struct sp_policy *policy, uint32_t index, char *text, size_t size_bytes)
{
    SP_REQUIRE(policy != NULL && index < policy->rule_count && text != NULL && size_bytes > 0);
    struct printer printer = {.text = text, .size_bytes = size_bytes};
    put_rule(&printer, policy, index);
    /* not in the middle of a UTF-8 character: back to its first byte */
    while (printer.is_cut && printer.used_bytes > 0 && ((unsigned char)printer.next & 0xc0) == 0x80)
        printer.next = text[--printer.used_bytes];
    text[printer.used_bytes] = '\0';
    return text;
}
