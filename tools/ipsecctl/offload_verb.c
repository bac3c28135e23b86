/* SPDX-License-Identifier: ISC
 *
 * ipsecctl offload: what a NIC would do.
 */
#include "backend.h"
#include "table.h"
#include "terminal.h"
#include "verb.h"

#include <getopt.h>
#include <string.h>

static const char *state_name(enum sp_offload_feature_state state)
{
    static const char *const names[] = {
        [SP_OFFLOAD_FEATURE_UNKNOWN] = "unknown",
        [SP_OFFLOAD_FEATURE_ABSENT] = "absent",
        [SP_OFFLOAD_FEATURE_OFF] = "off",
        [SP_OFFLOAD_FEATURE_ON] = "on",
    };
    return names[state];
}

/* What the driver's sources say: "yes", "no", or "-" when we know nothing of the driver. */
static const char *by_driver(const struct sp_offload_suite *suite)
{
    if (!suite->is_known)
        return "-";
    return suite->is_taken ? "yes" : "no";
}

struct found {
    json_t *suites;
    struct table *table;
};

static void add_row(struct table *table, const struct sp_offload_suite *suite)
{
    char name[SP_SUITE_TEXT_BYTES];
    table_add(table, "%s", sp_suite_format(suite->encryption, suite->integrity, name));
    table_add(table, "%s", by_driver(suite));
    if (!suite->is_asked || !suite->is_there) {
        table_add(table, "-");
        table_add(table, "%s", suite->is_asked ? suite->crypto_refusal : "not asked");
        return;
    }
    table_add(table, "%s", sp_offload_mode_name(suite->granted));
    if (suite->granted == SP_OFFLOAD_SOFTWARE)
        table_add(table, "no crypto: %s", suite->crypto_refusal);
    else if (suite->granted == SP_OFFLOAD_CRYPTO)
        table_add(table, "no packet: %s", suite->packet_refusal);
    else
        table_add(table, "-");
}

static json_t *reason(const char *text)
{
    return text[0] != '\0' ? json_text(text) : json_null();
}

static void note_suite(const struct sp_offload_suite *suite, void *context)
{
    struct found *found = context;
    const bool has_answer = suite->is_asked && suite->is_there;
    json_t *object = tool_need(json_object());
    json_put(object, "encryption", json_text(sp_encryption_name(suite->encryption)));
    json_put(object, "integrity", json_text(sp_integrity_name(suite->integrity)));
    json_put(object, "driver_takes", suite->is_known ? json_boolean(suite->is_taken) : json_null());
    json_put(object, "kernel_has", suite->is_asked ? json_boolean(suite->is_there) : json_null());
    json_put(object, "granted", has_answer ? json_text(sp_offload_mode_name(suite->granted)) : json_null());
    json_put(object, "packet_refusal", suite->is_asked ? reason(suite->packet_refusal) : json_null());
    json_put(object, "crypto_refusal", suite->is_asked ? reason(suite->crypto_refusal) : json_null());
    json_push(found->suites, object);
    add_row(found->table, suite);
}

static json_t *device_json(const struct sp_offload_device *device, json_t *suites)
{
    json_t *features = tool_need(json_object());
    for (int i = 0; device->has_features && i < SP_OFFLOAD_FEATURE_COUNT; i++)
        json_put(features, sp_offload_feature_name((enum sp_offload_feature)i),
                 json_text(state_name(device->features[i])));
    json_t *object = tool_need(json_object());
    json_put(object, "device", json_text(device->name));
    json_put(object, "driver", reason(device->driver));
    json_put(object, "driver_takes", reason(device->driver_takes));
    json_put(object, "features", features);
    json_put(object, "trouble", reason(device->trouble));
    json_put(object, "suites", suites);
    return object;
}

static void print_device(const struct sp_offload_device *device, struct table *table)
{
    printf("%s: driver ", device->name);
    if (!device->driver[0])
        printf("not told\n");
    else if (device->driver_takes[0])
        printf("%s, which takes, by the sources of Linux 6.12: %s\n", device->driver, device->driver_takes);
    else
        printf("%s, which by the sources of Linux 6.12 offloads no ESP\n", device->driver);
    if (!device->has_features)
        printf("this kernel doesn't tell what devices advertise: CONFIG_ETHTOOL_NETLINK\n");
    for (int i = 0; device->has_features && i < SP_OFFLOAD_FEATURE_COUNT; i++)
        printf("  %-24s %s\n", sp_offload_feature_name((enum sp_offload_feature)i),
               state_name(device->features[i]));
    if (device->trouble[0])
        printf("the kernel could not be asked: %s\n", device->trouble);
    putchar('\n');
    table_print(table, stdout, terminal_is(stdout));
}

static int probe(const char *name, bool as_json)
{
    struct sp_offload_device device;
    struct found found = {.suites = tool_need(json_array()),
                          .table = table_create("SUITE|DRIVER|GRANTED|WHY NOT MORE")};
    const enum sp_status status = sp_offload_device_probe(name, note_suite, &found, &device);
    if (status != SP_OK)
        tool_say("there is no device \"%s\"", name);
    else if (as_json)
        json_print(device_json(&device, json_incref(found.suites)), stdout, true);
    else
        print_device(&device, found.table);
    json_decref(found.suites);
    table_destroy(&found.table);
    return tool_exit_of(status);
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
    bool as_json = false;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option != 'j')
            return tool_usage("offload", "unknown option");
        as_json = true;
    }
    if (argc - optind != 2 || strcmp(argv[optind], "probe") != 0)
        return tool_usage("offload", "write \"probe\" and a device");
    return probe(argv[optind + 1], as_json);
}

const struct verb verb_offload = {
    .name = "offload",
    .summary = "what a NIC would do for ESP",
    .help =
        "Usage: ipsecctl offload probe [--json] DEVICE\n"
        "\n"
        "Shows what a device advertises (ethtool's features), what its driver takes by the sources of "
        "Linux,\n"
        "and what the kernel grants when it is asked, suite by suite: an SA of chance from this host to\n"
        "itself is added, read back and deleted, so that no packet is concerned. That part needs root.\n"
        "\n"
        "  --json   all of it as JSON\n"
        "\n"
        "DRIVER is what the driver's sources say; GRANTED what is granted now: packet, crypto, or software,\n"
        "when the NIC does nothing and the kernel does the ESP.\n"
        "\n"
        "Exit status: 0 shown, 1 wrong usage, 2 there is no such device.\n"
        "\n"
        "Example:\n"
        "  ipsecctl offload probe eth0\n",
    .run = run,
};
