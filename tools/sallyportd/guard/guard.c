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

/* ---- putting it up --------------------------------------------------------------------------------------
 */

/* The table's objects of a kind, as nft lists them; NULL without a table. */
static json_t *list(struct guard *guard, const char *what)
{
    char command[64];
    snprintf(command, sizeof command, "list %s", what);
    if (nft_run_cmd_from_buffer(guard->nft, command) != 0)
        return NULL;
    return json_loads(nft_ctx_get_output_buffer(guard->nft), 0, NULL);
}

static const char *name_of(const json_t *item, const char *kind)
{
    const json_t *object = json_object_get(item, kind);
    const char *table = json_string_value(json_object_get(object, "table"));
    return table && strcmp(table, GUARD_TABLE) == 0 ? json_string_value(json_object_get(object, "name"))
                                                    : NULL;
}

/* What a former guard has left, besides its rules: of a policy, or of a daemon, that may be unknown by now.
 */
struct former {
    json_t *counters, *sets, *chains;
};

static struct former find_former(struct guard *guard)
{
    struct former former = {.counters = list(guard, "counters table inet " GUARD_TABLE)};
    if (!former.counters)
        return former;
    nft_ctx_output_set_flags(guard->nft, NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_TERSE);
    former.sets = list(guard, "sets table inet " GUARD_TABLE);
    former.chains = list(guard, "chains inet");
    nft_ctx_output_set_flags(guard->nft, NFT_CTX_OUTPUT_JSON);
    return former;
}

static void free_former(struct former *former)
{
    json_decref(former->counters);
    json_decref(former->sets);
    json_decref(former->chains);
}

static void write_deletions(FILE *out, const json_t *listing, const char *kind)
{
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(listing, "nftables"), i, item)
    {
        const char *name = name_of(item, kind);
        if (name)
            fprintf(out, "delete %s inet " GUARD_TABLE " %s\n", kind, name);
    }
}

/* A letter that no set's name begins with. Daemons that were killed leave two at most. */
static char free_tag(const struct former *former)
{
    uint32_t used = 0;
    char tag = 'a';
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(former->sets, "nftables"), i, item)
    {
        const char *name = name_of(item, "set");
        if (name && name[0] >= 'a' && name[0] <= 'z')
            used |= 1u << (name[0] - 'a');
    }
    while (tag < 'z' && used >> (tag - 'a') & 1)
        tag++;
    return tag;
}

/* In one transaction. Chains that hold stay hooked to the kernel, and only change their rules; those that are
 * not needed any more go, as the counters and sets do. */
static void write_exchange(FILE *out, const struct former *former, const char *rules)
{
    fputs("table inet " GUARD_TABLE "\nflush table inet " GUARD_TABLE "\n", out);
    write_deletions(out, former->counters, "counter");
    write_deletions(out, former->sets, "set");
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(former->chains, "nftables"), i, item)
    {
        const char *name = name_of(item, "chain");
        if (name && strcmp(name, "forward") == 0 && !strstr(rules, "\tchain forward {"))
            fputs("delete chain inet " GUARD_TABLE " forward\n", out);
    }
    fputs(rules, out);
}

static bool run_exchange(struct guard *guard, const struct former *former, const char *rules)
{
    char *text = NULL;
    size_t len_bytes;
    FILE *out = open_memstream(&text, &len_bytes);
    if (!out)
        return false;
    write_exchange(out, former, rules);
    const bool is_done = fclose(out) == 0 && nft_run_cmd_from_buffer(guard->nft, text) == 0;
    free(text);
    return is_done;
}

/* Sets of intervals that are made together with the rules that use them look empty for a moment, to kernels
 * that fill them last of all; a packet then meets a policy without those rules. So first the sets, to which
 * no rule refers, and when they are full the rules. */
static bool put_up(struct guard *guard, const char *sets, const char *rules, const struct former *former)
{
    if (nft_run_cmd_from_buffer(guard->nft, sets) == 0 && run_exchange(guard, former, rules))
        return true;
    log_line("nftables refused the guard:\n%s", nft_ctx_get_error_buffer(guard->nft));
    return false;
}

bool guard_install(struct guard *guard, const struct sp_policy *policy)
{
    struct former former = find_former(guard);
    char *texts[2] = {NULL, NULL};
    size_t lens_bytes[2];
    FILE *sets = open_memstream(&texts[0], &lens_bytes[0]),
         *rules = open_memstream(&texts[1], &lens_bytes[1]);
    bool is_written = sets && rules && guard_write(sets, rules, free_tag(&former), &guard->settings, policy);
    if (sets && fclose(sets) != 0)
        is_written = false;
    if (rules && fclose(rules) != 0)
        is_written = false;
    if (!is_written)
        log_line("can't write the guard: no memory");
    const bool is_installed = is_written && put_up(guard, texts[0], texts[1], &former);
    free(texts[0]);
    free(texts[1]);
    free_former(&former);
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
