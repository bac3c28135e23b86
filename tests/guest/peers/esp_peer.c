/* SPDX-License-Identifier: ISC
 *
 * Our engine on this machine, the kernel's ESP in the guest, a wire between them.
 *
 *   esp_peer POLICY KEYS all|some
 *
 * Asks the guest in bursts: echo requests and UDP datagrams of many sizes, sealed by the engine. Only the
 * guest's kernel can open them, and its answers come sealed by it. So each answer proves both: it opened what
 * we sealed, and we open what it seals. Prints a line of TAP for each network, family and kind of question;
 * what SAs a network has the file says.
 */
#include "packets.h"
#include "wire.h"

#include <sallyport/engine.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BURST 64    /* fills the lanes of the widest kernels */
#define UNDER_WAY 6 /* the wire holds ten */
#define PATIENCE_MS 10000
#define BUFFER_BYTES (SP_PACKET_HEADROOM_BYTES + 2 * WIRE_MTU_BYTES + SP_PACKET_TAILROOM_BYTES)

/* The SAs of the networks, as the file has them: from our host, by network and family. */
#define NETWORKS_MAX 64
static struct sp_sa_info sas[NETWORKS_MAX + 1][2];
static uint8_t network_count;
static const char *const kind_names[] = {"ICMP echo", "UDP"};

struct burst {
    size_t count, answers;
    struct question questions[BURST];
    struct sp_packet packets[BURST];
    uint8_t buffers[BURST][BUFFER_BYTES];
};

static struct burst asked, answered;
static char why[256]; /* of the first failure of a test */

static struct sp_packet packet_in(uint8_t *buffer, size_t len_bytes)
{
    return (struct sp_packet){.buffer = buffer,
                              .capacity_bytes = BUFFER_BYTES,
                              .head_bytes = SP_PACKET_HEADROOM_BYTES,
                              .len_bytes = (uint32_t)len_bytes};
}

static bool complain(const char *what, size_t number, const struct sp_packet *packet)
{
    (void)snprintf(why, sizeof why, "payload of %zu bytes: %s; verdict %s (%s)",
                   number < asked.count ? asked.questions[number].payload_bytes : 0, what,
                   packet != NULL ? sp_verdict_id(packet->verdict) : "-",
                   packet != NULL ? sp_drop_text(packet->reason) : "-");
    return false;
}

static bool seal(struct sp_worker *worker)
{
    for (size_t i = 0; i < asked.count; i++) {
        size_t len_bytes = question_write(&asked.questions[i], asked.buffers[i] + SP_PACKET_HEADROOM_BYTES);
        asked.packets[i] = packet_in(asked.buffers[i], len_bytes);
    }
    sp_outbound(worker, asked.packets, asked.count);
    for (size_t i = 0; i < asked.count; i++) {
        if (asked.packets[i].verdict != SP_VERDICT_SEALED)
            return complain("not sealed", i, &asked.packets[i]);
    }
    return true;
}

/* Keeps a packet that is meant for us; the guest's own talk to the network is none of our business. */
static void keep(uint8_t network, int wire, int wait_ms)
{
    uint8_t *place = answered.buffers[answered.count] + SP_PACKET_HEADROOM_BYTES;
    size_t len_bytes = wire_receive(wire, place, WIRE_MTU_BYTES, wait_ms);

    if (len_bytes > 0 && is_to_us(place, len_bytes, network)) {
        answered.packets[answered.count] = packet_in(answered.buffers[answered.count], len_bytes);
        answered.count++;
    }
}

static bool exchange(int wire)
{
    uint8_t network = asked.questions[0].network;
    int waited_ms = 0;

    answered.count = 0;
    for (size_t sent = 0; answered.count < asked.count;) {
        size_t before = answered.count;
        if (sent < asked.count && sent - answered.count < UNDER_WAY) {
            const struct sp_packet *packet = &asked.packets[sent++];
            wire_send(wire, packet->buffer + packet->head_bytes, packet->len_bytes);
            keep(network, wire, 0);
            continue;
        }
        keep(network, wire, 100);
        waited_ms = answered.count > before ? 0 : waited_ms + 100;
        if (waited_ms > PATIENCE_MS)
            return complain("no answer to it or one of the five before", sent - 1, NULL);
    }
    return true;
}

static bool open_answers(struct sp_worker *worker)
{
    sp_inbound(worker, answered.packets, answered.count);
    for (size_t i = 0; i < answered.count; i++) {
        const struct sp_packet *packet = &answered.packets[i];
        if (packet->verdict != SP_VERDICT_OPENED)
            return complain("an answer was not opened", i, packet);
        if (!is_answer(&asked.questions[i], packet->buffer + packet->head_bytes, packet->len_bytes))
            return complain("the answer is another than what was asked", i, packet);
    }
    return true;
}

/* The next payload's size. Some: each of the first hundred, where padding and headers meet, then fewer. */
static size_t next_size(size_t size_bytes, bool is_all)
{
    return size_bytes < 100 || is_all ? size_bytes + 1 : size_bytes + 29;
}

static bool ask_all(struct sp_worker *worker, int wire, struct question question, size_t least_bytes,
                    size_t most_bytes, bool is_all)
{
    uint16_t number = 0;

    for (size_t size_bytes = least_bytes; size_bytes <= most_bytes;) {
        for (asked.count = 0; asked.count < BURST && size_bytes <= most_bytes; asked.count++) {
            question.number = ++number;
            question.payload_bytes = size_bytes;
            asked.questions[asked.count] = question;
            /* The largest that fits is always one of them. */
            size_t next = next_size(size_bytes, is_all);
            size_bytes = size_bytes < most_bytes && next > most_bytes ? most_bytes : next;
        }
        if (!seal(worker) || !exchange(wire) || !open_answers(worker))
            return false;
    }
    return true;
}

static size_t most_payload_bytes(const struct sp_sa_info *sa, const struct question *question)
{
    return WIRE_MTU_BYTES - question_header_bytes(question) -
           sp_suite_overhead_bytes(sa->encryption, sa->integrity) -
           (sp_encap_is_on(&sa->encap) ? SP_ENCAP_OVERHEAD_BYTES : 0) -
           (sa->mode == SP_MODE_TUNNEL ? sp_tunnel_overhead_bytes(sa->source.family) : 0);
}

static const char *tunnel_text(const struct sp_sa_info *sa)
{
    if (sa->mode != SP_MODE_TUNNEL)
        return "";
    return sa->source.family == 4 ? " in a tunnel over IPv4" : " in a tunnel over IPv6";
}

/* Linux drops UDP over IPv6 with less than 40 bytes of ESP in it, and counts that nowhere: it takes the
 * length from the UDP header on for that of the whole packet (xfrm6_udp_encap_rcv). Only null encryption
 * makes such. */
static size_t least_payload_bytes(const struct sp_sa_info *sa, const struct question *question)
{
    return sp_encap_is_on(&sa->encap) && question->family == 6 && sa->encryption == SP_ENCRYPTION_NULL ? 8
                                                                                                       : 0;
}

static bool run_test(struct sp_worker *worker, int wire, const struct sp_sa_info *sa,
                     const struct question *question, bool is_all)
{
    char suite[SP_SUITE_TEXT_BYTES];
    const size_t least_bytes = least_payload_bytes(sa, question);
    const size_t most_bytes = most_payload_bytes(sa, question);
    const bool is_right = ask_all(worker, wire, *question, least_bytes, most_bytes, is_all);

    printf("%sok - the kernel and our engine open each other's %s%s%s%s, IPv%d: %s of %s sizes, %zu to "
           "%zu bytes\n",
           is_right ? "" : "not ", sp_suite_format(sa->encryption, sa->integrity, suite),
           sa->has_esn ? " esn" : "", sp_encap_is_on(&sa->encap) ? " in UDP" : "", tunnel_text(sa),
           question->family, kind_names[question->kind], is_all ? "all" : "many", least_bytes, most_bytes);
    if (!is_right)
        printf("# %s\n", why);
    fflush(stdout);
    return is_right;
}

static bool run_tests(struct sp_worker *worker, int wire, bool is_all)
{
    bool is_good = network_count > 0;

    for (uint8_t network = 1; network <= network_count; network++)
        for (int i = 0; i < 4; i++) {
            const struct question question = {.kind = i % 2 == 0 ? QUESTION_PING : QUESTION_UDP,
                                              .family = i < 2 ? 4 : 6,
                                              .network = network};
            is_good &= run_test(worker, wire, &sas[network][i / 2], &question, is_all);
        }
    return is_good;
}

/* 10.0.NETWORK.1 and fd00:0:0:NETWORK::1 are ours. An SA in tunnel mode carries both families. */
static void note_sa(const struct sp_sa_info *sa)
{
    const struct sp_address *source = &sa->source;
    const bool is_ipv6 = source->family == 6;
    const uint8_t network = source->bytes[is_ipv6 ? 7 : 2];

    if (source->bytes[is_ipv6 ? 15 : 3] != 1 || network == 0 || network > NETWORKS_MAX)
        return;
    sas[network][is_ipv6] = *sa;
    if (sa->mode == SP_MODE_TUNNEL)
        sas[network][!is_ipv6] = *sa;
    network_count = network > network_count ? network : network_count;
}

static void note_sas(const struct sp_sad *sad)
{
    struct sp_sa_info sa;

    for (uint32_t i = 0; i < sp_sad_capacity(sad); i++)
        if (sp_sad_get(sad, i, &sa) == SP_OK)
            note_sa(&sa);
}

static struct sp_engine *start_engine(const char *policy_path, const char *keys_path)
{
    struct sp_report *report = NULL;
    struct sp_policy *policy = NULL;
    struct sp_sad *sad = NULL;
    struct sp_engine *engine = NULL;
    const struct sp_me me = {.addresses = NULL, .count = 0};

    if (sp_report_create(&report) != SP_OK)
        exit(1);
    if (sp_policy_load(policy_path, &policy, report) != SP_OK ||
        sp_sad_create(4 * NETWORKS_MAX, &sad) != SP_OK || sp_sad_load(sad, keys_path, report) != SP_OK ||
        sp_engine_create(sad, &engine) != SP_OK || sp_engine_publish(engine, &policy, &me) != SP_OK) {
        sp_report_print(report, stderr);
        exit(1);
    }
    note_sas(sad);
    sp_report_destroy(&report);
    return engine; /* and its SAD live as long as this process */
}

int main(int argc, char **argv)
{
    struct sp_worker *worker = NULL;

    if (argc != 4)
        return 1;
    struct sp_engine *engine = start_engine(argv[1], argv[2]);
    if (sp_worker_create(engine, &worker) != SP_OK)
        return 1;
    bool is_good = run_tests(worker, wire_open(), strcmp(argv[3], "all") == 0);
    sp_worker_destroy(&worker);
    sp_engine_destroy(&engine);
    return is_good ? 0 : 1;
}
