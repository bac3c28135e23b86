/* SPDX-License-Identifier: ISC
 *
 * One line of the log, to stderr: what a service manager collects. Never a key, never a packet's payload.
 */
#ifndef SALLYPORTD_LOG_H
#define SALLYPORTD_LOG_H

__attribute__((format(printf, 1, 2))) void log_line(const char *format, ...);
/* The same, and ": " and what errno says. */
__attribute__((format(printf, 1, 2))) void log_errno(const char *format, ...);

#endif
