/* SPDX-License-Identifier: ISC
 *
 * Tests of lib/engine/inbound.c: opening, and the second look at the policy.
 */
#include "gate.h"

#include "sa/sad.h"

static struct made_packet made;

/* The made packet as the front-end's gate sends it. */
static void seal_at_front_end(void)
{
    struct gate front = gate_open(FRONT_END, FRONT);
    sp_outbound(front.worker, &made.packet, 1);
    cr_assert_eq(made.packet.verdict, SP_VERDICT_SEALED);
    gate_close(&front);
}

static struct sp_packet *enter(struct gate *gate)
{
    sp_inbound(gate->worker, &made.packet, 1);
    return &made.packet;
}

Test(inbound, what_the_front_end_seals_the_back_end_delivers_unchanged)
{
    struct gate back = gate_open(BACK_END, BACK);
    make_packet(&made, FRONT, BACK, IPPROTO_TCP, 4000, 80, 321);
    struct made_packet before = made;
    seal_at_front_end();
    cr_assert_eq(enter(&back)->verdict, SP_VERDICT_OPENED);
    cr_assert_eq(made.packet.rule, 0);
    cr_assert_eq(made.packet.len_bytes, before.packet.len_bytes);
    cr_assert_arr_eq(made.memory + made.packet.head_bytes, before.memory + before.packet.head_bytes,
                     before.packet.len_bytes);
    gate_close(&back);
}

Test(inbound, clear_text_to_a_protected_port_is_refused)
{
    struct gate back = gate_open(BACK_END, BACK);
    make_packet(&made, FRONT, BACK, IPPROTO_TCP, 4000, 80, 10);
    cr_assert_eq(enter(&back)->verdict, SP_VERDICT_DROP);
    cr_assert_eq(made.packet.reason, SP_DROP_CLEAR_TEXT);
    gate_close(&back);
}

Test(inbound, replies_in_clear_text_are_refused_by_the_mirror)
{
    struct gate front = gate_open(FRONT_END, FRONT);
    make_packet(&made, BACK, FRONT, IPPROTO_TCP, 80, 4000, 10);
    cr_assert_eq(enter(&front)->reason, SP_DROP_CLEAR_TEXT);
    gate_close(&front);
}

Test(inbound, a_blocked_port_is_refused)
{
    struct gate front = gate_open(FRONT_END, FRONT);
    make_packet(&made, BACK, FRONT, IPPROTO_TCP, 4000, 80, 10);
    cr_assert_eq(enter(&front)->reason, SP_DROP_POLICY_BLOCK);
    cr_assert_eq(made.packet.rule, 0);
    gate_close(&front);
}

Test(inbound, other_clear_text_passes)
{
    struct gate back = gate_open(BACK_END, BACK);
    make_packet(&made, FRONT, BACK, IPPROTO_UDP, 4000, 53, 10);
    cr_assert_eq(enter(&back)->verdict, SP_VERDICT_BYPASS);
    gate_close(&back);
}

Test(inbound, a_clear_fragment_that_may_belong_to_a_protected_port_is_refused)
{
    struct gate back = gate_open(BACK_END, BACK);
    make_packet(&made, FRONT, BACK, IPPROTO_TCP, 0, 0, 10);
    struct iphdr *ip = (struct iphdr *)(void *)(made.memory + made.packet.head_bytes);
    ip->frag_off = htons(100);
    ip->check = 0;
    ip->check = htons(made_checksum(ip, sizeof *ip));
    cr_assert_eq(enter(&back)->reason, SP_DROP_FRAGMENT);
    gate_close(&back);
}

Test(inbound, a_replayed_packet_is_refused)
{
    struct gate back = gate_open(BACK_END, BACK);
    make_packet(&made, FRONT, BACK, IPPROTO_TCP, 4000, 80, 10);
    seal_at_front_end();
    struct made_packet copy = made;
    copy.packet.buffer = copy.memory;
    cr_assert_eq(enter(&back)->verdict, SP_VERDICT_OPENED);
    sp_inbound(back.worker, &copy.packet, 1);
    cr_assert_eq(copy.packet.reason, SP_DROP_REPLAY);
    gate_close(&back);
}

Test(inbound, traffic_that_no_rule_protects_is_refused_under_an_sa_and_wiped)
{
    struct gate back = gate_open("default bypass\n", BACK);
    make_packet(&made, FRONT, BACK, IPPROTO_TCP, 4000, 80, 10);
    seal_at_front_end();
    cr_assert_eq(enter(&back)->verdict, SP_VERDICT_DROP);
    cr_assert_eq(made.packet.reason, SP_DROP_SA_MISMATCH);
    for (uint32_t i = 0; i < made.packet.len_bytes; i++)
        cr_assert_eq(made.memory[made.packet.head_bytes + i], 0);
    gate_close(&back);
}

Test(inbound, an_sa_of_another_suite_than_the_rules_is_refused)
{
    struct gate back = gate_open("action \"other\" {\n esp 3des-cbc hmac-sha2-256-128\n}\n"
                                 "protect in tcp from any to me port 80 with \"other\"\ndefault bypass\n",
                                 BACK);
    make_packet(&made, FRONT, BACK, IPPROTO_TCP, 4000, 80, 10);
    seal_at_front_end();
    cr_assert_eq(enter(&back)->reason, SP_DROP_SA_MISMATCH);
    gate_close(&back);
}

Test(inbound, a_blocked_port_stays_blocked_under_an_sa)
{
    struct gate front = gate_open(FRONT_END, FRONT);
    struct gate back = gate_open("action \"encrypt\" {\n esp 3des-cbc hmac-sha1-96\n}\n"
                                 "protect out tcp from me to any port 80 with \"encrypt\"\ndefault bypass\n",
                                 BACK);
    make_packet(&made, BACK, FRONT, IPPROTO_TCP, 4000, 80, 10);
    sp_outbound(back.worker, &made.packet, 1);
    cr_assert_eq(made.packet.verdict, SP_VERDICT_SEALED);
    cr_assert_eq(enter(&front)->reason, SP_DROP_POLICY_BLOCK);
    gate_close(&front);
    gate_close(&back);
}

Test(inbound, an_unknown_spi_is_refused)
{
    struct gate back = gate_bare();
    gate_publish(&back, BACK_END, BACK);
    make_packet(&made, FRONT, BACK, IPPROTO_TCP, 4000, 80, 10);
    seal_at_front_end();
    cr_assert_eq(enter(&back)->reason, SP_DROP_UNKNOWN_SPI);
    gate_close(&back);
}

/* What a peer that has the key could send and we never would: so few bytes of TCP that its ports aren't
 * there. Of null encryption, so that padding, trailer and ICV are all there is to make. */
static void forge_short_tcp(const struct gate *gate)
{
    const struct sp_sa *sa = sp_sad_by_number(gate->sad, 0);
    const uint8_t esp[] = {0, 0, 0x20, 0x01, 0, 0, 0, 1, 0xaa, 0xbb, 0, IPPROTO_TCP};
    uint8_t *at = made.memory + SP_PACKET_HEADROOM_BYTES;
    struct iphdr ip;
    make_packet(&made, FRONT, BACK, IPPROTO_ESP, 0, 0, 4);
    made.packet.len_bytes = (uint32_t)(sizeof ip + sizeof esp + sa->hmac->icv_bytes);
    make_ipv4(&ip, FRONT, BACK, IPPROTO_ESP, made.packet.len_bytes);
    memcpy(at, &ip, sizeof ip);
    memcpy(at + sizeof ip, esp, sizeof esp);
    const struct sp_hmac_job job = {.state = sa->hmac_state,
                                    .data = at + sizeof ip,
                                    .len_bytes = sizeof esp,
                                    .icv = at + sizeof ip + sizeof esp};
    sa->hmac->mac(&job, 1);
}

Test(inbound, what_turns_out_malformed_when_it_is_open_is_refused_and_wiped)
{
    struct gate back = gate_bare();
    struct sp_sa_params params = made_sa(0x2001, FRONT, BACK);
    uint32_t number;
    params.encryption = SP_ENCRYPTION_NULL;
    params.encryption_key_bytes = 0;
    cr_assert_eq(sp_sad_add(back.sad, &params, &number, NULL), SP_OK);
    gate_publish(&back,
                 "action \"n\" { esp null hmac-sha1-96 }\n"
                 "protect in from any to me with \"n\"\ndefault bypass\n",
                 BACK);
    forge_short_tcp(&back);
    cr_assert_eq(enter(&back)->verdict, SP_VERDICT_DROP);
    cr_assert_eq(made.packet.reason, SP_DROP_MALFORMED);
    cr_assert_eq(made.packet.sa, number);
    for (uint32_t i = 0; i < made.packet.len_bytes; i++)
        cr_assert_eq(made.memory[made.packet.head_bytes + i], 0);
    gate_close(&back);
}

#define BEHIND_NAT                                                                                           \
    "action \"encrypt\" { esp 3des-cbc hmac-sha1-96 }\n"                                                     \
    "action \"through a NAT\" { esp 3des-cbc hmac-sha1-96\n encap udp }\n"                                   \
    "protect in tcp from any to me port 80 with \"through a NAT\"\n"                                         \
    "protect in tcp from any to me port 81 with \"encrypt\"\n"                                               \
    "default bypass\n"

static void add_encapsulated(struct gate *gate)
{
    struct sp_sa_params params = made_sa(0x2001, FRONT, BACK);
    uint32_t number;
    params.encap = (struct sp_encap){4500, 4500};
    cr_assert_eq(sp_sad_add(gate->sad, &params, &number, NULL), SP_OK);
}

Test(inbound, what_was_encapsulated_must_match_a_rule_that_says_so)
{
    static const uint16_t ports[] = {80, 81};
    struct gate front = gate_bare(), back = gate_bare();
    add_encapsulated(&front);
    add_encapsulated(&back);
    gate_publish(&front,
                 "action \"e\" { esp 3des-cbc hmac-sha1-96\n encap udp }\n"
                 "protect out tcp from me to any with \"e\"\ndefault bypass\n",
                 FRONT);
    gate_publish(&back, BEHIND_NAT, BACK);
    for (int i = 0; i < 2; i++) {
        make_packet(&made, FRONT, BACK, IPPROTO_TCP, 4000, ports[i], 10);
        sp_outbound(front.worker, &made.packet, 1);
        cr_assert_eq(made.packet.verdict, SP_VERDICT_SEALED);
        cr_assert_eq(enter(&back)->reason, ports[i] == 80 ? SP_DROP_NONE : SP_DROP_SA_MISMATCH);
    }
    gate_close(&front);
    gate_close(&back);
}

Test(inbound, what_came_under_extended_numbers_must_match_a_rule_that_says_so)
{
    struct gate front = gate_bare(), back = gate_bare();
    struct gate *gates[] = {&front, &back};
    struct sp_sa_params params = made_sa(0x2001, FRONT, BACK);
    uint32_t number;
    params.has_esn = true;
    for (int i = 0; i < 2; i++)
        cr_assert_eq(sp_sad_add(gates[i]->sad, &params, &number, NULL), SP_OK);
    gate_publish(&front,
                 "action \"e\" { esp 3des-cbc hmac-sha1-96\n esn }\n"
                 "protect out tcp from me to any with \"e\"\ndefault bypass\n",
                 FRONT);
    gate_publish(
        &back,
        "action \"e\" { esp 3des-cbc hmac-sha1-96\n esn }\naction \"f\" { esp 3des-cbc hmac-sha1-96 }\n"
        "protect in tcp from any to me port 80 with \"e\"\n"
        "protect in tcp from any to me port 81 with \"f\"\ndefault bypass\n",
        BACK);
    for (uint16_t port = 80; port <= 81; port++) {
        make_packet(&made, FRONT, BACK, IPPROTO_TCP, 4000, port, 10);
        sp_outbound(front.worker, &made.packet, 1);
        cr_assert_eq(made.packet.verdict, SP_VERDICT_SEALED);
        cr_assert_eq(enter(&back)->reason, port == 80 ? SP_DROP_NONE : SP_DROP_SA_MISMATCH);
    }
    gate_close(&front);
    gate_close(&back);
}

Test(inbound, udp_on_the_encapsulation_port_is_never_clear_text)
{
    struct gate back = gate_bare();
    add_encapsulated(&back);
    gate_publish(&back, BEHIND_NAT, BACK);
    make_packet(&made, FRONT, BACK, IPPROTO_UDP, 4500, 4500, 10);
    made.memory[made.packet.head_bytes + 24] = 0;
    made.memory[made.packet.head_bytes + 25] = 30; /* the whole UDP length; behind it are zeros */
    cr_assert_eq(enter(&back)->reason, SP_DROP_IKE);
    make_packet(&made, FRONT, BACK, IPPROTO_UDP, 4500, 4501, 10);
    cr_assert_eq(enter(&back)->verdict, SP_VERDICT_BYPASS);
    struct sp_stats stats;
    sp_engine_stats(back.engine, &stats);
    cr_assert_eq(stats.direction[SP_INBOUND].dropped_packets[SP_DROP_IKE], 1);
    gate_close(&back);
}
