/* SPDX-License-Identifier: ISC
 *
 * Tokens: their kinds, places and limits, from any bytes.
 */
#include "policy/lexer.h"

#include <criterion/criterion.h>
#include <string.h>

static struct sp_source source;
static struct sp_lexer lexer;
static uint64_t order;

static void start(const char *text, size_t len_bytes)
{
    source = (struct sp_source){.name = "test", .bytes = text, .len_bytes = len_bytes};
    order = 0;
    sp_lexer_start(&lexer, &source, &order);
}

static struct sp_token next(void)
{
    struct sp_token token;
    sp_lexer_next(&lexer, &token);
    return token;
}

/* The kinds of all tokens, a letter each. */
static const char *kinds(const char *text, size_t len_bytes)
{
    static char letters[64];
    size_t count = 0;
    start(text, len_bytes);
    for (;;) {
        struct sp_token token = next();
        cr_assert_lt(count, sizeof letters - 1);
        letters[count++] = "EnwS{},!"[token.kind];
        if (token.kind == SP_TOKEN_END)
            break;
    }
    letters[count] = '\0';
    return letters;
}

#define KINDS(text) kinds(text, sizeof text - 1)

Test(lexer, words_strings_punctuation_and_newlines_are_tokens)
{
    cr_assert_str_eq(KINDS("block in { me,192.0.2.0/24 } as \"x\"\n"), "ww{w,w}wSnE");
    cr_assert_str_eq(KINDS(""), "E");
    cr_assert_str_eq(KINDS("\n\n"), "nnE");
    cr_assert_str_eq(KINDS(" \t\r "), "E");
    cr_assert_str_eq(KINDS("a{b}c,d\"e\"f"), "w{w}w,wSwE");
}

Test(lexer, a_comment_ends_with_its_line)
{
    cr_assert_str_eq(KINDS("a # b \"c { d\nb#c"), "wnwE");
    cr_assert_str_eq(KINDS("# \x00\xff\n"), "nE");
}

Test(lexer, the_end_comes_again_and_again)
{
    start("a", 1);
    (void)next();
    for (int i = 0; i < 5; i++)
        cr_assert_eq(next().kind, SP_TOKEN_END);
}

Test(lexer, bytes_that_are_no_language_are_bad_and_end_somewhere)
{
    static const char controls[] = "\x00\x01\x07\x08 \x0b \x0c \x1f \x7f \x80\xff";
    start(controls, sizeof controls - 1);
    for (struct sp_token token = next(); token.kind != SP_TOKEN_END; token = next()) {
        cr_assert_eq(token.kind, SP_TOKEN_BAD);
        cr_assert_not_null(token.fault);
        cr_assert_gt(token.place.len_bytes, 0);
    }
}

Test(lexer, every_single_byte_is_one_token_at_most)
{
    for (int byte = 0; byte < 256; byte++) {
        char text = (char)byte;
        cr_assert_leq(strlen(kinds(&text, 1)), 2, "byte %d", byte);
    }
}

Test(lexer, a_string_must_be_closed_on_its_line)
{
    cr_assert_str_eq(KINDS("\"open\nnext"), "!nwE");
    cr_assert_str_eq(KINDS("\""), "!E");
    cr_assert_str_eq(KINDS("\"\\\""), "!E");
    cr_assert_str_eq(KINDS("\"\\"), "!E");
    cr_assert_str_eq(KINDS("\"\\\\\""), "SE");
    cr_assert_str_eq(KINDS("\"\""), "SE");
}

Test(lexer, a_backslash_stands_before_a_quote_or_a_backslash_only)
{
    cr_assert_str_eq(KINDS("\"a\\n\""), "!E");
    cr_assert_str_eq(KINDS("\"\\\"\\\\\""), "SE");
}

Test(lexer, a_string_means_its_text_without_quotes_and_escapes)
{
    char text[32];
    start("\"a \\\"b\\\" \\\\c\"", 14);
    struct sp_token token = next();
    cr_assert_eq(sp_token_string(&token, text), 8);
    cr_assert_str_eq(text, "a \"b\" \\c");
}

Test(lexer, strings_hold_utf_8_and_no_controls)
{
    cr_assert_str_eq(KINDS("\"\xc3\xbc \xe2\x86\x92 \xf0\x9f\x94\x92\""), "SE");
    cr_assert_str_eq(KINDS("\"\xff\""), "!E");
    cr_assert_str_eq(KINDS("\"\t\""), "!E");
    cr_assert_str_eq(KINDS("\"\x00\""), "!E");
    cr_assert_str_eq(KINDS("\"\xc2\x85\""), "!E", "C1");
    cr_assert_str_eq(KINDS("\"\xe2\x80\xae\""), "!E", "right-to-left override");
    cr_assert_str_eq(KINDS("\"\xe2\x81\xa6\""), "!E", "left-to-right isolate");
}

Test(lexer, utf_8_sequences_are_those_of_rfc_3629)
{
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {"a", 1},
        {"\x7f", 1},
        {"\x80", 0},
        {"\xc0\x80", 0},
        {"\xc1\xbf", 0},
        {"\xc2\x80", 2},
        {"\xdf\xbf", 2},
        {"\xdf", 0},
        {"\xe0\x9f\xbf", 0},
        {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3},
        {"\xed\xa0\x80", 0},
        {"\xef\xbf\xbf", 3},
        {"\xef\xbf", 0},
        {"\xf0\x8f\xbf\xbf", 0},
        {"\xf0\x90\x80\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\xf4\x90\x80\x80", 0},
        {"\xf5\x80\x80\x80", 0},
        {"\xf0\x90\x80", 0},
        {"\xe2\x28\xa1", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *bytes = cases[i].bytes;
        cr_assert_eq(sp_utf8_sequence(bytes, bytes + strlen(bytes)), cases[i].len, "case %zu", i);
    }
}

Test(lexer, places_count_lines_and_point_at_their_token)
{
    static const char text[] = "one\n\n  two \"three\"\n";
    start(text, sizeof text - 1);
    struct sp_token token = next();
    cr_assert_eq(token.place.line, 1);
    cr_assert_eq(token.place.start, text);
    (void)next();
    (void)next();
    token = next();
    cr_assert_eq(token.place.line, 3);
    cr_assert_eq(token.place.start - token.place.line_start, 2);
    cr_assert_eq(token.place.len_bytes, 3);
    token = next();
    cr_assert_eq(token.place.len_bytes, 7);
    (void)next();
    token = next();
    cr_assert_eq(token.kind, SP_TOKEN_END);
    cr_assert_eq(token.place.line, 4);
}

Test(lexer, later_tokens_have_a_higher_order)
{
    start("a b\nc", 5);
    uint64_t last = next().place.order;
    for (int i = 0; i < 4; i++) {
        uint64_t this = next().place.order;
        cr_assert_gt(this, last);
        last = this;
    }
}

Test(lexer, a_byte_order_mark_is_passed_over_at_the_start_only)
{
    cr_assert_str_eq(KINDS("\xef\xbb\xbf"
                           "a"),
                     "wE");
    cr_assert_str_eq(KINDS("a \xef\xbb\xbf"
                           "b"),
                     "w!wE");
}
