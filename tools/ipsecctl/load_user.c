/* SPDX-License-Identifier: ISC
 *
 * ipsecctl load into a running sallyportd.
 *
 * The daemon gets open files and no names that it would open: the policy as its canonical text in memory, its
 * includes read with the caller's rights, and the SA file as it is, so that no key passes through this
 * process, an argument or a log.
 */
#include "control.h"
#include "daemon.h"
#include "grants.h"
#include "guard_lock.h"
#include "load_request.h"
#include "order.h"
#include "terminal.h"
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- what is handed over ------------------------------------------------------------------------------- */

static json_t *policy_text(const struct sp_policy *policy)
{
    char *text = NULL;
    size_t len_bytes = 0;
    FILE *out = tool_need(open_memstream(&text, &len_bytes));
    sp_policy_print(policy, out);
    if (fclose(out) != 0)
        tool_need(NULL);
    json_t *string = json_stringn(text, len_bytes);
    free(text);
    return string;
}

static json_t *policy_places(const struct sp_policy *policy)
{
    json_t *places = tool_need(json_array());
    for (uint32_t i = 0; i < sp_policy_rule_count(policy); i++) {
        struct sp_rule_info rule;
        json_t *place = tool_need(json_array());
        if (sp_policy_rule(policy, i, &rule) == SP_OK) {
            json_push(place, json_text(rule.file));
            json_push(place, json_number(rule.line));
        }
        json_push(places, place);
    }
    return places;
}

/* -1 after saying why. */
static int open_policy(const struct sp_policy *policy)
{
    json_t *text = policy_text(policy);
    if (!text) {
        tool_say("the policy isn't UTF-8, as what sallyportd is asked has to be");
        return -1;
    }
    json_t *document = tool_need(json_object());
    json_put(document, "policy", text);
    json_put(document, "places", policy_places(policy));
    const int fd = memfd_create("policy", MFD_CLOEXEC);
    const bool is_written = fd >= 0 && json_dumpfd(document, fd, JSON_COMPACT) == 0;
    json_decref(document);
    if (is_written)
        return fd;
    tool_say("the policy can't be handed over: %s", strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

/* As sallyport.keys(5) says of names; owner and mode are judged by the daemon, of the open file. */
static int open_keys(const char *path)
{
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd >= 0)
        return fd;
    if (errno == ELOOP)
        tool_say("%s: is a symbolic link, which others could turn: name the file itself", path);
    else
        tool_say("%s: %s", path, strerror(errno));
    return -1;
}

/* What the daemon calls it from then on: a relative name would mean nothing in its status. */
static json_t *display_name(const char *path)
{
    char *whole = strcmp(path, "-") == 0 ? NULL : realpath(path, NULL);
    json_t *name = json_text(strcmp(path, "-") == 0 ? "stdin" : whole ? whole : path);
    free(whole);
    return name;
}

static char *request_text(const struct load_request *request, bool must_be_here)
{
    json_t *question = tool_need(json_object());
    json_put(question, "ask", json_text("load"));
    json_put(question, "policy", display_name(request->policy_path));
    json_put(question, "keys", display_name(request->keys_path));
    if (request->is_strict)
        json_put(question, "strict", json_true());
    if (request->is_trial)
        json_put(question, "dry_run", json_true());
    if (request->confirm_seconds)
        json_put(question, "confirm_seconds", json_number(request->confirm_seconds));
    if (must_be_here && own_namespace() != 0)
        json_put(question, "namespace", json_number(own_namespace()));
    char *text = tool_need(json_dumps(question, JSON_COMPACT));
    json_decref(question);
    return text;
}

/* ---- what came of it ----------------------------------------------------------------------------------- */

static void print_starts_with(const json_t *answer)
{
    const json_t *files = json_object_get(answer, "starts_with");
    printf("until sallyportd ends, or \"ipsecctl flush --backend user\": it starts with ");
    terminal_write(stdout, daemon_text(files, "policy"));
    printf(" and ");
    terminal_write(stdout, daemon_text(files, "keys"));
    putchar('\n');
}

static void print_answer(const json_t *answer, const json_t *grants, bool is_trial)
{
    const json_t *sas = json_object_get(answer, "sas"), *kernel = json_object_get(answer, "kernel");
    if (is_trial)
        printf("would be: ");
    else
        printf("done: generation %" PRIu64 ", ", daemon_number(answer, "generation"));
    printf("%" PRIu64 " rules in force; SAs: %" PRIu64 " added, %" PRIu64 " deleted, %" PRIu64 " kept\n",
           daemon_number(answer, "rules"), daemon_number(sas, "added"), daemon_number(sas, "removed"),
           daemon_number(sas, "kept"));
    if (daemon_number(kernel, "policies") + daemon_number(kernel, "sas") > 0)
        printf("taken from the kernel: %" PRIu64 " policies, %" PRIu64 " SAs\n",
               daemon_number(kernel, "policies"), daemon_number(kernel, "sas"));
    order_print_trial(answer);
    if (!is_trial)
        print_starts_with(answer);
    grants_print(grants);
}

static json_t *rule_list(const struct sp_policy *policy)
{
    json_t *list = tool_need(json_array());
    for (uint32_t i = 0; i < sp_policy_rule_count(policy); i++)
        json_push(list, json_rule(policy, i));
    return list;
}

/* The members of the kernel's answer, as far as there is such a thing. */
static json_t *json_answer(const struct sp_policy *policy, json_t *answer, json_t *grants, bool is_trial)
{
    static const char *const same[] = {"generation", "confirm_seconds", "kernel", "starts_with"};
    const json_t *sas = json_object_get(answer, "sas");
    json_t *counts = tool_need(json_object()), *object = tool_need(json_object());
    json_put(counts, "added", json_number(daemon_number(sas, "added")));
    json_put(counts, "changed", json_number(0));
    json_put(counts, "deleted", json_number(daemon_number(sas, "removed")));
    json_put(counts, "kept", json_number(daemon_number(sas, "kept")));
    json_put(counts, "foreign", json_number(0));
    json_put(object, "sas", counts);
    json_put(object, "backend", json_text("user"));
    json_put(object, "applied", json_boolean(!is_trial));
    json_put(object, "rules", rule_list(policy));
    json_put(object, "offload", json_incref(grants));
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        json_t *member = json_object_get(answer, same[i]);
        json_put(object, same[i], member ? json_incref(member) : json_null());
    }
    return object;
}

static void tell(const struct load_request *request, const struct sp_policy *policy, json_t *answer,
                 const struct load_refusals *refusals)
{
    json_t *grants = grants_of_daemon(json_object_get(answer, "granted"), refusals ? refusals->grants : NULL,
                                      refusals ? refusals->why : "");
    if (!request->is_trial)
        (void)grants_save(refusals ? grants : NULL);
    if (request->as_json)
        json_print(json_answer(policy, answer, grants, request->is_trial), stdout, true);
    else
        print_answer(answer, grants, request->is_trial);
    json_decref(grants);
}

static int hand_over(const struct load_request *request, const struct sp_policy *policy,
                     const struct load_refusals *refusals, const int *descriptors)
{
    char reason[ORDER_REASON_BYTES] = "";
    int exit_code = TOOL_NOT_APPLIED;
    char *text = request_text(request, refusals != NULL);
    if (strlen(text) + 1 >= CONTROL_REQUEST_MAX_BYTES) {
        tool_say("the names of policy and keys are too long: go to their folder");
        free(text);
        return exit_code;
    }
    const struct order order = {.path = request->control_path,
                                .request = text,
                                .descriptors = descriptors,
                                .descriptor_count = 2,
                                .as_json = request->as_json};
    json_t *answer = order_give(&order, &exit_code, reason);
    free(text);
    if (answer) {
        tell(request, policy, answer, refusals);
    } else {
        if (refusals)
            tool_say("%s", refusals->why);
        tool_say(refusals ? "nor in user space: %s" : "%s", reason);
    }
    json_decref(answer);
    return exit_code;
}

int load_into_daemon(const struct load_request *request, const struct sp_policy *policy,
                     const struct load_refusals *refusals)
{
    int exit_code = TOOL_NOT_APPLIED;
    const int keys = open_keys(request->keys_path);
    const int document = keys < 0 ? -1 : open_policy(policy);
    if (document >= 0)
        exit_code = hand_over(request, policy, refusals, (const int[]){document, keys});
    if (document >= 0)
        close(document);
    if (keys >= 0)
        close(keys);
    return exit_code;
}
