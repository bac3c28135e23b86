/* SPDX-License-Identifier: ISC
 *
 * The netlink messages, byte by byte, as linux/xfrm.h and netlink(7) lay them out.
 */
#include "xfrm/info.h"

#include <criterion/criterion.h>
#include <linux/xfrm.h>

#include <stdlib.h>
#include <string.h>

/* An answer as the kernel of Linux 6.1 sends it: flags, the count, then the hash sizes. */
struct sad_answer {
    struct nlmsghdr header;
    uint32_t flags;
    struct nlattr hash_attribute;
    uint32_t hash_sizes[2];
    struct nlattr count_attribute;
    uint32_t count;
};

struct spd_answer {
    struct nlmsghdr header;
    uint32_t flags;
    struct nlattr attribute;
    struct xfrmu_spdinfo info;
};

static struct sad_answer sad_answer(void)
{
    return (struct sad_answer){
        .header = {.nlmsg_len = sizeof(struct sad_answer), .nlmsg_type = XFRM_MSG_NEWSADINFO},
        .hash_attribute = {.nla_len = 12, .nla_type = XFRMA_SAD_HINFO},
        .count_attribute = {.nla_len = 8, .nla_type = XFRMA_SAD_CNT},
        .count = 4711,
    };
}

static struct spd_answer spd_answer(void)
{
    return (struct spd_answer){
        .header = {.nlmsg_len = sizeof(struct spd_answer), .nlmsg_type = XFRM_MSG_NEWSPDINFO},
        .attribute = {.nla_len = 4 + sizeof(struct xfrmu_spdinfo), .nla_type = XFRMA_SPD_INFO},
        .info = {.incnt = 1, .outcnt = 20, .fwdcnt = 300, .inscnt = 4000},
    };
}

Test(xfrm_info, asks_with_a_header_and_flags_alone)
{
    static const uint16_t types[] = {XFRM_MSG_GETSADINFO, XFRM_MSG_GETSPDINFO};
    _Alignas(8) char buffer[SP_XFRM_REQUEST_BYTES];

    for (int question = SP_XFRM_HOW_MANY_SAS; question <= SP_XFRM_HOW_MANY_POLICIES; question++) {
        memset(buffer, 0xff, sizeof buffer);
        const struct nlmsghdr *message = sp_xfrm_info_ask(buffer, (enum sp_xfrm_question)question, 77);
        const char zero[4] = {0};
        cr_expect_eq(message->nlmsg_len, 20);
        cr_expect_eq(message->nlmsg_type, types[question]);
        cr_expect_eq(message->nlmsg_flags, NLM_F_REQUEST);
        cr_expect_eq(message->nlmsg_seq, 77);
        cr_expect_arr_eq(buffer + 16, zero, 4);
    }
}

Test(xfrm_info, reads_the_number_of_sas)
{
    struct sad_answer answer = sad_answer();
    uint32_t count = 0;

    cr_assert(sp_xfrm_info_read(&answer.header, SP_XFRM_HOW_MANY_SAS, &count));
    cr_expect_eq(count, 4711);
}

Test(xfrm_info, adds_up_the_policies_of_all_directions)
{
    struct spd_answer answer = spd_answer();
    uint32_t count = 0;

    cr_assert(sp_xfrm_info_read(&answer.header, SP_XFRM_HOW_MANY_POLICIES, &count));
    cr_expect_eq(count, 321);
}

Test(xfrm_info, does_not_take_one_answer_for_another)
{
    struct sad_answer sads = sad_answer();
    struct spd_answer spds = spd_answer();
    uint32_t count = 5;

    cr_expect_not(sp_xfrm_info_read(&sads.header, SP_XFRM_HOW_MANY_POLICIES, &count));
    cr_expect_not(sp_xfrm_info_read(&spds.header, SP_XFRM_HOW_MANY_SAS, &count));
    cr_expect_eq(count, 5);
}

/* From memory of exactly the cut length, so that the address sanitizer sees a step too far. */
static void expect_unread_when_cut(const void *answer, size_t answer_bytes, enum sp_xfrm_question question)
{
    for (size_t len_bytes = sizeof(struct nlmsghdr); len_bytes < answer_bytes; len_bytes++) {
        struct nlmsghdr *cut = malloc(len_bytes);
        uint32_t count = 5;
        cr_assert_not_null(cut);
        memcpy(cut, answer, len_bytes);
        cut->nlmsg_len = (uint32_t)len_bytes;
        cr_expect_not(sp_xfrm_info_read(cut, question, &count), "%zu bytes", len_bytes);
        cr_expect_eq(count, 5);
        free(cut);
    }
}

Test(xfrm_info, reads_no_answer_that_is_cut_short)
{
    struct sad_answer sads = sad_answer();
    struct spd_answer spds = spd_answer();

    expect_unread_when_cut(&sads, sizeof sads, SP_XFRM_HOW_MANY_SAS);
    expect_unread_when_cut(&spds, sizeof spds, SP_XFRM_HOW_MANY_POLICIES);
}

Test(xfrm_info, reads_no_attribute_of_a_wrong_length)
{
    struct sad_answer sads = sad_answer();
    struct spd_answer spds = spd_answer();
    uint32_t count = 5;

    sads.count_attribute.nla_len = 6;
    cr_expect_not(sp_xfrm_info_read(&sads.header, SP_XFRM_HOW_MANY_SAS, &count));
    sads.count_attribute.nla_len = 200;
    cr_expect_not(sp_xfrm_info_read(&sads.header, SP_XFRM_HOW_MANY_SAS, &count));
    spds.attribute.nla_len = 4 + 12;
    cr_expect_not(sp_xfrm_info_read(&spds.header, SP_XFRM_HOW_MANY_POLICIES, &count));
    cr_expect_eq(count, 5);
}
