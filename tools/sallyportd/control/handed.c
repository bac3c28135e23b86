/* SPDX-License-Identifier: ISC
 *
 * Reading what was handed over. Only regular files are, so that no client makes the control thread wait; and
 * they are read with pread(), as their place is the client's as well.
 */
#include "control/handed.h"

#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The text of a policy may have 64 MiB, and its places are a few bytes a rule. */
#define DOCUMENT_MAX_BYTES ((off_t)128 << 20)

static bool is_name(const json_t *name)
{
    const size_t len_bytes = json_string_length(name);
    return json_is_string(name) && len_bytes > 0 && len_bytes <= HANDED_NAME_MAX_BYTES;
}

static bool is_flag(const json_t *flag)
{
    return !flag || json_is_boolean(flag);
}

static bool is_namespace(const json_t *number)
{
    return !number || (json_is_integer(number) && json_integer_value(number) > 0);
}

static bool is_regular(int descriptor)
{
    struct stat file;
    return fstat(descriptor, &file) == 0 && S_ISREG(file.st_mode);
}

bool handed_read(const json_t *question, const int *descriptors, size_t count, struct handed *ret_handed,
                 const char **ret_why)
{
    const json_t *policy_name = json_object_get(question, "policy"),
                 *keys_name = json_object_get(question, "keys"),
                 *is_trial = json_object_get(question, "dry_run"),
                 *wanted_namespace = json_object_get(question, "namespace");
    *ret_why = NULL;
    if (!is_name(policy_name) || !is_name(keys_name))
        *ret_why = "\"policy\" and \"keys\" are names of up to 1024 bytes";
    else if (!is_flag(is_trial))
        *ret_why = "dry_run is true or false";
    else if (!is_namespace(wanted_namespace))
        *ret_why = "namespace is the number of an inode";
    else if (count != 2)
        *ret_why = "policy and keys come as two descriptors with the question";
    else if (!is_regular(descriptors[0]) || !is_regular(descriptors[1]))
        *ret_why = "policy and keys are read from regular files only, so that nobody is made to wait";
    if (*ret_why)
        return false;
    *ret_handed = (struct handed){.policy_name = json_string_value(policy_name),
                                  .keys_name = json_string_value(keys_name),
                                  .policy_fd = descriptors[0],
                                  .keys_fd = descriptors[1],
                                  .network_namespace = (uint64_t)json_integer_value(wanted_namespace),
                                  .is_trial = json_is_true(is_trial)};
    return true;
}

/* ---- the policy ---------------------------------------------------------------------------------------- */

static enum sp_status read_whole(int descriptor, char **ret_bytes, size_t *ret_len_bytes)
{
    struct stat file;
    size_t got_bytes = 0;
    if (fstat(descriptor, &file) != 0)
        return SP_ERR_IO;
    if (file.st_size > DOCUMENT_MAX_BYTES)
        return SP_ERR_LIMIT;
    const size_t len_bytes = (size_t)file.st_size;
    char *bytes = malloc(len_bytes + 1);
    if (!bytes)
        return SP_ERR_MEMORY;
    while (got_bytes < len_bytes) {
        const ssize_t got = pread(descriptor, bytes + got_bytes, len_bytes - got_bytes, (off_t)got_bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        got_bytes += (size_t)got;
    }
    if (got_bytes < len_bytes) {
        free(bytes);
        return SP_ERR_IO;
    }
    *ret_bytes = bytes;
    *ret_len_bytes = len_bytes;
    return SP_OK;
}

static enum sp_status set_place(struct sp_policy *policy, uint32_t index, const json_t *place)
{
    const char *file = json_string_value(json_array_get(place, 0));
    const json_t *line = json_array_get(place, 1);
    if (!file || !json_is_integer(line) || json_integer_value(line) < 0 ||
        json_integer_value(line) > UINT32_MAX)
        return SP_ERR_INVALID;
    return sp_policy_set_place(policy, index, file, (uint32_t)json_integer_value(line));
}

static enum sp_status set_places(struct sp_policy *policy, const json_t *places)
{
    enum sp_status status = SP_OK;
    if (!json_is_array(places) || json_array_size(places) != sp_policy_rule_count(policy))
        return SP_ERR_INVALID;
    for (uint32_t i = 0; i < sp_policy_rule_count(policy) && status == SP_OK; i++)
        status = set_place(policy, i, json_array_get(places, i));
    return status;
}

static enum sp_status build(const json_t *document, const char *name, struct sp_policy **ret_policy,
                            struct sp_report *report)
{
    const json_t *text = json_object_get(document, "policy");
    struct sp_policy *policy = NULL;
    if (!json_is_string(text))
        return SP_ERR_INVALID;
    enum sp_status status =
        sp_policy_parse_alone(json_string_value(text), json_string_length(text), name, &policy, report);
    if (status == SP_OK)
        status = set_places(policy, json_object_get(document, "places"));
    if (status == SP_OK)
        *ret_policy = policy;
    else
        sp_policy_destroy(&policy);
    return status;
}

enum sp_status handed_policy(const struct handed *handed, struct sp_policy **ret_policy,
                             struct sp_report *report)
{
    char *bytes = NULL;
    size_t len_bytes = 0;
    enum sp_status status = read_whole(handed->policy_fd, &bytes, &len_bytes);
    if (status != SP_OK)
        return status;
    json_t *document = json_loadb(bytes, len_bytes, 0, NULL);
    status = document ? build(document, handed->policy_name, ret_policy, report) : SP_ERR_INVALID;
    json_decref(document);
    free(bytes);
    return status;
}
