/* SPDX-License-Identifier: ISC
 *
 * What clients of the control socket are told of a reload, a load, a flush and a confirmation.
 */
#include "log.h"
#include "policy_source.h"
#include "reload.h"

#include <stdlib.h>
#include <sys/stat.h>

static json_t *refusal(const char *error, bool is_text_wrong, const char *log)
{
    return json_pack("{s:b, s:s, s:b, s:s}", "ok", false, "error", error, "is_text_wrong", is_text_wrong,
                     "log", log);
}

static json_t *answer_of(const struct daemon *daemon, const struct reload_wish *wish, enum reload_end end,
                         const struct reload_outcome *outcome, const char *log)
{
    static const char *const refusals[] = {
        [RELOAD_FILES] = "not reloaded: the former policy stays in force",
        [RELOAD_LOAD] = "not loaded: the former policy stays in force",
        [RELOAD_FLUSH] = "not flushed: what was loaded stays in force",
    };
    if (end != RELOAD_DONE)
        return refusal(refusals[wish->kind], end == RELOAD_BAD_TEXT, log);
    return json_pack("{s:b, s:I, s:I, s:{s:I, s:I, s:I}, s:o, s:s}", "ok", true, "generation",
                     (json_int_t)sp_engine_generation(daemon->engine), "rules", (json_int_t)outcome->rules,
                     "sas", "kept", (json_int_t)outcome->sas.kept, "added", (json_int_t)outcome->sas.added,
                     "removed", (json_int_t)outcome->sas.removed, "confirm_seconds",
                     wish->confirm_seconds ? json_integer(wish->confirm_seconds) : json_null(), "log", log);
}

/* Does it, and tells besides what was logged meanwhile. */
static json_t *do_and_tell(struct daemon *daemon, const struct reload_wish *wish,
                           struct reload_outcome *outcome, enum reload_end *ret_end)
{
    char *log = NULL;
    size_t log_bytes;
    FILE *out = open_memstream(&log, &log_bytes);
    *ret_end = RELOAD_NOT_APPLIED;
    if (!out)
        return NULL;
    log_also_to(out);
    *ret_end = reload(daemon, wish, outcome);
    log_also_to(NULL);
    json_t *answer = fclose(out) == 0 ? answer_of(daemon, wish, *ret_end, outcome, log) : NULL;
    free(log);
    return answer;
}

/* The members that "reload" and "load" share. */
static bool read_wish(const json_t *question, struct reload_wish *wish)
{
    const json_t *confirm = json_object_get(question, "confirm_seconds");
    const json_int_t seconds = json_integer_value(confirm);
    if (confirm && (!json_is_integer(confirm) || seconds < 1 || seconds > RELOAD_TRIAL_SECONDS_MAX))
        return false;
    wish->confirm_seconds = (uint32_t)seconds;
    wish->is_strict = json_is_true(json_object_get(question, "strict"));
    return true;
}

#define WRONG_TIME "confirm_seconds is a number from 1 to 86400"

json_t *reload_answer(struct daemon *daemon, const json_t *question)
{
    struct reload_wish wish = {.kind = RELOAD_FILES};
    struct reload_outcome outcome = {.granted = NULL};
    enum reload_end end;
    return read_wish(question, &wish) ? do_and_tell(daemon, &wish, &outcome, &end)
                                      : refusal(WRONG_TIME, false, "");
}

/* Without /proc nobody can tell, and nobody asks. */
static bool is_of_namespace(uint64_t network_namespace)
{
    struct stat own;
    return network_namespace == 0 || stat("/proc/self/ns/net", &own) != 0 || own.st_ino == network_namespace;
}

static void add_load(json_t *answer, const struct daemon *daemon, const struct handed *handed,
                     const struct reload_outcome *outcome)
{
    json_object_set_new(answer, "applied", json_boolean(!handed->is_trial));
    json_object_set(answer, "granted", outcome->granted);
    json_object_set_new(answer, "kernel",
                        json_pack("{s:I, s:I}", "policies", (json_int_t)outcome->kernel.policies, "sas",
                                  (json_int_t)outcome->kernel.sas));
    json_object_set_new(
        answer, "starts_with",
        json_pack("{s:s, s:s}", "policy", daemon->options.policy_path, "keys", daemon->options.keys_path));
}

json_t *reload_answer_load(struct daemon *daemon, const json_t *question, const int *descriptors,
                           size_t descriptor_count)
{
    struct handed handed;
    struct reload_wish wish = {.kind = RELOAD_LOAD, .handed = &handed};
    enum reload_end end;
    const char *why;
    if (!read_wish(question, &wish))
        return refusal(WRONG_TIME, false, "");
    if (!handed_read(question, descriptors, descriptor_count, &handed, &why))
        return refusal(why, false, "");
    if (!is_of_namespace(handed.network_namespace))
        return refusal("this daemon guards another network namespace", false, "");
    struct reload_outcome outcome = {.granted = json_array()};
    json_t *answer = do_and_tell(daemon, &wish, &outcome, &end);
    if (answer && end == RELOAD_DONE)
        add_load(answer, daemon, &handed, &outcome);
    json_decref(outcome.granted);
    return answer;
}

json_t *reload_answer_flush(struct daemon *daemon)
{
    const struct reload_wish wish = {.kind = RELOAD_FLUSH};
    struct reload_outcome outcome = {.rules = sp_policy_rule_count(sp_engine_policy(daemon->engine)),
                                     .sas.kept = sp_sad_count(daemon->sad)};
    enum reload_end end = RELOAD_DONE;
    const bool was_loaded = policy_source_is_loaded(&daemon->source);
    json_t *answer =
        was_loaded ? do_and_tell(daemon, &wish, &outcome, &end) : answer_of(daemon, &wish, end, &outcome, "");
    if (answer && end == RELOAD_DONE)
        json_object_set_new(answer, "was_loaded", json_boolean(was_loaded));
    return answer;
}

json_t *reload_answer_confirm(struct daemon *daemon)
{
    if (!reload_confirm(daemon))
        return refusal("nothing waits to be confirmed", false, "");
    return json_pack("{s:b, s:I}", "ok", true, "generation",
                     (json_int_t)sp_engine_generation(daemon->engine));
}
