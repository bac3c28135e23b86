/* SPDX-License-Identifier: ISC
 *
 * ipsecmon: what this host's IPsec does, live. A source fills snapshots (source.h), a view shows them: the
 * screen, or what is printed again and again. Who is away is waited for.
 */
#include "expect.h"
#include "json.h"
#include "screen.h"
#include "serve.h"
#include "terminal.h"
#include "tool.h"
#include "views.h"
#include "wish.h"

#include <time.h>
#include <unistd.h>

static void show(const struct wish *wish, const struct snapshot *snapshot)
{
    if (wish->output == OUTPUT_JSON)
        json_print(view_json(snapshot, wish->filter, JSON_WHOLE), stdout, wish->is_once);
    else if (wish->output == OUTPUT_METRICS)
        view_metrics(stdout, snapshot, METRICS_OPENMETRICS);
    else if (!snapshot->is_up)
        tool_say("%s", snapshot->reason);
    else if (wish->output == OUTPUT_CSV)
        view_csv(stdout, snapshot, wish->filter);
    else
        view_text(stdout, snapshot, wish->filter, terminal_is(stdout));
    if (snapshot->is_up && *snapshot->warning && wish->output != OUTPUT_JSON)
        tool_say("%s", snapshot->warning);
}

static int once(struct source *source, const struct wish *wish)
{
    struct snapshot *now = source_take(source, NULL);
    const int exit_code = now->is_up ? TOOL_OK : TOOL_NOT_APPLIED;
    show(wish, now);
    snapshot_destroy(&now);
    return exit_code;
}

static uint64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

/* Prints on and on, for whoever reads the other end of the pipe, and ends when that is gone. */
static int stream(struct source *source, const struct wish *wish)
{
    struct snapshot *former = NULL;
    while (!ferror(stdout)) {
        const uint64_t started_ms = monotonic_ms();
        struct snapshot *now = source_take(source, former);
        show(wish, now);
        if (fflush(stdout) != 0)
            break;
        snapshot_destroy(&former);
        former = now;
        const uint64_t spent_ms = monotonic_ms() - started_ms;
        if (spent_ms < wish->interval_ms)
            usleep((useconds_t)(wish->interval_ms - spent_ms) * 1000u);
    }
    snapshot_destroy(&former);
    return TOOL_OK;
}

static int watch(struct source *source, const struct wish *wish)
{
    if (wish->is_expecting)
        return expect_encrypted(source, wish);
    if (wish->is_metrics_served || wish->is_web)
        return serve(source, wish);
    if (wish->output == OUTPUT_CSV)
        view_csv_head(stdout);
    if (wish->is_once)
        return once(source, wish);
    if (wish->output == OUTPUT_TEXT && screen_is_possible())
        return screen_watch(source, wish);
    return stream(source, wish);
}

static int run(int argc, char **argv)
{
    struct wish wish;
    int exit_code = wish_read(argc, argv, &wish);
    if (exit_code == TOOL_OK && wish.is_help)
        wish_help();
    else if (exit_code == TOOL_OK && wish.is_version)
        printf("ipsecmon %s\n", sp_version());
    else if (exit_code == TOOL_OK) {
        struct source *source = source_open(wish.source, wish.path);
        exit_code = watch(source, &wish);
        source_close(&source);
    }
    wish_free(&wish);
    return exit_code;
}

int main(int argc, char **argv)
{
    tool_start("ipsecmon");
    return tool_finish(run(argc, argv));
}
