/* SPDX-License-Identifier: ISC
 *
 * SA files, sallyport.keys(5): all of their SAs, or none.
 *
 * The text and the decoded keys are in memory of sodium_malloc only (locked, guarded, wiped when freed),
 * tokens are places in that text, and findings show it masked. Everything is judged before the first SA is
 * added, so that traffic never meets half a file.
 */
#include "policy/keyfile.h"
#include "policy/names.h"
#include "policy/sa_block.h"
#include "policy/secret_file.h"
#include "policy/storage.h"
#include "core/misuse.h"
#include "sa/params.h"
#include "sa/sad.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES ((size_t)64 << 20)
#define FIRST_BLOCKS 16
#define IDENTITY_BYTES (16 + 2 * SP_ADDRESS_TEXT_BYTES)

static const char *const statement_words[] = {"sa", NULL};

struct keyfile {
    struct sp_diagnosis diagnosis;
    struct sp_source source;
    struct sp_sa_block *blocks; /* of sodium_malloc */
    size_t count, capacity;
    struct sp_storage *storage; /* behind the names */
    struct sp_names names, identities;
    uint64_t order;
    struct sp_sad *sad; /* where the SAs go, or NULL: to visit */
    sp_keyfile_visitor *visit;
    void *context;
};

static void no_memory(struct keyfile *file)
{
    file->diagnosis.is_out_of_memory = true;
}

/* Room for one more SA, zeroed; NULL when memory is out. */
static struct sp_sa_block *next_block(struct keyfile *file)
{
    if (file->count == file->capacity) {
        size_t capacity = file->capacity == 0 ? FIRST_BLOCKS : file->capacity * 2;
        struct sp_sa_block *wider = sodium_allocarray(capacity, sizeof *wider);
        if (wider == NULL)
            return NULL;
        if (file->count > 0)
            memcpy(wider, file->blocks, file->count * sizeof *wider);
        sodium_free(file->blocks);
        file->blocks = wider;
        file->capacity = capacity;
    }
    return memset(&file->blocks[file->count], 0, sizeof *file->blocks);
}

/* Says what when text is taken in names by an earlier SA, else takes it. */
static void claim(struct keyfile *file, struct sp_names *names, const char *text,
                  const struct sp_place *place, const char *what)
{
    uint32_t earlier = sp_names_find(names, text);
    if (earlier != SP_NAMES_NONE) {
        sp_diagnose_error(&file->diagnosis, place, "the SA of line %u has this %s already: choose another",
                          file->blocks[earlier].name_place.line, what);
        return;
    }
    char *copy = sp_storage_text(file->storage, text, strlen(text));
    if (copy == NULL || !sp_names_add(names, copy, (uint32_t)file->count))
        no_memory(file);
}

/* RFC 4301 4.1: an inbound SA is known by its SPI and addresses. */
static void claim_identity(struct keyfile *file, const struct sp_sa_block *block)
{
    char identity[IDENTITY_BYTES], source[SP_ADDRESS_TEXT_BYTES], destination[SP_ADDRESS_TEXT_BYTES];
    if (block->spi == 0 || block->source.family == 0 || block->destination.family == 0)
        return;
    snprintf(identity, sizeof identity, "%x %s %s", block->spi, sp_address_format(&block->source, source),
             sp_address_format(&block->destination, destination));
    claim(file, &file->identities, identity, &block->places[SP_SA_ITEM_SPI], "SPI between these addresses");
}

static bool parse_sa(struct keyfile *file, struct sp_reader *reader)
{
    struct sp_sa_block *block = next_block(file);
    if (block == NULL) {
        no_memory(file);
        return false;
    }
    sp_reader_next(reader);
    bool is_understood = sp_sa_block_parse(reader, block);
    if (block->name[0] != '\0')
        claim(file, &file->names, block->name, &block->name_place, "name");
    claim_identity(file, block);
    file->count++;
    return is_understood;
}

static bool parse_statement(struct keyfile *file, struct sp_reader *reader)
{
    if (!sp_reader_is_at_statement(reader)) {
        sp_reader_unexpected(reader, "sa \"NAME\" { ... }");
        return false;
    }
    if (!parse_sa(file, reader))
        return false;
    if (sp_reader_is_at_end(reader))
        return true;
    sp_reader_unexpected(reader, "the end of the line");
    return false;
}

static void parse(struct keyfile *file)
{
    struct sp_reader reader;
    sp_reader_start(&reader, &file->source, &file->order, statement_words, &file->diagnosis);
    for (;;) {
        sp_reader_skip_newlines(&reader);
        if (sp_diagnosis_is_full(&file->diagnosis) || sp_reader_is_at(&reader, SP_TOKEN_END))
            return;
        if (!parse_statement(file, &reader))
            sp_reader_recover(&reader);
    }
}

/* Against what the SAD holds already; the SAs of the file were held against each other. */
static void check_room(struct keyfile *file)
{
    const struct sp_sad *sad = file->sad;
    struct sp_place whole = {.source = &file->source, .order = UINT64_MAX};
    uint32_t free_count = sp_sad_capacity(sad) - sp_sad_count(sad);
    if (file->count > free_count)
        sp_diagnose(&file->diagnosis, SP_SEVERITY_ERROR, SP_ERR_LIMIT, &whole,
                    "%zu SAs are in this file, and there is room for %u", file->count, free_count);
    for (size_t i = 0; i < file->count && !sp_diagnosis_is_full(&file->diagnosis); i++) {
        const struct sp_sa_block *block = &file->blocks[i];
        if (sp_sad_find_inbound(sad, block->spi, &block->source, &block->destination) != NULL)
            sp_diagnose(&file->diagnosis, SP_SEVERITY_ERROR, SP_ERR_EXISTS, &block->places[SP_SA_ITEM_SPI],
                        "an SA with this SPI between these addresses is there already: choose another SPI");
    }
}

static enum sp_status add_one(struct keyfile *file, struct sp_sa_block *block)
{
    char reason[256] = ""; /* as sp_sad_add has it */
    struct sp_sa_params params = sp_sa_block_params(block);
    enum sp_status status = sp_sad_add(file->sad, &params, &block->number, reason);
    if (status == SP_ERR_MEMORY)
        no_memory(file);
    else if (status != SP_OK)
        sp_diagnose(&file->diagnosis, SP_SEVERITY_ERROR, status, &block->name_place, "%s", reason);
    return status;
}

static void add_all(struct keyfile *file)
{
    size_t added = 0;
    while (added < file->count && add_one(file, &file->blocks[added]) == SP_OK)
        added++;
    if (added == file->count)
        return;
    while (added-- > 0)
        (void)!sp_sad_remove(file->sad, file->blocks[added].number);
}

static void put_into_sad(struct keyfile *file)
{
    check_room(file);
    if (sp_diagnosis_status(&file->diagnosis) == SP_OK)
        add_all(file);
}

/* What a SAD would refuse is refused here too. */
static void check_all(struct keyfile *file)
{
    for (size_t i = 0; i < file->count && !sp_diagnosis_is_full(&file->diagnosis); i++) {
        char reason[SP_REASON_BYTES] = "";
        const struct sp_sa_params params = sp_sa_block_params(&file->blocks[i]);
        const enum sp_status status = sp_sa_params_check(&params, reason);
        if (status != SP_OK)
            sp_diagnose(&file->diagnosis, SP_SEVERITY_ERROR, status, &file->blocks[i].name_place, "%s",
                        reason);
    }
}

static void visit_all(struct keyfile *file)
{
    check_all(file);
    if (sp_diagnosis_status(&file->diagnosis) != SP_OK)
        return;
    for (size_t i = 0; i < file->count; i++) {
        const struct sp_sa_params params = sp_sa_block_params(&file->blocks[i]);
        file->visit(&params, file->context);
    }
}

static enum sp_status load(struct keyfile *file)
{
    file->storage = sp_storage_create();
    if (file->storage == NULL)
        return SP_ERR_MEMORY;
    parse(file);
    if (sp_diagnosis_status(&file->diagnosis) == SP_OK && file->sad != NULL)
        put_into_sad(file);
    else if (sp_diagnosis_status(&file->diagnosis) == SP_OK)
        visit_all(file);
    sp_diagnosis_finish(&file->diagnosis);
    sodium_free(file->blocks);
    sp_names_free(&file->names);
    sp_names_free(&file->identities);
    sp_storage_destroy(file->storage);
    return sp_diagnosis_status(&file->diagnosis);
}

static void tell_unreadable(struct keyfile *file, enum sp_status status, const char *reason)
{
    struct sp_place whole = {.source = &file->source};
    sp_diagnose(&file->diagnosis, SP_SEVERITY_ERROR, status, &whole, "%s", reason);
    sp_diagnosis_finish(&file->diagnosis);
}

/* Reads the file for whoever file names: a SAD or a visitor. */
static enum sp_status read_file(struct keyfile *file, const char *path)
{
    char reason[SP_SECRET_REASON_BYTES];
    struct sp_secret secret = {0};
    /* a descriptor has no folder, so key files are then sought in the working directory */
    const char *name = strcmp(path, "-") == 0              ? "stdin"
                       : strncmp(path, "/dev/fd/", 8) == 0 ? "descriptor"
                                                           : path;
    file->source = (struct sp_source){.name = name, .is_secret = true};
    if (sodium_init() < 0)
        return SP_ERR_SYSTEM;
    enum sp_status status = sp_secret_read(path, true, FILE_MAX_BYTES, &secret, reason);
    if (status == SP_OK) {
        file->source.bytes = secret.bytes;
        file->source.len_bytes = secret.len_bytes;
        status = load(file);
    } else if (status != SP_ERR_MEMORY) {
        tell_unreadable(file, status, reason);
    }
    sp_secret_free(&secret);
    return status;
}

enum sp_status sp_sad_load(struct sp_sad *sad, const char *path, struct sp_report *report)
{
    SP_REQUIRE(sad != NULL && path != NULL && report != NULL);
    struct keyfile file = {.diagnosis = {.report = report}, .sad = sad};
    return read_file(&file, path);
}

enum sp_status sp_keyfile_visit(const char *path, sp_keyfile_visitor *visit, void *context,
                                struct sp_report *report)
{
    struct keyfile file = {.diagnosis = {.report = report}, .visit = visit, .context = context};
    return read_file(&file, path);
}
