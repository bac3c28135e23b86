/* SPDX-License-Identifier: ISC
 *
 * A policy, and SAs, as lines for "ip -batch", with which the kernel's own IPsec (XFRM) does what the policy
 * says.
 *
 * The kernel tries policies by priority, so each box that a rule makes has one of its own, in the policy's
 * order. Its selectors have prefixes and single ports: ranges of addresses fall into prefixes, ranges of
 * ports into single ones. Two policies with one selector can't be had, and the second would never decide: it
 * is left out.
 */
#include "policy/compile.h"
#include "policy/export/export.h"
#include "policy/export/secret_text.h"
#include "core/misuse.h"
#include "sa/lifetime.h"

#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_PRIORITY 1000u
#define LAST_PRIORITY 4000000000u

struct xfrm {
    struct sp_export export;
    struct sp_names selectors; /* that were written */
    uint32_t told_rule;        /* the latest one with too many lines */
    uint32_t policy_count, state_count;
    const struct sp_action_info **suites; /* in use: one of each kind of SA; reqid - 1 */
    uint32_t suite_count;
    struct sp_secret_text states;
};

static struct sp_address address_of(uint8_t family, const struct sp_selector_address *number)
{
    struct sp_address address = {.family = family};
    for (int i = 0; i < 8; i++) {
        const unsigned shift = 56 - 8 * (unsigned)i;
        if (family == 4 && i < 4)
            address.bytes[i] = (uint8_t)(number->low >> (24 - 8 * i));
        if (family == 6) {
            address.bytes[i] = (uint8_t)(number->high >> shift);
            address.bytes[i + 8] = (uint8_t)(number->low >> shift);
        }
    }
    return address;
}

static struct sp_address_range everything(uint8_t family)
{
    struct sp_address_range range = {{.family = family}, {.family = family}};
    memset(range.last.bytes, 0xff, family == 4 ? 4 : 16);
    return range;
}

/* One selector dimension of ports: every value, or single ones. */
static uint32_t port_count(uint16_t first, uint16_t last)
{
    return first == 0 && last == UINT16_MAX ? 1 : (uint32_t)(last - first) + 1;
}

static bool is_icmp(const struct sp_selector_box *box)
{
    return box->protocol == IPPROTO_ICMP || box->protocol == IPPROTO_ICMPV6;
}

static const char *fault_of(const struct sp_selector_box *box)
{
    if (box->protocol == 0)
        return "the kernel takes protocol 0 for any: name another one";
    if (box->has_ports && !is_icmp(box) && box->protocol != IPPROTO_TCP && box->protocol != IPPROTO_UDP &&
        box->protocol != IPPROTO_SCTP && box->protocol != IPPROTO_DCCP)
        return "ip-xfrm has no ports for this protocol";
    return NULL;
}

/* The number of an SA's algorithms, mode, tunnel, encapsulation and sequence numbers among those in use. */
static uint32_t suite_of_sa(const struct xfrm *xfrm, const struct sp_sa_params *sa)
{
    for (uint32_t i = 0; i < xfrm->suite_count; i++)
        if (xfrm->suites[i]->encryption == sa->encryption && xfrm->suites[i]->integrity == sa->integrity &&
            xfrm->suites[i]->mode == sa->mode &&
            sp_action_is_between(xfrm->suites[i], &sa->source, &sa->destination) &&
            xfrm->suites[i]->is_encapsulated == sp_encap_is_on(&sa->encap) &&
            xfrm->suites[i]->has_esn == sa->has_esn)
            return i;
    return SP_NO_RULE;
}

/* The same of an action: that of the SAs that it uses. */
static uint32_t suite_of(const struct xfrm *xfrm, const struct sp_action_info *action)
{
    const uint16_t port = action->is_encapsulated ? SP_ENCAP_PORT : 0;
    const struct sp_sa_params sa = {.source = action->tunnel_from,
                                    .destination = action->tunnel_to,
                                    .mode = action->mode,
                                    .encryption = action->encryption,
                                    .integrity = action->integrity,
                                    .encap = {port, port},
                                    .has_esn = action->has_esn};
    return suite_of_sa(xfrm, &sa);
}

static bool find_suites(struct xfrm *xfrm)
{
    const struct sp_policy *policy = xfrm->export.policy;
    xfrm->suites = calloc((size_t)policy->action_count + 1, sizeof *xfrm->suites);
    if (xfrm->suites == NULL)
        return sp_export_no_memory(&xfrm->export);
    for (uint32_t i = 0; i < policy->rule_count; i++) {
        if (policy->rules[i].action != SP_ACTION_PROTECT)
            continue;
        const struct sp_action_info *action = &policy->actions[policy->rules[i].action_index];
        if (suite_of(xfrm, action) == SP_NO_RULE)
            xfrm->suites[xfrm->suite_count++] = action;
    }
    return true;
}

/* In tunnel mode the template has the ends, as packets of that direction see them. */
static void put_tunnel(FILE *out, const struct sp_action_info *action, enum sp_direction direction)
{
    char from[SP_ADDRESS_TEXT_BYTES], to[SP_ADDRESS_TEXT_BYTES];
    if (action->mode != SP_MODE_TUNNEL)
        return;
    sp_address_format(&action->tunnel_from, from);
    sp_address_format(&action->tunnel_to, to);
    fprintf(out, " src %s dst %s", direction == SP_OUTBOUND ? from : to,
            direction == SP_OUTBOUND ? to : from);
}

/* What the policy does, behind its selector. */
static void put_action(struct xfrm *xfrm, enum sp_direction direction, enum sp_action action,
                       uint32_t action_index)
{
    FILE *out = xfrm->export.out;
    if (action != SP_ACTION_PROTECT) {
        fputs(action == SP_ACTION_BLOCK ? " action block\n" : " action allow\n", out);
        return;
    }
    const struct sp_action_info *info = &xfrm->export.policy->actions[action_index];
    fputs(" action allow tmpl", out);
    put_tunnel(out, info, direction);
    fprintf(out, " proto esp mode %s", sp_mode_name(info->mode));
    if (xfrm->suite_count > 1)
        fprintf(out, " reqid %u", suite_of(xfrm, info) + 1);
    fputs(" level required\n", out);
}

struct line {
    enum sp_direction direction;
    bool is_forwarded;
    uint32_t priority;
    enum sp_action action;
    uint32_t action_index;
    char selector[256];
    size_t len_bytes;
};

static bool put_line(struct xfrm *xfrm, const struct line *line)
{
    char key[sizeof line->selector + 4];
    const char *direction = line->is_forwarded ? "fwd" : line->direction == SP_OUTBOUND ? "out" : "in";
    snprintf(key, sizeof key, "%s%s", direction, line->selector);
    if (sp_names_find(&xfrm->selectors, key) != SP_NAMES_NONE)
        return true;
    const char *kept = sp_storage_text(xfrm->export.storage, key, strlen(key));
    if (kept == NULL || !sp_names_add(&xfrm->selectors, kept, 0))
        return sp_export_no_memory(&xfrm->export);
    fprintf(xfrm->export.out, "xfrm policy add%s dir %s priority %u", line->selector, direction,
            line->priority);
    put_action(xfrm, line->direction, line->action, line->action_index);
    xfrm->policy_count++;
    return true;
}

static void put_port(struct line *line, const char *word, uint16_t first, uint16_t last, uint32_t number)
{
    if (first == 0 && last == UINT16_MAX)
        return;
    line->len_bytes +=
        (size_t)snprintf(line->selector + line->len_bytes, sizeof line->selector - line->len_bytes, " %s %u",
                         word, first + number);
}

/* The ports of a box, for one pair of prefixes. */
static bool put_ports(struct xfrm *xfrm, const struct sp_selector_box *box, const struct line *begun)
{
    const uint32_t sources = port_count(box->source_port_first, box->source_port_last);
    const uint32_t destinations = port_count(box->destination_port_first, box->destination_port_last);
    for (uint32_t s = 0; s < sources; s++) {
        for (uint32_t d = 0; d < destinations; d++) {
            struct line line = *begun;
            put_port(&line, is_icmp(box) ? "type" : "sport", box->source_port_first, box->source_port_last,
                     s);
            put_port(&line, is_icmp(box) ? "code" : "dport", box->destination_port_first,
                     box->destination_port_last, d);
            if (!put_line(xfrm, &line))
                return false;
        }
    }
    return true;
}

static bool has_room(struct xfrm *xfrm, const struct sp_selector_box *box,
                     const struct sp_address_range *source, const struct sp_address_range *destination)
{
    const uint64_t ports = (uint64_t)port_count(box->source_port_first, box->source_port_last) *
                           port_count(box->destination_port_first, box->destination_port_last);
    const uint64_t lines = ports * sp_prefixes_count(source) * sp_prefixes_count(destination);
    if (lines <= SP_EXPORT_LINES_A_RULE && xfrm->policy_count < SP_EXPORT_LINES)
        return true;
    if (xfrm->told_rule != box->rule)
        sp_export_error(&xfrm->export, box->rule,
                        "this needs %llu kernel policies, because these have no ranges of ports: name fewer",
                        (unsigned long long)lines);
    xfrm->told_rule = box->rule;
    return false;
}

static bool put_pairs(struct xfrm *xfrm, const struct sp_selector_box *box, struct line line,
                      const struct sp_address_range *source, const struct sp_address_range *destination)
{
    struct sp_address from, to;
    unsigned from_bits, to_bits;
    char from_text[SP_ADDRESS_TEXT_BYTES], to_text[SP_ADDRESS_TEXT_BYTES];
    struct sp_prefixes sources = sp_prefixes_of(source);
    if (!has_room(xfrm, box, source, destination))
        return true;
    while (sp_prefixes_next(&sources, &from, &from_bits)) {
        struct sp_prefixes destinations = sp_prefixes_of(destination);
        while (sp_prefixes_next(&destinations, &to, &to_bits)) {
            line.len_bytes = (size_t)snprintf(line.selector, sizeof line.selector, " src %s/%u dst %s/%u",
                                              sp_address_format(&from, from_text), from_bits,
                                              sp_address_format(&to, to_text), to_bits);
            if (box->protocol != SP_PROTOCOL_ANY)
                line.len_bytes +=
                    (size_t)snprintf(line.selector + line.len_bytes, sizeof line.selector - line.len_bytes,
                                     " proto %u", box->protocol);
            if (!put_ports(xfrm, box, &line))
                return false;
        }
    }
    return true;
}

static bool put_box(struct xfrm *xfrm, const struct sp_selector_box *box, const struct line *line)
{
    if (box->family == 0) {
        const struct sp_address_range all_4 = everything(4), all_6 = everything(6);
        return put_pairs(xfrm, box, *line, &all_4, &all_4) && put_pairs(xfrm, box, *line, &all_6, &all_6);
    }
    const struct sp_address_range source = {address_of(box->family, &box->source_first),
                                            address_of(box->family, &box->source_last)};
    const struct sp_address_range destination = {address_of(box->family, &box->destination_first),
                                                 address_of(box->family, &box->destination_last)};
    return put_pairs(xfrm, box, *line, &source, &destination);
}

/* Forwarded: what comes in for others, which the kernel judges apart. */
static enum sp_status put_direction(struct xfrm *xfrm, enum sp_direction direction, bool is_forwarded)
{
    const struct sp_policy *policy = xfrm->export.policy;
    struct sp_selector_box *boxes = NULL;
    uint32_t count = 0;
    enum sp_status status = sp_policy_boxes(policy, direction, xfrm->export.me, &boxes, &count);
    for (uint32_t i = 0; i < count && status == SP_OK; i++) {
        const struct sp_rule_info *rule = &policy->rules[boxes[i].rule];
        const struct line line = {.direction = direction,
                                  .is_forwarded = is_forwarded,
                                  .priority = FIRST_PRIORITY + i,
                                  .action = rule->action,
                                  .action_index = rule->action_index};
        const char *fault = fault_of(&boxes[i]);
        if (fault != NULL)
            sp_export_error(&xfrm->export, boxes[i].rule, "%s", fault);
        else if (!put_box(xfrm, &boxes[i], &line))
            status = SP_ERR_MEMORY;
    }
    free(boxes);
    if (status == SP_OK && policy->fallback == SP_ACTION_BLOCK) {
        const struct sp_selector_box all = {.protocol = SP_PROTOCOL_ANY,
                                            .source_port_last = UINT16_MAX,
                                            .destination_port_last = UINT16_MAX,
                                            .rule = SP_NO_RULE};
        const struct line line = {.direction = direction,
                                  .is_forwarded = is_forwarded,
                                  .priority = LAST_PRIORITY,
                                  .action = SP_ACTION_BLOCK};
        status = put_box(xfrm, &all, &line) ? SP_OK : SP_ERR_MEMORY;
    }
    return status;
}

static bool has_tunnels(const struct xfrm *xfrm)
{
    for (uint32_t i = 0; i < xfrm->suite_count; i++)
        if (xfrm->suites[i]->mode == SP_MODE_TUNNEL)
            return true;
    return false;
}

static void put_head(struct xfrm *xfrm)
{
    fputs("# Kernel policies, for \"ip -batch FILE\" where there are none yet (ip xfrm policy flush).\n"
          "# Ranges of addresses became prefixes and ranges of ports single ports. What this can't say:\n"
          "# - \"me\" is what it was when this was written;\n"
          "# - which algorithms protect: the SAs say it, and the daemon that brings them;\n"
          "# - forwarded packets: what goes out is held to the policy, what comes in only with tunnels;\n"
          "# - fragments whose ports aren't known: the kernel puts them together first.\n",
          xfrm->export.out);
}

/* The tighter of the SA's own limits and its action's; without any, w2k's. */
static struct sp_lifetime lifetime_of(const struct sp_sa_params *sa, const struct sp_action_info *action)
{
    struct sp_lifetime lifetime = {0};
    if (sa->has_lifetime)
        lifetime = sa->lifetime;
    else
        (void)!sp_lifetime_preset("w2k", &lifetime);
    if (action != NULL)
        sp_lifetime_tighten(&lifetime, &action->lifetime);
    sp_lifetime_fill_soft(&lifetime);
    return lifetime;
}

static void put_limits(struct sp_secret_text *text, const struct sp_lifetime *lifetime)
{
    const struct {
        const char *word;
        uint64_t soft, hard;
    } limits[] = {{"byte", lifetime->soft_bytes, lifetime->hard_bytes},
                  {"packet", lifetime->soft_packets, lifetime->hard_packets},
                  {"time", lifetime->soft_seconds, lifetime->hard_seconds}};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (limits[i].hard == 0)
            continue;
        if (limits[i].soft != 0)
            sp_secret_text_put(text, " limit %s-soft %llu", limits[i].word,
                               (unsigned long long)limits[i].soft);
        sp_secret_text_put(text, " limit %s-hard %llu", limits[i].word, (unsigned long long)limits[i].hard);
    }
}

/* RFC 4106: the kernel, too, takes the salt behind the key. */
static void put_combined(struct sp_secret_text *text, const struct sp_sa_params *sa)
{
    sp_secret_text_put(text, " aead 'rfc4106(gcm(aes))' ");
    sp_secret_text_put_key(text, sa->encryption_key, sa->encryption_key_bytes);
    sp_secret_text_put(text, " 128");
}

static void put_algorithms(struct sp_secret_text *text, const struct sp_sa_params *sa)
{
    static const char *const ciphers[SP_ENCRYPTION_COUNT] = {
        [SP_ENCRYPTION_NULL] = "ecb(cipher_null)", [SP_ENCRYPTION_3DES_CBC] = "cbc(des3_ede)"};
    static const struct {
        const char *name;
        unsigned icv_bits;
    } hashes[SP_INTEGRITY_COUNT] = {[SP_INTEGRITY_HMAC_MD5_96] = {"hmac(md5)", 96},
                                    [SP_INTEGRITY_HMAC_SHA1_96] = {"hmac(sha1)", 96},
                                    [SP_INTEGRITY_HMAC_SHA2_256_128] = {"hmac(sha256)", 128}};
    if (sa->integrity == SP_INTEGRITY_COMBINED) {
        put_combined(text, sa);
        return;
    }
    sp_secret_text_put(text, " auth-trunc '%s' ", hashes[sa->integrity].name);
    sp_secret_text_put_key(text, sa->integrity_key, sa->integrity_key_bytes);
    sp_secret_text_put(text, " %u enc '%s' ", hashes[sa->integrity].icv_bits, ciphers[sa->encryption]);
    sp_secret_text_put_key(text, sa->encryption_key, sa->encryption_key_bytes);
}

/* The kernel has a flag for each thing that it does otherwise than copying, and not for everything. */
static void put_outer(struct xfrm *xfrm, const struct sp_sa_params *sa)
{
    const struct sp_tunnel *tunnel = &sa->tunnel;
    if (tunnel->df == SP_TUNNEL_DF_SET)
        sp_export_error(&xfrm->export, SP_NO_RULE,
                        "the kernel copies DF or clears it: write df copy or clear in the SA 0x%08x",
                        sa->spi);
    if (tunnel->has_dscp && tunnel->dscp != 0)
        sp_export_error(&xfrm->export, SP_NO_RULE,
                        "the kernel copies DSCP or clears it: write dscp copy or 0 in the SA 0x%08x",
                        sa->spi);
    sp_secret_text_put(&xfrm->states, "%s%s%s", tunnel->df == SP_TUNNEL_DF_CLEAR ? " flag nopmtudisc" : "",
                       tunnel->has_no_ecn ? " flag noecn" : "",
                       tunnel->has_dscp ? " extra-flag dont-encap-dscp" : "");
}

static void put_state(const struct sp_sa_params *sa, void *context)
{
    struct xfrm *xfrm = context;
    struct sp_secret_text *text = &xfrm->states;
    char source[SP_ADDRESS_TEXT_BYTES], destination[SP_ADDRESS_TEXT_BYTES];
    const uint32_t suite = suite_of_sa(xfrm, sa);
    const struct sp_lifetime lifetime = lifetime_of(sa, suite != SP_NO_RULE ? xfrm->suites[suite] : NULL);
    if (suite == SP_NO_RULE)
        sp_export_tell(
            &xfrm->export, SP_SEVERITY_WARNING, SP_NO_RULE,
            "no rule has the algorithms, mode, encapsulation and sequence numbers of the SA 0x%08x", sa->spi);
    sp_secret_text_put(text, "xfrm state add src %s dst %s proto esp spi 0x%08x mode %s",
                       sp_address_format(&sa->source, source),
                       sp_address_format(&sa->destination, destination), sa->spi, sp_mode_name(sa->mode));
    if (xfrm->suite_count > 1 && suite != SP_NO_RULE)
        sp_secret_text_put(text, " reqid %u", suite + 1);
    sp_secret_text_put(text, " replay-window %u%s",
                       sa->replay_window_packets != 0 ? sa->replay_window_packets : SP_REPLAY_WINDOW_MIN,
                       sa->has_esn ? " flag esn" : "");
    put_outer(xfrm, sa);
    put_algorithms(text, sa);
    if (sp_encap_is_on(&sa->encap))
        sp_secret_text_put(text, " encap espinudp %u %u %s", sa->encap.source_port,
                           sa->encap.destination_port, sa->source.family == 4 ? "0.0.0.0" : "::");
    put_limits(text, &lifetime);
    sp_secret_text_put(text, "\n");
    xfrm->state_count++;
}

static enum sp_status put_states(struct xfrm *xfrm, const char *keys)
{
    sp_secret_text_put(&xfrm->states, "# States, with their keys: keep this file secret.\n");
    const enum sp_status status = sp_keys_visit(keys, put_state, xfrm, xfrm->export.report);
    return status == SP_OK && xfrm->states.is_out_of_memory ? SP_ERR_MEMORY : status;
}

static enum sp_status put_all(struct xfrm *xfrm, const char *keys)
{
    if (!sp_export_knows_me(&xfrm->export))
        return SP_OK; /* an error was counted */
    if (!find_suites(xfrm))
        return SP_ERR_MEMORY;
    put_head(xfrm);
    enum sp_status status = put_direction(xfrm, SP_OUTBOUND, false);
    if (status == SP_OK)
        status = put_direction(xfrm, SP_INBOUND, false);
    if (status == SP_OK && has_tunnels(xfrm))
        status = put_direction(xfrm, SP_INBOUND, true);
    if (status == SP_OK && keys != NULL)
        status = put_states(xfrm, keys);
    return status;
}

enum sp_status sp_export_xfrm(const struct sp_policy *policy, const struct sp_me *me, const char *keys,
                              struct sp_xfrm_result *ret_result, struct sp_report *report)
{
    SP_REQUIRE(policy != NULL && me != NULL && ret_result != NULL && report != NULL);
    struct xfrm xfrm = {.export = {.policy = policy, .me = me, .report = report}, .told_rule = SP_NO_RULE};
    char *text = NULL;
    if (sodium_init() < 0)
        return SP_ERR_SYSTEM;
    enum sp_status failure = sp_export_start(&xfrm.export) ? put_all(&xfrm, keys) : SP_ERR_MEMORY;
    sp_names_free(&xfrm.selectors);
    free(xfrm.suites);
    enum sp_status status = sp_export_finish(&xfrm.export, &text);
    if (failure != SP_OK)
        status = failure;
    if (status != SP_OK) {
        free(text);
        sp_secret_text_free(&xfrm.states);
        return status;
    }
    *ret_result = (struct sp_xfrm_result){text, xfrm.states.bytes, xfrm.states.len_bytes, xfrm.policy_count,
                                          xfrm.state_count};
    return SP_OK;
}

void sp_xfrm_result_free(struct sp_xfrm_result *result)
{
    struct sp_secret_text states = {.bytes = result->states};
    free(result->text);
    sp_secret_text_free(&states);
    *result = (struct sp_xfrm_result){0};
}
