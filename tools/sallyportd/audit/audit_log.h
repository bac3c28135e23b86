/* SPDX-License-Identifier: ISC
 *
 * The audit log as its own files see it: lines are counted and limited here, event by event.
 */
#ifndef SALLYPORTD_AUDIT_LOG_H
#define SALLYPORTD_AUDIT_LOG_H

#include "audit/sink.h"
#include "daemon.h"

/* id, priority (syslog.h), the reason of the engine whose packets it tells of (NONE: it is of no packet) */
#define AUDIT_EVENTS(X)                                                                                      \
    X(STARTED, "started", LOG_NOTICE, NONE)                                                                  \
    X(STOPPED, "stopped", LOG_NOTICE, NONE)                                                                  \
    X(POLICY_LOADED, "policy-loaded", LOG_NOTICE, NONE)                                                      \
    X(POLICY_REFUSED, "policy-refused", LOG_WARNING, NONE)                                                   \
    X(SA_ADDED, "sa-added", LOG_NOTICE, NONE)                                                                \
    X(SA_DELETED, "sa-deleted", LOG_NOTICE, NONE)                                                            \
    X(SA_SOFT_EXPIRED, "sa-soft-expired", LOG_NOTICE, NONE)                                                  \
    X(SA_HARD_EXPIRED, "sa-hard-expired", LOG_WARNING, NONE)                                                 \
    X(STATE_USED, "state-used", LOG_NOTICE, NONE)                                                            \
    X(GUARD_DAMAGED, "guard-damaged", LOG_WARNING, NONE)                                                     \
    X(GUARD_REPAIRED, "guard-repaired", LOG_NOTICE, NONE)                                                    \
    X(GUARD_REFUSED, "clear-text-refused", LOG_WARNING, NONE)                                                \
    X(CLEAR_TEXT, "clear-text", LOG_WARNING, CLEAR_TEXT)                                                     \
    X(NO_SA, "no-sa", LOG_WARNING, NO_SA)                                                                    \
    X(SA_MISMATCH, "sa-mismatch", LOG_WARNING, SA_MISMATCH)                                                  \
    X(INVALID_SPI, "invalid-spi", LOG_WARNING, UNKNOWN_SPI)                                                  \
    X(REPLAY, "replay", LOG_WARNING, REPLAY)                                                                 \
    X(FAILED_ICV, "failed-icv", LOG_WARNING, BAD_ICV)                                                        \
    X(BAD_PADDING, "bad-padding", LOG_WARNING, BAD_PADDING)                                                  \
    X(SEQUENCE_OVERFLOW, "sequence-overflow", LOG_WARNING, SEQ_EXHAUSTED)                                    \
    X(FRAGMENT, "fragment", LOG_WARNING, FRAGMENT)

enum audit_event {
#define X(name, id, priority, reason) AUDIT_##name,
    AUDIT_EVENTS(X)
#undef X
        AUDIT_EVENT_COUNT
};

struct audit_budget {
    uint64_t occurred; /* ever; of packets as of a second ago */
    uint64_t told, suppressed;
    uint32_t told_now; /* in this second */
};

struct audit_log {
    struct audit_sink sink;
    struct audit_budget budgets[AUDIT_EVENT_COUNT];
    bool is_open;
    uint64_t *refused;         /* packets that the guard refused in clear, by rule, */
    uint32_t refused_count;    /* of so many rules, */
    uint64_t refused_installs; /* since this one */
    uint32_t seconds;
};

/* Begins a line of an event of now. False: there have been so many in this second that it is only counted. */
bool audit_begin(struct audit_log *log, enum audit_event event, struct audit_line *line);
/* The same, of a time of CLOCK_BOOTTIME. */
bool audit_begin_at(struct audit_log *log, enum audit_event event, uint64_t boot_time_ns,
                    struct audit_line *line);
void audit_end(struct audit_log *log, enum audit_event event, const struct audit_line *line);

#endif
