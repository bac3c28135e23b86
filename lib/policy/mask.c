/* SPDX-License-Identifier: ISC
 *
 * Lines of SA files as they may be shown.
 *
 * Keys get into the wrong place easily: split over lines, after a misspelt keyword, in quotes, in a comment.
 * So nothing is shown because it doesn't look like a key; it is shown because it is known not to be one: the
 * words of the language, short numbers on the lines that hold numbers, addresses on `from` lines, and strings
 * without long runs of hex digits where strings belong.
 */
#include "policy/mask.h"

#include <stdbool.h>
#include <string.h>

#define SHORT_NUMBER_BYTES 10 /* 0x and the eight digits of an SPI */
#define ADDRESS_BYTES 45
#define HEX_RUN_BYTES 12 /* DES has the shortest keys, 16 digits; names rarely have so many in a row */

static const char *const harmless_words[] = {
    "sa",
    "spi",
    "from",
    "to",
    "esp",
    "mode",
    "transport",
    "tunnel",
    "df",
    "dscp",
    "ecn",
    "copy",
    "set",
    "clear",
    "off",
    "file",
    "replay-window",
    "lifetime",
    "encap",
    "udp",
    "esn",
    "w2k",
    "nist-r1",
    "nist-r2",
    "bytes",
    "KB",
    "MB",
    "GB",
    "seconds",
    "minutes",
    "hours",
    "packets",
    "3des-cbc",
    "aes128-gcm16",
    "aes256-gcm16",
    "null",
    "hmac-md5-96",
    "hmac-sha1-96",
    "hmac-sha2-256-128",
    "encryption-key",
    "integrity-key",
};
static const char *const number_lines[] = {"spi", "replay-window", "lifetime", "encap", "dscp"};

struct span {
    const char *start;
    size_t len_bytes;
};

static bool is_word(struct span span, const char *word)
{
    return strlen(word) == span.len_bytes && memcmp(word, span.start, span.len_bytes) == 0;
}

static bool is_one_of(struct span span, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is_word(span, words[i]))
            return true;
    }
    return false;
}

static bool is_hex_digit(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

static size_t longest_hex_run(struct span span)
{
    size_t longest = 0, run = 0;
    for (size_t i = 0; i < span.len_bytes; i++) {
        run = is_hex_digit(span.start[i]) ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

static bool looks_like_address(struct span span)
{
    size_t separators = 0;
    for (size_t i = 0; i < span.len_bytes; i++) {
        bool is_separator = span.start[i] == ':' || span.start[i] == '.';
        if (!is_separator && !is_hex_digit(span.start[i]))
            return false;
        separators += is_separator;
    }
    return separators >= 2 && span.len_bytes <= ADDRESS_BYTES && longest_hex_run(span) <= 4;
}

static bool looks_like_number(struct span span)
{
    size_t skip = span.len_bytes > 2 && span.start[0] == '0' && span.start[1] == 'x' ? 2 : 0;
    struct span digits = {span.start + skip, span.len_bytes - skip};
    return span.len_bytes <= SHORT_NUMBER_BYTES && longest_hex_run(digits) == digits.len_bytes;
}

static bool is_plain_string(struct span span)
{
    for (size_t i = 0; i < span.len_bytes; i++) {
        if ((unsigned char)span.start[i] < 0x20 || (unsigned char)span.start[i] >= 0x7f)
            return false;
    }
    return longest_hex_run(span) < HEX_RUN_BYTES;
}

static bool may_be_shown(struct span span, struct span first, struct span previous)
{
    if (is_one_of(span, harmless_words, sizeof harmless_words / sizeof *harmless_words))
        return true;
    if (span.start[0] == '"')
        return (is_word(previous, "sa") || is_word(previous, "file")) && is_plain_string(span);
    if (is_word(first, "from"))
        return looks_like_address(span);
    if (is_one_of(first, number_lines, sizeof number_lines / sizeof *number_lines))
        return looks_like_number(span);
    return false;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static bool is_plain(char byte)
{
    return is_blank(byte) || byte == '{' || byte == '}' || byte == ',';
}

/* The string or word that starts at `at`. */
static struct span span_at(const char *at, const char *end)
{
    const char *stop = at + 1;
    if (*at == '"') {
        while (stop < end && *stop != '"')
            stop += *stop == '\\' && stop + 1 < end ? 2 : 1;
        stop += stop < end;
    } else {
        while (stop < end && !is_plain(*stop) && *stop != '"' && *stop != '#')
            stop++;
    }
    return (struct span){at, (size_t)(stop - at)};
}

void sp_mask_line(const char *line, size_t len_bytes, char *out)
{
    const char *at = line, *end = line + len_bytes, *start = out;
    struct span first = {line, 0}, previous = {line, 0};
    while (at < end && *at != '#') {
        if (is_plain(*at)) {
            *out++ = *at++;
            continue;
        }
        struct span span = span_at(at, end);
        if (first.len_bytes == 0)
            first = span;
        if (may_be_shown(span, first, previous))
            memcpy(out, at, span.len_bytes);
        else
            memset(out, 'x', span.len_bytes);
        previous = span;
        at += span.len_bytes;
        out += span.len_bytes;
    }
    while (out > start && is_blank(out[-1]))
        out--;
    *out = '\0';
}
