/* SPDX-License-Identifier: ISC
 *
 * SA files, sallyport.keys(5): all of their SAs, or none.
 *
 * The text and the decoded keys are in memory of sodium_malloc only (locked, guarded, wiped when freed),
 * tokens are places in that text, and findings show it masked. Everything is judged before the first SA is
 * added, so that traffic never meets half a file. The same holds when a file is read again for a SAD that is
 * in use: what it has and the SAD hasn't is added first, and what it hasn't goes at the end, so that whatever
 * keys a packet on its way needs are there.
 */
#include "policy/names.h"
#include "policy/sa_block.h"
#include "policy/secret_file.h"
#include "policy/storage.h"
#include "core/clock.h"
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

struct sp_sad_reload {
    struct sp_sad *sad;
    uint32_t *added, *gone; /* numbers; those that are gone are there until the end */
    uint32_t *kept;
    struct sp_sad_reload_counts counts;
};

struct keyfile {
    struct sp_diagnosis diagnosis;
    struct sp_source source;
    struct sp_sa_block *blocks; /* of sodium_malloc */
    size_t count, capacity;
    size_t new_count;           /* of those that the SAD doesn't hold yet */
    struct sp_storage *storage; /* behind the names */
    struct sp_names names, identities, gcm_keys;
    uint64_t order;
    struct sp_sad *sad;           /* where the SAs go, or NULL: to visit */
    struct sp_sad_reload *reload; /* or NULL: those that are there already are in the way */
    sp_keys_visitor *visit;
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

/* Says what when text is taken in names by an earlier SA, else block number takes it. */
static void claim(struct keyfile *file, size_t number, struct sp_names *names, const char *text,
                  const struct sp_place *place, const char *what)
{
    uint32_t earlier = sp_names_find(names, text);
    if (earlier != SP_NAMES_NONE) {
        sp_diagnose_error(&file->diagnosis, place, "the SA of line %u has this %s already: choose another",
                          file->blocks[earlier].name_place.line, what);
        return;
    }
    char *copy = sp_storage_text(file->storage, text, strlen(text));
    if (copy == NULL || !sp_names_add(names, copy, (uint32_t)number))
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
    claim(file, file->count, &file->identities, identity, &block->places[SP_SA_ITEM_SPI],
          "SPI between these addresses");
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
        claim(file, file->count, &file->names, block->name, &block->name_place, "name");
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

/* An SA that the SAD holds already goes on; its block's number is then its number. */
static bool goes_on(const struct keyfile *file, struct sp_sa_block *block, const struct sp_sa *there)
{
    const struct sp_sa_params params = sp_sa_block_params(block);
    if (file->reload == NULL || sp_sa_params_check(&params, NULL) != SP_OK ||
        !sp_sa_is_made_of(there, &params))
        return false;
    block->number = there->number;
    return true;
}

/* Against what the SAD holds already; the SAs of the file were held against each other. */
static void check_places(struct keyfile *file)
{
    for (size_t i = 0; i < file->count && !sp_diagnosis_is_full(&file->diagnosis); i++) {
        struct sp_sa_block *block = &file->blocks[i];
        const struct sp_sa *there =
            sp_sad_find_inbound(file->sad, block->spi, &block->source, &block->destination);
        block->number = SP_NO_SA;
        if (there == NULL) {
            file->new_count++;
        } else if (!goes_on(file, block, there)) {
            sp_diagnose(&file->diagnosis, SP_SEVERITY_ERROR, SP_ERR_EXISTS, &block->places[SP_SA_ITEM_SPI],
                        file->reload ? "an SA with this SPI between these addresses is in use, and its keys, "
                                       "suite, window, lifetime or encapsulation are others: give the new "
                                       "one another SPI"
                                     : "an SA with this SPI between these addresses is there already: "
                                       "choose another SPI");
        }
    }
}

static void check_room(struct keyfile *file)
{
    struct sp_place whole = {.source = &file->source, .order = UINT64_MAX};
    uint32_t free_count = sp_sad_capacity(file->sad) - sp_sad_count(file->sad);
    if (file->new_count > free_count)
        sp_diagnose(&file->diagnosis, SP_SEVERITY_ERROR, SP_ERR_LIMIT, &whole,
                    "%zu new SAs are in this file, and there is room for %u", file->new_count, free_count);
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

/* All that are new, or none. */
static bool add_all(struct keyfile *file, uint32_t *added)
{
    uint32_t added_count = 0;
    for (size_t i = 0; i < file->count; i++) {
        if (file->blocks[i].number != SP_NO_SA)
            continue;
        if (add_one(file, &file->blocks[i]) != SP_OK)
            break;
        added[added_count++] = file->blocks[i].number;
    }
    if (added_count == file->new_count)
        return true;
    while (added_count-- > 0)
        (void)!sp_sad_remove(file->sad, added[added_count]);
    return false;
}

/* What the SAD holds and the file hasn't: by its number, which no block has. */
static bool find_gone(struct keyfile *file)
{
    struct sp_sad_reload *reload = file->reload;
    uint32_t capacity = sp_sad_capacity(file->sad);
    bool *has_block = calloc(capacity, sizeof *has_block);
    reload->gone = malloc(capacity * sizeof *reload->gone);
    reload->kept = malloc((file->count + 1) * sizeof *reload->kept);
    if (has_block == NULL || reload->gone == NULL || reload->kept == NULL) {
        free(has_block);
        return false;
    }
    for (size_t i = 0; i < file->count; i++)
        if (file->blocks[i].number != SP_NO_SA) {
            has_block[file->blocks[i].number] = true;
            reload->kept[reload->counts.kept++] = file->blocks[i].number;
        }
    for (uint32_t number = 0; number < capacity; number++) {
        const struct sp_sa *sa = has_block[number] ? NULL : sp_sad_by_number(file->sad, number);
        if (sa != NULL && !atomic_load_explicit(&sa->is_retired, memory_order_relaxed))
            reload->gone[reload->counts.removed++] = number;
    }
    free(has_block);
    return true;
}

static void put_into_sad(struct keyfile *file)
{
    check_places(file);
    check_room(file);
    if (sp_diagnosis_status(&file->diagnosis) != SP_OK)
        return;
    uint32_t *added = malloc((file->new_count + 1) * sizeof *added);
    if (added == NULL || (file->reload != NULL && !find_gone(file))) {
        free(added);
        no_memory(file);
        return;
    }
    if (!add_all(file, added) || file->reload == NULL) {
        free(added);
        return;
    }
    file->reload->added = added;
    file->reload->counts.added = (uint32_t)file->new_count;
}

/* An IV that comes twice under a key of AES-GCM gives both packets away (SP 800-38D appendix A): so each SA
 * has a key of its own, whoever it is for. */
static void claim_gcm_keys(struct keyfile *file)
{
    for (size_t i = 0; i < file->count; i++) {
        const struct sp_sa_block *block = &file->blocks[i];
        const struct sp_sa_params params = sp_sa_block_params(block);
        char fingerprint[17];
        if (params.integrity != SP_INTEGRITY_COMBINED)
            continue;
        sp_sa_fingerprint(&params, fingerprint);
        claim(file, i, &file->gcm_keys, fingerprint, &block->name_place, "key of AES-GCM");
    }
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
    if (sp_diagnosis_status(&file->diagnosis) == SP_OK)
        claim_gcm_keys(file);
    if (sp_diagnosis_status(&file->diagnosis) == SP_OK && file->sad != NULL)
        put_into_sad(file);
    else if (sp_diagnosis_status(&file->diagnosis) == SP_OK)
        visit_all(file);
    sp_diagnosis_finish(&file->diagnosis);
    sodium_free(file->blocks);
    sp_names_free(&file->names);
    sp_names_free(&file->identities);
    sp_names_free(&file->gcm_keys);
    sp_storage_destroy(file->storage);
    return sp_diagnosis_status(&file->diagnosis);
}

static void tell_unreadable(struct keyfile *file, enum sp_status status, const char *reason)
{
    struct sp_place whole = {.source = &file->source};
    sp_diagnose(&file->diagnosis, SP_SEVERITY_ERROR, status, &whole, "%s", reason);
    sp_diagnosis_finish(&file->diagnosis);
}

/* What was read, or why it was not. */
static enum sp_status take_text(struct keyfile *file, enum sp_status status, struct sp_secret *secret,
                                const char *reason)
{
    if (status == SP_OK) {
        file->source.bytes = secret->bytes;
        file->source.len_bytes = secret->len_bytes;
        status = load(file);
    } else if (status != SP_ERR_MEMORY) {
        tell_unreadable(file, status, reason);
    }
    sp_secret_free(secret);
    return status;
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
    const enum sp_status status = sp_secret_read(path, true, FILE_MAX_BYTES, &secret, reason);
    return take_text(file, status, &secret, reason);
}

static enum sp_status read_handed(struct keyfile *file, int descriptor, const char *name)
{
    char reason[SP_SECRET_REASON_BYTES];
    struct sp_secret secret = {0};
    file->source = (struct sp_source){.name = name, .is_secret = true, .is_alone = true};
    if (sodium_init() < 0)
        return SP_ERR_SYSTEM;
    const enum sp_status status = sp_secret_read_handed(descriptor, name, FILE_MAX_BYTES, &secret, reason);
    return take_text(file, status, &secret, reason);
}

enum sp_status sp_sad_load(struct sp_sad *sad, const char *path, struct sp_report *report)
{
    SP_REQUIRE(sad != NULL && path != NULL && report != NULL);
    struct keyfile file = {.diagnosis = {.report = report}, .sad = sad};
    return read_file(&file, path);
}

static void free_reload(struct sp_sad_reload *reload)
{
    free(reload->added);
    free(reload->gone);
    free(reload->kept);
    free(reload);
}

/* descriptor: -1: of the file that name names. */
static enum sp_status reload_begin(struct sp_sad *sad, int descriptor, const char *name,
                                   struct sp_report *report, struct sp_sad_reload **ret_reload)
{
    struct sp_sad_reload *reload = calloc(1, sizeof *reload);
    if (reload == NULL)
        return SP_ERR_MEMORY;
    reload->sad = sad;
    struct keyfile file = {.diagnosis = {.report = report}, .sad = sad, .reload = reload};
    enum sp_status status = descriptor < 0 ? read_file(&file, name) : read_handed(&file, descriptor, name);
    if (status == SP_OK) {
        *ret_reload = reload;
        return SP_OK;
    }
    free_reload(reload); /* nothing was added */
    return status;
}

enum sp_status sp_sad_reload_begin(struct sp_sad *sad, const char *path, struct sp_report *report,
                                   struct sp_sad_reload **ret_reload)
{
    SP_REQUIRE(sad != NULL && path != NULL && report != NULL && ret_reload != NULL);
    return reload_begin(sad, -1, path, report, ret_reload);
}

enum sp_status sp_sad_reload_begin_open(struct sp_sad *sad, int descriptor, const char *name,
                                        struct sp_report *report, struct sp_sad_reload **ret_reload)
{
    SP_REQUIRE(sad != NULL && descriptor >= 0 && name != NULL && report != NULL && ret_reload != NULL);
    return reload_begin(sad, descriptor, name, report, ret_reload);
}

struct sp_sad_reload_counts sp_sad_reload_counts(const struct sp_sad_reload *reload)
{
    SP_REQUIRE(reload != NULL);
    return reload->counts;
}

void sp_sad_reload_visit(const struct sp_sad_reload *reload, sp_sad_visitor *visit, void *context)
{
    SP_REQUIRE(reload != NULL && visit != NULL);
    struct sp_sa_info info;
    for (uint32_t i = 0; i < reload->counts.kept; i++)
        if (sp_sad_get(reload->sad, reload->kept[i], &info) == SP_OK)
            visit(&info, context);
    for (uint32_t i = 0; i < reload->counts.added; i++)
        if (sp_sad_get(reload->sad, reload->added[i], &info) == SP_OK)
            visit(&info, context);
}

/* Those that the file has again, if they were on their way out. */
static void revive_kept(const struct sp_sad_reload *reload)
{
    for (uint32_t i = 0; i < reload->counts.kept; i++)
        sp_sa_revive(sp_sad_by_number(reload->sad, reload->kept[i]));
}

void sp_sad_reload_end(struct sp_sad_reload **reload, bool is_kept)
{
    SP_REQUIRE(reload != NULL);
    if (*reload == NULL)
        return;
    const struct sp_sad_reload *own = *reload;
    const uint32_t *numbers = is_kept ? own->gone : own->added;
    uint32_t count = is_kept ? own->counts.removed : own->counts.added;
    if (is_kept)
        revive_kept(own);
    for (uint32_t i = 0; i < count; i++)
        (void)!sp_sad_remove(own->sad, numbers[i]);
    free_reload(*reload);
    *reload = NULL;
}

/* All of them first: one that goes itself is nobody's successor. */
void sp_sad_reload_end_gently(struct sp_sad_reload **reload, uint32_t grace_seconds)
{
    SP_REQUIRE(reload != NULL);
    if (*reload == NULL)
        return;
    const struct sp_sad_reload *own = *reload;
    const uint64_t until_ns = sp_clock_now_ns() + grace_seconds * UINT64_C(1000000000);
    revive_kept(own);
    for (uint32_t i = 0; i < own->counts.removed; i++)
        sp_sa_retire(sp_sad_by_number(own->sad, own->gone[i]), until_ns);
    for (uint32_t i = 0; i < own->counts.removed; i++)
        if (!sp_sad_has_successor(own->sad, sp_sad_by_number(own->sad, own->gone[i])))
            (void)!sp_sad_remove(own->sad, own->gone[i]);
    free_reload(*reload);
    *reload = NULL;
}

enum sp_status sp_keys_visit(const char *path, sp_keys_visitor *visit, void *context,
                             struct sp_report *report)
{
    SP_REQUIRE(path != NULL && visit != NULL && report != NULL);
    struct keyfile file = {.diagnosis = {.report = report}, .visit = visit, .context = context};
    return read_file(&file, path);
}
