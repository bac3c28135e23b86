/* SPDX-License-Identifier: ISC
 *
 * Moments, as events are told with.
 */
#ifndef TOOLS_MOMENT_H
#define TOOLS_MOMENT_H

/* Now, in UTC and as RFC 3339 has it, "2026-11-25T08:30:00.250Z", to text[MOMENT_BYTES]; returns text. */
#define MOMENT_BYTES 48
const char *moment_now(char *text);

#endif
