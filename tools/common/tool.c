/* SPDX-License-Identifier: ISC
 *
 * The manners that all tools share; tool.h tells which.
 */
#include "tool.h"

#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *tool_name = "sallyport";

void tool_start(const char *name)
{
    tool_name = name;
    setlocale(LC_CTYPE, "");
}

void tool_say(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", tool_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

int tool_usage(const char *verb, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s%s%s: ", tool_name, verb ? " " : "", verb ? verb : "");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\nTry: %s%s%s --help\n", tool_name, verb ? " " : "", verb ? verb : "");
    va_end(arguments);
    return TOOL_USAGE;
}

void *tool_need(void *pointer)
{
    if (pointer)
        return pointer;
    tool_say("out of memory");
    exit(TOOL_NOT_APPLIED);
}

char *tool_text(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    const int len_bytes = vasprintf(&text, format, arguments);
    va_end(arguments);
    return tool_need(len_bytes < 0 ? NULL : text);
}

int tool_exit_of(enum sp_status status)
{
    switch (status) {
    case SP_OK:
        return TOOL_OK;
    case SP_ERR_PARSE:
    case SP_ERR_WEAK_KEY:
    case SP_ERR_KEY_LENGTH:
    case SP_ERR_SPI:
    case SP_ERR_EXISTS:
        return TOOL_USAGE;
    default:
        return TOOL_NOT_APPLIED;
    }
}

int tool_finish(int exit_code)
{
    const bool failed = fflush(stdout) != 0;
    const int error = errno;
    if (!failed && !ferror(stdout))
        return exit_code;
    if (failed)
        tool_say("standard output: %s", strerror(error));
    else
        tool_say("standard output could not be written");
    return exit_code == TOOL_OK ? TOOL_NOT_APPLIED : exit_code;
}
