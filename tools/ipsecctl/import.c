/* SPDX-License-Identifier: ISC
 *
 * ipsecctl import: a policy out of what was written for another system. The policy goes to standard output,
 * what couldn't be carried over to standard error, keys to a file of their own and nowhere else.
 */
#include "json.h"
#include "load.h"
#include "secret_output.h"
#include "verb.h"

#include <sallyport/convert.h>

#include <getopt.h>
#include <string.h>
#include <sys/resource.h>

struct request {
    const char *path;
    struct sp_import_options netsh;
    const char *keys; /* where they go; NULL: nowhere */
    bool as_json;
};

/* What both kinds have; the caller adds its own and prints it. */
static json_t *json_start(const char *path, enum sp_status status, const char *policy,
                          const struct sp_report *report)
{
    json_t *object = tool_need(json_object());
    json_put(object, "file", json_text(path));
    json_put(object, "ok", json_boolean(status == SP_OK));
    json_put(object, "status", json_text(sp_status_text(status)));
    if (status == SP_OK)
        json_put(object, "policy", json_text(policy));
    json_put(object, "findings", json_findings(report));
    return object;
}

static void tell_netsh(const struct request *request, enum sp_status status,
                       const struct sp_import_result *result, const struct sp_report *report)
{
    if (request->as_json) {
        json_t *object = json_start(request->path, status, result->text, report);
        if (status == SP_OK) {
            json_put(object, "netsh_commands", json_number(result->netsh_commands));
            json_put(object, "skipped_commands", json_number(result->skipped_commands));
        }
        json_print(object, stdout, true);
        return;
    }
    print_findings(request->path, status, report);
    if (status != SP_OK)
        return;
    fputs(result->text, stdout);
    tool_say("%s: %u netsh ipsec command%s read, %u command%s of other programs skipped", request->path,
             result->netsh_commands, result->netsh_commands == 1 ? "" : "s", result->skipped_commands,
             result->skipped_commands == 1 ? "" : "s");
}

static int import_netsh(const struct request *request, struct sp_report *report)
{
    struct sp_import_result result = {0};
    if (request->keys)
        return tool_usage("import", "--keys is for openbsd: netsh scripts have no SAs");
    const enum sp_status status = sp_import_netsh(request->path, &request->netsh, &result, report);
    tell_netsh(request, status, &result, report);
    sp_import_result_free(&result);
    return tool_exit_of(status);
}

static void tell_openbsd(const struct request *request, enum sp_status status,
                         const struct sp_openbsd_result *result, const struct sp_report *report)
{
    if (request->as_json) {
        json_t *object = json_start(request->path, status, result->text, report);
        if (status == SP_OK) {
            json_put(object, "flows", json_number(result->flow_count));
            json_put(object, "sas", json_number(result->sa_count));
            json_put(object, "keys", json_text(result->sa_count > 0 ? request->keys : NULL));
        }
        json_print(object, stdout, true);
        return;
    }
    print_findings(request->path, status, report);
    if (status != SP_OK)
        return;
    fputs(result->text, stdout);
    tool_say("%s: %u flow%s and %u SA%s read", request->path, result->flow_count,
             result->flow_count == 1 ? "" : "s", result->sa_count, result->sa_count == 1 ? "" : "s");
}

static int import_openbsd(const struct request *request, struct sp_report *report)
{
    struct sp_openbsd_result result = {0};
    const struct rlimit no_core = {0};
    setrlimit(RLIMIT_CORE, &no_core); /* the file may hold keys */
    if (request->netsh.policy || request->netsh.encoding)
        return tool_usage("import", "--policy and --encoding are for netsh");
    const enum sp_status status = sp_import_openbsd(request->path, &result, report);
    int exit_code = tool_exit_of(status);
    if (status == SP_OK && result.sa_count > 0 && request->keys)
        exit_code = secret_file_make(request->keys, &(struct iovec){result.keys, result.keys_bytes}, 1);
    if (exit_code == TOOL_OK || status != SP_OK)
        tell_openbsd(request, status, &result, report);
    if (status == SP_OK && result.sa_count > 0 && !request->keys)
        tool_say("%s: its SAs are left out: --keys FILE writes them", request->path);
    if (status == SP_OK && result.sa_count == 0 && request->keys)
        tool_say("%s: it has no SA, so %s is not written", request->path, request->keys);
    sp_openbsd_result_free(&result);
    return exit_code;
}

static const struct {
    const char *word;
    int (*import)(const struct request *request, struct sp_report *report);
} kinds[] = {{"netsh", import_netsh}, {"openbsd", import_openbsd}};

static int import(const char *kind, const struct request *request)
{
    struct sp_report *report = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kind, kinds[i].word) != 0)
            continue;
        if (sp_report_create(&report) != SP_OK)
            tool_need(NULL);
        const int exit_code = kinds[i].import(request, report);
        sp_report_destroy(&report);
        return exit_code;
    }
    return tool_usage("import", "say what to import: netsh or openbsd");
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"policy", required_argument, NULL, 'p'},
                                            {"encoding", required_argument, NULL, 'e'},
                                            {"keys", required_argument, NULL, 'k'},
                                            {"json", no_argument, NULL, 'j'},
                                            {0}};
    struct request request = {0};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'p')
            request.netsh.policy = optarg;
        else if (option == 'e')
            request.netsh.encoding = optarg;
        else if (option == 'k')
            request.keys = optarg;
        else if (option == 'j')
            request.as_json = true;
        else
            return tool_usage("import", "unknown option, or one without its value");
    }
    if (argc - optind < 1)
        return tool_usage("import", "say what to import: netsh or openbsd");
    if (argc - optind != 2)
        return tool_usage("import", "name one file, or \"-\"");
    request.path = argv[optind + 1];
    return import(argv[optind], &request);
}

const struct verb verb_import = {
    .name = "import",
    .summary = "a policy out of a netsh script or an ipsec.conf",
    .help =
        "Usage: ipsecctl import netsh [--policy NAME] [--encoding E] [--json] FILE\n"
        "       ipsecctl import openbsd [--keys FILE] [--json] FILE\n"
        "\n"
        "Reads a batch script of \"netsh ipsec static\" commands, or OpenBSD's ipsec.conf(5), and prints\n"
        "the policy that it makes. There as here the most specific rule decides. What can't be carried\n"
        "over is told with its line; it is an error when less would be protected.\n"
        "\n"
        "  --policy NAME  which policy of the script; otherwise the assigned one, or the only one\n"
        "  --encoding E   of the script: Shift-JIS, EUC-KR, GBK, ...; otherwise it is detected\n"
        "  --keys FILE    a new file for the SAs with their keys, mode 0600\n"
        "  --json         the policy and the findings as JSON\n"
        "\n"
        "Exit status: 0 printed, 1 has errors, 2 can't be read or written.\n"
        "\n"
        "Example:\n"
        "  ipsecctl import netsh front-end.txt > front-end.policy\n"
        "  ipsecctl import openbsd --keys gate.keys ipsec.conf > gate.policy\n",
    .run = run,
};
