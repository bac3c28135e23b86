/* SPDX-License-Identifier: ISC
 *
 * One line of the audit log: "time=... event=... key=value ...", and the same for the journal.
 */
#ifndef SALLYPORTD_AUDIT_LINE_H
#define SALLYPORTD_AUDIT_LINE_H

#include <sallyport/sa.h>

#include <stddef.h>
#include <stdint.h>

#define AUDIT_LINE_BYTES 4096u /* for 16 fields, each of which is cut before that would not do */

struct audit_line {
    char text[AUDIT_LINE_BYTES];   /* no newline in it, nor at its end */
    char fields[AUDIT_LINE_BYTES]; /* "SALLYPORT_KEY=value\n" each */
    size_t text_bytes, fields_bytes;
};

/* Since 1970, UTC. */
void audit_line_begin(struct audit_line *line, uint64_t real_time_ns, const char *event);
/* Quoted where it must be, as in C; longer than some 200 bytes it is cut. NULL and "" are left out. Keys are
 * lower case. */
void audit_line_text(struct audit_line *line, const char *key, const char *value);
void audit_line_number(struct audit_line *line, const char *key, uint64_t value);
void audit_line_hex(struct audit_line *line, const char *key, uint32_t value, int digits);
/* Left out when it has no family. */
void audit_line_address(struct audit_line *line, const char *key, const struct sp_address *address);

#endif
