/* SPDX-License-Identifier: ISC
 *
 * The log.
 */
#include "log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_BYTES 1024

/* One write a line, so that the lines of two threads never mix. */
static void write_line(const char *format, va_list arguments, const char *suffix)
{
    char line[LINE_BYTES];
    vsnprintf(line, sizeof line, format, arguments);
    fprintf(stderr, "sallyportd: %s%s%s\n", line, suffix ? ": " : "", suffix ? suffix : "");
}

void log_line(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    write_line(format, arguments, NULL);
    va_end(arguments);
}

void log_errno(const char *format, ...)
{
    const char *reason = strerror(errno);
    va_list arguments;
    va_start(arguments, format);
    write_line(format, arguments, reason);
    va_end(arguments);
}
