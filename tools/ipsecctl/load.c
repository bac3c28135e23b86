/* SPDX-License-Identifier: ISC
 *
 * Loading, and the command line that most verbs have.
 */
#include "load.h"

#include "tool.h"

#include <getopt.h>

void print_findings(const char *path, enum sp_status status, const struct sp_report *report)
{
    sp_report_print(report, stderr);
    if (status != SP_OK && sp_report_errors(report) == 0)
        tool_say("%s: %s", path, sp_status_text(status));
}

int load_policy(const char *path, struct sp_policy **ret_policy, struct sp_report *report)
{
    return tool_exit_of(sp_policy_load(path, ret_policy, report));
}

int load_policy_aloud(const char *path, struct sp_policy **ret_policy)
{
    struct sp_report *report = NULL;
    if (sp_report_create(&report) != SP_OK)
        tool_need(NULL);
    const enum sp_status status = sp_policy_load(path, ret_policy, report);
    print_findings(path, status, report);
    sp_report_destroy(&report);
    return tool_exit_of(status);
}

int read_file_and_json(int argc, char **argv, const char **ret_path, bool *ret_as_json)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
    *ret_as_json = false;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option != 'j')
            return tool_usage(argv[0], "unknown option");
        *ret_as_json = true;
    }
    if (argc - optind != 1)
        return tool_usage(argv[0], argc == optind ? "name a file, or \"-\"" : "takes one file");
    *ret_path = argv[optind];
    return TOOL_OK;
}
