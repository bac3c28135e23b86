/* SPDX-License-Identifier: ISC
 *
 * The kernel's refusals in words. An errno value means different things for different requests, and the
 * sentence of the extended acknowledgement, where there is one, knows no names of options.
 */
#include "xfrm/link.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static bool is_about_sa(const struct sp_xfrm_message *request)
{
    switch (request->type) {
    case XFRM_MSG_NEWSA:
    case XFRM_MSG_UPDSA:
    case XFRM_MSG_DELSA:
    case XFRM_MSG_GETSA:
        return true;
    default:
        return false;
    }
}

static bool brings_sa(const struct sp_xfrm_message *request)
{
    return request->type == XFRM_MSG_NEWSA || request->type == XFRM_MSG_UPDSA;
}

static const char *or_none(const char *name)
{
    return name[0] != '\0' ? name : "none";
}

/* false: nothing special. */
static bool of_new_sa(const struct sp_xfrm_sa *sa, int error, char *text, size_t size_bytes)
{
    switch (error) {
    case EPROTONOSUPPORT:
        if (sa->protocol != IPPROTO_ESP)
            return false;
        (void)snprintf(text, size_bytes, "the kernel has no ESP: CONFIG_INET%s_ESP",
                       sa->family == 6 ? "6" : "");
        return true;
    case ENOSYS:
    case ENOENT:
        if (sa->aead.name[0] != '\0')
            (void)snprintf(text, size_bytes, "this kernel can't do %s", sa->aead.name);
        else
            (void)snprintf(text, size_bytes, "this kernel can't do encryption by %s with integrity by %s",
                           or_none(sa->encryption.name), or_none(sa->integrity.name));
        return true;
    default:
        return false;
    }
}

static const char *of_any(const struct sp_xfrm_message *request, int error)
{
    const bool is_sa = is_about_sa(request);

    switch (error) {
    case EPERM:
        return "only root may change the kernel's IPsec (CAP_NET_ADMIN)";
    case EEXIST:
        return is_sa ? "the kernel has an SA of this SPI and destination already"
                     : "the kernel has a policy of this selector already";
    case ESRCH:
    case ENOENT:
        return is_sa ? "the kernel has no such SA" : "the kernel has no such policy";
    default:
        return strerror(error);
    }
}

const char *sp_xfrm_refusal(const struct sp_xfrm_message *request, const struct sp_xfrm_answer *answer,
                            char *text, size_t size_bytes)
{
    if (!brings_sa(request) || !of_new_sa(&request->sa, answer->error, text, size_bytes))
        (void)snprintf(text, size_bytes, "%s", of_any(request, answer->error));
    size_t used_bytes = strlen(text);
    if (answer->text[0] != '\0')
        (void)snprintf(text + used_bytes, size_bytes - used_bytes, " (\"%s\")", answer->text);
    return text;
}
