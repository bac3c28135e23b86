/* SPDX-License-Identifier: ISC
 *
 * What SAs have used, over the end of a process: each test plays some processes, one after the other, with
 * one folder. A process that is killed is one whose state is dropped without being closed.
 */
#include "sa/state_file.h"

#include "core/clock.h"
#include "unit/sa/fixture.h"

#include <sallyport/esp.h>

#include <criterion/criterion.h>

#include <fcntl.h>
#include <sched.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK ((uint64_t)1 << 20)
#define PLAY_CANNOT_BE 77

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
    cr_assert(sp_state_is_exact(process.state), "and it is said");
    cr_assert_eq(process.sa->sequence_sent, 5u);
    cr_assert_eq(process.sa->bytes, 200u);
    cr_assert(sp_replay_check(&process.sa->replay, 101));
    cr_assert_not(sp_replay_check(&process.sa->replay, 100));
    stop(&process);
}

Test(state, an_end_in_order_is_one_only_until_something_is_used)
{
    struct process process = start(300);
    stop(&process);
    play_and_kill(300, use_some);
    lose_live();
    process = start(300);
    cr_assert_not(sp_state_is_exact(process.state));
    cr_assert_eq(process.sa->sequence_sent, BLOCK);
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

/* A folder stands where the new file would be written. */
static void block_writing(bool is_blocked)
{
    char path[96];
    snprintf(path, sizeof path, "%s/state.new", folder);
    cr_assert_eq(is_blocked ? mkdir(path, 0700) : rmdir(path), 0);
}

Test(state, what_could_not_be_written_is_not_used)
{
    struct process process = start(300);
    send_up_to(process.sa, BLOCK - 1);
    block_writing(true);
    cr_assert_eq(sp_state_save(process.state), SP_ERR_IO);
    cr_assert_eq(process.sa->limits.sequence_limit, BLOCK);
    cr_assert_eq(process.sa->replay.limit, BLOCK);
    block_writing(false);
    cr_assert_eq(sp_state_save(process.state), SP_OK);
    cr_assert_gt(process.sa->limits.sequence_limit, BLOCK);
    stop(&process);
}

Test(state, an_end_that_could_not_be_written_leaves_the_exact_figures)
{
    struct process process = start(300);
    use_some(&process);
    block_writing(true);
    cr_assert_eq(sp_state_close(&process.state), SP_ERR_IO);
    sp_sad_destroy(&process.sad);
    block_writing(false);
    process = start(300);
    cr_assert(sp_state_is_exact(process.state));
    cr_assert_eq(process.sa->sequence_sent, 5u);
    cr_assert_not(sp_replay_check(&process.sa->replay, 100));
    cr_assert(sp_replay_check(&process.sa->replay, 101));
    stop(&process);
}

/* A burst takes numbers first, and is refused those that lie beyond: they are gone all the same. */
Test(state, numbers_that_were_taken_and_not_used_do_not_stop_an_sa)
{
    struct process process = start(300);
    send_up_to(process.sa, BLOCK);
    process.sa->sequence_sent = 3 * BLOCK;
    cr_assert_eq(sp_state_save(process.state), SP_OK);
    cr_assert_gt(process.sa->limits.sequence_limit, 3 * BLOCK);
    stop(&process);
}

static void use_some_and_remove(struct process *process)
{
    use_some(process);
    if (sp_sad_remove(process->sad, process->sa->number) != SP_OK || sp_state_save(process->state) != SP_OK)
        _exit(1);
}

Test(state, an_sa_that_went_before_a_start_of_the_host_skips_nothing_when_it_comes_back)
{
    play_and_kill(300, use_some_and_remove);
    lose_live();
    struct process process = start(300);
    cr_assert_not(sp_state_is_exact(process.state));
    cr_assert_eq(process.sa->sequence_sent, 5u);
    cr_assert_not(sp_replay_check(&process.sa->replay, 100));
    cr_assert(sp_replay_check(&process.sa->replay, 101));
    stop(&process);
}

/* In the place of the C library's: is each on disk before it counts? */
static bool is_spying;
static char synced[8]; /* f: the new file, while it has its own name; d: the folder, once it hasn't */

int fsync(int fd)
{
    struct stat status;
    char path[96];
    snprintf(path, sizeof path, "%s/state.new", folder);
    const bool is_renamed = access(path, F_OK) != 0;
    if (is_spying && fstat(fd, &status) == 0 && strlen(synced) + 1 < sizeof synced)
        synced[strlen(synced)] =
            S_ISDIR(status.st_mode) ? (is_renamed ? 'd' : 'D') : (is_renamed ? 'F' : 'f');
    return (int)syscall(SYS_fsync, fd);
}

Test(state, the_file_is_on_disk_before_it_is_renamed_and_the_folder_behind_that)
{
    struct process process = start(300);
    send_up_to(process.sa, BLOCK - 1);
    is_spying = true;
    cr_assert_eq(sp_state_save(process.state), SP_OK);
    is_spying = false;
    cr_assert_str_eq(synced, "fd");
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

static struct sp_sa_params gcm_params_of(uint32_t spi)
{
    struct sp_sa_params params = params_of(spi);
    params.encryption = SP_ENCRYPTION_AES128_GCM16;
    params.integrity = SP_INTEGRITY_COMBINED;
    params.encryption_key_bytes = 20;
    params.integrity_key_bytes = 0;
    return params;
}

Test(state, a_key_of_aes_gcm_goes_on_under_another_spi_with_its_ivs)
{
    struct sp_sa_params params = gcm_params_of(300);
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

Test(state, time_goes_on_over_a_start_of_the_host_whose_clock_begins_anew)
{
    struct process process = start(300);
    const uint64_t number = process.sa->number;
    sp_clock_advance_ns((uint64_t)600 * 1000000000);
    stop(&process);
    sp_clock_advance_ns((uint64_t)10 * 1000000000 - sp_clock_now_ns());
    process = start(300);
    struct sp_sa_info info;
    cr_assert_eq(sp_sad_get(process.sad, (uint32_t)number, &info), SP_OK);
    cr_assert(info.age_seconds >= 600 && info.age_seconds < 700, "%lu", (unsigned long)info.age_seconds);
    cr_assert_neq(sp_sa_state_at(process.sa, sp_clock_now_ns()), SP_SA_HARD_EXPIRED);
    sp_clock_advance_ns((uint64_t)405 * 1000000000);
    cr_assert_eq(sp_sa_state_at(process.sa, sp_clock_now_ns()), SP_SA_HARD_EXPIRED);
    stop(&process);
    process = start(300);
    cr_assert_eq(sp_sa_state_at(process.sa, sp_clock_now_ns()), SP_SA_HARD_EXPIRED, "too old from the start");
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

/* ---- files that are whole, but not ours ---------------------------------------------------------------- */

/* Where sa/state_file.c has it in its files. */
enum {
    DISK_VERSION = 16,
    DISK_COUNT = 24,
    DISK_MACHINE = 48,
    LIVE_ID = 16,
    LIVE_BOOT = 32,
    LIVE_CAPACITY = 68
};

static char *disk_path(void)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/state", folder);
    return path;
}

static char *live_path(void)
{
    static char path[256];
    char command[128];
    snprintf(command, sizeof command, "echo '%s'/state-*", live);
    FILE *names = popen(command, "r");
    cr_assert_not_null(names);
    cr_assert_not_null(fgets(path, sizeof path, names));
    cr_assert_eq(pclose(names), 0);
    path[strcspn(path, "\n")] = '\0';
    return path;
}

static void change(const char *path, off_t at, const void *bytes, size_t len_bytes)
{
    int fd = open(path, O_WRONLY);
    cr_assert(fd >= 0 && pwrite(fd, bytes, len_bytes, at) == (ssize_t)len_bytes, "%s", path);
    close(fd);
}

static void flip(const char *path, off_t at)
{
    uint8_t byte;
    int fd = open(path, O_RDONLY);
    cr_assert(fd >= 0 && pread(fd, &byte, 1, at) == 1, "%s", path);
    close(fd);
    byte ^= 1;
    change(path, at, &byte, 1);
}

/* As a program would have left the file that knows how to make the checksum. */
static void seal_disk(size_t len_bytes)
{
    uint8_t bytes[4096], hash[crypto_generichash_BYTES];
    int fd = open(disk_path(), O_RDONLY);
    cr_assert(fd >= 0 && len_bytes <= sizeof bytes);
    cr_assert_geq(read(fd, bytes, len_bytes), (ssize_t)(len_bytes - sizeof hash));
    close(fd);
    crypto_generichash(hash, sizeof hash, bytes, len_bytes - sizeof hash, NULL, 0);
    change(disk_path(), (off_t)(len_bytes - sizeof hash), hash, sizeof hash);
}

static size_t disk_bytes(void)
{
    struct stat status;
    cr_assert_eq(stat(disk_path(), &status), 0);
    return (size_t)status.st_size;
}

static void expect_refusal_of_changed(off_t at, const char *words)
{
    struct process process = start(300);
    stop(&process);
    flip(disk_path(), at);
    seal_disk(disk_bytes());
    expect_refusal(SP_ERR_PARSE, words);
}

Test(state, a_state_of_another_machine_is_refused)
{
    expect_refusal_of_changed(DISK_MACHINE, "another machine");
}

Test(state, a_state_of_another_version_is_refused)
{
    expect_refusal_of_changed(DISK_VERSION, "another version");
}

Test(state, a_state_with_other_than_its_number_of_records_is_refused)
{
    expect_refusal_of_changed(DISK_COUNT, "cut off or too long");
}

Test(state, a_state_with_something_behind_it_is_refused)
{
    struct process process = start(300);
    stop(&process);
    seal_disk(disk_bytes() + 1);
    expect_refusal(SP_ERR_PARSE, "cut off or too long");
}

Test(state, a_state_that_is_a_link_is_refused)
{
    char elsewhere[128];
    struct process process = start(300);
    stop(&process);
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", root);
    cr_assert_eq(rename(disk_path(), elsewhere), 0);
    cr_assert_eq(symlink(elsewhere, disk_path()), 0);
    expect_refusal(SP_ERR_IO, "can't be opened");
}

Test(state, exact_figures_of_another_state_are_refused)
{
    play_and_kill(300, use_some);
    flip(live_path(), LIVE_ID);
    expect_refusal(SP_ERR_PARSE, "belongs to another state");
}

Test(state, exact_figures_of_before_a_start_of_the_host_do_not_count)
{
    play_and_kill(300, use_some);
    flip(live_path(), LIVE_BOOT);
    struct process process = start(300);
    cr_assert_not(sp_state_is_exact(process.state));
    cr_assert_eq(process.sa->sequence_sent, BLOCK);
    stop(&process);
}

Test(state, exact_figures_of_fewer_places_are_refused)
{
    const uint32_t none = 0;
    play_and_kill(300, use_some);
    change(live_path(), LIVE_CAPACITY, &none, sizeof none);
    cr_assert_eq(truncate(live_path(), sizeof(struct sp_state_live)), 0);
    expect_refusal(SP_ERR_PARSE, "is damaged");
    cr_assert_eq(truncate(live_path(), 20), 0);
    expect_refusal(SP_ERR_PARSE, "is cut off");
}

Test(state, files_open_to_others_are_refused)
{
    struct process process = start(300);
    stop(&process);
    cr_assert_eq(chmod(folder, 0755), 0);
    expect_refusal(SP_ERR_PERMISSION, "open to nobody else");
    cr_assert_eq(chmod(folder, 0700), 0);
    cr_assert_eq(chmod(disk_path(), 0604), 0);
    expect_refusal(SP_ERR_PERMISSION, "open to nobody else");
    cr_assert_eq(chmod(disk_path(), 0620), 0); /* a group is others, too */
    expect_refusal(SP_ERR_PERMISSION, "open to nobody else");
}

Test(state, exact_figures_open_to_others_are_refused)
{
    play_and_kill(300, use_some);
    cr_assert_eq(chmod(live_path(), 0602), 0);
    expect_refusal(SP_ERR_PERMISSION, "open to nobody else");
    cr_assert_eq(chmod(live_path(), 0660), 0);
    expect_refusal(SP_ERR_PERMISSION, "open to nobody else");
}

/* ---- many, and the end --------------------------------------------------------------------------------- */

/* A key of its own for each number. */
static struct sp_sa_params numbered(uint32_t number)
{
    static uint8_t key[24] = "a key for many numbers";
    struct sp_sa_params params = params_of(1000 + number);
    key[21] = (uint8_t)(2 * (number & 127));
    key[20] = (uint8_t)(2 * (number >> 7));
    params.encryption_key = key;
    return params;
}

/* An SA that sends so many, and goes again. */
static void come_and_go(struct process *process, uint32_t number, uint64_t sends)
{
    const struct sp_sa_params params = numbered(number);
    struct sp_sa *sa = add(process, &params);
    cr_assert_eq(sa->sequence_sent, 0u, "%u", number);
    cr_assert_eq(sa->bytes, 0u, "%u", number);
    send_up_to(sa, sends);
    cr_assert_eq(sp_sad_remove(process->sad, sa->number), SP_OK);
}

static uint64_t sent_by(struct process *process, uint32_t number)
{
    const struct sp_sa_params params = numbered(number);
    return add(process, &params)->sequence_sent;
}

Test(state, when_places_run_out_the_oldest_of_the_gone_are_forgotten)
{
    struct process process = start(300);
    for (uint32_t number = 0; number < 200; number++) {
        come_and_go(&process, number, 50 + number);
        cr_assert_eq(sp_state_save(process.state), SP_OK);
    }
    cr_assert_eq(sent_by(&process, 199), 249u);
    cr_assert_eq(sent_by(&process, 198), 248u);
    cr_assert_eq(sent_by(&process, 0), 0u, "forgotten");
    cr_assert_eq(sent_by(&process, 150), 0u, "forgotten");
    stop(&process);
}

Test(state, all_sas_may_be_exchanged_between_two_savings)
{
    struct process process = start(300);
    const uint32_t capacity = sp_sad_capacity(process.sad);
    for (uint32_t turn = 0; turn < 20; turn++) {
        for (uint32_t i = 0; i < capacity; i++)
            come_and_go(&process, turn * capacity + i, 9);
        cr_assert_eq(sp_state_save(process.state), SP_OK);
    }
    cr_assert_eq(sent_by(&process, 20 * capacity - 1), 9u);
    stop(&process);
}

/* Not of 3DES, which always has one of bytes. */
static struct sp_sa_params without_limits(void)
{
    struct sp_sa_params params = gcm_params_of(301);
    params.lifetime = (struct sp_lifetime){.hard_seconds = 1000};
    return params;
}

static void add_without_limits(struct process *process)
{
    const struct sp_sa_params params = without_limits();
    add(process, &params);
    cr_assert_eq(sp_state_save(process->state), SP_OK);
}

Test(state, an_sa_without_limits_has_not_used_all_when_its_exact_figures_are_lost)
{
    const struct sp_sa_params params = without_limits();
    play_and_kill(300, add_without_limits);
    lose_live();
    struct process process = start(300);
    struct sp_sa *sa = add(&process, &params);
    cr_assert_eq(sa->bytes, 0u);
    cr_assert_eq(sa->packets, 0u);
    stop(&process);
}

Test(state, a_new_state_has_exact_figures_and_leaves_none_behind)
{
    char command[128];
    struct process process = start(300);
    cr_assert(sp_state_is_exact(process.state));
    cr_assert_eq(sp_state_known(process.state), 0u);
    stop(&process);
    snprintf(command, sizeof command, "test -z \"$(ls -A '%s')\"", live);
    cr_assert_eq(system(command), 0);
}

/* A process with file systems of its own, and none of it left where the state's figures go. */
static int open_without_room(void)
{
    struct sp_sad *sad;
    struct sp_state *state;
    char filler[96];
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", live, "tmpfs", 0, "size=8k,mode=0700") != 0)
        return PLAY_CANNOT_BE;
    snprintf(filler, sizeof filler, "%s/filler", live);
    const int fd = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (write(fd, root, 1) == 1)
        ;
    if (sp_sad_create(8, &sad) != SP_OK)
        return PLAY_CANNOT_BE;
    return sp_state_open(sad, folder, live, &state, reason) == SP_ERR_IO && strstr(reason, "No space left");
}

Test(state, a_full_file_system_is_an_error_and_not_a_signal_at_the_first_packet)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(open_without_room());
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status), "signal %d", WTERMSIG(status));
    if (WEXITSTATUS(status) == PLAY_CANNOT_BE)
        cr_skip_test("mounting takes root");
    cr_assert_eq(WEXITSTATUS(status), true);
}

Test(state, sas_that_outlive_the_state_carry_nothing)
{
    struct process process = start(300);
    cr_assert(sp_replay_check(&process.sa->replay, 1));
    cr_assert_eq(sp_state_close(&process.state), SP_OK);
    cr_assert_not(sp_replay_check(&process.sa->replay, 1));
    cr_assert_eq(process.sa->limits.sequence_limit, 0u);
    sp_sad_destroy(&process.sad);
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
