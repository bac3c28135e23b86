/* SPDX-License-Identifier: ISC
 *
 * ipsecctl export: a policy in the words of others, and the one place where keys leave Sallyport, only when
 * asked by name. It reads the SA file, never a running daemon, so it gives nothing to anyone who couldn't
 * read the keys anyway.
 */
#include "arguments.h"
#include "load.h"
#include "secret_output.h"
#include "verb.h"

#include <sallyport/convert.h>

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static int export_keys(const char *keys)
{
    struct sp_report *report = NULL;
    if (sp_report_create(&report) != SP_OK)
        tool_need(NULL);
    tool_say(
        "this prints the keys of %s in clear: whoever has the output can read and forge all traffic of its "
        "SAs, also what was recorded earlier",
        keys);
    const enum sp_status status = sp_keys_export_wireshark(keys, stdout, report);
    print_findings(keys, status, report);
    sp_report_destroy(&report);
    return tool_exit_of(status);
}

/* What the other exports have. */
struct request {
    struct me_option me;
    const char *path, *name, *keys, *output;
    bool is_known; /* that keys are revealed */
};

/* For Windows or for strongSwan: text without secrets. */
static int export_text(const struct request *request, bool is_netsh)
{
    struct sp_policy *policy = NULL;
    struct sp_report *report = NULL;
    char *text = NULL;
    const int exit_code = load_policy_aloud(request->path, &policy);
    if (exit_code != TOOL_OK)
        return exit_code;
    if (sp_report_create(&report) != SP_OK)
        tool_need(NULL);
    const enum sp_status status = is_netsh ? sp_export_netsh(policy, request->name, &text, report)
                                           : sp_export_swanctl(policy, &request->me.me, &text, report);
    print_findings(request->path, status, report);
    if (status == SP_OK)
        fputs(text, stdout);
    free(text);
    sp_report_destroy(&report);
    sp_policy_destroy(&policy);
    return status == SP_OK ? TOOL_OK : TOOL_USAGE;
}

static int export_netsh(const struct request *request)
{
    return export_text(request, true);
}

static int export_swanctl(const struct request *request)
{
    return export_text(request, false);
}

static int deliver_xfrm(const struct request *request, const struct sp_xfrm_result *result)
{
    const struct iovec parts[] = {{result->text, strlen(result->text)},
                                  {result->states, result->states_bytes}};
    if (!request->output) {
        fputs(result->text, stdout);
        return TOOL_OK;
    }
    const int exit_code = secret_file_make(request->output, parts, 2);
    if (exit_code == TOOL_OK)
        tool_say("%s: %u policies and %u states written", request->output, result->policy_count,
                 result->state_count);
    return exit_code;
}

static int export_xfrm(const struct request *request)
{
    struct sp_policy *policy = NULL;
    struct sp_report *report = NULL;
    struct sp_xfrm_result result = {0};
    const struct rlimit no_core = {0};
    setrlimit(RLIMIT_CORE, &no_core);
    int exit_code = load_policy_aloud(request->path, &policy);
    if (exit_code != TOOL_OK)
        return exit_code;
    if (sp_report_create(&report) != SP_OK)
        tool_need(NULL);
    const enum sp_status status = sp_export_xfrm(policy, &request->me.me, request->keys, &result, report);
    print_findings(request->path, status, report);
    exit_code = status == SP_OK                ? deliver_xfrm(request, &result)
                : status == SP_ERR_UNSUPPORTED ? TOOL_USAGE
                                               : tool_exit_of(status);
    sp_xfrm_result_free(&result);
    sp_report_destroy(&report);
    sp_policy_destroy(&policy);
    return exit_code;
}

static int export_wireshark(const struct request *request)
{
    if (!request->keys)
        return tool_usage("export", "needs --keys FILE");
    if (!request->is_known)
        return tool_usage("export", "this reveals keys: say so with --i-know-this-reveals-keys");
    return export_keys(request->keys);
}

static const struct kind {
    const char *word;
    int (*export)(const struct request *request);
    int files; /* operands behind the word */
} kinds[] = {{"wireshark", export_wireshark, 0},
             {"netsh", export_netsh, 1},
             {"xfrm", export_xfrm, 1},
             {"swanctl", export_swanctl, 1}};

static int export(int argc, char **argv, struct request *request)
{
    const struct kind *kind = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && argc > 0; i++)
        if (strcmp(argv[0], kinds[i].word) == 0)
            kind = &kinds[i];
    if (!kind || (kind->files == 0 && argc != 1))
        return tool_usage("export", "say what to export to: netsh, xfrm, swanctl or wireshark");
    if (argc - 1 != kind->files)
        return tool_usage("export", "name one policy, or \"-\"");
    const bool is_xfrm = kind->export == export_xfrm;
    if (is_xfrm && (request->keys != NULL) != (request->output != NULL))
        return tool_usage("export", "--keys and --output go together: keys are written to a file only");
    if ((!is_xfrm && request->output) || (!is_xfrm && kind->files > 0 && request->keys))
        return tool_usage("export", "--keys and --output are not for this");
    request->path = kind->files > 0 ? argv[1] : NULL;
    return kind->export(request);
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"keys", required_argument, NULL, 'k'},
                                            {"output", required_argument, NULL, 'o'},
                                            {"name", required_argument, NULL, 'n'},
                                            {"me", required_argument, NULL, 'm'},
                                            {"i-know-this-reveals-keys", no_argument, NULL, 'y'},
                                            {0}};
    struct request request = {0};
    me_start(&request.me);
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'k')
            request.keys = optarg;
        else if (option == 'o')
            request.output = optarg;
        else if (option == 'n')
            request.name = optarg;
        else if (option == 'y')
            request.is_known = true;
        else if (option != 'm' || !me_add(&request.me, optarg))
            return tool_usage("export", "unknown option, or one without a value that fits");
    }
    return export(argc - optind, argv + optind, &request);
}

const struct verb verb_export = {
    .name = "export",
    .summary = "a policy for Windows, the kernel or strongSwan; keys for an analyser",
    .help =
        "Usage: ipsecctl export netsh [--name NAME] FILE\n"
        "       ipsecctl export xfrm [--me ADDRESS]... [--keys KEYS --output SCRIPT] FILE\n"
        "       ipsecctl export swanctl [--me ADDRESS]... FILE\n"
        "       ipsecctl export wireshark --keys KEYS --i-know-this-reveals-keys\n"
        "\n"
        "netsh: the policy as a script of \"netsh ipsec static\" commands, proven to mean the same.\n"
        "xfrm: the policy as lines for \"ip -batch\"; with --keys also the SAs, in a new file of mode 0600.\n"
        "swanctl: the policy as connections of strongSwan's swanctl.conf.\n"
        "What can't be said there is an error with the rule's line.\n"
        "\n"
        "wireshark: the SAs of KEYS, sallyport.keys(5), as lines of the \"esp_sa\" table, with which\n"
        "Wireshark and tshark decrypt a capture. THE KEYS ARE PRINTED IN CLEAR: whoever has them can\n"
        "read and forge all traffic of these SAs. Use test keys, and make new ones afterwards.\n"
        "\n"
        "Exit status: 0 printed, 1 wrong usage or what can't be said, 2 can't be read or written.\n"
        "\n"
        "Example:\n"
        "  ipsecctl export xfrm --me 192.0.2.1 front-end.policy > front-end.batch\n"
        "  (umask 077; ipsecctl export wireshark --keys pair.keys --i-know-this-reveals-keys \\\n"
        "      > ~/.config/wireshark/esp_sa)\n",
    .run = run,
};
