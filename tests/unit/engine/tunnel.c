/* SPDX-License-Identifier: ISC
 *
 * Rules with tunnels: which SA a packet gets, and which one it may come out of (RFC 4301 5.1, 5.2).
 */
#include "gate.h"

#define GATE1 "203.0.113.1"
#define GATE2 "203.0.113.2"
#define HOST1 "10.1.0.5"
#define HOST2 "10.2.0.6"
#define HOST1_6 "2001:db8:1::5"
#define HOST2_6 "2001:db8:2::6"

#define TUNNEL(from, to)                                                                                     \
    "action \"gate\" { esp 3des-cbc hmac-sha1-96\n mode tunnel from " from " to " to "\n}\n"
#define NETWORKS                                                                                             \
    "from 10.1.0.0/16 to 10.2.0.0/16 with \"gate\"\n"                                                        \
    "protect out any from 2001:db8:1::/48 to 2001:db8:2::/48 with \"gate\"\n"                                \
    "default block\n"
#define OFFICE TUNNEL(GATE1, GATE2) "protect out any " NETWORKS
#define PORTS                                                                                                \
    TUNNEL(GATE1, GATE2)                                                                                     \
    "protect out udp from 10.1.0.0/16 to 10.2.0.0/16 port 53 with \"gate\"\n"                                \
    "protect out sctp from 10.1.0.0/16 port 4000 to 10.2.0.0/16 with \"gate\"\n"                             \
    "protect out icmp type 8 from 10.1.0.0/16 to 10.2.0.0/16 with \"gate\"\n"                                \
    "protect out 253 from 10.1.0.0/16 to 10.2.0.0/16 with \"gate\"\n"                                        \
    "default block\n"
#define BRANCH                                                                                               \
    TUNNEL(GATE2, GATE1)                                                                                     \
    "protect out any from 10.2.0.0/16 to 10.1.0.0/16 with \"gate\"\n"                                        \
    "protect out any from 2001:db8:2::/48 to 2001:db8:1::/48 with \"gate\"\n"                                \
    "default block\n"

static struct made_packet made;

static uint32_t add_tunnel(struct gate *gate, uint32_t spi, const char *source, const char *destination)
{
    struct sp_sa_params params = made_sa(spi, source, destination);
    uint32_t number;
    params.mode = SP_MODE_TUNNEL;
    cr_assert_eq(sp_sad_add(gate->sad, &params, &number, NULL), SP_OK);
    return number;
}

static struct gate open_gate(const char *policy, const char *me)
{
    struct gate gate = gate_bare();
    add_tunnel(&gate, 0x1001, GATE1, GATE2);
    add_tunnel(&gate, 0x1002, GATE2, GATE1);
    gate_publish(&gate, policy, me);
    return gate;
}

static void make_fragment(uint16_t field)
{
    struct iphdr *ip = (struct iphdr *)(void *)(made.memory + made.packet.head_bytes);
    ip->frag_off = htons(field);
    ip->check = 0;
    ip->check = htons(made_checksum(ip, sizeof *ip));
}

static enum sp_drop leave(struct gate *gate)
{
    sp_outbound(gate->worker, &made.packet, 1);
    return made.packet.reason;
}

static enum sp_drop enter(struct gate *gate)
{
    sp_inbound(gate->worker, &made.packet, 1);
    return made.packet.reason;
}

Test(tunnel, what_one_gateway_seals_the_other_delivers_whichever_family_is_inside)
{
    static const struct {
        const char *source, *destination;
    } pairs[] = {{HOST1, HOST2}, {HOST1_6, HOST2_6}};
    struct gate office = open_gate(OFFICE, GATE1), branch = open_gate(BRANCH, GATE2);
    for (size_t i = 0; i < 2; i++) {
        make_packet(&made, pairs[i].source, pairs[i].destination, IPPROTO_TCP, 4000, 80, 321);
        const struct made_packet before = made;
        cr_assert_eq(leave(&office), SP_DROP_NONE);
        cr_assert_eq(made.packet.verdict, SP_VERDICT_SEALED);
        cr_assert_eq(made.packet.rule, i);
        cr_assert_eq(made.memory[made.packet.head_bytes], 0x45);
        cr_assert_eq(enter(&branch), SP_DROP_NONE);
        cr_assert_eq(made.packet.verdict, SP_VERDICT_OPENED);
        cr_assert_eq(made.packet.rule, i);
        cr_assert_eq(made.packet.len_bytes, before.packet.len_bytes);
        cr_assert_arr_eq(made.memory + made.packet.head_bytes, before.memory + before.packet.head_bytes,
                         before.packet.len_bytes);
    }
    gate_close(&office);
    gate_close(&branch);
}

Test(tunnel, what_comes_out_of_a_tunnel_must_match_the_rule_of_that_tunnel_and_is_wiped_otherwise)
{
    static const struct {
        const char *policy;
        enum sp_drop reason;
    } cases[] = {
        {BRANCH, SP_DROP_NONE},
        /* another gateway's tunnel, the tunnel the wrong way round, transport mode, no rule, a block rule */
        {TUNNEL(GATE2, "203.0.113.9") "protect out any from 10.2.0.0/16 to 10.1.0.0/16 with \"gate\"\n"
                                      "default block\n",
         SP_DROP_SA_MISMATCH},
        {TUNNEL(GATE1,
                GATE2) "protect out any from 10.2.0.0/16 to 10.1.0.0/16 with \"gate\"\ndefault block\n",
         SP_DROP_SA_MISMATCH},
        {ENCRYPT "protect out any from 10.2.0.0/16 to 10.1.0.0/16 with \"encrypt\"\ndefault block\n",
         SP_DROP_SA_MISMATCH},
        {"default bypass\n", SP_DROP_SA_MISMATCH},
        {"default block\n", SP_DROP_POLICY_BLOCK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gate office = open_gate(OFFICE, GATE1), branch = open_gate(cases[i].policy, GATE2);
        make_packet(&made, HOST1, HOST2, IPPROTO_TCP, 4000, 80, 100);
        cr_assert_eq(leave(&office), SP_DROP_NONE);
        cr_assert_eq(enter(&branch), cases[i].reason, "case %zu: %s", i, sp_drop_id(made.packet.reason));
        for (uint32_t at = 0; at < made.packet.len_bytes && cases[i].reason != SP_DROP_NONE; at++)
            cr_assert_eq(made.memory[made.packet.head_bytes + at], 0);
        gate_close(&office);
        gate_close(&branch);
    }
}

Test(tunnel, a_peer_with_the_keys_can_not_bring_other_packets_through_its_tunnel)
{
    /* the office's gateway means something else */
    struct gate office = open_gate(TUNNEL(GATE1, GATE2) "protect out any from any to any with \"gate\"\n"
                                                        "default block\n",
                                   GATE1);
    struct gate branch = open_gate(BRANCH, GATE2);
    make_packet(&made, "192.0.2.77", HOST2, IPPROTO_TCP, 4000, 80, 100);
    cr_assert_eq(leave(&office), SP_DROP_NONE);
    cr_assert_eq(enter(&branch), SP_DROP_POLICY_BLOCK);
    gate_close(&office);
    gate_close(&branch);
}

Test(tunnel, the_same_packet_in_clear_is_refused)
{
    struct gate branch = open_gate(BRANCH, GATE2);
    make_packet(&made, HOST1, HOST2, IPPROTO_TCP, 4000, 80, 100);
    cr_assert_eq(enter(&branch), SP_DROP_CLEAR_TEXT);
    gate_close(&branch);
}

Test(tunnel, without_an_sa_between_the_ends_the_packet_is_dropped_and_the_ends_are_told)
{
    struct gate office = gate_bare();
    struct sp_address ends[2];
    struct sp_event event;
    gate_add_sa(&office, 0x1001, GATE1, GATE2); /* transport mode */
    add_tunnel(&office, 0x1002, GATE2, GATE1);
    gate_publish(&office, OFFICE, GATE1);
    make_packet(&made, HOST1, HOST2, IPPROTO_TCP, 4000, 80, 100);
    cr_assert_eq(leave(&office), SP_DROP_NO_SA);
    cr_assert(sp_address_parse(GATE1, &ends[0]) == SP_OK && sp_address_parse(GATE2, &ends[1]) == SP_OK);
    cr_assert_eq(sp_engine_events(office.engine, &event, 1), 1);
    cr_assert_eq(event.kind, SP_EVENT_ACQUIRE);
    cr_assert_arr_eq(&event.source, &ends[0], sizeof event.source);
    cr_assert_arr_eq(&event.destination, &ends[1], sizeof event.destination);
    gate_close(&office);
}

Test(tunnel, fragments_pass_unless_the_rule_asks_for_what_they_do_not_tell)
{
    static const struct {
        uint8_t protocol;
        uint16_t field;
        const char *policy;
        enum sp_drop reason;
    } cases[] = {
        {IPPROTO_UDP, 0x2000, OFFICE, SP_DROP_NONE}, {IPPROTO_UDP, 0x0010, OFFICE, SP_DROP_NONE},
        {IPPROTO_UDP, 0x2000, PORTS, SP_DROP_NONE},  {IPPROTO_UDP, 0x0010, PORTS, SP_DROP_FRAGMENT},
        {IPPROTO_ICMP, 0x2000, PORTS, SP_DROP_NONE}, {IPPROTO_ICMP, 0x0010, PORTS, SP_DROP_FRAGMENT},
        {IPPROTO_SCTP, 0x2000, PORTS, SP_DROP_NONE}, {IPPROTO_SCTP, 0x0010, PORTS, SP_DROP_FRAGMENT},
        {253, 0x2000, PORTS, SP_DROP_NONE},          {253, 0x0010, PORTS, SP_DROP_NONE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gate office = open_gate(cases[i].policy, GATE1);
        make_packet(&made, HOST1, HOST2, cases[i].protocol, cases[i].protocol == IPPROTO_ICMP ? 0x0800 : 4000,
                    53, 80);
        make_fragment(cases[i].field);
        cr_assert_eq(leave(&office), cases[i].reason, "case %zu: %s", i, sp_drop_id(made.packet.reason));
        gate_close(&office);
    }
}

Test(tunnel, a_fragment_that_hides_its_ports_does_not_come_in_by_a_rule_about_ports)
{
    struct gate office = open_gate(OFFICE, GATE1);
    struct gate branch = open_gate(
        TUNNEL(GATE2, GATE1) "protect in udp from 10.1.0.0/16 to 10.2.0.0/16 port 53 with \"gate\"\n"
                             "default block\n",
        GATE2);
    for (int i = 0; i < 2; i++) {
        make_packet(&made, HOST1, HOST2, IPPROTO_UDP, 4000, 53, 80);
        make_fragment(i == 0 ? 0x2000 : 0x0010);
        cr_assert_eq(leave(&office), SP_DROP_NONE);
        cr_assert_eq(enter(&branch), i == 0 ? SP_DROP_NONE : SP_DROP_FRAGMENT);
    }
    gate_close(&office);
    gate_close(&branch);
}

Test(tunnel, an_sa_without_a_lifetime_gets_that_of_the_action_with_its_tunnel)
{
    struct gate gate = gate_bare();
    struct sp_sa_info info;
    const uint32_t ours = add_tunnel(&gate, 0x1001, GATE1, GATE2),
                   back = add_tunnel(&gate, 0x1002, GATE2, GATE1),
                   other = add_tunnel(&gate, 0x1003, GATE1, "203.0.113.9");
    gate_publish(&gate,
                 "action \"gate\" { esp 3des-cbc hmac-sha1-96\n mode tunnel from " GATE1 " to " GATE2
                 "\n lifetime nist-r2\n}\nprotect out any from 10.1.0.0/16 to 10.2.0.0/16 with \"gate\"\n"
                 "default block\n",
                 GATE1);
    cr_assert(sp_sad_get(gate.sad, ours, &info) == SP_OK && info.lifetime.hard_bytes == 8u << 20);
    cr_assert(sp_sad_get(gate.sad, back, &info) == SP_OK && info.lifetime.hard_bytes == 8u << 20);
    cr_assert(sp_sad_get(gate.sad, other, &info) == SP_OK && info.lifetime.hard_bytes == 102400000u);
    gate_close(&gate);
}
