/* SPDX-License-Identifier: ISC
 *
 * Events of the daemon, control.h has their members. As JSON they are passed on as they came, so that none is
 * lost on a reader that knows more than this tool.
 */
#include "monitor_daemon.h"

#include "control.h"
#include "daemon.h"
#include "terminal.h"
#include "tool.h"

#include <stdio.h>
#include <string.h>

#define NAME_WIDTH 16 /* as for the kernel's events */

static int failed(int error, const char *path)
{
    char sentence[256];
    tool_say("%s", control_error_text(error, path, sentence));
    return TOOL_NOT_APPLIED;
}

/* The answer itself, before any event. */
static int check_answer(const char *line, const char *path)
{
    json_t *answer = json_loads(line, 0, NULL);
    int exit_code = TOOL_NOT_APPLIED;
    if (!json_is_object(answer))
        tool_say("%s: what answers there is not sallyportd", path);
    else if (!json_is_true(json_object_get(answer, "ok")))
        tool_say("sallyportd refuses: %s", daemon_text(answer, "error"));
    else
        exit_code = TOOL_OK;
    json_decref(answer);
    return exit_code;
}

static void print_text(const json_t *event)
{
    const char *name = daemon_text(event, "event");
    const size_t name_bytes = strlen(name);
    terminal_write(stdout, daemon_text(event, "time"));
    putchar(' ');
    terminal_write(stdout, name);
    printf("%*s", name_bytes < NAME_WIDTH ? (int)(NAME_WIDTH - name_bytes) + 1 : 1, "");
    terminal_write(stdout, daemon_text(event, "text"));
    putchar('\n');
}

/* False: nobody reads any more. */
static bool print(json_t *event, bool as_json)
{
    if (as_json) {
        json_dumpf(event, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        print_text(event);
    }
    return fflush(stdout) == 0;
}

/* An exit code, or -1 to go on. */
static int show(const char *line, bool as_json, uint64_t *left)
{
    json_t *event = json_loads(line, 0, NULL);
    if (!json_is_object(event)) {
        json_decref(event);
        tool_say("sallyportd told what is no event");
        return TOOL_NOT_APPLIED;
    }
    const bool is_read = print(event, as_json);
    json_decref(event);
    if (!is_read)
        return TOOL_NOT_APPLIED;
    return *left > 0 && --*left == 0 ? TOOL_OK : -1;
}

int monitor_daemon(const char *path, bool as_json, uint64_t count)
{
    struct control_lines *lines = NULL;
    const char *line;
    int error = control_lines_open(path, CONTROL_EVENTS_REQUEST, &lines);
    if (error)
        return failed(error, path);
    int exit_code = -1;
    error = control_lines_next(lines, &line);
    if (!error && check_answer(line, path) != TOOL_OK)
        exit_code = TOOL_NOT_APPLIED;
    else if (!error)
        tool_say("listening");
    while (exit_code < 0) {
        if (!error)
            error = control_lines_next(lines, &line);
        exit_code = error ? failed(error, path) : show(line, as_json, &count);
    }
    control_lines_close(&lines);
    return exit_code;
}
