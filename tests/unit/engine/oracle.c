/* SPDX-License-Identifier: ISC
 *
 * The engine's matching against an oracle: random policies as text, random packets, and a naive matcher that
 * knows neither parser, compiler nor tables, but only the sentences that it wrote itself.
 */
#include "gate.h"

struct sentence {
    enum sp_action action;
    enum sp_direction direction;
    int protocol;           /* -1: any */
    int from, to;           /* index into hosts, ANY or ME */
    int from_port, to_port; /* -1: none; a range of three ports from there */
    int type, code;         /* of ICMP; -1: none; a range of two from there */
    bool names_sets;        /* says hosts and ports by the names of sets that hold them */
};

enum { ANY = -1, ME = -2, HOSTS = 4, RULES_MAX = 12 };
static const char *const hosts[HOSTS] = {FRONT, BACK, "198.51.100.7", "2001:db8::9"};
static const int protocols[3] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP};

static uint64_t state;

static int draw(int below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (int)(state % (uint64_t)below);
}

static bool family_clash(int from, int to)
{
    return from >= 0 && to >= 0 && (from == 3) != (to == 3);
}

static struct sentence draw_sentence(void)
{
    struct sentence it = {.action = (enum sp_action)draw(3), .direction = draw(2) ? SP_INBOUND : SP_OUTBOUND};
    it.protocol = draw(4) ? protocols[draw(3)] : -1;
    do {
        it.from = draw(HOSTS + 2) - 2;
        it.to = draw(HOSTS + 2) - 2;
    } while (family_clash(it.from, it.to));
    bool has_ports = it.protocol == IPPROTO_TCP || it.protocol == IPPROTO_UDP;
    it.from_port = has_ports && !draw(3) ? draw(6) : -1;
    it.to_port = has_ports && draw(2) ? draw(6) : -1;
    it.type = it.protocol == IPPROTO_ICMP && draw(2) ? draw(6) : -1;
    it.code = it.type >= 0 && draw(2) ? draw(3) : -1;
    it.names_sets = draw(2);
    return it;
}

static void write_sets(FILE *out)
{
    fputs("set \"me\" { me }\n", out);
    for (int host = 0; host < HOSTS; host++)
        fprintf(out, "set \"%s\" { %s }\n", hosts[host], hosts[host]);
    for (int port = 0; port < 6; port++)
        fprintf(out, "set \"last %d\" { %d-%d }\nset \"%d\" { %d, \"last %d\" }\n", port, 81 + port,
                82 + port, port, 80 + port, port);
}

static void write_end(FILE *out, const char *word, int host, int port, bool names_sets)
{
    const char *quote = names_sets && host != ANY ? "\"" : "";
    fprintf(out, " %s %s%s%s", word, quote, host == ANY ? "any" : host == ME ? "me" : hosts[host], quote);
    if (port >= 0 && names_sets)
        fprintf(out, " port \"%d\"", port);
    else if (port >= 0)
        fprintf(out, " port %d-%d", 80 + port, 82 + port);
}

static void write_sentence(FILE *out, const struct sentence *it)
{
    fprintf(out, "%s %s", sp_action_name(it->action), it->direction == SP_OUTBOUND ? "out" : "in");
    if (it->protocol >= 0)
        fprintf(out, " %s",
                it->protocol == IPPROTO_TCP   ? "tcp"
                : it->protocol == IPPROTO_UDP ? "udp"
                                              : "icmp");
    if (it->type >= 0)
        fprintf(out, " type %d-%d", it->type, it->type + 1);
    if (it->code >= 0)
        fprintf(out, " code { %d, %d }", it->code + 1, it->code);
    write_end(out, "from", it->from, it->from_port, it->names_sets);
    write_end(out, "to", it->to, it->to_port, it->names_sets);
    fprintf(out, "%s\n", it->action == SP_ACTION_PROTECT ? " with \"encrypt\"" : "");
}

/* The man page's sentence about `order specific`, as numbers to compare one after another. */
enum { WIDTHS = 8 };

static void fill_widths(const struct sentence *it, int widths[WIDTHS])
{
    bool is_out = it->direction == SP_OUTBOUND;
    int far = is_out ? it->to : it->from, near = is_out ? it->from : it->to;
    int far_port = is_out ? it->to_port : it->from_port, near_port = is_out ? it->from_port : it->to_port;
    const int all[WIDTHS] = {
        far == ANY,       near == ANY,
        it->protocol < 0, far_port < 0,
        near_port < 0,    it->type < 0,
        it->code < 0,     it->action == SP_ACTION_BLOCK ? 0 : it->action == SP_ACTION_PROTECT ? 1 : 2,
    };
    memcpy(widths, all, sizeof all);
}

static bool is_tried_before(const struct sentence *one, const struct sentence *other)
{
    int left[WIDTHS], right[WIDTHS];
    fill_widths(one, left);
    fill_widths(other, right);
    for (int i = 0; i < WIDTHS; i++)
        if (left[i] != right[i])
            return left[i] < right[i];
    return one < other; /* as listed */
}

struct flow {
    enum sp_direction direction;
    int protocol, from, to, from_port, to_port;
    int type, code;
};

/* The host under test is hosts[0]. */
static bool end_matches(int wanted, int wanted_port, int host, int port)
{
    if (wanted == ME && host != 0)
        return false;
    if (wanted >= 0 && wanted != host)
        return false;
    return wanted_port < 0 || (port >= 80 + wanted_port && port <= 82 + wanted_port);
}

static bool sentence_matches(const struct sentence *it, const struct flow *flow)
{
    if (it->protocol >= 0 && it->protocol != flow->protocol)
        return false;
    if (it->type >= 0 && (flow->type < it->type || flow->type > it->type + 1))
        return false;
    if (it->code >= 0 && (flow->code < it->code || flow->code > it->code + 1))
        return false;
    if (it->direction == flow->direction)
        return end_matches(it->from, it->from_port, flow->from, flow->from_port) &&
               end_matches(it->to, it->to_port, flow->to, flow->to_port);
    return it->action == SP_ACTION_PROTECT && end_matches(it->to, it->to_port, flow->from, flow->from_port) &&
           end_matches(it->from, it->from_port, flow->to, flow->to_port);
}

static struct flow draw_flow(void)
{
    struct flow flow = {.direction = draw(2) ? SP_INBOUND : SP_OUTBOUND, .protocol = protocols[draw(3)]};
    do {
        flow.from = draw(HOSTS);
        flow.to = draw(HOSTS);
    } while (family_clash(flow.from, flow.to));
    flow.type = draw(8);
    flow.code = draw(5);
    if (flow.protocol != IPPROTO_ICMP) {
        flow.from_port = 79 + draw(10);
        flow.to_port = 79 + draw(10);
    }
    return flow;
}

static struct sp_packet ask(struct gate *gate, const struct flow *flow)
{
    static struct made_packet made;
    make_packet(&made, hosts[flow->from], hosts[flow->to], (uint8_t)flow->protocol, (uint16_t)flow->from_port,
                (uint16_t)flow->to_port, 4);
    if (flow->protocol == IPPROTO_ICMP) {
        uint8_t *message = made.memory + SP_PACKET_HEADROOM_BYTES + (flow->from == 3 ? 40 : 20);
        message[0] = (uint8_t)flow->type;
        message[1] = (uint8_t)flow->code;
    }
    if (flow->direction == SP_OUTBOUND)
        sp_outbound(gate->worker, &made.packet, 1);
    else
        sp_inbound(gate->worker, &made.packet, 1);
    return made.packet;
}

/* There are no SAs, so protecting shows as a drop for want of one, or of clear text. */
static enum sp_drop expected_reason(enum sp_action action, enum sp_direction direction)
{
    if (action == SP_ACTION_BYPASS)
        return SP_DROP_NONE;
    if (action == SP_ACTION_BLOCK)
        return SP_DROP_POLICY_BLOCK;
    return direction == SP_OUTBOUND ? SP_DROP_NO_SA : SP_DROP_CLEAR_TEXT;
}

/* The sentence that decides; count when none does. */
static size_t decide(const struct sentence *sentences, size_t count, bool is_specific,
                     const struct flow *flow)
{
    size_t best = count;
    for (size_t i = 0; i < count; i++) {
        if (!sentence_matches(&sentences[i], flow))
            continue;
        if (best == count || (is_specific && is_tried_before(&sentences[i], &sentences[best])))
            best = i;
    }
    return best;
}

static size_t draw_policy(struct sentence *sentences, bool is_specific, char **text)
{
    size_t size, count = (size_t)draw(RULES_MAX + 1);
    FILE *out = open_memstream(text, &size);
    fputs(ENCRYPT, out);
    write_sets(out);
    fputs(is_specific ? "order specific\n" : "", out);
    for (size_t i = 0; i < count; i++) {
        sentences[i] = draw_sentence();
        write_sentence(out, &sentences[i]);
    }
    fprintf(out, "default %s\n", draw(2) ? "bypass" : "block");
    fclose(out);
    return count;
}

static void explain_agrees(const struct gate *gate, const struct flow *flow, uint32_t rule)
{
    struct sp_flow asked = {.direction = flow->direction,
                            .protocol = (uint8_t)flow->protocol,
                            .source_port = (uint16_t)flow->from_port,
                            .destination_port = (uint16_t)flow->to_port,
                            .has_icmp_type = flow->protocol == IPPROTO_ICMP,
                            .icmp_type = (uint8_t)flow->type,
                            .icmp_code = (uint8_t)flow->code};
    struct sp_address front;
    cr_assert_eq(sp_address_parse(hosts[flow->from], &asked.source), SP_OK);
    cr_assert_eq(sp_address_parse(hosts[flow->to], &asked.destination), SP_OK);
    cr_assert_eq(sp_address_parse(FRONT, &front), SP_OK);
    struct sp_me me = {.addresses = &front, .count = 1};
    struct sp_match match;
    cr_assert_geq(sp_policy_explain(sp_engine_policy(gate->engine), &me, &asked, &match, 1), 1);
    cr_assert_eq(match.rule, rule);
}

Test(oracle, engine_and_explain_agree_with_the_naive_matcher)
{
    state = 0x0a4ac1e;
    struct gate gate = gate_bare();
    for (int round = 0; round < 300; round++) {
        struct sentence sentences[RULES_MAX];
        char *text;
        size_t count = draw_policy(sentences, round % 2, &text);
        gate_publish(&gate, text, FRONT);
        enum sp_action fallback = sp_policy_default(sp_engine_policy(gate.engine));
        for (int i = 0; i < 300; i++) {
            struct flow flow = draw_flow();
            size_t rule = decide(sentences, count, round % 2, &flow);
            enum sp_action action = rule < count ? sentences[rule].action : fallback;
            struct sp_packet packet = ask(&gate, &flow);
            cr_assert_eq(packet.rule, rule < count ? (uint32_t)rule : SP_NO_RULE, "round %d:\n%s", round,
                         text);
            cr_assert_eq(packet.reason, expected_reason(action, flow.direction), "round %d:\n%s", round,
                         text);
            explain_agrees(&gate, &flow, packet.rule);
        }
        free(text);
    }
    gate_close(&gate);
}
