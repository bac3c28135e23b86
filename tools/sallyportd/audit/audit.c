/* SPDX-License-Identifier: ISC
 *
 * The audit log's events that are of no single packet.
 */
#include "audit/audit.h"

#include "audit/audit_log.h"
#include "policy_source.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

/* ---- policies ------------------------------------------------------------------------------------------ */

/* Of the canonical text: what "ipsecctl show FILE | sha256sum" prints of the same policy. */
static void add_hash(struct audit_line *line, const char *text)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char digits[2 * sizeof hash + 1];
    if (!text || crypto_hash_sha256(hash, (const unsigned char *)text, strlen(text)) != 0)
        return;
    audit_line_text(line, "sha256", sodium_bin2hex(digits, sizeof digits, hash, sizeof hash));
}

void audit_policy(struct daemon *daemon, const char *cause)
{
    const struct sp_policy *policy = sp_engine_policy(daemon->engine);
    struct audit_line line;
    if (!audit_begin(daemon->audit, AUDIT_POLICY_LOADED, &line))
        return;
    audit_line_text(&line, "cause", cause);
    audit_line_number(&line, "generation", sp_engine_generation(daemon->engine));
    add_hash(&line, daemon->source.text);
    audit_line_number(&line, "rules", sp_policy_rule_count(policy));
    audit_line_text(&line, "default", sp_action_name(sp_policy_default(policy)));
    audit_line_number(&line, "addresses", daemon->me.count);
    audit_line_text(&line, "file", policy_source_policy_name(daemon));
    audit_end(daemon->audit, AUDIT_POLICY_LOADED, &line);
}

void audit_refusal(struct daemon *daemon)
{
    struct audit_line line;
    if (!audit_begin(daemon->audit, AUDIT_POLICY_REFUSED, &line))
        return;
    audit_line_number(&line, "generation", sp_engine_generation(daemon->engine));
    audit_line_text(&line, "file", policy_source_policy_name(daemon));
    audit_end(daemon->audit, AUDIT_POLICY_REFUSED, &line);
}

void audit_state(struct daemon *daemon, uint32_t known, bool is_exact)
{
    struct audit_line line;
    if (!audit_begin(daemon->audit, AUDIT_STATE_USED, &line))
        return;
    audit_line_number(&line, "sas", known);
    audit_line_text(&line, "exact", is_exact ? "yes" : "no");
    audit_line_text(&line, "folder", daemon->options.state_folder);
    audit_end(daemon->audit, AUDIT_STATE_USED, &line);
}

/* ---- SAs ----------------------------------------------------------------------------------------------- */

static void tell_sa(struct daemon *daemon, enum audit_event event, const struct known_sa *sa,
                    const struct sp_sa_info *info)
{
    struct audit_line line;
    char suite[SP_SUITE_TEXT_BYTES];
    if (!audit_begin(daemon->audit, event, &line))
        return;
    audit_line_hex(&line, "spi", sa->spi, 8);
    audit_line_address(&line, "source", &sa->source);
    audit_line_address(&line, "destination", &sa->destination);
    audit_line_text(&line, "fingerprint", sa->fingerprint);
    if (info) {
        audit_line_text(&line, "suite", sp_suite_format(info->encryption, info->integrity, suite));
        audit_line_text(&line, "mode", sp_mode_name(info->mode));
        audit_line_text(&line, "name", info->name);
    }
    audit_end(daemon->audit, event, &line);
}

void audit_sa_added(struct daemon *daemon, const struct known_sa *sa, const struct sp_sa_info *info)
{
    tell_sa(daemon, AUDIT_SA_ADDED, sa, info);
}

void audit_sa_deleted(struct daemon *daemon, const struct known_sa *sa)
{
    tell_sa(daemon, AUDIT_SA_DELETED, sa, NULL);
}

void audit_expiry(struct daemon *daemon, const struct sp_event *expired)
{
    const enum audit_event event =
        expired->kind == SP_EVENT_HARD_EXPIRED ? AUDIT_SA_HARD_EXPIRED : AUDIT_SA_SOFT_EXPIRED;
    struct audit_line line;
    struct sp_sa_info info;
    if (!audit_begin(daemon->audit, event, &line))
        return;
    audit_line_hex(&line, "spi", expired->spi, 8);
    audit_line_address(&line, "source", &expired->source);
    audit_line_address(&line, "destination", &expired->destination);
    audit_line_text(&line, "limit", sp_limit_name(expired->limit));
    if (sp_sad_get(daemon->sad, expired->sa, &info) == SP_OK && info.spi == expired->spi) {
        audit_line_number(&line, "bytes", info.bytes);
        audit_line_number(&line, "packets", info.packets);
        audit_line_number(&line, "age_seconds", info.age_seconds);
        audit_line_text(&line, "name", info.name);
    }
    audit_end(daemon->audit, event, &line);
}

/* ---- the guard ----------------------------------------------------------------------------------------- */

void audit_damage(struct daemon *daemon, const char *part, bool is_repaired)
{
    const enum audit_event events[] = {AUDIT_GUARD_DAMAGED, AUDIT_GUARD_REPAIRED};
    for (int i = 0; i <= is_repaired; i++) {
        struct audit_line line;
        if (!audit_begin(daemon->audit, events[i], &line))
            continue;
        audit_line_text(&line, "part", part);
        audit_end(daemon->audit, events[i], &line);
    }
}

static void tell_refused(struct daemon *daemon, uint32_t index, uint64_t packets)
{
    const struct sp_policy *policy = sp_engine_policy(daemon->engine);
    struct audit_line line;
    char rule[512];
    if (packets == 0 || !audit_begin(daemon->audit, AUDIT_GUARD_REFUSED, &line))
        return;
    audit_line_number(&line, "packets", packets);
    audit_line_text(&line, "rule", sp_policy_rule_text(policy, index, rule, sizeof rule));
    audit_end(daemon->audit, AUDIT_GUARD_REFUSED, &line);
}

/* The counters begin at zero each time that the guard is put up. */
static bool remember_refused(struct audit_log *log, uint64_t installs, uint32_t rules)
{
    if (log->refused && log->refused_installs == installs)
        return true;
    free(log->refused);
    log->refused = calloc(rules + 1, sizeof *log->refused);
    log->refused_count = rules;
    log->refused_installs = installs;
    return log->refused != NULL;
}

void audit_clear_text(struct daemon *daemon)
{
    struct audit_log *log = daemon->audit;
    const struct sp_policy *policy = sp_engine_policy(daemon->engine);
    size_t i;
    json_t *entry;
    if (!log || log->sink.kind == AUDIT_SINK_NONE || !policy ||
        !remember_refused(log, guard_installs(daemon->guard), sp_policy_rule_count(policy)))
        return;
    json_t *counters = guard_counters(daemon->guard, policy);
    json_array_foreach(counters, i, entry)
    {
        const json_t *number = json_object_get(entry, "rule");
        const uint32_t index = (uint32_t)json_integer_value(number);
        struct sp_rule_info rule;
        const uint64_t packets = (uint64_t)json_integer_value(json_object_get(entry, "packets"));
        if (strcmp(json_string_value(json_object_get(entry, "chain")), "guard_in") != 0 ||
            !json_is_integer(number) || index >= log->refused_count ||
            sp_policy_rule(policy, index, &rule) != SP_OK || rule.action != SP_ACTION_PROTECT)
            continue;
        tell_refused(daemon, index, packets - log->refused[index]);
        log->refused[index] = packets;
    }
    json_decref(counters);
}
