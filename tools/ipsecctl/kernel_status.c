/* SPDX-License-Identifier: ISC
 *
 * ipsecctl status --backend kernel: the kernel's SAs, policies and reasons, in the members of the daemon's
 * status (control.h) as far as the kernel knows them.
 */
#include "backend.h"
#include "daemon.h"
#include "grants.h"
#include "own_addresses.h"
#include "table.h"
#include "terminal.h"
#include "tool.h"

#include <inttypes.h>
#include <string.h>

struct gathered {
    json_t *sas, *policies, *drops;
    json_t *grants; /* what load left */
    struct sp_me me;
};

static json_t *address_text(const struct sp_address *address)
{
    char text[SP_ADDRESS_TEXT_BYTES];
    return address->family ? json_text(sp_address_format(address, text)) : json_null();
}

static const char *direction_of(const struct sp_me *me, const struct sp_offload_sa *sa)
{
    if (own_addresses_hold(me, &sa->source))
        return "out";
    return own_addresses_hold(me, &sa->destination) ? "in" : "none";
}

/* The kernel counts what an SA let through, and three reasons for which it didn't. */
static void put_counters(json_t *object, const struct sp_offload_sa *sa, bool is_out)
{
    struct sp_counters outbound = {0}, inbound = {0};
    struct sp_counters *counters = is_out ? &outbound : &inbound;
    counters->dropped_packets[SP_DROP_REPLAY] = (uint64_t)sa->replayed_packets + sa->too_old_packets;
    counters->dropped_packets[SP_DROP_BAD_ICV] = sa->bad_icv_packets;
    counters->offered_packets = sa->packets + counters->dropped_packets[SP_DROP_REPLAY] + sa->bad_icv_packets;
    counters->offered_bytes = sa->bytes;
    *(is_out ? &counters->sealed_packets : &counters->opened_packets) = sa->packets;
    json_put(object, "outbound", json_counters(&outbound, false));
    json_put(object, "inbound", json_counters(&inbound, false));
}

/* granted is what the kernel says now; a record of another time may say otherwise. */
static json_t *offload_of(const json_t *grants, const struct sp_offload_sa *sa)
{
    const char *granted = sp_offload_mode_name(sa->offload);
    const json_t *record = sa->is_ours ? grants_find(grants, sa->spi, &sa->destination) : NULL;
    const bool is_as_loaded = record && strcmp(daemon_text(record, "granted"), granted) == 0;
    json_t *object = tool_need(json_object());
    json_put(object, "requested", record ? json_text(daemon_text(record, "requested")) : json_null());
    json_put(object, "granted", json_text(granted));
    json_put(object, "device", sa->device[0] ? json_text(sa->device) : json_null());
    json_put(object, "refusals",
             is_as_loaded ? json_deep_copy(json_object_get(record, "refusals")) : tool_need(json_array()));
    if (record && !is_as_loaded)
        json_put(object, "granted_when_loaded", json_text(daemon_text(record, "granted")));
    return object;
}

static void take_sa(const struct sp_offload_sa *sa, void *context)
{
    struct gathered *gathered = context;
    const char *direction = direction_of(&gathered->me, sa);
    json_t *object = tool_need(json_object());
    json_put(object, "number", json_number(json_array_size(gathered->sas)));
    json_put(object, "name", json_null());
    json_put(object, "spi", json_number(sa->spi));
    json_put(object, "source", address_text(&sa->source));
    json_put(object, "destination", address_text(&sa->destination));
    json_put(object, "direction", json_text(direction));
    json_put(object, "mode", json_text(sa->mode));
    json_put(object, "encryption",
             sa->has_suite ? json_text(sp_encryption_name(sa->encryption)) : json_null());
    json_put(object, "integrity", sa->has_suite ? json_text(sp_integrity_name(sa->integrity)) : json_null());
    json_put(object, "algorithms", json_text(sa->algorithms));
    json_put(object, "fingerprint", json_text(sa->fingerprint));
    json_put(object, "state",
             json_text(sa->is_larval                     ? "larval"
                       : sa->state == SP_SA_SOFT_EXPIRED ? "soft-expired"
                                                         : "live"));
    json_put(object, "ours", json_boolean(sa->is_ours));
    json_put(object, "reqid", json_number(sa->reqid));
    json_put(object, "bytes", json_number(sa->bytes));
    json_put(object, "packets", json_number(sa->packets));
    json_put(object, "age_seconds", json_number(sa->age_seconds));
    json_put(object, "lifetime", json_lifetime(&sa->lifetime));
    json_put(object, "esn", json_boolean(sa->has_esn));
    json_put(object, "replay_window_packets", json_number(sa->replay_window_packets));
    json_put(object, "encap", json_encap(&sa->encap));
    json_put(object, "offload", offload_of(gathered->grants, sa));
    json_put(object, "sequence_sent", json_number(sa->sequence_sent));
    json_put(object, "sequence_received", json_number(sa->sequence_received));
    put_counters(object, sa, strcmp(direction, "out") == 0);
    json_push(gathered->sas, object);
}

static void take_policy(const struct sp_offload_policy *policy, void *context)
{
    struct gathered *gathered = context;
    json_t *object = tool_need(json_object());
    json_put(object, "ours", json_boolean(policy->is_ours));
    json_put(object, "direction", json_text(policy->direction));
    json_put(object, "action", json_text(sp_action_name(policy->action)));
    json_put(object, "priority", json_number(policy->priority));
    json_put(object, "index", json_number(policy->index));
    json_put(object, "selector", json_text(policy->selector));
    json_put(object, "device", policy->device[0] ? json_text(policy->device) : json_null());
    json_put(object, "suite", policy->suite[0] ? json_text(policy->suite) : json_null());
    json_push(gathered->policies, object);
}

static void take_drop(const struct sp_offload_drop *drop, void *context)
{
    struct gathered *gathered = context;
    json_t *object = tool_need(json_object());
    json_put(object, "name", json_text(drop->name));
    json_put(object, "packets", json_number(drop->packets));
    json_put(object, "text", json_text(drop->text));
    json_push(gathered->drops, object);
}

static json_t *build(struct gathered *gathered)
{
    struct sp_offload_kernel kernel;
    const bool has_kernel = sp_offload_kernel_probe(&kernel) == SP_OK;
    json_t *addresses = tool_need(json_array());
    for (uint32_t i = 0; i < gathered->me.count; i++)
        json_push(addresses, address_text(&gathered->me.addresses[i]));
    json_t *status = tool_need(json_object());
    json_put(status, "ok", json_true());
    json_put(status, "version", json_text(sp_version()));
    json_put(status, "backend", json_text("kernel"));
    json_put(status, "kernel", json_text(has_kernel ? kernel.text : NULL));
    json_put(status, "addresses", addresses);
    json_put(status, "policies", gathered->policies);
    json_put(status, "sas", gathered->sas);
    json_put(status, "drops", gathered->drops);
    return status;
}

static void finish_table(struct table *table)
{
    if (table_rows(table) > 0) {
        putchar('\n');
        table_print(table, stdout, terminal_is(stdout));
    }
    table_destroy(&table);
}

static const char *whose(const json_t *object)
{
    return json_is_true(json_object_get(object, "ours")) ? "ours" : "foreign";
}

static const char *text_or_dash(const json_t *object, const char *member)
{
    return json_is_string(json_object_get(object, member)) ? daemon_text(object, member) : "-";
}

static void print_policies(const json_t *status)
{
    struct table *table = table_create("POLICY|DIR|ACTION|>PRIORITY|SELECTOR|SUITE|NIC");
    size_t index;
    const json_t *policy;
    json_array_foreach(json_object_get(status, "policies"), index, policy)
    {
        table_add(table, "%s", whose(policy));
        table_add(table, "%s", daemon_text(policy, "direction"));
        table_add(table, "%s", daemon_text(policy, "action"));
        table_add_number(table, daemon_number(policy, "priority"));
        table_add(table, "%s", daemon_text(policy, "selector"));
        table_add(table, "%s", daemon_text(policy, "suite"));
        table_add(table, "%s", text_or_dash(policy, "device"));
    }
    finish_table(table);
}

static uint64_t dropped(const json_t *sa, const char *reason)
{
    return daemon_number(json_object_get(json_object_get(sa, "inbound"), "drops"), reason) +
           daemon_number(json_object_get(json_object_get(sa, "outbound"), "drops"), reason);
}

static void print_sas(const json_t *status)
{
    struct table *table =
        table_create("SPI|WHOSE|DIR|FROM|TO|SUITE|STATE|>PACKETS|>BYTES|>USED %|>SEQ OUT|>SEQ "
                     "IN|>REPLAY|>BAD ICV|FINGERPRINT|OFFLOAD|NIC");
    size_t index;
    const json_t *sa;
    json_array_foreach(json_object_get(status, "sas"), index, sa)
    {
        char spi[11];
        const int used = daemon_sa_used_percent(sa);
        table_add(table, "%s", daemon_spi(sa, spi));
        table_add(table, "%s", whose(sa));
        table_add(table, "%s", daemon_text(sa, "direction"));
        table_add(table, "%s", daemon_text(sa, "source"));
        table_add(table, "%s", daemon_text(sa, "destination"));
        table_add(table, "%s", daemon_text(sa, "algorithms"));
        table_add(table, "%s", daemon_text(sa, "state"));
        table_add_number(table, daemon_number(sa, "packets"));
        table_add_number(table, daemon_number(sa, "bytes"));
        table_add(table, used < 0 ? "-" : "%d", used);
        table_add_number(table, daemon_number(sa, "sequence_sent"));
        table_add_number(table, daemon_number(sa, "sequence_received"));
        table_add_number(table, dropped(sa, "replay"));
        table_add_number(table, dropped(sa, "bad-icv"));
        table_add(table, "%s", daemon_text(sa, "fingerprint"));
        table_add(table, "%s", daemon_text(json_object_get(sa, "offload"), "granted"));
        table_add(table, "%s", text_or_dash(json_object_get(sa, "offload"), "device"));
    }
    finish_table(table);
}

/* Of the SAs for which a NIC was asked. */
static void print_grants(const json_t *status)
{
    json_t *asked = tool_need(json_array());
    size_t index;
    const json_t *sa;
    json_array_foreach(json_object_get(status, "sas"), index, sa)
    {
        const json_t *offload = json_object_get(sa, "offload");
        if (!json_is_string(json_object_get(offload, "requested")))
            continue;
        json_t *grant = tool_need(json_copy((json_t *)(uintptr_t)offload));
        json_put(grant, "spi", json_number(daemon_number(sa, "spi")));
        json_put(grant, "destination", json_text(daemon_text(sa, "destination")));
        json_push(asked, grant);
    }
    grants_print(asked);
    json_decref(asked);
}

static void print_drops(const json_t *status)
{
    struct table *table = table_create("DROPPED|>PACKETS|MEANING");
    size_t index;
    const json_t *drop;
    json_array_foreach(json_object_get(status, "drops"), index, drop)
    {
        if (daemon_number(drop, "packets") == 0)
            continue;
        table_add(table, "%s", daemon_text(drop, "name"));
        table_add_number(table, daemon_number(drop, "packets"));
        table_add(table, "%s", daemon_text(drop, "text"));
    }
    finish_table(table);
}

int backend_kernel_status(bool as_json)
{
    struct gathered gathered = {.sas = tool_need(json_array()),
                                .policies = tool_need(json_array()),
                                .drops = tool_need(json_array()),
                                .grants = grants_read()};
    const struct sp_offload_visitor visitor = {
        .on_sa = take_sa, .on_policy = take_policy, .on_drop = take_drop, .context = &gathered};
    if (!own_addresses(NULL, &gathered.me))
        gathered.me = (struct sp_me){0};
    const enum sp_status status = sp_offload_kernel_visit(&visitor);
    json_decref(gathered.grants);
    if (status != SP_OK) {
        json_decref(gathered.sas);
        json_decref(gathered.policies);
        json_decref(gathered.drops);
        own_addresses_free(&gathered.me);
        return backend_failed(status, NULL);
    }
    json_t *answer = build(&gathered);
    own_addresses_free(&gathered.me);
    if (as_json) {
        json_print(answer, stdout, true);
        return TOOL_OK;
    }
    printf("backend kernel: ");
    terminal_write(stdout, daemon_text(answer, "kernel"));
    putchar('\n');
    print_policies(answer);
    print_sas(answer);
    print_grants(answer);
    print_drops(answer);
    json_decref(answer);
    return TOOL_OK;
}
