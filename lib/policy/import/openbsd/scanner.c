/* SPDX-License-Identifier: ISC
 *
 * Tokens of ipsec.conf(5), as OpenBSD's own reading has them: a backslash before the end of a line joins it
 * to the next one, also in a comment; strings stand in double or single quotes; $NAME stands for the text of
 * a macro, which may be several tokens but not another macro.
 *
 * A token is a place in the text of its file or of the macro's definition, so that key digits exist once.
 */
#include "policy/import/openbsd/openbsd.h"

#include <stdlib.h>
#include <string.h>

/* What is read: a file's text or a macro's. */
struct cursor {
    const char **at, *end;
    struct sp_openbsd_scanner *scanner; /* NULL in a macro: its lines aren't counted */
};

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_name_byte(char byte)
{
    return is_letter(byte) || (byte >= '0' && byte <= '9') || byte == '_';
}

static bool is_word_byte(char byte)
{
    const unsigned char value = (unsigned char)byte;
    return value > 0x20 && value < 0x7f && strchr("(){}<>!=/#,\"'$\\", byte) == NULL;
}

static void step(struct cursor *cursor)
{
    if (*(*cursor->at)++ != '\n' || cursor->scanner == NULL)
        return;
    cursor->scanner->line++;
    cursor->scanner->line_start = *cursor->at;
}

/* The bytes of a joined line's end at the cursor: a backslash and a newline, or 0. */
static size_t joint_bytes(const struct cursor *cursor)
{
    const char *at = *cursor->at;
    const size_t left = (size_t)(cursor->end - at);
    if (left >= 2 && at[0] == '\\' && at[1] == '\n')
        return 2;
    return left >= 3 && at[0] == '\\' && at[1] == '\r' && at[2] == '\n' ? 3 : 0;
}

static bool skip_joint(struct cursor *cursor)
{
    const size_t bytes = joint_bytes(cursor);
    for (size_t i = 0; i < bytes; i++)
        step(cursor);
    return bytes > 0;
}

static void skip_comment(struct cursor *cursor)
{
    while (*cursor->at < cursor->end && **cursor->at != '\n')
        if (!skip_joint(cursor))
            step(cursor);
}

static void skip_blanks(struct cursor *cursor)
{
    while (*cursor->at < cursor->end) {
        const char byte = **cursor->at;
        if (byte == ' ' || byte == '\t' || byte == '\r' || (byte == '\n' && cursor->scanner == NULL))
            step(cursor);
        else if (byte == '#')
            skip_comment(cursor);
        else if (!skip_joint(cursor))
            return;
    }
}

/* A backslash means something before the quote, white space and the end of the line only. */
static bool is_escape(const char *at, const char *end, char quote)
{
    return *at == '\\' && end - at >= 2 && (at[1] == quote || strchr(" \t\n", at[1]) != NULL) &&
           at[1] != '\0';
}

/* Behind the closing quote; the string's text is in the piece. */
static void read_string(struct cursor *cursor, struct sp_openbsd_token *token)
{
    const char quote = **cursor->at;
    step(cursor);
    const char *start = *cursor->at;
    while (*cursor->at < cursor->end && **cursor->at != quote) {
        if (is_escape(*cursor->at, cursor->end, quote))
            step(cursor);
        step(cursor);
    }
    token->piece = (struct sp_piece){start, (size_t)(*cursor->at - start)};
    if (*cursor->at == cursor->end) {
        token->fault = "this string has no closing quote";
        return;
    }
    token->kind = SP_OPENBSD_STRING;
    step(cursor);
}

static void read_plain(struct cursor *cursor, struct sp_openbsd_token *token)
{
    static const struct {
        char byte;
        enum sp_openbsd_token_kind kind;
    } signs[] = {{'\n', SP_OPENBSD_NEWLINE}, {'{', SP_OPENBSD_OPEN},   {'}', SP_OPENBSD_CLOSE},
                 {',', SP_OPENBSD_COMMA},    {'=', SP_OPENBSD_EQUALS}, {'/', SP_OPENBSD_SLASH}};
    const char *start = *cursor->at;
    token->piece = (struct sp_piece){start, 1};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (*start != signs[i].byte)
            continue;
        token->kind = signs[i].kind;
        step(cursor);
        return;
    }
    while (*cursor->at < cursor->end && is_word_byte(**cursor->at))
        step(cursor);
    token->piece.len_bytes = (size_t)(*cursor->at - start);
    token->kind = SP_OPENBSD_WORD;
    if (token->piece.len_bytes > 0)
        return;
    token->kind = SP_OPENBSD_BAD;
    token->fault = *start == '(' ? "an address behind NAT in brackets can't be carried over"
                                 : "this character doesn't belong here";
    token->piece.len_bytes = 1;
    step(cursor);
}

static void read_token(struct cursor *cursor, struct sp_openbsd_token *token)
{
    if (**cursor->at == '"' || **cursor->at == '\'')
        read_string(cursor, token);
    else
        read_plain(cursor, token);
}

/* The next token of the macro that is being expanded; false at its end. */
static bool next_of_macro(struct sp_openbsd *import, struct sp_openbsd_token *token)
{
    struct cursor cursor = {&import->macro_at, import->macro_end, NULL};
    for (;;) {
        if (import->macro_at != NULL)
            skip_blanks(&cursor);
        if (import->macro_at != import->macro_end)
            break;
        if (import->macro_piece == import->macro->count) {
            import->macro = NULL;
            return false;
        }
        const struct sp_piece *piece = &import->macro->pieces[import->macro_piece++];
        import->macro_at = piece->start;
        cursor.end = import->macro_end = piece->start + piece->len_bytes;
    }
    *token = (struct sp_openbsd_token){
        .kind = SP_OPENBSD_BAD, .place = import->macro_place, .is_expanded = true, .fault = "?"};
    token->place.order = import->order++;
    read_token(&cursor, token);
    return true;
}

/* At a '$'. What is wrong, or NULL: the macro is then the text to go on with. */
static const char *expand(struct sp_openbsd *import, struct cursor *cursor, struct sp_place *place)
{
    char name[SP_OPENBSD_WORD_BYTES];
    step(cursor);
    const char *start = *cursor->at;
    while (*cursor->at < cursor->end && is_name_byte(**cursor->at))
        step(cursor);
    place->len_bytes = (size_t)(*cursor->at - place->start);
    uint32_t number = SP_NAMES_NONE;
    if (sp_piece_text((struct sp_piece){start, (size_t)(*cursor->at - start)}, name, sizeof name))
        number = sp_names_find(&import->macro_names, name);
    if (number == SP_NAMES_NONE)
        return "this macro is not defined above";
    const struct sp_openbsd_macro *macro = &import->macros[number];
    for (size_t i = 0; i < macro->count; i++)
        import->expanded_bytes += macro->pieces[i].len_bytes + 1;
    if (import->expanded_bytes > SP_OPENBSD_TEXT_BYTES)
        return "macros stand for more than 16 MiB of text";
    import->macro = macro;
    import->macro_piece = 0;
    import->macro_at = import->macro_end = NULL;
    import->macro_place = *place;
    return NULL;
}

/* Leaves an included file, which also ends its last line; false: that was the first one. */
static bool leave_file(struct sp_openbsd *import)
{
    if (import->depth == 1)
        return false;
    import->depth--;
    return true;
}

void sp_openbsd_next(struct sp_openbsd *import)
{
    struct sp_openbsd_token *token = &import->token;
    for (;;) {
        if (import->macro != NULL && next_of_macro(import, token))
            return;
        struct sp_openbsd_scanner *scanner = &import->scanners[import->depth - 1];
        struct cursor cursor = {&scanner->at, scanner->end, scanner};
        skip_blanks(&cursor);
        *token = (struct sp_openbsd_token){
            .kind = SP_OPENBSD_BAD,
            .place = {.source = &scanner->file->source,
                      .start = scanner->at,
                      .line_start = scanner->line_start,
                      .line = scanner->line,
                      .order = import->order++},
        };
        if (scanner->at == scanner->end) {
            token->kind = leave_file(import) ? SP_OPENBSD_NEWLINE : SP_OPENBSD_END;
            return;
        }
        if (*scanner->at != '$') {
            read_token(&cursor, token);
            token->place.len_bytes = token->kind == SP_OPENBSD_NEWLINE ? 0 : token->piece.len_bytes;
            return;
        }
        token->fault = expand(import, &cursor, &token->place);
        if (token->fault != NULL)
            return;
    }
}

bool sp_piece_is(struct sp_piece piece, const char *word)
{
    return strlen(word) == piece.len_bytes && memcmp(word, piece.start, piece.len_bytes) == 0;
}

bool sp_openbsd_is_at(const struct sp_openbsd *import, const char *word)
{
    return import->token.kind == SP_OPENBSD_WORD && sp_piece_is(import->token.piece, word);
}

bool sp_openbsd_is_at_end(const struct sp_openbsd *import)
{
    return import->token.kind == SP_OPENBSD_NEWLINE || import->token.kind == SP_OPENBSD_END;
}

bool sp_piece_text(struct sp_piece piece, char *text, size_t size_bytes)
{
    size_t len = 0;
    for (size_t i = 0; i < piece.len_bytes; i++) {
        char byte = piece.start[i];
        if (byte == '\\' && i + 1 < piece.len_bytes && strchr("\"' \t\n", piece.start[i + 1]) != NULL)
            byte = piece.start[++i];
        if (byte == '\n' || byte == '\r')
            continue;
        if (byte == '\0' || len + 1 == size_bytes)
            return false;
        text[len++] = byte;
    }
    text[len] = '\0';
    return len > 0;
}

const char *sp_openbsd_token_text(const struct sp_openbsd *import, char text[SP_OPENBSD_SHOWN_BYTES])
{
    const struct sp_openbsd_token *token = &import->token;
    if (sp_openbsd_is_at_end(import))
        return "the end of the line";
    if (import->is_secret || token->is_expanded || token->kind == SP_OPENBSD_BAD)
        return "this";
    size_t len = 0;
    text[len++] = '\'';
    for (size_t i = 0; i < token->piece.len_bytes && len < SP_OPENBSD_SHOWN_BYTES - 2; i++) {
        const char byte = token->piece.start[i];
        text[len++] = byte >= 0x20 && byte < 0x7f ? byte : '?';
    }
    text[len++] = '\'';
    text[len] = '\0';
    return text;
}

bool sp_openbsd_unexpected(struct sp_openbsd *import, const char *what)
{
    char text[SP_OPENBSD_SHOWN_BYTES];
    if (import->token.kind == SP_OPENBSD_BAD)
        sp_openbsd_error(import, &import->token.place, "%s", import->token.fault);
    else
        sp_openbsd_error(import, &import->token.place, "expected %s, found %s", what,
                         sp_openbsd_token_text(import, text));
    return false;
}

bool sp_openbsd_is_value(const struct sp_openbsd *import)
{
    return import->token.kind == SP_OPENBSD_WORD || import->token.kind == SP_OPENBSD_STRING;
}

static struct sp_openbsd_macro *macro_of(struct sp_openbsd *import, const char *name)
{
    uint32_t number = sp_names_find(&import->macro_names, name);
    if (number != SP_NAMES_NONE)
        return &import->macros[number];
    char *kept = sp_storage_text(import->storage, name, strlen(name));
    if (kept == NULL ||
        !sp_grow(&import->macros, &import->macro_capacity, import->macro_count, sizeof *import->macros) ||
        !sp_names_add(&import->macro_names, kept, (uint32_t)import->macro_count))
        return NULL;
    return &import->macros[import->macro_count++];
}

static bool define(struct sp_openbsd *import, struct sp_piece name)
{
    char text[SP_OPENBSD_WORD_BYTES];
    size_t count = 0;
    while (sp_openbsd_is_value(import)) {
        if (!sp_grow(&import->pieces, &import->piece_capacity, count, sizeof *import->pieces))
            return sp_openbsd_no_memory(import);
        import->pieces[count++] = import->token.piece;
        sp_openbsd_next(import);
    }
    if (count == 0 || !sp_openbsd_is_at_end(import)) {
        sp_openbsd_error(import, &import->token.place, "a macro's value is a word or stands in quotes");
        return false;
    }
    if (!is_letter(name.start[0]) || !sp_piece_text(name, text, sizeof text)) {
        sp_openbsd_error(import, &import->token.place, "a macro's name begins with a letter");
        return false;
    }
    struct sp_piece *pieces = sp_storage_take(import->storage, count * sizeof *pieces);
    struct sp_openbsd_macro *macro = pieces != NULL ? macro_of(import, text) : NULL;
    if (macro == NULL)
        return sp_openbsd_no_memory(import);
    memcpy(pieces, import->pieces, count * sizeof *pieces);
    *macro = (struct sp_openbsd_macro){pieces, count};
    return true;
}

bool sp_openbsd_define(struct sp_openbsd *import, struct sp_piece name)
{
    /* a key may be in a macro, so that a faulty definition is never shown */
    struct sp_openbsd_file *file = import->scanners[import->depth - 1].file;
    const bool was_secret = file->source.is_secret;
    file->source.is_secret = true;
    const bool is_good = define(import, name);
    file->source.is_secret = was_secret;
    return is_good;
}

/* Words behind which keys stand, and digits that are many enough for one. */
static bool may_hold_key(const struct sp_source *source)
{
    static const char *const words[] = {"authkey", "enckey", "psk"};
    size_t run = 0;
    for (size_t i = 0; i < source->len_bytes; i++) {
        const char byte = source->bytes[i], low = (char)(byte | 0x20);
        run = (byte >= '0' && byte <= '9') || (low >= 'a' && low <= 'f') ? run + 1 : 0;
        if (run >= 12)
            return true;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (memmem(source->bytes, source->len_bytes, words[i], strlen(words[i])) != NULL)
            return true;
    return false;
}

void sp_openbsd_enter(struct sp_openbsd *import, struct sp_openbsd_file *file)
{
    file->next = import->files;
    import->files = file;
    file->number = import->file_count++;
    import->text_bytes += file->source.len_bytes;
    import->is_secret = import->is_secret || may_hold_key(&file->source);
    file->source.is_secret = import->is_secret;
    const char *start = file->source.bytes;
    import->scanners[import->depth++] =
        (struct sp_openbsd_scanner){file, start, start + file->source.len_bytes, start, 1};
}

/* Relative to the folder of the file that includes. */
static bool resolve(const struct sp_openbsd_token *token, char path[SP_OPENBSD_WORD_BYTES])
{
    char written[SP_OPENBSD_WORD_BYTES];
    const char *base = token->place.source->name, *slash = strrchr(base, '/');
    if (!sp_piece_text(token->piece, written, sizeof written))
        return false;
    const int folder_bytes = slash == NULL || written[0] == '/' ? 0 : (int)(slash - base) + 1;
    const int len = snprintf(path, SP_OPENBSD_WORD_BYTES, "%.*s%s", folder_bytes, base, written);
    return len < (int)SP_OPENBSD_WORD_BYTES;
}

static const char *refuse_include(const struct sp_openbsd *import)
{
    if (!import->may_include)
        return "other files can't be read from here: put their text in place of this line";
    if (import->depth == SP_OPENBSD_DEPTH)
        return "files are included 16 deep at most: does this one include itself?";
    if (import->file_count == SP_OPENBSD_FILES)
        return "256 files are the most that can be read: does one include itself?";
    return NULL;
}

bool sp_openbsd_include(struct sp_openbsd *import, const struct sp_openbsd_token *token)
{
    char path[SP_OPENBSD_WORD_BYTES], reason[SP_SECRET_REASON_BYTES];
    const char *fault = refuse_include(import);
    if (fault == NULL && !resolve(token, path))
        fault = "this is not the path of a file";
    if (fault != NULL) {
        sp_openbsd_error(import, &token->place, "%s", fault);
        return false;
    }
    struct sp_openbsd_file *file = sp_storage_take(import->storage, sizeof *file);
    char *name = sp_storage_text(import->storage, path, strlen(path));
    if (file == NULL || name == NULL)
        return sp_openbsd_no_memory(import);
    *file = (struct sp_openbsd_file){0};
    enum sp_status status =
        sp_secret_read_open(path, true, SP_OPENBSD_FILE_BYTES, &file->secret, &file->is_open, reason);
    if (status == SP_ERR_MEMORY)
        return sp_openbsd_no_memory(import);
    if (status == SP_OK && import->text_bytes + file->secret.len_bytes > SP_OPENBSD_TEXT_BYTES) {
        sp_secret_free(&file->secret);
        snprintf(reason, sizeof reason, "makes more than 16 MiB of text together with the others");
        status = SP_ERR_IO;
    }
    if (status != SP_OK) {
        sp_diagnose(&import->diagnosis, SP_SEVERITY_ERROR, status, &token->place, "this file %s", reason);
        return false;
    }
    file->source =
        (struct sp_source){.name = name, .bytes = file->secret.bytes, .len_bytes = file->secret.len_bytes};
    sp_openbsd_enter(import, file);
    return true;
}
