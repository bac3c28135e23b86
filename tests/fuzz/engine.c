/* SPDX-License-Identifier: ISC
 *
 * The engine: any packet, out and in, through a host that has one SA each way. Each packet gets one verdict
 * and the counters add up; what neither ESP nor a fragment is goes by the rule that explain names.
 */
#include "fuzz.h"

#include <sallyport/analysis.h>
#include <sallyport/engine.h>

#include <string.h>

#define PROTOCOL_ESP 50

static const char text[] = "action \"encrypt\" {\n    esp 3des-cbc hmac-sha1-96\n    require\n}\n"
                           "block in tcp from any to me port 80\n"
                           "protect out tcp from me to any port 80 with \"encrypt\"\n"
                           "protect out icmp type 8 code 0 from me to any with \"encrypt\"\n"
                           "bypass in icmp6 type 128-137 from any to me\n"
                           "block out udp from me to 192.0.2.0/25 port { 53, 1000-2000 }\n"
                           "block in 132 from 2001:db8::/32 port 7 to any\n"
                           "bypass in udp from any port 53 to me\n"
                           "block in udp from any to any\n"
                           "default bypass\n";

static const struct sp_address mine[] = {
    {.family = 4, .bytes = {192, 0, 2, 1}},
    {.family = 6, .bytes = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},
};
static const struct sp_me me = {.addresses = mine, .count = 2};

#define INPUTS_MAX 1000u /* with one host: making one costs more than using it */

struct host {
    struct sp_sad *sad;
    struct sp_engine *engine;
    struct sp_worker *worker;
    uint32_t inputs;
    struct sp_stats stats;
};
static struct host host;

static void add_sa(uint32_t spi, uint8_t source, uint8_t destination)
{
    static const uint8_t key[24] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x23, 0x45, 0x67, 0x89,
                                    0xab, 0xcd, 0xef, 0x01, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23};
    const struct sp_sa_params params = {
        .spi = spi,
        .source = {.family = 4, .bytes = {192, 0, 2, source}},
        .destination = {.family = 4, .bytes = {192, 0, 2, destination}},
        .encryption = SP_ENCRYPTION_3DES_CBC,
        .integrity = SP_INTEGRITY_HMAC_SHA1_96,
        .encryption_key = key,
        .encryption_key_bytes = 24,
        .integrity_key = key,
        .integrity_key_bytes = 20,
    };
    uint32_t number;
    FUZZ_HOLDS(sp_sad_add(host.sad, &params, &number, NULL) == SP_OK);
}

static void publish(void)
{
    struct sp_policy *policy = NULL;
    struct sp_report *report;
    FUZZ_HOLDS(sp_report_create(&report) == SP_OK);
    FUZZ_HOLDS(sp_policy_parse(text, sizeof text - 1, "fuzz.policy", &policy, report) == SP_OK);
    sp_report_destroy(&report);
    FUZZ_HOLDS(sp_engine_publish(host.engine, &policy, &me) == SP_OK);
}

static void open_host(void)
{
    FUZZ_HOLDS(sp_sad_create(4, &host.sad) == SP_OK && sp_engine_create(host.sad, &host.engine) == SP_OK);
    add_sa(0x1001, 1, 2);
    add_sa(0x1002, 2, 1);
    publish();
    FUZZ_HOLDS(sp_worker_create(host.engine, &host.worker) == SP_OK);
}

static void take_turn(void)
{
    if (host.inputs++ % INPUTS_MAX != 0)
        return;
    sp_worker_destroy(&host.worker);
    sp_engine_destroy(&host.engine);
    sp_sad_destroy(&host.sad);
    host.stats = (struct sp_stats){0};
    open_host();
}

static uint64_t sum_of(const struct sp_counters *counters)
{
    uint64_t sum = counters->bypassed_packets + counters->sealed_packets + counters->opened_packets;
    for (int reason = 0; reason < SP_DROP_COUNT; reason++)
        sum += counters->dropped_packets[reason];
    return sum;
}

/* One packet more in this direction, none in the other, and each in one counter. */
static void expect_sums(enum sp_direction direction)
{
    struct sp_stats now;
    sp_engine_stats(host.engine, &now);
    for (int way = SP_OUTBOUND; way <= SP_INBOUND; way++) {
        const uint64_t former = host.stats.direction[way].offered_packets;
        FUZZ_HOLDS(now.direction[way].offered_packets == former + (way == (int)direction));
        FUZZ_HOLDS(sum_of(&now.direction[way]) == now.direction[way].offered_packets);
    }
    host.stats = now;
}

static void expect_verdict(const struct sp_packet *packet, const struct sp_match *match,
                           enum sp_direction direction)
{
    const bool is_out = direction == SP_OUTBOUND;
    FUZZ_HOLDS(packet->rule == match->rule);
    switch (match->action) {
    case SP_ACTION_BYPASS:
        FUZZ_HOLDS(packet->verdict == SP_VERDICT_BYPASS);
        break;
    case SP_ACTION_BLOCK:
        FUZZ_HOLDS(packet->verdict == SP_VERDICT_DROP && packet->reason == SP_DROP_POLICY_BLOCK);
        break;
    default:
        FUZZ_HOLDS(packet->verdict != SP_VERDICT_BYPASS);
        FUZZ_HOLDS(is_out || packet->reason == SP_DROP_CLEAR_TEXT);
    }
}

static void pass(const uint8_t *data, size_t size, enum sp_direction direction)
{
    struct sp_flow flow;
    struct sp_match match;
    const size_t capacity_bytes = SP_PACKET_HEADROOM_BYTES + size + SP_PACKET_TAILROOM_BYTES;
    struct sp_packet packet = {.buffer = calloc(1, capacity_bytes),
                               .capacity_bytes = (uint32_t)capacity_bytes,
                               .head_bytes = SP_PACKET_HEADROOM_BYTES,
                               .len_bytes = (uint32_t)size};
    FUZZ_HOLDS(packet.buffer != NULL);
    memcpy(packet.buffer + packet.head_bytes, data, size);
    take_turn();
    const bool has_flow = sp_flow_read(data, size, direction, &flow) == SP_DROP_NONE;
    (direction == SP_OUTBOUND ? sp_outbound : sp_inbound)(host.worker, &packet, 1);
    FUZZ_HOLDS((packet.verdict == SP_VERDICT_DROP) == (packet.reason != SP_DROP_NONE));
    expect_sums(direction);
    if (has_flow && flow.protocol != PROTOCOL_ESP && packet.reason != SP_DROP_MALFORMED) {
        FUZZ_HOLDS(sp_policy_explain(sp_engine_policy(host.engine), &me, &flow, &match, 1) >= 1);
        expect_verdict(&packet, &match, direction);
    }
    free(packet.buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 60000)
        return 0;
    pass(data, size, SP_OUTBOUND);
    pass(data, size, SP_INBOUND);
    return 0;
}
