/* SPDX-License-Identifier: ISC
 *
 * What every tool does alike: how it exits, how it complains, and what it does without memory.
 */
#ifndef TOOLS_TOOL_H
#define TOOLS_TOOL_H

#include <sallyport/status.h>

#include <stdbool.h>

enum tool_exit {
    TOOL_OK = 0,
    TOOL_USAGE = 1,       /* wrong usage, or a text with errors */
    TOOL_NOT_APPLIED = 2, /* understood, but it could not be done */
};

/* Starts a tool: name stands in front of its complaints. Takes the locale of the terminal. */
void tool_start(const char *name);

/* "ipsecctl: sentence" to stderr. */
void tool_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same, then where to find help; always TOOL_USAGE. verb may be NULL. */
int tool_usage(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The pointer, or the end of the tool when it is NULL: memory is out. */
void *tool_need(void *pointer) __attribute__((returns_nonnull));
char *tool_text(const char *format, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

/* TOOL_USAGE for a text with errors, TOOL_NOT_APPLIED for any other failure. */
int tool_exit_of(enum sp_status status);

/* Flushes stdout: a full disk or a gone reader turns TOOL_OK into TOOL_NOT_APPLIED. */
int tool_finish(int exit_code);

#endif
