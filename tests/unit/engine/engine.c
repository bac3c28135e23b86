/* SPDX-License-Identifier: ISC
 *
 * Tests of lib/engine/engine.c and events.c: publishing, generations, lifetimes from the policy, events.
 */
#include "core/clock.h"
#include "gate.h"

#include <pthread.h>
#include <stdatomic.h>

static struct made_packet made;

static enum sp_verdict leave(struct gate *gate, const char *destination)
{
    make_packet(&made, FRONT, destination, IPPROTO_TCP, 4000, 80, 100);
    sp_outbound(gate->worker, &made.packet, 1);
    return made.packet.verdict;
}

Test(engine, publishing_replaces_the_policy_and_counts_generations)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    cr_assert_eq(sp_engine_generation(gate.engine), 1);
    cr_assert_eq(leave(&gate, BACK), SP_VERDICT_SEALED);
    gate_publish(&gate, "default block\n", FRONT);
    cr_assert_eq(leave(&gate, BACK), SP_VERDICT_DROP);
    gate_publish(&gate, "default bypass\n", FRONT);
    cr_assert_eq(leave(&gate, BACK), SP_VERDICT_BYPASS);
    cr_assert_eq(sp_engine_generation(gate.engine), 3);
    cr_assert_eq(sp_policy_rule_count(sp_engine_policy(gate.engine)), 0);
    gate_close(&gate);
}

Test(engine, an_sa_without_a_lifetime_takes_the_tightest_action_of_its_suite)
{
    struct gate gate = gate_open("action \"a\" {\n esp 3des-cbc hmac-sha1-96\n lifetime w2k\n}\n"
                                 "action \"b\" {\n esp 3des-cbc hmac-sha1-96\n lifetime nist-r2\n}\n"
                                 "protect out tcp from me to any port 80 with \"a\"\n"
                                 "protect out tcp from me to any port 81 with \"b\"\ndefault bypass\n",
                                 FRONT);
    struct sp_sa_info info;
    cr_assert_eq(sp_sad_get(gate.sad, 0, &info), SP_OK);
    cr_assert_eq(info.lifetime.hard_bytes, 8u << 20);
    cr_assert_eq(info.lifetime.hard_seconds, 3600);
    gate_close(&gate);
}

Test(engine, an_sa_takes_the_lifetime_of_no_action_that_does_not_use_it)
{
    struct gate gate = gate_open("action \"a\" {\n esp 3des-cbc hmac-sha1-96\n lifetime w2k\n}\n"
                                 "action \"u\" {\n esp 3des-cbc hmac-sha1-96\n encap udp\n lifetime 1 MB\n}\n"
                                 "action \"n\" {\n esp 3des-cbc hmac-sha1-96\n esn\n lifetime 2 MB\n}\n"
                                 "action \"i\" {\n esp 3des-cbc hmac-md5-96\n lifetime 3 MB\n}\n"
                                 "action \"e\" {\n esp null hmac-sha1-96\n lifetime 4 MB\n}\n"
                                 "action \"t\" {\n esp 3des-cbc hmac-sha1-96\n lifetime 5 MB\n"
                                 " mode tunnel from 192.0.2.1 to 192.0.2.2\n}\n"
                                 "protect out tcp from me to any port 80 with \"a\"\ndefault bypass\n",
                                 FRONT);
    struct sp_sa_info info;
    cr_assert_eq(sp_sad_get(gate.sad, 0, &info), SP_OK);
    cr_assert_eq(info.lifetime.hard_bytes, 102400000u);
    gate_close(&gate);
}

Test(engine, one_acquire_a_second_and_flow_is_told)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    for (int i = 0; i < 5; i++)
        leave(&gate, "192.0.2.50");
    struct sp_event events[8];
    cr_assert_eq(sp_engine_events(gate.engine, events, 8), 1);
    cr_assert_eq(events[0].kind, SP_EVENT_ACQUIRE);
    cr_assert_eq(events[0].rule, 1);
    cr_assert_eq(events[0].destination.bytes[3], 50);
    sp_clock_advance_ns(1100000000u);
    leave(&gate, "192.0.2.50");
    cr_assert_eq(sp_engine_events(gate.engine, events, 8), 1);
    gate_close(&gate);
}

Test(engine, expiry_is_told_once_even_without_traffic_and_stops_traffic)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    struct sp_event events[8];
    sp_clock_advance_ns(3200ull * 1000000000u);
    cr_assert_eq(sp_engine_events(gate.engine, events, 8), 2);
    cr_assert_eq(events[0].kind, SP_EVENT_SOFT_EXPIRED);
    cr_assert_eq(leave(&gate, BACK), SP_VERDICT_SEALED);
    sp_clock_advance_ns(500ull * 1000000000u);
    cr_assert_eq(leave(&gate, BACK), SP_VERDICT_DROP);
    cr_assert_eq(made.packet.reason, SP_DROP_HARD_TIME);
    cr_assert_eq(sp_engine_events(gate.engine, events, 8), 2);
    cr_assert_eq(events[0].kind, SP_EVENT_HARD_EXPIRED);
    cr_assert_eq(sp_engine_events(gate.engine, events, 8), 0);
    gate_close(&gate);
}

/* A host whose first SA, front to back, has these limits. */
static struct gate gate_with(const struct sp_lifetime *lifetime)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    cr_assert_eq(sp_sad_set_lifetime(gate.sad, 0, lifetime, NULL), SP_OK);
    return gate;
}

static void assert_expiry(struct gate *gate, enum sp_event_kind kind, enum sp_limit limit, uint32_t rule)
{
    struct sp_event event;
    cr_assert_eq(sp_engine_events(gate->engine, &event, 1), 1);
    cr_assert_eq(event.kind, kind);
    cr_assert_str_eq(sp_limit_name(event.limit), sp_limit_name(limit));
    cr_assert_eq(event.rule, rule);
    cr_assert_eq(event.sa, 0);
    cr_assert_eq(event.spi, 0x1001);
}

Test(engine, an_expiry_tells_which_limit_and_the_rule_that_used_the_sa)
{
    struct gate gate =
        gate_with(&(struct sp_lifetime){.hard_bytes = 1 << 20, .soft_packets = 2, .hard_packets = 3});
    struct sp_event event;
    leave(&gate, BACK);
    cr_assert_eq(sp_engine_events(gate.engine, &event, 1), 0);
    leave(&gate, BACK);
    assert_expiry(&gate, SP_EVENT_SOFT_EXPIRED, SP_LIMIT_PACKETS, 1);
    leave(&gate, BACK);
    assert_expiry(&gate, SP_EVENT_HARD_EXPIRED, SP_LIMIT_PACKETS, 1);
    cr_assert_eq(sp_engine_events(gate.engine, &event, 1), 0);
    gate_close(&gate);

    gate = gate_with(&(struct sp_lifetime){.soft_bytes = 1, .hard_bytes = 1 << 20, .hard_seconds = 100});
    leave(&gate, BACK);
    assert_expiry(&gate, SP_EVENT_SOFT_EXPIRED, SP_LIMIT_BYTES, 1);
    gate_publish(&gate, FRONT_END, FRONT);
    sp_clock_advance_ns(100ull * 1000000000u);
    assert_expiry(&gate, SP_EVENT_HARD_EXPIRED, SP_LIMIT_TIME, SP_NO_RULE); /* none of this policy's */
    gate_close(&gate);
}

Test(engine, the_soft_limit_is_told_before_the_hard_one_also_when_both_are_past)
{
    struct gate gate = gate_with(&(struct sp_lifetime){.hard_bytes = 1 << 20, .hard_packets = 3});
    for (int i = 0; i < 5; i++)
        leave(&gate, BACK);
    assert_expiry(&gate, SP_EVENT_SOFT_EXPIRED, SP_LIMIT_PACKETS, 1);
    assert_expiry(&gate, SP_EVENT_HARD_EXPIRED, SP_LIMIT_PACKETS, 1);
    gate_close(&gate);

    gate = gate_with(&(struct sp_lifetime){.soft_bytes = 1, .hard_bytes = 1 << 20, .hard_packets = 1});
    leave(&gate, BACK); /* meets both with one packet */
    assert_expiry(&gate, SP_EVENT_SOFT_EXPIRED, SP_LIMIT_PACKETS, 1);
    assert_expiry(&gate, SP_EVENT_HARD_EXPIRED, SP_LIMIT_PACKETS, 1);
    gate_close(&gate);
}

Test(engine, an_expiry_names_the_rule_of_what_was_carried_not_of_what_was_refused)
{
    struct gate gate = gate_open(ENCRYPT "protect out tcp from me to any port 80 with \"encrypt\"\n"
                                         "protect out tcp from me to any port 81 with \"encrypt\"\n"
                                         "default bypass\n",
                                 FRONT);
    const struct sp_lifetime lifetime = {.hard_bytes = 1 << 20, .soft_packets = 1, .hard_packets = 2};
    cr_assert_eq(sp_sad_set_lifetime(gate.sad, 0, &lifetime, NULL), SP_OK);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(leave(&gate, BACK), SP_VERDICT_SEALED);
    make_packet(&made, FRONT, BACK, IPPROTO_TCP, 4000, 81, 100);
    sp_outbound(gate.worker, &made.packet, 1);
    cr_assert_eq(made.packet.reason, SP_DROP_HARD_PACKETS);
    cr_assert_eq(made.packet.sa, 0);
    assert_expiry(&gate, SP_EVENT_SOFT_EXPIRED, SP_LIMIT_PACKETS, 0);
    assert_expiry(&gate, SP_EVENT_HARD_EXPIRED, SP_LIMIT_PACKETS, 0);
    gate_close(&gate);
}

Test(engine, an_sa_has_not_the_rule_of_the_one_whose_number_it_got)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    const struct sp_lifetime lifetime = {.hard_bytes = 1 << 20, .hard_seconds = 10};
    cr_assert_eq(leave(&gate, BACK), SP_VERDICT_SEALED);
    cr_assert_eq(sp_sad_remove(gate.sad, 0), SP_OK);
    sp_clock_advance_ns(1000000000u);
    cr_assert_eq(gate_add_sa(&gate, 0x1001, FRONT, BACK), 0);
    cr_assert_eq(sp_sad_set_lifetime(gate.sad, 0, &lifetime, NULL), SP_OK);
    sp_clock_advance_ns(11ull * 1000000000u);
    cr_assert_eq(leave(&gate, BACK), SP_VERDICT_DROP);
    cr_assert_eq(made.packet.reason, SP_DROP_HARD_TIME);
    assert_expiry(&gate, SP_EVENT_SOFT_EXPIRED, SP_LIMIT_TIME, SP_NO_RULE);
    assert_expiry(&gate, SP_EVENT_HARD_EXPIRED, SP_LIMIT_TIME, SP_NO_RULE);
    gate_close(&gate);
}

Test(engine, a_full_event_ring_is_counted_and_never_waited_for)
{
    struct gate gate = gate_open(FRONT_END, FRONT);
    char peer[32];
    for (int i = 0; i < 3000; i++) {
        snprintf(peer, sizeof peer, "198.51.%d.%d", i / 250, 1 + i % 250);
        leave(&gate, peer);
    }
    struct sp_stats stats;
    sp_engine_stats(gate.engine, &stats);
    cr_assert_gt(stats.events_lost, 0);
    gate_close(&gate);
}

struct trial {
    struct gate *gate;
    atomic_bool is_over;
    atomic_uint bursts, mixed;
};

/* Each burst must be all bypass or all block: one generation. */
static void *offer_bursts(void *argument)
{
    struct trial *trial = argument;
    struct sp_worker *worker;
    cr_assert_eq(sp_worker_create(trial->gate->engine, &worker), SP_OK);
    struct made_packet mine;
    while (!trial->is_over) {
        struct sp_packet packets[64];
        make_packet(&mine, FRONT, BACK, IPPROTO_TCP, 1, 2, 3);
        for (int i = 0; i < 64; i++)
            packets[i] = mine.packet; /* bypass and block only read */
        sp_outbound(worker, packets, 64);
        for (int i = 1; i < 64; i++)
            if (packets[i].verdict != packets[0].verdict)
                trial->mixed++;
        trial->bursts++;
    }
    sp_worker_destroy(&worker);
    return NULL;
}

/* So many rules that a policy with another one in it becomes a change of the tables and no new ones. */
#define MANY_RULES 1300

/* One of the rules, which stands at place, is about packets to BACK. Of the others, some have another port.
 */
static char *many_rules(int place, const char *action, int others)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (int i = 0; i < MANY_RULES; i++) {
        fprintf(out, "block out udp from me to 10.0.%d.%d port %d\n", i / 250, i % 250, i < others ? 81 : 80);
        if (i == place)
            fprintf(out, "%s out tcp from me to " BACK "\n", action);
    }
    fputs("default block\n", out);
    fclose(out);
    return text;
}

Test(engine, a_rule_that_moves_among_many_decides_and_is_counted_under_its_new_number)
{
    struct gate gate = gate_bare();
    for (int place = 0; place < MANY_RULES; place += 97) {
        char *text = many_rules(place, "bypass", 0);
        gate_publish(&gate, text, FRONT);
        free(text);
        cr_assert_eq(leave(&gate, BACK), SP_VERDICT_BYPASS);
        cr_assert_eq(made.packet.rule, (uint32_t)place + 1);
        struct sp_stats stats;
        cr_assert_eq(sp_engine_rule_stats(gate.engine, (uint32_t)place + 1, &stats), SP_OK);
        cr_assert_eq(stats.direction[SP_OUTBOUND].bypassed_packets, 1);
        cr_assert_eq(sp_engine_rule_stats(gate.engine, SP_NO_RULE, &stats), SP_OK);
        cr_assert_eq(stats.direction[SP_OUTBOUND].offered_packets, 0);
    }
    gate_close(&gate);
}

Test(engine, a_burst_never_mixes_generations_while_one_rule_of_many_changes)
{
    struct gate gate = gate_open("default bypass\n", FRONT);
    struct trial trial = {.gate = &gate};
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, offer_bursts, &trial), 0);
    for (int i = 0; i < 120 || trial.bursts < 100; i++) {
        char *text = many_rules(i * 7 % MANY_RULES, i % 2 ? "bypass" : "block", i);
        gate_publish(&gate, text, FRONT);
        free(text);
        cr_assert_eq(leave(&gate, BACK), i % 2 ? SP_VERDICT_BYPASS : SP_VERDICT_DROP);
    }
    trial.is_over = true;
    pthread_join(thread, NULL);
    cr_assert_eq(trial.mixed, 0);
    gate_close(&gate);
}

Test(engine, a_burst_never_mixes_generations_while_policies_change)
{
    struct gate gate = gate_open("default bypass\n", FRONT);
    struct trial trial = {.gate = &gate};
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, offer_bursts, &trial), 0);
    for (int i = 0; i < 200 || trial.bursts < 100; i++)
        gate_publish(&gate, i % 2 ? "default bypass\n" : "default block\n", FRONT);
    trial.is_over = true;
    pthread_join(thread, NULL);
    cr_assert_eq(trial.mixed, 0);
    gate_close(&gate);
}
