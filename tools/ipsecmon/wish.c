/* SPDX-License-Identifier: ISC
 *
 * ipsecmon's options.
 */
#include "wish.h"

#include "arguments.h"
#include "control.h"
#include "tool.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define PROMETHEUS_PORT 9750u
#define WEB_PORT 8750u

static const char help[] =
    "Usage: ipsecmon [OPTION...]\n"
    "Shows this host's security associations and counters, live. \"h\" tells the keys.\n"
    "\n"
    "  -i SECONDS, --interval SECONDS  how often, 0.1 and up; default 1\n"
    "  --once, --json, --csv           print once; objects; a line an association\n"
    "  --filter FILTER                 only these: \"peer=192.0.2.0/24 port=80\"\n"
    "  --expect-encrypted FILTER       for one interval: 0 only if packets go under ESP\n"
    "  --openmetrics                   print metrics, for Prometheus to read\n"
    "  --prometheus [ADDRESS:PORT]     serve them; default 127.0.0.1:9750\n"
    "  --web [ADDRESS:PORT]            serve a live page; default 127.0.0.1:8750\n"
    "  --backend user|kernel           sallyportd, or the kernel's IPsec (root)\n"
    "  --control PATH                  default " CONTROL_DEFAULT_PATH "\n"
    "  --stats PATH                    the daemon's statistics segment instead\n"
    "  --ascii                         no characters beyond ASCII on the screen\n"
    "  --version                       which Sallyport this is\n"
    "\n"
    "Exit status: 0 ended, or as expected; 1 wrong usage; 2 (--once) nobody answers,\n"
    "or not as expected.\n"
    "\n"
    "Example:\n"
    "  ipsecmon --expect-encrypted 'peer=192.0.2.2 dir=out' && echo protected\n";

void wish_help(void)
{
    fputs(help, stdout);
}

static int read_filter(struct wish *wish, const char *option, const char *text)
{
    char reason[256];
    if (wish->filter)
        return tool_usage(NULL, "%s: one filter is enough", option);
    wish->filter = filter_read(text, reason);
    return wish->filter ? TOOL_OK : tool_usage(NULL, "%s: %s", option, reason);
}

enum own_option {
    OPTION_ONCE = 256,
    OPTION_JSON,
    OPTION_CSV,
    OPTION_FILTER,
    OPTION_EXPECT,
    OPTION_METRICS,
    OPTION_PROMETHEUS,
    OPTION_WEB,
    OPTION_BACKEND,
    OPTION_CONTROL,
    OPTION_STATS,
    OPTION_ASCII,
    OPTION_VERSION,
};

static const struct option options[] = {
    {"interval", required_argument, NULL, 'i'},
    {"once", no_argument, NULL, OPTION_ONCE},
    {"json", no_argument, NULL, OPTION_JSON},
    {"csv", no_argument, NULL, OPTION_CSV},
    {"filter", required_argument, NULL, OPTION_FILTER},
    {"expect-encrypted", required_argument, NULL, OPTION_EXPECT},
    {"openmetrics", no_argument, NULL, OPTION_METRICS},
    {"prometheus", optional_argument, NULL, OPTION_PROMETHEUS},
    {"web", optional_argument, NULL, OPTION_WEB},
    {"backend", required_argument, NULL, OPTION_BACKEND},
    {"control", required_argument, NULL, OPTION_CONTROL},
    {"stats", required_argument, NULL, OPTION_STATS},
    {"ascii", no_argument, NULL, OPTION_ASCII},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {0},
};

static int take_source(struct wish *wish, int option)
{
    if (option != OPTION_BACKEND) {
        wish->source = option == OPTION_STATS ? SOURCE_SEGMENT : SOURCE_USER;
        wish->path = optarg;
        return TOOL_OK;
    }
    if (strcmp(optarg, "kernel") != 0 && strcmp(optarg, "user") != 0)
        return tool_usage(NULL, "--backend %s: write user or kernel", optarg);
    wish->source = strcmp(optarg, "kernel") == 0 ? SOURCE_KERNEL : wish->source;
    return TOOL_OK;
}

/* "192.0.2.1:9750", or a port of loopback's. */
static bool read_place(const char *text, struct http_place *ret_place)
{
    uint64_t port;
    if (argument_endpoint(text, true, &ret_place->address, &ret_place->port))
        return true;
    if (!argument_number(text, UINT16_MAX, &port))
        return false;
    ret_place->port = (uint16_t)port;
    return true;
}

/* An optional value may stand behind a space, since nothing else stands between options. */
static int take_place(struct http_place *place, const char *option, int argc, char **argv)
{
    const char *text = optarg;
    if (!text && optind < argc && argv[optind][0] != '-')
        text = argv[optind++];
    if (text && !read_place(text, place))
        return tool_usage(NULL, "%s %s: write ADDRESS:PORT, 127.0.0.1:%u say", option, text, place->port);
    return TOOL_OK;
}

static int take_service(struct wish *wish, int option, int argc, char **argv)
{
    if (option == OPTION_WEB) {
        wish->is_web = true;
        return take_place(&wish->web, "--web", argc, argv);
    }
    wish->is_metrics_served = true;
    return take_place(&wish->metrics, "--prometheus", argc, argv);
}

static int take_option(struct wish *wish, int option)
{
    switch (option) {
    case 'i':
        if (!argument_seconds(optarg, &wish->interval_ms))
            return tool_usage(NULL, "-i %s: write seconds, 0.1 to 86400", optarg);
        return TOOL_OK;
    case OPTION_ONCE:
        wish->is_once = true;
        return TOOL_OK;
    case OPTION_JSON:
        wish->output = OUTPUT_JSON;
        return TOOL_OK;
    case OPTION_CSV:
        wish->output = OUTPUT_CSV;
        return TOOL_OK;
    case OPTION_FILTER:
        return read_filter(wish, "--filter", optarg);
    case OPTION_EXPECT:
        wish->is_expecting = true;
        return read_filter(wish, "--expect-encrypted", optarg);
    case OPTION_METRICS:
        wish->output = OUTPUT_METRICS;
        return TOOL_OK;
    case OPTION_ASCII:
        wish->is_ascii = true;
        return TOOL_OK;
    case OPTION_VERSION:
        wish->is_version = true;
        return TOOL_OK;
    case 'h':
        wish->is_help = true;
        return TOOL_OK;
    case OPTION_BACKEND:
    case OPTION_CONTROL:
    case OPTION_STATS:
        return take_source(wish, option);
    default:
        return tool_usage(NULL, "unknown option, or one without its value");
    }
}

int wish_read(int argc, char **argv, struct wish *ret_wish)
{
    static const struct sp_address loopback = {.family = 4, .bytes = {127, 0, 0, 1}};
    *ret_wish = (struct wish){.path = CONTROL_DEFAULT_PATH,
                              .interval_ms = 1000,
                              .metrics = {.address = loopback, .port = PROMETHEUS_PORT},
                              .web = {.address = loopback, .port = WEB_PORT}};
    for (int option; (option = getopt_long(argc, argv, "i:h", options, NULL)) != -1;) {
        const bool is_service = option == OPTION_PROMETHEUS || option == OPTION_WEB;
        const int exit_code =
            is_service ? take_service(ret_wish, option, argc, argv) : take_option(ret_wish, option);
        if (exit_code != TOOL_OK)
            return exit_code;
    }
    if (optind != argc)
        return tool_usage(NULL, "\"%s\" is too much: all arguments are options", argv[optind]);
    return TOOL_OK;
}

void wish_free(struct wish *wish)
{
    filter_destroy(&wish->filter);
}
