/* SPDX-License-Identifier: ISC
 *
 * ipsecmon: a daemon's security associations and counters, live. On a terminal it redraws one screen;
 * elsewhere it prints tables or JSON, one after the other. A daemon that is away is waited for.
 */
#include "control.h"
#include "arguments.h"
#include "screen.h"
#include "terminal.h"
#include "tool.h"
#include "views.h"

#include <getopt.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const char help[] =
    "Usage: ipsecmon [-i SECONDS] [--once] [--json] [--control PATH]\n"
    "\n"
    "Shows the security associations and counters of a running sallyportd(8), again and again. On a\n"
    "terminal it fills the screen, and \"q\" ends it.\n"
    "\n"
    "  -i SECONDS, --interval SECONDS   how often, 0.1 and up; default 1\n"
    "  --once                           print the tables once and end\n"
    "  --json                           one object; without --once one a line, each interval\n"
    "  --control PATH                   the daemon's control socket,\n"
    "                                   default " CONTROL_DEFAULT_PATH "\n"
    "  --version                        which Sallyport this is\n"
    "\n"
    "Exit status: 0 ended, 1 wrong usage, 2 (--once) no daemon answers.\n"
    "\n"
    "Example:\n"
    "  ipsecmon -i 0.5\n";

struct wish {
    const char *path;
    uint32_t interval_ms;
    bool is_once, as_json, is_help, is_version;
};

static int read_wish(int argc, char **argv, struct wish *wish)
{
    static const struct option options[] = {
        {"interval", required_argument, NULL, 'i'},
        {"once", no_argument, NULL, 'o'},
        {"json", no_argument, NULL, 'j'},
        {"control", required_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {0},
    };
    *wish = (struct wish){.path = CONTROL_DEFAULT_PATH, .interval_ms = 1000};
    for (int option; (option = getopt_long(argc, argv, "i:h", options, NULL)) != -1;) {
        if (option == 'i' && !argument_seconds(optarg, &wish->interval_ms))
            return tool_usage(NULL, "-i %s: write seconds, 0.1 to 86400", optarg);
        if (option == '?')
            return tool_usage(NULL, "unknown option, or one without its value");
        wish->path = option == 'c' ? optarg : wish->path;
        wish->is_once |= option == 'o';
        wish->as_json |= option == 'j';
        wish->is_help |= option == 'h';
        wish->is_version |= option == 'v';
    }
    if (optind != argc)
        return tool_usage(NULL, "\"%s\" is too much: all arguments are options", argv[optind]);
    return TOOL_OK;
}

static void print_tables(const struct sample *former, const struct sample *now)
{
    const bool is_aligned = terminal_is(stdout);
    if (is_aligned)
        view_headline(stdout, now);
    view_totals(stdout, former, now, is_aligned);
    view_drops(stdout, former, now, is_aligned);
    view_sas(stdout, former, now, is_aligned, 0);
}

static int once(const struct wish *wish)
{
    const struct sample former = {0};
    struct sample now;
    sample_take(&now, wish->path);
    const int exit_code = now.status ? TOOL_OK : TOOL_NOT_APPLIED;
    if (wish->as_json)
        json_print(view_json(&former, &now), stdout, true);
    else if (now.status)
        print_tables(&former, &now);
    else
        tool_say("%s", now.reason);
    sample_drop(&now);
    return exit_code;
}

static uint64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

/* Prints on and on, for whoever reads the other end of the pipe, and ends when that is gone. */
static int stream(const struct wish *wish)
{
    struct sample former = {0}, now;
    while (!ferror(stdout)) {
        const uint64_t started_ms = monotonic_ms();
        sample_take(&now, wish->path);
        if (wish->as_json)
            json_print(view_json(&former, &now), stdout, false);
        else if (now.status)
            print_tables(&former, &now);
        else
            tool_say("%s", now.reason);
        if (fflush(stdout) != 0)
            break;
        sample_drop(&former);
        former = now;
        const uint64_t spent_ms = monotonic_ms() - started_ms;
        if (spent_ms < wish->interval_ms)
            usleep((useconds_t)(wish->interval_ms - spent_ms) * 1000u);
    }
    sample_drop(&former);
    return TOOL_OK;
}

/* How many lines a text has. */
static unsigned lines_of(const char *text)
{
    unsigned lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

static void draw_title(FILE *out, const struct wish *wish)
{
    char clock[16];
    const time_t now = time(NULL);
    struct tm local;
    strftime(clock, sizeof clock, "%H:%M:%S", localtime_r(&now, &local));
    fprintf(out, "ipsecmon  %s  every %g s  q quits\n", clock, wish->interval_ms / 1000.0);
}

static void draw(const struct wish *wish, const struct sample *former, const struct sample *now)
{
    char *text = NULL;
    size_t len_bytes = 0;
    FILE *out = tool_need(open_memstream(&text, &len_bytes));
    draw_title(out, wish);
    view_headline(out, now);
    if (now->status) {
        fputc('\n', out);
        view_totals(out, former, now, true);
        view_drops(out, former, now, true);
        fflush(out);
        /* an empty line and the headings come before the SAs */
        const unsigned used = lines_of(text) + 2;
        view_sas(out, former, now, true, screen_rows() > used + 1 ? screen_rows() - used : 1);
    } else {
        fputs("\nTrying again.\n", out);
    }
    fclose(out);
    screen_draw(text);
    free(text);
}

static int watch(const struct wish *wish)
{
    struct sample former = {0}, now;
    bool is_over = false;
    screen_enter();
    while (!is_over) {
        const uint64_t next_ms = monotonic_ms() + wish->interval_ms;
        sample_take(&now, wish->path);
        draw(wish, &former, &now);
        for (uint64_t at_ms; !is_over && (at_ms = monotonic_ms()) < next_ms;) {
            const enum screen_event event = screen_wait((uint32_t)(next_ms - at_ms));
            is_over = event == SCREEN_QUIT;
            if (event == SCREEN_REDRAW)
                draw(wish, &former, &now);
        }
        sample_drop(&former);
        former = now;
    }
    screen_leave();
    sample_drop(&former);
    return TOOL_OK;
}

static int run(int argc, char **argv)
{
    struct wish wish;
    const int exit_code = read_wish(argc, argv, &wish);
    if (exit_code != TOOL_OK)
        return exit_code;
    if (wish.is_help || wish.is_version) {
        if (wish.is_help)
            fputs(help, stdout);
        else
            printf("ipsecmon %s\n", sp_version());
        return TOOL_OK;
    }
    if (wish.is_once)
        return once(&wish);
    return wish.as_json || !terminal_can_draw(stdout) ? stream(&wish) : watch(&wish);
}

int main(int argc, char **argv)
{
    tool_start("ipsecmon");
    return tool_finish(run(argc, argv));
}
