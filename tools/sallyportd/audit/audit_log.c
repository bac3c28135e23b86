/* SPDX-License-Identifier: ISC
 *
 * So many lines of each event a second, and then a line that says how many there would have been: whoever
 * makes events can fill neither a disk, nor hide others among them, and no number is lost.
 *
 * Packets are counted by the engine; those that it kept for a line come by a ring. A packet that is counted
 * already may still be on its way through the ring, so what was counted a second ago is held against the
 * lines: by then all of them have come.
 */
#include "audit/audit_log.h"

#include "audit/audit.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#define LINES_A_SECOND 20u
#define NS_A_SECOND 1000000000u
/* Asking the guard for its counters is a listing of the kernel's. */
#define SECONDS_BETWEEN_LISTINGS 5u
#define FEW_RULES 1000u
#define SECONDS_BETWEEN_LONG_LISTINGS 60u

static const struct {
    const char *id;
    int priority;
    enum sp_drop reason;
} kinds[] = {
#define X(name, id, priority, reason) {id, priority, SP_DROP_##reason},
    AUDIT_EVENTS(X)
#undef X
};

static uint64_t now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * NS_A_SECOND + (uint64_t)now.tv_nsec;
}

/* ---- lines --------------------------------------------------------------------------------------------- */

bool audit_begin_at(struct audit_log *log, enum audit_event event, uint64_t boot_time_ns,
                    struct audit_line *line)
{
    struct audit_budget *budget = &log->budgets[event];
    const bool is_of_packets = kinds[event].reason != SP_DROP_NONE;
    if (log->sink.kind == AUDIT_SINK_NONE)
        return false;
    budget->occurred += !is_of_packets; /* those are counted by the engine */
    if (budget->told_now == LINES_A_SECOND)
        return false;
    budget->told++;
    budget->told_now++;
    audit_line_begin(line, now_ns(CLOCK_REALTIME) - now_ns(CLOCK_BOOTTIME) + boot_time_ns, kinds[event].id);
    return true;
}

bool audit_begin(struct audit_log *log, enum audit_event event, struct audit_line *line)
{
    return audit_begin_at(log, event, now_ns(CLOCK_BOOTTIME), line);
}

void audit_end(struct audit_log *log, enum audit_event event, const struct audit_line *line)
{
    audit_sink_write(&log->sink, line, kinds[event].priority);
}

/* What was left out so far, if that isn't told yet. */
static void tell_suppressed(struct audit_log *log, enum audit_event event)
{
    struct audit_budget *budget = &log->budgets[event];
    struct audit_line line;
    budget->told_now = 0;
    if (budget->occurred <= budget->told + budget->suppressed)
        return;
    const uint64_t suppressed = budget->occurred - budget->told - budget->suppressed;
    budget->suppressed += suppressed;
    audit_line_begin(&line, now_ns(CLOCK_REALTIME), kinds[event].id);
    audit_line_number(&line, "suppressed", suppressed);
    audit_line_number(&line, "total", budget->occurred);
    audit_end(log, event, &line);
}

/* ---- packets ------------------------------------------------------------------------------------------- */

static enum audit_event event_of(enum sp_drop reason)
{
    int event = 0;
    while (event < AUDIT_EVENT_COUNT && (reason == SP_DROP_NONE || kinds[event].reason != reason))
        event++;
    return (enum audit_event)event;
}

void audit_packet(struct daemon *daemon, const struct sp_dropped *dropped)
{
    const enum audit_event event = event_of(dropped->reason);
    struct audit_line line;
    char rule[512] = "";
    if (event == AUDIT_EVENT_COUNT || !audit_begin_at(daemon->audit, event, dropped->at_ns, &line))
        return;
    audit_line_text(&line, "direction", dropped->direction == SP_INBOUND ? "inbound" : "outbound");
    if (dropped->has_spi)
        audit_line_hex(&line, "spi", dropped->spi, 8);
    audit_line_address(&line, "source", &dropped->source);
    audit_line_address(&line, "destination", &dropped->destination);
    if (dropped->has_sequence)
        audit_line_number(&line, "sequence", dropped->sequence);
    if (dropped->source.family == 6)
        audit_line_hex(&line, "flow", dropped->flow_label, 5);
    if (dropped->source.family)
        audit_line_number(&line, "protocol", dropped->protocol);
    if (dropped->has_ports) {
        audit_line_number(&line, "source_port", dropped->source_port);
        audit_line_number(&line, "destination_port", dropped->destination_port);
    }
    if (dropped->rule != SP_NO_RULE && dropped->generation == sp_engine_generation(daemon->engine))
        audit_line_text(
            &line, "rule",
            sp_policy_rule_text(sp_engine_policy(daemon->engine), dropped->rule, rule, sizeof rule));
    audit_end(daemon->audit, event, &line);
}

static void count_packets(struct daemon *daemon)
{
    struct sp_stats stats;
    sp_engine_stats(daemon->engine, &stats);
    for (int event = 0; event < AUDIT_EVENT_COUNT; event++) {
        const enum sp_drop reason = kinds[event].reason;
        if (reason != SP_DROP_NONE)
            daemon->audit->budgets[event].occurred = stats.direction[SP_OUTBOUND].dropped_packets[reason] +
                                                     stats.direction[SP_INBOUND].dropped_packets[reason];
    }
}

/* ---- the log ------------------------------------------------------------------------------------------- */

bool audit_open(struct daemon *daemon)
{
    struct audit_log *log = calloc(1, sizeof *log);
    struct audit_line line;
    daemon->audit = log;
    if (!log || !audit_sink_choose(daemon->options.audit, &log->sink)) {
        log_line("there is no memory for the audit log");
        return false;
    }
    if (!audit_sink_open(&log->sink))
        return false;
    log->is_open = true;
    if (audit_begin(log, AUDIT_STARTED, &line)) {
        audit_line_text(&line, "version", sp_version());
        audit_end(log, AUDIT_STARTED, &line);
    }
    return true;
}

void audit_close(struct daemon *daemon)
{
    struct audit_log *log = daemon->audit;
    struct audit_line line;
    if (!log)
        return;
    if (log->is_open && daemon->engine) {
        count_packets(daemon);
        for (int event = 0; event < AUDIT_EVENT_COUNT; event++)
            tell_suppressed(log, (enum audit_event)event);
    }
    if (log->is_open && audit_begin(log, AUDIT_STOPPED, &line))
        audit_end(log, AUDIT_STOPPED, &line);
    audit_sink_close(&log->sink);
    free(log->refused);
    free(log);
    daemon->audit = NULL;
}

void audit_reopen(struct daemon *daemon)
{
    (void)audit_sink_open(&daemon->audit->sink);
}

void audit_tick(struct daemon *daemon)
{
    struct audit_log *log = daemon->audit;
    if (log->sink.kind == AUDIT_SINK_NONE)
        return;
    for (int event = 0; event < AUDIT_EVENT_COUNT; event++)
        tell_suppressed(log, (enum audit_event)event);
    count_packets(daemon);
    const bool is_short = sp_policy_rule_count(sp_engine_policy(daemon->engine)) <= FEW_RULES;
    if (++log->seconds % (is_short ? SECONDS_BETWEEN_LISTINGS : SECONDS_BETWEEN_LONG_LISTINGS) == 0)
        audit_clear_text(daemon);
}
