/* SPDX-License-Identifier: ISC
 *
 * ipsecctl status: what the daemon is doing: its policy, its SAs, its counters, why it dropped what it
 * dropped.
 */
#include "arguments.h"
#include "backend.h"
#include "control.h"
#include "daemon.h"
#include "grants.h"
#include "table.h"
#include "terminal.h"
#include "verb.h"

#include <getopt.h>
#include <string.h>
#include <time.h>

#define LAST_DROPS_SHOWN 10u

static void finish_table(struct table *table)
{
    if (table_rows(table) > 0) {
        putchar('\n');
        table_print(table, stdout, terminal_is(stdout));
    }
    table_destroy(&table);
}

static void print_headline(const json_t *status)
{
    char span[32];
    const json_t *device = json_object_get(status, "device");
    const json_t *policy = json_object_get(status, "policy");
    printf("sallyportd ");
    terminal_write(stdout, daemon_text(status, "version"));
    printf(", pid %llu, up %s, backend ", (unsigned long long)daemon_number(status, "pid"),
           daemon_span(daemon_number(status, "uptime_seconds"), span));
    terminal_write(stdout, daemon_text(status, "backend"));
    printf(", device ");
    terminal_write(stdout, daemon_text(device, "name"));
    printf(" (MTU %llu)\npolicy ", (unsigned long long)daemon_number(device, "mtu_bytes"));
    terminal_write(stdout, daemon_text(policy, "file"));
    if (json_is_true(json_object_get(policy, "is_loaded")))
        printf(" (loaded by \"ipsecctl load\")");
    printf(", generation %llu, default ", (unsigned long long)daemon_number(policy, "generation"));
    terminal_write(stdout, daemon_text(policy, "default"));
    printf("; me:");
    size_t index;
    const json_t *address;
    json_array_foreach(json_object_get(status, "addresses"), index, address)
    {
        putchar(' ');
        terminal_write(stdout, json_is_string(address) ? json_string_value(address) : "?");
    }
    putchar('\n');
}

static void print_names(const json_t *names)
{
    size_t index;
    const json_t *name;
    json_array_foreach(names, index, name)
    {
        putchar(' ');
        terminal_write(stdout, json_is_string(name) ? json_string_value(name) : "?");
    }
    if (json_array_size(names) == 0)
        printf(" none");
}

static void print_confinement(const json_t *status)
{
    const json_t *confinement = json_object_get(status, "confinement");
    if (!confinement) /* an older daemon */
        return;
    printf("confinement: user %llu, capabilities", (unsigned long long)daemon_number(confinement, "user"));
    print_names(json_object_get(confinement, "capabilities"));
    printf("; threads of the data path");
    print_names(json_object_get(confinement, "worker_capabilities"));
    printf("; system calls %s\n", json_is_true(json_object_get(confinement, "are_system_calls_filtered"))
                                      ? "filtered"
                                      : "not filtered");
}

static void add_rule(struct table *table, const json_t *outbound, const json_t *inbound)
{
    table_add_number(table, daemon_number(outbound, "offered_packets"));
    table_add_number(table, daemon_number(inbound, "offered_packets"));
    table_add_number(table, daemon_esp_packets(outbound) + daemon_esp_packets(inbound));
    table_add_number(table,
                     daemon_number(outbound, "dropped_packets") + daemon_number(inbound, "dropped_packets"));
}

static void print_rules(const json_t *status)
{
    struct table *table = table_create("WHERE|>OUT|>IN|>ESP|>DROP|RULE");
    const json_t *policy = json_object_get(status, "policy");
    size_t index;
    const json_t *rule;
    json_array_foreach(json_object_get(policy, "rules"), index, rule)
    {
        table_add(table, "%s:%llu", daemon_text(rule, "file"),
                  (unsigned long long)daemon_number(rule, "line"));
        add_rule(table, json_object_get(rule, "outbound"), json_object_get(rule, "inbound"));
        table_add(table, "%s", daemon_text(rule, "text"));
    }
    const json_t *fallback = json_object_get(policy, "default_stats");
    table_add(table, "default");
    add_rule(table, json_object_get(fallback, "outbound"), json_object_get(fallback, "inbound"));
    table_add(table, "default %s", daemon_text(policy, "default"));
    finish_table(table);
}

static void print_sas(const json_t *status)
{
    struct table *table =
        table_create("SPI|DIR|FROM|TO|SUITE|STATE|>PACKETS|>BYTES|>USED %|>SEQ OUT|>SEQ IN|FINGERPRINT|SA");
    size_t index;
    const json_t *sa;
    json_array_foreach(json_object_get(status, "sas"), index, sa)
    {
        char spi[11];
        const int used = daemon_sa_used_percent(sa);
        table_add(table, "%s", daemon_spi(sa, spi));
        table_add(table, "%s", daemon_text(sa, "direction"));
        table_add(table, "%s", daemon_text(sa, "source"));
        table_add(table, "%s", daemon_text(sa, "destination"));
        const bool is_combined = strcmp(daemon_text(sa, "integrity"), "combined") == 0;
        table_add(table, "%s%s%s%s", daemon_text(sa, "encryption"), is_combined ? "" : " ",
                  is_combined ? "" : daemon_text(sa, "integrity"),
                  json_is_true(json_object_get(sa, "esn")) ? " esn" : "");
        table_add(table, "%s", daemon_text(sa, "state"));
        table_add_number(table, daemon_number(sa, "packets"));
        table_add_number(table, daemon_number(sa, "bytes"));
        table_add(table, used < 0 ? "-" : "%d", used);
        table_add_number(table, daemon_number(sa, "sequence_sent"));
        table_add_number(table, daemon_number(sa, "sequence_received"));
        table_add(table, "%s", daemon_text(sa, "fingerprint"));
        table_add(table, "%s", daemon_text(sa, "name"));
    }
    finish_table(table);
}

static void add_rule_place(struct table *table, const json_t *rules, const json_t *entry)
{
    const json_t *rule = json_array_get(rules, (size_t)daemon_number(entry, "rule"));
    table_add(table, "%s:%llu", daemon_text(rule, "file"), (unsigned long long)daemon_number(rule, "line"));
}

/* "-" where the daemon says null. */
static void add_number_or_name(struct table *table, const json_t *entry, const char *member, const char *name)
{
    if (!json_is_integer(json_object_get(entry, member)))
        table_add(table, "-");
    else if (name)
        table_add(table, "%s", name);
    else
        table_add_number(table, daemon_number(entry, member));
}

static void print_totals(const json_t *status)
{
    static const char *const directions[] = {"outbound", "inbound"};
    struct table *table = table_create("TOTAL|>PACKETS|>BYTES|>BYPASS|>SEALED|>OPENED|>DROP");
    for (int i = 0; i < 2; i++) {
        const json_t *counters = json_object_get(json_object_get(status, "totals"), directions[i]);
        table_add(table, "%s", directions[i]);
        table_add_number(table, daemon_number(counters, "offered_packets"));
        table_add_number(table, daemon_number(counters, "offered_bytes"));
        table_add_number(table, daemon_number(counters, "bypassed_packets"));
        table_add_number(table, daemon_number(counters, "sealed_packets"));
        table_add_number(table, daemon_number(counters, "opened_packets"));
        table_add_number(table, daemon_number(counters, "dropped_packets"));
    }
    finish_table(table);
}

static void print_drops(const json_t *status)
{
    static const char *const directions[] = {"outbound", "inbound"};
    struct table *table = table_create("DROPPED|REASON|>PACKETS|MEANING");
    for (int i = 0; i < 2; i++) {
        const json_t *counters = json_object_get(json_object_get(status, "totals"), directions[i]);
        const json_t *drops = json_object_get(counters, "drops");
        for (int reason = SP_DROP_NONE + 1; reason < SP_DROP_COUNT; reason++) {
            const char *id = sp_drop_id((enum sp_drop)reason);
            if (daemon_number(drops, id) == 0)
                continue;
            table_add(table, "%s", directions[i]);
            table_add(table, "%s", id);
            table_add_number(table, daemon_number(drops, id));
            table_add(table, "%s", sp_drop_text((enum sp_drop)reason));
        }
    }
    finish_table(table);
}

/* Which packets they were, the newest ones. */
static void print_last_drops(const json_t *status)
{
    struct table *table = table_create("DROPPED AGO|DIR|REASON|PROTOCOL|FROM|TO|SPI|SEQUENCE|RULE");
    const json_t *rules = json_object_get(json_object_get(status, "policy"), "rules");
    struct timespec now;
    size_t index;
    const json_t *drop;
    clock_gettime(CLOCK_REALTIME, &now);
    json_array_foreach(json_object_get(status, "last_drops"), index, drop)
    {
        char span[32], spi[11], endpoint[DAEMON_ENDPOINT_BYTES];
        const double age_seconds = (double)now.tv_sec - json_number_value(json_object_get(drop, "time"));
        const char *name = protocol_name((uint16_t)daemon_number(drop, "protocol"));
        if (index == LAST_DROPS_SHOWN)
            break;
        table_add(table, "%s", daemon_span(age_seconds > 0 ? (uint64_t)age_seconds : 0, span));
        table_add(table, "%s", daemon_text(drop, "direction"));
        table_add(table, "%s", daemon_text(drop, "reason"));
        add_number_or_name(table, drop, "protocol", name);
        table_add(table, "%s", daemon_endpoint(drop, "source", endpoint));
        table_add(table, "%s", daemon_endpoint(drop, "destination", endpoint));
        add_number_or_name(table, drop, "spi", daemon_spi(drop, spi));
        add_number_or_name(table, drop, "sequence", NULL);
        if (json_is_integer(json_object_get(drop, "rule")))
            add_rule_place(table, rules, drop);
        else
            table_add(table, "-");
    }
    finish_table(table);
}

static void print_guard(const json_t *status)
{
    struct table *table = table_create("GUARD|RULE|ACTION|>PACKETS|>BYTES");
    const json_t *rules = json_object_get(json_object_get(status, "policy"), "rules");
    size_t index;
    const json_t *entry;
    json_array_foreach(json_object_get(status, "guard"), index, entry)
    {
        const json_t *number = json_object_get(entry, "rule");
        if (daemon_number(entry, "packets") == 0)
            continue;
        table_add(table, "%s", daemon_text(entry, "chain"));
        if (json_is_integer(number))
            add_rule_place(table, rules, entry);
        else
            table_add(table, "default");
        table_add(table, "%s", daemon_text(entry, "action"));
        table_add_number(table, daemon_number(entry, "packets"));
        table_add_number(table, daemon_number(entry, "bytes"));
    }
    finish_table(table);
}

static void print_events(const json_t *status)
{
    const json_t *events = json_object_get(status, "events");
    printf("\nevents: %llu acquire, %llu soft expired, %llu hard expired, %llu lost\n",
           (unsigned long long)daemon_number(events, "acquire"),
           (unsigned long long)daemon_number(events, "soft_expired"),
           (unsigned long long)daemon_number(events, "hard_expired"),
           (unsigned long long)daemon_number(events, "lost"));
}

/* Why those of its SAs are not a NIC's or the kernel's that "load --backend auto" gave it. */
static void print_grants(const json_t *status)
{
    json_t *noted = grants_read();
    json_t *own = grants_of_daemon_still(noted, json_object_get(status, "sas"));
    grants_print(own);
    json_decref(own);
    json_decref(noted);
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'},
                                            {"control", required_argument, NULL, 'c'},
                                            {"backend", required_argument, NULL, 'b'},
                                            {0}};
    enum backend backend = BACKEND_USER;
    const char *path = CONTROL_DEFAULT_PATH;
    bool as_json = false;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'j')
            as_json = true;
        else if (option == 'c')
            path = optarg;
        else if (option == 'b' && backend_read(optarg, &backend))
            continue;
        else if (option == 'b')
            return tool_usage("status", "--backend %s: write " BACKEND_NAMES, optarg);
        else
            return tool_usage("status", "unknown option, or one without its value");
    }
    if (optind != argc)
        return tool_usage("status", "\"%s\" is too much: all arguments are options", argv[optind]);

    if (backend != BACKEND_USER)
        return backend_kernel_status(as_json);
    char reason[256];
    json_t *status = daemon_status(path, reason);
    if (!status) {
        tool_say("%s", reason);
        return TOOL_NOT_APPLIED;
    }
    if (as_json) {
        json_print(status, stdout, true);
        return TOOL_OK;
    }
    print_headline(status);
    print_confinement(status);
    print_rules(status);
    print_sas(status);
    print_grants(status);
    print_totals(status);
    print_drops(status);
    print_last_drops(status);
    print_guard(status);
    print_events(status);
    json_decref(status);
    return TOOL_OK;
}

const struct verb verb_status = {
    .name = "status",
    .summary = "what the running daemon is doing",
    .help =
        "Usage: ipsecctl status [--backend user|kernel|nic] [--control PATH] [--json]\n"
        "\n"
        "Asks sallyportd(8) for its policy, its SAs, their counters and the reasons for which packets\n"
        "were dropped, or the kernel for its SAs, policies (also those of others) and reasons. There are\n"
        "no keys in it.\n"
        "\n"
        "  --backend B      user: sallyportd, the default; kernel or nic: the kernel, and what NICs do for "
        "it\n"
        "  --control PATH   the daemon's control socket, default " CONTROL_DEFAULT_PATH "\n"
        "  --json           all of it as the daemon tells it\n"
        "\n"
        "Exit status: 0 shown, 1 wrong usage, 2 no daemon or kernel answers.\n"
        "\n"
        "Example:\n"
        "  ipsecctl status\n",
    .run = run,
};
