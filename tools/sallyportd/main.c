/* SPDX-License-Identifier: ISC
 *
 * sallyportd: keeps a live Linux host to its policy with the `user` backend, on a kernel that need not know
 * ESP at all.
 *
 * The order of things is what keeps it closed. First everything that may be wrong with the policy and the
 * keys is found, while nothing is touched. Then the guard goes up, so that nothing that needs protection can
 * leave or enter in clear. Then the dead end for marked packets, and only then the device, the engine and the
 * road to it. Whatever fails after the guard is up leaves it up: no protected traffic rather than traffic in
 * clear.
 *
 * From here: loop.c is the control thread and daemon.h what it holds; policy_source.c and reload.c bring
 * policies and keys into force; datapath/ is the way of the packets, guard/ what stops those that go another
 * way, host/ the roads and addresses; control/, events/ and audit/ tell people and programs about it all.
 */
#include "audit/audit.h"
#include "audit/last_drops.h"
#include "control/server.h"
#include "control/status.h"
#include "daemon.h"
#include "datapath/encap.h"
#include "datapath/path_mtu.h"
#include "events/events.h"
#include "host/kernel_side.h"
#include "host/upkeep.h"
#include "log.h"
#include "loop.h"
#include "notify.h"
#include "policy_source.h"
#include "privilege/privilege.h"
#include "reload.h"
#include "segment.h"
#include "state.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_USAGE 1
#define EXIT_NOT_APPLIED 2

#define SAD_CAPACITY 65536u

static bool load_keys(struct daemon *daemon)
{
    struct sp_report *report = NULL;
    if (sp_sad_create(SAD_CAPACITY, &daemon->sad) != SP_OK || sp_report_create(&report) != SP_OK) {
        log_line("no memory for keys; is there a limit on locked memory (ulimit -l)?");
        return false;
    }
    if (!state_open(daemon)) {
        sp_report_destroy(&report);
        return false;
    }
    const enum sp_status status = sp_sad_load(daemon->sad, daemon->options.keys_path, report);
    log_report(daemon->options.keys_path, status, report);
    sp_report_destroy(&report);
    return status == SP_OK && state_save(daemon);
}

/* An unknown question is refused; NULL when memory is out. */
static json_t *answer_question(struct daemon *daemon, const json_t *question,
                               const struct control_question *asked)
{
    const char *ask = json_string_value(json_object_get(question, "ask"));
    if (ask && strcmp(ask, "status") == 0)
        return status_build(daemon);
    if (ask && strcmp(ask, "policy") == 0)
        return status_policy(daemon);
    if (ask && strcmp(ask, "reload") == 0)
        return reload_answer(daemon, question);
    if (ask && strcmp(ask, "load") == 0)
        return reload_answer_load(daemon, question, asked->descriptors, asked->descriptor_count);
    if (ask && strcmp(ask, "flush") == 0)
        return reload_answer_flush(daemon);
    if (ask && strcmp(ask, "confirm") == 0)
        return reload_answer_confirm(daemon);
    if (ask && strcmp(ask, "events") == 0)
        return events_answer(daemon);
    return json_pack("{s:b, s:s}", "ok", false, "error",
                     "the questions are {\"ask\": WHAT} with \"status\", \"policy\", \"reload\", \"load\", "
                     "\"flush\", \"confirm\", \"events\"");
}

static char *answer_request(void *context, const struct control_question *asked)
{
    json_t *question = json_loads(asked->text, 0, NULL);
    json_t *answer = answer_question(context, question, asked);
    char *text = json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
    json_decref(question);
    return text;
}

static bool prepare_guards(struct daemon *daemon)
{
    const struct guard_settings settings = {.device = daemon->options.device,
                                            .mark = daemon->options.mark,
                                            .encap_port = (uint16_t)daemon->options.encap_port,
                                            .encap_mark = options_encap_mark(&daemon->options)};
    daemon->second_guard.setting_fd = daemon->second_guard.watch_fd = -1;
    daemon->guard = guard_create(&settings);
    if (!daemon->guard) {
        log_line("can't talk to nftables: no memory");
        return false;
    }
    second_guard_open(&daemon->second_guard);
    daemon->routes = (struct routes){.mark = daemon->options.mark, .table = daemon->options.table};
    return true;
}

/* From here on the host is closed. */
static bool close_host(struct daemon *daemon, const struct sp_policy *policy)
{
    return prepare_guards(daemon) && guard_install(daemon->guard, policy) && routes_close(&daemon->routes);
}

/* And now opens it for ESP. Takes the policy over. */
static bool open_gate(struct daemon *daemon, struct sp_policy **policy)
{
    daemon->limits = path_limits_now(daemon, *policy);
    const enum sp_status status = sp_engine_publish(daemon->engine, policy, &daemon->me);
    if (status != SP_OK) {
        log_line("the policy can't be put in force: %s", sp_status_text(status));
        return false;
    }
    return upkeep_open_gate(daemon);
}

static void open_host(struct daemon *daemon)
{
    second_guard_remove(&daemon->second_guard);
    routes_remove(&daemon->routes); /* and with that the kernel forgets what it held back so far */
    guard_remove(daemon->guard);
}

static int serve(struct daemon *daemon, struct sp_policy **policy)
{
    int code = EXIT_NOT_APPLIED;
    daemon->server = control_server_create(daemon->options.control_path, answer_request, daemon);
    if (!daemon->server)
        return code;
    if (!close_host(daemon, *policy) || !open_gate(daemon, policy)) {
        log_line("not started; if the guard is up it stays up: \"sallyportd --undo\" takes it away");
        goto out;
    }
    log_line("the gate is up: policy %s, %u SAs, device %s", daemon->options.policy_path,
             sp_sad_count(daemon->sad), daemon->options.device);
    events_policy(daemon, "start");
    kernel_side_foresee();
    segment_open(daemon);
    notify_ready(daemon, false);
    if (loop_run(daemon) == LOOP_ASKED)
        code = 0;
    notify_stopping();
    last_drops_take(daemon);
    audit_clear_text(daemon);
    if (code == 0 && !daemon->options.leave_guard)
        open_host(daemon);
    else
        log_line("the guard stays up: what the policy protects or blocks goes nowhere");
out:
    control_server_destroy(&daemon->server);
    sp_segment_destroy(&daemon->segment);
    gate_stop(&daemon->gate);
    tun_close(&daemon->tun);
    second_guard_close(&daemon->second_guard);
    guard_destroy(&daemon->guard);
    return code;
}

/* What an earlier daemon left, and nobody else's. */
static int undo(struct daemon *daemon)
{
    if (!privilege_suffices() || !host_lock_take(&daemon->lock))
        return EXIT_NOT_APPLIED;
    const bool is_prepared = prepare_guards(daemon);
    if (is_prepared)
        open_host(daemon);
    second_guard_close(&daemon->second_guard);
    guard_destroy(&daemon->guard);
    host_lock_release(&daemon->lock);
    return is_prepared ? 0 : EXIT_NOT_APPLIED;
}

static bool open_audit(struct daemon *daemon)
{
    if (!events_open(daemon) || !audit_open(daemon))
        return false;
    if (daemon->state && sp_state_known(daemon->state) > 0)
        audit_state(daemon, sp_state_known(daemon->state), sp_state_is_exact(daemon->state));
    events_sas(daemon);
    return true;
}

static int run(struct daemon *daemon)
{
    struct sp_policy *policy = NULL;
    int code = EXIT_USAGE;
    if (!policy_source_read(daemon->options.policy_path, &policy, &daemon->source) || !load_keys(daemon))
        goto out;
    code = EXIT_NOT_APPLIED;
    if (!privilege_suffices())
        goto out;
    if (sp_engine_create(daemon->sad, &daemon->engine) != SP_OK) {
        log_line("no memory");
        goto out;
    }
    if (!last_drops_open(daemon))
        goto out;
    if (!host_addresses(daemon->options.device, &daemon->me) || !host_lock_take(&daemon->lock))
        goto out;
    if (!encap_choose_port(daemon)) {
        code = EXIT_USAGE;
        host_lock_release(&daemon->lock);
        goto out;
    }
    if (privilege_enter_loop(daemon->options.encap_port) && open_audit(daemon)) {
        reload_foresee(daemon);
        code = serve(daemon, &policy);
    }
    host_lock_release(&daemon->lock);
out:
    audit_close(daemon);
    events_close(daemon);
    sp_policy_destroy(&policy);
    reload_forget(daemon);
    last_drops_close(daemon);
    state_close(daemon);
    sp_engine_destroy(&daemon->engine);
    sp_sad_destroy(&daemon->sad);
    policy_source_free(&daemon->source);
    host_addresses_free(&daemon->me);
    encap_free(daemon);
    return code;
}

int main(int argc, char **argv)
{
    static struct daemon daemon;
    const int code = options_read(argc, argv, &daemon.options);
    if (code != OPTIONS_GO_ON)
        return code;
    loop_block_signals();
    if (!privilege_begin())
        return EXIT_NOT_APPLIED;
    clock_gettime(CLOCK_BOOTTIME, &daemon.started);
    return daemon.options.is_undo ? undo(&daemon) : run(&daemon);
}
