/* SPDX-License-Identifier: ISC
 *
 * One token of lookahead, error sentences and recovery.
 *
 * Recovery: an error costs the rest of its statement, no more. A list may run over lines, so the reader
 * counts braces; but a brace that is never closed must not swallow the file: a line that begins with a
 * statement's word always begins a statement.
 */
#include "policy/reader.h"

#include <stdio.h>
#include <string.h>

void sp_reader_start(struct sp_reader *reader, const struct sp_source *source, uint64_t *order,
                     const char *const *statements, struct sp_diagnosis *diagnosis)
{
    *reader = (struct sp_reader){.diagnosis = diagnosis, .statements = statements};
    sp_lexer_start(&reader->lexer, source, order);
    sp_lexer_next(&reader->lexer, &reader->token);
}

void sp_reader_next(struct sp_reader *reader)
{
    if (reader->token.kind == SP_TOKEN_OPEN)
        reader->open_braces++;
    if (reader->token.kind == SP_TOKEN_CLOSE && reader->open_braces > 0)
        reader->open_braces--;
    reader->is_first = reader->token.kind == SP_TOKEN_NEWLINE;
    sp_lexer_next(&reader->lexer, &reader->token);
}

bool sp_reader_is_at(const struct sp_reader *reader, enum sp_token_kind kind)
{
    return reader->token.kind == kind;
}

bool sp_reader_is_at_word(const struct sp_reader *reader, const char *word)
{
    const struct sp_place *place = &reader->token.place;
    return reader->token.kind == SP_TOKEN_WORD && place->len_bytes == strlen(word) &&
           memcmp(place->start, word, place->len_bytes) == 0;
}

bool sp_reader_is_at_statement(const struct sp_reader *reader)
{
    for (size_t i = 0; reader->statements[i] != NULL; i++) {
        if (sp_reader_is_at_word(reader, reader->statements[i]))
            return true;
    }
    return false;
}

bool sp_reader_is_at_end(const struct sp_reader *reader)
{
    return reader->token.kind == SP_TOKEN_NEWLINE || reader->token.kind == SP_TOKEN_END;
}

bool sp_reader_take_word(struct sp_reader *reader, const char *word)
{
    if (!sp_reader_is_at_word(reader, word))
        return false;
    sp_reader_next(reader);
    return true;
}

void sp_reader_skip_newlines(struct sp_reader *reader)
{
    while (reader->token.kind == SP_TOKEN_NEWLINE)
        sp_reader_next(reader);
}

/* Cuts at a character's boundary; strings keep their own quotes. */
static void quote_token(const struct sp_place *place, bool is_string, char *text)
{
    const char *quote = is_string ? "" : "'";
    size_t most = SP_TOKEN_TEXT_BYTES - 8, len = place->len_bytes;
    if (len > most) {
        len = most;
        while (len > 0 && ((unsigned char)place->start[len] & 0xc0) == 0x80)
            len--;
    }
    snprintf(text, SP_TOKEN_TEXT_BYTES, "%s%.*s%s%s", quote, (int)len, place->start,
             len < place->len_bytes ? "..." : "", quote);
}

const char *sp_token_text(const struct sp_token *token, char *text)
{
    switch (token->kind) {
    case SP_TOKEN_END:
        return "the end of the file";
    case SP_TOKEN_NEWLINE:
        return "the end of the line";
    case SP_TOKEN_OPEN:
        return "'{'";
    case SP_TOKEN_CLOSE:
        return "'}'";
    case SP_TOKEN_COMMA:
        return "','";
    default:
        break;
    }
    if (token->place.source->is_secret)
        return token->kind == SP_TOKEN_STRING ? "a string" : "another word";
    quote_token(&token->place, token->kind == SP_TOKEN_STRING, text);
    return text;
}

void sp_reader_unexpected(struct sp_reader *reader, const char *what)
{
    char text[SP_TOKEN_TEXT_BYTES];
    if (reader->token.kind == SP_TOKEN_BAD)
        sp_diagnose_error(reader->diagnosis, &reader->token.place, "%s", reader->token.fault);
    else
        sp_diagnose_error(reader->diagnosis, &reader->token.place, "expected %s, found %s", what,
                          sp_token_text(&reader->token, text));
}

void sp_reader_recover(struct sp_reader *reader)
{
    while (reader->token.kind != SP_TOKEN_END) {
        bool is_over = reader->token.kind == SP_TOKEN_NEWLINE && reader->open_braces == 0;
        if (is_over || (reader->is_first && sp_reader_is_at_statement(reader)))
            break;
        sp_reader_next(reader);
    }
    reader->open_braces = 0;
}

void sp_reader_recover_line(struct sp_reader *reader)
{
    while (!sp_reader_is_at_end(reader) && reader->token.kind != SP_TOKEN_CLOSE)
        sp_reader_next(reader);
}

static bool take_name(struct sp_reader *reader, const char *what, char *text)
{
    const struct sp_token *token = &reader->token;
    size_t quotes = token->kind == SP_TOKEN_STRING ? 2 : 0;
    text[0] = '\0';
    if (token->place.len_bytes > 2 * SP_NAME_MAX_BYTES + quotes) /* all of it may be escapes */
        goto too_long;
    char whole[2 * SP_NAME_MAX_BYTES + 3];
    size_t len = token->place.len_bytes;
    if (token->kind == SP_TOKEN_STRING)
        len = sp_token_string(token, whole);
    else
        memcpy(whole, token->place.start, len);
    if (len > SP_NAME_MAX_BYTES)
        goto too_long;
    memcpy(text, whole, len);
    text[len] = '\0';
    if (len == 0)
        sp_diagnose_error(reader->diagnosis, &token->place, "%s is empty: write one between the quotes",
                          what);
    return true;

too_long:
    sp_diagnose_error(reader->diagnosis, &token->place, "%s is longer than %d bytes: shorten it", what,
                      SP_NAME_MAX_BYTES);
    return true;
}

/* The token is a word where a string should be; single quotes are a likely reason. */
static void tell_quotes(struct sp_reader *reader, const char *what)
{
    const char *start = reader->token.place.start;
    size_t len = reader->token.place.len_bytes;
    if (len > 2 && start[0] == '\'' && start[len - 1] == '\'') {
        start++;
        len -= 2;
    }
    sp_diagnose_error(reader->diagnosis, &reader->token.place, "%s stands in quotes: write \"%.*s\"", what,
                      len > SP_NAME_MAX_BYTES ? SP_NAME_MAX_BYTES : (int)len, start);
}

bool sp_reader_name(struct sp_reader *reader, const char *what, char *text)
{
    if (reader->token.kind == SP_TOKEN_WORD && !reader->token.place.source->is_secret) {
        tell_quotes(reader, what);
    } else if (reader->token.kind != SP_TOKEN_STRING) {
        char expected[64];
        snprintf(expected, sizeof expected, "%s in quotes", what);
        sp_reader_unexpected(reader, expected);
        return false;
    }
    bool is_there = take_name(reader, what, text);
    sp_reader_next(reader);
    return is_there;
}

bool sp_place_number(const struct sp_place *place, uint64_t max, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (size_t i = 0; i < place->len_bytes; i++) {
        unsigned digit = (unsigned char)place->start[i] - (unsigned)'0';
        if (digit > 9 || number > (max - digit) / 10 || digit > max)
            return false;
        number = number * 10 + digit;
    }
    if (place->len_bytes == 0)
        return false;
    *ret_number = number;
    return true;
}

bool sp_text_address(const char *text, size_t len_bytes, struct sp_address *ret_address)
{
    char copy[SP_ADDRESS_TEXT_BYTES];
    if (len_bytes >= sizeof copy || memchr(text, '\0', len_bytes) != NULL)
        return false;
    memcpy(copy, text, len_bytes);
    copy[len_bytes] = '\0';
    return sp_address_parse(copy, ret_address) == SP_OK;
}

bool sp_reader_block(struct sp_reader *reader, sp_reader_line *parse_line, void *context, const char *kind,
                     uint32_t line)
{
    for (;;) {
        sp_reader_skip_newlines(reader);
        if (sp_reader_is_at(reader, SP_TOKEN_CLOSE)) {
            sp_reader_next(reader);
            return true;
        }
        if (sp_reader_is_at(reader, SP_TOKEN_END) || sp_reader_is_at_statement(reader))
            break;
        if (!parse_line(reader, context))
            sp_reader_recover_line(reader);
    }
    char what[64];
    snprintf(what, sizeof what, "'}' that closes the %s of line %u", kind, line);
    sp_reader_unexpected(reader, what);
    reader->open_braces = 0;
    return false;
}
