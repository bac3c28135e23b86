/* SPDX-License-Identifier: ISC
 *
 * Asking the daemon to do something, and telling what it said.
 */
#include "order.h"

#include "arguments.h"
#include "control.h"
#include "daemon.h"
#include "terminal.h"
#include "tool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A policy of 100,000 rules takes nftables its time. */
#define PATIENCE_SECONDS 120
#define TRIAL_SECONDS_MAX 86400

bool order_read_trial(const char *word, uint64_t *ret_seconds)
{
    char digits[16];
    const size_t len_bytes = strlen(word);
    if (len_bytes == 0 || len_bytes >= sizeof digits)
        return false;
    memcpy(digits, word, len_bytes + 1);
    const char unit = digits[len_bytes - 1];
    if (unit == 's' || unit == 'm')
        digits[len_bytes - 1] = '\0';
    if (!argument_number(digits, TRIAL_SECONDS_MAX, ret_seconds))
        return false;
    *ret_seconds *= unit == 'm' ? 60 : 1;
    return *ret_seconds >= 1 && *ret_seconds <= TRIAL_SECONDS_MAX;
}

void order_print_trial(const json_t *answer)
{
    const unsigned long long trial_seconds = daemon_number(answer, "confirm_seconds");
    if (trial_seconds)
        printf("on trial: without \"ipsecctl confirm\" within %llu s the former policy and keys come back\n",
               trial_seconds);
}

/* Findings with their places are among it. */
static void print_log(const json_t *answer)
{
    const char *log = daemon_text(answer, "log");
    while (*log) {
        const size_t len_bytes = strcspn(log, "\n");
        char *line = tool_text("%.*s", (int)len_bytes, log);
        terminal_write(stderr, line);
        fputc('\n', stderr);
        free(line);
        log += len_bytes + (log[len_bytes] == '\n');
    }
}

static void tell_error(int error, const char *path, char *reason)
{
    if (error == ENOENT || error == ECONNREFUSED)
        snprintf(reason, ORDER_REASON_BYTES,
                 "no sallyportd answers at %s: start it, \"systemctl start sallyportd\" or \"sallyportd "
                 "--policy FILE --keys FILE\", or name its socket with --control",
                 path);
    else
        control_error_text(error, path, reason);
}

static json_t *ask(const struct order *order, char *reason)
{
    char *reply = NULL;
    const int error = control_ask_with(order->path, order->request, order->descriptors,
                                       order->descriptor_count, PATIENCE_SECONDS, &reply);
    if (error) {
        tell_error(error, order->path, reason);
        return NULL;
    }
    json_t *answer = json_loads(reply, 0, NULL);
    free(reply);
    if (json_is_object(answer))
        return answer;
    snprintf(reason, ORDER_REASON_BYTES, "%s: what answers there is not sallyportd", order->path);
    json_decref(answer);
    return NULL;
}

json_t *order_give(const struct order *order, int *ret_code, char *reason)
{
    json_t *answer = ask(order, reason);
    *ret_code = TOOL_NOT_APPLIED;
    if (!answer)
        return NULL;
    print_log(answer);
    if (json_is_true(json_object_get(answer, "ok"))) {
        *ret_code = TOOL_OK;
        return answer;
    }
    if (json_is_true(json_object_get(answer, "is_text_wrong")))
        *ret_code = TOOL_USAGE;
    snprintf(reason, ORDER_REASON_BYTES, "%s", daemon_text(answer, "error"));
    if (order->as_json)
        json_print(answer, stdout, true);
    else
        json_decref(answer);
    return NULL;
}

json_t *order_give_aloud(const struct order *order, int *ret_code)
{
    char reason[ORDER_REASON_BYTES] = "";
    json_t *answer = order_give(order, ret_code, reason);
    if (!answer)
        tool_say("%s", reason);
    return answer;
}
