/* SPDX-License-Identifier: ISC
 *
 * A few ANSI sequences (ECMA-48 and xterm's alternate screen) and one termios change are all that a monitor
 * needs. What matters is giving the terminal back: the signal handlers do it themselves, with calls that are
 * allowed there, so that it also works while the program waits for a daemon that hangs.
 */
#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define ENTER "\033[?1049h\033[?25l\033[2J"
#define LEAVE "\033[?25h\033[?1049l"
#define ROWS_DEFAULT 24
#define COLUMNS_DEFAULT 80

static struct termios former, own;
static volatile sig_atomic_t is_entered, has_termios, must_redraw;
/* Without SIGWINCH, which is let in only while screen_wait sleeps: between looking at must_redraw and
 * sleeping it would be missed. */
static sigset_t waiting_mask;

static void put(const char *sequence, size_t len_bytes)
{
    const int error = errno;
    while (len_bytes > 0) {
        const ssize_t written = write(STDOUT_FILENO, sequence, len_bytes);
        if (written < 0 && errno != EINTR)
            break;
        sequence += written > 0 ? written : 0;
        len_bytes -= written > 0 ? (size_t)written : 0;
    }
    errno = error;
}

static void take(void)
{
    if (has_termios)
        tcsetattr(STDIN_FILENO, TCSANOW, &own);
    put(ENTER, sizeof ENTER - 1);
    is_entered = 1;
}

static void give_back(void)
{
    if (!is_entered)
        return;
    is_entered = 0;
    put(LEAVE, sizeof LEAVE - 1);
    if (has_termios)
        tcsetattr(STDIN_FILENO, TCSANOW, &former);
}

static void on_end(int signal_number)
{
    give_back();
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void on_stop(int signal_number)
{
    (void)signal_number;
    give_back();
    raise(SIGSTOP);
    take();
    raise(SIGWINCH); /* the window may have another size now, and shows nothing yet */
}

static void on_resize(int signal_number)
{
    (void)signal_number;
    must_redraw = 1;
}

static void catch_signal(int signal_number, void (*handler)(int))
{
    struct sigaction former_action;
    if (sigaction(signal_number, NULL, &former_action) == 0 && former_action.sa_handler == SIG_IGN)
        return;
    struct sigaction action = {.sa_handler = handler};
    sigfillset(&action.sa_mask);
    sigaction(signal_number, &action, NULL);
}

void screen_enter(void)
{
    has_termios = tcgetattr(STDIN_FILENO, &former) == 0;
    if (has_termios) {
        own = former;
        own.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        own.c_cc[VMIN] = 0;
        own.c_cc[VTIME] = 0;
    }
    catch_signal(SIGINT, on_end);
    catch_signal(SIGTERM, on_end);
    catch_signal(SIGHUP, on_end);
    catch_signal(SIGQUIT, on_end);
    catch_signal(SIGTSTP, on_stop);
    catch_signal(SIGWINCH, on_resize);
    sigset_t resize;
    sigemptyset(&resize);
    sigaddset(&resize, SIGWINCH);
    sigprocmask(SIG_BLOCK, &resize, &waiting_mask);
    take();
}

void screen_leave(void)
{
    give_back();
}

static void window_size(unsigned *ret_rows, unsigned *ret_columns)
{
    struct winsize size = {0};
    const bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0;
    *ret_rows = is_known ? size.ws_row : ROWS_DEFAULT;
    *ret_columns = is_known ? size.ws_col : COLUMNS_DEFAULT;
}

unsigned screen_rows(void)
{
    unsigned rows, columns;
    window_size(&rows, &columns);
    return rows;
}

/* The bytes of a line's first columns characters; a UTF-8 character is not cut in two. */
static size_t fitting_bytes(const char *line, size_t len_bytes, unsigned columns)
{
    size_t end = 0;
    for (unsigned column = 0; end < len_bytes; end++) {
        if (((unsigned char)line[end] & 0xc0) == 0x80)
            continue;
        if (column++ == columns)
            break;
    }
    return end;
}

void screen_draw(const char *text)
{
    unsigned rows, columns;
    char *frame = NULL;
    size_t frame_bytes = 0;
    window_size(&rows, &columns);
    FILE *out = open_memstream(&frame, &frame_bytes);
    if (!out)
        return;
    fputs("\033[H", out);
    for (unsigned row = 0; row < rows && *text; row++) {
        const size_t len_bytes = strcspn(text, "\n");
        fprintf(out, "%s%.*s\033[K", row > 0 ? "\r\n" : "", (int)fitting_bytes(text, len_bytes, columns),
                text);
        text += len_bytes + (text[len_bytes] == '\n');
    }
    fputs("\033[J", out);
    if (fclose(out) == 0)
        put(frame, frame_bytes);
    free(frame);
}

enum screen_event screen_wait(uint32_t wait_ms)
{
    struct pollfd input = {.fd = has_termios ? STDIN_FILENO : -1, .events = POLLIN};
    const struct timespec wait = {.tv_sec = wait_ms / 1000, .tv_nsec = (long)(wait_ms % 1000) * 1000000};
    const int ready = ppoll(&input, 1, &wait, &waiting_mask);
    if (must_redraw) {
        must_redraw = 0;
        return SCREEN_REDRAW;
    }
    if (ready <= 0)
        return ready < 0 ? SCREEN_REDRAW : SCREEN_TIMEOUT;
    char key = 0;
    const ssize_t got = read(STDIN_FILENO, &key, 1);
    return got < 0 || (got == 0 && (input.revents & POLLHUP)) || key == 'q' || key == 'Q' ? SCREEN_QUIT
                                                                                          : SCREEN_REDRAW;
}
