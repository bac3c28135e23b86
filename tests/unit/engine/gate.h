/* SPDX-License-Identifier: ISC
 *
 * A host for the engine's tests: SAD, engine, one worker, a policy from text.
 */
#ifndef SP_TESTS_GATE_H
#define SP_TESTS_GATE_H

#include "common/make_packet.h"

#include <sallyport/engine.h>

#include <criterion/criterion.h>
#include <stdio.h>

#define FRONT "192.0.2.1"
#define BACK "192.0.2.2"

#define ENCRYPT "action \"encrypt\" {\n    esp 3des-cbc hmac-sha1-96\n    lifetime w2k\n    require\n}\n"
#define FRONT_END                                                                                            \
    ENCRYPT "block in tcp from any to me port 80 as \"Inbound TCP 80\"\n"                                    \
            "protect out tcp from me to any port 80 with \"encrypt\" as \"Outbound TCP 80\"\n"               \
            "default bypass\n"
#define BACK_END                                                                                             \
    ENCRYPT "protect in tcp from any to me port 80 with \"encrypt\" as \"Inbound TCP 80\"\n"                 \
            "default bypass\n"

struct gate {
    struct sp_sad *sad;
    struct sp_engine *engine;
    struct sp_worker *worker;
};

static inline struct sp_policy *gate_parse(const char *text)
{
    struct sp_policy *policy = NULL;
    struct sp_report *report;
    cr_assert_eq(sp_report_create(&report), SP_OK);
    if (sp_policy_parse(text, strlen(text), "test.policy", &policy, report) != SP_OK)
        sp_report_print(report, stderr);
    sp_report_destroy(&report);
    cr_assert_not_null(policy);
    return policy;
}

static inline void gate_publish(struct gate *gate, const char *text, const char *me)
{
    struct sp_policy *policy = gate_parse(text);
    struct sp_address address;
    cr_assert_eq(sp_address_parse(me, &address), SP_OK);
    struct sp_me mine = {.addresses = &address, .count = 1};
    cr_assert_eq(sp_engine_publish(gate->engine, &policy, &mine), SP_OK);
    cr_assert_null(policy);
}

/* A host without a policy yet. */
static inline struct gate gate_bare(void)
{
    struct gate gate = {0};
    cr_assert_eq(sp_sad_create(64, &gate.sad), SP_OK);
    cr_assert_eq(sp_engine_create(gate.sad, &gate.engine), SP_OK);
    cr_assert_eq(sp_worker_create(gate.engine, &gate.worker), SP_OK);
    return gate;
}

static inline uint32_t gate_add_sa(struct gate *gate, uint32_t spi, const char *source,
                                   const char *destination)
{
    struct sp_sa_params params = made_sa(spi, source, destination);
    uint32_t number;
    cr_assert_eq(sp_sad_add(gate->sad, &params, &number, NULL), SP_OK);
    return number;
}

/* A host with a policy, and one SA each way between front-end and back-end. */
static inline struct gate gate_open(const char *text, const char *me)
{
    struct gate gate = gate_bare();
    gate_add_sa(&gate, 0x1001, FRONT, BACK);
    gate_add_sa(&gate, 0x1002, BACK, FRONT);
    gate_publish(&gate, text, me);
    return gate;
}

static inline void gate_close(struct gate *gate)
{
    sp_worker_destroy(&gate->worker);
    sp_engine_destroy(&gate->engine);
    sp_sad_destroy(&gate->sad);
}

static inline uint64_t gate_dropped(const struct sp_counters *counters)
{
    uint64_t sum = 0;
    for (int reason = 0; reason < SP_DROP_COUNT; reason++)
        sum += counters->dropped_packets[reason];
    return sum;
}

#endif
