/* SPDX-License-Identifier: ISC
 *
 * One rule changed: how long until packets are decided by it.
 *
 * Twice: the selector table alone, which is what librte_acl's rebuild stands beside; and an engine under
 * traffic: the processor time of sp_engine_publish, and by the clock the time from its call until a worker's
 * packet is decided by the new rule, and from before the text is parsed. The worker spins, so that both want
 * a processor. The packet is one that only the changed rule decides.
 */
#include "selector_change.h"
#include "../tests/common/make_packet.h"
#include "cells.h"

#include <sallyport/engine.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 40
#define LIVE_ROUNDS 10

static void fail(const char *what)
{
    (void)fprintf(stderr, "bench-selector: %s\n", what);
    exit(1);
}

enum change { EDITED, REMOVED, ADDED, MOVED, CHANGES };
static const char *const change_names[CHANGES] = {"edited", "removed", "added", "moved"};

static uint64_t clock_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t random_state = 0x5e1ec7;

static uint32_t draw(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state % below);
}

/* Takes the box out of place from and puts it in at place to. */
static void move_box(struct sp_selector_box *boxes, uint32_t from, uint32_t to)
{
    struct sp_selector_box box = boxes[from];

    if (from < to)
        memmove(&boxes[from], &boxes[from + 1], (to - from) * sizeof *boxes);
    else
        memmove(&boxes[to + 1], &boxes[to], (from - to) * sizeof *boxes);
    boxes[to] = box;
}

/* Room for one box more is there. Returns how many there are then. */
static uint32_t change_one(enum change change, struct sp_selector_box *boxes, uint32_t count)
{
    uint32_t place = draw(count);

    switch (change) {
    case EDITED:
        boxes[place].protocol = boxes[place].protocol == IPPROTO_UDP ? IPPROTO_TCP : IPPROTO_UDP;
        return count;
    case REMOVED:
        move_box(boxes, place, count - 1);
        return count - 1;
    case ADDED:
        boxes[count] = boxes[draw(count)];
        boxes[count].destination_first.low = boxes[count].destination_last.low = draw(UINT32_MAX);
        move_box(boxes, count, place);
        return count + 1;
    default:
        move_box(boxes, place, draw(count));
        return count;
    }
}

/* One change of many, each on top of those before. */
static void time_tables(const struct scene *scene, double seconds[CHANGES][ROUNDS])
{
    struct sp_selector_box *boxes = malloc(((size_t)scene->boxes_count + ROUNDS * CHANGES) * sizeof *boxes);
    struct sp_selector_table *table, *next;
    uint32_t count = scene->boxes_count;

    if (boxes == NULL || sp_selector_build(scene->boxes, count, &table) != SP_OK)
        fail("no memory");
    memcpy(boxes, scene->boxes, count * sizeof *boxes);
    for (uint32_t i = 0; i < ROUNDS * CHANGES; i++) {
        count = change_one((enum change)(i % CHANGES), boxes, count);
        uint64_t before_ns = bench_cpu_ns();
        if (sp_selector_update(table, boxes, count, &next) != SP_OK)
            fail("no memory");
        seconds[i % CHANGES][i / CHANGES] = (double)(bench_cpu_ns() - before_ns) / 1e9;
        sp_selector_destroy(&table);
        table = next;
        if (!sp_selector_is_grown(table))
            continue;
        if (sp_selector_rebuild(table, &next) != SP_OK)
            fail("no memory");
        sp_selector_destroy(&table);
        table = next;
    }
    sp_selector_destroy(&table);
    free(boxes);
}

#define MARKED_HOST "203.0.113.77"
#define MARKED_PROTOCOL 253

/* Where the rules stand that decide the marked packet: one that lets it pass, or blocks it, at place, or
 * nowhere, and one that always blocks it. Nothing before the latter holds the packet. */
#define NOWHERE UINT32_MAX
struct marks {
    uint32_t place, block_place;
    bool is_bypass;
};

static void write_address(FILE *out, struct sp_selector_address first, struct sp_selector_address last)
{
    const uint32_t a = (uint32_t)first.low, b = (uint32_t)last.low;

    (void)fprintf(out, "%u.%u.%u.%u-%u.%u.%u.%u", a >> 24, a >> 16 & 255, a >> 8 & 255, a & 255, b >> 24,
                  b >> 16 & 255, b >> 8 & 255, b & 255);
}

static void write_rule(FILE *out, const struct sp_selector_box *box)
{
    (void)fputs("block out ", out);
    if (box->protocol != SP_SELECTOR_PROTOCOL_ANY)
        (void)fprintf(out, "%u ", box->protocol);
    (void)fputs("from ", out);
    write_address(out, box->source_first, box->source_last);
    if (box->has_ports)
        (void)fprintf(out, " port %u-%u", box->source_port_first, box->source_port_last);
    (void)fputs(" to ", out);
    write_address(out, box->destination_first, box->destination_last);
    if (box->has_ports)
        (void)fprintf(out, " port %u-%u", box->destination_port_first, box->destination_port_last);
    (void)fputs("\n", out);
}

static char *write_policy(const struct scene *scene, const struct marks *marks, size_t *ret_bytes)
{
    static const char *const mark = "%s out %d from any to " MARKED_HOST "\n";
    char *text;
    FILE *out = open_memstream(&text, ret_bytes);

    if (out == NULL)
        fail("no memory");
    for (uint32_t i = 0; i <= scene->boxes_count; i++) {
        bool is_before = marks->place == i && marks->place <= marks->block_place;
        if (is_before)
            (void)fprintf(out, mark, marks->is_bypass ? "bypass" : "block", MARKED_PROTOCOL);
        if (marks->block_place == i)
            (void)fprintf(out, mark, "block", MARKED_PROTOCOL);
        if (marks->place == i && !is_before)
            (void)fprintf(out, mark, marks->is_bypass ? "bypass" : "block", MARKED_PROTOCOL);
        if (i < scene->boxes_count)
            write_rule(out, &scene->boxes[i]);
    }
    (void)fputs("default block\n", out);
    (void)fclose(out);
    return text;
}

/* The thread whose packets tell when a policy is live. */
struct witness {
    struct sp_engine *engine;
    pthread_t thread;
    atomic_bool is_over;
    _Atomic uint64_t changed_ns; /* when the verdict became another one */
};

static void *watch(void *argument)
{
    struct witness *witness = argument;
    struct sp_worker *worker;
    struct made_packet made;
    enum sp_verdict former = SP_VERDICT_NONE;

    if (sp_worker_create(witness->engine, &worker) != SP_OK)
        fail("no memory");
    make_packet(&made, "192.0.2.1", MARKED_HOST, MARKED_PROTOCOL, 0, 0, 64);
    while (!witness->is_over) {
        made.packet.verdict = SP_VERDICT_NONE;
        sp_outbound(worker, &made.packet, 1);
        if (made.packet.verdict != former)
            witness->changed_ns = clock_ns();
        former = made.packet.verdict;
    }
    sp_worker_destroy(&worker);
    return NULL;
}

struct live {
    double live[LIVE_ROUNDS], with_parsing[LIVE_ROUNDS];
    double processor[LIVE_ROUNDS]; /* time of the call, which more than one process may want */
};

/* A policy that turns the marked packet's verdict; ret may be NULL. */
static void publish(struct witness *witness, const struct scene *scene, const struct marks *marks,
                    struct live *ret, size_t round)
{
    static const struct sp_me me = {.unknown = true};
    struct sp_report *report;
    struct sp_policy *policy;
    size_t bytes;
    char *text = write_policy(scene, marks, &bytes);

    if (sp_report_create(&report) != SP_OK)
        fail("no memory");
    uint64_t start_ns = clock_ns();
    if (sp_policy_parse(text, bytes, "bench", &policy, report) != SP_OK) {
        sp_report_print(report, stderr);
        fail("the policy is none");
    }
    witness->changed_ns = 0;
    uint64_t called_ns = clock_ns(), before_ns = bench_cpu_ns();
    if (sp_engine_publish(witness->engine, &policy, &me) != SP_OK)
        fail("no memory");
    uint64_t after_ns = bench_cpu_ns();
    while (witness->changed_ns == 0)
        ;
    if (ret != NULL) {
        ret->live[round] = (double)(witness->changed_ns - called_ns) / 1e9;
        ret->processor[round] = (double)(after_ns - before_ns) / 1e9;
        ret->with_parsing[round] = (double)(witness->changed_ns - start_ns) / 1e9;
    }
    sp_report_destroy(&report);
    free(text);
}

/* As far from the first rule as the marked packet comes. */
static uint32_t furthest_place(const struct scene *scene)
{
    const struct sp_selector_key key = {
        .family = 4, .protocol = MARKED_PROTOCOL, .source.low = 0xc0000201, .destination.low = 0xcb00714d};
    uint32_t found = sp_selector_naive(scene->boxes, scene->boxes_count, &key);

    return found == SP_SELECTOR_MISS ? scene->boxes_count : found;
}

static void time_engine(const struct scene *scene, struct live live[CHANGES])
{
    struct sp_sad *sad;
    struct witness witness = {0};
    uint32_t last = furthest_place(scene);

    if (sp_sad_create(1, &sad) != SP_OK || sp_engine_create(sad, &witness.engine) != SP_OK ||
        pthread_create(&witness.thread, NULL, watch, &witness) != 0)
        fail("no memory");
    for (size_t round = 0; round < LIVE_ROUNDS; round++) {
        struct marks marks = {.place = draw(last / 2 + 1), .block_place = last / 2, .is_bypass = true};
        if (round == 0)
            publish(&witness, scene, &marks, NULL, 0);
        else
            publish(&witness, scene, &marks, &live[ADDED], round);
        marks.is_bypass = false;
        publish(&witness, scene, &marks, &live[EDITED], round);
        marks.is_bypass = true;
        publish(&witness, scene, &marks, NULL, 0);
        uint32_t place = marks.place;
        marks.place = last;
        publish(&witness, scene, &marks, &live[MOVED], round);
        marks.place = place;
        publish(&witness, scene, &marks, NULL, 0);
        marks.place = NOWHERE;
        publish(&witness, scene, &marks, &live[REMOVED], round);
    }
    witness.is_over = true;
    (void)pthread_join(witness.thread, NULL);
    sp_engine_destroy(&witness.engine);
    sp_sad_destroy(&sad);
}

static void put_median(json_t *cell, const char *name, double *values, size_t count)
{
    char longer[64];
    double median = bench_median(values, count);

    printf(" %9.2f %9.2f", median * 1e3, values[count - 1] * 1e3);
    (void)snprintf(longer, sizeof longer, "%s_seconds", name);
    if (json_object_set_new(cell, longer, json_real(median)) != 0)
        fail("no memory");
    (void)snprintf(longer, sizeof longer, "%s_seconds_max", name);
    if (json_object_set_new(cell, longer, json_real(values[count - 1])) != 0)
        fail("no memory");
}

void change_play(const char *style, const struct scene *scene, double build_seconds, double acl_seconds,
                 json_t *cells)
{
    static double tables[CHANGES][ROUNDS];
    static struct live live[CHANGES];

    time_tables(scene, tables);
    time_engine(scene, live);
    printf("\n%-4s %7s %-8s %19s %19s %19s %19s %9s %9s  (ms: median, most)\n", "set", "rules", "change",
           "table", "publish", "live", "parsed and live", "anew", "acl anew");
    for (int change = 0; change < CHANGES; change++) {
        size_t first = change == ADDED; /* the first policy is built whole */
        json_t *cell =
            json_pack("{s:s, s:I, s:s, s:f, s:o}", "family", style, "rules", (json_int_t)scene->boxes_count,
                      "change", change_names[change], "build_seconds", build_seconds,
                      "librte_acl_build_seconds", acl_seconds > 0 ? json_real(acl_seconds) : json_null());
        if (cell == NULL)
            fail("no memory");
        printf("%-4s %7u %-8s", style, scene->boxes_count, change_names[change]);
        put_median(cell, "table", tables[change], ROUNDS);
        put_median(cell, "publish_processor", live[change].processor + first, LIVE_ROUNDS - first);
        put_median(cell, "live", live[change].live + first, LIVE_ROUNDS - first);
        put_median(cell, "parsed_and_live", live[change].with_parsing + first, LIVE_ROUNDS - first);
        printf(" %9.1f %9.1f\n", build_seconds * 1e3, acl_seconds * 1e3);
        if (json_array_append_new(cells, cell) != 0)
            fail("no memory");
    }
    printf("\n");
    (void)fflush(stdout);
}
