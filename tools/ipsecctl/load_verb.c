/* SPDX-License-Identifier: ISC
 *
 * ipsecctl load: gives a policy and its SAs to the kernel.
 */
#include "arguments.h"
#include "backend.h"
#include "grants.h"
#include "load.h"
#include "own_addresses.h"
#include "verb.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct request {
    const char *policy_path, *keys_path;
    enum backend backend;
    bool has_backend, asks_nic, is_trial, as_json; /* asks_nic: by --device or --offload */
    struct sp_offload_nic nic;
    struct me_option me;
};

static bool read_mode(const char *word, enum sp_offload_mode *ret_mode)
{
    for (enum sp_offload_mode mode = SP_OFFLOAD_CRYPTO; mode <= SP_OFFLOAD_AUTO; mode++)
        if (strcmp(word, sp_offload_mode_name(mode)) == 0) {
            *ret_mode = mode;
            return true;
        }
    return false;
}

static int read_option(int option, struct request *request)
{
    switch (option) {
    case 'b':
        request->has_backend = backend_read(optarg, &request->backend);
        return request->has_backend ? TOOL_OK
                                    : tool_usage("load", "--backend %s: write " BACKEND_NAMES, optarg);
    case 'd':
        request->asks_nic = true;
        request->nic.device = strcmp(optarg, "auto") == 0 ? NULL : optarg;
        return TOOL_OK;
    case 'o':
        request->asks_nic = true;
        return read_mode(optarg, &request->nic.mode)
                   ? TOOL_OK
                   : tool_usage("load", "--offload %s: write auto, packet or crypto", optarg);
    case 'k':
        request->keys_path = optarg;
        return TOOL_OK;
    case 'n':
        request->is_trial = true;
        return TOOL_OK;
    case 'j':
        request->as_json = true;
        return TOOL_OK;
    case 'm':
        if (me_add(&request->me, optarg))
            return TOOL_OK;
        return tool_usage("load", "--me %s: write an IPv4 or IPv6 address (at most %d times)", optarg,
                          ME_ADDRESSES_MAX);
    default:
        return tool_usage("load", "unknown option, or one without its value");
    }
}

static int check_request(const struct request *request)
{
    if (!request->has_backend)
        return tool_usage("load", "needs --backend");
    if (request->asks_nic && request->backend != BACKEND_NIC)
        return tool_usage("load", "--device and --offload are for --backend nic");
    if (request->backend == BACKEND_NIC && !request->keys_path)
        return tool_usage("load", "--backend nic needs --keys: SAs are what a NIC is given");
    return TOOL_OK;
}

static int read_request(int argc, char **argv, struct request *request)
{
    static const struct option options[] = {
        {"backend", required_argument, NULL, 'b'}, {"keys", required_argument, NULL, 'k'},
        {"device", required_argument, NULL, 'd'},  {"offload", required_argument, NULL, 'o'},
        {"dry-run", no_argument, NULL, 'n'},       {"json", no_argument, NULL, 'j'},
        {"me", required_argument, NULL, 'm'},      {0}};
    me_start(&request->me);
    request->nic.mode = SP_OFFLOAD_AUTO;
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

static json_t *rule_list(const struct sp_policy *policy, const uint64_t *rule_policies)
{
    json_t *list = tool_need(json_array());
    for (uint32_t i = 0; i < sp_policy_rule_count(policy); i++) {
        json_t *rule = json_rule(policy, i);
        json_put(rule, "kernel_policies", json_number(rule_policies[i]));
        json_push(list, rule);
    }
    return list;
}

static void print_rules(const struct sp_policy *policy, const uint64_t *rule_policies)
{
    for (uint32_t i = 0; i < sp_policy_rule_count(policy); i++) {
        struct sp_rule_info rule;
        if (sp_policy_rule(policy, i, &rule) == SP_OK)
            printf("rule at %s:%" PRIu32 " becomes %" PRIu64 " kernel %s\n", rule.file, rule.line,
                   rule_policies[i], rule_policies[i] == 1 ? "policy" : "policies");
    }
}

static void print_result(const struct request *request, const struct sp_policy *policy,
                         const uint64_t *rule_policies, const struct sp_offload_changes *changes,
                         json_t *grants)
{
    if (!request->as_json) {
        if (request->is_trial)
            print_rules(policy, rule_policies);
        backend_print_changes(changes, request->is_trial);
        grants_print(grants);
        return;
    }
    json_t *answer = backend_json_changes(changes);
    json_put(answer, "applied", json_boolean(!request->is_trial));
    json_put(answer, "rules", rule_list(policy, rule_policies));
    if (request->backend == BACKEND_NIC)
        json_put(answer, "offload", json_incref(grants));
    json_print(answer, stdout, true);
}

/* The steps of a trial are printed, and grants gathered. */
static void note_grant(const struct sp_offload_grant *grant, void *context)
{
    json_push(context, grant_json(grant));
}

static void save_grants(const json_t *grants)
{
    const int error = grants_save(grants);
    if (error)
        tool_say("what was granted can't be noted for \"ipsecctl status\": %s", strerror(error));
}

/* Behind NIC and kernel there is one more who can do it. */
static int failed(const struct request *request, enum sp_status status, const struct sp_report *report)
{
    const int exit_code = backend_failed(status, report);
    if (status == SP_ERR_UNSUPPORTED && request->backend == BACKEND_NIC)
        tool_say(request->nic.mode == SP_OFFLOAD_AUTO
                     ? "sallyportd(8) does ESP in user space, without a NIC and without the kernel"
                     : "--offload auto takes what is granted, in software if need be");
    return exit_code;
}

static int load(const struct request *request, const struct sp_policy *policy, const struct sp_me *me)
{
    struct sp_report *report = NULL;
    struct sp_offload_changes changes;
    json_t *grants = tool_need(json_array());
    uint64_t *rule_policies =
        tool_need(calloc((size_t)sp_policy_rule_count(policy) + 1, sizeof *rule_policies));
    if (sp_report_create(&report) != SP_OK)
        tool_need(NULL);

    const struct sp_offload_load what = {
        .policy = policy,
        .me = *me,
        .keys_path = request->keys_path,
        .nic = request->backend == BACKEND_NIC ? &request->nic : NULL,
        .is_trial = request->is_trial,
        .on_step = request->is_trial && !request->as_json ? backend_print_step : NULL,
        .on_grant = note_grant,
        .context = grants,
        .rule_policies = rule_policies,
    };
    const enum sp_status status = sp_offload_kernel_load(&what, report, &changes);
    int exit_code = TOOL_OK;
    if (status == SP_OK && !request->is_trial)
        save_grants(grants);
    if (status == SP_OK)
        print_result(request, policy, rule_policies, &changes, grants);
    else
        exit_code = failed(request, status, report);
    json_decref(grants);
    sp_report_destroy(&report);
    free(rule_policies);
    return exit_code;
}

static int run(int argc, char **argv)
{
    struct request request = {0};
    struct sp_policy *policy = NULL;
    struct sp_me me;
    int exit_code = read_request(argc, argv, &request);
    if (exit_code != TOOL_OK)
        return exit_code;
    if (request.backend == BACKEND_USER)
        return tool_usage("load",
                          "the user backend is sallyportd(8): start it with --policy and --keys, or let "
                          "it read its files again with \"ipsecctl reload\"");
    exit_code = load_policy_aloud(request.policy_path, &policy);
    if (exit_code != TOOL_OK)
        return exit_code;
    if (!request.me.me.unknown) {
        exit_code = load(&request, policy, &request.me.me);
    } else if (own_addresses(NULL, &me)) {
        exit_code = load(&request, policy, &me);
        own_addresses_free(&me);
    } else {
        tool_say("can't list this host's addresses: name them with --me");
        exit_code = TOOL_NOT_APPLIED;
    }
    sp_policy_destroy(&policy);
    return exit_code;
}

const struct verb verb_load = {
    .name = "load",
    .summary = "give a policy and its SAs to the kernel or a NIC",
    .help =
        "Usage: ipsecctl load --backend kernel|nic [--device NAME|auto] [--offload auto|packet|crypto]\n"
        "                     [--keys FILE] [--me ADDRESS]... [-n] [--json] FILE\n"
        "\n"
        "Brings the kernel's IPsec (XFRM) to this policy and these SAs: adds, changes and deletes only\n"
        "what differs and only what is ours, in an order in which nothing passes in clear that shouldn't.\n"
        "Interrupted, it may be run again.\n"
        "\n"
        "  --backend B        who does the ESP: kernel, or nic, of which --keys are given to a NIC\n"
        "  --device NAME      which NIC; auto, the default: for each SA the one that has its local address\n"
        "  --offload MODE     packet: the NIC does all; crypto: it encrypts and checks integrity; auto, the\n"
        "                     default: the most that is granted, in software if need be, never in clear\n"
        "  --keys FILE        the SAs, sallyport.keys(5); without it there are none\n"
        "  --me ADDRESS       an address of this host, may be repeated; without it all that it has now\n"
        "  -n, --dry-run      print each step and change nothing but a short-lived trial SA, by which it is\n"
        "                     found out whether the kernel has the algorithms\n"
        "  --json             what was changed as JSON\n"
        "\n"
        "Exit status: 0 done, 1 wrong usage or a text with errors, 2 the kernel can't, and why.\n"
        "\n"
        "Examples:\n"
        "  ipsecctl load --backend kernel --keys pair.keys front-end.policy\n"
        "  ipsecctl load --backend nic --device eth0 --keys gcm.keys front-end.policy\n",
    .run = run,
};
