/* SPDX-License-Identifier: ISC
 *
 * The script's bytes as UTF-8. Shift-JIS has bytes such as '^' and '|' as second halves of characters, so
 * this comes before anything that looks at lines.
 *
 * Detection is cautious: a byte order mark, or valid UTF-8, decide. Otherwise the East Asian encodings are
 * tried, and one is taken only when the others can't be meant; else names would silently become other names.
 */
#include "policy/import/import.h"

#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *said, *iconv;
} aliases[] = {
    {"shift-jis", "CP932"}, {"shift_jis", "CP932"}, {"sjis", "CP932"},
    {"euc-kr", "CP949"},    {"gb2312", "GBK"},      {"utf8", "UTF-8"},
};

static const char *iconv_name(const char *encoding)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (sp_same_word(aliases[i].said, encoding))
            return aliases[i].iconv;
    return encoding;
}

/* SP_ERR_PARSE when the bytes aren't in that encoding. Four bytes a byte are enough for UTF-8. */
static enum sp_status convert(const char *encoding, const char *bytes, size_t len_bytes, char **ret_text,
                              size_t *ret_len_bytes)
{
    const iconv_t converter = iconv_open("UTF-8", encoding);
    /* iconv_open sets errno to EINVAL for a pair that it doesn't know */
    if (converter == (iconv_t)(intptr_t)-1)
        return errno == ENOMEM ? SP_ERR_MEMORY : SP_ERR_UNSUPPORTED;
    const size_t room_bytes = len_bytes * 4 + 1;
    char *text = malloc(room_bytes);
    enum sp_status status = SP_ERR_MEMORY;
    if (text == NULL)
        goto out;
    char *from, *to = text;
    memcpy(&from, &bytes, sizeof from); /* iconv takes char **, and doesn't write there */
    size_t from_bytes = len_bytes, to_bytes = room_bytes;
    status = SP_ERR_PARSE;
    if (iconv(converter, &from, &from_bytes, &to, &to_bytes) == (size_t)-1)
        goto out;
    *ret_len_bytes = room_bytes - to_bytes;
    *ret_text = text;
    text = NULL;
    status = SP_OK;
out:
    free(text);
    (void)iconv_close(converter);
    return status;
}

static bool is_utf8(const char *bytes, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes;) {
        const size_t step = sp_utf8_sequence(bytes + i, bytes + len_bytes);
        if (step == 0)
            return false;
        i += step;
    }
    return true;
}

static bool fits(const char *encoding, const char *bytes, size_t len_bytes)
{
    char *text = NULL;
    size_t text_bytes;
    const bool is_fitting = convert(encoding, bytes, len_bytes, &text, &text_bytes) == SP_OK;
    free(text);
    return is_fitting;
}

static bool starts(const char *bytes, size_t len_bytes, const char *mark)
{
    return len_bytes >= strlen(mark) && memcmp(bytes, mark, strlen(mark)) == 0;
}

/* NULL when it can't be told. */
static const char *detect(struct sp_import *import, const char *bytes, size_t len_bytes)
{
    static const char *const candidates[] = {"CP932", "CP949", "GBK"};
    const char *found = NULL;
    if (starts(bytes, len_bytes, "\xff\xfe") || starts(bytes, len_bytes, "\xfe\xff"))
        return "UTF-16";
    if (is_utf8(bytes, len_bytes))
        return "UTF-8";
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++) {
        if (!fits(candidates[i], bytes, len_bytes))
            continue;
        if (found != NULL)
            return NULL;
        found = candidates[i];
    }
    if (found != NULL)
        sp_import_warn(import, "read as %s, the only known encoding that it can be in: look at its names",
                       found);
    return found;
}

/* Only what can be shown may come into a policy and into messages. */
static enum sp_status check_characters(struct sp_import *import, const char *text, size_t len_bytes)
{
    uint32_t line = 1;
    for (size_t i = 0; i < len_bytes;) {
        const size_t step = sp_utf8_sequence(text + i, text + len_bytes);
        line += text[i] == '\n';
        const bool is_space = text[i] == '\n' || text[i] == '\r' || text[i] == '\t';
        if (step == 0 || (!is_space && sp_utf8_is_unshowable(text + i, step))) {
            sp_import_error(import, "line %u has a control character: this is no batch script", line);
            return SP_ERR_PARSE;
        }
        i += step;
    }
    return SP_OK;
}

enum sp_status sp_import_decode(struct sp_import *import, const char *bytes, size_t len_bytes,
                                const char *encoding, char **ret_text, size_t *ret_len_bytes)
{
    char *text = NULL;
    size_t text_bytes = 0;
    const char *name = encoding != NULL ? iconv_name(encoding) : detect(import, bytes, len_bytes);
    if (name == NULL) {
        sp_import_error(import, "is not UTF-8: name its encoding (Shift-JIS, EUC-KR, GBK or another)");
        return SP_ERR_PARSE;
    }
    enum sp_status status = convert(name, bytes, len_bytes, &text, &text_bytes);
    if (status == SP_ERR_UNSUPPORTED)
        sp_import_error(import, "iconv knows no encoding '%.60s'", name);
    if (status == SP_ERR_PARSE)
        sp_import_error(import, "has bytes that are not in the encoding %.60s", name);
    if (status != SP_OK)
        return status;
    if (starts(text, text_bytes, "\xef\xbb\xbf"))
        memmove(text, text + 3, text_bytes -= 3);
    if (text_bytes > 0 && text[text_bytes - 1] == 0x1a)
        text_bytes--; /* the end of a file as MS-DOS had it */
    status = check_characters(import, text, text_bytes);
    if (status != SP_OK) {
        free(text);
        return status;
    }
    *ret_text = text;
    *ret_len_bytes = text_bytes;
    return SP_OK;
}
