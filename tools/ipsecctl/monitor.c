/* SPDX-License-Identifier: ISC
 *
 * ipsecctl monitor: what happens to the kernel's IPsec or to sallyportd's, one event a line, until it is
 * interrupted.
 */
#include "arguments.h"
#include "backend.h"
#include "control.h"
#include "moment.h"
#include "monitor_daemon.h"
#include "terminal.h"
#include "verb.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

static json_t *address_text(const struct sp_address *address)
{
    char text[SP_ADDRESS_TEXT_BYTES];
    return address->family ? json_text(sp_address_format(address, text)) : json_null();
}

static void print_json(const struct sp_offload_event *event, const char *when)
{
    json_t *object = tool_need(json_object());
    json_put(object, "time", json_text(when));
    json_put(object, "event", json_text(sp_offload_event_name(event->kind)));
    json_put(object, "ours", json_boolean(event->is_ours));
    json_put(object, "spi", event->spi ? json_number(event->spi) : json_null());
    json_put(object, "source", address_text(&event->source));
    json_put(object, "destination", address_text(&event->destination));
    json_put(object, "offload",
             event->device[0] ? json_text(sp_offload_mode_name(event->offload)) : json_null());
    json_put(object, "device", event->device[0] ? json_text(event->device) : json_null());
    json_put(object, "text", json_text(event->text));
    json_print(object, stdout, false);
}

/* False: nobody reads any more. */
static bool print(const struct sp_offload_event *event, bool as_json)
{
    char when[MOMENT_BYTES];
    moment_now(when);
    if (as_json) {
        print_json(event, when);
    } else {
        printf("%s %-16s %s ", when, sp_offload_event_name(event->kind), event->is_ours ? "ours" : "-   ");
        terminal_write(stdout, event->text);
        putchar('\n');
    }
    return fflush(stdout) == 0;
}

/* All that is there; an exit code, or -1 to go on. */
static int drain(struct sp_offload_monitor *monitor, bool as_json, uint64_t *left)
{
    struct sp_offload_event event;
    enum sp_status status;
    while ((status = sp_offload_monitor_next(monitor, &event)) == SP_OK) {
        if (!print(&event, as_json))
            return TOOL_NOT_APPLIED;
        if (*left > 0 && --*left == 0)
            return TOOL_OK;
    }
    return status == SP_ERR_NOT_FOUND ? -1 : backend_failed(status, NULL);
}

static int watch(bool as_json, uint64_t count)
{
    struct sp_offload_monitor *monitor = NULL;
    const enum sp_status status = sp_offload_monitor_open(&monitor);
    if (status != SP_OK)
        return backend_failed(status, NULL);
    tool_say("listening");
    int exit_code = -1;
    while (exit_code < 0) {
        struct pollfd wait = {.fd = sp_offload_monitor_descriptor(monitor), .events = POLLIN};
        if (poll(&wait, 1, -1) < 0 && errno != EINTR)
            exit_code = backend_failed(SP_ERR_SYSTEM, NULL);
        else
            exit_code = drain(monitor, as_json, &count);
    }
    sp_offload_monitor_close(&monitor);
    return exit_code;
}

struct request {
    enum backend backend;
    bool has_backend, as_json;
    uint64_t count;
    const char *control_path; /* NULL: not said */
};

static int take_option(int option, struct request *request)
{
    if (option == 'j')
        request->as_json = true;
    else if (option == 's')
        request->control_path = optarg;
    else if (option == 'c' && (!argument_number(optarg, UINT32_MAX, &request->count) || request->count == 0))
        return tool_usage("monitor", "--count %s: write a number from 1", optarg);
    else if (option == 'b' && !(request->has_backend = backend_read(optarg, &request->backend)))
        return tool_usage("monitor", "--backend %s: write " BACKEND_NAMES, optarg);
    else if (option == '?')
        return tool_usage("monitor", "unknown option, or one without its value");
    return TOOL_OK;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"backend", required_argument, NULL, 'b'},
                                            {"control", required_argument, NULL, 's'},
                                            {"count", required_argument, NULL, 'c'},
                                            {"json", no_argument, NULL, 'j'},
                                            {0}};
    struct request request = {0};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;)
        if (take_option(option, &request) != TOOL_OK)
            return TOOL_USAGE;
    if (optind != argc)
        return tool_usage("monitor", "\"%s\" is too much: all arguments are options", argv[optind]);
    if (!request.has_backend)
        return tool_usage("monitor", "needs --backend");
    if (request.backend == BACKEND_USER)
        return monitor_daemon(request.control_path ? request.control_path : CONTROL_DEFAULT_PATH,
                              request.as_json, request.count);
    if (request.control_path)
        return tool_usage("monitor", "--control is for --backend user");
    return watch(request.as_json, request.count);
}

const struct verb verb_monitor = {
    .name = "monitor",
    .summary = "what happens to SAs and policies",
    .help =
        "Usage: ipsecctl monitor --backend user|kernel|nic [--control PATH] [--count N] [--json]\n"
        "\n"
        "Prints what happens to SAs and policies, one event a line: added, changed, deleted, near a limit,\n"
        "expired, and packets that need an SA that isn't there (acquire). No keys.\n"
        "\n"
        "  --backend B      whose: user is sallyportd; kernel and nic the kernel, which says what is on a "
        "NIC\n"
        "  --control PATH   sallyportd's socket (/run/sallyport/control.sock)\n"
        "  --count N        end after so many\n"
        "  --json           an object a line\n"
        "\n"
        "Exit status: 0 after so many, 1 wrong usage, 2 it can't be listened to (any more).\n"
        "\n"
        "Examples:\n"
        "  ipsecctl monitor --backend user --json\n"
        "  ipsecctl monitor --backend kernel\n",
    .run = run,
};
