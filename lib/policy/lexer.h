/* SPDX-License-Identifier: ISC
 *
 * Tokens of sallyport.conf(5) and sallyport.keys(5).
 *
 * Any bytes at all are fine as input: what isn't language becomes a token of kind SP_TOKEN_BAD with a
 * sentence about it, and the lexer goes on behind it. A token is a place in the text, never a copy, so that
 * key digits exist once. No token but the newline itself crosses a line.
 */
#ifndef SP_POLICY_LEXER_H
#define SP_POLICY_LEXER_H

#include <sallyport/status.h>

#include <stdbool.h>

/* A text that stays where it is as long as places in it are in use. */
struct sp_source {
    const char *name; /* for messages */
    const char *bytes;
    size_t len_bytes;
    bool is_secret; /* an SA file: its text must not show up in messages */
    bool is_alone;  /* of somebody who may not have other files read: it can name none */
};

struct sp_place {
    const struct sp_source *source;
    const char *start, *line_start;
    size_t len_bytes;
    uint32_t line;
    uint64_t order; /* grows along the text, through includes: findings are sorted by it */
};

enum sp_token_kind {
    SP_TOKEN_END,
    SP_TOKEN_NEWLINE,
    SP_TOKEN_WORD,
    SP_TOKEN_STRING, /* with its quotes */
    SP_TOKEN_OPEN,
    SP_TOKEN_CLOSE,
    SP_TOKEN_COMMA,
    SP_TOKEN_BAD,
};

struct sp_token {
    enum sp_token_kind kind;
    struct sp_place place;
    const char *fault; /* of SP_TOKEN_BAD: what is wrong and what to write */
};

struct sp_lexer {
    const struct sp_source *source;
    const char *at, *end, *line_start;
    uint32_t line;
    uint64_t *order; /* shared by all files of a policy */
};

void sp_lexer_start(struct sp_lexer *lexer, const struct sp_source *source, uint64_t *order);
/* At the end of the text it gives SP_TOKEN_END for ever. */
void sp_lexer_next(struct sp_lexer *lexer, struct sp_token *ret_token);

/* Writes what a string token means to text, NUL-terminated, which needs the token's len_bytes; returns its
 * length. */
size_t sp_token_string(const struct sp_token *token, char *text);

/* Bytes of the UTF-8 sequence (RFC 3629) that starts at `at`, 1..4; 0 when there is no valid one. */
size_t sp_utf8_sequence(const char *at, const char *end);
/* Whether that sequence may do more to a terminal than to show itself: C0, DEL and C1 controls, and the marks
 * that turn the direction of text, U+202A..202E and U+2066..2069. */
bool sp_utf8_is_unshowable(const char *at, size_t len_bytes);

#endif
