/* SPDX-License-Identifier: ISC
 *
 * ethtool's netlink messages (linux/ethtool_netlink.h). A set of features comes as a list of bits with their
 * names, because their numbers differ from kernel to kernel: those that are set, or, when the set has a mask,
 * all that the kernel knows with a flag at those that are.
 */
#include "nic/ethtool_codec.h"

#include "xfrm/read.h"

#include <libmnl/libmnl.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>

#include <string.h>

static const char *const names[SP_OFFLOAD_FEATURE_COUNT] = {
    [SP_OFFLOAD_FEATURE_ESP] = "esp-hw-offload",
    [SP_OFFLOAD_FEATURE_CHECKSUM] = "esp-tx-csum-hw-offload",
    [SP_OFFLOAD_FEATURE_SEGMENTATION] = "tx-esp-segmentation",
};

const char *sp_offload_feature_name(enum sp_offload_feature feature)
{
    return (unsigned)feature < SP_OFFLOAD_FEATURE_COUNT ? names[feature] : "?";
}

/* ---- asking ---------------------------------------------------------------------------------------------
 */

static struct nlmsghdr *begin(void *buffer, uint16_t type, uint8_t command, uint8_t version,
                              uint32_t sequence)
{
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

    message->nlmsg_type = type;
    message->nlmsg_flags = NLM_F_REQUEST;
    message->nlmsg_seq = sequence;
    struct genlmsghdr *header = mnl_nlmsg_put_extra_header(message, sizeof *header);
    header->cmd = command;
    header->version = version;
    return message;
}

struct nlmsghdr *sp_ethtool_ask_family(void *buffer, uint32_t sequence)
{
    struct nlmsghdr *message = begin(buffer, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, sequence);

    mnl_attr_put_strz(message, CTRL_ATTR_FAMILY_NAME, ETHTOOL_GENL_NAME);
    return message;
}

struct nlmsghdr *sp_ethtool_ask_features(void *buffer, uint16_t family, const char *device, uint32_t sequence)
{
    struct nlmsghdr *message =
        begin(buffer, family, ETHTOOL_MSG_FEATURES_GET, ETHTOOL_GENL_VERSION, sequence);
    struct nlattr *nest = mnl_attr_nest_start(message, ETHTOOL_A_FEATURES_HEADER);
    char name[16] = "";

    memcpy(name, device, strnlen(device, sizeof name - 1));
    mnl_attr_put_strz(message, ETHTOOL_A_HEADER_DEV_NAME, name);
    mnl_attr_nest_end(message, nest);
    return message;
}

/* ---- reading --------------------------------------------------------------------------------------------
 */

static struct sp_xfrm_rest inside(const struct sp_xfrm_attribute *attribute)
{
    return (struct sp_xfrm_rest){.at = attribute->payload, .len_bytes = attribute->len_bytes};
}

/* What is behind the headers; false: another message. */
static bool open_message(const void *bytes, size_t len_bytes, uint8_t command, struct sp_xfrm_rest *ret_rest)
{
    struct nlmsghdr header;
    struct genlmsghdr generic;

    return sp_xfrm_read_header(bytes, len_bytes, &header, ret_rest) && header.nlmsg_type >= NLMSG_MIN_TYPE &&
           sp_xfrm_take(ret_rest, &generic, sizeof generic) && generic.cmd == command;
}

bool sp_ethtool_read_family(const void *bytes, size_t len_bytes, uint16_t *ret_family)
{
    struct sp_xfrm_rest rest;
    struct sp_xfrm_attribute attribute;
    bool is_broken;

    if (!open_message(bytes, len_bytes, CTRL_CMD_NEWFAMILY, &rest))
        return false;
    while (sp_xfrm_next_attribute(&rest, &attribute, &is_broken)) {
        if (attribute.type != CTRL_ATTR_FAMILY_ID || attribute.len_bytes < sizeof *ret_family)
            continue;
        memcpy(ret_family, attribute.payload, sizeof *ret_family);
        return true;
    }
    return false;
}

struct bit {
    int feature; /* < 0: none of ours */
    bool has_value;
};

static int feature_of(const struct sp_xfrm_attribute *name)
{
    for (int i = 0; i < SP_OFFLOAD_FEATURE_COUNT; i++)
        if (name->len_bytes == strlen(names[i]) + 1 && memcmp(name->payload, names[i], name->len_bytes) == 0)
            return i;
    return -1;
}

static bool read_bit(struct sp_xfrm_rest rest, struct bit *ret_bit)
{
    struct sp_xfrm_attribute attribute;
    bool is_broken;

    *ret_bit = (struct bit){.feature = -1};
    while (sp_xfrm_next_attribute(&rest, &attribute, &is_broken))
        if (attribute.type == ETHTOOL_A_BITSET_BIT_NAME)
            ret_bit->feature = feature_of(&attribute);
        else if (attribute.type == ETHTOOL_A_BITSET_BIT_VALUE)
            ret_bit->has_value = true;
    return !is_broken;
}

/* Of each feature: whether the set speaks of it, and whether it is in it. */
struct set {
    bool is_listed[SP_OFFLOAD_FEATURE_COUNT], is_set[SP_OFFLOAD_FEATURE_COUNT];
};

static bool read_bits(struct sp_xfrm_rest rest, bool has_mask, struct set *set)
{
    struct sp_xfrm_attribute attribute;
    struct bit bit;
    bool is_broken;

    while (sp_xfrm_next_attribute(&rest, &attribute, &is_broken)) {
        if (attribute.type != ETHTOOL_A_BITSET_BITS_BIT)
            continue;
        if (!read_bit(inside(&attribute), &bit))
            return false;
        if (bit.feature < 0)
            continue;
        set->is_listed[bit.feature] = true;
        set->is_set[bit.feature] = bit.has_value || !has_mask;
    }
    return !is_broken;
}

static bool read_set(struct sp_xfrm_rest rest, struct set *set)
{
    struct sp_xfrm_attribute attribute, bits = {.payload = NULL};
    bool is_broken, has_mask = true;

    while (sp_xfrm_next_attribute(&rest, &attribute, &is_broken))
        if (attribute.type == ETHTOOL_A_BITSET_NOMASK)
            has_mask = false;
        else if (attribute.type == ETHTOOL_A_BITSET_BITS)
            bits = attribute;
    return !is_broken && (bits.payload == NULL || read_bits(inside(&bits), has_mask, set));
}

bool sp_ethtool_read_features(const void *bytes, size_t len_bytes,
                              enum sp_offload_feature_state ret_states[SP_OFFLOAD_FEATURE_COUNT])
{
    struct sp_xfrm_rest rest;
    struct sp_xfrm_attribute attribute;
    struct set changeable = {{false}, {false}}, active = {{false}, {false}};
    bool is_broken;

    if (!open_message(bytes, len_bytes, ETHTOOL_MSG_FEATURES_GET_REPLY, &rest))
        return false;
    while (sp_xfrm_next_attribute(&rest, &attribute, &is_broken)) {
        if (attribute.type == ETHTOOL_A_FEATURES_HW && !read_set(inside(&attribute), &changeable))
            return false;
        if (attribute.type == ETHTOOL_A_FEATURES_ACTIVE && !read_set(inside(&attribute), &active))
            return false;
    }
    if (is_broken)
        return false;
    for (int i = 0; i < SP_OFFLOAD_FEATURE_COUNT; i++)
        ret_states[i] = active.is_set[i]                                 ? SP_OFFLOAD_FEATURE_ON
                        : changeable.is_set[i]                           ? SP_OFFLOAD_FEATURE_OFF
                        : changeable.is_listed[i] || active.is_listed[i] ? SP_OFFLOAD_FEATURE_ABSENT
                                                                         : SP_OFFLOAD_FEATURE_UNKNOWN;
    return true;
}
