/* SPDX-License-Identifier: ISC
 *
 * Keys and time: asks the source each interval, lets the panes draw, and minds what is typed meanwhile.
 *
 * A signal that ends the monitor is noted and acted upon outside of the handler: ncurses gives the terminal
 * back, then the signal is raised again, so that who waits for us sees why we ended.
 */
#include "screen.h"

#include "panes.h"
#include "terminal.h"
#include "tool.h"

#include <ncurses.h>

#include <langinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_LEAST_MS 100u
#define INTERVAL_MOST_MS 86400000u
#define TURN_MS 200

static volatile sig_atomic_t ending_signal, must_stop;

static void on_end(int signal_number)
{
    ending_signal = signal_number;
}

static void on_stop(int signal_number)
{
    (void)signal_number;
    must_stop = 1;
}

static void catch_signals(void)
{
    struct sigaction stop = {.sa_handler = on_stop};
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct sigaction former, action = {.sa_handler = on_end};
        if (sigaction(ends[i], NULL, &former) == 0 && former.sa_handler == SIG_IGN)
            continue;
        sigaction(ends[i], &action, NULL);
    }
    sigaction(SIGTSTP, &stop, NULL);
}

/* Gives the terminal back for as long as we are stopped. SIGSTOP, because SIGTSTP can be without effect. */
static void stop_for_a_while(void)
{
    must_stop = 0;
    endwin();
    raise(SIGSTOP);
    refresh();
}

bool screen_is_possible(void)
{
    return terminal_can_draw(stdout) && isatty(STDIN_FILENO) == 1;
}

static uint64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

struct screen {
    struct view_state view;
    struct filter *filter;
    char notice[256];
    bool is_over;
};

static void apply_filter(struct screen *screen)
{
    struct filter *filter = filter_read(screen->view.filter_text, screen->notice);
    if (!filter) {
        screen->view.filter_text[0] = '\0';
        return;
    }
    filter_destroy(&screen->filter);
    screen->view.filter = screen->filter = filter;
    screen->view.selected = screen->view.top = 0;
}

static void type(struct screen *screen, int key)
{
    char *text = screen->view.filter_text;
    const size_t len_bytes = strlen(text);
    if (key == '\n' || key == '\r' || key == KEY_ENTER || key == 27) {
        screen->view.is_typing = false;
        if (key == 27)
            text[0] = '\0';
        apply_filter(screen);
    } else if (key == KEY_BACKSPACE || key == 127 || key == 8) {
        text[len_bytes > 0 ? len_bytes - 1 : 0] = '\0';
    } else if (key >= ' ' && key < 127 && len_bytes + 1 < sizeof screen->view.filter_text) {
        text[len_bytes] = (char)key;
        text[len_bytes + 1] = '\0';
    }
}

static void move_selected(struct view_state *view, int by)
{
    if (by < 0 && view->selected < (size_t)-by)
        view->selected = 0;
    else
        view->selected += (size_t)by; /* the panes know the end */
}

static void change_interval(struct view_state *view, bool is_longer)
{
    const uint32_t changed = is_longer ? view->interval_ms * 2 : view->interval_ms / 2;
    view->interval_ms = changed < INTERVAL_LEAST_MS  ? INTERVAL_LEAST_MS
                        : changed > INTERVAL_MOST_MS ? INTERVAL_MOST_MS
                                                     : changed;
}

static void press(struct screen *screen, int key)
{
    struct view_state *view = &screen->view;
    const int page = getmaxy(stdscr) / 2;
    screen->notice[0] = '\0';
    switch (key) {
    case 'q':
        screen->is_over = true;
        return;
    case KEY_UP:
    case 'k':
        move_selected(view, -1);
        return;
    case KEY_DOWN:
    case 'j':
        move_selected(view, 1);
        return;
    case KEY_PPAGE:
        move_selected(view, -page);
        return;
    case KEY_NPAGE:
        move_selected(view, page);
        return;
    case KEY_HOME:
        view->selected = 0;
        return;
    case KEY_END:
        view->selected = SIZE_MAX / 2;
        return;
    case '\n':
    case '\r':
    case KEY_ENTER:
        view->is_detail = !view->is_detail;
        return;
    case 27:
        view->is_detail = view->is_help = false;
        return;
    case 'h':
    case '?':
        view->is_help = !view->is_help;
        return;
    case 's':
        view->sort = (enum sort_key)((view->sort + 1) % SORT_COUNT);
        return;
    case 'r':
        view->is_reversed = !view->is_reversed;
        return;
    case 'a':
        view->has_all_drops = !view->has_all_drops;
        return;
    case '/':
        view->is_typing = true;
        return;
    case '+':
    case '-':
        change_interval(view, key == '-');
        return;
    default:
        return;
    }
}

static void start(const struct wish *wish)
{
    catch_signals();
    initscr();
    cbreak();
    noecho();
    nonl();
    curs_set(0);
    keypad(stdscr, TRUE);
    set_escdelay(50);
    if (terminal_has_colour(stdout) && has_colors())
        panes_start_colours();
    (void)wish;
}

/* Until it is time to ask again. */
static void mind_keys(struct screen *screen, const struct snapshot *now, uint64_t started_ms)
{
    while (!screen->is_over && !ending_signal) {
        const uint64_t spent_ms = monotonic_ms() - started_ms;
        if (spent_ms >= screen->view.interval_ms)
            return;
        const uint64_t left_ms = screen->view.interval_ms - spent_ms;
        timeout(left_ms < TURN_MS ? (int)left_ms : TURN_MS);
        const int key = getch();
        if (must_stop)
            stop_for_a_while();
        if (key == ERR)
            continue;
        if (key != KEY_RESIZE && screen->view.is_typing)
            type(screen, key);
        else if (key != KEY_RESIZE)
            press(screen, key);
        panes_draw(now, &screen->view, getmaxy(stdscr), getmaxx(stdscr));
    }
}

int screen_watch(struct source *source, const struct wish *wish)
{
    struct screen screen = {
        .view = {.interval_ms = wish->interval_ms,
                 .filter = wish->filter,
                 .is_ascii = wish->is_ascii || strcmp(nl_langinfo(CODESET), "UTF-8") != 0}};
    struct snapshot *former = NULL;
    screen.view.notice = screen.notice;
    start(wish);
    while (!screen.is_over && !ending_signal) {
        const uint64_t started_ms = monotonic_ms();
        struct snapshot *now = source_take(source, former);
        snapshot_destroy(&former);
        former = now;
        panes_draw(now, &screen.view, getmaxy(stdscr), getmaxx(stdscr));
        mind_keys(&screen, now, started_ms);
    }
    endwin();
    filter_destroy(&screen.filter);
    snapshot_destroy(&former);
    if (ending_signal) {
        signal(ending_signal, SIG_DFL);
        raise(ending_signal);
    }
    return TOOL_OK;
}
