/* SPDX-License-Identifier: ISC
 *
 * Tests of lib/engine/drops.c: what is told of dropped packets, and that there is an end to it.
 */
#include "gate.h"

#include "core/clock.h"
#include "engine/engine.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define MANY 1024u
#define NOTED_A_REASON 16u

static struct made_packet made;
static struct sp_dropped dropped[MANY];

static void leave(struct gate *gate, const char *destination, uint16_t port)
{
    make_packet(&made, FRONT, destination, IPPROTO_TCP, 4000, port, 100);
    sp_outbound(gate->worker, &made.packet, 1);
}

/* A packet as the front-end seals it, for the back-end to take in. */
static void seal(struct gate *front)
{
    leave(front, BACK, 80);
    cr_assert_eq(made.packet.verdict, SP_VERDICT_SEALED);
}

static void arrive(struct gate *gate, enum sp_drop reason)
{
    sp_inbound(gate->worker, &made.packet, 1);
    cr_assert_eq(made.packet.verdict, SP_VERDICT_DROP);
    cr_assert_eq(made.packet.reason, reason);
}

static uint8_t *at(size_t offset)
{
    return made.packet.buffer + made.packet.head_bytes + offset;
}

static const struct sp_dropped *only_one(struct gate *gate)
{
    memset(dropped, 0, sizeof dropped);
    cr_assert_eq(sp_engine_dropped(gate->engine, dropped, MANY), 1);
    return &dropped[0];
}

static void assert_between(const struct sp_dropped *one, const char *source, const char *destination)
{
    char text[SP_ADDRESS_TEXT_BYTES];
    cr_assert_str_eq(sp_address_format(&one->source, text), source);
    cr_assert_str_eq(sp_address_format(&one->destination, text), destination);
}

Test(drops, a_packet_without_an_sa_is_told_with_its_ports_and_its_rule)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    const uint64_t before_ns = sp_clock_now_ns();
    leave(&gate, BACK, 80);
    leave(&gate, BACK, 443);
    leave(&gate, "192.0.2.77", 80);
    const struct sp_dropped *one = only_one(&gate);
    cr_assert_eq(one->direction, SP_OUTBOUND);
    cr_assert_eq(one->reason, SP_DROP_NO_SA);
    cr_assert_eq(one->rule, 1);
    cr_assert_eq(one->generation, 1);
    cr_assert_eq(one->sa, SP_NO_SA);
    assert_between(one, FRONT, "192.0.2.77");
    cr_assert_eq(one->protocol, IPPROTO_TCP);
    cr_assert(one->has_ports);
    cr_assert_eq(one->source_port, 4000);
    cr_assert_eq(one->destination_port, 80);
    cr_assert_not(one->has_spi || one->has_sequence);
    cr_assert(one->at_ns >= before_ns && one->at_ns <= sp_clock_now_ns());
    cr_assert_eq(sp_engine_dropped(gate.engine, dropped, MANY), 0, "each is told once");
    gate_close(&gate);
}

Test(drops, a_forged_packet_and_a_replayed_one_are_told_with_spi_and_sequence_number)
{
    struct gate front = gate_open(FRONT_END, FRONT), back = gate_open(BACK_END, BACK);
    seal(&front);
    seal(&front);
    struct made_packet again = made;
    *at(made.packet.len_bytes - 1) ^= 1;
    arrive(&back, SP_DROP_BAD_ICV);
    const struct sp_dropped *one = only_one(&back);
    cr_assert_eq(one->reason, SP_DROP_BAD_ICV);
    cr_assert_eq(one->direction, SP_INBOUND);
    cr_assert_eq(one->protocol, 50);
    assert_between(one, FRONT, BACK);
    cr_assert(one->has_spi && one->has_sequence && !one->has_ports);
    cr_assert_eq(one->spi, 0x1001);
    cr_assert_eq(one->sequence, 2);
    cr_assert_eq(one->sa, 0);

    for (int i = 0; i < 2; i++) {
        const struct sp_packet place = again.packet;
        made = again;
        made.packet = place;
        made.packet.buffer = made.memory;
        sp_inbound(back.worker, &made.packet, 1);
    }
    one = only_one(&back);
    cr_assert_eq(one->reason, SP_DROP_REPLAY);
    cr_assert_eq(one->sequence, 2);

    made = again;
    made.packet.buffer = made.memory;
    *at(20) ^= 0x40;
    arrive(&back, SP_DROP_UNKNOWN_SPI);
    one = only_one(&back);
    cr_assert_eq(one->spi, 0x40001001);
    cr_assert_eq(one->sequence, 2);
    cr_assert_eq(one->sa, SP_NO_SA);
    gate_close(&front);
    gate_close(&back);
}

Test(drops, a_packet_that_was_opened_and_wiped_is_told_with_what_was_read_of_it)
{
    struct gate front = gate_open(FRONT_END, FRONT);
    struct gate back = gate_open(ENCRYPT "block in tcp from any to me port 80\n"
                                         "protect in tcp from any to me port 81 with \"encrypt\"\n"
                                         "default bypass\n",
                                 BACK);
    seal(&front);
    arrive(&back, SP_DROP_POLICY_BLOCK);
    const struct sp_dropped *one = only_one(&back);
    assert_between(one, FRONT, BACK);
    cr_assert_eq(one->protocol, IPPROTO_TCP);
    cr_assert_eq(one->source_port, 4000);
    cr_assert_eq(one->destination_port, 80);
    cr_assert_eq(one->rule, 0);
    cr_assert(one->has_spi && !one->has_sequence);
    cr_assert_eq(one->spi, 0x1001);
    gate_close(&front);
    gate_close(&back);
}

Test(drops, of_ipv6_the_flow_label_is_told_too)
{
    struct gate gate = gate_open("default block\n", FRONT);
    make_packet(&made, "2001:db8::1", "2001:db8::2", IPPROTO_TCP, 4000, 80, 10);
    memcpy(at(0), "\x6a\xba\xbc\xde", 4);
    sp_outbound(gate.worker, &made.packet, 1);
    const struct sp_dropped *one = only_one(&gate);
    assert_between(one, "2001:db8::1", "2001:db8::2");
    cr_assert_eq(one->flow_label, 0xabcde);
    cr_assert_eq(one->destination_port, 80);
    gate_close(&gate);
}

Test(drops, what_can_not_be_read_has_no_addresses)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    leave(&gate, BACK, 443); /* whose headers the worker still has */
    make_packet(&made, FRONT, BACK, IPPROTO_TCP, 1, 2, 3);
    made.packet.len_bytes = 3;
    sp_outbound(gate.worker, &made.packet, 1);
    const struct sp_dropped *one = only_one(&gate);
    cr_assert_eq(one->reason, SP_DROP_MALFORMED);
    cr_assert_eq(one->source.family, 0);
    cr_assert_not(one->has_ports || one->has_spi);
    cr_assert_eq(one->rule, SP_NO_RULE);
    gate_close(&gate);
}

Test(drops, before_the_first_policy_there_is_no_generation)
{
    struct gate gate = gate_bare();
    leave(&gate, BACK, 80);
    const struct sp_dropped *one = only_one(&gate);
    cr_assert_eq(one->reason, SP_DROP_POLICY_BLOCK);
    cr_assert_eq(one->generation, 0);
    assert_between(one, FRONT, BACK);
    gate_close(&gate);
}

Test(drops, what_the_host_could_not_send_is_told_as_it_would_have_left)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    seal(&gate);
    sp_worker_not_sent(gate.worker, SP_OUTBOUND, &made.packet, SP_DROP_HOST_MTU);
    const struct sp_dropped *one = only_one(&gate);
    cr_assert_eq(one->reason, SP_DROP_HOST_MTU);
    cr_assert_eq(one->protocol, 50);
    cr_assert_eq(one->spi, 0x1001);
    cr_assert_eq(one->sequence, 1);
    cr_assert_eq(one->rule, 1);
    cr_assert_eq(one->generation, 1);
    gate_close(&gate);
}

/* Of a clear packet the bytes at which ESP would have its sequence number are contents. */
static void assert_no_contents(struct gate *gate, uint32_t spi)
{
    const struct sp_dropped *one = only_one(gate);
    cr_assert(one->has_spi);
    cr_assert_eq(one->spi, spi);
    cr_assert_not(one->has_sequence);
    cr_assert_eq(one->sequence, 0);
}

Test(drops, what_the_host_could_not_deliver_is_told_without_its_contents)
{
    struct gate front = gate_bare(), back = gate_bare();
    static const uint8_t protocols[] = {IPPROTO_UDP, IPPROTO_ESP};
    struct sp_sa_params params = made_sa(0x2001, FRONT, BACK);
    params.encap = (struct sp_encap){4500, 4500};
    struct gate *gates[] = {&front, &back};
    for (int i = 0; i < 2; i++) {
        uint32_t number;
        cr_assert_eq(sp_sad_add(gates[i]->sad, &params, &number, NULL), SP_OK);
        gate_publish(gates[i],
                     "action \"e\" { esp 3des-cbc hmac-sha1-96\n encap udp }\n"
                     "protect out from 192.0.2.1 to 192.0.2.2 with \"e\"\n"
                     "protect in from 192.0.2.1 to 192.0.2.2 with \"e\"\ndefault bypass\n",
                     i == 0 ? FRONT : BACK);
    }
    for (size_t i = 0; i < sizeof protocols; i++) {
        make_packet(&made, FRONT, BACK, protocols[i], 4000, 80, 100);
        memset(made.memory + made.packet.head_bytes + 28, 0x77, 100);
        sp_outbound(front.worker, &made.packet, 1);
        cr_assert_eq(made.packet.verdict, SP_VERDICT_SEALED);
        sp_inbound(back.worker, &made.packet, 1);
        cr_assert_eq(made.packet.verdict, SP_VERDICT_OPENED);
        sp_worker_not_sent(back.worker, SP_INBOUND, &made.packet, SP_DROP_HOST_SEND);
        assert_no_contents(&back, 0x2001);
    }
    gate_close(&front);
    gate_close(&back);
}

Test(drops, a_later_fragment_of_esp_has_no_spi_and_a_first_one_has)
{
    struct gate front = gate_open(FRONT_END, FRONT), back = gate_open(BACK_END, BACK);
    static const uint16_t fields[] = {0x2000, 0x2010, 0x0010};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        seal(&front);
        struct iphdr *ip = (struct iphdr *)(void *)at(0);
        ip->frag_off = htons(fields[i]);
        ip->check = 0;
        ip->check = htons(made_checksum(ip, sizeof *ip));
        arrive(&back, SP_DROP_FRAGMENT);
        const struct sp_dropped *one = only_one(&back);
        cr_assert_eq(one->protocol, IPPROTO_ESP);
        cr_assert_eq(one->has_spi, i == 0);
        cr_assert_eq(one->has_sequence, i == 0);
        cr_assert_eq(one->spi, i == 0 ? 0x1001 : 0);
    }
    gate_close(&front);
    gate_close(&back);
}

Test(drops, what_a_packet_says_itself_counts_rather_than_what_was_read_before)
{
    struct gate front = gate_open(FRONT_END, FRONT);
    const struct sp_headers read_before = {.source = {.family = 4, .bytes = {203, 0, 113, 9}},
                                           .destination = {.family = 4, .bytes = {203, 0, 113, 8}}};
    seal(&front);
    made.packet.verdict = SP_VERDICT_DROP;
    made.packet.reason = SP_DROP_HOST_SEND;
    sp_drop_note(front.worker, NULL, SP_OUTBOUND, &made.packet, &read_before);
    assert_between(only_one(&front), FRONT, BACK);
    gate_close(&front);
}

Test(drops, a_flood_of_one_reason_hides_no_other_and_ends)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    for (int round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 1000; i++)
            leave(&gate, "192.0.2.77", 80);
        make_packet(&made, FRONT, BACK, IPPROTO_TCP, 1, 2, 3);
        made.packet.len_bytes = 3;
        sp_outbound(gate.worker, &made.packet, 1);
        cr_assert_eq(sp_engine_dropped(gate.engine, dropped, MANY), NOTED_A_REASON + 1);
        for (uint32_t i = 0; i < NOTED_A_REASON; i++)
            cr_assert_eq(dropped[i].reason, SP_DROP_NO_SA);
        cr_assert_eq(dropped[NOTED_A_REASON].reason, SP_DROP_MALFORMED);
    }
    gate_close(&gate);
}

struct flood {
    struct gate gate;
    _Atomic bool is_over;
};

#define FLOOD_PACKETS 60000u

/* A worker of its own thread, whose packets have numbers in their ports. */
static void *flood(void *context)
{
    static struct made_packet packet;
    struct flood *flood = context;
    struct sp_worker *worker = NULL;
    cr_assert_eq(sp_worker_create(flood->gate.engine, &worker), SP_OK);
    for (uint32_t i = 0; i < FLOOD_PACKETS; i++) {
        make_packet(&packet, FRONT, "192.0.2.77", IPPROTO_TCP, (uint16_t)i, 80, 10);
        sp_outbound(worker, &packet.packet, 1);
    }
    sp_worker_destroy(&worker);
    flood->is_over = true;
    return NULL;
}

Test(drops, a_reader_beside_the_worker_sees_whole_entries_in_their_order)
{
    struct flood all = {.gate = gate_open(FRONT_END, FRONT)};
    struct sp_address wanted;
    pthread_t thread;
    uint64_t seen = 0, last_ns = 0;
    int last = -1;
    cr_assert_eq(sp_address_parse("192.0.2.77", &wanted), SP_OK);
    cr_assert_eq(pthread_create(&thread, NULL, flood, &all), 0);
    while (!all.is_over) {
        const size_t count = sp_engine_dropped(all.gate.engine, dropped, 7);
        for (size_t i = 0; i < count; i++) {
            cr_assert_eq(dropped[i].reason, SP_DROP_NO_SA);
            cr_assert_eq(memcmp(&dropped[i].destination, &wanted, sizeof wanted), 0);
            cr_assert(dropped[i].source_port > last && dropped[i].at_ns >= last_ns);
            last = dropped[i].source_port;
            last_ns = dropped[i].at_ns;
            seen++;
        }
    }
    pthread_join(thread, NULL);
    cr_assert_gt(seen, NOTED_A_REASON, "it was drained more than once");
    gate_close(&all.gate);
}

Test(drops, those_that_do_not_fit_the_callers_array_are_told_the_next_time)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    for (uint16_t port = 0; port < 5; port++) {
        make_packet(&made, FRONT, "192.0.2.77", IPPROTO_TCP, (uint16_t)(5000 + port), 80, 10);
        sp_outbound(gate.worker, &made.packet, 1);
    }
    cr_assert_eq(sp_engine_dropped(gate.engine, dropped, 0), 0);
    cr_assert_eq(sp_engine_dropped(gate.engine, dropped, 3), 3);
    cr_assert_eq(dropped[2].source_port, 5002);
    cr_assert_eq(sp_engine_dropped(gate.engine, dropped, 3), 2);
    cr_assert_eq(dropped[0].source_port, 5003);
    gate_close(&gate);
}
