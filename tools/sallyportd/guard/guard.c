/* SPDX-License-Identifier: ISC
 *
 * The guard's life in the kernel, through libnftables(3).
 */
#include "guard/guard.h"

#include "guard/watch.h"
#include "log.h"

#include <nftables/libnftables.h>
#include <stdlib.h>
#include <string.h>

struct guard {
    struct guard_settings settings;
    struct nft_ctx *nft;
    struct guard_watch watch;
    enum guard_watch_news late_news; /* heard when the guard was put up, of what came behind it */
    uint64_t installs;
};

struct guard *guard_create(const struct guard_settings *settings)
{
    struct guard *guard = calloc(1, sizeof *guard);
    if (!guard)
        return NULL;
    guard->settings = *settings;
    guard_watch_open(&guard->watch);
    guard->nft = nft_ctx_new(NFT_CTX_DEFAULT);
    if (!guard->nft || nft_ctx_buffer_output(guard->nft) != 0 || nft_ctx_buffer_error(guard->nft) != 0) {
        guard_destroy(&guard);
        return NULL;
    }
    nft_ctx_output_set_flags(guard->nft, NFT_CTX_OUTPUT_JSON);
    return guard;
}

void guard_destroy(struct guard **guard)
{
    if (!*guard)
        return;
    if ((*guard)->nft)
        nft_ctx_free((*guard)->nft);
    guard_watch_close(&(*guard)->watch);
    free(*guard);
    *guard = NULL;
}

bool guard_install(struct guard *guard, const struct sp_policy *policy)
{
    char *text = NULL;
    size_t len_bytes = 0;
    FILE *out = open_memstream(&text, &len_bytes);
    bool is_written = out && guard_write(out, &guard->settings, policy);
    if (out && fclose(out) != 0)
        is_written = false;
    if (!is_written)
        log_line("can't write the guard: no memory");
    bool is_installed = is_written && nft_run_cmd_from_buffer(guard->nft, text) == 0;
    if (is_written && !is_installed)
        log_line("nftables refused the guard:\n%s", nft_ctx_get_error_buffer(guard->nft));
    free(text);
    guard->late_news = guard_watch_settle(&guard->watch);
    guard->installs += is_installed;
    return is_installed;
}

void guard_remove(struct guard *guard)
{
    if (nft_run_cmd_from_buffer(guard->nft,
                                "table inet " GUARD_TABLE "\ndelete table inet " GUARD_TABLE "\n") != 0)
        log_line("can't remove the guard: %s", nft_ctx_get_error_buffer(guard->nft));
}

uint64_t guard_installs(const struct guard *guard)
{
    return guard->installs;
}

int guard_watch_fd(const struct guard *guard)
{
    return guard->watch.fd;
}

static bool has_rules(struct guard *guard, const char *chain)
{
    char command[80];
    size_t rules = 0, i;
    json_t *item;
    (void)snprintf(command, sizeof command, "list chain inet " GUARD_TABLE " %s", chain);
    if (nft_run_cmd_from_buffer(guard->nft, command) != 0)
        return false;
    json_t *listing = json_loads(nft_ctx_get_output_buffer(guard->nft), 0, NULL);
    json_array_foreach(json_object_get(listing, "nftables"), i, item) rules +=
        json_object_get(item, "rule") != NULL;
    json_decref(listing);
    return rules > 0;
}

/* What a flush leaves has no rules; counters it may have. */
static bool stands(struct guard *guard)
{
    return has_rules(guard, "steer") && has_rules(guard, "guard_in") && has_rules(guard, "guard_out");
}

bool guard_is_damaged(struct guard *guard)
{
    const enum guard_watch_news late = guard->late_news, news = guard_watch_read(&guard->watch);
    guard->late_news = GUARD_WATCH_QUIET;
    if (news == GUARD_WATCH_TOUCHED || late == GUARD_WATCH_TOUCHED)
        return true;
    return (news == GUARD_WATCH_OVERFLOWN || late == GUARD_WATCH_OVERFLOWN) && !stands(guard);
}

/* In the steering chains a protect rule's counter is of packets on their way to us; all others count
 * refusals.
 */
static bool is_handing_over(const char *chain, const struct sp_policy *policy, uint32_t index)
{
    struct sp_rule_info rule;
    return (strcmp(chain, "steer") == 0 || strcmp(chain, "forward") == 0) &&
           sp_policy_rule(policy, index, &rule) == SP_OK && rule.action == SP_ACTION_PROTECT;
}

/* "guard_in_3" or "guard_in_default": the chain, and the rule or null. */
static json_t *counter_entry(const json_t *counter, const struct sp_policy *policy)
{
    const char *name = json_string_value(json_object_get(counter, "name"));
    const char *suffix = name ? strrchr(name, '_') : NULL;
    char chain[32];
    if (!suffix || (size_t)(suffix - name) >= sizeof chain)
        return NULL;
    memcpy(chain, name, (size_t)(suffix - name));
    chain[suffix - name] = '\0';

    const bool is_default = strcmp(suffix, "_default") == 0;
    const uint32_t rule = is_default ? SP_NO_RULE : (uint32_t)strtoul(suffix + 1, NULL, 10);
    return json_pack("{s:s, s:o, s:s, s:O, s:O}", "chain", chain, "rule",
                     is_default ? json_null() : json_integer(rule), "action",
                     is_handing_over(chain, policy, rule) ? "steer" : "refuse", "packets",
                     json_object_get(counter, "packets"), "bytes", json_object_get(counter, "bytes"));
}

json_t *guard_counters(struct guard *guard, const struct sp_policy *policy)
{
    if (nft_run_cmd_from_buffer(guard->nft, "list counters table inet " GUARD_TABLE) != 0)
        return NULL;
    json_t *listing = json_loads(nft_ctx_get_output_buffer(guard->nft), 0, NULL);
    json_t *answer = json_array();
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(listing, "nftables"), i, item)
    {
        const json_t *counter = json_object_get(item, "counter");
        json_t *entry = counter ? counter_entry(counter, policy) : NULL;
        if (entry)
            json_array_append_new(answer, entry);
    }
    json_decref(listing);
    return answer;
}
