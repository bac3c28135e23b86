/* SPDX-License-Identifier: ISC
 *
 * The order of things is what keeps a change from being seen half. Everything that may be wrong with the
 * files is found first. Then the new SAs are added, beside the old ones. Then the guard changes, in one
 * transaction, and the engine's policy, with one pointer: between the two, what they disagree about is
 * dropped, and what they agree about goes on. The SAs that the file no longer has go last, when no policy
 * needs them.
 *
 * On trial, they stay until somebody confirms; so the former policy can come back with the keys it had.
 *
 * What a client hands over ("ipsecctl load") goes the same way. It can't be read a second time, as it has no
 * name that this process would open; so from then on there is no reload until the daemon's own files are
 * asked for again ("ipsecctl flush"): a signal that only rotates a log must not change a policy.
 */
#include "reload.h"

#include "audit/audit.h"
#include "check_report.h"
#include "control/members.h"
#include "datapath/encap.h"
#include "datapath/path_mtu.h"
#include "events/events.h"
#include "host/kernel_side.h"
#include "host/upkeep.h"
#include "log.h"
#include "notify.h"
#include "policy_source.h"
#include "state.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Looking through more rules takes seconds, in which nobody would notice a changed address. */
#define LOOK_THROUGH_RULES_MAX 20000u

/* What a reload has in hand until it is in force. */
struct attempt {
    struct policy_source source;
    struct kernel_side kernel;
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

static bool read_keys(struct daemon *daemon, const struct handed *handed, struct attempt *attempt)
{
    struct sp_report *report = NULL;
    const char *name = handed ? handed->keys_name : daemon->options.keys_path;
    if (!handed && !can_be_read_again(name)) {
        log_line("the keys came by a descriptor and are not read again");
        return true;
    }
    if (sp_report_create(&report) != SP_OK) {
        log_line("no memory");
        return false;
    }
    const enum sp_status status =
        handed ? sp_sad_reload_begin_open(daemon->sad, handed->keys_fd, name, report, &attempt->keys)
               : sp_sad_reload_begin(daemon->sad, name, report, &attempt->keys);
    log_report(name, status, report);
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

/* May it be tried now? */
static bool may_begin(const struct daemon *daemon, const struct reload_wish *wish)
{
    const bool is_loaded = policy_source_is_loaded(&daemon->source);
    if (daemon->trial.is_on) {
        log_line("the last reload is still on trial: confirm it, or wait for its end");
        return false;
    }
    if (is_loaded && wish->kind == RELOAD_FILES) {
        log_line("what is in force was loaded by \"ipsecctl load\", and is not read again: load again, or "
                 "\"ipsecctl flush --backend user\" goes back to %s and %s",
                 daemon->options.policy_path, daemon->options.keys_path);
        return false;
    }
    if (wish->kind == RELOAD_FLUSH &&
        (!can_be_read_again(daemon->options.policy_path) || !can_be_read_again(daemon->options.keys_path))) {
        log_line(
            "the daemon's own policy or keys came by a descriptor and can't be read again: start it anew");
        return false;
    }
    return true;
}

/* What the kernel has of ours goes when this is in force, and wouldn't come back after a trial. */
static bool look_at_kernel(const struct reload_wish *wish, struct attempt *attempt)
{
    if (!wish->handed)
        return true;
    if (!kernel_side_look(attempt->keys, &attempt->kernel))
        return false;
    if (!wish->confirm_seconds || (attempt->kernel.policies == 0 && attempt->kernel.sas == 0))
        return true;
    log_line("the kernel has policies or SAs of \"ipsecctl load\", which would not come back after a trial: "
             "load without --confirm");
    return false;
}

/* All that may be wrong is found, and the new SAs are there. */
static enum reload_end make_ready(struct daemon *daemon, const struct reload_wish *wish,
                                  struct attempt *attempt)
{
    const bool is_read =
        wish->handed ? policy_source_take(wish->handed, &attempt->policy, &attempt->source)
                     : policy_source_read(daemon->options.policy_path, &attempt->policy, &attempt->source);
    if (!is_read || !read_keys(daemon, wish->handed, attempt))
        return RELOAD_BAD_TEXT;
    if (!host_addresses(daemon->options.device, &attempt->me))
        return RELOAD_NOT_APPLIED;
    if (!look_through(attempt, wish->is_strict))
        return RELOAD_BAD_TEXT;
    return look_at_kernel(wish, attempt) ? RELOAD_DONE : RELOAD_NOT_APPLIED;
}

static bool put_former_back(struct daemon *daemon, const struct policy_source *former)
{
    struct sp_policy *policy = NULL;
    if (policy_source_parse(former, &policy) && put_in_force(daemon, &policy, &daemon->me))
        return true;
    sp_policy_destroy(&policy);
    return false;
}

/* The kernel's side goes when the guard of the new policy is up, so nothing that it protected goes in clear.
 */
static bool take_its_place(struct daemon *daemon, struct attempt *attempt)
{
    if (!put_in_force(daemon, &attempt->policy, &attempt->me))
        return false;
    if (kernel_side_take(&attempt->kernel))
        return true;
    if (!put_former_back(daemon, &daemon->source))
        log_line("and the former policy can't be brought back: the guard is of the new one");
    return false;
}

static void note_sa(const struct sp_sa_info *sa, void *context)
{
    json_array_append_new(context, json_pack("{s:o, s:o, s:o}", "spi", member_number(sa->spi), "source",
                                             member_address(&sa->source), "destination",
                                             member_address(&sa->destination)));
}

static void fill_outcome(const struct daemon *daemon, const struct attempt *attempt,
                         struct reload_outcome *outcome)
{
    outcome->kernel = attempt->kernel;
    outcome->rules = sp_policy_rule_count(attempt->policy);
    outcome->sas = attempt->keys ? sp_sad_reload_counts(attempt->keys)
                                 : (struct sp_sad_reload_counts){.kept = sp_sad_count(daemon->sad)};
    if (outcome->granted && attempt->keys)
        sp_sad_reload_visit(attempt->keys, note_sa, outcome->granted);
}

static enum reload_end try_reload(struct daemon *daemon, const struct reload_wish *wish,
                                  struct reload_outcome *outcome)
{
    struct attempt attempt = {0};
    const bool is_trial = wish->handed && wish->handed->is_trial;
    enum reload_end end = may_begin(daemon, wish) ? make_ready(daemon, wish, &attempt) : RELOAD_NOT_APPLIED;
    if (end == RELOAD_DONE)
        fill_outcome(daemon, &attempt, outcome);
    if (end == RELOAD_DONE && !is_trial && !take_its_place(daemon, &attempt))
        end = RELOAD_NOT_APPLIED;
    if (end != RELOAD_DONE || is_trial) {
        attempt_free(&attempt);
        log_line(is_trial && end == RELOAD_DONE ? "a dry run: nothing was changed"
                                                : "nothing was changed: the former policy stays in force");
        return end;
    }
    take_over(daemon, &attempt, wish->confirm_seconds);
    log_line("policy %s %s: generation %llu; SAs: %u go on, %u are new, %u no longer there",
             policy_source_policy_name(daemon), wish->handed ? "loaded by a client" : "read again",
             (unsigned long long)sp_engine_generation(daemon->engine), outcome->sas.kept, outcome->sas.added,
             outcome->sas.removed);
    return end;
}

static void tell_of_change(struct daemon *daemon, const char *cause)
{
    events_policy(daemon, cause);
    events_sas(daemon);
}

enum reload_end reload(struct daemon *daemon, const struct reload_wish *wish, struct reload_outcome *outcome)
{
    static const char *const causes[] = {
        [RELOAD_FILES] = "reload", [RELOAD_LOAD] = "load", [RELOAD_FLUSH] = "flush"};
    notify_reloading();
    const enum reload_end end = try_reload(daemon, wish, outcome);
    if (end == RELOAD_DONE && !(wish->handed && wish->handed->is_trial))
        tell_of_change(daemon, causes[wish->kind]);
    else if (end != RELOAD_DONE)
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
    if (!put_former_back(daemon, &trial->former)) {
        log_line("nobody confirmed, and the former policy can't be brought back yet");
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
