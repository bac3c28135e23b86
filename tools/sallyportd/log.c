/* SPDX-License-Identifier: ISC
 *
 * The log.
 */
#include "log.h"

#include "check_report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_BYTES 1024

static _Thread_local FILE *also;

void log_also_to(FILE *out)
{
    also = out;
}

/* One write a line, so that the lines of two threads never mix. */
static void write_line(const char *format, va_list arguments, const char *suffix)
{
    char line[LINE_BYTES];
    vsnprintf(line, sizeof line, format, arguments);
    fprintf(stderr, "sallyportd: %s%s%s\n", line, suffix ? ": " : "", suffix ? suffix : "");
    if (also)
        fprintf(also, "%s%s%s\n", line, suffix ? ": " : "", suffix ? suffix : "");
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

void log_report(const char *path, enum sp_status status, const struct sp_report *report)
{
    sp_report_print(report, stderr);
    if (also)
        sp_report_print(report, also);
    if (status != SP_OK && sp_report_errors(report) == 0)
        log_line("%s: %s", path, sp_status_text(status));
}

void log_check(const struct sp_check *check)
{
    check_print(check, false, stderr);
    if (also)
        check_print(check, false, also);
}
