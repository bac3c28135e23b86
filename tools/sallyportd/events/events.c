/* SPDX-License-Identifier: ISC
 *
 * Objects are only made when somebody subscribed. The engine has no way to wake the control thread, which
 * would cost the data path a system call, so it is asked: what it tells is a quarter of a second old at most,
 * or a second where only the logs want to know.
 */
#include "events/events.h"

#include "audit/audit.h"
#include "control/members.h"
#include "control/server.h"
#include "log.h"
#include "moment.h"
#include "policy_source.h"

#include <stdlib.h>
#include <string.h>

/* A missing SA makes an event for each flow: the log has no more than so many a second. */
#define ACQUIRE_LINES_A_SECOND 5
#define EVENTS_PER_CALL 256
#define RULE_BYTES 1024
#define TEXT_BYTES 256

bool events_open(struct daemon *daemon)
{
    daemon->events.known = calloc(sp_sad_capacity(daemon->sad), sizeof *daemon->events.known);
    if (!daemon->events.known)
        log_line("there is no memory to remember SAs");
    return daemon->events.known != NULL;
}

void events_close(struct daemon *daemon)
{
    free(daemon->events.known);
    daemon->events.known = NULL;
}

/* ---- subscribers --------------------------------------------------------------------------------------- */

static bool has_subscribers(const struct daemon *daemon)
{
    return daemon->server && control_server_has_subscribers(daemon->server);
}

static json_t *begin(const char *event, const char *text)
{
    char moment[MOMENT_BYTES];
    return json_pack("{s:s, s:s, s:s}", "time", moment_now(moment), "event", event, "text", text);
}

/* Without memory for it, an event is not told: there is no better way to say so than that. */
static void publish(struct daemon *daemon, json_t *object)
{
    char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;
    if (line)
        control_server_publish(daemon->server, line);
    free(line);
    json_decref(object);
}

json_t *events_answer(struct daemon *daemon)
{
    if (control_server_subscribe(daemon->server))
        return json_pack("{s:b, s:I}", "ok", true, "generation",
                         (json_int_t)sp_engine_generation(daemon->engine));
    return json_pack("{s:b, s:s}", "ok", false, "error",
                     "there are as many subscribers already as there may be, or no memory for one more");
}

/* ---- policies ------------------------------------------------------------------------------------------ */

void events_policy(struct daemon *daemon, const char *cause)
{
    const struct sp_policy *policy = sp_engine_policy(daemon->engine);
    const uint64_t generation = sp_engine_generation(daemon->engine);
    char text[TEXT_BYTES];
    audit_policy(daemon, cause);
    if (!has_subscribers(daemon))
        return;
    snprintf(text, sizeof text, "policy generation %llu is in force (%s)", (unsigned long long)generation,
             cause);
    json_t *object = begin("policy-loaded", text);
    json_object_set_new(object, "cause", json_string(cause));
    json_object_set_new(object, "generation", member_number(generation));
    json_object_set_new(object, "rules", member_number(sp_policy_rule_count(policy)));
    json_object_set_new(object, "default", json_string(sp_action_name(sp_policy_default(policy))));
    json_object_set_new(object, "file", member_text(policy_source_policy_name(daemon)));
    publish(daemon, object);
}

/* ---- SAs ----------------------------------------------------------------------------------------------- */

static json_t *begin_sa(const struct daemon *daemon, const char *event, uint32_t number,
                        const struct known_sa *sa, const char *what)
{
    char source[SP_ADDRESS_TEXT_BYTES], destination[SP_ADDRESS_TEXT_BYTES], text[TEXT_BYTES];
    snprintf(text, sizeof text, "SA %u (SPI 0x%08x, %s to %s) %s", number, sa->spi,
             sp_address_format(&sa->source, source), sp_address_format(&sa->destination, destination), what);
    json_t *object = begin(event, text);
    json_object_set_new(object, "sa", member_number(number));
    json_object_set_new(object, "spi", member_number(sa->spi));
    json_object_set_new(object, "source", member_address(&sa->source));
    json_object_set_new(object, "destination", member_address(&sa->destination));
    json_object_set_new(object, "direction",
                        json_string(member_direction(daemon, &sa->source, &sa->destination)));
    json_object_set_new(object, "fingerprint", member_text(sa->fingerprint));
    return object;
}

static void add_info(json_t *object, const struct sp_sa_info *info)
{
    json_object_set_new(object, "name", member_text(info->name));
    json_object_set_new(object, "mode", json_string(sp_mode_name(info->mode)));
    json_object_set_new(object, "encryption", json_string(sp_encryption_name(info->encryption)));
    json_object_set_new(object, "integrity", json_string(sp_integrity_name(info->integrity)));
    json_object_set_new(object, "lifetime", member_lifetime(&info->lifetime));
}

static struct known_sa known_of(const struct sp_sa_info *info)
{
    struct known_sa sa = {
        .is_there = true, .spi = info->spi, .source = info->source, .destination = info->destination};
    memcpy(sa.fingerprint, info->fingerprint, sizeof sa.fingerprint);
    return sa;
}

static bool is_same(const struct known_sa *one, const struct known_sa *other)
{
    return one->is_there == other->is_there && one->spi == other->spi &&
           strcmp(one->fingerprint, other->fingerprint) == 0 &&
           memcmp(&one->source, &other->source, sizeof one->source) == 0 &&
           memcmp(&one->destination, &other->destination, sizeof one->destination) == 0;
}

static void tell_deleted(struct daemon *daemon, uint32_t number, const struct known_sa *sa)
{
    audit_sa_deleted(daemon, sa);
    if (has_subscribers(daemon))
        publish(daemon, begin_sa(daemon, "sa-deleted", number, sa, "is gone"));
}

static void tell_added(struct daemon *daemon, uint32_t number, const struct known_sa *sa,
                       const struct sp_sa_info *info)
{
    audit_sa_added(daemon, sa, info);
    if (!has_subscribers(daemon))
        return;
    json_t *object = begin_sa(daemon, "sa-added", number, sa, "is there");
    add_info(object, info);
    publish(daemon, object);
}

/* What went first, as its number may have been given to what came. */
void events_sas(struct daemon *daemon)
{
    for (uint32_t number = 0; number < sp_sad_capacity(daemon->sad); number++) {
        struct known_sa *known = &daemon->events.known[number];
        struct sp_sa_info info = {0};
        const bool is_there = sp_sad_get(daemon->sad, number, &info) == SP_OK;
        const struct known_sa now = is_there ? known_of(&info) : (struct known_sa){0};
        if (is_same(known, &now))
            continue;
        if (known->is_there)
            tell_deleted(daemon, number, known);
        if (is_there)
            tell_added(daemon, number, &now, &info);
        *known = now;
    }
}

/* ---- the engine's events ------------------------------------------------------------------------------- */

static json_t *rule_member(const struct daemon *daemon, uint32_t index)
{
    const struct sp_policy *policy = sp_engine_policy(daemon->engine);
    struct sp_rule_info rule;
    char text[RULE_BYTES];
    if (index == SP_NO_RULE || sp_policy_rule(policy, index, &rule) != SP_OK)
        return json_null();
    return json_pack("{s:I, s:o, s:s}", "index", (json_int_t)index, "name", member_text(rule.name), "text",
                     sp_policy_rule_text(policy, index, text, sizeof text));
}

static void publish_acquire(struct daemon *daemon, const struct sp_event *event)
{
    char source[SP_ADDRESS_TEXT_BYTES], destination[SP_ADDRESS_TEXT_BYTES], text[TEXT_BYTES];
    if (!has_subscribers(daemon))
        return;
    snprintf(text, sizeof text, "no SA from %s to %s, which the policy protects",
             sp_address_format(&event->source, source), sp_address_format(&event->destination, destination));
    json_t *object = begin("acquire", text);
    json_object_set_new(object, "source", member_address(&event->source));
    json_object_set_new(object, "destination", member_address(&event->destination));
    json_object_set_new(object, "rule", rule_member(daemon, event->rule));
    publish(daemon, object);
}

static void publish_expiry(struct daemon *daemon, const struct sp_event *event, const struct sp_sa_info *info)
{
    const bool is_hard = event->kind == SP_EVENT_HARD_EXPIRED;
    const struct known_sa sa = known_of(info);
    char what[TEXT_BYTES / 2];
    if (!has_subscribers(daemon))
        return;
    snprintf(what, sizeof what,
             is_hard ? "reached its hard limit of %s: it carries nothing any more"
                     : "reached its soft limit of %s: it needs new keys",
             sp_limit_name(event->limit));
    json_t *object = begin_sa(daemon, is_hard ? "sa-hard-expired" : "sa-soft-expired", event->sa, &sa, what);
    json_object_set_new(object, "limit", member_limit(event->limit));
    json_object_set_new(object, "bytes", member_number(info->bytes));
    json_object_set_new(object, "packets", member_number(info->packets));
    json_object_set_new(object, "age_seconds", member_number(info->age_seconds));
    add_info(object, info);
    json_object_set_new(object, "rule", rule_member(daemon, event->rule));
    publish(daemon, object);
}

static void tell_acquire(struct daemon *daemon, const struct sp_event *event)
{
    char source[SP_ADDRESS_TEXT_BYTES], destination[SP_ADDRESS_TEXT_BYTES], rule[256] = "";
    daemon->events.acquire++;
    publish_acquire(daemon, event);
    if (daemon->events.lines_now == ACQUIRE_LINES_A_SECOND) {
        daemon->events.left_out++;
        return;
    }
    daemon->events.lines_now++;
    if (event->rule != SP_NO_RULE)
        sp_policy_rule_text(sp_engine_policy(daemon->engine), event->rule, rule, sizeof rule);
    log_line("no SA from %s to %s, which the policy protects: %s", sp_address_format(&event->source, source),
             sp_address_format(&event->destination, destination), rule);
}

static void tell_expiry(struct daemon *daemon, const struct sp_event *event)
{
    const bool is_hard = event->kind == SP_EVENT_HARD_EXPIRED;
    char source[SP_ADDRESS_TEXT_BYTES], destination[SP_ADDRESS_TEXT_BYTES];
    struct sp_sa_info info;
    daemon->events.soft_expired += !is_hard;
    daemon->events.hard_expired += is_hard;
    audit_expiry(daemon, event);
    if (sp_sad_get(daemon->sad, event->sa, &info) == SP_OK && info.spi == event->spi)
        publish_expiry(daemon, event, &info);
    log_line(is_hard ? "SA %u (SPI %#x, %s to %s) has reached a limit, of %s: it carries nothing any more"
                     : "SA %u (SPI %#x, %s to %s) nears its limit of %s: it needs new keys",
             event->sa, event->spi, sp_address_format(&event->source, source),
             sp_address_format(&event->destination, destination), sp_limit_name(event->limit));
}

static void take(struct daemon *daemon)
{
    struct sp_event events[EVENTS_PER_CALL];
    size_t count;
    do {
        count = sp_engine_events(daemon->engine, events, EVENTS_PER_CALL);
        for (size_t i = 0; i < count; i++)
            if (events[i].kind == SP_EVENT_ACQUIRE)
                tell_acquire(daemon, &events[i]);
            else
                tell_expiry(daemon, &events[i]);
    } while (count == EVENTS_PER_CALL);
}

void events_tick(struct daemon *daemon, bool is_second)
{
    if (is_second || has_subscribers(daemon))
        take(daemon);
    if (!is_second)
        return;
    if (daemon->events.left_out)
        log_line("and %llu times more", (unsigned long long)daemon->events.left_out);
    daemon->events.left_out = daemon->events.lines_now = 0;
}
