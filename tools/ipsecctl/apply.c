/* SPDX-License-Identifier: ISC
 *
 * ipsecctl apply: runs a capture through the engine, as a host with this policy and these SAs would treat it,
 * and writes what would go on. No privileges, no network.
 */
#include "apply.h"

#include "arguments.h"
#include "load.h"
#include "terminal.h"
#include "verb.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define BURST_FRAMES 64
#define SAS_MAX 100000
#define EVENTS_AT_ONCE 256

struct plan {
    const char *policy, *keys, *in, *out;
    enum sp_direction direction;
    bool has_direction, as_json;
    struct me_option me;
};

static int read_option(int option, struct plan *plan)
{
    switch (option) {
    case 'p':
        plan->policy = optarg;
        return TOOL_OK;
    case 'k':
        plan->keys = optarg;
        return TOOL_OK;
    case 'j':
        plan->as_json = true;
        return TOOL_OK;
    case 'd':
        plan->has_direction = argument_direction(optarg, &plan->direction);
        if (plan->has_direction)
            return TOOL_OK;
        return tool_usage("apply", "--direction %s: write out or in", optarg);
    case 'm':
        if (me_add(&plan->me, optarg))
            return TOOL_OK;
        return tool_usage("apply", "--me %s: write an IPv4 or IPv6 address (at most %d times)", optarg,
                          ME_ADDRESSES_MAX);
    default:
        return tool_usage("apply", "unknown option, or one without its value");
    }
}

static int is_stdin(const char *path)
{
    return strcmp(path, "-") == 0;
}

static int read_plan(int argc, char **argv, struct plan *plan)
{
    static const struct option options[] = {
        {"policy", required_argument, NULL, 'p'}, {"keys", required_argument, NULL, 'k'},
        {"json", no_argument, NULL, 'j'},         {"direction", required_argument, NULL, 'd'},
        {"me", required_argument, NULL, 'm'},     {0},
    };
    me_start(&plan->me);
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        const int exit_code = read_option(option, plan);
        if (exit_code != TOOL_OK)
            return exit_code;
    }
    if (!plan->policy || !plan->keys || !plan->has_direction)
        return tool_usage("apply", "needs --policy, --keys and --direction");
    if (argc - optind != 2)
        return tool_usage("apply", "takes two files: the capture to read and the one to write");
    plan->in = argv[optind];
    plan->out = argv[optind + 1];
    if (is_stdin(plan->policy) + is_stdin(plan->keys) + is_stdin(plan->in) > 1)
        return tool_usage("apply", "only one file can be standard input");
    return TOOL_OK;
}

static int load_keys(struct sp_sad *sad, const char *path)
{
    struct sp_report *report = NULL;
    if (sp_report_create(&report) != SP_OK)
        tool_need(NULL);
    const enum sp_status status = sp_sad_load(sad, path, report);
    print_findings(path, status, report);
    sp_report_destroy(&report);
    return tool_exit_of(status);
}

static int publish(struct sp_engine *engine, const struct plan *plan)
{
    struct sp_policy *policy = NULL;
    const int exit_code = load_policy_aloud(plan->policy, &policy);
    if (exit_code != TOOL_OK)
        return exit_code;
    const enum sp_status status = sp_engine_publish(engine, &policy, &plan->me.me);
    sp_policy_destroy(&policy);
    if (status == SP_OK)
        return TOOL_OK;
    tool_say("%s: %s", plan->policy, sp_status_text(status));
    return tool_exit_of(status);
}

/* The engine with its policy, its SAs and the one worker that this tool is. */
struct gate {
    struct sp_sad *sad;
    struct sp_engine *engine;
    struct sp_worker *worker;
};

static int gate_open(const struct plan *plan, struct gate *gate)
{
    if (sp_sad_create(SAS_MAX, &gate->sad) != SP_OK || sp_engine_create(gate->sad, &gate->engine) != SP_OK)
        tool_need(NULL);
    int exit_code = load_keys(gate->sad, plan->keys);
    if (exit_code == TOOL_OK)
        exit_code = publish(gate->engine, plan);
    if (exit_code == TOOL_OK && sp_worker_create(gate->engine, &gate->worker) != SP_OK)
        tool_need(NULL);
    return exit_code;
}

static void gate_close(struct gate *gate)
{
    sp_worker_destroy(&gate->worker);
    sp_engine_destroy(&gate->engine);
    sp_sad_destroy(&gate->sad);
}

static bool is_same_address(const struct sp_address *left, const struct sp_address *right)
{
    return left->family == right->family && memcmp(left->bytes, right->bytes, sizeof left->bytes) == 0;
}

static void note_missing_sa(struct run *run, const struct sp_event *event)
{
    for (size_t i = 0; i < run->missing_count; i++)
        if (is_same_address(&run->missing[i].source, &event->source) &&
            is_same_address(&run->missing[i].destination, &event->destination))
            return;
    if (run->missing_count == MISSING_SAS_MAX)
        return;
    run->missing[run->missing_count++] =
        (struct missing_sa){.source = event->source, .destination = event->destination, .rule = event->rule};
}

/* A host would now ask for SAs; here it is worth telling which. */
static void take_events(struct run *run, struct sp_engine *engine)
{
    struct sp_event events[EVENTS_AT_ONCE];
    size_t count;
    do {
        count = sp_engine_events(engine, events, EVENTS_AT_ONCE);
        for (size_t i = 0; i < count; i++)
            if (events[i].kind == SP_EVENT_ACQUIRE)
                note_missing_sa(run, &events[i]);
    } while (count == EVENTS_AT_ONCE);
}

static size_t offer(struct frame *frames, size_t count, struct sp_packet *packets)
{
    size_t offered = 0;
    for (size_t i = 0; i < count; i++) {
        if (frames[i].kind != FRAME_IP)
            continue;
        packets[offered++] = (struct sp_packet){
            .buffer = frames[i].buffer,
            .capacity_bytes = FRAME_BUFFER_BYTES,
            .head_bytes = SP_PACKET_HEADROOM_BYTES,
            .len_bytes = frames[i].ip_bytes,
            .user = &frames[i],
        };
    }
    return offered;
}

static void write_packet(struct capture_out *out, const struct frame *frame, const struct sp_packet *packet)
{
    if (packet->verdict == SP_VERDICT_BYPASS)
        capture_write_as_read(out, frame);
    else if (packet->verdict == SP_VERDICT_SEALED || packet->verdict == SP_VERDICT_OPENED)
        capture_write_changed(out, frame, packet->buffer + packet->head_bytes, packet->len_bytes);
}

static void run_burst(struct run *run, struct sp_worker *worker, struct frame *frames, size_t count)
{
    struct sp_packet packets[BURST_FRAMES];
    const size_t offered = offer(frames, count, packets);
    if (run->direction == SP_OUTBOUND)
        sp_outbound(worker, packets, offered);
    else
        sp_inbound(worker, packets, offered);

    for (size_t i = 0, next = 0; i < count; i++) {
        if (frames[i].kind == FRAME_IP) {
            write_packet(run->out, &frames[i], &packets[next++]);
        } else if (frames[i].kind == FRAME_OTHER) {
            run->other_frames++;
            capture_write_as_read(run->out, &frames[i]);
        } else {
            run->truncated_frames++;
        }
    }
}

static int run_capture(struct run *run, struct gate *gate)
{
    static struct frame frames[BURST_FRAMES];
    struct progress progress;
    int answer = 1;
    frames_create(frames, BURST_FRAMES);
    progress_start(&progress, run->in->total_bytes);
    while (answer == 1) {
        size_t count = 0;
        while (count < BURST_FRAMES && (answer = capture_read(run->in, &frames[count])) == 1)
            count++;
        run_burst(run, gate->worker, frames, count);
        take_events(run, gate->engine);
        progress_step(&progress, capture_position(run->in), run->in->frames);
    }
    progress_end(&progress);
    frames_destroy(frames, BURST_FRAMES);
    return answer == 0 ? capture_finish(run->out) : TOOL_NOT_APPLIED;
}

static int apply(const struct plan *plan, struct gate *gate)
{
    struct capture_in in = {0};
    struct capture_out out = {0};
    int exit_code = capture_open(plan->in, &in);
    if (exit_code != TOOL_OK)
        return exit_code;
    exit_code = capture_create(plan->out, &in, &out);
    if (exit_code != TOOL_OK)
        goto out;

    struct run run = {.direction = plan->direction, .in = &in, .out = &out};
    exit_code = run_capture(&run, gate);
    /* a capture on standard output must not have a table in it */
    FILE *summary = strcmp(plan->out, "-") == 0 ? stderr : stdout;
    if (exit_code == TOOL_OK && plan->as_json)
        apply_print_json(&run, gate->engine, gate->sad, summary);
    else if (exit_code == TOOL_OK)
        apply_print_tables(&run, gate->engine, gate->sad, summary);
    capture_abandon(&out);
out:
    capture_close(&in);
    return exit_code;
}

static int run(int argc, char **argv)
{
    struct plan plan = {0};
    struct gate gate = {0};
    int exit_code = read_plan(argc, argv, &plan);
    if (exit_code != TOOL_OK)
        return exit_code;
    exit_code = gate_open(&plan, &gate);
    if (exit_code == TOOL_OK)
        exit_code = apply(&plan, &gate);
    gate_close(&gate);
    return exit_code;
}

const struct verb verb_apply = {
    .name = "apply",
    .summary = "run a capture through a policy",
    .help =
        "Usage: ipsecctl apply --policy FILE --keys FILE --direction out|in [--me ADDRESS]... [--json]\n"
        "                      IN.pcap OUT.pcap\n"
        "\n"
        "Reads a capture, does to each packet what a host with this policy and these SAs would do, and\n"
        "writes those that are not dropped. Link headers and timestamps are kept; frames that are not\n"
        "IP pass. Ends with tables of verdicts, drop reasons and rules. Needs no privileges.\n"
        "\n"
        "  --policy FILE        the policy, sallyport.conf(5)\n"
        "  --keys FILE          the SAs, sallyport.keys(5)\n"
        "  --direction out|in   do the packets leave this host or come in?\n"
        "  --me ADDRESS         an address of this host, may be repeated; without it any address on\n"
        "                       the local side is taken as \"me\"\n"
        "  --json               the tables as JSON\n"
        "\n"
        "Exit status: 0 written, 1 wrong usage or a text with errors, 2 a file can't be read or written;\n"
        "then there is no OUT.pcap, or the former one is as it was.\n"
        "\n"
        "Example:\n"
        "  ipsecctl apply --policy front-end.policy --keys pair.keys --direction out clear.pcap esp.pcap\n",
    .run = run,
};
