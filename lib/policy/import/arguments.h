/* SPDX-License-Identifier: ISC
 *
 * The arguments of a netsh command: tag=value, tags as short as they are unique, and values without a tag,
 * which fill the tags in the order of the command. */
#ifndef SP_POLICY_IMPORT_ARGUMENTS_H
#define SP_POLICY_IMPORT_ARGUMENTS_H

#include "policy/import/import.h"

enum sp_netsh_tag {
    SP_TAG_END, /* ends a command's list */
    SP_TAG_NAME,
    SP_TAG_NEWNAME,
    SP_TAG_DESCRIPTION,
    SP_TAG_GUID,
    SP_TAG_ID,
    SP_TAG_POLICY,
    SP_TAG_FILTERLIST,
    SP_TAG_FILTERACTION,
    SP_TAG_SRCADDR,
    SP_TAG_DSTADDR,
    SP_TAG_PROTOCOL,
    SP_TAG_MIRRORED,
    SP_TAG_SRCMASK,
    SP_TAG_DSTMASK,
    SP_TAG_SRCPORT,
    SP_TAG_DSTPORT,
    SP_TAG_QMPFS,
    SP_TAG_INPASS,
    SP_TAG_SOFT,
    SP_TAG_ACTION,
    SP_TAG_QMSECMETHODS,
    SP_TAG_MMPFS,
    SP_TAG_QMPERMM,
    SP_TAG_MMLIFETIME,
    SP_TAG_ACTIVATEDEFAULTRULE,
    SP_TAG_POLLINGINTERVAL,
    SP_TAG_ASSIGN,
    SP_TAG_MMSECMETHODS,
    SP_TAG_GPONAME,
    SP_TAG_TUNNEL,
    SP_TAG_CONNTYPE,
    SP_TAG_ACTIVATE,
    SP_TAG_KERBEROS,
    SP_TAG_PSK,
    SP_TAG_ROOTCA,
    SP_TAG_COUNT
};

struct sp_arguments {
    const char *values[SP_TAG_COUNT]; /* NULL: not given; valid during the command */
    bool is_all;                      /* the word "all" in place of a name */
};

/* tags: those of the command, in its order. False after an error. */
bool sp_arguments_read(struct sp_import *import, const enum sp_netsh_tag *tags, struct sp_word *words,
                       size_t count, struct sp_arguments *ret_arguments);
/* yes and no, as short as one letter; keeps *value when the tag isn't given. False after an error. */
bool sp_argument_is(struct sp_import *import, const struct sp_arguments *arguments, enum sp_netsh_tag tag,
                    bool *value);
/* A name that a policy can have; NULL after an error. Lives as long as the import. */
const char *sp_argument_name(struct sp_import *import, const struct sp_arguments *arguments,
                             enum sp_netsh_tag tag);

/* The commands' halves in other files. Each reports its own errors. */
bool sp_netsh_filter_read(struct sp_import *import, const struct sp_arguments *arguments,
                          struct sp_netsh_filter *ret_filter);
bool sp_netsh_filter_equals(const struct sp_netsh_filter *left, const struct sp_netsh_filter *right);
bool sp_netsh_methods_read(struct sp_import *import, const char *text, struct sp_netsh_method *ret_method);
void sp_netsh_add_rule(struct sp_import *import, const struct sp_arguments *arguments);
void sp_netsh_set_rule(struct sp_import *import, const struct sp_arguments *arguments);
void sp_netsh_delete_rule(struct sp_import *import, const struct sp_arguments *arguments);
/* Whether a rule of any policy uses the list or action. */
bool sp_netsh_is_used(const struct sp_import *import, const void *object);

#endif
