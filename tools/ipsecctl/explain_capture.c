/* SPDX-License-Identifier: ISC
 *
 * ipsecctl explain --pcap: the flows of a capture, in the order in which they first appear, each with the
 * rule that decides about it. The packets of a flow are all alike to a policy, so each flow is asked about
 * once.
 */
#include "capture.h"
#include "explain.h"
#include "json.h"
#include "table.h"
#include "terminal.h"
#include "tool.h"

#include <sallyport/analysis.h>

#include <stdlib.h>
#include <string.h>

#define FLOWS_MAX (1u << 20)
#define SLOTS_MIN 1024u

struct flow_count {
    struct sp_flow flow;
    uint64_t packets;
};

struct tally {
    struct flow_count *flows;
    uint32_t *slots; /* index + 1 into flows; 0: free */
    uint32_t flow_count, slot_count;
    uint64_t frames, other, truncated, malformed, fragments;
};

static bool is_same(const struct sp_flow *left, const struct sp_flow *right)
{
    return left->protocol == right->protocol && left->source_port == right->source_port &&
           left->destination_port == right->destination_port && left->source.family == right->source.family &&
           memcmp(left->source.bytes, right->source.bytes, sizeof left->source.bytes) == 0 &&
           memcmp(left->destination.bytes, right->destination.bytes, sizeof left->destination.bytes) == 0;
}

/* FNV-1a. */
static uint32_t hash_bytes(uint32_t hash, const void *bytes, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++)
        hash = (hash ^ ((const uint8_t *)bytes)[i]) * 16777619u;
    return hash;
}

static uint32_t *slot_of(const struct tally *tally, const struct sp_flow *flow)
{
    uint32_t hash = hash_bytes(2166136261u, flow->source.bytes, sizeof flow->source.bytes);
    hash = hash_bytes(hash, flow->destination.bytes, sizeof flow->destination.bytes);
    hash = hash_bytes(hash, &flow->source_port, sizeof flow->source_port);
    hash = hash_bytes(hash, &flow->destination_port, sizeof flow->destination_port);
    hash = hash_bytes(hash, &flow->protocol, sizeof flow->protocol);
    for (uint32_t at = hash & (tally->slot_count - 1);; at = (at + 1) & (tally->slot_count - 1)) {
        const uint32_t entry = tally->slots[at];
        if (entry == 0 || is_same(&tally->flows[entry - 1].flow, flow))
            return &tally->slots[at];
    }
}

/* Twice the room, so that at most half of the slots are taken. */
static void grow(struct tally *tally)
{
    tally->slot_count = tally->slot_count ? 2 * tally->slot_count : SLOTS_MIN;
    free(tally->slots);
    tally->slots = tool_need(calloc(tally->slot_count, sizeof *tally->slots));
    tally->flows = tool_need(realloc(tally->flows, tally->slot_count / 2 * sizeof *tally->flows));
    for (uint32_t i = 0; i < tally->flow_count; i++)
        *slot_of(tally, &tally->flows[i].flow) = i + 1;
}

/* False when there are too many flows to be shown. */
static bool count_flow(struct tally *tally, const struct sp_flow *flow)
{
    if (2 * tally->flow_count >= tally->slot_count)
        grow(tally);
    uint32_t *slot = slot_of(tally, flow);
    if (*slot == 0) {
        if (tally->flow_count == FLOWS_MAX)
            return false;
        tally->flows[tally->flow_count++] = (struct flow_count){.flow = *flow};
        *slot = tally->flow_count;
    }
    tally->flows[*slot - 1].packets++;
    return true;
}

static bool count_frame(struct tally *tally, const struct frame *frame, enum sp_direction direction)
{
    struct sp_flow flow;
    tally->frames++;
    if (frame->kind != FRAME_IP) {
        tally->other += frame->kind == FRAME_OTHER;
        tally->truncated += frame->kind == FRAME_TRUNCATED;
        return true;
    }
    const enum sp_drop drop =
        sp_flow_read(frame->buffer + SP_PACKET_HEADROOM_BYTES, frame->ip_bytes, direction, &flow);
    if (drop == SP_DROP_NONE)
        return count_flow(tally, &flow);
    tally->fragments += drop == SP_DROP_FRAGMENT;
    tally->malformed += drop != SP_DROP_FRAGMENT;
    return true;
}

static int count_capture(struct tally *tally, const struct question *question)
{
    struct capture_in in = {0};
    struct frame frame = {0};
    int answer = 1;
    const int exit_code = capture_open(question->capture, &in);
    if (exit_code != TOOL_OK)
        return exit_code;
    frames_create(&frame, 1);
    while ((answer = capture_read(&in, &frame)) == 1) {
        if (!count_frame(tally, &frame, question->flow.direction)) {
            tool_say("%s: more than %u flows", question->capture, FLOWS_MAX);
            answer = -1;
            break;
        }
    }
    frames_destroy(&frame, 1);
    capture_close(&in);
    return answer == 0 ? TOOL_OK : TOOL_NOT_APPLIED;
}

static void print_json(const struct sp_policy *policy, const struct question *question,
                       const struct tally *tally)
{
    json_t *object = tool_need(json_object());
    json_t *flows = tool_need(json_array());
    for (uint32_t i = 0; i < tally->flow_count; i++) {
        struct question about = *question;
        struct sp_match match;
        about.flow = tally->flows[i].flow;
        sp_policy_explain(policy, &about.me.me, &about.flow, &match, 1);
        json_t *flow = tool_need(json_object());
        json_put(flow, "flow", explain_flow_json(&about.flow));
        json_put(flow, "packets", json_number(tally->flows[i].packets));
        json_put(flow, "decision", explain_match_json(policy, &about, &match));
        json_push(flows, flow);
    }
    json_put(object, "file", json_text(question->path));
    json_put(object, "capture", json_text(question->capture));
    json_put(object, "frames", json_number(tally->frames));
    json_put(object, "not_ip", json_number(tally->other));
    json_put(object, "truncated", json_number(tally->truncated));
    json_put(object, "malformed", json_number(tally->malformed));
    json_put(object, "fragments", json_number(tally->fragments));
    json_put(object, "flows", flows);
    json_print(object, stdout, true);
}

static void print_left_out(const char *what, uint64_t frames)
{
    if (frames)
        printf("not asked about: %llu %s\n", (unsigned long long)frames, what);
}

static void print_table(const struct sp_policy *policy, const struct question *question,
                        const struct tally *tally)
{
    struct table *table = table_create("ACTION|WHERE|MIRRORED|>PACKETS|FLOW|RULE");
    for (uint32_t i = 0; i < tally->flow_count; i++) {
        const struct sp_flow *flow = &tally->flows[i].flow;
        struct sp_match match;
        char text[4096], flow_text[SP_FLOW_TEXT_BYTES];
        sp_policy_explain(policy, &question->me.me, flow, &match, 1);
        char *place = explain_place(policy, &match);
        table_add(table, "%s", sp_action_name(match.action));
        table_add(table, "%s", place);
        table_add(table, "%s", match.is_mirrored ? "yes" : "no");
        table_add_number(table, tally->flows[i].packets);
        table_add(table, "%s", sp_flow_format(flow, flow_text));
        table_add(table, "%s", explain_text(policy, &match, text, sizeof text));
        free(place);
    }
    table_print(table, stdout, terminal_is(stdout));
    table_destroy(&table);
    print_left_out("frames that are not IP", tally->other);
    print_left_out("packets that the capture cut off", tally->truncated);
    print_left_out("malformed packets", tally->malformed);
    print_left_out("fragments, whose ports are not known", tally->fragments);
}

int explain_capture(const struct sp_policy *policy, const struct question *question)
{
    struct tally tally = {0};
    const int exit_code = count_capture(&tally, question);
    if (exit_code == TOOL_OK && question->as_json)
        print_json(policy, question, &tally);
    else if (exit_code == TOOL_OK)
        print_table(policy, question, &tally);
    free(tally.flows);
    free(tally.slots);
    return exit_code;
}
