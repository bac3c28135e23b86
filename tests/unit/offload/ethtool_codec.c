/* SPDX-License-Identifier: ISC
 *
 * ethtool's answers as kernels write them, and cut or broken ones.
 */
#include "nic/ethtool_codec.h"

#include <criterion/criterion.h>
#include <libmnl/libmnl.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>

#include <stdlib.h>
#include <string.h>

#define ROOM 4096

static _Alignas(8) char buffer[ROOM];

static struct nlmsghdr *begin(uint16_t type, uint8_t command)
{
    memset(buffer, 0, sizeof buffer);
    struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
    message->nlmsg_type = type;
    struct genlmsghdr *generic = mnl_nlmsg_put_extra_header(message, sizeof *generic);
    generic->cmd = command;
    return message;
}

static void put_bit(struct nlmsghdr *message, uint32_t index, const char *name, bool has_value)
{
    struct nlattr *bit = mnl_attr_nest_start(message, ETHTOOL_A_BITSET_BITS_BIT);

    mnl_attr_put_u32(message, ETHTOOL_A_BITSET_BIT_INDEX, index);
    mnl_attr_put_strz(message, ETHTOOL_A_BITSET_BIT_NAME, name);
    if (has_value)
        mnl_attr_put(message, ETHTOOL_A_BITSET_BIT_VALUE, 0, NULL);
    mnl_attr_nest_end(message, bit);
}

/* A card whose ESP is on for good, whose checksums are off, and whose segmentation isn't there. */
static struct nlmsghdr *make_features(void)
{
    struct nlmsghdr *message = begin(NLMSG_MIN_TYPE + 3, ETHTOOL_MSG_FEATURES_GET_REPLY);
    struct nlattr *set = mnl_attr_nest_start(message, ETHTOOL_A_FEATURES_HW);
    mnl_attr_put_u32(message, ETHTOOL_A_BITSET_SIZE, 64);
    struct nlattr *bits = mnl_attr_nest_start(message, ETHTOOL_A_BITSET_BITS);
    put_bit(message, 0, "tx-scatter-gather", true);
    put_bit(message, 50, "esp-hw-offload", false);
    put_bit(message, 51, "esp-tx-csum-hw-offload", true);
    put_bit(message, 30, "tx-esp-segmentation", false);
    mnl_attr_nest_end(message, bits);
    mnl_attr_nest_end(message, set);
    set = mnl_attr_nest_start(message, ETHTOOL_A_FEATURES_ACTIVE);
    mnl_attr_put(message, ETHTOOL_A_BITSET_NOMASK, 0, NULL);
    bits = mnl_attr_nest_start(message, ETHTOOL_A_BITSET_BITS);
    put_bit(message, 50, "esp-hw-offload", false);
    put_bit(message, 0, "tx-scatter-gather", false);
    mnl_attr_nest_end(message, bits);
    mnl_attr_nest_end(message, set);
    return message;
}

Test(ethtool_codec, features_are_on_or_off_or_not_there)
{
    enum sp_offload_feature_state states[SP_OFFLOAD_FEATURE_COUNT];
    const struct nlmsghdr *message = make_features();

    cr_assert(sp_ethtool_read_features(message, message->nlmsg_len, states));
    cr_expect_eq(states[SP_OFFLOAD_FEATURE_ESP], SP_OFFLOAD_FEATURE_ON);
    cr_expect_eq(states[SP_OFFLOAD_FEATURE_CHECKSUM], SP_OFFLOAD_FEATURE_OFF);
    cr_expect_eq(states[SP_OFFLOAD_FEATURE_SEGMENTATION], SP_OFFLOAD_FEATURE_ABSENT);
}

Test(ethtool_codec, features_that_a_kernel_does_not_list_are_unknown)
{
    enum sp_offload_feature_state states[SP_OFFLOAD_FEATURE_COUNT];
    const struct nlmsghdr *message = begin(NLMSG_MIN_TYPE, ETHTOOL_MSG_FEATURES_GET_REPLY);

    cr_assert(sp_ethtool_read_features(message, message->nlmsg_len, states));
    for (int i = 0; i < SP_OFFLOAD_FEATURE_COUNT; i++)
        cr_expect_eq(states[i], SP_OFFLOAD_FEATURE_UNKNOWN);
}

Test(ethtool_codec, an_answer_about_something_else_is_none)
{
    enum sp_offload_feature_state states[SP_OFFLOAD_FEATURE_COUNT];
    uint16_t family;
    struct nlmsghdr *message = make_features();

    cr_expect_not(sp_ethtool_read_family(message, message->nlmsg_len, &family));
    message->nlmsg_type = NLMSG_ERROR;
    cr_expect_not(sp_ethtool_read_features(message, message->nlmsg_len, states));
    message = begin(NLMSG_MIN_TYPE, ETHTOOL_MSG_LINKINFO_GET_REPLY);
    cr_expect_not(sp_ethtool_read_features(message, message->nlmsg_len, states));
}

/* In memory that ends where the message does, so that a read behind it is seen. */
Test(ethtool_codec, what_is_cut_anywhere_is_refused_or_read_to_its_end)
{
    enum sp_offload_feature_state states[SP_OFFLOAD_FEATURE_COUNT];
    const struct nlmsghdr *message = make_features();
    const uint32_t whole_bytes = message->nlmsg_len;

    for (uint32_t len_bytes = 0; len_bytes < whole_bytes; len_bytes++) {
        char *cut = malloc(len_bytes + 1);
        cr_assert_not_null(cut);
        memcpy(cut, buffer, len_bytes);
        cr_expect_not(sp_ethtool_read_features(cut, len_bytes, states), "of %u bytes", len_bytes);
        if (len_bytes >= sizeof *message) {
            ((struct nlmsghdr *)(void *)cut)->nlmsg_len = len_bytes;
            (void)sp_ethtool_read_features(cut, len_bytes, states);
        }
        free(cut);
    }
}

Test(ethtool_codec, the_family_has_the_number_that_the_kernel_gave_it)
{
    struct nlmsghdr *message = begin(GENL_ID_CTRL, CTRL_CMD_NEWFAMILY);
    uint16_t family = 0;

    mnl_attr_put_strz(message, CTRL_ATTR_FAMILY_NAME, "ethtool");
    mnl_attr_put_u16(message, CTRL_ATTR_FAMILY_ID, 21);
    cr_assert(sp_ethtool_read_family(message, message->nlmsg_len, &family));
    cr_expect_eq(family, 21);
    message = begin(GENL_ID_CTRL, CTRL_CMD_NEWFAMILY);
    cr_expect_not(sp_ethtool_read_family(message, message->nlmsg_len, &family), "it isn't said");
}

static int find_name(const struct nlattr *attribute, void *context)
{
    if (mnl_attr_get_type(attribute) == ETHTOOL_A_HEADER_DEV_NAME)
        *(const char **)context = mnl_attr_get_str(attribute);
    return MNL_CB_OK;
}

Test(ethtool_codec, a_question_names_its_device_and_fits_its_buffer)
{
    _Alignas(8) char request[SP_ETHTOOL_REQUEST_BYTES];
    const char *name = NULL;
    struct nlmsghdr *message =
        sp_ethtool_ask_features(request, 21, "a-name-that-is-longer-than-any-device's", 7);

    cr_expect_eq(message->nlmsg_type, 21);
    cr_expect_eq(message->nlmsg_seq, 7);
    cr_assert_leq(message->nlmsg_len, sizeof request);
    mnl_attr_parse_nested(mnl_nlmsg_get_payload_offset(message, sizeof(struct genlmsghdr)), find_name, &name);
    cr_assert_not_null(name);
    cr_expect_str_eq(name, "a-name-that-is-");
    cr_expect_leq(sp_ethtool_ask_family(request, 1)->nlmsg_len, sizeof request);
}
