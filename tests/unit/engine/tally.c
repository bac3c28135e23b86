/* SPDX-License-Identifier: ISC
 *
 * Tests of lib/engine/tally.c: whatever is summed, nothing is lost and nothing counted twice.
 */
#include "gate.h"

static struct made_packet made;

static void leave(struct gate *gate, const char *destination, uint16_t port)
{
    make_packet(&made, FRONT, destination, IPPROTO_TCP, 4000, port, 100);
    sp_outbound(gate->worker, &made.packet, 1);
}

static void assert_adds_up(const struct sp_counters *counters)
{
    cr_assert_eq(counters->offered_packets, counters->bypassed_packets + counters->sealed_packets +
                                                counters->opened_packets + gate_dropped(counters));
}

static struct sp_counters total(const struct gate *gate)
{
    struct sp_stats stats;
    sp_engine_stats(gate->engine, &stats);
    return stats.direction[SP_OUTBOUND];
}

static struct sp_counters of_rule(const struct gate *gate, uint32_t rule)
{
    struct sp_stats stats;
    cr_assert_eq(sp_engine_rule_stats(gate->engine, rule, &stats), SP_OK);
    return stats.direction[SP_OUTBOUND];
}

static void some_traffic(struct gate *gate)
{
    leave(gate, BACK, 80);
    leave(gate, BACK, 80);
    leave(gate, BACK, 443);
    leave(gate, "192.0.2.77", 80);
    make_packet(&made, FRONT, BACK, IPPROTO_TCP, 1, 2, 3);
    made.packet.len_bytes = 3;
    sp_outbound(gate->worker, &made.packet, 1);
}

Test(tally, totals_rules_and_sas_agree)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    some_traffic(&gate);
    struct sp_counters all = total(&gate), rule = of_rule(&gate, 1), rest = of_rule(&gate, SP_NO_RULE);
    cr_assert_eq(all.offered_packets, 5);
    cr_assert_eq(all.offered_bytes, 4 * 140 + 3);
    cr_assert_eq(all.sealed_packets, 2);
    cr_assert_eq(all.bypassed_packets, 1);
    cr_assert_eq(all.dropped_packets[SP_DROP_NO_SA], 1);
    cr_assert_eq(all.dropped_packets[SP_DROP_MALFORMED], 1);
    assert_adds_up(&all);
    assert_adds_up(&rule);
    assert_adds_up(&rest);
    cr_assert_eq(rule.offered_packets + rest.offered_packets, all.offered_packets);
    struct sp_stats sa;
    cr_assert_eq(sp_engine_sa_stats(gate.engine, 0, &sa), SP_OK);
    cr_assert_eq(sa.direction[SP_OUTBOUND].sealed_packets, 2);
    assert_adds_up(&sa.direction[SP_OUTBOUND]);
    gate_close(&gate);
}

Test(tally, a_packet_that_the_host_could_not_send_moves_to_the_drops)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    leave(&gate, BACK, 80);
    sp_worker_not_sent(gate.worker, SP_OUTBOUND, &made.packet, SP_DROP_HOST_MTU);
    struct sp_counters all = total(&gate), rule = of_rule(&gate, 1);
    cr_assert_eq(made.packet.reason, SP_DROP_HOST_MTU);
    cr_assert_eq(all.sealed_packets, 0);
    cr_assert_eq(all.dropped_packets[SP_DROP_HOST_MTU], 1);
    cr_assert_eq(rule.dropped_packets[SP_DROP_HOST_MTU], 1);
    assert_adds_up(&all);
    gate_close(&gate);
}

Test(tally, a_packet_not_sent_after_a_new_policy_moves_in_the_totals_but_not_in_the_new_policys_rules)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    leave(&gate, BACK, 80);
    gate_publish(&gate, FRONT_END, FRONT);
    sp_worker_not_sent(gate.worker, SP_OUTBOUND, &made.packet, SP_DROP_HOST_SEND);
    struct sp_counters all = total(&gate), rule = of_rule(&gate, 1);
    cr_assert_eq(all.dropped_packets[SP_DROP_HOST_SEND], 1);
    cr_assert_eq(rule.sealed_packets, 0);
    cr_assert_eq(rule.dropped_packets[SP_DROP_HOST_SEND], 0);
    gate_close(&gate);
}

Test(tally, a_packet_not_sent_before_the_next_policys_first_burst_makes_no_rule_of_that_one_wrong)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    leave(&gate, BACK, 80);
    struct sp_packet earlier = made.packet;
    gate_publish(&gate, FRONT_END, FRONT);
    leave(&gate, BACK, 443);
    sp_worker_not_sent(gate.worker, SP_OUTBOUND, &earlier, SP_DROP_HOST_SEND);
    struct sp_counters all = total(&gate), rule = of_rule(&gate, 1);
    cr_assert_eq(all.dropped_packets[SP_DROP_HOST_SEND], 1);
    cr_assert_eq(rule.offered_packets, 0);
    cr_assert_eq(rule.sealed_packets, 0);
    assert_adds_up(&all);
    assert_adds_up(&rule);
    gate_close(&gate);
}

Test(tally, what_the_host_lost_before_a_worker_saw_it_counts_as_offered_and_dropped)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    leave(&gate, BACK, 80);
    sp_engine_lost(gate.engine, SP_OUTBOUND, SP_DROP_HOST_DEVICE_QUEUE, 7);
    sp_engine_lost(gate.engine, SP_INBOUND, SP_DROP_HOST_SOCKET_QUEUE, 5);
    struct sp_stats stats;
    sp_engine_stats(gate.engine, &stats);
    struct sp_counters *out = &stats.direction[SP_OUTBOUND], *in = &stats.direction[SP_INBOUND];
    struct sp_counters rule = of_rule(&gate, 1), rest = of_rule(&gate, SP_NO_RULE);
    cr_assert_eq(out->offered_packets, 8);
    cr_assert_eq(out->dropped_packets[SP_DROP_HOST_DEVICE_QUEUE], 7);
    cr_assert_eq(in->offered_packets, 5);
    cr_assert_eq(in->dropped_packets[SP_DROP_HOST_SOCKET_QUEUE], 5);
    assert_adds_up(out);
    assert_adds_up(in);
    cr_assert_eq(rule.offered_packets + rest.offered_packets, 1);
    gate_close(&gate);
}

Test(tally, what_a_worker_counted_outlives_it)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    some_traffic(&gate);
    sp_worker_destroy(&gate.worker);
    cr_assert_eq(sp_worker_create(gate.engine, &gate.worker), SP_OK);
    leave(&gate, BACK, 80);
    struct sp_stats sa;
    cr_assert_eq(sp_engine_sa_stats(gate.engine, 0, &sa), SP_OK);
    cr_assert_eq(total(&gate).sealed_packets, 3);
    cr_assert_eq(of_rule(&gate, 1).sealed_packets, 3);
    cr_assert_eq(sa.direction[SP_OUTBOUND].sealed_packets, 3);
    gate_close(&gate);
}

Test(tally, events_that_a_worker_lost_stay_lost_when_it_is_gone)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    char peer[32];
    struct sp_stats before, after;
    for (int i = 0; i < 3000; i++) {
        snprintf(peer, sizeof peer, "198.51.%d.%d", i / 250, 1 + i % 250);
        leave(&gate, peer, 80);
    }
    sp_engine_stats(gate.engine, &before);
    cr_assert_gt(before.events_lost, 0);
    sp_worker_destroy(&gate.worker);
    sp_engine_stats(gate.engine, &after);
    cr_assert_eq(after.events_lost, before.events_lost);
    gate_close(&gate);
}

Test(tally, what_a_worker_counted_outlives_it_under_the_next_sa_of_a_number_too)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    struct sp_stats sa;
    uint32_t number = 0;
    for (uint32_t round = 1; round <= 3; round++) {
        for (uint32_t i = 0; i < round; i++)
            leave(&gate, BACK, 80);
        sp_worker_destroy(&gate.worker);
        cr_assert_eq(sp_engine_sa_stats(gate.engine, number, &sa), SP_OK);
        cr_assert_eq(sa.direction[SP_OUTBOUND].sealed_packets, round);
        cr_assert_eq(sp_sad_remove(gate.sad, number), SP_OK);
        cr_assert_eq(gate_add_sa(&gate, 0x2001 + round, FRONT, BACK), number);
        cr_assert_eq(sp_worker_create(gate.engine, &gate.worker), SP_OK);
    }
    gate_close(&gate);
}

Test(tally, an_sa_that_takes_a_removed_ones_number_starts_from_zero)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    leave(&gate, BACK, 80);
    cr_assert_eq(sp_sad_remove(gate.sad, 0), SP_OK);
    struct sp_stats sa;
    cr_assert_eq(sp_engine_sa_stats(gate.engine, 0, &sa), SP_ERR_NOT_FOUND);
    uint32_t number = gate_add_sa(&gate, 0x2001, FRONT, BACK);
    cr_assert_eq(sp_engine_sa_stats(gate.engine, number, &sa), SP_OK);
    cr_assert_eq(sa.direction[SP_OUTBOUND].offered_packets, 0);
    leave(&gate, BACK, 80);
    cr_assert_eq(sp_engine_sa_stats(gate.engine, number, &sa), SP_OK);
    cr_assert_eq(sa.direction[SP_OUTBOUND].sealed_packets, 1);
    gate_close(&gate);
}

Test(tally, a_packet_not_sent_after_its_sa_is_gone_is_no_packet_of_the_next_one_with_its_number)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    leave(&gate, BACK, 80);
    cr_assert_eq(sp_sad_remove(gate.sad, 0), SP_OK);
    uint32_t number = gate_add_sa(&gate, 0x2001, FRONT, BACK);
    cr_assert_eq(number, made.packet.sa);
    sp_worker_not_sent(gate.worker, SP_OUTBOUND, &made.packet, SP_DROP_HOST_SEND);
    struct sp_stats sa;
    cr_assert_eq(sp_engine_sa_stats(gate.engine, number, &sa), SP_OK);
    cr_assert_eq(sa.direction[SP_OUTBOUND].sealed_packets, 0);
    cr_assert_eq(gate_dropped(&sa.direction[SP_OUTBOUND]), 0);
    struct sp_counters all = total(&gate);
    cr_assert_eq(all.dropped_packets[SP_DROP_HOST_SEND], 1);
    assert_adds_up(&all);
    gate_close(&gate);
}

Test(tally, rules_that_are_not_there_are_not_found)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    struct sp_stats stats;
    cr_assert_eq(sp_engine_rule_stats(gate.engine, 2, &stats), SP_ERR_NOT_FOUND);
    cr_assert_eq(sp_engine_sa_stats(gate.engine, 1000000, &stats), SP_ERR_NOT_FOUND);
    gate_close(&gate);
}
