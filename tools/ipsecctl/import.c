/* SPDX-License-Identifier: ISC
 *
 * ipsecctl import: a policy out of what was written for another system. The policy goes to standard output,
 * what couldn't be carried over to standard error.
 */
#include "json.h"
#include "load.h"
#include "verb.h"

#include <sallyport/convert.h>

#include <getopt.h>
#include <string.h>

static void print_json(const char *path, enum sp_status status, const struct sp_import_result *result,
                       const struct sp_report *report)
{
    json_t *object = tool_need(json_object());
    json_put(object, "file", json_text(path));
    json_put(object, "ok", json_boolean(status == SP_OK));
    json_put(object, "status", json_text(sp_status_text(status)));
    if (status == SP_OK) {
        json_put(object, "policy", json_text(result->text));
        json_put(object, "netsh_commands", json_number(result->netsh_commands));
        json_put(object, "skipped_commands", json_number(result->skipped_commands));
    }
    json_put(object, "findings", json_findings(report));
    json_print(object, stdout, true);
}

static int import_netsh(const char *path, const struct sp_import_options *options, bool as_json)
{
    struct sp_report *report = NULL;
    struct sp_import_result result = {0};
    if (sp_report_create(&report) != SP_OK)
        tool_need(NULL);
    const enum sp_status status = sp_import_netsh(path, options, &result, report);
    if (as_json)
        print_json(path, status, &result, report);
    else
        print_findings(path, status, report);
    if (status == SP_OK && !as_json) {
        fputs(result.text, stdout);
        tool_say("%s: %u netsh ipsec command%s read, %u command%s of other programs skipped", path,
                 result.netsh_commands, result.netsh_commands == 1 ? "" : "s", result.skipped_commands,
                 result.skipped_commands == 1 ? "" : "s");
    }
    sp_import_result_free(&result);
    sp_report_destroy(&report);
    return tool_exit_of(status);
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"policy", required_argument, NULL, 'p'},
                                            {"encoding", required_argument, NULL, 'e'},
                                            {"json", no_argument, NULL, 'j'},
                                            {0}};
    struct sp_import_options wanted = {0};
    bool as_json = false;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'p')
            wanted.policy = optarg;
        else if (option == 'e')
            wanted.encoding = optarg;
        else if (option == 'j')
            as_json = true;
        else
            return tool_usage("import", "unknown option, or one without its value");
    }
    if (argc - optind < 1 || strcmp(argv[optind], "netsh") != 0)
        return tool_usage("import", "say what to import: netsh");
    if (argc - optind != 2)
        return tool_usage("import", "name one file, or \"-\"");
    return import_netsh(argv[optind + 1], &wanted, as_json);
}

const struct verb verb_import = {
    .name = "import",
    .summary = "a policy out of a netsh script",
    .help = "Usage: ipsecctl import netsh [--policy NAME] [--encoding E] [--json] FILE\n"
            "\n"
            "Reads a batch script of \"netsh ipsec static\" commands and prints the policy that it makes,\n"
            "the most specific rule first, which is how Windows decides. What can't be carried over is\n"
            "told with its line; it is an error when less would be protected.\n"
            "\n"
            "  --policy NAME  which policy of the script; otherwise the assigned one, or the only one\n"
            "  --encoding E   of the script: Shift-JIS, EUC-KR, GBK, ...; otherwise it is detected\n"
            "  --json         the policy and the findings as JSON\n"
            "\n"
            "Exit status: 0 printed, 1 has errors, 2 can't be read.\n"
            "\n"
            "Example:\n"
            "  ipsecctl import netsh front-end.txt > front-end.policy\n",
    .run = run,
};
