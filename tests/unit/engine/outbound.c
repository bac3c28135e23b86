/* SPDX-License-Identifier: ISC
 *
 * Tests of lib/engine/outbound.c.
 */
#include "gate.h"

static struct made_packet made;

static struct sp_packet *leave(struct gate *gate)
{
    sp_outbound(gate->worker, &made.packet, 1);
    return &made.packet;
}

Test(outbound, before_the_first_policy_everything_is_blocked)
{
    struct gate gate = gate_bare();
    make_packet(&made, FRONT, BACK, IPPROTO_TCP, 4000, 443, 10);
    cr_assert_eq(leave(&gate)->verdict, SP_VERDICT_DROP);
    cr_assert_eq(made.packet.reason, SP_DROP_POLICY_BLOCK);
    gate_close(&gate);
}

Test(outbound, port_80_of_the_front_end_is_sealed)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    make_packet(&made, FRONT, BACK, IPPROTO_TCP, 4000, 80, 10);
    uint32_t clear_bytes = made.packet.len_bytes;
    cr_assert_eq(leave(&gate)->verdict, SP_VERDICT_SEALED);
    cr_assert_eq(made.packet.rule, 1);
    cr_assert_gt(made.packet.len_bytes, clear_bytes);
    cr_assert_eq(made.packet.buffer[made.packet.head_bytes + 9], IPPROTO_ESP);
    gate_close(&gate);
}

Test(outbound, replies_from_port_80_of_the_back_end_are_sealed_by_the_mirror)
{
    struct gate gate = gate_open(BACK_END, BACK);
    make_packet(&made, BACK, FRONT, IPPROTO_TCP, 80, 4000, 10);
    cr_assert_eq(leave(&gate)->verdict, SP_VERDICT_SEALED);
    gate_close(&gate);
}

Test(outbound, other_ports_pass_as_they_are)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    make_packet(&made, FRONT, BACK, IPPROTO_TCP, 4000, 81, 10);
    struct made_packet before = made;
    cr_assert_eq(leave(&gate)->verdict, SP_VERDICT_BYPASS);
    cr_assert_eq(made.packet.rule, SP_NO_RULE);
    cr_assert_arr_eq(made.memory, before.memory, sizeof made.memory);
    gate_close(&gate);
}

Test(outbound, without_an_sa_to_the_peer_the_packet_is_dropped_never_sent_clear)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    make_packet(&made, FRONT, "192.0.2.99", IPPROTO_TCP, 4000, 80, 10);
    cr_assert_eq(leave(&gate)->verdict, SP_VERDICT_DROP);
    cr_assert_eq(made.packet.reason, SP_DROP_NO_SA);
    gate_close(&gate);
}

Test(outbound, fragments_that_a_protect_rule_may_match_are_dropped)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    make_packet(&made, FRONT, BACK, IPPROTO_TCP, 0, 0, 10);
    struct iphdr *ip = (struct iphdr *)(void *)(made.memory + made.packet.head_bytes);
    ip->frag_off = htons(100);
    ip->check = 0;
    ip->check = htons(made_checksum(ip, sizeof *ip));
    cr_assert_eq(leave(&gate)->verdict, SP_VERDICT_DROP);
    cr_assert_eq(made.packet.reason, SP_DROP_FRAGMENT);
    gate_close(&gate);
}

static void make_icmp(uint8_t type, uint8_t code, uint16_t fragment, size_t message_bytes)
{
    make_packet(&made, FRONT, BACK, IPPROTO_ICMP, 0, 0, 0);
    struct iphdr *ip = (struct iphdr *)(void *)(made.memory + made.packet.head_bytes);
    uint8_t *message = (uint8_t *)(ip + 1);
    message[0] = type;
    message[1] = code;
    made.packet.len_bytes = (uint32_t)(sizeof *ip + message_bytes);
    ip->tot_len = htons((uint16_t)made.packet.len_bytes);
    ip->frag_off = htons(fragment);
    ip->check = 0;
    ip->check = htons(made_checksum(ip, sizeof *ip));
}

#define PINGS                                                                                                \
    "bypass out icmp type echo-request code 0 from me to any\n"                                              \
    "block out icmp type { 8-20, 0 } from me to any\n"                                                       \
    "default bypass\n"

Test(outbound, icmp_is_told_apart_by_type_and_code)
{
    static const struct {
        uint8_t type, code;
        uint16_t fragment;
        size_t message_bytes;
        uint32_t rule;
    } cases[] = {
        {8, 0, 0, 8, 0},          {8, 1, 0, 8, 1},      {9, 0, 0, 8, 1}, {0, 0, 0, 8, 1},
        {3, 0, 0, 8, SP_NO_RULE}, {8, 0, 0x2000, 8, 0}, /* a first fragment has its type */
        {3, 0, 100, 8, 1},        /* a later one may be of any, so the bypass rule is passed over */
        {8, 0, 0, 1, SP_NO_RULE}, /* too short to be of any type */
        {8, 0, 0, 2, 0},
    };
    struct gate gate = gate_open(PINGS, FRONT);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_icmp(cases[i].type, cases[i].code, cases[i].fragment, cases[i].message_bytes);
        cr_assert_eq(leave(&gate)->rule, cases[i].rule, "case %zu", i);
    }
    gate_close(&gate);
}

Test(outbound, a_fragment_without_an_sa_is_dropped_as_a_fragment_and_asks_for_no_sa)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    struct sp_event event;
    make_packet(&made, FRONT, "192.0.2.99", IPPROTO_TCP, 4000, 80, 10);
    struct iphdr *ip = (struct iphdr *)(void *)(made.memory + made.packet.head_bytes);
    ip->frag_off = htons(0x2000); /* the first of several: its ports are there */
    ip->check = 0;
    ip->check = htons(made_checksum(ip, sizeof *ip));
    cr_assert_eq(leave(&gate)->reason, SP_DROP_FRAGMENT);
    cr_assert_eq(sp_engine_events(gate.engine, &event, 1), 0);
    gate_close(&gate);
}

Test(outbound, what_is_no_ip_packet_is_dropped)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    make_packet(&made, FRONT, BACK, IPPROTO_TCP, 4000, 80, 10);
    made.packet.len_bytes = 10;
    cr_assert_eq(leave(&gate)->reason, SP_DROP_MALFORMED);
    gate_close(&gate);
}

Test(outbound, what_a_link_put_behind_a_packet_does_not_leave_with_it)
{
    static const uint16_t ports[] = {443, 80};
    struct gate gate = gate_open(FRONT_END, FRONT);
    uint32_t lengths[2][2];
    for (int i = 0; i < 2; i++)
        for (uint32_t padding = 0; padding < 2; padding++) {
            make_packet(&made, FRONT, BACK, IPPROTO_TCP, 4000, ports[i], 3);
            made.packet.len_bytes += 17 * padding;
            cr_assert_eq(leave(&gate)->verdict, ports[i] == 80 ? SP_VERDICT_SEALED : SP_VERDICT_BYPASS);
            lengths[i][padding] = made.packet.len_bytes;
        }
    cr_assert_eq(lengths[0][0], 43);
    cr_assert_eq(lengths[0][1], 43);
    cr_assert_eq(lengths[1][1], lengths[1][0]);
    gate_close(&gate);
}

Test(outbound, a_burst_longer_than_the_scratch_is_sealed_to_the_last_packet)
{
    enum { count = 600 };
    struct gate gate = gate_open(FRONT_END, FRONT);
    struct made_packet *many = calloc(count, sizeof *many);
    struct sp_packet *packets = calloc(count, sizeof *packets);
    for (int i = 0; i < count; i++) {
        make_packet(&many[i], FRONT, BACK, IPPROTO_TCP, (uint16_t)i, i % 3 ? 80 : 443, (size_t)i);
        packets[i] = many[i].packet;
    }
    sp_outbound(gate.worker, packets, count);
    for (int i = 0; i < count; i++)
        cr_assert_eq(packets[i].verdict, i % 3 ? SP_VERDICT_SEALED : SP_VERDICT_BYPASS, "packet %d", i);
    free(packets);
    free(many);
    gate_close(&gate);
}

#define THROUGH_NAT                                                                                          \
    "action \"encrypt\" { esp 3des-cbc hmac-sha1-96 }\n"                                                     \
    "action \"through a NAT\" { esp 3des-cbc hmac-sha1-96\n encap udp }\n"                                   \
    "protect out tcp from me to any port 80 with \"through a NAT\"\n"                                        \
    "protect out tcp from me to any port 81 with \"encrypt\"\n"                                              \
    "default bypass\n"

Test(outbound, a_rule_uses_sas_that_are_encapsulated_as_its_action_says)
{
    struct gate gate = gate_bare();
    uint32_t encapsulated;
    struct sp_sa_params params = made_sa(0x2001, FRONT, BACK);
    params.encap = (struct sp_encap){4500, 4500};
    cr_assert_eq(sp_sad_add(gate.sad, &params, &encapsulated, NULL), SP_OK);
    gate_publish(&gate, THROUGH_NAT, FRONT);

    make_packet(&made, FRONT, BACK, IPPROTO_TCP, 4000, 80, 10);
    cr_assert_eq(leave(&gate)->verdict, SP_VERDICT_SEALED);
    cr_assert_eq(made.packet.sa, encapsulated);
    cr_assert_eq(made.memory[made.packet.head_bytes + 9], IPPROTO_UDP);
    make_packet(&made, FRONT, BACK, IPPROTO_TCP, 4000, 81, 10);
    cr_assert_eq(leave(&gate)->reason, SP_DROP_NO_SA);

    const uint32_t plain = gate_add_sa(&gate, 0x1001, FRONT, BACK);
    make_packet(&made, FRONT, BACK, IPPROTO_TCP, 4000, 81, 10);
    cr_assert_eq(leave(&gate)->verdict, SP_VERDICT_SEALED);
    cr_assert_eq(made.packet.sa, plain);
    gate_close(&gate);
}

/* The engine keeps the SA that it found last: for the same rule and peer only. */
Test(outbound, packets_of_one_burst_get_the_sas_of_their_own_rule_and_peer)
{
    static const struct {
        const char *peer;
        uint16_t port;
        uint32_t sa; /* SP_NO_SA: there is none */
    } cases[] = {{BACK, 80, 0},        {BACK, 81, 2},
                 {"192.0.2.7", 80, 1}, {"192.0.2.9", 80, SP_NO_SA},
                 {"192.0.2.7", 80, 1}, {"192.0.2.7", 81, SP_NO_SA},
                 {BACK, 80, 0},        {BACK, 81, 2}};
    enum { COUNT = sizeof cases / sizeof *cases };
    static struct made_packet many[COUNT];
    struct sp_packet packets[COUNT];
    struct gate gate = gate_bare();
    struct sp_sa_params encapsulated = made_sa(0x2001, FRONT, BACK);
    uint32_t number;
    gate_add_sa(&gate, 0x1001, FRONT, BACK);
    gate_add_sa(&gate, 0x1002, FRONT, "192.0.2.7");
    encapsulated.encap = (struct sp_encap){4500, 4500};
    cr_assert_eq(sp_sad_add(gate.sad, &encapsulated, &number, NULL), SP_OK);
    gate_publish(&gate,
                 "action \"e\" { esp 3des-cbc hmac-sha1-96 }\n"
                 "action \"u\" { esp 3des-cbc hmac-sha1-96\n encap udp }\n"
                 "protect out tcp from me to any port 80 with \"e\"\n"
                 "protect out tcp from me to any port 81 with \"u\"\ndefault bypass\n",
                 FRONT);
    for (size_t i = 0; i < COUNT; i++) {
        make_packet(&many[i], FRONT, cases[i].peer, IPPROTO_TCP, 4000, cases[i].port, 10);
        packets[i] = many[i].packet;
    }
    sp_outbound(gate.worker, packets, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        cr_assert_eq(packets[i].reason, cases[i].sa == SP_NO_SA ? SP_DROP_NO_SA : SP_DROP_NONE, "%zu", i);
        cr_assert_eq(packets[i].sa, cases[i].sa, "%zu", i);
    }
    gate_close(&gate);
}
