/* SPDX-License-Identifier: ISC
 *
 * The three who tell the kernel.
 */
#include "engines.h"

#include "kernel/requests.h"
#include "xfrm/link.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SEND_BYTES 131072u   /* of the floor, at once */
#define RECEIVE_BYTES 32768u /* the most that the kernel puts into a datagram of a dump */
#define STARTS 5             /* of iproute2, to see what a start takes */
/* iproute2 6.1 keeps 8 KB of each line of a batch, and a guest's process can't have more than 256 MB. */
#define BATCH_LINES_MAX 20000u

const char *const job_names[JOBS] = {
    [JOB_PUSH] = "push", [JOB_READ] = "read back", [JOB_DELETE] = "delete", [JOB_FLUSH] = "flush"};
const char *const engine_names[ENGINES] = {
    [ENGINE_SALLYPORT] = "sallyport", [ENGINE_FLOOR] = "kernel alone", [ENGINE_IP] = "ip -batch"};

/* Requests one behind the other, cut where a send ends. */
struct ready {
    char *bytes;
    size_t *ends;
    size_t end_count;
};

static struct {
    enum subject_kind kind;
    uint32_t count;
    struct ready ready[2]; /* additions, deletions */
    char folder[256];
    uint32_t batch_count[JOBS]; /* files, one behind the other */
    uint64_t start_ns;
} scene;

void bench_fail(const char *format, ...)
{
    va_list arguments;

    (void)fputs("bench-offload: ", stderr);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    exit(1);
}

uint64_t bench_clock_ns(void)
{
    struct timespec now;

    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0)
        abort();
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- our link ------------------------------------------------------------------------------------------ */

static struct sp_xfrm_link *open_link(void)
{
    struct sp_xfrm_link *link;
    enum sp_status status = sp_xfrm_link_open(&link);

    if (status != SP_OK)
        bench_fail("no socket to the kernel's IPsec: %s", sp_status_text(status));
    return link;
}

static void make_addition(uint32_t number, struct sp_xfrm_message *ret_message, void *context)
{
    (void)context;
    subject_message(scene.kind, false, number, ret_message);
}

static void make_deletion(uint32_t number, struct sp_xfrm_message *ret_message, void *context)
{
    (void)context;
    subject_message(scene.kind, true, number, ret_message);
}

static void make_flush(uint32_t number, struct sp_xfrm_message *ret_message, void *context)
{
    (void)number, (void)context;
    memset(ret_message, 0, sizeof *ret_message);
    ret_message->type = scene.kind == SUBJECT_SA ? XFRM_MSG_FLUSHSA : XFRM_MSG_FLUSHPOLICY;
}

static void ask_by_link(sp_kernel_make *make, uint32_t count)
{
    struct sp_kernel_requests requests = {.make = make, .count = count};
    struct sp_xfrm_link *link = open_link();
    enum sp_status status = sp_kernel_requests_send(link, &requests);

    if (status != SP_OK || requests.is_refused)
        bench_fail("request %u: %s (%s)", requests.refused, sp_status_text(status),
                   strerror(status == SP_OK ? requests.answer.error : errno));
    sp_xfrm_link_close(&link);
}

struct seen {
    uint32_t count;
    uint64_t sum;
};

static void see(const struct sp_xfrm_message *message, void *context)
{
    struct seen *seen = context;

    seen->count++;
    seen->sum += subject_sum(message);
}

static struct seen read_by_link(enum subject_kind kind)
{
    struct seen seen = {0, 0};
    struct sp_xfrm_link *link = open_link();
    const uint16_t type = kind == SUBJECT_SA ? XFRM_MSG_GETSA : XFRM_MSG_GETPOLICY;

    if (sp_xfrm_link_dump(link, type, see, &seen) != SP_OK)
        bench_fail("reading %s back: %s", subject_names[kind], strerror(errno));
    sp_xfrm_link_close(&link);
    return seen;
}

static void run_link(enum job job)
{
    switch (job) {
    case JOB_PUSH:
        ask_by_link(make_addition, scene.count);
        break;
    case JOB_DELETE:
        ask_by_link(make_deletion, scene.count);
        break;
    case JOB_FLUSH:
        ask_by_link(make_flush, 1);
        break;
    default:
        (void)read_by_link(scene.kind);
        break;
    }
}

void engines_check(enum subject_kind kind, uint32_t count)
{
    struct sp_xfrm_message *message = calloc(1, sizeof *message);
    struct seen wanted = {count, 0};

    if (message == NULL)
        bench_fail("no memory");
    for (uint32_t i = 0; i < count; i++) {
        subject_message(kind, false, i, message);
        wanted.sum += subject_sum(message);
    }
    free(message);
    const struct seen seen = read_by_link(kind);
    if (seen.count != wanted.count || seen.sum != wanted.sum)
        bench_fail("the kernel has %u %s where there should be %u, or others", seen.count,
                   subject_names[kind], wanted.count);
}

/* ---- the floor ----------------------------------------------------------------------------------------- */

static int open_socket(void)
{
    const struct sockaddr_nl own = {.nl_family = AF_NETLINK};
    int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_XFRM);

    if (descriptor < 0 || bind(descriptor, (const struct sockaddr *)&own, sizeof own) != 0)
        bench_fail("no socket to the kernel's IPsec: %s", strerror(errno));
    return descriptor;
}

/* Additions or deletions, of which the last in each send wants an answer. */
static void make_ready(bool is_deletion, struct ready *ready)
{
    struct sp_xfrm_message *message = calloc(1, sizeof *message);
    size_t len_bytes = 0, sent_bytes = 0;
    struct nlmsghdr *last = NULL;

    ready->bytes = malloc((size_t)scene.count * 512 + SP_XFRM_MESSAGE_BYTES_MAX);
    ready->ends = malloc(((size_t)scene.count + 1) * sizeof *ready->ends);
    if (message == NULL || ready->bytes == NULL || ready->ends == NULL)
        bench_fail("no memory");
    for (uint32_t i = 0; i < scene.count; i++) {
        subject_message(scene.kind, is_deletion, i, message);
        message->flags = NLM_F_REQUEST;
        message->sequence = i + 1;
        size_t next_bytes = sp_xfrm_encode(message, ready->bytes + len_bytes, 512);
        if (next_bytes == 0)
            bench_fail("a message is longer than 512 bytes");
        if (len_bytes + next_bytes - sent_bytes > SEND_BYTES) {
            last->nlmsg_flags |= NLM_F_ACK;
            ready->ends[ready->end_count++] = sent_bytes = len_bytes;
        }
        last = (struct nlmsghdr *)(void *)(ready->bytes + len_bytes);
        len_bytes += next_bytes;
    }
    last->nlmsg_flags |= NLM_F_ACK;
    ready->ends[ready->end_count++] = len_bytes;
    free(message);
}

static void expect_answer(int descriptor)
{
    struct {
        struct nlmsghdr header;
        struct nlmsgerr body;
    } answer;

    if (recv(descriptor, &answer, sizeof answer, 0) < (ssize_t)sizeof answer ||
        answer.header.nlmsg_type != NLMSG_ERROR || answer.body.error != 0)
        bench_fail("the kernel refused a message of the floor");
}

static void send_ready(int descriptor, const struct ready *ready)
{
    size_t begin = 0;

    for (size_t i = 0; i < ready->end_count; i++) {
        if (send(descriptor, ready->bytes + begin, ready->ends[i] - begin, 0) < 0)
            bench_fail("sending: %s", strerror(errno));
        expect_answer(descriptor);
        begin = ready->ends[i];
    }
}

static void send_flush(int descriptor)
{
    _Alignas(8) char bytes[SP_XFRM_MESSAGE_BYTES_MAX];
    static struct sp_xfrm_message message;

    make_flush(0, &message, NULL);
    message.flags = NLM_F_REQUEST | NLM_F_ACK;
    size_t len_bytes = sp_xfrm_encode(&message, bytes, sizeof bytes);
    if (send(descriptor, bytes, len_bytes, 0) < 0)
        bench_fail("sending: %s", strerror(errno));
    expect_answer(descriptor);
}

/* Takes the dump's datagrams and looks no further than for its end. */
static void drain_dump(int descriptor)
{
    static _Alignas(8) char bytes[RECEIVE_BYTES];
    static struct sp_xfrm_message message;

    message = (struct sp_xfrm_message){.type = scene.kind == SUBJECT_SA ? XFRM_MSG_GETSA : XFRM_MSG_GETPOLICY,
                                       .flags = NLM_F_REQUEST | NLM_F_DUMP};
    size_t len_bytes = sp_xfrm_encode(&message, bytes, sizeof bytes);
    if (send(descriptor, bytes, len_bytes, 0) < 0)
        bench_fail("sending: %s", strerror(errno));
    do {
        if (recv(descriptor, bytes, sizeof bytes, 0) <= 0)
            bench_fail("receiving: %s", strerror(errno));
    } while (((struct nlmsghdr *)(void *)bytes)->nlmsg_type != NLMSG_DONE);
}

static void run_floor(enum job job)
{
    int descriptor = open_socket();

    switch (job) {
    case JOB_PUSH:
    case JOB_DELETE:
        send_ready(descriptor, &scene.ready[job == JOB_DELETE]);
        break;
    case JOB_FLUSH:
        send_flush(descriptor);
        break;
    default:
        drain_dump(descriptor);
        break;
    }
    (void)close(descriptor);
}

/* ---- iproute2 ------------------------------------------------------------------------------------------ */

#define BATCH_PATH_BYTES (sizeof scene.folder + 32)

static const char *batch_path(enum job job, uint32_t number, char *path)
{
    (void)snprintf(path, BATCH_PATH_BYTES, "%s/%d.%u", scene.folder, (int)job, number);
    return path;
}

static void write_batch(enum job job, uint32_t first, uint32_t end)
{
    const char *thing = scene.kind == SUBJECT_SA ? "state" : "policy";
    char path[BATCH_PATH_BYTES];
    FILE *out = fopen(batch_path(job, scene.batch_count[job]++, path), "we");

    if (out == NULL)
        bench_fail("%s: %s", path, strerror(errno));
    if (job == JOB_READ || job == JOB_FLUSH)
        (void)fprintf(out, "xfrm %s %s\n", thing, job == JOB_READ ? "list" : "flush");
    else
        for (uint32_t i = first; i < end; i++)
            subject_batch_line(scene.kind, job == JOB_DELETE, i, out);
    if (fclose(out) != 0)
        bench_fail("%s: %s", path, strerror(errno));
}

static void write_batches(enum job job)
{
    const bool is_each = job == JOB_PUSH || job == JOB_DELETE;

    scene.batch_count[job] = 0;
    for (uint32_t first = 0; first < (is_each ? scene.count : 1); first += BATCH_LINES_MAX)
        write_batch(job, first,
                    first + BATCH_LINES_MAX < scene.count ? first + BATCH_LINES_MAX : scene.count);
}

static void start_ip(const char *path)
{
    int status;

    (void)fflush(NULL); /* or the child would write it once more */
    pid_t child = fork();

    if (child < 0)
        bench_fail("no process: %s", strerror(errno));
    if (child == 0) {
        if (freopen("/dev/null", "w", stdout) != NULL)
            (void)execlp("ip", "ip", "-batch", path, (char *)NULL);
        _exit(127);
    }
    if (waitpid(child, &status, 0) != child || status != 0)
        bench_fail("ip -batch failed (is iproute2 installed?)");
}

static uint64_t time_start(void)
{
    uint64_t least_ns = UINT64_MAX;

    for (int i = 0; i < STARTS; i++) {
        uint64_t before_ns = bench_clock_ns();
        start_ip("/dev/null");
        uint64_t ns = bench_clock_ns() - before_ns;
        least_ns = ns < least_ns ? ns : least_ns;
    }
    return least_ns;
}

static void run_ip(enum job job)
{
    char path[BATCH_PATH_BYTES];

    for (uint32_t i = 0; i < scene.batch_count[job]; i++)
        start_ip(batch_path(job, i, path));
}

/* ---- all ----------------------------------------------------------------------------------------------- */

void engines_prepare(enum subject_kind kind, uint32_t count)
{
    const char *temporary = getenv("TMPDIR");

    scene.kind = kind;
    scene.count = count;
    if (count == 0 || count > SUBJECTS_MAX)
        bench_fail("between 1 and %u at once", SUBJECTS_MAX);
    (void)snprintf(scene.folder, sizeof scene.folder, "%.200s/offload.XXXXXX",
                   temporary ? temporary : "/tmp");
    if (mkdtemp(scene.folder) == NULL)
        bench_fail("%s: %s", scene.folder, strerror(errno));
    for (enum job job = JOB_PUSH; job < JOBS; job++)
        write_batches(job);
    make_ready(false, &scene.ready[0]);
    make_ready(true, &scene.ready[1]);
    scene.start_ns = time_start();
}

void engines_forget(void)
{
    for (int i = 0; i < 2; i++) {
        free(scene.ready[i].bytes);
        free(scene.ready[i].ends);
        scene.ready[i] = (struct ready){.bytes = NULL};
    }
    char path[BATCH_PATH_BYTES];

    for (enum job job = JOB_PUSH; job < JOBS; job++)
        for (uint32_t i = 0; i < scene.batch_count[job]; i++)
            (void)unlink(batch_path(job, i, path));
    (void)rmdir(scene.folder);
}

uint64_t engine_run(enum engine_number engine, enum job job)
{
    uint64_t before_ns = bench_clock_ns();

    switch (engine) {
    case ENGINE_SALLYPORT:
        run_link(job);
        break;
    case ENGINE_FLOOR:
        run_floor(job);
        break;
    default:
        run_ip(job);
        break;
    }
    uint64_t ns = bench_clock_ns() - before_ns;
    if (engine != ENGINE_IP)
        return ns;
    const uint64_t starts_ns = scene.start_ns * scene.batch_count[job];
    return ns > 2 * starts_ns ? ns - starts_ns : ns / 2; /* where it is too little to tell */
}
