/* SPDX-License-Identifier: ISC
 *
 * From the text of a policy to its model: files, statements, and what can be judged only when all is read.
 *
 * Recursive descent over one token of lookahead. The texts of all files stay in memory until the end, because
 * findings point into them. Includes are refused when they form a ring or grow without bounds.
 */
#include "policy/parser.h"
#include "policy/loader.h"
#include "policy/order.h"
#include "core/misuse.h"

#include <stdlib.h>
#include <string.h>

#define INCLUDE_DEPTH_MAX 16
#define FILES_MAX 256
#define TEXT_MAX_BYTES ((size_t)64 << 20)
#define PATH_MAX_BYTES 4096

struct sp_file {
    struct sp_source source;
    struct sp_loaded loaded;
    char *name;
    const struct sp_file *includer;
    struct sp_file *next;
    unsigned depth;
};

static const char *const statement_words[] = {"action",  "set",     "protect", "bypass", "block",
                                              "default", "include", "order",   NULL};

/* What people write who know other languages. */
static const struct {
    const char *word, *instead;
} other_words[] = {
    {"encrypt", "protect"}, {"ipsec", "protect"},   {"secure", "protect"}, {"require", "protect"},
    {"allow", "bypass"},    {"pass", "bypass"},     {"permit", "bypass"},  {"accept", "bypass"},
    {"deny", "block"},      {"drop", "block"},      {"reject", "block"},   {"discard", "block"},
    {"DISCARD", "block"},   {"PROTECT", "protect"}, {"BYPASS", "bypass"},
};

bool sp_parser_no_memory(struct sp_parser *parser)
{
    parser->is_out_of_memory = true;
    return false;
}

static bool parse_file(struct sp_parser *parser, struct sp_file *file);

/* Takes the text over, also on failure. */
static struct sp_file *add_file(struct sp_parser *parser, const char *name, const struct sp_loaded *loaded)
{
    struct sp_file *file = calloc(1, sizeof *file);
    char *copy = sp_storage_text(parser->storage, name, strlen(name));
    if (file == NULL || copy == NULL) {
        free(file);
        free(loaded->bytes);
        (void)sp_parser_no_memory(parser);
        return NULL;
    }
    *file = (struct sp_file){
        .source = {.name = copy, .bytes = loaded->bytes, .len_bytes = loaded->len_bytes},
        .loaded = *loaded,
        .next = parser->files,
    };
    if (file->source.bytes == NULL)
        file->source.bytes = "";
    parser->files = file;
    parser->file_count++;
    parser->text_bytes += loaded->len_bytes;
    return file;
}

/* Relative to the folder of the including file, which a descriptor (/dev/stdin, /dev/fd/N) doesn't have.
 * False: the path is too long. */
static bool resolve(const struct sp_file *includer, const char *path, char *resolved)
{
    const char *base = includer->source.name;
    const char *slash = strrchr(base, '/');
    bool is_folderless = slash == NULL || path[0] == '/' || strncmp(base, "/dev/", 5) == 0;
    int folder_bytes = is_folderless ? 0 : (int)(slash - base) + 1;
    int len = snprintf(resolved, PATH_MAX_BYTES, "%.*s%s", folder_bytes, base, path);
    return len < PATH_MAX_BYTES;
}

static bool includes_itself(const struct sp_file *includer, const struct sp_loaded *loaded)
{
    for (; includer != NULL; includer = includer->includer) {
        if (includer->loaded.inode == loaded->inode && includer->loaded.device == loaded->device)
            return true;
    }
    return false;
}

static void include(struct sp_parser *parser, struct sp_file *includer, const struct sp_place *place,
                    const char *path)
{
    char reason[256];
    struct sp_loaded loaded;
    if (includer->depth + 1 >= INCLUDE_DEPTH_MAX || parser->file_count >= FILES_MAX) {
        sp_diagnose_error(&parser->diagnosis, place, "too many includes: %d deep and %d files are the most",
                          INCLUDE_DEPTH_MAX, FILES_MAX);
        return;
    }
    enum sp_status status = sp_loader_read(path, true, &loaded, reason);
    if (status == SP_ERR_MEMORY)
        (void)sp_parser_no_memory(parser);
    else if (status != SP_OK)
        sp_diagnose(&parser->diagnosis, SP_SEVERITY_ERROR, status, place, "%.120s %.120s", path, reason);
    if (status != SP_OK)
        return;
    if (includes_itself(includer, &loaded) || parser->text_bytes + loaded.len_bytes > TEXT_MAX_BYTES) {
        sp_diagnose_error(&parser->diagnosis, place, "%s",
                          parser->text_bytes + loaded.len_bytes > TEXT_MAX_BYTES
                              ? "all files together are larger than 64 MiB, the most that a policy may have"
                              : "this file is being read already: files can't include each other in a ring");
        free(loaded.bytes);
        return;
    }
    struct sp_file *file = add_file(parser, path, &loaded);
    if (file == NULL)
        return;
    file->includer = includer;
    file->depth = includer->depth + 1;
    (void)parse_file(parser, file);
}

static bool parse_include(struct sp_parser *parser, struct sp_reader *reader, struct sp_file *file)
{
    sp_reader_next(reader);
    struct sp_token token = reader->token;
    if (token.kind != SP_TOKEN_STRING) {
        sp_reader_unexpected(reader, "the path of a file in quotes");
        return false;
    }
    sp_reader_next(reader);
    if (!sp_reader_is_at_end(reader)) {
        sp_reader_unexpected(reader, "the end of the line");
        return false;
    }
    if (file->source.is_alone) {
        sp_diagnose_error(&parser->diagnosis, &token.place,
                          "a policy that was handed over can't include files: write out what they say");
        return true;
    }
    char path[PATH_MAX_BYTES], resolved[PATH_MAX_BYTES];
    if (token.place.len_bytes >= sizeof path || sp_token_string(&token, path) == 0 ||
        !resolve(file, path, resolved)) {
        sp_diagnose_error(&parser->diagnosis, &token.place, "this is not a path of 1 to %d bytes",
                          PATH_MAX_BYTES - 1);
        return true;
    }
    include(parser, file, &token.place, resolved);
    return true;
}

static bool parse_default(struct sp_parser *parser, struct sp_reader *reader)
{
    struct sp_place place = reader->token.place;
    sp_reader_next(reader);
    bool is_bypass = sp_reader_is_at_word(reader, "bypass");
    if (parser->has_default)
        sp_diagnose_error(&parser->diagnosis, &place,
                          "there is a default at %.100s:%u already: a policy has one",
                          parser->default_place.source->name, parser->default_place.line);
    else
        parser->default_place = place;
    parser->has_default = true;
    if (!is_bypass && !sp_reader_is_at_word(reader, "block")) {
        sp_reader_unexpected(reader, "'bypass' or 'block'");
        return false;
    }
    parser->policy->fallback = is_bypass ? SP_ACTION_BYPASS : SP_ACTION_BLOCK;
    sp_reader_next(reader);
    return true;
}

static bool parse_order(struct sp_parser *parser, struct sp_reader *reader)
{
    struct sp_place place = reader->token.place;
    sp_reader_next(reader);
    bool is_specific = sp_reader_is_at_word(reader, "specific");
    if (parser->has_order)
        sp_diagnose_error(&parser->diagnosis, &place,
                          "there is an order at %.100s:%u already: a policy has one",
                          parser->order_place.source->name, parser->order_place.line);
    else
        parser->order_place = place;
    parser->has_order = true;
    if (!is_specific && !sp_reader_is_at_word(reader, "listed")) {
        sp_reader_unexpected(reader, "'listed' or 'specific'");
        return false;
    }
    parser->policy->order = is_specific ? SP_ORDER_SPECIFIC : SP_ORDER_LISTED;
    sp_reader_next(reader);
    return true;
}

static bool refuse_statement(struct sp_reader *reader)
{
    for (size_t i = 0; i < sizeof other_words / sizeof *other_words; i++) {
        if (!sp_reader_is_at_word(reader, other_words[i].word))
            continue;
        sp_diagnose_error(reader->diagnosis, &reader->token.place, "%s is called %s here",
                          other_words[i].word, other_words[i].instead);
        return false;
    }
    sp_reader_unexpected(reader, "action, set, protect, bypass, block, default, order or include");
    return false;
}

static bool parse_statement(struct sp_parser *parser, struct sp_reader *reader, struct sp_file *file)
{
    if (!sp_reader_is_at_statement(reader))
        return refuse_statement(reader);
    if (sp_reader_is_at_word(reader, "action"))
        return sp_parse_action(parser, reader, file->source.name);
    if (sp_reader_is_at_word(reader, "set"))
        return sp_parse_set(parser, reader, file->source.name);
    if (sp_reader_is_at_word(reader, "include"))
        return parse_include(parser, reader, file);
    if (sp_reader_is_at_word(reader, "default"))
        return parse_default(parser, reader);
    if (sp_reader_is_at_word(reader, "order"))
        return parse_order(parser, reader);
    return sp_parse_rule(parser, reader, file->source.name);
}

/* The reader stands at the end of a statement that was understood. */
static bool expect_end(struct sp_reader *reader)
{
    if (sp_reader_is_at_end(reader))
        return true;
    sp_reader_unexpected(reader, "the end of the line");
    return false;
}

static bool parse_file(struct sp_parser *parser, struct sp_file *file)
{
    struct sp_reader reader;
    sp_reader_start(&reader, &file->source, &parser->order, statement_words, &parser->diagnosis);
    for (;;) {
        sp_reader_skip_newlines(&reader);
        if (parser->is_out_of_memory || sp_diagnosis_is_full(&parser->diagnosis) ||
            sp_reader_is_at(&reader, SP_TOKEN_END))
            return true;
        if (!parse_statement(parser, &reader, file) || !expect_end(&reader))
            sp_reader_recover(&reader);
    }
}

static void resolve_references(struct sp_parser *parser)
{
    for (size_t i = 0; i < parser->reference_count; i++) {
        const struct sp_reference *reference = &parser->references[i];
        uint32_t action = sp_names_find(&parser->action_names, reference->name);
        if (action == SP_NAMES_NONE)
            sp_diagnose_error(&parser->diagnosis, &reference->place,
                              "no action has this name: define action \"%.100s\" { ... }", reference->name);
        else
            parser->policy->rules[reference->rule].action_index = action;
    }
}

static void check_default(struct sp_parser *parser, const struct sp_file *main_file)
{
    struct sp_place whole = {.source = &main_file->source, .order = UINT64_MAX};
    if (!parser->has_default && !sp_diagnosis_is_full(&parser->diagnosis))
        sp_diagnose_error(&parser->diagnosis, &whole,
                          "what holds when no rule matches? Write default bypass or default block");
}

static void free_parser(struct sp_parser *parser)
{
    while (parser->files != NULL) {
        struct sp_file *file = parser->files;
        parser->files = file->next;
        free(file->loaded.bytes);
        free(file);
    }
    sp_names_free(&parser->action_names);
    sp_names_free(&parser->rule_names);
    sp_names_free(&parser->set_names);
    free(parser->set_places);
    free(parser->missing_sets);
    free(parser->terms);
    free(parser->action_places);
    free(parser->references);
    free(parser->addresses);
    free(parser->ports);
}

static enum sp_status parse_all(struct sp_parser *parser, const char *name, const struct sp_loaded *loaded,
                                bool is_alone)
{
    struct sp_file *file = add_file(parser, name, loaded);
    if (file == NULL)
        return SP_ERR_MEMORY;
    file->source.is_alone = is_alone;
    (void)parse_file(parser, file);
    resolve_references(parser);
    sp_check_sets(parser);
    check_default(parser, file);
    sp_diagnosis_finish(&parser->diagnosis);
    return parser->is_out_of_memory ? SP_ERR_MEMORY : sp_diagnosis_status(&parser->diagnosis);
}

/* Takes loaded->bytes over. */
static enum sp_status build(const char *name, const struct sp_loaded *loaded, bool is_alone,
                            struct sp_policy **ret_policy, struct sp_report *report)
{
    struct sp_policy *policy = calloc(1, sizeof *policy);
    struct sp_storage *storage = sp_storage_create();
    enum sp_status status = SP_ERR_MEMORY;
    if (policy == NULL || storage == NULL) {
        free(policy);
        sp_storage_destroy(storage);
        free(loaded->bytes);
        return status;
    }
    policy->strings = storage;
    struct sp_parser parser = {.diagnosis = {.report = report}, .policy = policy, .storage = storage};
    status = parse_all(&parser, name, loaded, is_alone);
    free_parser(&parser);
    if (status == SP_OK && !sp_policy_sort(policy))
        status = SP_ERR_MEMORY;
    if (status == SP_OK)
        *ret_policy = policy;
    else
        sp_policy_destroy(&policy);
    return status;
}

enum sp_status sp_policy_load(const char *path, struct sp_policy **ret_policy, struct sp_report *report)
{
    SP_REQUIRE(path != NULL && ret_policy != NULL && report != NULL);
    char reason[256];
    struct sp_loaded loaded;
    const char *name = strcmp(path, "-") == 0 ? "stdin" : path;
    enum sp_status status = sp_loader_read(path, false, &loaded, reason);
    if (status == SP_ERR_IO) {
        struct sp_diagnosis diagnosis = {.report = report};
        struct sp_source source = {.name = name};
        struct sp_place whole = {.source = &source};
        sp_diagnose(&diagnosis, SP_SEVERITY_ERROR, status, &whole, "%s", reason);
        sp_diagnosis_finish(&diagnosis);
    }
    return status == SP_OK ? build(name, &loaded, false, ret_policy, report) : status;
}

static enum sp_status parse_text(const char *text, size_t len_bytes, const char *name, bool is_alone,
                                 struct sp_policy **ret_policy, struct sp_report *report)
{
    struct sp_loaded loaded = {.bytes = malloc(len_bytes == 0 ? 1 : len_bytes), .len_bytes = len_bytes};
    if (loaded.bytes == NULL)
        return SP_ERR_MEMORY;
    if (len_bytes > 0)
        memcpy(loaded.bytes, text, len_bytes);
    return build(name, &loaded, is_alone, ret_policy, report);
}

enum sp_status sp_policy_parse(const char *text, size_t len_bytes, const char *name,
                               struct sp_policy **ret_policy, struct sp_report *report)
{
    SP_REQUIRE((text != NULL || len_bytes == 0) && name != NULL && ret_policy != NULL && report != NULL);
    return parse_text(text, len_bytes, name, false, ret_policy, report);
}

enum sp_status sp_policy_parse_alone(const char *text, size_t len_bytes, const char *name,
                                     struct sp_policy **ret_policy, struct sp_report *report)
{
    SP_REQUIRE((text != NULL || len_bytes == 0) && name != NULL && ret_policy != NULL && report != NULL);
    return parse_text(text, len_bytes, name, true, ret_policy, report);
}
