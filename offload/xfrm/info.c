/* SPDX-License-Identifier: ISC
 *
 * Encodes and decodes what xfrm/info.h lists. An answer is a header, 4 bytes of flags, then attributes; the
 * kernel may add attributes that this version doesn't know.
 */
#include "xfrm/info.h"

#include <libmnl/libmnl.h>
#include <linux/xfrm.h>

#define FLAGS_BYTES sizeof(uint32_t)

static const struct {
    uint16_t request_type, answer_type;
} messages[] = {
    [SP_XFRM_HOW_MANY_SAS] = {XFRM_MSG_GETSADINFO, XFRM_MSG_NEWSADINFO},
    [SP_XFRM_HOW_MANY_POLICIES] = {XFRM_MSG_GETSPDINFO, XFRM_MSG_NEWSPDINFO},
};

struct nlmsghdr *sp_xfrm_info_ask(void *buffer, enum sp_xfrm_question question, uint32_t sequence)
{
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

    message->nlmsg_type = messages[question].request_type;
    message->nlmsg_flags = NLM_F_REQUEST;
    message->nlmsg_seq = sequence;
    *(uint32_t *)mnl_nlmsg_put_extra_header(message, FLAGS_BYTES) = 0;
    return message;
}

struct count {
    bool has_come;
    uint32_t value;
};

static int on_sad_attribute(const struct nlattr *attribute, void *context)
{
    struct count *count = context;

    if (mnl_attr_get_type(attribute) != XFRMA_SAD_CNT || mnl_attr_validate(attribute, MNL_TYPE_U32) < 0)
        return MNL_CB_OK;
    *count = (struct count){.has_come = true, .value = mnl_attr_get_u32(attribute)};
    return MNL_CB_STOP;
}

static int on_spd_attribute(const struct nlattr *attribute, void *context)
{
    struct count *count = context;

    if (mnl_attr_get_type(attribute) != XFRMA_SPD_INFO ||
        mnl_attr_get_payload_len(attribute) < sizeof(struct xfrmu_spdinfo))
        return MNL_CB_OK;
    const struct xfrmu_spdinfo *info = mnl_attr_get_payload(attribute);
    *count = (struct count){.has_come = true, .value = info->incnt + info->outcnt + info->fwdcnt};
    return MNL_CB_STOP;
}

bool sp_xfrm_info_read(const struct nlmsghdr *message, enum sp_xfrm_question question, uint32_t *ret_count)
{
    struct count count = {.has_come = false};
    bool is_about_sas = question == SP_XFRM_HOW_MANY_SAS;

    if (message->nlmsg_type != messages[question].answer_type ||
        mnl_nlmsg_get_payload_len(message) < FLAGS_BYTES)
        return false;
    /* libmnl reads up to the next alignment boundary; the kernel pads its messages to one */
    if (message->nlmsg_len % NLMSG_ALIGNTO != 0)
        return false;
    (void)mnl_attr_parse(message, FLAGS_BYTES, is_about_sas ? on_sad_attribute : on_spd_attribute, &count);
    if (count.has_come)
        *ret_count = count.value;
    return count.has_come;
}
