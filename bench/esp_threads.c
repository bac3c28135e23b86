/* SPDX-License-Identifier: ISC
 *
 * Each thread has a processor, an ESP context, SAs and packets of its own; the SAD is one for all. When all
 * work, they start each pass together, so that all seal or all open at the same time.
 *
 * Time is each thread's own processor time: what other processes take away isn't counted, but what the
 * threads take from each other is, be it by caches, by shared lines or by sharing a core.
 */
#include "esp_threads.h"

#include "cells.h"

#include <pthread.h>
#include <sched.h>

#define PASSES 8 /* to a turn */

struct team {
    const struct world *world;
    const struct field *model;
    size_t bytes_per_repeat, threads, repeats;
    pthread_barrier_t barrier;
};

struct member {
    struct team *team;
    size_t number;
    pthread_t thread;
    double alone_mb_s[WORKS][REPEATS_MAX], together_mb_s[WORKS][REPEATS_MAX];
};

/* The processors that this process may use, in order. */
static void pin_to(size_t number)
{
    cpu_set_t allowed, one;
    int cpu = -1;

    CPU_ZERO(&allowed);
    CPU_ZERO(&one);
    bench_require(sched_getaffinity(0, sizeof allowed, &allowed) == 0, "the processors can't be read");
    for (size_t seen = 0; cpu < CPU_SETSIZE && seen <= number; seen += CPU_ISSET(cpu, &allowed) != 0)
        cpu++;
    bench_require(cpu < CPU_SETSIZE, "there are fewer processors than threads");
    CPU_SET(cpu, &one);
    bench_require(pthread_setaffinity_np(pthread_self(), sizeof one, &one) == 0, "a thread can't be pinned");
}

static void meet(struct team *team)
{
    (void)pthread_barrier_wait(&team->barrier);
}

static void take_turn(struct team *team, struct sp_esp *esp, struct field *field, bool is_alone,
                      double ret_mb_s[WORKS])
{
    uint64_t taken_ns[WORKS] = {0};

    for (size_t pass = 0; pass < PASSES; pass++) {
        field_reset_ours(field);
        for (size_t work = 0; work < WORKS; work++) {
            if (!is_alone)
                meet(team);
            taken_ns[work] += field_time_ours(esp, field, (enum work)work);
        }
    }
    for (size_t work = 0; work < WORKS; work++)
        ret_mb_s[work] = (double)(PASSES * field->total_payload_bytes) * 1000 / (double)taken_ns[work];
}

static void repeat_once(struct member *member, struct sp_esp *esp, struct field *field, size_t repeat)
{
    struct team *team = member->team;
    double mb_s[WORKS] = {0};

    for (size_t turn = 0; turn < 2; turn++) {
        bool is_alone = (turn + repeat) % 2 == 0; /* what comes first changes */
        meet(team);
        if (!is_alone || member->number == 0)
            take_turn(team, esp, field, is_alone, mb_s);
        for (size_t work = 0; work < WORKS; work++)
            (is_alone ? member->alone_mb_s : member->together_mb_s)[work][repeat] = mb_s[work];
    }
}

static void *run(void *member_)
{
    struct member *member = member_;
    struct team *team = member->team;
    struct field field = *team->model;
    struct sp_esp *esp;
    double ignored[WORKS];

    pin_to(member->number);
    field.sa_first = member->number * field.sas;
    bench_require(sp_esp_create(team->world->sad, &esp) == SP_OK, "no ESP context");
    field_create(&field, team->bytes_per_repeat);
    take_turn(team, esp, &field, true, ignored); /* touches all memory first */
    for (size_t repeat = 0; repeat < team->repeats; repeat++)
        repeat_once(member, esp, &field, repeat);
    field_destroy(&field);
    sp_esp_destroy(&esp);
    return NULL;
}

static void add_up(const struct member *members, size_t threads, size_t repeats, double (*rates[WORKS])[2])
{
    for (size_t i = 0; i < WORKS * repeats; i++) {
        size_t work = i / repeats, repeat = i % repeats;
        rates[work][repeat][0] = members[0].alone_mb_s[work][repeat];
        rates[work][repeat][1] = 0;
        for (size_t thread = 0; thread < threads; thread++)
            rates[work][repeat][1] += members[thread].together_mb_s[work][repeat];
    }
}

void threads_time(const struct world *world, const struct field *model, size_t bytes_per_repeat,
                  size_t threads, size_t repeats, double (*rates[WORKS])[2])
{
    static struct member members[THREADS_MAX];
    struct team team = {.world = world,
                        .model = model,
                        .bytes_per_repeat = bytes_per_repeat,
                        .threads = threads,
                        .repeats = repeats};

    bench_require(pthread_barrier_init(&team.barrier, NULL, (unsigned)threads) == 0, "no barrier");
    for (size_t i = 0; i < threads; i++) {
        members[i] = (struct member){.team = &team, .number = i};
        bench_require(pthread_create(&members[i].thread, NULL, run, &members[i]) == 0, "no thread");
    }
    for (size_t i = 0; i < threads; i++)
        (void)pthread_join(members[i].thread, NULL);
    (void)pthread_barrier_destroy(&team.barrier);
    add_up(members, threads, repeats, rates);
}
