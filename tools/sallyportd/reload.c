/* SPDX-License-Identifier: ISC
 *
 * The order of things is what keeps a change from being seen half. Everything that may be wrong with the
 * files is found first. Then the new SAs are added, beside the old ones. Then the guard changes, in one
 * transaction, and the engine's policy, with one pointer: between the two, what they disagree about is
 * dropped, and what they agree about goes on. The SAs that the file no longer has go last, when no policy
 * needs them.
 *
 * On trial, they stay until somebody confirms; so the former policy can come back with the keys it had.
 */
#include "reload.h"

#include "audit/audit.h"
#include "check_report.h"
#include "datapath/encap.h"
#include "events/events.h"
#include "log.h"
#include "notify.h"
#include "datapath/path_mtu.h"
#include "policy_source.h"
#include "state.h"
#include "host/upkeep.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Looking through more rules takes seconds, in which nobody would notice a changed address. */
#define LOOK_THROUGH_RULES_MAX 20000u

/* What a reload has in hand until it is in force. */
struct attempt {
    struct policy_source source;
    struct sp_policy *policy;
    struct sp_sad_reload *keys;
    struct sp_me me;
};

static void attempt_free(struct attempt *attempt)
{
    sp_policy_destroy(&attempt->policy);
    policy_source_free(&attempt->source);
    sp_sad_reload_end(&attempt->keys, false);
    host_addresses_free(&attempt->me);
}

/* A pipe is empty the second time, and that doesn't mean "no keys". */
static bool can_be_read_again(const char *path)
{
    return strcmp(path, "-") != 0 && strncmp(path, "/dev/fd/", 8) != 0;
}

void reload_foresee(const struct daemon *daemon)
{
    const char *const paths[] = {daemon->options.policy_path, daemon->options.keys_path};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (can_be_read_again(paths[i]) && access(paths[i], R_OK) != 0)
            log_errno("%s can't be read again, and reloads will fail; it should be in a folder of root's",
                      paths[i]);
}

static bool read_keys(struct daemon *daemon, struct attempt *attempt)
{
    struct sp_report *report = NULL;
    if (!can_be_read_again(daemon->options.keys_path)) {
        log_line("the keys came by a descriptor and are not read again");
        return true;
    }
    if (sp_report_create(&report) != SP_OK) {
        log_line("no memory");
        return false;
    }
    const enum sp_status status =
        sp_sad_reload_begin(daemon->sad, daemon->options.keys_path, report, &attempt->keys);
    log_report(daemon->options.keys_path, status, report);
    sp_report_destroy(&report);
    return status == SP_OK && encap_fits(daemon) && state_save(daemon); /* new SAs carry nothing before */
}

/* What is odd about the policy, as ipsecctl check has it. False: is_strict, and there is something. */
static bool look_through(const struct attempt *attempt, bool is_strict)
{
    struct sp_check *check = NULL;
    const enum sp_status status = sp_policy_rule_count(attempt->policy) > LOOK_THROUGH_RULES_MAX
                                      ? SP_ERR_LIMIT
                                      : sp_policy_check(attempt->policy, &attempt->me, &check);
    if (status != SP_OK) {
        log_line("not looked through for odd rules (%s): \"ipsecctl check\" does it", sp_status_text(status));
        return !is_strict;
    }
    const size_t warnings = check_warnings(check);
    log_check(check);
    sp_check_destroy(&check);
    if (warnings && is_strict)
        log_line("%zu warning%s, and strictness was asked for", warnings, warnings == 1 ? "" : "s");
    return warnings == 0 || !is_strict;
}

/* The guard first: where the two disagree meanwhile, packets are dropped. */
static bool put_in_force(struct daemon *daemon, struct sp_policy **policy, const struct sp_me *me)
{
    audit_clear_text(daemon);
    if (!guard_install(daemon->guard, *policy))
        return false;
    const enum sp_status status = sp_engine_publish(daemon->engine, policy, me);
    if (status == SP_OK)
        return true;
    log_line("the policy can't be put in force: %s", sp_status_text(status));
    if (!guard_install(daemon->guard, sp_engine_policy(daemon->engine)))
        log_line("the guard is of the new policy, the engine of the former: more is dropped than should be");
    return false;
}

static void begin_trial(struct daemon *daemon, struct attempt *attempt, uint32_t seconds)
{
    struct trial *trial = &daemon->trial;
    *trial = (struct trial){.is_on = true, .former = daemon->source, .keys = attempt->keys};
    clock_gettime(CLOCK_BOOTTIME, &trial->end);
    trial->end.tv_sec += seconds;
    daemon->source = (struct policy_source){0};
    attempt->keys = NULL;
    log_line("on trial for %u s: without \"ipsecctl confirm\" the former policy and keys come back", seconds);
}

/* What was made ready is the daemon's now. */
static void take_over(struct daemon *daemon, struct attempt *attempt, uint32_t confirm_seconds)
{
    if (confirm_seconds)
        begin_trial(daemon, attempt, confirm_seconds);
    sp_sad_reload_end_gently(&attempt->keys, daemon->options.grace_seconds);
    host_addresses_free(&daemon->me);
    policy_source_free(&daemon->source);
    daemon->me = attempt->me;
    daemon->source = attempt->source;
    upkeep_second_guard(daemon);
    path_follow(daemon);
}

static enum reload_end try_reload(struct daemon *daemon, const struct reload_wish *wish,
                                  struct sp_sad_reload_counts *ret_sas)
{
    struct attempt attempt = {0};
    enum reload_end end = RELOAD_NOT_APPLIED;
    if (daemon->trial.is_on) {
        log_line("the last reload is still on trial: confirm it, or wait for its end");
        return end;
    }
    if (!policy_source_read(daemon->options.policy_path, &attempt.policy, &attempt.source) ||
        !read_keys(daemon, &attempt))
        end = RELOAD_BAD_TEXT;
    else if (!host_addresses(daemon->options.device, &attempt.me))
        end = RELOAD_NOT_APPLIED;
    else if (!look_through(&attempt, wish->is_strict))
        end = RELOAD_BAD_TEXT;
    else if (put_in_force(daemon, &attempt.policy, &attempt.me))
        end = RELOAD_DONE;
    if (end != RELOAD_DONE) {
        attempt_free(&attempt);
        log_line("nothing was changed: the former policy stays in force");
        return end;
    }
    *ret_sas = attempt.keys ? sp_sad_reload_counts(attempt.keys)
                            : (struct sp_sad_reload_counts){.kept = sp_sad_count(daemon->sad)};
    take_over(daemon, &attempt, wish->confirm_seconds);
    log_line("policy %s read again: generation %llu; SAs: %u go on, %u are new, %u no longer there",
             daemon->options.policy_path, (unsigned long long)sp_engine_generation(daemon->engine),
             ret_sas->kept, ret_sas->added, ret_sas->removed);
    return end;
}

static void tell_of_change(struct daemon *daemon, const char *cause)
{
    events_policy(daemon, cause);
    events_sas(daemon);
}

enum reload_end reload(struct daemon *daemon, const struct reload_wish *wish,
                       struct sp_sad_reload_counts *ret_sas)
{
    notify_reloading();
    const enum reload_end end = try_reload(daemon, wish, ret_sas);
    if (end == RELOAD_DONE)
        tell_of_change(daemon, "reload");
    else
        audit_refusal(daemon);
    audit_reopen(daemon);
    notify_ready(daemon, end != RELOAD_DONE);
    return end;
}

bool reload_confirm(struct daemon *daemon)
{
    if (!daemon->trial.is_on)
        return false;
    sp_sad_reload_end_gently(&daemon->trial.keys, daemon->options.grace_seconds);
    policy_source_free(&daemon->trial.former);
    daemon->trial = (struct trial){0};
    log_line("the policy and keys on trial are confirmed");
    events_sas(daemon);
    return true;
}

/* Where it fails, it is tried again each second: nobody else would. */
static void bring_former_back(struct daemon *daemon)
{
    struct trial *trial = &daemon->trial;
    struct sp_policy *policy = NULL;
    if (!policy_source_parse(&trial->former, &policy) || !put_in_force(daemon, &policy, &daemon->me)) {
        log_line("nobody confirmed, and the former policy can't be brought back yet");
        sp_policy_destroy(&policy);
        return;
    }
    sp_sad_reload_end(&trial->keys, false);
    policy_source_free(&daemon->source);
    daemon->source = trial->former;
    *trial = (struct trial){0};
    upkeep_second_guard(daemon);
    path_follow(daemon);
    log_line("nobody confirmed: the former policy and keys are back, generation %llu",
             (unsigned long long)sp_engine_generation(daemon->engine));
    tell_of_change(daemon, "rollback");
    notify_ready(daemon, false);
}

void reload_tick(struct daemon *daemon)
{
    const struct timespec *end = &daemon->trial.end;
    struct timespec now;
    if (!daemon->trial.is_on) {
        if (sp_sad_sweep(daemon->sad) > 0)
            events_sas(daemon);
        return;
    }
    clock_gettime(CLOCK_BOOTTIME, &now);
    if (now.tv_sec > end->tv_sec || (now.tv_sec == end->tv_sec && now.tv_nsec >= end->tv_nsec))
        bring_former_back(daemon);
}

void reload_forget(struct daemon *daemon)
{
    sp_sad_reload_end(&daemon->trial.keys, true);
    policy_source_free(&daemon->trial.former);
    daemon->trial = (struct trial){0};
}

/* ---- answers ------------------------------------------------------------------------------------------- */

static json_t *refusal(const char *error, bool is_text_wrong, const char *log)
{
    return json_pack("{s:b, s:s, s:b, s:s}", "ok", false, "error", error, "is_text_wrong", is_text_wrong,
                     "log", log);
}

static json_t *answer_of(const struct daemon *daemon, enum reload_end end, uint32_t confirm_seconds,
                         const struct sp_sad_reload_counts *sas, const char *log)
{
    if (end != RELOAD_DONE)
        return refusal("not reloaded: the former policy stays in force", end == RELOAD_BAD_TEXT, log);
    return json_pack("{s:b, s:I, s:I, s:{s:I, s:I, s:I}, s:o, s:s}", "ok", true, "generation",
                     (json_int_t)sp_engine_generation(daemon->engine), "rules",
                     (json_int_t)sp_policy_rule_count(sp_engine_policy(daemon->engine)), "sas", "kept",
                     (json_int_t)sas->kept, "added", (json_int_t)sas->added, "removed",
                     (json_int_t)sas->removed, "confirm_seconds",
                     confirm_seconds ? json_integer(confirm_seconds) : json_null(), "log", log);
}

json_t *reload_answer(struct daemon *daemon, const json_t *question)
{
    const json_t *confirm = json_object_get(question, "confirm_seconds");
    const json_int_t seconds = json_integer_value(confirm);
    struct sp_sad_reload_counts sas = {0};
    char *log = NULL;
    size_t log_bytes;
    if (confirm && (!json_is_integer(confirm) || seconds < 1 || seconds > RELOAD_TRIAL_SECONDS_MAX))
        return refusal("confirm_seconds is a number from 1 to 86400", false, "");
    FILE *out = open_memstream(&log, &log_bytes);
    if (!out)
        return NULL;
    log_also_to(out);
    const struct reload_wish wish = {.confirm_seconds = (uint32_t)seconds,
                                     .is_strict = json_is_true(json_object_get(question, "strict"))};
    const enum reload_end end = reload(daemon, &wish, &sas);
    log_also_to(NULL);
    json_t *answer = fclose(out) == 0 ? answer_of(daemon, end, wish.confirm_seconds, &sas, log) : NULL;
    free(log);
    return answer;
}

json_t *reload_answer_confirm(struct daemon *daemon)
{
    if (!reload_confirm(daemon))
        return refusal("nothing waits to be confirmed", false, "");
    return json_pack("{s:b, s:I}", "ok", true, "generation",
                     (json_int_t)sp_engine_generation(daemon->engine));
}
