/* SPDX-License-Identifier: ISC
 *
 * Asks the daemon for its policy's canonical text and reads that: the same parser on both sides makes sure
 * that nothing is lost on the way.
 */
#include "loaded.h"

#include "control.h"
#include "load.h"
#include "tool.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static int parse(const char *text, struct sp_policy **ret_policy)
{
    struct sp_report *report = NULL;
    if (sp_report_create(&report) != SP_OK)
        tool_need(NULL);
    const enum sp_status status = sp_policy_parse(text, strlen(text), "loaded", ret_policy, report);
    print_findings("loaded", status, report);
    sp_report_destroy(&report);
    return status == SP_OK ? TOOL_OK : TOOL_NOT_APPLIED;
}

int load_loaded_policy(const char *path, struct sp_policy **ret_policy)
{
    char *reply, reason[256];
    const int error = control_ask(path, CONTROL_POLICY_REQUEST, &reply);
    if (error) {
        tool_say("%s", control_error_text(error, path, reason));
        return TOOL_NOT_APPLIED;
    }
    json_t *answer = json_loads(reply, 0, NULL);
    free(reply);
    const char *text = json_string_value(json_object_get(answer, "policy"));
    int exit_code = TOOL_NOT_APPLIED;
    if (text)
        exit_code = parse(text, ret_policy);
    else
        tool_say("%s: the daemon does not tell its policy", path);
    json_decref(answer);
    return exit_code;
}
