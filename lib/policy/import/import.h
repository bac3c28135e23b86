/* SPDX-License-Identifier: ISC
 *
 * What the parts of the netsh import share: the script on its way to objects (filter lists, filter actions,
 * policies with their rules), and those on their way to text.
 *
 * decode.c makes UTF-8 of the bytes, batch.c commands of the lines, arguments.c tagged values of the words,
 * netsh.c and rules.c objects of the commands, with filter.c and methods.c for what is in the values, and
 * emit.c text of the objects.
 */
#ifndef SP_POLICY_IMPORT_H
#define SP_POLICY_IMPORT_H

#include "policy/diagnosis.h"
#include "policy/names.h"
#include "policy/storage.h"

#include <sallyport/convert.h>
#include <sallyport/policy.h>

#define SP_IMPORT_MAX_BYTES ((size_t)4 << 20)
#define SP_IMPORT_MAX_RULES 200000u
#define SP_IMPORT_NAME_BYTES 128 /* as in sallyport.conf(5), with the NUL */
#define SP_BATCH_LINE_BYTES 8192 /* cmd.exe's own limit, with the NUL */

/* Objects by name, any case, in the order in which they were added; removed ones are NULL. */
struct sp_catalogue {
    struct sp_names names;
    void **objects;
    size_t count, capacity;
};

struct sp_netsh_filter {
    struct sp_netsh_filter *next;
    struct sp_place place;
    bool is_mirrored;
    bool source_is_me, destination_is_me;
    bool source_is_any, destination_is_any;
    struct sp_address_range source, destination; /* of what is neither me nor any */
    uint16_t protocol;                           /* or SP_PROTOCOL_ANY */
    uint16_t source_port, destination_port;      /* 0: any */
};

struct sp_netsh_list {
    const char *name;
    struct sp_netsh_filter *first, *last;
};

struct sp_netsh_method {
    bool is_found;
    enum sp_encryption encryption;
    enum sp_integrity integrity;
    uint64_t kilobytes, seconds;
};

struct sp_netsh_action {
    const char *name;
    struct sp_place place;
    enum sp_action kind;
    struct sp_netsh_method method; /* of SP_ACTION_PROTECT */
    bool is_soft;                  /* falls back to clear text */
    bool accepts_clear;            /* inpass */
    bool is_emitted;
};

struct sp_netsh_rule {
    const char *name;
    struct sp_place place;
    struct sp_netsh_list *list;
    struct sp_netsh_action *action;
    bool is_active, is_tunnel, has_connection_type;
    uint32_t emitted_count; /* for the numbers behind its name */
};

struct sp_netsh_policy {
    const char *name;
    struct sp_place place;
    bool is_assigned;
    struct sp_catalogue rules;
};

struct sp_import {
    struct sp_diagnosis diagnosis;
    struct sp_storage *storage;
    struct sp_source source, hidden;
    struct sp_place place; /* of the command at hand */
    struct sp_catalogue lists, actions, policies;
    uint32_t netsh_commands, skipped_commands;
};

struct sp_word {
    char *text;
    bool is_equals; /* a '=' outside of quotes */
    bool is_quoted;
};

/* A finding about the command at hand. */
#define sp_import_error(import, ...) sp_diagnose_error(&(import)->diagnosis, &(import)->place, __VA_ARGS__)
#define sp_import_warn(import, ...)                                                                          \
    sp_diagnose(&(import)->diagnosis, SP_SEVERITY_WARNING, SP_ERR_UNSUPPORTED, &(import)->place, __VA_ARGS__)
/* False, and remembered. */
bool sp_import_no_memory(struct sp_import *import);

/* Upper and lower case of ASCII are the same. */
bool sp_same_word(const char *left, const char *right);
bool sp_word_starts(const char *text, const char *beginning);
/* Whether text has part somewhere. */
bool sp_word_contains(const char *text, const char *part);
/* A decimal number of digits only. */
bool sp_word_number(const char *text, uint64_t max, uint64_t *ret_number);

void *sp_catalogue_find(const struct sp_catalogue *catalogue, const char *name);
/* Adds under a name that has no object; false when memory is out. */
bool sp_catalogue_add(struct sp_catalogue *catalogue, struct sp_storage *storage, const char *name,
                      void *object) SP_MUST_USE;
void sp_catalogue_remove(struct sp_catalogue *catalogue, const void *object);
void sp_catalogue_free(struct sp_catalogue *catalogue);

/* UTF-8 of the script's bytes in *ret_text, to be freed; faults are in the diagnosis. */
enum sp_status sp_import_decode(struct sp_import *import, const char *bytes, size_t len_bytes,
                                const char *encoding, char **ret_text, size_t *ret_len_bytes) SP_MUST_USE;
/* Runs through import->source, giving each netsh command to sp_netsh_command. */
void sp_batch_read(struct sp_import *import);
/* words[0] is netsh. fault: why the words can't be known (a variable), or NULL. */
void sp_netsh_command(struct sp_import *import, struct sp_word *words, size_t count, const char *fault);
/* The whole policy as text. */
enum sp_status sp_import_emit(struct sp_import *import, const char *policy, char **ret_text) SP_MUST_USE;

#endif
