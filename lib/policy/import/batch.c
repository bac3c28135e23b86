/* SPDX-License-Identifier: ISC
 *
 * Batch scripts as far as cmd.exe's reading of a line matters to the commands in it: '^' at the end of a
 * line, variables that the script itself sets, quotes, '&' between commands, redirections.
 *
 * Nothing is run. Where the script decides at run time (if, for, goto, arguments) a netsh command is an
 * error, and a jump a warning, because which commands run can't be known from the text.
 */
#include "policy/import/import.h"

#include <stdlib.h>
#include <string.h>

#define MAX_VARIABLES 1000
#define MAX_WORDS 256

struct variable {
    char *name, *value; /* no value: set, but to what isn't known */
};

struct batch {
    struct sp_import *import;
    const char *at, *end;
    uint32_t line;
    struct variable variables[MAX_VARIABLES];
    size_t variable_count;
    bool is_jump_told;
    bool has_delayed_expansion; /* !NAME! is a variable too */
    const char *fault;          /* why the line isn't what will run */
    char raw[SP_BATCH_LINE_BYTES], expanded[SP_BATCH_LINE_BYTES], words_text[SP_BATCH_LINE_BYTES * 2];
    struct sp_word words[MAX_WORDS];
};

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static const char *skip_blanks(const char *at)
{
    while (is_blank(*at) || *at == '@' || *at == '(')
        at++;
    return at;
}

/* Whether the command begins with this word. */
static bool is_command(const char *command, const char *word)
{
    const size_t len = strlen(word);
    return sp_word_starts(command, word) && !is_letter(command[len]) &&
           !(command[len] >= '0' && command[len] <= '9') && command[len] != '_' && command[len] != '-';
}

static bool is_comment(const char *line)
{
    line = skip_blanks(line);
    return is_command(line, "rem") || *line == ':';
}

/* Appends the next line of the file; false when there is no room. */
static bool append_line(struct batch *batch, size_t *len)
{
    const char *newline = memchr(batch->at, '\n', (size_t)(batch->end - batch->at));
    const char *stop = newline != NULL ? newline : batch->end;
    size_t bytes = (size_t)(stop - batch->at);
    const char *from = batch->at;
    batch->at = newline != NULL ? newline + 1 : batch->end;
    batch->line++;
    if (bytes > 0 && from[bytes - 1] == '\r')
        bytes--;
    if (*len + bytes >= sizeof batch->raw)
        return false;
    memcpy(batch->raw + *len, from, bytes);
    *len += bytes;
    batch->raw[*len] = '\0';
    return true;
}

static bool is_continued(const char *text, size_t len)
{
    size_t carets = 0;
    while (carets < len && text[len - 1 - carets] == '^')
        carets++;
    return carets % 2 == 1;
}

/* One line with its continuations in batch->raw; false when it is too long. */
static bool gather_line(struct batch *batch)
{
    size_t len = 0;
    bool has_room = append_line(batch, &len);
    while (has_room && !is_comment(batch->raw) && is_continued(batch->raw, len) && batch->at < batch->end) {
        len--;
        has_room = append_line(batch, &len);
    }
    return has_room;
}

static struct variable *find_variable(struct batch *batch, const char *name)
{
    for (size_t i = 0; i < batch->variable_count; i++)
        if (sp_same_word(batch->variables[i].name, name))
            return &batch->variables[i];
    return NULL;
}

static void set_variable(struct batch *batch, const char *name, const char *value)
{
    struct variable *variable = find_variable(batch, name);
    char *copy = value != NULL ? strdup(value) : NULL;
    if (variable == NULL && batch->variable_count == MAX_VARIABLES)
        sp_import_error(batch->import, "sets more than %d variables", MAX_VARIABLES);
    else if (variable == NULL) {
        variable = &batch->variables[batch->variable_count];
        variable->name = strdup(name);
        batch->variable_count += variable->name != NULL;
    }
    if (variable == NULL || variable->name == NULL || (value != NULL && copy == NULL)) {
        free(copy);
        if (batch->variable_count < MAX_VARIABLES)
            sp_import_no_memory(batch->import);
        return;
    }
    free(variable->value);
    variable->value = copy;
}

/* %NAME% at from. Returns what follows it; *ret_value is NULL when it can't be known. */
static const char *read_variable(struct batch *batch, const char *from, const char **ret_value)
{
    char name[128];
    const char *close = strchr(from + 1, '%');
    *ret_value = NULL;
    const size_t len = close != NULL ? (size_t)(close - from - 1) : 0;
    if (close == NULL || len >= sizeof name || (from[1] >= '0' && from[1] <= '9') || from[1] == '~' ||
        from[1] == '*') {
        batch->fault = "an argument of the script (as %1) stands in it";
        return from + 1;
    }
    memcpy(name, from + 1, len);
    name[len] = '\0';
    const struct variable *variable = find_variable(batch, name);
    if (variable == NULL || variable->value == NULL)
        batch->fault = "a variable in it has no value that this file sets";
    else
        *ret_value = variable->value;
    return close + 1;
}

/* batch->raw with its variables replaced, in batch->expanded; false when that is too long. */
static bool expand(struct batch *batch)
{
    size_t len = 0;
    batch->fault = NULL;
    for (const char *at = batch->raw; *at != '\0';) {
        const char *piece = at;
        size_t bytes = 1;
        if (*at != '%') {
            at++;
        } else if (at[1] == '%') {
            at += 2;
            if (is_letter(*at) || *at == '~')
                batch->fault = "a variable of a for loop stands in it";
        } else {
            at = read_variable(batch, at, &piece);
            bytes = piece != NULL ? strlen(piece) : 0;
        }
        if (len + bytes >= sizeof batch->expanded)
            return false;
        if (bytes > 0)
            memcpy(batch->expanded + len, piece, bytes);
        len += bytes;
    }
    batch->expanded[len] = '\0';
    return true;
}

/* Steps over one character of a command, with the one that '^' shields. */
static char *step(char *at, bool *is_in_quotes)
{
    if (*at == '"')
        *is_in_quotes = !*is_in_quotes;
    if (*at == '^' && !*is_in_quotes && at[1] != '\0')
        at++;
    return at + 1;
}

/* The end of the command: an '&' or '|' that is no part of a redirection such as 2>&1. */
static char *end_of_command(char *command)
{
    bool is_in_quotes = false;
    char *at = command;
    while (*at != '\0') {
        if (!is_in_quotes && (*at == '&' || *at == '|') && (at == command || at[-1] != '>'))
            break;
        at = step(at, &is_in_quotes);
    }
    return at;
}

/* set NAME=VALUE, or set "NAME=VALUE". */
static void run_set(struct batch *batch, char *rest)
{
    while (is_blank(*rest))
        rest++;
    const bool is_computed = sp_word_starts(rest, "/a") || sp_word_starts(rest, "/p");
    if (is_computed)
        for (rest += 2; is_blank(*rest);)
            rest++;
    if (*rest == '"') {
        rest++;
        char *quote = strrchr(rest, '"');
        if (quote != NULL)
            *quote = '\0';
    }
    char *equals = strchr(rest, '=');
    if (equals == NULL || equals == rest)
        return;
    *equals = '\0';
    set_variable(batch, rest, is_computed || batch->fault != NULL ? NULL : equals + 1);
}

/* > FILE, 2>&1 and the like: what netsh prints is nobody's business here. */
static char *skip_redirection(char *at)
{
    while (*at == '>' || *at == '<' || *at == '&' || is_blank(*at))
        at++;
    bool is_in_quotes = false;
    while (*at != '\0' && (is_in_quotes || (!is_blank(*at) && *at != '>' && *at != '<')))
        at = step(at, &is_in_quotes);
    return at;
}

static bool ends_word(char byte)
{
    return byte == '\0' || is_blank(byte) || byte == '=' || byte == '>' || byte == '<';
}

/* One word without its quotes and carets, to *out. */
static char *read_word(char *at, char **out, struct sp_word *ret_word)
{
    bool is_in_quotes = false;
    *ret_word = (struct sp_word){.text = *out};
    while (*at != '\0' && (is_in_quotes || !ends_word(*at))) {
        ret_word->is_quoted = ret_word->is_quoted || *at == '"';
        char *next = step(at, &is_in_quotes);
        if (*at != '"')
            *(*out)++ = next[-1];
        at = next;
    }
    *(*out)++ = '\0';
    return at;
}

static void run_netsh(struct batch *batch, char *command)
{
    char *out = batch->words_text;
    if (batch->has_delayed_expansion && strchr(command, '!') != NULL)
        batch->fault = "a variable in it is replaced only when it runs (!NAME!)";
    size_t count = 0;
    for (char *at = command; *at != '\0' && count < MAX_WORDS;) {
        const bool is_handle = (*at == '1' || *at == '2') && at[1] == '>';
        if (is_blank(*at))
            at++;
        else if (*at == '>' || *at == '<' || is_handle)
            at = skip_redirection(at + is_handle);
        else if (*at == '=')
            batch->words[count++] = (struct sp_word){.text = at++, .is_equals = true};
        else
            at = read_word(at, &out, &batch->words[count++]);
    }
    if (count == MAX_WORDS)
        sp_import_error(batch->import, "this command has over %d words", MAX_WORDS - 1);
    else
        sp_netsh_command(batch->import, batch->words, count, batch->fault);
}

/* netsh, netsh.exe, with a path or without. */
static bool is_netsh(const char *command)
{
    size_t len = 0;
    bool is_quoted = *command == '"';
    command += is_quoted;
    while (command[len] != '\0' && command[len] != '"' && (is_quoted || !is_blank(command[len])))
        len++;
    const char *name = command + len;
    while (name > command && name[-1] != '\\' && name[-1] != '/')
        name--;
    return (len > 0 && is_command(name, "netsh"));
}

static void run_other(struct batch *batch, const char *command)
{
    static const char *const jumps[] = {"if", "for", "goto", "call", "exit"};
    struct sp_import *import = batch->import;
    import->skipped_commands++;
    batch->has_delayed_expansion =
        batch->has_delayed_expansion || sp_word_contains(command, "enabledelayedexpansion");
    if (is_command(command, "echo") || is_comment(command))
        return;
    if (sp_word_contains(command, "netsh") && sp_word_contains(command, "ipsec")) {
        sp_import_error(import, "whether this runs netsh can't be known: put the netsh command on a line "
                                "of its own");
        return;
    }
    for (size_t i = 0; i < sizeof jumps / sizeof *jumps && !batch->is_jump_told; i++) {
        if (!is_command(command, jumps[i]))
            continue;
        batch->is_jump_told = true;
        sp_import_warn(import, "jumps and conditions aren't followed, here and below: all lines are read, "
                               "each once");
    }
}

static void run_line(struct batch *batch)
{
    for (char *command = batch->expanded; *command != '\0';) {
        char *end = end_of_command(command);
        const bool is_last = *end == '\0';
        *end = '\0';
        command += skip_blanks(command) - command;
        if (is_netsh(command))
            run_netsh(batch, command);
        else if (is_command(command, "set") && is_blank(command[3]))
            run_set(batch, command + 3);
        else if (*command != '\0')
            run_other(batch, command);
        command = is_last ? end : end + 1;
    }
}

/* The findings' place: the whole line, unless a shared key is in it. */
static void start_line(struct batch *batch)
{
    struct sp_import *import = batch->import;
    const char *newline = memchr(batch->at, '\n', (size_t)(batch->end - batch->at));
    size_t bytes = (size_t)((newline != NULL ? newline : batch->end) - batch->at);
    const char *start = batch->at;
    while (bytes > 0 && (start[bytes - 1] == '\r' || is_blank(start[bytes - 1])))
        bytes--;
    import->place = (struct sp_place){.source = &import->source,
                                      .start = start,
                                      .line_start = start,
                                      .len_bytes = bytes,
                                      .line = batch->line + 1,
                                      .order = batch->line + 1};
}

/* psk= may be as short as ps=. */
static bool has_key(const char *line)
{
    return sp_word_contains(line, "psk") || sp_word_contains(line, "ps=") || sp_word_contains(line, "ps =");
}

static void hide_key(struct batch *batch, const char *line)
{
    struct sp_place *place = &batch->import->place;
    if (!has_key(line))
        return;
    place->source = &batch->import->hidden;
    place->start = place->line_start = batch->import->hidden.bytes;
    place->len_bytes = batch->import->hidden.len_bytes;
}

static void read_line(struct batch *batch)
{
    struct sp_import *import = batch->import;
    start_line(batch);
    const bool is_whole = gather_line(batch);
    hide_key(batch, batch->raw);
    if (!is_whole) {
        sp_import_error(import, "this line is longer than the 8,191 characters that cmd.exe reads");
        return;
    }
    if (is_comment(batch->raw))
        return;
    if (!expand(batch)) {
        sp_import_error(import, "with its variables this line is longer than 8,191 characters");
        return;
    }
    hide_key(batch, batch->expanded);
    run_line(batch);
}

void sp_batch_read(struct sp_import *import)
{
    struct batch *batch = calloc(1, sizeof *batch);
    if (batch == NULL) {
        sp_import_no_memory(import);
        return;
    }
    batch->import = import;
    batch->at = import->source.bytes;
    batch->end = batch->at + import->source.len_bytes;
    while (batch->at < batch->end && !sp_diagnosis_is_full(&import->diagnosis))
        read_line(batch);
    for (size_t i = 0; i < batch->variable_count; i++) {
        free(batch->variables[i].name);
        free(batch->variables[i].value);
    }
    free(batch);
}
