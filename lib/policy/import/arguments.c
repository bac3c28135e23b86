/* SPDX-License-Identifier: ISC
 *
 * Words into tagged values.
 */
#include "policy/import/arguments.h"

#include <string.h>

static const char *const tag_names[SP_TAG_COUNT] = {
    [SP_TAG_NAME] = "name",
    [SP_TAG_NEWNAME] = "newname",
    [SP_TAG_DESCRIPTION] = "description",
    [SP_TAG_GUID] = "guid",
    [SP_TAG_ID] = "id",
    [SP_TAG_POLICY] = "policy",
    [SP_TAG_FILTERLIST] = "filterlist",
    [SP_TAG_FILTERACTION] = "filteraction",
    [SP_TAG_SRCADDR] = "srcaddr",
    [SP_TAG_DSTADDR] = "dstaddr",
    [SP_TAG_PROTOCOL] = "protocol",
    [SP_TAG_MIRRORED] = "mirrored",
    [SP_TAG_SRCMASK] = "srcmask",
    [SP_TAG_DSTMASK] = "dstmask",
    [SP_TAG_SRCPORT] = "srcport",
    [SP_TAG_DSTPORT] = "dstport",
    [SP_TAG_QMPFS] = "qmpfs",
    [SP_TAG_INPASS] = "inpass",
    [SP_TAG_SOFT] = "soft",
    [SP_TAG_ACTION] = "action",
    [SP_TAG_QMSECMETHODS] = "qmsecmethods",
    [SP_TAG_MMPFS] = "mmpfs",
    [SP_TAG_QMPERMM] = "qmpermm",
    [SP_TAG_MMLIFETIME] = "mmlifetime",
    [SP_TAG_ACTIVATEDEFAULTRULE] = "activatedefaultrule",
    [SP_TAG_POLLINGINTERVAL] = "pollinginterval",
    [SP_TAG_ASSIGN] = "assign",
    [SP_TAG_MMSECMETHODS] = "mmsecmethods",
    [SP_TAG_GPONAME] = "gponame",
    [SP_TAG_TUNNEL] = "tunnel",
    [SP_TAG_CONNTYPE] = "conntype",
    [SP_TAG_ACTIVATE] = "activate",
    [SP_TAG_KERBEROS] = "kerberos",
    [SP_TAG_PSK] = "psk",
    [SP_TAG_ROOTCA] = "rootca",
};

/* SP_TAG_END after an error. */
static enum sp_netsh_tag find_tag(struct sp_import *import, const enum sp_netsh_tag *tags, const char *word)
{
    enum sp_netsh_tag found = SP_TAG_END;
    for (; *tags != SP_TAG_END; tags++) {
        if (sp_same_word(tag_names[*tags], word))
            return *tags;
        if (!sp_word_starts(tag_names[*tags], word))
            continue;
        if (found != SP_TAG_END) {
            sp_import_error(import, "'%.40s' may be %s or %s: write more of it", word, tag_names[found],
                            tag_names[*tags]);
            return SP_TAG_END;
        }
        found = *tags;
    }
    if (found == SP_TAG_END)
        sp_import_error(import, "this command has no argument '%.40s'", word);
    return found;
}

static bool keep(struct sp_import *import, struct sp_arguments *arguments, enum sp_netsh_tag tag,
                 const char *value)
{
    if (tag == SP_TAG_END)
        return false;
    if (arguments->values[tag] != NULL) {
        sp_import_error(import, "%s is given twice", tag_names[tag]);
        return false;
    }
    arguments->values[tag] = value;
    return true;
}

/* The first tag of the command that has no value yet. */
static enum sp_netsh_tag next_tag(struct sp_import *import, const enum sp_netsh_tag *tags,
                                  const struct sp_arguments *arguments)
{
    while (*tags != SP_TAG_END && arguments->values[*tags] != NULL)
        tags++;
    if (*tags == SP_TAG_END)
        sp_import_error(import, "this command has more values than arguments: are quotes missing?");
    return *tags;
}

bool sp_arguments_read(struct sp_import *import, const enum sp_netsh_tag *tags, struct sp_word *words,
                       size_t count, struct sp_arguments *ret_arguments)
{
    struct sp_arguments arguments = {0};
    for (size_t i = 0; i < count;) {
        if (words[i].is_equals) {
            sp_import_error(import, "a '=' stands without a tag before it: quote values that have one");
            return false;
        }
        const bool is_tagged = i + 1 < count && words[i + 1].is_equals;
        if (!is_tagged && i == 0 && !words[i].is_quoted && sp_same_word(words[i].text, "all"))
            arguments.is_all = true;
        else if (!is_tagged && !keep(import, &arguments, next_tag(import, tags, &arguments), words[i].text))
            return false;
        if (!is_tagged) {
            i++;
            continue;
        }
        if (i + 2 >= count || words[i + 2].is_equals) {
            sp_import_error(import, "'%.40s=' has no value", words[i].text);
            return false;
        }
        if (!keep(import, &arguments, find_tag(import, tags, words[i].text), words[i + 2].text))
            return false;
        i += 3;
    }
    *ret_arguments = arguments;
    return true;
}

bool sp_argument_is(struct sp_import *import, const struct sp_arguments *arguments, enum sp_netsh_tag tag,
                    bool *value)
{
    const char *word = arguments->values[tag];
    if (word == NULL)
        return true;
    const bool is_yes = *word != '\0' && sp_word_starts("yes", word);
    const bool is_no = *word != '\0' && sp_word_starts("no", word);
    if (!is_yes && !is_no) {
        sp_import_error(import, "%s is yes or no", tag_names[tag]);
        return false;
    }
    *value = is_yes;
    return true;
}

const char *sp_argument_name(struct sp_import *import, const struct sp_arguments *arguments,
                             enum sp_netsh_tag tag)
{
    const char *value = arguments->values[tag];
    if (value == NULL || *value == '\0') {
        sp_import_error(import, "%s= is missing", tag_names[tag]);
        return NULL;
    }
    if (strlen(value) >= SP_IMPORT_NAME_BYTES) {
        sp_import_error(import, "%s= has over 127 bytes: give it a shorter one", tag_names[tag]);
        return NULL;
    }
    const char *name = sp_storage_text(import->storage, value, strlen(value));
    if (name == NULL)
        sp_import_no_memory(import);
    return name;
}
