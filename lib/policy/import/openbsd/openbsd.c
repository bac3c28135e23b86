/* SPDX-License-Identifier: ISC
 *
 * The way of an ipsec.conf through its parts. What comes out is read as a policy once more before it is
 * handed over, so that no import gives a text that its own library refuses.
 */
#include "policy/import/openbsd/openbsd.h"
#include "core/misuse.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

bool sp_openbsd_no_memory(struct sp_openbsd *import)
{
    import->diagnosis.is_out_of_memory = true;
    return false;
}

/* SAs first, because they say how flows protect. */
static void take_all(struct sp_openbsd *import)
{
    for (const struct sp_openbsd_statement *statement = import->first; statement != NULL;
         statement = statement->next) {
        if (statement->kind == SP_OPENBSD_TCPMD5)
            sp_openbsd_warn(import, &statement->place,
                            "TCP MD5 signatures aren't carried over: they are no IPsec");
        if (statement->kind == SP_OPENBSD_SA)
            sp_openbsd_take_sa(import, statement);
        if (sp_diagnosis_is_full(&import->diagnosis))
            return;
    }
    for (struct sp_openbsd_statement *statement = import->first; statement != NULL;
         statement = statement->next) {
        if (statement->kind == SP_OPENBSD_FLOW || statement->kind == SP_OPENBSD_IKE)
            sp_openbsd_take_flow(import, statement);
        if (sp_diagnosis_is_full(&import->diagnosis))
            return;
    }
}

/* A file of keys that others may read is none. */
static void tell_open_files(struct sp_openbsd *import)
{
    bool has_inline_key = false, has_key_file = false;
    for (size_t i = 0; i < import->sa_count; i++) {
        const struct sp_openbsd_sa *sa = &import->sas[i];
        has_inline_key = has_inline_key || !sa->are_files[0] || !sa->are_files[1];
        has_key_file = has_key_file || sa->are_files[0] || sa->are_files[1];
    }
    for (const struct sp_openbsd_file *file = import->files; file != NULL && has_inline_key;
         file = file->next) {
        const struct sp_place whole = {.source = &file->source, .order = UINT64_MAX};
        if (file->is_open && file->source.is_secret)
            sp_openbsd_warn(import, &whole, "others may read this file, so its keys are no secret");
    }
    if (!has_key_file)
        return;
    const struct sp_place whole = {.source = &import->files->source, .order = UINT64_MAX};
    sp_openbsd_warn(
        import, &whole,
        "keys stay in their files: relative paths start in the folder of the SA file from now on");
}

static enum sp_status convert(struct sp_openbsd *import, struct sp_openbsd_result *result)
{
    sp_openbsd_read(import);
    if (!sp_diagnosis_is_full(&import->diagnosis))
        take_all(import);
    tell_open_files(import);
    if (import->statement_count == 0 && import->diagnosis.errors == 0) {
        const struct sp_place whole = {.source = &import->files->source, .order = UINT64_MAX};
        sp_openbsd_error(import, &whole, "has no flow, no ike rule and no SA");
    }
    enum sp_status status = sp_diagnosis_status(&import->diagnosis);
    if (status == SP_OK)
        status = sp_openbsd_emit(import, &result->text);
    if (status == SP_OK)
        status = sp_openbsd_emit_keys(import, &result->keys, &result->keys_bytes);
    if (status == SP_OK)
        status = sp_diagnosis_status(&import->diagnosis);
    result->sa_count = (uint32_t)import->sa_count;
    for (const struct sp_openbsd_statement *statement = import->first; statement != NULL;
         statement = statement->next)
        result->flow_count += statement->kind == SP_OPENBSD_FLOW || statement->kind == SP_OPENBSD_IKE;
    return status;
}

static enum sp_status reread(const char *text, struct sp_report *report)
{
    struct sp_policy *policy = NULL;
    const enum sp_status status = sp_policy_parse(text, strlen(text), "the imported policy", &policy, report);
    sp_policy_destroy(&policy);
    return status;
}

static void free_all(struct sp_openbsd *import)
{
    for (struct sp_openbsd_file *file = import->files; file != NULL; file = file->next)
        sp_secret_free(&file->secret);
    sp_names_free(&import->macro_names);
    free(import->macros);
    free(import->ranges);
    free(import->pieces);
    free(import->sas);
    sp_storage_destroy(import->storage);
}

/* file: the first one, read; its secret is taken over. */
static enum sp_status run(struct sp_openbsd_file *file, bool may_include,
                          struct sp_openbsd_result *ret_result, struct sp_report *report)
{
    struct sp_openbsd import = {.diagnosis = {.report = report}, .may_include = may_include};
    struct sp_openbsd_result result = {0};
    import.storage = sp_storage_create();
    sp_openbsd_enter(&import, file);
    enum sp_status status = import.storage != NULL ? convert(&import, &result) : SP_ERR_MEMORY;
    sp_diagnosis_finish(&import.diagnosis);
    free_all(&import);
    if (status == SP_OK)
        status = reread(result.text, report);
    if (status == SP_OK)
        *ret_result = result;
    else
        sp_openbsd_result_free(&result);
    return status;
}

static void tell_unreadable(const char *name, enum sp_status status, const char *reason,
                            struct sp_report *report)
{
    const struct sp_source source = {.name = name};
    const struct sp_place place = {.source = &source};
    struct sp_diagnosis diagnosis = {.report = report};
    sp_diagnose(&diagnosis, SP_SEVERITY_ERROR, status, &place, "%s", reason);
    sp_diagnosis_finish(&diagnosis);
}

enum sp_status sp_import_openbsd_bytes(const void *bytes, size_t len_bytes, const char *name,
                                       struct sp_openbsd_result *ret_result, struct sp_report *report)
{
    SP_REQUIRE((bytes != NULL || len_bytes == 0) && name != NULL && ret_result != NULL && report != NULL);
    struct sp_openbsd_file file = {.source = {.name = name, .bytes = bytes, .len_bytes = len_bytes}};
    if (sodium_init() < 0)
        return SP_ERR_SYSTEM;
    if (len_bytes == 0)
        file.source.bytes = "";
    if (len_bytes <= SP_OPENBSD_FILE_BYTES)
        return run(&file, false, ret_result, report);
    tell_unreadable(name, SP_ERR_PARSE, "is larger than 4 MiB, the most that such a file may have", report);
    return SP_ERR_PARSE;
}

enum sp_status sp_import_openbsd(const char *path, struct sp_openbsd_result *ret_result,
                                 struct sp_report *report)
{
    SP_REQUIRE(path != NULL && ret_result != NULL && report != NULL);
    char reason[SP_SECRET_REASON_BYTES];
    struct sp_openbsd_file file = {.source = {.name = strcmp(path, "-") == 0 ? "stdin" : path}};
    if (sodium_init() < 0)
        return SP_ERR_SYSTEM;
    const enum sp_status status =
        sp_secret_read_open(path, false, SP_OPENBSD_FILE_BYTES, &file.secret, &file.is_open, reason);
    if (status == SP_ERR_IO)
        tell_unreadable(file.source.name, status, reason, report);
    if (status != SP_OK)
        return status;
    file.source.bytes = file.secret.bytes;
    file.source.len_bytes = file.secret.len_bytes;
    return run(&file, true, ret_result, report);
}

void sp_openbsd_result_free(struct sp_openbsd_result *result)
{
    free(result->text);
    sodium_free(result->keys);
    *result = (struct sp_openbsd_result){0};
}
