/* SPDX-License-Identifier: ISC
 *
 * netsh ipsec static: which command it is, and filter lists, filters, filter actions and policies.
 *
 * Commands take effect in the order of the script, as they would on Windows; what Windows refuses and goes on
 * behind (adding what is there) is a warning here.
 */
#include "policy/import/arguments.h"

#include <string.h>

typedef void command_runner(struct sp_import *import, const struct sp_arguments *arguments);

/* Zeroed; NULL when memory is out, which is remembered. */
static void *take(struct sp_import *import, size_t size_bytes)
{
    void *object = sp_storage_take(import->storage, size_bytes);
    if (object == NULL)
        sp_import_no_memory(import);
    else
        memset(object, 0, size_bytes);
    return object;
}

/* The name of an object to be added; NULL when it is there already, which is a warning, or has no name. */
static const char *new_name(struct sp_import *import, const struct sp_catalogue *catalogue,
                            const struct sp_arguments *arguments, enum sp_netsh_tag tag)
{
    const char *name = sp_argument_name(import, arguments, tag);
    if (name == NULL || sp_catalogue_find(catalogue, name) == NULL)
        return name;
    sp_import_warn(import, "\"%.100s\" is there already: netsh refuses this command, and so it is left out",
                   name);
    return NULL;
}

/* The object of a set or delete; NULL when there is none. */
static void *object_of(struct sp_import *import, const struct sp_catalogue *catalogue,
                       const struct sp_arguments *arguments)
{
    const char *name = sp_argument_name(import, arguments, SP_TAG_NAME);
    void *object = name != NULL ? sp_catalogue_find(catalogue, name) : NULL;
    if (name != NULL && object == NULL)
        sp_import_warn(import, "there is no \"%.100s\" yet: nothing is changed", name);
    return object;
}

static void put(struct sp_import *import, struct sp_catalogue *catalogue, const char *name, void *object)
{
    if (!sp_catalogue_add(catalogue, import->storage, name, object))
        sp_import_no_memory(import);
}

/* newname=; name is the object's own. */
static void rename_object(struct sp_import *import, struct sp_catalogue *catalogue,
                          const struct sp_arguments *arguments, void *object, const char **name)
{
    if (arguments->values[SP_TAG_NEWNAME] == NULL)
        return;
    const char *renamed = new_name(import, catalogue, arguments, SP_TAG_NEWNAME);
    if (renamed == NULL)
        return;
    sp_catalogue_remove(catalogue, object);
    *name = renamed;
    put(import, catalogue, renamed, object);
}

static struct sp_netsh_list *make_list(struct sp_import *import, const char *name)
{
    struct sp_netsh_list *list = take(import, sizeof *list);
    if (list == NULL)
        return NULL;
    list->name = name;
    put(import, &import->lists, name, list);
    return list;
}

static void add_list(struct sp_import *import, const struct sp_arguments *arguments)
{
    const char *name = new_name(import, &import->lists, arguments, SP_TAG_NAME);
    if (name != NULL)
        (void)make_list(import, name);
}

static void set_list(struct sp_import *import, const struct sp_arguments *arguments)
{
    struct sp_netsh_list *list = object_of(import, &import->lists, arguments);
    if (list != NULL)
        rename_object(import, &import->lists, arguments, list, &list->name);
}

static void delete_from(struct sp_import *import, struct sp_catalogue *catalogue, void *object)
{
    if (sp_netsh_is_used(import, object))
        sp_import_warn(import, "a rule uses what this command deletes: netsh refuses it, and so it stays");
    else
        sp_catalogue_remove(catalogue, object);
}

static void delete_named(struct sp_import *import, struct sp_catalogue *catalogue,
                         const struct sp_arguments *arguments)
{
    if (!arguments->is_all) {
        void *object = object_of(import, catalogue, arguments);
        if (object != NULL)
            delete_from(import, catalogue, object);
        return;
    }
    for (size_t i = 0; i < catalogue->count; i++)
        if (catalogue->objects[i] != NULL)
            delete_from(import, catalogue, catalogue->objects[i]);
}

static void delete_list(struct sp_import *import, const struct sp_arguments *arguments)
{
    delete_named(import, &import->lists, arguments);
}

static void delete_action(struct sp_import *import, const struct sp_arguments *arguments)
{
    delete_named(import, &import->actions, arguments);
}

/* netsh makes a filter list that isn't there. */
static void add_filter(struct sp_import *import, const struct sp_arguments *arguments)
{
    struct sp_netsh_filter read;
    const char *name = sp_argument_name(import, arguments, SP_TAG_FILTERLIST);
    if (name == NULL || !sp_netsh_filter_read(import, arguments, &read))
        return;
    struct sp_netsh_list *list = sp_catalogue_find(&import->lists, name);
    if (list == NULL)
        list = make_list(import, name);
    struct sp_netsh_filter *filter = list != NULL ? take(import, sizeof *filter) : NULL;
    if (filter == NULL)
        return;
    *filter = read;
    if (list->last != NULL)
        list->last->next = filter;
    else
        list->first = filter;
    list->last = filter;
}

static void delete_filter(struct sp_import *import, const struct sp_arguments *arguments)
{
    struct sp_netsh_filter wanted;
    const char *name = sp_argument_name(import, arguments, SP_TAG_FILTERLIST);
    if (name == NULL || !sp_netsh_filter_read(import, arguments, &wanted))
        return;
    struct sp_netsh_list *list = sp_catalogue_find(&import->lists, name);
    struct sp_netsh_filter **link = list != NULL ? &list->first : NULL, *previous = NULL;
    while (link != NULL && *link != NULL && !sp_netsh_filter_equals(*link, &wanted)) {
        previous = *link;
        link = &previous->next;
    }
    if (link == NULL || *link == NULL) {
        sp_import_warn(import, "\"%.100s\" has no such filter: nothing is deleted", name);
        return;
    }
    if (*link == list->last)
        list->last = previous;
    *link = (*link)->next;
}

static bool read_kind(struct sp_import *import, const char *word, enum sp_action *kind)
{
    if (word == NULL)
        return true;
    if (*word != '\0' && sp_word_starts("permit", word))
        *kind = SP_ACTION_BYPASS;
    else if (*word != '\0' && sp_word_starts("block", word))
        *kind = SP_ACTION_BLOCK;
    else if (*word != '\0' && sp_word_starts("negotiate", word))
        *kind = SP_ACTION_PROTECT;
    else {
        sp_import_error(import, "action is permit, block or negotiate");
        return false;
    }
    return true;
}

static bool read_action(struct sp_import *import, const struct sp_arguments *arguments,
                        struct sp_netsh_action *action)
{
    const char *methods = arguments->values[SP_TAG_QMSECMETHODS];
    bool has_pfs = false;
    action->place = import->place;
    if (!read_kind(import, arguments->values[SP_TAG_ACTION], &action->kind) ||
        !sp_argument_is(import, arguments, SP_TAG_SOFT, &action->is_soft) ||
        !sp_argument_is(import, arguments, SP_TAG_INPASS, &action->accepts_clear) ||
        !sp_argument_is(import, arguments, SP_TAG_QMPFS, &has_pfs))
        return false;
    if (has_pfs)
        sp_import_warn(import, "qmpfs=yes isn't carried over: it is for whoever negotiates keys");
    if (methods != NULL && action->kind == SP_ACTION_PROTECT)
        return sp_netsh_methods_read(import, methods, &action->method);
    return true;
}

static void add_action(struct sp_import *import, const struct sp_arguments *arguments)
{
    struct sp_netsh_action read = {.kind = SP_ACTION_PROTECT};
    const char *name = new_name(import, &import->actions, arguments, SP_TAG_NAME);
    if (name == NULL || !read_action(import, arguments, &read))
        return;
    struct sp_netsh_action *action = take(import, sizeof *action);
    if (action == NULL)
        return;
    *action = read;
    action->name = name;
    put(import, &import->actions, name, action);
}

static void set_action(struct sp_import *import, const struct sp_arguments *arguments)
{
    struct sp_netsh_action *action = object_of(import, &import->actions, arguments);
    if (action == NULL || !read_action(import, arguments, action))
        return;
    rename_object(import, &import->actions, arguments, action, &action->name);
}

static bool read_policy(struct sp_import *import, const struct sp_arguments *arguments, bool has_default_rule,
                        struct sp_netsh_policy *policy)
{
    bool is_assigned = policy->is_assigned;
    if (!sp_argument_is(import, arguments, SP_TAG_ASSIGN, &is_assigned) ||
        !sp_argument_is(import, arguments, SP_TAG_ACTIVATEDEFAULTRULE, &has_default_rule))
        return false;
    if (has_default_rule)
        sp_import_warn(import, "the default response rule isn't carried over, and is on unless "
                               "activatedefaultrule=no");
    if (arguments->values[SP_TAG_MMSECMETHODS] != NULL || arguments->values[SP_TAG_MMPFS] != NULL)
        sp_import_warn(import, "main mode (mmsecmethods, mmpfs) isn't carried over: it is for whoever "
                               "negotiates keys");
    for (size_t i = 0; is_assigned && i < import->policies.count; i++) {
        struct sp_netsh_policy *other = import->policies.objects[i];
        if (other != NULL)
            other->is_assigned = false; /* at most one is */
    }
    policy->is_assigned = is_assigned;
    policy->place = import->place;
    return true;
}

static void add_policy(struct sp_import *import, const struct sp_arguments *arguments)
{
    const char *name = new_name(import, &import->policies, arguments, SP_TAG_NAME);
    struct sp_netsh_policy *policy = name != NULL ? take(import, sizeof *policy) : NULL;
    if (policy == NULL || !read_policy(import, arguments, true, policy))
        return;
    policy->name = name;
    put(import, &import->policies, name, policy);
}

static void set_policy(struct sp_import *import, const struct sp_arguments *arguments)
{
    struct sp_netsh_policy *policy = object_of(import, &import->policies, arguments);
    if (policy != NULL && read_policy(import, arguments, false, policy))
        rename_object(import, &import->policies, arguments, policy, &policy->name);
}

static void delete_policy(struct sp_import *import, const struct sp_arguments *arguments)
{
    struct sp_catalogue *policies = &import->policies;
    struct sp_netsh_policy *only = arguments->is_all ? NULL : object_of(import, policies, arguments);
    for (size_t i = 0; i < policies->count; i++) {
        struct sp_netsh_policy *policy = policies->objects[i];
        if (policy == NULL || (policy != only && !arguments->is_all))
            continue;
        sp_catalogue_free(&policy->rules);
        policies->objects[i] = NULL;
    }
}

static void delete_all(struct sp_import *import, const struct sp_arguments *arguments)
{
    (void)arguments;
    const struct sp_arguments all = {.is_all = true};
    delete_policy(import, &all);
    delete_list(import, &all);
    delete_action(import, &all);
}

static void set_default_rule(struct sp_import *import, const struct sp_arguments *arguments)
{
    bool is_active = true;
    if (sp_argument_is(import, arguments, SP_TAG_ACTIVATE, &is_active) && is_active)
        sp_import_warn(import, "the default response rule isn't carried over");
}

struct command {
    const char *verb, *object;
    command_runner *run;
    enum sp_netsh_tag tags[17];
};

#define FILTER_TAGS                                                                                          \
    SP_TAG_PROTOCOL, SP_TAG_MIRRORED, SP_TAG_SRCMASK, SP_TAG_DSTMASK, SP_TAG_SRCPORT, SP_TAG_DSTPORT
#define POLICY_TAGS                                                                                          \
    SP_TAG_DESCRIPTION, SP_TAG_MMPFS, SP_TAG_QMPERMM, SP_TAG_MMLIFETIME, SP_TAG_ACTIVATEDEFAULTRULE,         \
        SP_TAG_POLLINGINTERVAL, SP_TAG_ASSIGN
#define ACTION_TAGS                                                                                          \
    SP_TAG_DESCRIPTION, SP_TAG_QMPFS, SP_TAG_INPASS, SP_TAG_SOFT, SP_TAG_ACTION, SP_TAG_QMSECMETHODS
#define AUTHENTICATION_TAGS SP_TAG_KERBEROS, SP_TAG_PSK, SP_TAG_ROOTCA

static const struct command commands[] = {
    {"add", "filterlist", add_list, {SP_TAG_NAME, SP_TAG_DESCRIPTION}},
    {"add",
     "filter",
     add_filter,
     {SP_TAG_FILTERLIST, SP_TAG_SRCADDR, SP_TAG_DSTADDR, SP_TAG_DESCRIPTION, FILTER_TAGS}},
    {"add", "filteraction", add_action, {SP_TAG_NAME, ACTION_TAGS}},
    {"add", "policy", add_policy, {SP_TAG_NAME, POLICY_TAGS, SP_TAG_MMSECMETHODS}},
    {"add",
     "rule",
     sp_netsh_add_rule,
     {SP_TAG_NAME, SP_TAG_POLICY, SP_TAG_FILTERLIST, SP_TAG_FILTERACTION, SP_TAG_TUNNEL, SP_TAG_CONNTYPE,
      SP_TAG_ACTIVATE, SP_TAG_DESCRIPTION, AUTHENTICATION_TAGS}},
    {"set", "filterlist", set_list, {SP_TAG_NAME, SP_TAG_NEWNAME, SP_TAG_DESCRIPTION}},
    {"set", "filteraction", set_action, {SP_TAG_NAME, SP_TAG_NEWNAME, ACTION_TAGS}},
    {"set",
     "policy",
     set_policy,
     {SP_TAG_NAME, SP_TAG_NEWNAME, POLICY_TAGS, SP_TAG_GPONAME, SP_TAG_MMSECMETHODS}},
    {"set",
     "rule",
     sp_netsh_set_rule,
     {SP_TAG_NAME, SP_TAG_POLICY, SP_TAG_NEWNAME, SP_TAG_DESCRIPTION, SP_TAG_FILTERLIST, SP_TAG_FILTERACTION,
      SP_TAG_TUNNEL, SP_TAG_CONNTYPE, SP_TAG_ACTIVATE, SP_TAG_ID, AUTHENTICATION_TAGS}},
    {"set",
     "defaultrule",
     set_default_rule,
     {SP_TAG_POLICY, SP_TAG_QMPFS, SP_TAG_ACTIVATE, SP_TAG_QMSECMETHODS, AUTHENTICATION_TAGS}},
    {"delete", "filterlist", delete_list, {SP_TAG_NAME}},
    {"delete", "filter", delete_filter, {SP_TAG_FILTERLIST, SP_TAG_SRCADDR, SP_TAG_DSTADDR, FILTER_TAGS}},
    {"delete", "filteraction", delete_action, {SP_TAG_NAME}},
    {"delete", "policy", delete_policy, {SP_TAG_NAME}},
    {"delete", "rule", sp_netsh_delete_rule, {SP_TAG_NAME, SP_TAG_POLICY, SP_TAG_ID}},
    {"delete", "all", delete_all, {SP_TAG_END}},
};

/* Both words as short as they are unique; NULL when there is none or more than one such command. */
static const struct command *find_command(const char *verb, const char *object)
{
    const struct command *found = NULL;
    size_t matches = 0;
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (!sp_word_starts(commands[i].verb, verb) || !sp_word_starts(commands[i].object, object))
            continue;
        if (sp_same_word(commands[i].object, object))
            return &commands[i];
        found = &commands[i];
        matches++;
    }
    return matches == 1 ? found : NULL;
}

static bool is_word(const char *word, const char *whole, size_t least_bytes)
{
    return strlen(word) >= least_bytes && sp_word_starts(whole, word);
}

/* Whether the words are a static IPsec command; what is IPsec but not static is told. */
static bool is_static(struct sp_import *import, const struct sp_word *words, size_t count)
{
    bool is_ipsec = false;
    for (size_t i = 1; i < count; i++)
        is_ipsec = is_ipsec || sp_word_contains(words[i].text, "ipsec");
    const bool has_context = count > 2 && is_word(words[1].text, "ipsec", 2);
    if (has_context && is_word(words[2].text, "static", 1))
        return true;
    import->skipped_commands++;
    const char *first = count > 1 ? words[1].text : "";
    const bool has_options = *first == '-' || *first == '/';
    if (has_options && is_ipsec)
        sp_import_error(import, "options of netsh can't be followed: write netsh ipsec static ...");
    else if (sp_same_word(first, "exec") || (has_options && sp_same_word(first + 1, "f")))
        sp_import_warn(import, "the commands of that other file aren't read: import it too if it has any");
    else if (has_context || (is_ipsec && is_word(first, "ipsec", 2)))
        sp_import_warn(import, "only netsh ipsec static is carried over");
    return false;
}

void sp_netsh_command(struct sp_import *import, struct sp_word *words, size_t count, const char *fault)
{
    struct sp_arguments arguments;
    if (!is_static(import, words, count))
        return;
    import->netsh_commands++;
    if (fault != NULL) {
        sp_import_error(import, "this command can't be known: %s", fault);
        return;
    }
    if (count > 3 && (is_word(words[3].text, "show", 2) || is_word(words[3].text, "exportpolicy", 1)))
        return; /* changes nothing */
    const struct command *command = count > 4 ? find_command(words[3].text, words[4].text) : NULL;
    if (command == NULL) {
        sp_import_error(import, "netsh ipsec static '%.40s %.40s' can't be carried over",
                        count > 3 ? words[3].text : "", count > 4 ? words[4].text : "");
        return;
    }
    if (sp_arguments_read(import, command->tags, words + 5, count - 5, &arguments))
        command->run(import, &arguments);
}
