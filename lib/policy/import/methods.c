/* SPDX-License-Identifier: ISC
 *
 * qmsecmethods: "ESP[3DES,SHA1]:100000k/3600s AH[MD5]+ESP[DES,None]", a list of offers in the order of
 * preference. A policy here has one way of protecting, so the first offer that can be carried over is taken,
 * and the others are named.
 */
#include "policy/import/arguments.h"

#include <ctype.h>
#include <string.h>

#define METHOD_BYTES 100
#define W2K_KILOBYTES 100000
#define W2K_SECONDS 3600
#define MAX_KILOBYTES 33554432 /* 32 GB: sallyport.conf(5) lets no 3DES key live longer */

/* One method without its blanks, which may stand in its brackets; what follows, or NULL when it is too long.
 */
static const char *next_method(const char *at, char *method)
{
    size_t len = 0;
    bool is_in_brackets = false;
    while (isspace((unsigned char)*at))
        at++;
    for (; *at != '\0' && (is_in_brackets || !isspace((unsigned char)*at)); at++) {
        is_in_brackets = *at == '[' || (is_in_brackets && *at != ']');
        if (isspace((unsigned char)*at))
            continue;
        if (len == METHOD_BYTES - 1)
            return NULL;
        method[len++] = *at;
    }
    method[len] = '\0';
    return at;
}

/* "100000k/3600s", either one, any order. */
static bool read_lifetime(char *text, struct sp_netsh_method *method)
{
    char *slash = strchr(text, '/');
    if (slash != NULL)
        *slash = '\0';
    for (char *part = text; part != NULL; part = part == text && slash != NULL ? slash + 1 : NULL) {
        const size_t len = strlen(part);
        uint64_t *value = NULL;
        if (len > 1 && (part[len - 1] == 'k' || part[len - 1] == 'K'))
            value = &method->kilobytes;
        if (len > 1 && (part[len - 1] == 's' || part[len - 1] == 'S'))
            value = &method->seconds;
        if (value == NULL)
            return false;
        part[len - 1] = '\0';
        if (!sp_word_number(part, UINT32_MAX, value) || *value == 0)
            return false;
    }
    return true;
}

static bool read_algorithms(const char *text, struct sp_netsh_method *method)
{
    static const struct {
        const char *text;
        enum sp_encryption encryption;
        enum sp_integrity integrity;
    } known[] = {
        {"ESP[3DES,SHA1]", SP_ENCRYPTION_3DES_CBC, SP_INTEGRITY_HMAC_SHA1_96},
        {"ESP[3DES,MD5]", SP_ENCRYPTION_3DES_CBC, SP_INTEGRITY_HMAC_MD5_96},
        {"ESP[None,SHA1]", SP_ENCRYPTION_NULL, SP_INTEGRITY_HMAC_SHA1_96},
        {"ESP[None,MD5]", SP_ENCRYPTION_NULL, SP_INTEGRITY_HMAC_MD5_96},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!sp_same_word(known[i].text, text))
            continue;
        method->encryption = known[i].encryption;
        method->integrity = known[i].integrity;
        return true;
    }
    return false;
}

/* False after an error; a method that can't be carried over stays !is_found. */
static bool read_method(struct sp_import *import, char *text, struct sp_netsh_method *ret_method)
{
    struct sp_netsh_method method = {.kilobytes = W2K_KILOBYTES, .seconds = W2K_SECONDS};
    char *colon = strchr(text, ':');
    if (colon != NULL)
        *colon = '\0';
    if (colon != NULL && !read_lifetime(colon + 1, &method)) {
        sp_import_error(import, "the lifetime of %.60s is not like 100000k/3600s", text);
        return false;
    }
    method.is_found = read_algorithms(text, &method);
    if (method.is_found && method.encryption == SP_ENCRYPTION_3DES_CBC && method.kilobytes > MAX_KILOBYTES) {
        sp_import_error(import, "%.60s may live for 32 GB (33554432k) at most: its blocks are short", text);
        return false;
    }
    *ret_method = method;
    return true;
}

bool sp_netsh_methods_read(struct sp_import *import, const char *text, struct sp_netsh_method *ret_method)
{
    struct sp_netsh_method taken = {0};
    char method[METHOD_BYTES];
    while ((text = next_method(text, method)) != NULL && method[0] != '\0') {
        struct sp_netsh_method one;
        if (!read_method(import, method, &one))
            return false;
        if (one.is_found && !taken.is_found) {
            taken = one;
            continue;
        }
        sp_import_warn(import, "the offer %.60s is left out: %s", method,
                       one.is_found ? "one before it is taken"
                                    : "only ESP[3DES or None, SHA1 or MD5] can be had");
    }
    if (text == NULL || !taken.is_found) {
        sp_import_error(import, "no method of qmsecmethods can be carried over: offer ESP[3DES,SHA1]");
        return false;
    }
    if (taken.encryption == SP_ENCRYPTION_NULL)
        sp_import_warn(import, "ESP[None,...] encrypts nothing");
    *ret_method = taken;
    return true;
}
