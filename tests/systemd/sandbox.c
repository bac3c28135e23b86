/* SPDX-License-Identifier: ISC
 *
 * Tries what a service of systemd may be kept from, and prints what came of each: "NAME 0", or the name of an
 * errno value. tests/systemd/run has it run as a plain service and in the place of the daemon, and compares:
 * an option of the unit is in effect if the first may and the second may not.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEVICE "/dev/sallyport-sandbox" /* tests/systemd/run makes it: one that the unit doesn't name */
#define SHARED "/tmp/sallyport-sandbox" /* and this file */

/* 0, or what the last call that failed said. */
static int result_of(long returned)
{
    return returned < 0 ? errno : 0;
}

static int opens(const char *path, int flags)
{
    const int fd = open(path, flags | O_CLOEXEC, 0600);
    const int result = result_of(fd);
    if (fd >= 0)
        close(fd);
    return result;
}

/* Of a file that isn't there, nor is afterwards. */
static int makes(const char *path)
{
    const int result = opens(path, O_WRONLY | O_CREAT | O_EXCL);
    if (result == 0)
        unlink(path);
    return result;
}

static int has_socket(int family, int type, int protocol)
{
    const int fd = socket(family, type | SOCK_CLOEXEC, protocol);
    const int result = result_of(fd);
    if (fd >= 0)
        close(fd);
    return result;
}

static int packet_socket(void)
{
    return has_socket(AF_PACKET, SOCK_DGRAM, 0);
}
static int raw_socket(void)
{
    return has_socket(AF_INET, SOCK_RAW, IPPROTO_ESP);
}
static int netlink_socket(void)
{
    return has_socket(AF_NETLINK, SOCK_RAW, 0);
}
static int writes_usr(void)
{
    return makes("/usr/sallyport-sandbox");
}
static int writes_etc(void)
{
    return makes("/etc/sallyport/sandbox");
}
static int writes_run(void)
{
    return makes("/run/sallyport-sandbox");
}
static int writes_var(void)
{
    return makes("/var/lib/sallyport-sandbox");
}
static int writes_state(void)
{
    return makes("/var/lib/sallyport/sandbox");
}
static int writes_sockets(void)
{
    return makes("/run/sallyport/sandbox");
}
static int writes_setting(void)
{
    return opens("/proc/sys/net/ipv4/conf/lo/rp_filter", O_WRONLY);
}
static int reads_home(void)
{
    return opens("/home", O_RDONLY | O_DIRECTORY);
}
static int reads_root(void)
{
    return opens("/root", O_RDONLY | O_DIRECTORY);
}
static int sees_tmp(void)
{
    return opens(SHARED, O_RDONLY);
}
static int sees_others(void)
{
    return opens("/proc/1/status", O_RDONLY);
}
static int other_device(void)
{
    return opens(DEVICE, O_RDONLY);
}
static int tun_device(void)
{
    return opens("/dev/net/tun", O_RDWR);
}

static int makes_cgroup(void)
{
    const char *path = "/sys/fs/cgroup/sallyport-sandbox";
    const int result = result_of(mkdir(path, 0700));
    rmdir(path);
    return result;
}

static int makes_setuid(void)
{
    const char *path = "/var/lib/sallyport/setuid";
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const int result = result_of(fd < 0 ? -1 : fchmod(fd, S_ISUID | 0700));
    close(fd);
    unlink(path);
    return result;
}

/* What would change this process is tried by a child. */
static int child_of(int (*try)(void))
{
    int status;
    const pid_t child = fork();
    if (child == 0)
        _exit(try());
    return child < 0 || waitpid(child, &status, 0) < 0 ? errno
           : WIFEXITED(status)                         ? WEXITSTATUS(status)
                                                       : EINTR;
}

static int try_namespace(void)
{
    return result_of(unshare(CLONE_NEWUTS));
}
static int try_realtime(void)
{
    const struct sched_param lowest = {.sched_priority = 1};
    return result_of(sched_setscheduler(0, SCHED_FIFO, &lowest));
}
static int try_personality(void)
{
    return result_of(personality(PER_LINUX32));
}
static int try_trace(void)
{
    return result_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}
static int try_user(void)
{
    return result_of(setresuid(1, 1, 1));
}
static int new_namespace(void)
{
    return child_of(try_namespace);
}
static int realtime(void)
{
    return child_of(try_realtime);
}
static int other_personality(void)
{
    return child_of(try_personality);
}
static int traces(void)
{
    return child_of(try_trace);
}
static int other_user(void)
{
    return child_of(try_user);
}

static int writable_code(void)
{
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? errno : result_of(munmap(memory, 4096));
}

static int sets_hostname(void)
{
    char name[256];
    return gethostname(name, sizeof name) != 0 ? errno : result_of(sethostname(name, strlen(name)));
}

static int mounts(void)
{
    return result_of(mount("none", "/var/lib/sallyport", "tmpfs", 0, NULL)) ||
           result_of(umount("/var/lib/sallyport"));
}

static const struct {
    const char *name;
    int (*try)(void);
} trials[] = {
    {"packet-socket", packet_socket},
    {"raw-socket", raw_socket},
    {"netlink-socket", netlink_socket},
    {"usr", writes_usr},
    {"etc", writes_etc},
    {"run", writes_run},
    {"var", writes_var},
    {"state", writes_state},
    {"sockets", writes_sockets},
    {"setting", writes_setting},
    {"home", reads_home},
    {"root", reads_root},
    {"tmp", sees_tmp},
    {"others", sees_others},
    {"other-device", other_device},
    {"tun-device", tun_device},
    {"cgroup", makes_cgroup},
    {"setuid-file", makes_setuid},
    {"namespace", new_namespace},
    {"realtime", realtime},
    {"personality", other_personality},
    {"trace", traces},
    {"other-user", other_user},
    {"writable-code", writable_code},
    {"hostname", sets_hostname},
    {"mount", mounts},
};

static unsigned long long capabilities(int (*has)(int))
{
    unsigned long long set = 0;
    for (int capability = 0; capability < 64; capability++)
        set |= has(capability) == 1 ? 1ull << capability : 0;
    return set;
}

static int is_in_bounds(int capability)
{
    return prctl(PR_CAPBSET_READ, capability, 0, 0, 0);
}

int main(void)
{
    struct rlimit core;
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        const int result = trials[i].try();
        printf("%s %s\n", trials[i].name, result ? strerrorname_np(result) : "0");
    }
    getrlimit(RLIMIT_CORE, &core);
    printf("bounds %llx\n", capabilities(is_in_bounds));
    printf("no-new-privileges %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    printf("umask %03o\n", (unsigned)umask(0));
    printf("core-bytes %llu\n", (unsigned long long)core.rlim_max);
    return 0;
}
