/* SPDX-License-Identifier: ISC
 *
 * Keeping the policy in force while the host changes under it.
 *
 * The engine takes a policy over, and knows "me" as a list of addresses. So a changed list needs the policy a
 * second time: it is parsed again from its own canonical text, not from the file, which somebody may be in
 * the middle of editing.
 */
#include "policy_source.h"

#include "datapath/path_mtu.h"
#include "events/events.h"
#include "host/upkeep.h"
#include "log.h"

#include <stdlib.h>
#include <string.h>

static bool print_canonical(const struct sp_policy *policy, struct policy_source *source)
{
    size_t len_bytes = 0;
    FILE *out = open_memstream(&source->text, &len_bytes);
    if (!out)
        return false;
    sp_policy_print(policy, out);
    return fclose(out) == 0;
}

static bool remember(const struct sp_policy *policy, struct policy_source *ret_source)
{
    struct policy_source source = {.place_count = sp_policy_rule_count(policy)};
    source.places = calloc(source.place_count + 1, sizeof *source.places);
    if (!source.places || !print_canonical(policy, &source))
        goto fail;
    for (uint32_t i = 0; i < source.place_count; i++) {
        struct sp_rule_info rule;
        if (sp_policy_rule(policy, i, &rule) != SP_OK)
            goto fail;
        source.places[i].line = rule.line;
        source.places[i].file = strdup(rule.file ? rule.file : "");
        if (!source.places[i].file)
            goto fail;
    }
    *ret_source = source;
    return true;
fail:
    policy_source_free(&source);
    return false;
}

void policy_source_free(struct policy_source *source)
{
    for (uint32_t i = 0; source->places && i < source->place_count; i++)
        free(source->places[i].file);
    free(source->places);
    free(source->text);
    free(source->policy_name);
    free(source->keys_name);
    *source = (struct policy_source){0};
}

/* handed: NULL: the file that path names. */
static bool take(const char *path, const struct handed *handed, struct sp_policy **ret_policy,
                 struct policy_source *ret_source)
{
    struct sp_report *report = NULL;
    struct sp_policy *policy = NULL;
    if (sp_report_create(&report) != SP_OK) {
        log_line("no memory");
        return false;
    }
    const enum sp_status status =
        handed ? handed_policy(handed, &policy, report) : sp_policy_load(path, &policy, report);
    log_report(path, status, report);
    sp_report_destroy(&report);
    if (status != SP_OK)
        return false;
    if (!remember(policy, ret_source)) {
        log_line("no memory");
        sp_policy_destroy(&policy);
        return false;
    }
    *ret_policy = policy;
    return true;
}

bool policy_source_read(const char *path, struct sp_policy **ret_policy, struct policy_source *ret_source)
{
    return take(path, NULL, ret_policy, ret_source);
}

bool policy_source_take(const struct handed *handed, struct sp_policy **ret_policy,
                        struct policy_source *ret_source)
{
    struct policy_source source;
    if (!take(handed->policy_name, handed, ret_policy, &source))
        return false;
    source.policy_name = strdup(handed->policy_name);
    source.keys_name = strdup(handed->keys_name);
    if (source.policy_name && source.keys_name) {
        *ret_source = source;
        return true;
    }
    log_line("no memory");
    policy_source_free(&source);
    sp_policy_destroy(ret_policy);
    return false;
}

bool policy_source_is_loaded(const struct policy_source *source)
{
    return source->policy_name != NULL;
}

const char *policy_source_policy_name(const struct daemon *daemon)
{
    return policy_source_is_loaded(&daemon->source) ? daemon->source.policy_name
                                                    : daemon->options.policy_path;
}

const char *policy_source_keys_name(const struct daemon *daemon)
{
    return policy_source_is_loaded(&daemon->source) ? daemon->source.keys_name : daemon->options.keys_path;
}

bool policy_source_parse(const struct policy_source *source, struct sp_policy **ret_policy)
{
    struct sp_report *report = NULL;
    const bool is_parsed =
        sp_report_create(&report) == SP_OK &&
        sp_policy_parse(source->text, strlen(source->text), "policy", ret_policy, report) == SP_OK;
    sp_report_destroy(&report);
    return is_parsed;
}

void policy_refresh_addresses(struct daemon *daemon)
{
    struct sp_me me;
    struct sp_policy *policy = NULL;
    if (!host_addresses(daemon->options.device, &me))
        return;
    if (host_addresses_equal(&me, &daemon->me)) {
        host_addresses_free(&me);
        return;
    }
    if (!policy_source_parse(&daemon->source, &policy) ||
        sp_engine_publish(daemon->engine, &policy, &me) != SP_OK) {
        log_line("the policy could not be put in force for the changed addresses; SIGHUP tries again");
        host_addresses_free(&me);
    } else {
        log_line("this host's addresses have changed: it has %u now", me.count);
        host_addresses_free(&daemon->me);
        daemon->me = me;
        upkeep_second_guard(daemon);
        path_follow(daemon);
        events_policy(daemon, "addresses");
    }
    sp_policy_destroy(&policy);
}
