/* SPDX-License-Identifier: ISC
 *
 * What SAs have used, over the end of a process: each test plays some processes, one after the other, with
 * one folder. A process that is killed is one whose state is dropped without being closed.
 */
#include "sa/state.h"

#include "core/clock.h"
#include "unit/sa/fixture.h"

#include <sallyport/esp.h>

#include <criterion/criterion.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK ((uint64_t)1 << 20)

static char root[64], folder[80], live[80], reason[SP_STATE_REASON_BYTES];

static void setup(void)
{
    snprintf(root, sizeof root, "/tmp/sallyport-state.XXXXXX");
    cr_assert_not_null(mkdtemp(root));
    snprintf(folder, sizeof folder, "%s/state", root);
    snprintf(live, sizeof live, "%s/live", root);
    cr_assert_eq(mkdir(live, 0700), 0);
}

static void teardown(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", root);
    cr_assert_eq(system(command), 0);
}

TestSuite(state, .init = setup, .fini = teardown);

struct process {
    struct sp_sad *sad;
    struct sp_state *state;
    struct sp_sa *sa;
};

static struct sp_sa_params params_of(uint32_t spi)
{
    struct sp_sa_params params = good_params();
    params.spi = spi;
    params.replay_window_packets = 64;
    params.has_lifetime = true;
    params.lifetime = (struct sp_lifetime){.hard_bytes = 1 << 20, .hard_packets = 1000, .hard_seconds = 1000};
    return params;
}

static struct sp_sa *add(struct process *process, const struct sp_sa_params *params)
{
    uint32_t number;
    char why[256];
    cr_assert_eq(sp_sad_add(process->sad, params, &number, why), SP_OK, "%s", why);
    return sp_sad_by_number(process->sad, number);
}

static struct process start(uint32_t spi)
{
    struct process process = {0};
    const struct sp_sa_params params = params_of(spi);
    cr_assert_eq(sp_sad_create(8, &process.sad), SP_OK);
    cr_assert_eq(sp_state_open(process.sad, folder, live, &process.state, reason), SP_OK, "%s", reason);
    process.sa = add(&process, &params);
    cr_assert_eq(sp_state_save(process.state), SP_OK);
    return process;
}

static void stop(struct process *process)
{
    cr_assert_eq(sp_state_close(&process->state), SP_OK);
    sp_sad_destroy(&process->sad);
}

/* Plays act in a process of its own, which ends without a word. */
static void play_and_kill(uint32_t spi, void (*act)(struct process *process))
{
    pid_t pid = fork();
    if (pid == 0) {
        struct process process = start(spi);
        act(&process);
        _exit(0);
    }
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void lose_live(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm '%s'/*", live);
    cr_assert_eq(system(command), 0);
}

/* As the data path does: the numbers are taken, and then it is said how far. */
static void send_up_to(struct sp_sa *sa, uint64_t sequence)
{
    sa->sequence_sent = sequence;
    sp_live_raise(&sa->live->sent, sequence);
}

static void use_some(struct process *process)
{
    struct sp_sa *sa = process->sa;
    send_up_to(sa, sa->sequence_sent + 5);
    cr_assert(sp_replay_accept(&sa->replay, 100));
    cr_assert_eq(sp_sa_spend(sa, 200, sp_clock_now_ns()), SP_DROP_NONE);
}

Test(state, after_a_kill_an_sa_goes_on_where_it_was)
{
    play_and_kill(300, use_some);
    struct process process = start(300);
    cr_assert_eq(sp_state_known(process.state), 1u);
    cr_assert(sp_state_is_exact(process.state));
    cr_assert_eq(process.sa->sequence_sent, 5u);
    cr_assert_eq(process.sa->bytes, 200u);
    cr_assert_eq(process.sa->packets, 1u);
    for (uint64_t sequence = 1; sequence <= 100; sequence++)
        cr_assert_not(sp_replay_check(&process.sa->replay, sequence), "%u", (unsigned)sequence);
    for (uint64_t sequence = 101; sequence <= 300; sequence++)
        cr_assert(sp_replay_accept(&process.sa->replay, sequence), "%u", (unsigned)sequence);
    stop(&process);
}

Test(state, without_its_exact_figures_an_sa_goes_on_behind_what_was_reserved)
{
    play_and_kill(300, use_some);
    lose_live();
    struct process process = start(300);
    cr_assert_not(sp_state_is_exact(process.state));
    cr_assert_eq(process.sa->sequence_sent, BLOCK);
    cr_assert_geq(process.sa->bytes, 200u);
    cr_assert_leq(process.sa->bytes, (1u << 20) / 4 + 1);
    cr_assert_not(sp_replay_check(&process.sa->replay, 101));
    cr_assert_not(sp_replay_check(&process.sa->replay, BLOCK));
    cr_assert(sp_replay_check(&process.sa->replay, BLOCK + 1));
    stop(&process);
}

Test(state, after_an_end_in_order_nothing_is_skipped_even_without_the_exact_figures)
{
    struct process process = start(300);
    use_some(&process);
    stop(&process);
    process = start(300);
    cr_assert_eq(process.sa->sequence_sent, 5u);
    cr_assert_eq(process.sa->bytes, 200u);
    cr_assert(sp_replay_check(&process.sa->replay, 101));
    cr_assert_not(sp_replay_check(&process.sa->replay, 100));
    stop(&process);
}

Test(state, nothing_is_used_before_it_is_on_disk)
{
    struct process process = {0};
    const struct sp_sa_params params = params_of(300);
    cr_assert_eq(sp_sad_create(8, &process.sad), SP_OK);
    cr_assert_eq(sp_state_open(process.sad, folder, live, &process.state, reason), SP_OK, "%s", reason);
    struct sp_sa *sa = add(&process, &params);
    cr_assert_eq(sa->limits.sequence_limit, 0u);
    cr_assert_not(sp_replay_check(&sa->replay, 1));
    cr_assert_eq(sp_sa_spend(sa, 1, sp_clock_now_ns()), SP_DROP_STATE_BEHIND);
    cr_assert_eq(sp_sa_state_at(sa, sp_clock_now_ns()), SP_SA_LIVE, "only the disk lags behind");
    cr_assert_eq(sp_state_save(process.state), SP_OK);
    cr_assert_eq(sa->limits.sequence_limit, BLOCK);
    cr_assert(sp_replay_check(&sa->replay, 1));
    cr_assert_not(sp_replay_check(&sa->replay, BLOCK + 1));
    cr_assert_eq(sp_sa_spend(sa, 1, sp_clock_now_ns()), SP_DROP_NONE);
    stop(&process);
}

Test(state, a_reservation_that_runs_low_is_renewed)
{
    struct process process = start(300);
    send_up_to(process.sa, BLOCK / 2 + 2);
    cr_assert_eq(sp_state_save(process.state), SP_OK);
    cr_assert_gt(process.sa->limits.sequence_limit, BLOCK + BLOCK / 4);
    send_up_to(process.sa, UINT32_MAX - 3);
    cr_assert_eq(sp_state_save(process.state), SP_OK);
    cr_assert_eq(process.sa->limits.sequence_limit, UINT32_MAX);
    stop(&process);
}

Test(state, keys_that_come_back_go_on_and_others_begin)
{
    struct process process = start(300);
    use_some(&process);
    cr_assert_eq(sp_sad_remove(process.sad, process.sa->number), SP_OK);
    const struct sp_sa_params again = params_of(300), other = params_of(301);
    cr_assert_eq(add(&process, &again)->sequence_sent, 5u);
    cr_assert_eq(add(&process, &other)->sequence_sent, 0u);
    stop(&process);
}

Test(state, a_key_of_aes_gcm_goes_on_under_another_spi_with_its_ivs)
{
    struct sp_sa_params params = params_of(300);
    params.encryption = SP_ENCRYPTION_AES128_GCM16;
    params.integrity = SP_INTEGRITY_COMBINED;
    params.encryption_key_bytes = 20;
    params.integrity_key_bytes = 0;
    struct process process = start(299);
    struct sp_sa *sa = add(&process, &params);
    uint64_t iv_start = sa->iv_start;
    send_up_to(sa, 7);
    stop(&process);
    process = start(299);
    params.spi = 301;
    sa = add(&process, &params);
    cr_assert_eq(sa->sequence_sent, 7u);
    cr_assert_eq(sa->iv_start, iv_start);
    stop(&process);
}

Test(state, time_goes_on_over_the_end)
{
    struct process process = start(300);
    sp_clock_advance_ns((uint64_t)600 * 1000000000);
    stop(&process);
    process = start(300);
    struct sp_sa_info info;
    cr_assert_eq(sp_sad_get(process.sad, process.sa->number, &info), SP_OK);
    cr_assert_geq(info.age_seconds, 600u);
    sp_clock_advance_ns((uint64_t)400 * 1000000000);
    cr_assert_eq(sp_sa_state_at(process.sa, sp_clock_now_ns()), SP_SA_HARD_EXPIRED);
    stop(&process);
}

static void expect_refusal(enum sp_status expected, const char *words)
{
    struct sp_sad *sad;
    struct sp_state *state = NULL;
    cr_assert_eq(sp_sad_create(8, &sad), SP_OK);
    cr_assert_eq(sp_state_open(sad, folder, live, &state, reason), expected, "%s", reason);
    cr_assert_not_null(strstr(reason, words), "%s", reason);
    cr_assert_null(state);
    sp_sad_destroy(&sad);
}

Test(state, one_process_at_a_time)
{
    struct process process = start(300);
    expect_refusal(SP_ERR_EXISTS, "another process");
    stop(&process);
}

Test(state, every_cut_and_every_changed_byte_of_the_file_is_refused)
{
    char path[128];
    uint8_t bytes[4096];
    struct process process = start(300);
    stop(&process);
    snprintf(path, sizeof path, "%s/state", folder);
    int fd = open(path, O_RDWR);
    const ssize_t len_bytes = read(fd, bytes, sizeof bytes);
    cr_assert(fd >= 0 && len_bytes > 100 && len_bytes < (ssize_t)sizeof bytes);
    for (ssize_t at = 0; at < len_bytes; at++) {
        uint8_t changed = (uint8_t)(bytes[at] ^ 0x10);
        cr_assert_eq(pwrite(fd, &changed, 1, at), 1);
        expect_refusal(SP_ERR_PARSE, "no SA can go on from it");
        cr_assert_eq(pwrite(fd, &bytes[at], 1, at), 1);
    }
    for (ssize_t length = len_bytes - 1; length >= 0; length -= 7) {
        cr_assert_eq(ftruncate(fd, length), 0);
        expect_refusal(SP_ERR_PARSE, "no SA can go on from it");
    }
    close(fd);
}

Test(state, files_open_to_others_are_refused)
{
    char path[128];
    struct process process = start(300);
    stop(&process);
    cr_assert_eq(chmod(folder, 0755), 0);
    expect_refusal(SP_ERR_PERMISSION, "open to nobody else");
    cr_assert_eq(chmod(folder, 0700), 0);
    snprintf(path, sizeof path, "%s/state", folder);
    cr_assert_eq(chmod(path, 0644), 0);
    expect_refusal(SP_ERR_PERMISSION, "open to nobody else");
}

Test(state, no_key_is_in_any_file)
{
    char command[320];
    struct process process = start(300);
    snprintf(command, sizeof command, "! grep -rqF 'thirty-two bytes' '%s'", root);
    cr_assert_eq(system(command), 0);
    stop(&process);
    cr_assert_eq(system(command), 0);
}
