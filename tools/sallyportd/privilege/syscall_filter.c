/* SPDX-License-Identifier: ISC
 *
 * The lists, and libseccomp(3) to make filters of them.
 *
 * There are two, because threads differ in what they read. The workers read packets of strangers, and need
 * neither files nor new sockets: whoever takes one over can send and receive what it could anyway, and end
 * the process. The control thread reads files of root's and netlink messages. It must be able to open files
 * and sockets all its life, since reloads and repairs do what setting up did; but no program is ever run
 * (nftables is spoken to by libnftables, in netlink), no memory becomes code, and no other process is
 * reached.
 *
 * A call outside of the list raises SIGSYS, whose handler says which it was and ends the process. Its number
 * is of this machine's own kind of calls; those of any other kind (i386, x32) end it unsaid.
 *
 * A worker that the control thread starts anew after a repair has both filters, and only what both allow. So
 * the control thread's list holds the workers'.
 */
#include "privilege/syscall_filter.h"

#include "log.h"

#include <errno.h>
#include <linux/if_tun.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define EXIT_FORBIDDEN_CALL 3
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- the lists ----------------------------------------------------------------------------------------- */

static const int worker_calls[] = {
    /* packets, by descriptors that are there; the log, and the descriptor that tells of failure */
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(recvmmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(read),
    SCMP_SYS(write),
    /* memory of the engine, random numbers, time where the vdso has none */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(mlock),
    SCMP_SYS(mlock2),
    SCMP_SYS(munlock),
    SCMP_SYS(getrandom),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    /* threads: their beginning, waiting for each other, their end */
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    SCMP_SYS(membarrier),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

/* Besides what workers may. */
static const int control_calls[] = {
    /* files: policy, keys, state, segment, lock, /proc */
    SCMP_SYS(openat),
    SCMP_SYS(open),
    SCMP_SYS(close),
    SCMP_SYS(lseek),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(statx),
    SCMP_SYS(fstatfs),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(getdents64),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(fcntl),
    SCMP_SYS(flock),
    SCMP_SYS(mkdir),
    SCMP_SYS(mkdirat),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    SCMP_SYS(ftruncate),
    SCMP_SYS(fallocate),
    SCMP_SYS(fchmod),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(umask),
    SCMP_SYS(msync),
    /* sockets: netlink, ESP, UDP, the control socket */
    SCMP_SYS(bind),
    SCMP_SYS(listen),
    SCMP_SYS(accept4),
    SCMP_SYS(connect),
    SCMP_SYS(sendto),
    SCMP_SYS(recvfrom),
    SCMP_SYS(setsockopt),
    SCMP_SYS(getsockopt),
    SCMP_SYS(getsockname),
    /* waiting */
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(eventfd2),
    SCMP_SYS(signalfd4),
    SCMP_SYS(timerfd_create),
    SCMP_SYS(timerfd_settime),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    /* who and what we are: libraries ask */
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(uname),
    SCMP_SYS(sysinfo),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(rt_sigaction),
    /* giving up more: capabilities, and system calls in threads */
    SCMP_SYS(capget),
    SCMP_SYS(capset),
    SCMP_SYS(seccomp),
};

/* What is allowed with one value of one argument only. */
struct narrow_call {
    int call;
    unsigned argument;
    scmp_datum_t value;
};

static const struct narrow_call control_narrow_calls[] = {
    {SCMP_SYS(socket), 0, AF_UNIX},
    {SCMP_SYS(socket), 0, AF_INET},
    {SCMP_SYS(socket), 0, AF_INET6},
    {SCMP_SYS(socket), 0, AF_NETLINK},
    {SCMP_SYS(ioctl), 1, TUNSETIFF},
    {SCMP_SYS(ioctl), 1, TUNSETOFFLOAD},
    {SCMP_SYS(ioctl), 1, SIOCGIFINDEX},
    {SCMP_SYS(ioctl), 1, SIOCGIFNAME},
    {SCMP_SYS(ioctl), 1, SIOCGIFMTU},
    {SCMP_SYS(ioctl), 1, SIOCSIFMTU},
    {SCMP_SYS(ioctl), 1, SIOCGIFFLAGS},
    {SCMP_SYS(ioctl), 1, SIOCSIFFLAGS},
    {SCMP_SYS(ioctl), 1, SIOCSIFTXQLEN},
    {SCMP_SYS(ioctl), 1, TCGETS}, /* stdio asks whether it writes to a terminal */
    {SCMP_SYS(prctl), 0, PR_GET_NAME},
    {SCMP_SYS(prctl), 0, PR_GET_SECCOMP}, /* and what a thread has, before it takes less */
    {SCMP_SYS(prlimit64), 2, 0},          /* asking; the new limits are argument 2 */
};

/* ---- making a filter ----------------------------------------------------------------------------------- */

/* Calls that this machine never had have negative numbers. */
static bool allow(scmp_filter_ctx context, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (calls[i] >= 0 && seccomp_rule_add(context, SCMP_ACT_ALLOW, calls[i], 0) != 0)
            return false;
    return true;
}

static bool allow_narrow(scmp_filter_ctx context, const struct narrow_call *calls, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (calls[i].call >= 0 &&
            seccomp_rule_add(context, SCMP_ACT_ALLOW, calls[i].call, 1,
                             SCMP_CMP(calls[i].argument, SCMP_CMP_EQ, calls[i].value, 0)) != 0)
            return false;
    return true;
}

/* Memory, but none that is code: a library that would be loaded late fails, as if it were not there. */
static bool allow_memory(scmp_filter_ctx context, int call)
{
    return seccomp_rule_add(context, SCMP_ACT_ALLOW, call, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) ==
               0 &&
           seccomp_rule_add(context, SCMP_ACT_ERRNO(EPERM), call, 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC)) == 0;
}

/* Threads, but no processes. A filter can't look into what clone3() is given; the C library does without it
 * where there is none. abort() signals itself. */
static bool allow_threads(scmp_filter_ctx context)
{
    const scmp_datum_t thread = CLONE_VM | CLONE_THREAD;
    return seccomp_rule_add(context, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0 &&
           seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, thread, thread)) == 0;
}

static bool fill(scmp_filter_ctx context, enum syscall_filter filter)
{
    const scmp_datum_t self = (scmp_datum_t)getpid();
    /* no_new_privs is on; a tree of comparisons, for the list is long */
    if (seccomp_attr_set(context, SCMP_FLTATR_CTL_NNP, 0) != 0 ||
        seccomp_attr_set(context, SCMP_FLTATR_API_SYSRAWRC, 1) != 0 ||
        seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) != 0 ||
        seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2) != 0)
        return false;
    if (!allow(context, worker_calls, COUNT(worker_calls)) || !allow_memory(context, SCMP_SYS(mmap)) ||
        !allow_memory(context, SCMP_SYS(mprotect)) ||
        seccomp_rule_add(context, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, self, 0)) != 0)
        return false;
    return filter == SYSCALL_FILTER_WORKER ||
           (allow(context, control_calls, COUNT(control_calls)) &&
            allow_narrow(context, control_narrow_calls, COUNT(control_narrow_calls)) &&
            allow_threads(context));
}

/* ---- the end ------------------------------------------------------------------------------------------- */

/* In a signal handler: no stdio. The number goes into the line by hand. */
static void on_forbidden_call(int signal_number, siginfo_t *info, void *context)
{
    char line[] =
        "sallyportd: system call 000000 is not on the list of the thread that asked for it: ended; the "
        "guard stays up\n";
    char *digit = strstr(line, "000000") + 5;
    (void)signal_number;
    (void)context;
    for (unsigned number = (unsigned)info->si_syscall; number > 0 && *digit == '0'; number /= 10)
        *digit-- = (char)('0' + number % 10);
    (void)!write(STDERR_FILENO, line, sizeof line - 1);
    _exit(EXIT_FORBIDDEN_CALL);
}

bool syscall_filter_install(enum syscall_filter filter)
{
    if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0 && errno == EINVAL) {
        if (filter == SYSCALL_FILTER_CONTROL)
            log_line("system calls aren't filtered: this kernel has no seccomp (CONFIG_SECCOMP_FILTER)");
        return true;
    }
    const struct sigaction action = {.sa_sigaction = on_forbidden_call, .sa_flags = SA_SIGINFO};
    if (filter == SYSCALL_FILTER_CONTROL)
        (void)sigaction(SIGSYS, &action, NULL); /* without it the kernel ends us, unsaid */
    scmp_filter_ctx context = seccomp_init(SCMP_ACT_TRAP);
    const int error = !context || !fill(context, filter) ? ENOMEM : -seccomp_load(context);
    if (context)
        seccomp_release(context);
    if (error == 0)
        return true;
    errno = error;
    log_errno("can't filter system calls");
    return false;
}
