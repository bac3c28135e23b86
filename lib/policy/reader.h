/* SPDX-License-Identifier: ISC
 *
 * One token of lookahead, and the sentences for what stands in the wrong place: what the parsers of both
 * languages share. */
#ifndef SP_POLICY_READER_H
#define SP_POLICY_READER_H

#include "policy/diagnosis.h"

#include <sallyport/sa.h>

#define SP_NAME_MAX_BYTES 127

struct sp_reader {
    struct sp_lexer lexer;
    struct sp_token token; /* the one that is looked at */
    struct sp_diagnosis *diagnosis;
    uint32_t open_braces;
    bool is_first;                 /* on its line */
    const char *const *statements; /* words that begin one, NULL-terminated: recovery stops before them */
};

void sp_reader_start(struct sp_reader *reader, const struct sp_source *source, uint64_t *order,
                     const char *const *statements, struct sp_diagnosis *diagnosis);
void sp_reader_next(struct sp_reader *reader);

bool sp_reader_is_at(const struct sp_reader *reader, enum sp_token_kind kind);
bool sp_reader_is_at_word(const struct sp_reader *reader, const char *word);
bool sp_reader_is_at_statement(const struct sp_reader *reader);
/* The end of the line or of the text. */
bool sp_reader_is_at_end(const struct sp_reader *reader);
/* Goes past the word when it is there. */
bool sp_reader_take_word(struct sp_reader *reader, const char *word);
void sp_reader_skip_newlines(struct sp_reader *reader);

/* "expected WHAT, found ..." at the token. */
void sp_reader_unexpected(struct sp_reader *reader, const char *what);
/* After an error: goes to the end of the statement, braces included, or stays where a new one begins. */
void sp_reader_recover(struct sp_reader *reader);
/* After an error inside a block: goes to the end of the line or to the closing brace. */
void sp_reader_recover_line(struct sp_reader *reader);

/* A quoted name of 1..SP_NAME_MAX_BYTES bytes to text[SP_NAME_MAX_BYTES + 1]. what: "the action's name".
 * False: it is not there, and that was said. A name that is merely bad is said to be so and taken. */
bool sp_reader_name(struct sp_reader *reader, const char *what, char *text) SP_MUST_USE;

/* Whether the place is a decimal number <= max. */
bool sp_place_number(const struct sp_place *place, uint64_t max, uint64_t *ret_number) SP_MUST_USE;
/* An address from len_bytes of text. */
bool sp_text_address(const char *text, size_t len_bytes, struct sp_address *ret_address) SP_MUST_USE;
/* The token for a message, cut and quoted; nothing of it when the text is secret. */
#define SP_TOKEN_TEXT_BYTES 56
const char *sp_token_text(const struct sp_token *token, char *text);

/* parameters.c: what actions and SAs have in common. Each starts behind its keyword and returns false after
 * having said why. */
bool sp_reader_suite(struct sp_reader *reader, enum sp_encryption *ret_encryption,
                     enum sp_integrity *ret_integrity) SP_MUST_USE;
bool sp_reader_mode(struct sp_reader *reader, enum sp_mode *ret_mode) SP_MUST_USE;
/* ADDRESS to ADDRESS, of one family; of is what has them ("an SA"). */
bool sp_reader_ends(struct sp_reader *reader, const char *of, struct sp_address *source,
                    struct sp_address *destination) SP_MUST_USE;
/* The choices of an SA in tunnel mode. */
bool sp_reader_df(struct sp_reader *reader, enum sp_tunnel_df *ret_df) SP_MUST_USE;
bool sp_reader_dscp(struct sp_reader *reader, struct sp_tunnel *tunnel) SP_MUST_USE;
bool sp_reader_ecn(struct sp_reader *reader, bool *ret_has_no_ecn) SP_MUST_USE;
/* udp; in an SA (ret_ports) also two ports, else the usual ones. */
bool sp_reader_encap(struct sp_reader *reader, struct sp_encap *ret_ports) SP_MUST_USE;
bool sp_reader_lifetime(struct sp_reader *reader, struct sp_lifetime *ret_lifetime) SP_MUST_USE;
/* Complains when the cipher needs a limit that lifetime, written at place, doesn't give. */
void sp_reader_check_lifetime(struct sp_reader *reader, const struct sp_place *place,
                              enum sp_encryption encryption, const struct sp_lifetime *lifetime);

/* The lines of a block in braces, the opening one read. Each goes to parse_line, which says what is wrong
 * with it and answers false to have its rest skipped. False, and said: the block, the kind (such as "action")
 * of the given line, isn't closed. */
typedef bool sp_reader_line(struct sp_reader *reader, void *context);
bool sp_reader_block(struct sp_reader *reader, sp_reader_line *parse_line, void *context, const char *kind,
                     uint32_t line);

#endif
