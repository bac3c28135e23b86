/* SPDX-License-Identifier: ISC
 *
 * The way of a netsh script through its parts. What comes out is read as a policy once more before it is
 * handed over, so that no import gives a text that its own library refuses.
 */
#include "policy/import/import.h"
#include "policy/loader.h"

#include <stdlib.h>
#include <string.h>

bool sp_import_no_memory(struct sp_import *import)
{
    import->diagnosis.is_out_of_memory = true;
    return false;
}

static void free_catalogues(struct sp_import *import)
{
    for (size_t i = 0; i < import->policies.count; i++) {
        struct sp_netsh_policy *policy = import->policies.objects[i];
        if (policy != NULL)
            sp_catalogue_free(&policy->rules);
    }
    sp_catalogue_free(&import->policies);
    sp_catalogue_free(&import->lists);
    sp_catalogue_free(&import->actions);
}

static enum sp_status read_script(struct sp_import *import, const char *bytes, size_t len_bytes,
                                  const struct sp_import_options *options, char **ret_script, char **ret_text)
{
    size_t script_bytes;
    enum sp_status status =
        sp_import_decode(import, bytes, len_bytes, options->encoding, ret_script, &script_bytes);
    if (status != SP_OK)
        return status;
    import->source.bytes = *ret_script;
    import->source.len_bytes = script_bytes;
    sp_batch_read(import);
    import->place = (struct sp_place){.source = &import->source, .order = UINT64_MAX};
    if (import->netsh_commands == 0 && import->diagnosis.errors == 0)
        sp_import_error(import, "has no netsh ipsec static command");
    status = sp_diagnosis_status(&import->diagnosis);
    if (status != SP_OK)
        return status;
    status = sp_import_emit(import, options->policy, ret_text);
    return status != SP_OK ? status : sp_diagnosis_status(&import->diagnosis);
}

static enum sp_status reread(const char *text, struct sp_report *report)
{
    struct sp_policy *policy = NULL;
    const enum sp_status status = sp_policy_parse(text, strlen(text), "the imported policy", &policy, report);
    sp_policy_destroy(&policy);
    return status;
}

enum sp_status sp_import_netsh_bytes(const void *bytes, size_t len_bytes, const char *name,
                                     const struct sp_import_options *options,
                                     struct sp_import_result *ret_result, struct sp_report *report)
{
    static const char hidden[] = "(not shown: it has a key)";
    const struct sp_import_options none = {0};
    struct sp_import import = {.diagnosis = {.report = report}};
    char *script = NULL, *text = NULL;
    enum sp_status status = SP_ERR_MEMORY;
    import.source.name = import.hidden.name = name;
    import.hidden.bytes = hidden;
    import.hidden.len_bytes = sizeof hidden - 1;
    import.place.source = &import.source;
    import.storage = sp_storage_create();
    if (import.storage == NULL)
        return SP_ERR_MEMORY;
    if (len_bytes > SP_IMPORT_MAX_BYTES) {
        sp_import_error(&import, "is larger than 4 MiB, the most that a script may have");
        status = SP_ERR_PARSE;
    } else {
        status = read_script(&import, bytes, len_bytes, options != NULL ? options : &none, &script, &text);
    }
    sp_diagnosis_finish(&import.diagnosis);
    if (status == SP_OK)
        status = reread(text, report);
    if (status == SP_OK) {
        *ret_result = (struct sp_import_result){text, import.netsh_commands, import.skipped_commands};
        text = NULL;
    }
    free(text);
    free(script);
    free_catalogues(&import);
    sp_storage_destroy(import.storage);
    return status;
}

enum sp_status sp_import_netsh(const char *path, const struct sp_import_options *options,
                               struct sp_import_result *ret_result, struct sp_report *report)
{
    struct sp_loaded loaded;
    char reason[256];
    enum sp_status status = sp_loader_read(path, false, &loaded, reason);
    if (status == SP_ERR_IO) {
        const struct sp_source source = {.name = path};
        const struct sp_place place = {.source = &source};
        struct sp_diagnosis diagnosis = {.report = report};
        sp_diagnose(&diagnosis, SP_SEVERITY_ERROR, SP_ERR_IO, &place, "%s", reason);
        sp_diagnosis_finish(&diagnosis);
    }
    if (status != SP_OK)
        return status;
    const char *name = strcmp(path, "-") == 0 ? "stdin" : path;
    status = sp_import_netsh_bytes(loaded.bytes, loaded.len_bytes, name, options, ret_result, report);
    free(loaded.bytes);
    return status;
}

void sp_import_result_free(struct sp_import_result *result)
{
    free(result->text);
    result->text = NULL;
}
