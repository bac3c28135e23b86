/* SPDX-License-Identifier: ISC
 *
 * The steps of every reader. Each length is checked against the memory that there is, and the walk over
 * attributes is our own because libmnl's rounds the end of a message up.
 */
#include "xfrm/read.h"

#include <libmnl/libmnl.h>

#include <string.h>

bool sp_xfrm_read_header(const void *bytes, size_t len_bytes, struct nlmsghdr *ret_header,
                         struct sp_xfrm_rest *ret_rest)
{
    if (len_bytes < sizeof *ret_header)
        return false;
    memcpy(ret_header, bytes, sizeof *ret_header);
    if (ret_header->nlmsg_len < sizeof *ret_header || ret_header->nlmsg_len > len_bytes)
        return false;
    *ret_rest = (struct sp_xfrm_rest){.at = (const char *)bytes + sizeof *ret_header,
                                      .len_bytes = ret_header->nlmsg_len - sizeof *ret_header};
    return true;
}

bool sp_xfrm_take(struct sp_xfrm_rest *rest, void *part, size_t part_bytes)
{
    if (rest->len_bytes < part_bytes)
        return false;
    memcpy(part, rest->at, part_bytes);
    size_t step_bytes = MNL_ALIGN(part_bytes) < rest->len_bytes ? MNL_ALIGN(part_bytes) : rest->len_bytes;
    rest->at += step_bytes;
    rest->len_bytes -= step_bytes;
    return true;
}

bool sp_xfrm_next_attribute(struct sp_xfrm_rest *rest, struct sp_xfrm_attribute *ret_attribute,
                            bool *ret_is_broken)
{
    struct nlattr header;

    *ret_is_broken = false;
    if (rest->len_bytes == 0)
        return false;
    *ret_is_broken = true;
    if (rest->len_bytes < sizeof header)
        return false;
    memcpy(&header, rest->at, sizeof header);
    if (header.nla_len < sizeof header || header.nla_len > rest->len_bytes)
        return false;
    *ret_is_broken = false;
    *ret_attribute = (struct sp_xfrm_attribute){.type = header.nla_type & NLA_TYPE_MASK,
                                                .payload = rest->at + sizeof header,
                                                .len_bytes = header.nla_len - sizeof header};
    size_t step_bytes = MNL_ALIGN((size_t)header.nla_len);
    step_bytes = step_bytes < rest->len_bytes ? step_bytes : rest->len_bytes;
    rest->at += step_bytes;
    rest->len_bytes -= step_bytes;
    return true;
}

/* The extended ack's sentence, behind the error; the request is quoted there unless NLM_F_CAPPED says that
 * only its header is. */
static void read_text(const struct nlmsghdr *header, struct sp_xfrm_rest rest, const struct nlmsghdr *request,
                      char *text, size_t size_bytes)
{
    struct sp_xfrm_attribute attribute;
    bool is_broken;
    size_t quoted_bytes = header->nlmsg_flags & NLM_F_CAPPED || request->nlmsg_len < sizeof *request
                              ? 0
                              : MNL_ALIGN((size_t)request->nlmsg_len) - sizeof *request;

    if (!(header->nlmsg_flags & NLM_F_ACK_TLVS) || quoted_bytes > rest.len_bytes)
        return;
    rest.at += quoted_bytes;
    rest.len_bytes -= quoted_bytes;
    while (sp_xfrm_next_attribute(&rest, &attribute, &is_broken)) {
        if (attribute.type != NLMSGERR_ATTR_MSG)
            continue;
        size_t text_bytes = strnlen(attribute.payload, attribute.len_bytes);
        text_bytes = text_bytes < size_bytes ? text_bytes : size_bytes - 1;
        memcpy(text, attribute.payload, text_bytes);
        text[text_bytes] = '\0';
    }
}

bool sp_xfrm_decode_answer(const void *bytes, size_t len_bytes, struct sp_xfrm_answer *ret_answer)
{
    struct nlmsghdr header;
    struct nlmsgerr body = {.error = 0};
    struct sp_xfrm_rest rest;

    if (!sp_xfrm_read_header(bytes, len_bytes, &header, &rest))
        return false;
    struct sp_xfrm_answer answer = {.sequence = header.nlmsg_seq};
    if (header.nlmsg_type == NLMSG_DONE) {
        /* a dump's own result; older kernels may leave it out */
        (void)sp_xfrm_take(&rest, &body.error, sizeof body.error);
    } else if (header.nlmsg_type == NLMSG_ERROR && sp_xfrm_take(&rest, &body, sizeof body)) {
        read_text(&header, rest, &body.msg, answer.text, sizeof answer.text);
    } else {
        return false;
    }
    if (body.error > 0 || body.error < -4095)
        return false;
    answer.error = -body.error;
    *ret_answer = answer;
    return true;
}
