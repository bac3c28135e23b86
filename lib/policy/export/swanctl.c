/* SPDX-License-Identifier: ISC
 *
 * A policy as connections of strongSwan's swanctl.conf: protect rules are trap policies whose SAs IKE brings,
 * block and bypass rules are its drop and pass policies.
 *
 * Each rule has a priority of its own, so their order is kept. The kernel gets the smallest network and the
 * smallest aligned range of ports around what a selector says, which would be wider than the policy: ranges
 * of addresses fall into prefixes here and ranges of ports into aligned ones, and these are exact. A selector
 * of strongSwan holds in both directions. So does protect; a block rule for one direction becomes stricter,
 * which is a warning, and a bypass rule for one would let through more, which is an error.
 */
#include "policy/export/export.h"
#include "core/misuse.h"
#include "sa/lifetime.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_PRIORITY 1000u
#define SELECTORS_MAX 255u /* of one side; RFC 7296 3.13 counts them in one octet */

struct swanctl {
    struct sp_export export;
    struct sp_address_range *mine; /* what "me" is, as ranges */
};

/* One end of a rule, in one family. */
struct side {
    const struct sp_endpoint *end;
    const struct sp_address_range *mine;
    uint32_t mine_count;
    uint8_t family;
    uint16_t protocol;
};

static const struct sp_address_range all_4 = {{.family = 4}, {.family = 4, .bytes = {255, 255, 255, 255}}};
static const struct sp_address_range all_6 = {
    {.family = 6},
    {.family = 6, .bytes = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}}};

/* The index-th range of addresses in any family, those of "me" first; NULL behind the last. */
static const struct sp_address_range *range_at(const struct side *side, uint32_t index)
{
    const uint32_t mine = side->end->is_me ? side->mine_count : 0;
    if (!side->end->is_me && side->end->address_count == 0)
        return index > 0 ? NULL : side->family == 4 ? &all_4 : &all_6;
    if (index < mine)
        return &side->mine[index];
    return index - mine < side->end->address_count ? &side->end->addresses[index - mine] : NULL;
}

/* The last port of the widest aligned range that begins at first and stays below last. */
static uint32_t aligned_end(uint32_t first, uint32_t last)
{
    uint32_t size = 1;
    while (first % (2 * size) == 0 && first + 2 * size - 1 <= last && size <= UINT16_MAX)
        size *= 2;
    return first + size - 1;
}

/* Writes " , address[protocol/ports]" for each pair of the side's prefixes and ports; out may be NULL.
 * Returns how many there are. */
static size_t put_prefix(FILE *out, const struct side *side, const char *prefix, size_t count)
{
    const struct sp_port_range every = {0, UINT16_MAX}, *ports = side->end->ports;
    const uint32_t ranges = side->end->port_count > 0 ? side->end->port_count : 1;
    for (uint32_t i = 0; i < ranges; i++) {
        const struct sp_port_range range = side->end->port_count > 0 ? ports[i] : every;
        for (uint32_t first = range.first, last; first <= range.last; first = last + 1, count++) {
            last = aligned_end(first, range.last);
            if (out == NULL)
                continue;
            fprintf(out, "%s%s", count > 0 ? "," : "", prefix);
            if (side->protocol == SP_PROTOCOL_ANY)
                continue;
            fprintf(out, "[%u", side->protocol);
            if (first != 0 || last != UINT16_MAX)
                fprintf(out, first == last ? "/%u" : "/%u-%u", first, last);
            fputc(']', out);
        }
    }
    return count;
}

static size_t put_side(FILE *out, const struct side *side)
{
    const struct sp_address_range *range;
    char text[SP_ADDRESS_TEXT_BYTES], prefix[SP_ADDRESS_TEXT_BYTES + 8];
    size_t count = 0;
    for (uint32_t i = 0; (range = range_at(side, i)) != NULL && count <= SELECTORS_MAX; i++) {
        struct sp_prefixes prefixes = sp_prefixes_of(range);
        struct sp_address address;
        unsigned bits;
        while (range->first.family == side->family && count <= SELECTORS_MAX &&
               sp_prefixes_next(&prefixes, &address, &bits)) {
            snprintf(prefix, sizeof prefix, "%s/%u", sp_address_format(&address, text), bits);
            count = put_prefix(out, side, prefix, count);
        }
    }
    return count;
}

static void put_limit(FILE *out, const char *unit, uint64_t soft, uint64_t hard)
{
    if (hard != 0)
        fprintf(out, "                life_%s = %llu\n", unit, (unsigned long long)hard);
    if (hard != 0 && soft != 0)
        fprintf(out, "                rekey_%s = %llu\n", unit, (unsigned long long)soft);
}

/* RFC 5282 8: a combined mode cipher is proposed without an integrity algorithm. Numbers of 32 bits are what
 * strongSwan proposes where nothing is said. */
static void put_proposal(FILE *out, const struct sp_action_info *action)
{
    static const char *const ciphers[SP_ENCRYPTION_COUNT] = {[SP_ENCRYPTION_NULL] = "null",
                                                             [SP_ENCRYPTION_3DES_CBC] = "3des",
                                                             [SP_ENCRYPTION_AES128_GCM16] = "aes128gcm16",
                                                             [SP_ENCRYPTION_AES256_GCM16] = "aes256gcm16"};
    static const char *const hashes[SP_INTEGRITY_COUNT] = {[SP_INTEGRITY_HMAC_MD5_96] = "-md5",
                                                           [SP_INTEGRITY_HMAC_SHA1_96] = "-sha1",
                                                           [SP_INTEGRITY_HMAC_SHA2_256_128] = "-sha256",
                                                           [SP_INTEGRITY_COMBINED] = ""};
    fprintf(out, "                esp_proposals = %s%s%s\n", ciphers[action->encryption],
            hashes[action->integrity], action->has_esn ? "-esn" : "");
}

static void put_protection(FILE *out, const struct sp_action_info *action)
{
    struct sp_lifetime lifetime = action->lifetime;
    sp_lifetime_fill_soft(&lifetime);
    fprintf(out, "                mode = %s\n", sp_mode_name(action->mode));
    put_proposal(out, action);
    put_limit(out, "time", lifetime.soft_seconds, lifetime.hard_seconds);
    put_limit(out, "bytes", lifetime.soft_bytes, lifetime.hard_bytes);
    put_limit(out, "packets", lifetime.soft_packets, lifetime.hard_packets);
}

static void put_child(struct swanctl *swanctl, const char *name, uint32_t priority,
                      const struct sp_rule_info *rule, const struct side sides[2])
{
    FILE *out = swanctl->export.out;
    fprintf(out, "            %s-%u {\n                local_ts = ", name, sides[0].family);
    (void)put_side(out, &sides[0]);
    fputs("\n                remote_ts = ", out);
    (void)put_side(out, &sides[1]);
    fputc('\n', out);
    if (rule->action == SP_ACTION_PROTECT)
        put_protection(out, &swanctl->export.policy->actions[rule->action_index]);
    else
        fprintf(out, "                mode = %s\n", rule->action == SP_ACTION_BLOCK ? "drop" : "pass");
    fprintf(out, "                priority = %u\n                start_action = trap\n            }\n",
            priority);
}

/* Both families of a rule; SP_NO_RULE: the default. */
static void put_rule(struct swanctl *swanctl, uint32_t index, const struct sp_rule_info *rule,
                     const char *name, uint32_t priority)
{
    const bool is_out = rule->direction == SP_OUTBOUND;
    const struct sp_me *me = swanctl->export.me;
    for (uint8_t family = 4; family <= 6; family += 2) {
        const struct side sides[2] = {
            {is_out ? &rule->from : &rule->to, swanctl->mine, me->count, family, rule->protocol},
            {is_out ? &rule->to : &rule->from, swanctl->mine, me->count, family, rule->protocol}};
        const size_t near = put_side(NULL, &sides[0]), far = put_side(NULL, &sides[1]);
        if (near > SELECTORS_MAX || far > SELECTORS_MAX)
            sp_export_error(
                &swanctl->export, index,
                "one side needs over %u traffic selectors of IKE: write fewer addresses and ports",
                SELECTORS_MAX);
        else if (near > 0 && far > 0)
            put_child(swanctl, name, priority, rule, sides);
    }
}

static bool are_mirrors(const struct sp_rule_info *left, const struct sp_rule_info *right)
{
    return left->direction != right->direction && left->action == right->action &&
           left->protocol == right->protocol && sp_export_same_ends(&left->from, &right->to) &&
           sp_export_same_ends(&left->to, &right->from);
}

/* Whether the rule that is tried just before or behind says the same about the other direction. */
static bool has_mirror(const struct sp_policy *policy, uint32_t place)
{
    const struct sp_rule_info *rule = &policy->rules[policy->ordered[place]];
    return (place > 0 && are_mirrors(rule, &policy->rules[policy->ordered[place - 1]])) ||
           (place + 1 < policy->rule_count && are_mirrors(rule, &policy->rules[policy->ordered[place + 1]]));
}

static bool can_have(struct swanctl *swanctl, uint32_t place)
{
    const struct sp_policy *policy = swanctl->export.policy;
    const uint32_t index = policy->ordered[place];
    const struct sp_rule_info *rule = &policy->rules[index];
    const bool is_one_way = rule->action != SP_ACTION_PROTECT && !has_mirror(policy, place);
    const char *fault = NULL;
    if (rule->icmp.type_count > 0)
        fault = "types of ICMP would hold in both directions alike: write icmp or icmp6 without them";
    else if (rule->protocol == 0)
        fault = "strongSwan takes protocol 0 for any: name another one";
    else if (rule->action == SP_ACTION_BYPASS && is_one_way)
        fault = "strongSwan lets through both directions: write the mirrored rule beside this one";
    if (fault != NULL)
        sp_export_error(&swanctl->export, index, "%s", fault);
    else if (is_one_way)
        sp_export_tell(&swanctl->export, SP_SEVERITY_WARNING, index,
                       "strongSwan blocks the mirrored direction too, before all later rules");
    return fault == NULL;
}

static bool is_same_tunnel(const struct sp_action_info *left, const struct sp_action_info *right)
{
    return left->mode == SP_MODE_TUNNEL && right->mode == SP_MODE_TUNNEL &&
           memcmp(&left->tunnel_from, &right->tunnel_from, sizeof left->tunnel_from) == 0 &&
           memcmp(&left->tunnel_to, &right->tunnel_to, sizeof left->tunnel_to) == 0;
}

/* Each tunnel is a connection of its own, whose ends are IKE's; tunnel NULL: the one of all other rules. */
static bool is_of_connection(const struct sp_policy *policy, uint32_t index,
                             const struct sp_action_info *tunnel)
{
    const struct sp_rule_info *rule = &policy->rules[index];
    const struct sp_action_info *action =
        rule->action == SP_ACTION_PROTECT ? &policy->actions[rule->action_index] : NULL;
    const bool is_in_tunnel = action != NULL && action->mode == SP_MODE_TUNNEL;
    return tunnel == NULL ? !is_in_tunnel : is_in_tunnel && is_same_tunnel(action, tunnel);
}

/* IKE encapsulates all SAs of a connection or none. */
static bool is_encapsulated(struct swanctl *swanctl, const struct sp_action_info *tunnel)
{
    const struct sp_policy *policy = swanctl->export.policy;
    uint32_t plain = SP_NO_RULE, encapsulated = SP_NO_RULE;
    for (uint32_t i = 0; i < policy->rule_count; i++) {
        if (policy->rules[i].action != SP_ACTION_PROTECT || !is_of_connection(policy, i, tunnel))
            continue;
        if (policy->actions[policy->rules[i].action_index].is_encapsulated)
            encapsulated = i;
        else
            plain = i;
    }
    if (plain != SP_NO_RULE && encapsulated != SP_NO_RULE)
        sp_export_tell(&swanctl->export, SP_SEVERITY_WARNING, plain,
                       "strongSwan encapsulates in UDP here too, because another rule's action does");
    return encapsulated != SP_NO_RULE;
}

static void put_head(FILE *out)
{
    fputs("# For swanctl --load-conns where this host has no other policies. What this can't say:\n"
          "# - how peers authenticate: put local and remote ids here, and secrets or certificates;\n"
          "# - \"me\" is what it was when this was written;\n"
          "# - forwarded packets: drop and pass hold for them too.\n"
          "connections {\n",
          out);
}

static void put_connection_head(FILE *out, const struct sp_action_info *tunnel, uint32_t number,
                                bool has_encap)
{
    char from[SP_ADDRESS_TEXT_BYTES] = "%any", to[SP_ADDRESS_TEXT_BYTES] = "%any", name[32] = "sallyport";
    if (tunnel != NULL) {
        snprintf(name, sizeof name, "sallyport-tunnel-%u", number);
        sp_address_format(&tunnel->tunnel_from, from);
        sp_address_format(&tunnel->tunnel_to, to);
    }
    fprintf(out,
            "    %s {\n"
            "        version = 2\n"
            "        local_addrs = %s\n"
            "        remote_addrs = %s\n",
            name, from, to);
    if (has_encap)
        fputs("        encap = yes\n", out);
    fputs("        local {\n            auth = psk\n        }\n"
          "        remote {\n            auth = psk\n        }\n"
          "        children {\n",
          out);
}

static void put_connection(struct swanctl *swanctl, const struct sp_action_info *tunnel, uint32_t number)
{
    const struct sp_policy *policy = swanctl->export.policy;
    char name[32], text[512];
    put_connection_head(swanctl->export.out, tunnel, number, is_encapsulated(swanctl, tunnel));
    for (uint32_t place = 0; place < policy->rule_count; place++) {
        const uint32_t index = policy->ordered[place];
        if (!is_of_connection(policy, index, tunnel) || !can_have(swanctl, place))
            continue;
        fprintf(swanctl->export.out, "            # line %u: %s\n", policy->rules[index].line,
                sp_policy_rule_text(policy, index, text, sizeof text));
        snprintf(name, sizeof name, "rule-%u", index + 1);
        put_rule(swanctl, index, &policy->rules[index], name, FIRST_PRIORITY + place);
    }
    const struct sp_rule_info rest = {.action = SP_ACTION_BLOCK, .protocol = SP_PROTOCOL_ANY};
    if (policy->fallback == SP_ACTION_BLOCK && tunnel == NULL)
        put_rule(swanctl, SP_NO_RULE, &rest, "default", FIRST_PRIORITY + policy->rule_count);
    fputs("        }\n    }\n", swanctl->export.out);
}

/* The first action of the tunnel, of those that rules use? */
static bool is_first_of_tunnel(const struct sp_policy *policy, uint32_t index)
{
    bool is_used = false;
    for (uint32_t i = 0; i < index; i++)
        if (is_same_tunnel(&policy->actions[i], &policy->actions[index]))
            return false;
    for (uint32_t i = 0; i < policy->rule_count; i++)
        is_used |= is_of_connection(policy, i, &policy->actions[index]);
    return is_used;
}

static void put_all(struct swanctl *swanctl)
{
    const struct sp_policy *policy = swanctl->export.policy;
    uint32_t number = 0;
    put_head(swanctl->export.out);
    put_connection(swanctl, NULL, 0);
    for (uint32_t i = 0; i < policy->action_count; i++)
        if (policy->actions[i].mode == SP_MODE_TUNNEL && is_first_of_tunnel(policy, i))
            put_connection(swanctl, &policy->actions[i], ++number);
    fputs("}\n", swanctl->export.out);
}

enum sp_status sp_export_swanctl(const struct sp_policy *policy, const struct sp_me *me, char **ret_text,
                                 struct sp_report *report)
{
    SP_REQUIRE(policy != NULL && me != NULL && ret_text != NULL && report != NULL);
    struct swanctl swanctl = {.export = {.policy = policy, .me = me, .report = report},
                              .mine = calloc((size_t)me->count + 1, sizeof *swanctl.mine)};
    if (!sp_export_start(&swanctl.export) || swanctl.mine == NULL)
        sp_export_no_memory(&swanctl.export);
    else if (sp_export_knows_me(&swanctl.export)) {
        for (uint32_t i = 0; i < me->count; i++)
            swanctl.mine[i] = (struct sp_address_range){me->addresses[i], me->addresses[i]};
        put_all(&swanctl);
    }
    free(swanctl.mine);
    return sp_export_finish(&swanctl.export, ret_text);
}
