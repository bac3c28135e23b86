/* SPDX-License-Identifier: ISC
 *
 * From the policy to the guard's nft(8) text.
 *
 * Three chains walk the policy's rules in the order in which they are tried, as the engine does:
 *   steer      output, before routing is done again: what must be protected gets the mark, what is blocked
 * goes guard_in   input: clear text that should have come through the device, and what is blocked, goes
 *   guard_out  postrouting: what must be protected but leaves by another device goes, which nothing ever
 * should, and ICMP errors that would quote in clear what came protected A protect rule counts in both
 * directions, mirrored in the one it isn't written for. Always let through are loopback, ESP, what our own
 * device carries, and IPv6 neighbour discovery, without which no peer is found.
 *
 * Where the policy has tunnels this host may be a gateway, and a fourth chain holds to it what it forwards:
 *   forward    prerouting: what must be protected gets the mark, clear text that should have come through the
 * device, and what is blocked, goes
 * What comes out of a tunnel for others leaves through guard_out, where the policy's rules about what goes
 * out still hold for it, but not its default: the engine has let it in. Without tunnels, forwarding is no
 * business of ours.
 *
 * "me" is whatever address the kernel calls local at that moment (fib ... type local), so an address that the
 * host gains is guarded at once.
 *
 * A packet that is a fragment without ports or ICMP type is refused where a protect or block rule about these
 * may have meant it, as in the engine: the kernel reassembles IPv4 before the input hook, IPv6 after it.
 * The same goes for a later IPv6 fragment whose header names an extension header, where the rule is about any
 * protocol in particular: which one it is stands in the first fragment only, and "meta l4proto" never
 * matches.
 */
#include "guard/guard.h"
#include "guard/match.h"
#include "guard/quotes.h"

#include <inttypes.h>
#include <netinet/in.h>

static const struct chain chains[] = {
    {"steer", "type route hook output priority mangle; policy accept;", true, true},
    {"guard_in", "type filter hook input priority filter - 10; policy accept;", false, false},
    {"guard_out", "type filter hook postrouting priority srcnat + 10; policy accept;", true, false},
};
#define CHAIN_COUNT (sizeof chains / sizeof *chains)

/* What is forwarded, as its sender's and as its receiver's side see it; both stand in one chain. */
static const struct chain forward_out = {"forward", NULL, true, true};
static const struct chain forward_in = {"guard_forward", NULL, false, false};

/* ---- rules --------------------------------------------------------------------------------------------- */

static void write_protocol(FILE *out, const struct sp_rule_info *rule)
{
    if (rule->protocol != SP_PROTOCOL_ANY)
        fprintf(out, "meta l4proto %u ", rule->protocol);
}

static const char *refusing_name(const struct chain *chain)
{
    return chain == &forward_out ? forward_in.name : chain->name;
}

static void write_decision(FILE *out, const struct view *view)
{
    if (view->rule->action == SP_ACTION_BYPASS)
        fputs("accept", out);
    else if (view->rule->action == SP_ACTION_PROTECT && view->chain->is_steering)
        fprintf(out, "counter name %s_%" PRIu32 " meta mark set %#" PRIx32 " accept", view->chain->name,
                view->index, view->mark);
    else
        fprintf(out, "counter name %s_%" PRIu32 " drop", refusing_name(view->chain), view->index);
    fprintf(out, " comment \"rule %" PRIu32 ", line %" PRIu32 "\"\n", view->index, view->rule->line);
}

/* What the packet must be for its ports to be unknown; NULL ends the list. */
static const char *const fragment_matches[] = {"ip frag-off & 0x1fff != 0 ", "frag frag-off != 0 ", NULL};

/* Hop-by-hop, routing, fragment, authentication and destination options: what the kernel looks behind for the
 * protocol, and can't in a later fragment. */
#define UNKNOWN_PROTOCOL_MATCH "frag frag-off != 0 frag nexthdr { 0, 43, 44, 51, 60 } "

static bool write_unknown_protocol(struct guard_text *text, const struct view *view, enum part source,
                                   enum part destination)
{
    fputs("\t\t", text->rules);
    if (!match_write_addresses(text, view->source, source, "saddr") ||
        !match_write_addresses(text, view->destination, destination, "daddr"))
        return false;
    /* dropped, never marked: the engine refuses them, too, but for those of AH, to it an upper protocol */
    fprintf(text->rules,
            UNKNOWN_PROTOCOL_MATCH "counter name %s_%" PRIu32 " drop comment \"rule %" PRIu32
                                   ", line %" PRIu32 "\"\n",
            refusing_name(view->chain), view->index, view->index, view->rule->line);
    return true;
}

static bool write_match(struct guard_text *text, const struct view *view, enum part source,
                        enum part destination, const char *fragment)
{
    fputs("\t\t", text->rules);
    if (!match_write_addresses(text, view->source, source, "saddr") ||
        !match_write_addresses(text, view->destination, destination, "daddr"))
        return false;
    write_protocol(text->rules, view->rule);
    /* ICMP by place, because nft's own "icmp type" would be about IPv4 only */
    if (fragment)
        fputs(fragment, text->rules);
    else if (!match_write_ports(text, view->source, "th sport") ||
             !match_write_ports(text, view->destination, "th dport") ||
             !match_write_icmp(text, &view->rule->icmp, "@th,0,8", "@th,8,8"))
        return false;
    write_decision(text->rules, view);
    return true;
}

static bool write_combination(struct guard_text *text, const struct view *view, enum part source,
                              enum part destination)
{
    const uint8_t families[] = {match_family(source), match_family(destination)};
    if (families[0] && families[1] && families[0] != families[1])
        return true; /* no packet is both */
    if (!write_match(text, view, source, destination, NULL))
        return false;
    const uint8_t family = families[0] ? families[0] : families[1];
    if (view->rule->action != SP_ACTION_BYPASS && view->rule->protocol != SP_PROTOCOL_ANY && family != 4 &&
        !write_unknown_protocol(text, view, source, destination))
        return false;
    if (view->rule->action == SP_ACTION_BYPASS ||
        (!match_has_ports(view->source) && !match_has_ports(view->destination) &&
         view->rule->icmp.type_count == 0))
        return true;
    return (family == 6 || write_match(text, view, source, destination, fragment_matches[0])) &&
           (family == 4 || write_match(text, view, source, destination, fragment_matches[1]));
}

static bool write_rule(struct guard_text *text, const struct view *view)
{
    for (enum part source = PART_ANY; source < PART_COUNT; source++)
        for (enum part destination = PART_ANY; destination < PART_COUNT; destination++)
            if (match_has_part(view->source, source) && match_has_part(view->destination, destination) &&
                !write_combination(text, view, source, destination))
                return false;
    return true;
}

/* ---- chains -------------------------------------------------------------------------------------------- */

/* ESP, and from its port what the daemon itself has sent: the mark is nobody else's to set, so that another
 * process that takes the port can't speak past the policy. */
static void write_esp(FILE *out, const struct chain *chain, const struct guard_settings *settings)
{
    fprintf(out, "\t\tmeta l4proto %d accept\n", IPPROTO_ESP);
    if (settings->encap_port == 0)
        return;
    if (chain->is_outbound)
        fprintf(out, "\t\tmeta mark %#" PRIx32 " udp sport %u accept\n", settings->encap_mark,
                settings->encap_port);
    else
        fprintf(out, "\t\tudp dport %u accept\n", settings->encap_port);
}

static void write_exceptions(FILE *out, const struct chain *chain, const struct guard_settings *settings)
{
    const char *loopback = chain->is_outbound ? "oif" : "iif";
    fprintf(out, "\t\t%s \"lo\" accept\n", loopback);
    write_esp(out, chain, settings);
    if (!chain->is_steering)
        fprintf(out, "\t\t%sname \"%s\" accept\n", loopback, settings->device);
    fputs("\t\tmeta l4proto ipv6-icmp icmpv6 type 133-137 ip6 hoplimit 255 accept\n", out);
}

/* The view of a rule that a packet in the chain's direction has of it; false when it is none of its business.
 */
static bool look_at(const struct sp_rule_info *rule, bool is_outbound, struct view *view)
{
    const bool is_as_written = (rule->direction == SP_OUTBOUND) == is_outbound;
    view->rule = rule;
    view->source = is_as_written ? &rule->from : &rule->to;
    view->destination = is_as_written ? &rule->to : &rule->from;
    return is_as_written || rule->action == SP_ACTION_PROTECT;
}

/* Before all rules, because one of them may let ICMP out. What an error quotes came in: the inbound view. */
static bool write_all_quotes(struct guard_text *text, const struct chain *chain,
                             const struct sp_policy *policy)
{
    for (uint32_t index = 0; index < sp_policy_rule_count(policy); index++) {
        struct view view = {.chain = chain, .index = index};
        struct sp_rule_info rule;
        if (sp_policy_rule(policy, index, &rule) != SP_OK)
            return false;
        if (rule.action == SP_ACTION_PROTECT && look_at(&rule, false, &view) && !quotes_write(text, &view))
            return false;
    }
    return true;
}

static bool has_tunnels(const struct sp_policy *policy)
{
    for (uint32_t index = 0; index < sp_policy_action_count(policy); index++) {
        struct sp_action_info action;
        if (sp_policy_action(policy, index, &action) == SP_OK && action.mode == SP_MODE_TUNNEL)
            return true;
    }
    return false;
}

static bool write_chain(struct guard_text *text, const struct chain *chain,
                        const struct guard_settings *settings, const struct sp_policy *policy)
{
    fprintf(text->rules, "\tchain %s {\n\t\t%s\n", chain->name, chain->hook);
    write_exceptions(text->rules, chain, settings);
    if (chain->is_outbound && !chain->is_steering && !write_all_quotes(text, chain, policy))
        return false;
    for (uint32_t place = 0; place < sp_policy_rule_count(policy); place++) {
        const uint32_t index = sp_policy_rule_at(policy, place);
        struct view view = {.chain = chain, .index = index, .mark = settings->mark};
        struct sp_rule_info rule;
        if (sp_policy_rule(policy, index, &rule) != SP_OK)
            return false;
        if (look_at(&rule, chain->is_outbound, &view) && !write_rule(text, &view))
            return false;
    }
    if (chain->is_outbound && !chain->is_steering && has_tunnels(policy))
        fprintf(text->rules, "\t\tiifname \"%s\" accept\n", settings->device);
    if (sp_policy_default(policy) == SP_ACTION_BLOCK)
        fprintf(text->rules, "\t\tcounter name %s_default drop\n", chain->name);
    fputs("\t}\n", text->rules);
    return true;
}

/* A packet that is forwarded is outbound to one rule and inbound to another: a rule has both views, if it has
 * them, before the next is tried. Packets to this host have their own chain. */
static bool write_forward(struct guard_text *text, const struct guard_settings *settings,
                          const struct sp_policy *policy)
{
    fprintf(text->rules,
            "\tchain forward {\n"
            "\t\ttype filter hook prerouting priority mangle; policy accept;\n"
            "\t\tiif \"lo\" accept\n"
            "\t\tiifname \"%s\" accept\n"
            "\t\tfib daddr type { local, broadcast, anycast, multicast } accept\n",
            settings->device);
    for (uint32_t place = 0; place < sp_policy_rule_count(policy); place++) {
        const uint32_t index = sp_policy_rule_at(policy, place);
        struct view leaves = {.chain = &forward_out, .index = index, .mark = settings->mark};
        struct view comes = {.chain = &forward_in, .index = index};
        struct sp_rule_info rule;
        if (sp_policy_rule(policy, index, &rule) != SP_OK)
            return false;
        if ((look_at(&rule, true, &leaves) && !write_rule(text, &leaves)) ||
            (look_at(&rule, false, &comes) && !write_rule(text, &comes)))
            return false;
    }
    if (sp_policy_default(policy) == SP_ACTION_BLOCK)
        fprintf(text->rules, "\t\tcounter name %s_default drop\n", forward_in.name);
    fputs("\t}\n", text->rules);
    return true;
}

static void write_chain_counters(FILE *out, const struct chain *chain, const struct sp_policy *policy)
{
    for (uint32_t index = 0; index < sp_policy_rule_count(policy); index++)
        fprintf(out, "\tcounter %s_%" PRIu32 " { }\n", chain->name, index);
    fprintf(out, "\tcounter %s_default { }\n", chain->name);
}

/* A counter for each chain and rule, used or not: they cost nothing, and their names need no bookkeeping. */
static void write_counters(FILE *out, const struct sp_policy *policy)
{
    for (size_t i = 0; i < CHAIN_COUNT; i++)
        write_chain_counters(out, &chains[i], policy);
    if (!has_tunnels(policy))
        return;
    write_chain_counters(out, &forward_out, policy);
    write_chain_counters(out, &forward_in, policy);
}

bool guard_write(FILE *sets, FILE *rules, char tag, const struct guard_settings *settings,
                 const struct sp_policy *policy)
{
    struct guard_text text = {.sets = sets, .rules = rules, .tag = tag};
    fputs("table inet " GUARD_TABLE " {\n", sets);
    fputs("table inet " GUARD_TABLE " {\n", rules);
    write_counters(rules, policy);
    bool is_written = true;
    for (size_t i = 0; i < CHAIN_COUNT && is_written; i++)
        is_written = write_chain(&text, &chains[i], settings, policy);
    if (is_written && has_tunnels(policy))
        is_written = write_forward(&text, settings, policy);
    fputs("}\n", sets);
    fputs("}\n", rules);
    return is_written && !ferror(sets) && !ferror(rules);
}
