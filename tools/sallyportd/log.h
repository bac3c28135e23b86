/* SPDX-License-Identifier: ISC
 *
 * One line of the log, to stderr: what a service manager collects. Never a key, never a packet's payload.
 */
#ifndef SALLYPORTD_LOG_H
#define SALLYPORTD_LOG_H

#include <sallyport/analysis.h>

#include <stdio.h>

__attribute__((format(printf, 1, 2))) void log_line(const char *format, ...);
/* The same, and ": " and what errno says. */
__attribute__((format(printf, 1, 2))) void log_errno(const char *format, ...);

/* A file's findings, each with its place; says so when there is none though status isn't SP_OK. */
void log_report(const char *path, enum sp_status status, const struct sp_report *report);
/* What is odd about a policy: the warnings, with their places and packets. */
void log_check(const struct sp_check *check);
/* What this thread logs goes there too, until it is NULL again: to tell whoever asked for what is being done.
 */
void log_also_to(FILE *out);

#endif
