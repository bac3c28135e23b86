/* SPDX-License-Identifier: ISC
 *
 * Tokens of the policy language: lines matter, so a newline is a token; everything printable that is not
 * punctuation makes words (addresses, prefixes, ranges and numbers are words that the parser takes apart).
 *
 * Strings hold UTF-8 (RFC 3629) without control characters and without the marks that turn the direction of
 * text: a rule's name must not make a terminal or a reader see another rule than the one in force.
 */
#include "policy/lexer.h"

#include <string.h>

static bool is_continuation(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

size_t sp_utf8_sequence(const char *at, const char *end)
{
    unsigned char lead = (unsigned char)*at;
    if (lead < 0x80)
        return 1;
    size_t len = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || (size_t)(end - at) < len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if (!is_continuation(at[i]))
            return 0;
    }
    unsigned char second = (unsigned char)at[1];
    bool is_overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
    bool is_outside = (lead == 0xed && second > 0x9f) || (lead == 0xf4 && second > 0x8f);
    return is_overlong || is_outside ? 0 : len;
}

bool sp_utf8_is_unshowable(const char *at, size_t len)
{
    unsigned char lead = (unsigned char)at[0];
    if (len <= 1)
        return lead < 0x20 || lead == 0x7f;
    unsigned char second = (unsigned char)at[1];
    if (len == 2)
        return lead == 0xc2 && second < 0xa0;
    unsigned char third = (unsigned char)at[2];
    if (len != 3 || lead != 0xe2)
        return false;
    return (second == 0x80 && third >= 0xaa && third <= 0xae) ||
           (second == 0x81 && third >= 0xa6 && third <= 0xa9);
}

static bool is_word_byte(char byte)
{
    unsigned char value = (unsigned char)byte;
    return value > 0x20 && value < 0x7f && strchr("{},\"#", byte) == NULL;
}

static void skip_blanks(struct sp_lexer *lexer)
{
    while (lexer->at < lexer->end && (*lexer->at == ' ' || *lexer->at == '\t' || *lexer->at == '\r'))
        lexer->at++;
    if (lexer->at == lexer->end || *lexer->at != '#')
        return;
    const char *newline = memchr(lexer->at, '\n', (size_t)(lexer->end - lexer->at));
    lexer->at = newline == NULL ? lexer->end : newline;
}

/* Runs to the closing quote, or to the end of the line when there is none; returns what is wrong. */
static const char *scan_string(struct sp_lexer *lexer)
{
    const char *fault = NULL;
    lexer->at++;
    while (lexer->at < lexer->end && *lexer->at != '\n' && *lexer->at != '"') {
        size_t len = sp_utf8_sequence(lexer->at, lexer->end);
        if (len == 0)
            fault = "this string is not valid UTF-8: write its name again";
        else if (sp_utf8_is_unshowable(lexer->at, len))
            fault = "this string holds a control character: take it out";
        bool is_escape = *lexer->at == '\\';
        lexer->at += len == 0 ? 1 : len;
        if (!is_escape)
            continue;
        if (lexer->at < lexer->end && (*lexer->at == '"' || *lexer->at == '\\'))
            lexer->at++;
        else
            fault = "in a string a backslash stands only before \" or another backslash";
    }
    if (lexer->at == lexer->end || *lexer->at == '\n')
        return "this string is not closed: put a \" at its end";
    lexer->at++;
    return fault;
}

static void scan_word(struct sp_lexer *lexer)
{
    while (lexer->at < lexer->end && is_word_byte(*lexer->at))
        lexer->at++;
}

static const char *scan_garbage(struct sp_lexer *lexer)
{
    bool is_control = (unsigned char)*lexer->at < 0x80;
    while (lexer->at < lexer->end && ((unsigned char)*lexer->at >= 0x7f || (unsigned char)*lexer->at < 0x09))
        lexer->at++;
    if (is_control)
        return "a control character can't stand here: take it out";
    return "outside of quoted names only ASCII is allowed (quotes are straight: \")";
}

static enum sp_token_kind punctuation(char byte)
{
    switch (byte) {
    case '\n':
        return SP_TOKEN_NEWLINE;
    case '{':
        return SP_TOKEN_OPEN;
    case '}':
        return SP_TOKEN_CLOSE;
    case ',':
        return SP_TOKEN_COMMA;
    default:
        return SP_TOKEN_END;
    }
}

/* Moves behind the token at lexer->at, which is not the end. */
static void scan(struct sp_lexer *lexer, struct sp_token *token)
{
    token->kind = punctuation(*lexer->at);
    if (token->kind != SP_TOKEN_END) {
        lexer->at++;
    } else if (*lexer->at == '"') {
        token->fault = scan_string(lexer);
        token->kind = token->fault == NULL ? SP_TOKEN_STRING : SP_TOKEN_BAD;
    } else if (is_word_byte(*lexer->at)) {
        scan_word(lexer);
        token->kind = SP_TOKEN_WORD;
    } else {
        token->fault = scan_garbage(lexer);
        token->kind = SP_TOKEN_BAD;
        if (lexer->at == token->place.start)
            lexer->at++;
    }
}

void sp_lexer_start(struct sp_lexer *lexer, const struct sp_source *source, uint64_t *order)
{
    const char *end = source->bytes + source->len_bytes;
    const char *start = source->bytes;
    if (source->len_bytes >= 3 && memcmp(start, "\xef\xbb\xbf", 3) == 0)
        start += 3; /* editors of other systems mark UTF-8 so */
    *lexer = (struct sp_lexer){
        .source = source, .at = start, .end = end, .line_start = start, .line = 1, .order = order};
}

void sp_lexer_next(struct sp_lexer *lexer, struct sp_token *ret_token)
{
    skip_blanks(lexer);
    *ret_token = (struct sp_token){
        .kind = SP_TOKEN_END,
        .place = {.source = lexer->source,
                  .start = lexer->at,
                  .line_start = lexer->line_start,
                  .line = lexer->line,
                  .order = (*lexer->order)++},
    };
    if (lexer->at == lexer->end)
        return;
    scan(lexer, ret_token);
    ret_token->place.len_bytes = (size_t)(lexer->at - ret_token->place.start);
    if (ret_token->kind == SP_TOKEN_NEWLINE) {
        lexer->line_start = lexer->at;
        lexer->line++;
    }
}

size_t sp_token_string(const struct sp_token *token, char *text)
{
    size_t len = 0;
    for (size_t i = 1; i + 1 < token->place.len_bytes; i++) {
        if (token->place.start[i] == '\\')
            i++;
        text[len++] = token->place.start[i];
    }
    text[len] = '\0';
    return len;
}
