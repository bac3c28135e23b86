/* SPDX-License-Identifier: ISC
 *
 * Capabilities (capabilities(7)) belong to threads: capset(2) acts on its caller alone, which is what lets
 * the data path have none while the control thread keeps two.
 *
 * No capability that was given up comes back: the permitted set only shrinks, and with no_new_privs no
 * program that could be run would bring any (nor could one be run: syscall_filter.h).
 */
#include "privilege/privilege.h"

#include "log.h"
#include "privilege/syscall_filter.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BIT(capability) (UINT64_C(1) << (capability))
/* nftables, routes, kernel policies, the device, and options of sockets; raw sockets */
#define LOOP_CAPABILITIES (BIT(CAP_NET_ADMIN) | BIT(CAP_NET_RAW))
/* root reads policies and keys in folders of others, whatever its bounding set */
#define START_CAPABILITIES (LOOP_CAPABILITIES | BIT(CAP_NET_BIND_SERVICE) | BIT(CAP_DAC_READ_SEARCH))
#define PRIVILEGED_PORTS_END 1024u

static bool read_permitted(uint64_t *ret_permitted)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    if (syscall(SYS_capget, &header, data) != 0)
        return false;
    *ret_permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
    return true;
}

/* Of this thread: those of the list that it has are permitted and effective, none is inheritable. */
static bool keep(uint64_t wanted)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
    uint64_t kept;
    if (!read_permitted(&kept))
        return false;
    kept &= wanted;
    data[0].permitted = data[0].effective = (uint32_t)kept;
    data[1].permitted = data[1].effective = (uint32_t)(kept >> 32);
    return syscall(SYS_capset, &header, data) == 0;
}

/* The bounding set, which takes CAP_SETPCAP; who doesn't have that is held by no_new_privs alone. */
static void narrow_bounds(uint64_t wanted)
{
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
        if (!(wanted & BIT(capability)))
            (void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
}

/* Plaintext is in our memory, and keys are in the arena: neither belongs in a core file or a debugger, nor
 * the arena on a swap device; CAP_IPC_LOCK, by which root locks what it likes, is not kept. */
static void hide_memory(void)
{
    const struct rlimit none = {0, 0}, unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    struct rlimit granted;
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (setrlimit(RLIMIT_MEMLOCK, &unlimited) == 0 || getrlimit(RLIMIT_MEMLOCK, &granted) != 0)
        return;
    granted.rlim_cur = granted.rlim_max;
    (void)setrlimit(RLIMIT_MEMLOCK, &granted);
}

bool privilege_begin(void)
{
    hide_memory();
    narrow_bounds(START_CAPABILITIES);
    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); /* capset() would do it as well */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || !keep(START_CAPABILITIES)) {
        log_errno("can't give up privileges");
        return false;
    }
    return syscall_filter_install(SYSCALL_FILTER_CONTROL);
}

bool privilege_suffices(void)
{
    uint64_t permitted;
    if (read_permitted(&permitted) && (permitted & LOOP_CAPABILITIES) == LOOP_CAPABILITIES)
        return true;
    log_line("must be root, or have CAP_NET_ADMIN and CAP_NET_RAW: it sets up nftables, routes, a TUN device "
             "and raw sockets");
    return false;
}

bool privilege_enter_loop(uint32_t encap_port)
{
    const bool is_privileged_port = encap_port != 0 && encap_port < PRIVILEGED_PORTS_END;
    if (keep(LOOP_CAPABILITIES | (is_privileged_port ? BIT(CAP_NET_BIND_SERVICE) : 0)))
        return true;
    log_errno("can't give up privileges");
    return false;
}

bool privilege_enter_worker(void)
{
    if (!keep(0)) {
        log_errno("a thread of the data path can't give up privileges");
        return false;
    }
    return syscall_filter_install(SYSCALL_FILTER_WORKER);
}

/* ---- status -------------------------------------------------------------------------------------------- */

struct thread_marks {
    unsigned long long capabilities;
    unsigned filter; /* 2: one is on */
};

static bool read_marks(const char *thread, struct thread_marks *ret_marks)
{
    char path[64], line[256];
    int found = 0;
    snprintf(path, sizeof path, "/proc/self/task/%.20s/status", thread);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) {
        found += sscanf(line, "CapPrm: %llx", &ret_marks->capabilities) == 1;
        found += sscanf(line, "Seccomp: %u", &ret_marks->filter) == 1;
    }
    if (file)
        fclose(file);
    return found == 2;
}

/* The names that the daemon could ever have had; any other would be a mistake, and shows as a number. */
static json_t *capability_names(uint64_t capabilities)
{
    static const struct {
        int capability;
        const char *name;
    } known[] = {{CAP_DAC_READ_SEARCH, "dac_read_search"},
                 {CAP_NET_ADMIN, "net_admin"},
                 {CAP_NET_BIND_SERVICE, "net_bind_service"},
                 {CAP_NET_RAW, "net_raw"}};
    json_t *names = json_array();
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (capabilities & BIT(known[i].capability))
            json_array_append_new(names, json_string(known[i].name));
        capabilities &= ~BIT(known[i].capability);
    }
    for (int capability = 0; capability < 64; capability++)
        if (capabilities & BIT(capability))
            json_array_append_new(names, json_integer(capability));
    return names;
}

json_t *privilege_status(void)
{
    struct thread_marks control = {0}, workers = {0}, marks = {0};
    bool are_all_filtered = true;
    char control_name[24];
    snprintf(control_name, sizeof control_name, "%d", (int)getpid());
    DIR *folder = opendir("/proc/self/task");
    for (const struct dirent *entry; folder && (entry = readdir(folder));) {
        if (entry->d_name[0] == '.' || !read_marks(entry->d_name, &marks))
            continue;
        are_all_filtered &= marks.filter == 2;
        struct thread_marks *whose = strcmp(entry->d_name, control_name) == 0 ? &control : &workers;
        whose->capabilities |= marks.capabilities;
    }
    if (folder)
        closedir(folder);
    return json_pack("{s:I, s:o, s:o, s:b}", "user", (json_int_t)geteuid(), "capabilities",
                     capability_names(control.capabilities), "worker_capabilities",
                     capability_names(workers.capabilities), "are_system_calls_filtered",
                     folder && are_all_filtered);
}
