/* SPDX-License-Identifier: ISC
 *
 * ipsecctl load: gives a policy and its SAs to whoever shall do the ESP.
 */
#include "control.h"
#include "load.h"
#include "load_request.h"
#include "order.h"
#include "own_addresses.h"
#include "verb.h"

#include <getopt.h>
#include <string.h>

static bool read_mode(const char *word, enum sp_offload_mode *ret_mode)
{
    for (enum sp_offload_mode mode = SP_OFFLOAD_CRYPTO; mode <= SP_OFFLOAD_AUTO; mode++)
        if (strcmp(word, sp_offload_mode_name(mode)) == 0) {
            *ret_mode = mode;
            return true;
        }
    return false;
}

static int read_backend(const char *word, struct load_request *request)
{
    request->has_backend = true;
    if (strcmp(word, "auto") == 0)
        request->backend = BACKEND_AUTO;
    else if (!backend_read(word, &request->backend))
        return tool_usage("load", "--backend %s: write auto, " BACKEND_NAMES, word);
    return TOOL_OK;
}

static int read_value(int option, struct load_request *request)
{
    switch (option) {
    case 'b':
        return read_backend(optarg, request);
    case 'd':
        request->asks_device = true;
        request->nic.device = strcmp(optarg, "auto") == 0 ? NULL : optarg;
        return TOOL_OK;
    case 'o':
        request->asks_mode = true;
        return read_mode(optarg, &request->nic.mode)
                   ? TOOL_OK
                   : tool_usage("load", "--offload %s: write auto, packet or crypto", optarg);
    case 'c':
        request->asks_daemon = true;
        request->control_path = optarg;
        return TOOL_OK;
    case 't':
        request->asks_trial = true;
        return order_read_trial(optarg, &request->confirm_seconds)
                   ? TOOL_OK
                   : tool_usage("load", "--confirm takes a time from 1s to 1440m, not \"%s\"", optarg);
    case 'm':
        return me_add(&request->me, optarg)
                   ? TOOL_OK
                   : tool_usage("load", "--me %s: write an IPv4 or IPv6 address (at most %d times)", optarg,
                                ME_ADDRESSES_MAX);
    default:
        return tool_usage("load", "unknown option, or one without its value");
    }
}

static int read_option(int option, struct load_request *request)
{
    switch (option) {
    case 'k':
        request->keys_path = optarg;
        return TOOL_OK;
    case 'n':
        request->is_trial = true;
        return TOOL_OK;
    case 's':
        request->is_strict = true;
        return TOOL_OK;
    case 'j':
        request->as_json = true;
        return TOOL_OK;
    default:
        return read_value(option, request);
    }
}

static int check_daemon_request(const struct load_request *request)
{
    if (!request->me.me.unknown)
        return tool_usage("load",
                          "--me is not for --backend user: sallyportd(8) follows this host's addresses");
    if (request->keys_path && strcmp(request->keys_path, "-") == 0)
        return tool_usage("load", "--backend user takes --keys FILE: the daemon reads the file itself");
    return TOOL_OK;
}

static int check_request(const struct load_request *request)
{
    const enum backend backend = request->backend;
    if (!request->has_backend)
        return tool_usage("load", "needs --backend");
    if (request->asks_mode && backend != BACKEND_NIC)
        return tool_usage("load", "--device and --offload are for --backend nic");
    if (request->asks_device && backend != BACKEND_NIC && backend != BACKEND_AUTO)
        return tool_usage("load", "--device and --offload are for --backend nic");
    if (request->asks_daemon && backend != BACKEND_USER && !load_goes_down(request))
        return tool_usage("load", "--control is for --backend user and auto");
    if ((request->asks_trial || request->is_strict) && backend != BACKEND_USER)
        return tool_usage("load", "--confirm and --strict are for --backend user");
    if (backend == BACKEND_NIC && !request->keys_path)
        return tool_usage("load", "--backend nic needs --keys: SAs are what a NIC is given");
    if (backend != BACKEND_KERNEL && !request->keys_path)
        return tool_usage("load", "--backend %s needs --keys: without SAs nothing that is protected goes",
                          backend == BACKEND_USER ? "user" : "auto");
    return backend == BACKEND_USER ? check_daemon_request(request) : TOOL_OK;
}

static int read_request(int argc, char **argv, struct load_request *request)
{
    static const struct option options[] = {{"backend", required_argument, NULL, 'b'},
                                            {"keys", required_argument, NULL, 'k'},
                                            {"device", required_argument, NULL, 'd'},
                                            {"offload", required_argument, NULL, 'o'},
                                            {"control", required_argument, NULL, 'c'},
                                            {"confirm", required_argument, NULL, 't'},
                                            {"strict", no_argument, NULL, 's'},
                                            {"dry-run", no_argument, NULL, 'n'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"me", required_argument, NULL, 'm'},
                                            {0}};
    me_start(&request->me);
    request->nic.mode = SP_OFFLOAD_AUTO;
    request->control_path = CONTROL_DEFAULT_PATH;
    for (int option; (option = getopt_long(argc, argv, "n", options, NULL)) != -1;) {
        const int exit_code = read_option(option, request);
        if (exit_code != TOOL_OK)
            return exit_code;
    }
    const int exit_code = check_request(request);
    if (exit_code != TOOL_OK)
        return exit_code;
    if (argc - optind != 1)
        return tool_usage("load", argc == optind ? "name a policy, or \"-\"" : "takes one policy");
    request->policy_path = argv[optind];
    if (request->keys_path && strcmp(request->policy_path, "-") == 0 && strcmp(request->keys_path, "-") == 0)
        return tool_usage("load", "only one file can be standard input");
    return TOOL_OK;
}

static int load(const struct load_request *request, const struct sp_policy *policy)
{
    struct sp_me me;
    if (request->backend == BACKEND_USER)
        return load_into_daemon(request, policy, NULL);
    if (!request->me.me.unknown)
        return load_into_kernel(request, policy, &request->me.me);
    if (!own_addresses(NULL, &me)) {
        tool_say("can't list this host's addresses: name them with --me");
        return TOOL_NOT_APPLIED;
    }
    const int exit_code = load_into_kernel(request, policy, &me);
    own_addresses_free(&me);
    return exit_code;
}

static int run(int argc, char **argv)
{
    struct load_request request = {0};
    struct sp_policy *policy = NULL;
    int exit_code = read_request(argc, argv, &request);
    if (exit_code == TOOL_OK)
        exit_code = load_policy_aloud(request.policy_path, &policy);
    if (exit_code == TOOL_OK)
        exit_code = load(&request, policy);
    sp_policy_destroy(&policy);
    return exit_code;
}

const struct verb verb_load = {
    .name = "load",
    .summary = "give a policy and its SAs to the daemon, the kernel or a NIC",
    .help =
        "Usage: ipsecctl load --backend kernel|nic|user|auto [OPTION...] FILE\n"
        "\n"
        "Brings whoever does the ESP to this policy and these SAs: the kernel's IPsec (XFRM), of which only\n"
        "what differs and is ours is changed, or a running sallyportd(8), all of it or nothing; in an order\n"
        "in which nothing passes in clear that shouldn't. Interrupted, it may be run again.\n"
        "\n"
        "  --backend B      kernel; nic: the kernel gives a NIC the SAs; user: sallyportd; auto: the first\n"
        "                   who can: a NIC for whole packets, for cryptography, the kernel, user\n"
        "  --device NAME    which NIC; auto, the default: for each SA the one that has its local address\n"
        "  --offload MODE   packet: the NIC does all; crypto: it encrypts and checks integrity; auto, the\n"
        "                   default: as --backend auto\n"
        "  --keys FILE      the SAs, sallyport.keys(5); of kernel alone: without it there are none\n"
        "  --me ADDRESS     of kernel and NIC: an address of this host, may be repeated; else all it has\n"
        "  --control PATH   of user, auto: the daemon's socket, default " CONTROL_DEFAULT_PATH "\n"
        "  --confirm TIME   of user: on trial, as reload has it\n"
        "  --strict         of user: a policy about which \"ipsecctl check\" warns is refused\n"
        "  -n, --dry-run    print what would be done; of the kernel a short-lived trial SA is tried\n"
        "  --json           what was changed as JSON\n"
        "\n"
        "Exit status: 0 done, 1 wrong usage or a text with errors, 2 nobody asked for can, and why.\n"
        "\n"
        "Example:\n"
        "  ipsecctl load --backend auto --keys pair.keys front-end.policy\n",
    .run = run,
};
