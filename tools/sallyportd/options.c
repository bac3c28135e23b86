/* SPDX-License-Identifier: ISC
 *
 * Reading sallyportd's command line.
 */
#include "options.h"

#include "audit/sink.h"
#include "control.h"
#include "datapath/tun.h"

#include <sallyport/status.h>

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MARK 0x5a11u
#define DEFAULT_GRACE_SECONDS 30u     /* longer than anything waits on the way */
#define DEFAULT_KEEPALIVE_SECONDS 20u /* RFC 3948 4 */
#define DEFAULT_WORKERS_MAX 8         /* a host has other things to do; appliances say what they want */

static const char usage_text[] =
    "usage: sallyportd --policy FILE --keys FILE [OPTION...]\n"
    "       sallyportd --undo [--table NUMBER]\n"
    "\n"
    "Keeps this host's traffic to its IPsec policy: what must be protected leaves as ESP or not at all.\n"
    "Runs in the foreground, logs to stderr, and undoes on SIGTERM what it set up. SIGHUP reads the policy\n"
    "and the keys again, as \"ipsecctl reload\" does. Needs root, or CAP_NET_ADMIN and CAP_NET_RAW.\n"
    "\n"
    "  --policy FILE    the policy, sallyport.conf(5)\n"
    "  --keys FILE      the security associations, sallyport.keys(5)\n"
    "  --device NAME    of the TUN device to make (sally0)\n"
    "  --control PATH   of the control socket (" CONTROL_DEFAULT_PATH ")\n"
    "  --stats PATH     of the statistics segment (beside the control socket, its name ending in .stats)\n"
    "  --state FOLDER   keeps what SAs have used, so that they go on after a restart or a crash\n"
    "  --audit WHERE    the audit log goes: stderr (as it is), syslog, journal, none, or a file's path\n"
    "  --grace SECONDS  that SAs are still received under after a reload has others in their place (30)\n"
    "  --mtu BYTES      of the path to the peers (asked of the kernel), 576 to 65535\n"
    "  --workers NUMBER of the data path's threads (one a processor, up to 8), 1 to 64\n"
    "  --mark NUMBER    of the packets that are steered to the device (0x5a11)\n"
    "  --table NUMBER   of the routes that do so (the same number as the mark)\n"
    "  --encap-port NUMBER of ESP in UDP (that of the encapsulated SAs, if any)\n"
    "  --keepalive SECONDS between signs of life to NATs on the way (20), 0 for none\n"
    "  --leave-guard    at the end leave the guard up: protected traffic stays stopped\n"
    "  --undo           take away what a daemon that was killed, or was to leave the guard, has left\n"
    "  --version\n"
    "  --help\n"
    "\n"
    "example: sallyportd --policy /etc/sallyport/front-end.policy --keys /etc/sallyport/front-end.keys\n";

enum {
    OPT_POLICY = 1,
    OPT_KEYS,
    OPT_DEVICE,
    OPT_CONTROL,
    OPT_STATS,
    OPT_STATE,
    OPT_AUDIT,
    OPT_GRACE,
    OPT_MTU,
    OPT_WORKERS,
    OPT_MARK,
    OPT_TABLE,
    OPT_ENCAP_PORT,
    OPT_KEEPALIVE,
    OPT_LEAVE,
    OPT_UNDO,
    OPT_VERSION
};

static const struct option long_options[] = {
    {"policy", required_argument, NULL, OPT_POLICY},
    {"keys", required_argument, NULL, OPT_KEYS},
    {"device", required_argument, NULL, OPT_DEVICE},
    {"control", required_argument, NULL, OPT_CONTROL},
    {"stats", required_argument, NULL, OPT_STATS},
    {"state", required_argument, NULL, OPT_STATE},
    {"audit", required_argument, NULL, OPT_AUDIT},
    {"grace", required_argument, NULL, OPT_GRACE},
    {"mtu", required_argument, NULL, OPT_MTU},
    {"workers", required_argument, NULL, OPT_WORKERS},
    {"mark", required_argument, NULL, OPT_MARK},
    {"table", required_argument, NULL, OPT_TABLE},
    {"encap-port", required_argument, NULL, OPT_ENCAP_PORT},
    {"keepalive", required_argument, NULL, OPT_KEEPALIVE},
    {"leave-guard", no_argument, NULL, OPT_LEAVE},
    {"undo", no_argument, NULL, OPT_UNDO},
    {"version", no_argument, NULL, OPT_VERSION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static bool read_number(const char *option, const char *text, uint32_t least, uint32_t most,
                        uint32_t *ret_value)
{
    char *end = NULL;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 0);
    if (!isdigit((unsigned char)*text) || *end != '\0' || errno != 0 || value < least || value > most) {
        fprintf(stderr, "sallyportd: --%s takes a number from %u to %u, not \"%s\"\n", option, least, most,
                text);
        return false;
    }
    *ret_value = (uint32_t)value;
    return true;
}

/* What the kernel takes as a name, and nft takes between quotes. */
static bool is_device_name(const char *name)
{
    const size_t len_bytes = strlen(name);
    if (len_bytes == 0 || len_bytes >= IFNAMSIZ || strcmp(name, "lo") == 0)
        return false;
    for (const char *at = name; *at; at++)
        if (!isalnum((unsigned char)*at) && *at != '-' && *at != '_' && (*at != '.' || at == name))
            return false;
    return true;
}

static bool is_audit_destination(const char *value)
{
    struct audit_sink ignored;
    if (audit_sink_choose(value, &ignored))
        return true;
    fprintf(stderr,
            "sallyportd: --audit takes stderr, syslog, journal, none, or a path with a slash, not \"%s\"\n",
            value);
    return false;
}

static bool take_option(int option, const char *value, struct options *options)
{
    switch (option) {
    case OPT_POLICY:
        options->policy_path = value;
        return true;
    case OPT_KEYS:
        options->keys_path = value;
        return true;
    case OPT_DEVICE:
        options->device = value;
        if (!is_device_name(value))
            fprintf(stderr, "sallyportd: --device takes up to 15 letters, digits, '-', '_' and '.'\n");
        return is_device_name(value);
    case OPT_CONTROL:
        options->control_path = value;
        return true;
    case OPT_STATS:
        options->stats_path = value;
        return true;
    case OPT_STATE:
        options->state_folder = value;
        return true;
    case OPT_AUDIT:
        options->audit = value;
        return is_audit_destination(value);
    case OPT_GRACE:
        return read_number("grace", value, 0, 3600, &options->grace_seconds);
    case OPT_MTU:
        return read_number("mtu", value, 576, 65535, &options->path_mtu_bytes);
    case OPT_WORKERS:
        return read_number("workers", value, 1, TUN_QUEUES_MAX, &options->workers);
    case OPT_MARK:
        return read_number("mark", value, 1, UINT32_MAX - 1, &options->mark);
    case OPT_TABLE: /* 253 to 255 are the kernel's default, main and local */
        if (!read_number("table", value, 1, UINT32_MAX, &options->table))
            return false;
        if (options->table >= 253 && options->table <= 255)
            fprintf(stderr, "sallyportd: --table %u is one of the kernel's own tables\n", options->table);
        return options->table < 253 || options->table > 255;
    case OPT_ENCAP_PORT:
        return read_number("encap-port", value, 1, UINT16_MAX, &options->encap_port);
    case OPT_KEEPALIVE:
        return read_number("keepalive", value, 0, 3600, &options->keepalive_seconds);
    case OPT_LEAVE:
        options->leave_guard = true;
        return true;
    case OPT_UNDO:
        options->is_undo = true;
        return true;
    default: /* getopt has told what is wrong */
        return false;
    }
}

static uint32_t default_workers(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    const int processors = CPU_COUNT(&set);
    return processors < DEFAULT_WORKERS_MAX ? (uint32_t)processors : DEFAULT_WORKERS_MAX;
}

int options_read(int argc, char **argv, struct options *ret_options)
{
    struct options options = {.device = "sally0",
                              .control_path = CONTROL_DEFAULT_PATH,
                              .audit = "stderr",
                              .mark = DEFAULT_MARK,
                              .grace_seconds = DEFAULT_GRACE_SECONDS,
                              .keepalive_seconds = DEFAULT_KEEPALIVE_SECONDS};
    int option;
    while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage_text, stdout);
            return 0;
        }
        if (option == OPT_VERSION) {
            printf("sallyportd %s\n", sp_version());
            return 0;
        }
        if (!take_option(option, optarg, &options))
            return 1;
    }
    if (optind != argc || (!options.is_undo && (!options.policy_path || !options.keys_path))) {
        fputs(usage_text, stderr);
        return 1;
    }
    if (options.workers == 0)
        options.workers = default_workers();
    if (options.table == 0)
        options.table = options.mark >= 253 && options.mark <= 255 ? DEFAULT_MARK : options.mark;
    *ret_options = options;
    return OPTIONS_GO_ON;
}
