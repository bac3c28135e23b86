/* SPDX-License-Identifier: ISC
 *
 * Names of verdicts and reasons.
 */
#include <sallyport/packet.h>

#include <criterion/criterion.h>

Test(packet_names, each_reason_has_an_id_and_a_text_of_its_own)
{
    for (int i = 0; i < SP_DROP_COUNT; i++) {
        cr_expect_str_neq(sp_drop_id((enum sp_drop)i), "?");
        cr_expect_str_neq(sp_drop_text((enum sp_drop)i), "?");
        for (int j = 0; j < i; j++) {
            cr_expect_str_neq(sp_drop_id((enum sp_drop)i), sp_drop_id((enum sp_drop)j));
            cr_expect_str_neq(sp_drop_text((enum sp_drop)i), sp_drop_text((enum sp_drop)j));
        }
    }
}

Test(packet_names, a_reason_is_called_as_the_header_says)
{
    cr_expect_str_eq(sp_drop_id(SP_DROP_NONE), "none");
    cr_expect_str_eq(sp_drop_id(SP_DROP_NO_SA), "no-sa");
    cr_expect_str_eq(sp_drop_id(SP_DROP_HOST_SEND), "host-send");
    cr_expect_str_eq(sp_drop_text(SP_DROP_BAD_ICV), "the integrity check value is wrong");
}

Test(packet_names, a_value_outside_of_the_list_is_a_question_mark)
{
    cr_expect_str_eq(sp_drop_id(SP_DROP_COUNT), "?");
    cr_expect_str_eq(sp_drop_text((enum sp_drop)(-1)), "?");
    cr_expect_str_eq(sp_verdict_id((enum sp_verdict)99), "?");
}

Test(packet_names, verdicts_are_called_as_the_header_says)
{
    cr_expect_str_eq(sp_verdict_id(SP_VERDICT_NONE), "none");
    cr_expect_str_eq(sp_verdict_id(SP_VERDICT_BYPASS), "bypass");
    cr_expect_str_eq(sp_verdict_id(SP_VERDICT_SEALED), "sealed");
    cr_expect_str_eq(sp_verdict_id(SP_VERDICT_OPENED), "opened");
    cr_expect_str_eq(sp_verdict_id(SP_VERDICT_DROP), "drop");
}
