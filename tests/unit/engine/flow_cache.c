/* SPDX-License-Identifier: ISC
 *
 * Tests of lib/engine/classify.c: under a policy so large that flows are remembered, packets leave exactly as
 * they do where nothing is remembered, whatever they are, and counted alike.
 */
#include "engine/engine.h"
#include "gate.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { FILLERS = 9000, BURST = 200 };

/* With AVX-512 no table is dear enough for flows to be remembered. Each test is its own process: the
 * processor's features haven't been asked for yet. */
static void make_lookups_dear(void)
{
    cr_assert_eq(setenv("SALLYPORT_CPUMASK", "all", 1), 0);
}

TestSuite(flow_cache, .init = make_lookups_dear);

static uint64_t state = 0xcac4e;

static uint32_t draw(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state % below);
}

/* Rules in front of a thousand others: about ports, types, both families, and one that decides fragments. */
#define DECIDERS                                                                                             \
    ENCRYPT                                                                                                  \
    "protect out tcp from me to 198.18.0.0/15 port 80-89 with \"encrypt\"\n"                                 \
    "bypass out tcp from me to 198.18.0.0/15 port 70-89\n"                                                   \
    "block in tcp from 198.18.0.0/15 to me port 82-84\n"                                                     \
    "bypass in tcp from 198.18.0.0/15 to me port 80-99\n"                                                    \
    "bypass out icmp type 8 from me to any\n"                                                                \
    "block in icmp type 3-5 code 1 from any to me\n"                                                         \
    "block out icmp from me to 198.19.0.0/16\n"                                                              \
    "bypass out udp from 2001:db8::/32 to 2001:db8::/32 port 80-85\n"                                        \
    "protect out udp from me to 2001:db8::/64 port 83-90 with \"encrypt\"\n"                                 \
    "block in udp from 2001:db8::/32 to any port 86\n"

/* Half of them in each direction, about addresses that no packet of the tests has but a few. */
static char *draw_policy(const char *deciders, const char *fallback)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    fputs(deciders, out);
    for (int i = 0; i < FILLERS; i++)
        fprintf(out, "%s %s tcp from 198.%d.%d.%d to any port %d\n", i % 3 ? "block" : "bypass",
                i % 2 ? "out" : "in", i % 250 == 0 ? 18 : 17, i / 256, i % 256, 80 + i % 7);
    fprintf(out, "default %s\n", fallback);
    fclose(out);
    return text;
}

static struct gate open_gate(const char *text)
{
    struct gate gate = gate_open(text, FRONT);

    for (int direction = 0; direction < 2; direction++)
        cr_assert(gate.engine->snapshot->is_cached[direction], "too few rules");
    gate_add_sa(&gate, 0x2001, FRONT, "198.18.0.1");
    return gate;
}

static struct gate open_gate_without_memory(const char *text)
{
    struct gate gate = open_gate(text);

    gate.engine->snapshot->is_cached[SP_OUTBOUND] = gate.engine->snapshot->is_cached[SP_INBOUND] = false;
    return gate;
}

static void fragment_ipv4(uint8_t *packet)
{
    struct iphdr *ip = (struct iphdr *)packet;

    ip->frag_off = htons((uint16_t)(draw(2) ? IP_MF : draw(64) + 1));
    ip->check = 0;
    ip->check = htons(made_checksum(ip, sizeof *ip));
}

/* The first bytes behind the header become a fragment header (RFC 8200 4.5). */
static void fragment_ipv6(uint8_t *packet, uint8_t protocol)
{
    struct ip6_hdr *ip = (struct ip6_hdr *)packet;
    struct ip6_frag fragment = {.ip6f_nxt = protocol,
                                .ip6f_offlg = htons((uint16_t)(draw(3) << 3 | draw(2)))};

    ip->ip6_nxt = IPPROTO_FRAGMENT;
    memcpy(packet + sizeof *ip, &fragment, sizeof fragment);
}

/* Few flows for most packets, all kinds of them, and many for the others. */
static void draw_packet(struct made_packet *made)
{
    static const uint8_t protocols[] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_GRE};
    uint8_t protocol = protocols[draw(sizeof protocols)];
    bool is_ipv6 = draw(4) == 0, is_back = draw(2), is_rare = draw(8) == 0;
    char far[64];

    if (is_ipv6)
        snprintf(far, sizeof far, "2001:db8:0:%x::%x", draw(2), is_rare ? draw(60000) : draw(3));
    else
        snprintf(far, sizeof far, "198.18.%u.%u", is_rare ? draw(256) : 0, is_rare ? draw(256) : draw(4));
    const char *mine = is_ipv6 ? "2001:db8::1" : FRONT;
    make_packet(made, is_back ? far : mine, is_back ? mine : far, protocol, (uint16_t)(78 + draw(14)),
                (uint16_t)(is_rare ? draw(65536) : 78 + draw(14)), 4);
    uint8_t *packet = made->memory + SP_PACKET_HEADROOM_BYTES, *rest = packet + (is_ipv6 ? 40 : 20);
    if (protocol == IPPROTO_ICMP) {
        rest[0] = (uint8_t)draw(10);
        rest[1] = (uint8_t)draw(3);
    }
    if (draw(6) == 0 && is_ipv6)
        fragment_ipv6(packet, protocol);
    else if (draw(6) == 0 && !is_ipv6)
        fragment_ipv4(packet);
    else if (draw(50) == 0)
        made->packet.len_bytes = (uint32_t)(is_ipv6 ? 40 : 20) + draw(4); /* cut off */
}

static void compare_packets(const struct made_packet *a, const struct made_packet *b)
{
    cr_assert_eq(a->packet.verdict, b->packet.verdict);
    cr_assert_eq(a->packet.reason, b->packet.reason);
    cr_assert_eq(a->packet.rule, b->packet.rule);
    cr_assert_eq(a->packet.sa, b->packet.sa);
    cr_assert_eq(a->packet.len_bytes, b->packet.len_bytes);
}

static void offer_to_both(struct gate *gates, enum sp_direction direction)
{
    static struct made_packet made[2][BURST];
    struct sp_packet packets[2][BURST];

    for (int i = 0; i < BURST; i++) {
        draw_packet(&made[0][i]);
        made[1][i] = made[0][i];
        made[1][i].packet.buffer = made[1][i].memory;
    }
    for (int gate = 0; gate < 2; gate++) {
        for (int i = 0; i < BURST; i++)
            packets[gate][i] = made[gate][i].packet;
        if (direction == SP_OUTBOUND)
            sp_outbound(gates[gate].worker, packets[gate], BURST);
        else
            sp_inbound(gates[gate].worker, packets[gate], BURST);
        for (int i = 0; i < BURST; i++)
            made[gate][i].packet = packets[gate][i];
    }
    for (int i = 0; i < BURST; i++)
        compare_packets(&made[0][i], &made[1][i]);
}

static void compare_counters(struct gate *gates)
{
    struct sp_stats stats[2];
    uint32_t count = sp_policy_rule_count(sp_engine_policy(gates[0].engine));

    for (int gate = 0; gate < 2; gate++)
        sp_engine_stats(gates[gate].engine, &stats[gate]);
    cr_assert_eq(memcmp(&stats[0], &stats[1], sizeof stats[0]), 0);
    for (uint32_t rule = 0; rule <= count; rule++) {
        for (int gate = 0; gate < 2; gate++)
            cr_assert_eq(
                sp_engine_rule_stats(gates[gate].engine, rule < count ? rule : SP_NO_RULE, &stats[gate]),
                SP_OK);
        cr_assert_eq(memcmp(&stats[0], &stats[1], sizeof stats[0]), 0, "rule %u", rule);
    }
}

Test(flow_cache, packets_leave_as_they_do_where_no_flow_is_remembered)
{
    static const char *const fallbacks[] = {"bypass", "block"};

    for (int round = 0; round < 2; round++) {
        char *text = draw_policy(DECIDERS, fallbacks[round]);
        struct gate gates[2] = {open_gate(text), open_gate_without_memory(text)};
        for (int burst = 0; burst < 300; burst++)
            offer_to_both(gates, burst % 2 ? SP_INBOUND : SP_OUTBOUND);
        compare_counters(gates);
        struct sp_flow_cache_stats with = sp_flow_cache_stats(gates[0].worker->flows);
        struct sp_flow_cache_stats without = sp_flow_cache_stats(gates[1].worker->flows);
        cr_assert_gt(with.hits, 10000);
        cr_assert_gt(with.misses, 1000);
        cr_assert_eq(without.hits + without.misses + without.unasked, 0);
        gate_close(&gates[0]);
        gate_close(&gates[1]);
        free(text);
    }
}

static enum sp_drop leave(struct gate *gate, uint8_t protocol, uint16_t port)
{
    struct made_packet made;

    make_packet(&made, FRONT, "198.18.0.77", protocol, 4000, port, 8);
    sp_outbound(gate->worker, &made.packet, 1);
    return made.packet.reason;
}

Test(flow_cache, a_new_policy_decides_the_very_next_packet_of_a_known_flow)
{
    /* none decides by the box that decided before */
    static const char *const deciders[] = {"block out tcp from me to any port 80\n",
                                           "block out udp from me to any\nbypass out tcp from me to any\n",
                                           ""};
    char *texts[3];
    struct gate gate = gate_bare();

    for (int i = 0; i < 3; i++)
        texts[i] = draw_policy(deciders[i], "block");
    for (int round = 0; round < 9; round++) {
        gate_publish(&gate, texts[round % 3], FRONT);
        for (int i = 0; i < 3; i++)
            cr_assert_eq(leave(&gate, IPPROTO_TCP, 80), round % 3 == 1 ? SP_DROP_NONE : SP_DROP_POLICY_BLOCK);
    }
    cr_assert_geq(sp_flow_cache_stats(gate.worker->flows).hits, 9 * 2);
    gate_close(&gate);
    for (int i = 0; i < 3; i++)
        free(texts[i]);
}

struct reload {
    struct gate *gate;
    atomic_int begun, done; /* publications */
    atomic_bool is_over;
    atomic_uint bursts, wrong;
};

/* Even publications let the flow pass, odd ones don't. */
static void *offer_one_flow(void *argument)
{
    struct reload *reload = argument;
    struct sp_worker *worker;
    struct made_packet made;

    cr_assert_eq(sp_worker_create(reload->gate->engine, &worker), SP_OK);
    while (!reload->is_over) {
        struct sp_packet packets[32];
        make_packet(&made, FRONT, "198.18.0.77", IPPROTO_TCP, 4000, 80, 8);
        for (int i = 0; i < 32; i++)
            packets[i] = made.packet;
        int done = reload->done;
        sp_outbound(worker, packets, 32);
        bool is_settled = reload->begun == done;
        for (int i = 0; i < 32; i++)
            reload->wrong += packets[i].verdict != packets[0].verdict ||
                             (is_settled && (packets[i].verdict == SP_VERDICT_BYPASS) != (done % 2 == 0));
        reload->bursts++;
    }
    sp_worker_destroy(&worker);
    return NULL;
}

Test(flow_cache, a_reload_under_traffic_leaves_no_answer_of_the_former_policy)
{
    char *texts[2] = {draw_policy("bypass out tcp from me to any port 80\n", "block"),
                      draw_policy("bypass out udp from me to any\nblock out tcp from me to any\n", "block")};
    struct gate gate = gate_bare();
    struct reload reload = {.gate = &gate};
    pthread_t thread;

    gate_publish(&gate, texts[0], FRONT);
    cr_assert_eq(pthread_create(&thread, NULL, offer_one_flow, &reload), 0);
    for (int i = 1; i < 40; i++) {
        reload.begun = i;
        gate_publish(&gate, texts[i % 2], FRONT);
        reload.done = i;
        for (unsigned before = reload.bursts; reload.bursts < before + 20;)
            (void)sched_yield();
    }
    reload.is_over = true;
    pthread_join(thread, NULL);
    cr_assert_eq(reload.wrong, 0);
    gate_close(&gate);
    free(texts[0]);
    free(texts[1]);
}
