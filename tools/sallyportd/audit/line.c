/* SPDX-License-Identifier: ISC
 *
 * What stands in a line may have been chosen by somebody who would like it to be two lines, or another event:
 * names of rules and SAs, paths. So all but printable ASCII and UTF-8 is escaped, and a value that could be
 * taken for more than one is quoted.
 */
#include "audit/line.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define VALUE_BYTES 208u /* escaped */
#define LONGEST_ESCAPE_BYTES 4u
#define NS_A_SECOND 1000000000u

static bool needs_quotes(const char *value)
{
    return value[strcspn(value, " =\"\\")] != '\0';
}

/* To escaped[VALUE_BYTES]. True: nothing had to be. */
static bool escape(const char *value, char *escaped)
{
    size_t used = 0;
    bool is_plain = true;
    for (const char *at = value; *at; at++) {
        const unsigned char byte = (unsigned char)*at;
        if (used + LONGEST_ESCAPE_BYTES + sizeof "..." > VALUE_BYTES) {
            memcpy(escaped + used, "...", sizeof "...");
            return false;
        }
        const bool is_control = byte < ' ' || byte == 0x7f;
        is_plain &= !is_control && byte != '"' && byte != '\\';
        if (is_control)
            used += (size_t)snprintf(escaped + used, LONGEST_ESCAPE_BYTES + 1, "\\x%02x", byte);
        else if (byte == '"' || byte == '\\')
            used += (size_t)snprintf(escaped + used, LONGEST_ESCAPE_BYTES + 1, "\\%c", byte);
        else
            escaped[used++] = *at;
    }
    escaped[used] = '\0';
    return is_plain;
}

static void append(char *buffer, size_t *used_bytes, const char *piece)
{
    const size_t piece_bytes = strlen(piece);
    if (*used_bytes + piece_bytes >= AUDIT_LINE_BYTES)
        return;
    memcpy(buffer + *used_bytes, piece, piece_bytes + 1);
    *used_bytes += piece_bytes;
}

static void put(struct audit_line *line, const char *key, const char *value, bool is_quoted)
{
    char piece[VALUE_BYTES + 64];
    snprintf(piece, sizeof piece, is_quoted ? "%s%s=\"%s\"" : "%s%s=%s", line->text_bytes ? " " : "", key,
             value);
    append(line->text, &line->text_bytes, piece);
    const int field_bytes = snprintf(piece, sizeof piece, "SALLYPORT_%s=%s\n", key, value);
    for (int i = 0; i < field_bytes && piece[i] != '='; i++)
        piece[i] = (char)toupper((unsigned char)piece[i]);
    append(line->fields, &line->fields_bytes, piece);
}

void audit_line_text(struct audit_line *line, const char *key, const char *value)
{
    char escaped[VALUE_BYTES];
    if (!value || !*value)
        return;
    const bool is_plain = escape(value, escaped);
    put(line, key, escaped, !is_plain || needs_quotes(value));
}

void audit_line_begin(struct audit_line *line, uint64_t real_time_ns, const char *event)
{
    const time_t seconds = (time_t)(real_time_ns / NS_A_SECOND);
    char date[32], value[48];
    struct tm utc;
    line->text_bytes = line->fields_bytes = 0;
    line->text[0] = line->fields[0] = '\0';
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &utc));
    snprintf(value, sizeof value, "%s.%06uZ", date, (unsigned)(real_time_ns % NS_A_SECOND / 1000));
    put(line, "time", value, false);
    put(line, "event", event, false);
}

void audit_line_number(struct audit_line *line, const char *key, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    put(line, key, text, false);
}

void audit_line_hex(struct audit_line *line, const char *key, uint32_t value, int digits)
{
    char text[16];
    snprintf(text, sizeof text, "0x%0*x", digits, value);
    put(line, key, text, false);
}

void audit_line_address(struct audit_line *line, const char *key, const struct sp_address *address)
{
    char text[SP_ADDRESS_TEXT_BYTES];
    if (address->family)
        put(line, key, sp_address_format(address, text), false);
}
