/* SPDX-License-Identifier: ISC
 *
 * The ESP context: whose SAD it is, and that SAs may come and go while bursts run.
 */
#include "core/clock.h"
#include "unit/esp/fixture.h"

#include <criterion/criterion.h>

#include <pthread.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void exit_quietly(const char *what)
{
    (void)what;
    _exit(42);
}

Test(context, destroying_the_sad_under_it_is_misuse, .exit_code = 42)
{
    struct fixture fixture;
    fixture_create(&fixture);
    sp_set_misuse_handler(exit_quietly);
    sp_sad_destroy(&fixture.sad);
}

Test(context, a_packet_that_reaches_out_of_its_buffer_is_misuse, .exit_code = 42)
{
    struct fixture fixture;
    struct sample sample;
    fixture_create(&fixture);
    sample_create(&sample, SHAPE_IPV4, 40);
    sample.packet.sa = 0;
    sample.packet.len_bytes = sample.packet.capacity_bytes - sample.packet.head_bytes + 1;
    sp_set_misuse_handler(exit_quietly);
    sp_esp_seal(fixture.esp, &sample.packet, 1);
}

#ifndef __SANITIZE_ADDRESS__ /* which needs address space of its own */
Test(context, when_memory_runs_out_there_is_none_and_the_sad_stays_free)
{
    struct sp_sad *sad = NULL;
    struct sp_esp *esp = NULL;
    struct rlimit all, none;
    cr_assert_eq(sp_sad_create(4, &sad), SP_OK);
    cr_assert_eq(getrlimit(RLIMIT_AS, &all), 0);
    none = (struct rlimit){.rlim_cur = 1 << 20, .rlim_max = all.rlim_max};
    cr_assert_eq(setrlimit(RLIMIT_AS, &none), 0);
    enum sp_status status = sp_esp_create(sad, &esp);
    setrlimit(RLIMIT_AS, &all);
    cr_assert_eq(status, SP_ERR_MEMORY);
    cr_assert_null(esp);
    sp_sad_destroy(&sad); /* misuse if it were still held */
}
#endif

Test(context, two_contexts_of_one_thread_live_side_by_side)
{
    struct fixture fixture;
    struct sp_esp *second = NULL;
    struct sample sample;
    fixture_create(&fixture);
    cr_assert_eq(sp_esp_create(fixture.sad, &second), SP_OK);
    sample_create(&sample, SHAPE_IPV4, 40);
    sample.packet.sa = 0;
    sp_esp_seal(second, &sample.packet, 1);
    cr_assert_eq(sample.packet.verdict, SP_VERDICT_SEALED);
    sp_esp_destroy(&second);
    cr_assert_null(second);
    sample.packet.verdict = SP_VERDICT_NONE;
    sp_esp_open(fixture.esp, &sample.packet, 1);
    cr_assert_eq(sample.packet.verdict, SP_VERDICT_OPENED);
    sample_destroy(&sample);
    fixture_destroy(&fixture);
}

Test(context, an_empty_burst_is_no_work)
{
    struct fixture fixture;
    fixture_create(&fixture);
    sp_esp_seal(fixture.esp, NULL, 0);
    sp_esp_open(fixture.esp, NULL, 0);
    fixture_destroy(&fixture);
}

struct sealer {
    struct sp_sad *sad;
    _Atomic bool *stop;
    _Atomic uint64_t sealed;
    uint64_t refused;
};

static void *seal_until_told(void *argument)
{
    struct sealer *sealer = argument;
    struct sp_esp *esp = NULL;
    struct sample sample;
    cr_assert_eq(sp_esp_create(sealer->sad, &esp), SP_OK);
    sample_create(&sample, SHAPE_IPV4, 100);
    while (!atomic_load(sealer->stop)) {
        sample_reset(&sample);
        sample.packet.sa = 0;
        sp_esp_seal(esp, &sample.packet, 1);
        if (sample.packet.verdict == SP_VERDICT_SEALED) {
            atomic_fetch_add(&sealer->sealed, 1);
            continue;
        }
        cr_assert_eq(sample.packet.reason, SP_DROP_NO_SA);
        cr_assert(sample_is_original(&sample));
    }
    sample_destroy(&sample);
    sp_esp_destroy(&esp);
    return NULL;
}

Test(context, sas_may_be_removed_and_added_while_two_threads_seal)
{
    struct fixture fixture;
    struct sealer sealers[2];
    pthread_t threads[2];
    _Atomic bool stop = false;
    struct sp_sa_info info;
    fixture_create(&fixture);
    cr_assert_eq(sp_sad_get(fixture.sad, 0, &info), SP_OK);
    for (int i = 0; i < 2; i++) {
        sealers[i] = (struct sealer){.sad = fixture.sad, .stop = &stop};
        cr_assert_eq(pthread_create(&threads[i], NULL, seal_until_told, &sealers[i]), 0);
    }
    static const uint8_t key[32] = "another integrity key, same SPI";
    static const uint8_t cipher_key[24] = "abcdefghijklmnopqrstuvwx";
    const struct sp_sa_params params = {.spi = info.spi,
                                        .source = info.source,
                                        .destination = info.destination,
                                        .encryption = info.encryption,
                                        .integrity = info.integrity,
                                        .encryption_key = cipher_key,
                                        .encryption_key_bytes = 24,
                                        .integrity_key = key,
                                        .integrity_key_bytes = 20};
    /* on a busy machine a thread may come late */
    for (int round = 0; round < 2000 || sealers[0].sealed < 1000 || sealers[1].sealed < 1000; round++) {
        uint32_t number;
        cr_assert_eq(sp_sad_remove(fixture.sad, 0), SP_OK);
        cr_assert_eq(sp_sad_add(fixture.sad, &params, &number, NULL), SP_OK);
        cr_assert_eq(number, 0u);
    }
    /* a busy host may not have let a thread run yet */
    for (int i = 0; i < 10000 && (sealers[0].sealed == 0 || sealers[1].sealed == 0); i++)
        usleep(1000);
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        cr_assert_gt(sealers[i].sealed, 0u);
    }
    fixture_destroy(&fixture);
}

/* Two threads share an SA: every sequence number goes out once. */
struct taker {
    struct sp_sad *sad;
    uint8_t *seen; /* by sequence number */
};

#define PACKETS_EACH 20000

static void *seal_and_note(void *argument)
{
    struct taker *taker = argument;
    struct sp_esp *esp = NULL;
    struct sample sample;
    cr_assert_eq(sp_esp_create(taker->sad, &esp), SP_OK);
    sample_create(&sample, SHAPE_IPV4, 16);
    for (int i = 0; i < PACKETS_EACH; i++) {
        sample_reset(&sample);
        sample.packet.sa = fixture_sa(3, 4);
        sp_esp_seal(esp, &sample.packet, 1);
        const uint8_t *at = packet_start(&sample.packet) + 24;
        uint32_t sequence = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
        cr_assert_leq(sequence, 2u * PACKETS_EACH);
        __atomic_fetch_add(&taker->seen[sequence], 1, __ATOMIC_RELAXED);
    }
    sample_destroy(&sample);
    sp_esp_destroy(&esp);
    return NULL;
}

Test(context, threads_that_share_an_sa_never_use_a_sequence_number_twice)
{
    static uint8_t seen[2 * PACKETS_EACH + 1];
    struct fixture fixture;
    pthread_t threads[2];
    fixture_create(&fixture);
    struct taker taker = {.sad = fixture.sad, .seen = seen};
    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, seal_and_note, &taker), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (uint32_t sequence = 1; sequence <= 2 * PACKETS_EACH; sequence++)
        cr_assert_eq(seen[sequence], 1, "%u", sequence);
    fixture_destroy(&fixture);
}

/* From now on the kernel kills this process at any system call but exit. (The strict mode of seccomp won't
 * do: it also forbids to read the time stamp counter, which the clock reads instead of asking the kernel.) */
static bool forbid_system_calls(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    const struct sock_fprog program = {.len = sizeof rules / sizeof rules[0], .filter = rules};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static bool makes_no_system_call(void (*work)(void *), void *argument)
{
    int status = 0;
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        if (forbid_system_calls())
            work(argument);
        syscall(SYS_exit, 0);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void read_clock(void *unused)
{
    (void)unused;
    (void)sp_clock_now_ns();
}

static void call_getppid(void *unused)
{
    (void)unused;
    (void)getppid();
}

struct bursts {
    struct sp_esp *esp;
    struct sp_packet packets[300];
};

static void seal_and_open(void *argument)
{
    struct bursts *bursts = argument;
    for (int round = 0; round < 20; round++) {
        sp_esp_seal(bursts->esp, bursts->packets, 300);
        for (int i = 0; i < 300; i++)
            if (bursts->packets[i].verdict == SP_VERDICT_SEALED)
                bursts->packets[i].verdict = SP_VERDICT_NONE;
        sp_esp_open(bursts->esp, bursts->packets, 300);
        for (int i = 0; i < 300; i++)
            if (bursts->packets[i].verdict == SP_VERDICT_OPENED)
                bursts->packets[i].verdict = SP_VERDICT_NONE;
    }
}

Test(context, bursts_make_no_system_call)
{
    static struct sample samples[300];
    static struct bursts bursts;
    struct fixture fixture;
    if (makes_no_system_call(call_getppid, NULL))
        cr_skip_test("this kernel has no seccomp filters");
    if (!makes_no_system_call(read_clock, NULL))
        cr_skip_test("this machine's clock needs a system call");
    fixture_create(&fixture);
    bursts.esp = fixture.esp;
    for (int i = 0; i < 300; i++) {
        sample_create(&samples[i], SHAPE_IPV4, 100);
        bursts.packets[i] = samples[i].packet;
        bursts.packets[i].sa = fixture_sa(i % SUITES, 4);
    }
    cr_assert(makes_no_system_call(seal_and_open, &bursts));
    for (int i = 0; i < 300; i++)
        sample_destroy(&samples[i]);
    fixture_destroy(&fixture);
}

/* Two threads at the end of the numbers: each of the last ones goes out once, and then none. */
static void *seal_to_the_end(void *argument)
{
    struct taker *taker = argument;
    struct sp_esp *esp = NULL;
    struct sample sample;
    cr_assert_eq(sp_esp_create(taker->sad, &esp), SP_OK);
    sample_create(&sample, SHAPE_IPV4, 16);
    for (;;) {
        sample_reset(&sample);
        sample.packet.sa = fixture_sa(3, 4);
        sp_esp_seal(esp, &sample.packet, 1);
        if (sample.packet.verdict != SP_VERDICT_SEALED)
            break;
        const uint8_t *at = packet_start(&sample.packet) + 24;
        uint32_t sequence = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
        cr_assert_geq(sequence, UINT32_MAX - PACKETS_EACH + 1);
        __atomic_fetch_add(&taker->seen[sequence - (UINT32_MAX - PACKETS_EACH)], 1, __ATOMIC_RELAXED);
    }
    cr_assert_eq(sample.packet.reason, SP_DROP_SEQ_EXHAUSTED);
    sample_destroy(&sample);
    sp_esp_destroy(&esp);
    return NULL;
}

Test(context, threads_racing_to_the_last_sequence_number_use_each_once_and_none_after_it)
{
    static uint8_t seen[PACKETS_EACH + 1];
    struct fixture fixture;
    pthread_t threads[2];
    fixture_create(&fixture);
    fixture_sa_pointer(&fixture, fixture_sa(3, 4))->sequence_sent = UINT32_MAX - PACKETS_EACH;
    struct taker taker = {.sad = fixture.sad, .seen = seen};
    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, seal_to_the_end, &taker), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (uint32_t i = 1; i <= PACKETS_EACH; i++)
        cr_assert_eq(seen[i], 1, "%u", i);
    fixture_destroy(&fixture);
}
