/* SPDX-License-Identifier: ISC
 *
 * Every type of XFRM message, written and read; and what can't be one.
 */
#include "xfrm_messages.h"

#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <stddef.h>
#include <string.h>

#define ROUNDS 400
#define KEY_BYTES (SP_XFRM_KEY_BITS_MAX / 8)

static uint8_t keys[KEY_BYTES];

static void make_keys(void)
{
    uint64_t state = 4711;
    for (size_t i = 0; i < sizeof keys; i++)
        keys[i] = (uint8_t)chance(&state);
}

Test(xfrm_codec, reads_of_each_type_what_it_wrote, .init = make_keys)
{
    static _Alignas(8) char buffer[SP_XFRM_MESSAGE_BYTES_MAX];
    static struct sp_xfrm_message message, read;
    uint64_t state = 20261124;

    for (size_t i = 0; i < xfrm_type_count; i++)
        for (int round = 0; round < ROUNDS; round++) {
            message_of_chance(&state, xfrm_types[i], keys, &message);
            size_t len_bytes = sp_xfrm_encode(&message, buffer, sizeof buffer);
            cr_assert_gt(len_bytes, 0, "type %u", xfrm_types[i]);
            cr_assert_eq(len_bytes % 4, 0);
            cr_assert_eq(sp_xfrm_decode(buffer, len_bytes, &read), SP_XFRM_READ, "type %u", xfrm_types[i]);
            const char *difference = message_difference(&message, &read);
            cr_assert_null(difference, "type %u: %s", xfrm_types[i], difference);
        }
}

Test(xfrm_codec, writes_nothing_behind_the_room_it_has, .init = make_keys)
{
    static _Alignas(8) char whole[SP_XFRM_MESSAGE_BYTES_MAX];
    static struct sp_xfrm_message message;
    uint64_t state = 77;

    for (size_t i = 0; i < xfrm_type_count; i++) {
        message_of_chance(&state, xfrm_types[i], keys, &message);
        size_t len_bytes = sp_xfrm_encode(&message, whole, sizeof whole);
        /* from memory of exactly that length, so that the address sanitizer sees a step too far */
        for (size_t capacity_bytes = 0; capacity_bytes <= len_bytes; capacity_bytes += 4) {
            char *buffer = malloc(capacity_bytes + 1);
            cr_assert_not_null(buffer);
            buffer[capacity_bytes] = 'x';
            size_t written_bytes = sp_xfrm_encode(&message, buffer, capacity_bytes);
            cr_assert_eq(written_bytes, capacity_bytes == len_bytes ? len_bytes : 0);
            cr_assert_eq(buffer[capacity_bytes], 'x');
            cr_assert(written_bytes == 0 || memcmp(buffer, whole, len_bytes) == 0);
            free(buffer);
        }
    }
}

Test(xfrm_codec, reads_no_message_that_is_cut_short, .init = make_keys)
{
    static _Alignas(8) char whole[SP_XFRM_MESSAGE_BYTES_MAX];
    static struct sp_xfrm_message message, read;
    uint64_t state = 99;

    for (size_t i = 0; i < xfrm_type_count; i++) {
        message_of_chance(&state, xfrm_types[i], keys, &message);
        size_t len_bytes = sp_xfrm_encode(&message, whole, sizeof whole);
        for (size_t cut_bytes = 0; cut_bytes < len_bytes; cut_bytes++) {
            char *cut = malloc(cut_bytes + 1);
            cr_assert_not_null(cut);
            memcpy(cut, whole, cut_bytes);
            /* the header claims more than there is */
            cr_assert_eq(sp_xfrm_decode(cut, cut_bytes, &read), SP_XFRM_MALFORMED);
            free(cut);
        }
    }
}

Test(xfrm_codec, survives_any_change_of_its_bytes, .init = make_keys)
{
    static _Alignas(8) char whole[SP_XFRM_MESSAGE_BYTES_MAX];
    static struct sp_xfrm_message message, read;
    uint64_t state = 3;

    for (int round = 0; round < 20000; round++) {
        message_of_chance(&state, xfrm_types[chance(&state) % xfrm_type_count], keys, &message);
        size_t len_bytes = sp_xfrm_encode(&message, whole, sizeof whole);
        char *changed = malloc(len_bytes);
        cr_assert_not_null(changed);
        memcpy(changed, whole, len_bytes);
        for (uint64_t i = chance(&state) % 8; i-- > 0;)
            changed[chance(&state) % len_bytes] = (char)chance(&state);
        enum sp_xfrm_reading reading = sp_xfrm_decode(changed, len_bytes, &read);
        cr_assert(reading == SP_XFRM_READ || reading == SP_XFRM_UNKNOWN || reading == SP_XFRM_MALFORMED);
        free(changed);
    }
}

/* A policy as `ip xfrm policy add dir out src 192.0.2.1/32 dst 192.0.2.2/32 proto tcp dport 80 priority 10
 * tmpl proto esp reqid 5 mode transport` sends it, from the layout in linux/xfrm.h. */
Test(xfrm_codec, lays_a_policy_out_as_the_kernel_does)
{
    struct layout {
        struct nlmsghdr header;
        struct xfrm_userpolicy_info info;
        struct nlattr attribute;
        struct xfrm_user_tmpl template;
    } want;
    const size_t want_bytes = offsetof(struct layout, template) + sizeof want.template; /* no padding */
    static _Alignas(8) char buffer[SP_XFRM_MESSAGE_BYTES_MAX];
    struct sp_xfrm_message message = {
        .type = XFRM_MSG_NEWPOLICY,
        .flags = NLM_F_REQUEST | NLM_F_ACK,
        .sequence = 7,
        .policy = {.selector = {.family = 4,
                                .source = {4, {192, 0, 2, 1}},
                                .destination = {4, {192, 0, 2, 2}},
                                .source_prefix_bits = 32,
                                .destination_prefix_bits = 32,
                                .destination_port = 80,
                                .destination_port_mask = 0xffff,
                                .protocol = 6},
                   .limits = {.soft_bytes = UINT64_MAX, .hard_bytes = UINT64_MAX},
                   .priority = 10,
                   .direction = XFRM_POLICY_OUT,
                   .template_count = 1,
                   .templates = {{.family = 4, .reqid = 5, .protocol = 50, .mode = XFRM_MODE_TRANSPORT}}},
    };

    memset(&want, 0, sizeof want);
    want.header = (struct nlmsghdr){.nlmsg_len = want_bytes,
                                    .nlmsg_type = XFRM_MSG_NEWPOLICY,
                                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
                                    .nlmsg_seq = 7};
    want.info.sel.saddr.a4 = htonl(0xc0000201);
    want.info.sel.daddr.a4 = htonl(0xc0000202);
    want.info.sel.dport = htons(80);
    want.info.sel.dport_mask = 0xffff;
    want.info.sel.family = 2;
    want.info.sel.prefixlen_s = want.info.sel.prefixlen_d = 32;
    want.info.sel.proto = 6;
    want.info.lft.soft_byte_limit = want.info.lft.hard_byte_limit = XFRM_INF;
    want.info.priority = 10;
    want.info.dir = XFRM_POLICY_OUT;
    want.attribute = (struct nlattr){.nla_len = 4 + sizeof want.template, .nla_type = XFRMA_TMPL};
    want.template.id.proto = 50;
    want.template.family = 2;
    want.template.reqid = 5;
    cr_assert_eq(sp_xfrm_encode(&message, buffer, sizeof buffer), want_bytes);
    cr_expect_arr_eq(buffer, (const char *)&want, want_bytes);
}

Test(xfrm_codec, passes_over_attributes_that_it_does_not_know)
{
    static _Alignas(8) char buffer[SP_XFRM_MESSAGE_BYTES_MAX];
    static struct sp_xfrm_message message = {.type = XFRM_MSG_NEWSA, .sa = {.family = 4, .spi = 4097}}, read;
    size_t len_bytes = sp_xfrm_encode(&message, buffer, sizeof buffer);
    struct nlattr unknown = {.nla_len = 5, .nla_type = 999};

    memcpy(buffer + len_bytes, &unknown, sizeof unknown);
    ((struct nlmsghdr *)(void *)buffer)->nlmsg_len += 5; /* unpadded at the end of the message */
    cr_assert_eq(sp_xfrm_decode(buffer, len_bytes + 5, &read), SP_XFRM_READ);
    cr_expect_eq(read.sa.spi, 4097);
}

Test(xfrm_codec, reads_the_integrity_algorithm_with_its_icv_whatever_comes_first)
{
    /* the kernel sends XFRMA_ALG_AUTH, without the ICV's length, beside XFRMA_ALG_AUTH_TRUNC */
    static _Alignas(8) char buffer[SP_XFRM_MESSAGE_BYTES_MAX];
    static struct sp_xfrm_message message = {
        .type = XFRM_MSG_NEWSA,
        .sa = {.family = 4,
               .integrity = {.name = "hmac(sha1)", .key = keys, .key_bits = 160, .icv_bits = 96}}};
    static struct sp_xfrm_message read;
    struct {
        struct nlattr header;
        char name[64];
        uint32_t key_bits;
        uint8_t key[20];
    } old = {{.nla_len = sizeof old, .nla_type = XFRMA_ALG_AUTH}, "hmac(sha1)", 160, {1}};

    for (int comes_first = 0; comes_first < 2; comes_first++) {
        size_t len_bytes = sp_xfrm_encode(&message, buffer, sizeof buffer);
        size_t at = comes_first ? sizeof(struct nlmsghdr) + sizeof(struct xfrm_usersa_info) : len_bytes;
        memmove(buffer + at + sizeof old, buffer + at, len_bytes - at);
        memcpy(buffer + at, &old, sizeof old);
        ((struct nlmsghdr *)(void *)buffer)->nlmsg_len += (uint32_t)sizeof old;
        cr_assert_eq(sp_xfrm_decode(buffer, len_bytes + sizeof old, &read), SP_XFRM_READ);
        cr_expect_str_eq(read.sa.integrity.name, "hmac(sha1)");
        cr_expect_eq(read.sa.integrity.icv_bits, 96);
    }
}

struct refusal {
    struct nlmsghdr header;
    struct nlmsgerr error;
    struct nlattr attribute;
    char text[28];
};

static struct refusal refusal(void)
{
    return (struct refusal){
        .header = {.nlmsg_len = sizeof(struct refusal),
                   .nlmsg_type = NLMSG_ERROR,
                   .nlmsg_flags = NLM_F_CAPPED | NLM_F_ACK_TLVS,
                   .nlmsg_seq = 12},
        .error = {.error = -93, .msg = {.nlmsg_len = 500}},
        .attribute = {.nla_len = sizeof(struct nlattr) + 25, .nla_type = NLMSGERR_ATTR_MSG},
        .text = "Requested type not found",
    };
}

Test(xfrm_codec, reads_why_the_kernel_refused)
{
    struct refusal message = refusal();
    struct sp_xfrm_answer answer;

    cr_assert(sp_xfrm_decode_answer(&message, sizeof message, &answer));
    cr_expect_eq(answer.sequence, 12);
    cr_expect_eq(answer.error, 93);
    cr_expect_str_eq(answer.text, "Requested type not found");
}

Test(xfrm_codec, finds_the_reason_behind_a_quoted_request)
{
    struct refusal message = refusal();
    struct sp_xfrm_answer answer;

    message.header.nlmsg_flags = NLM_F_ACK_TLVS;
    message.error.msg.nlmsg_len = sizeof(struct nlmsghdr);
    cr_assert(sp_xfrm_decode_answer(&message, sizeof message, &answer));
    cr_expect_str_eq(answer.text, "Requested type not found");
    message.error.msg.nlmsg_len = UINT32_MAX;
    cr_assert(sp_xfrm_decode_answer(&message, sizeof message, &answer));
    cr_expect_str_eq(answer.text, "");
}

Test(xfrm_codec, reads_no_answer_out_of_less_than_one)
{
    struct refusal message = refusal();
    struct sp_xfrm_answer answer = {.error = 5};

    for (size_t cut_bytes = 0; cut_bytes < sizeof message; cut_bytes++)
        cr_expect_not(sp_xfrm_decode_answer(&message, cut_bytes, &answer));
    message.error.error = 5; /* errno values are negative there */
    cr_expect_not(sp_xfrm_decode_answer(&message, sizeof message, &answer));
    message.header.nlmsg_type = XFRM_MSG_NEWSA;
    cr_expect_not(sp_xfrm_decode_answer(&message, sizeof message, &answer));
    cr_expect_eq(answer.error, 5);
}
