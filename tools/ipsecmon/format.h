/* SPDX-License-Identifier: ISC
 *
 * Numbers in few characters.
 */
#ifndef IPSECMON_FORMAT_H
#define IPSECMON_FORMAT_H

#include "model.h"

#define SHORT_BYTES 48

/* "950", "12.3k", "4.56M" to text[SHORT_BYTES]; returns text. */
const char *format_short(double number, char *text);
/* The same with a space before the unit: "12.3 kB". */
const char *format_unit(double number, const char *unit, char *text);
/* "59 s", "12:05", "3 h 20", "2 d". */
const char *format_span(uint64_t seconds, char *text);
/* A port or a range of one end: "80", "any". "any -> 80" for both ends, to text[32]. */
const char *format_ports(const struct association *association, char *text);
/* A sentence: "IP Security is enabled on this computer". */
const char *format_enabled(const struct snapshot *snapshot);
/* Who is watched, in one line: "sallyportd 0.1.0 pid 4711 up 36 s, policy x generation 1". */
void format_headline(const struct snapshot *snapshot, char *text, size_t size_bytes);

#endif
