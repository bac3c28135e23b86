/* SPDX-License-Identifier: ISC
 *
 * Tests of tools/sallyportd/guard/choice.c: what stands in a rule, and what in a set apart from it.
 */
#include "guard/choice.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct written {
    struct guard_text text;
    char *sets, *rules;
    size_t sets_bytes, rules_bytes;
};

static void begin(struct written *written)
{
    *written = (struct written){.text.tag = 'b'};
    written->text.sets = open_memstream(&written->sets, &written->sets_bytes);
    written->text.rules = open_memstream(&written->rules, &written->rules_bytes);
    cr_assert(written->text.sets && written->text.rules);
}

static void end(struct written *written, const char *rules, const char *sets)
{
    fclose(written->text.sets);
    fclose(written->text.rules);
    cr_expect_str_eq(written->rules, rules);
    cr_expect_str_eq(written->sets, sets);
    free(written->sets);
    free(written->rules);
}

static void write_numbers(struct written *written, const struct sp_port_range *ranges, uint32_t count)
{
    cr_assert(choice_numbers(&written->text, "th dport", ranges, count));
}

static struct sp_address address(const char *text)
{
    struct sp_address address;
    cr_assert_eq(sp_address_parse(text, &address), SP_OK);
    return address;
}

Test(choice, one_number_or_one_interval_stands_in_the_rule)
{
    struct written written;
    begin(&written);
    write_numbers(&written, (const struct sp_port_range[]){{80, 80}}, 1);
    write_numbers(&written, (const struct sp_port_range[]){{1000, 2000}}, 1);
    write_numbers(&written, (const struct sp_port_range[]){{1000, 1500}, {1400, 2000}}, 2);
    end(&written, "th dport 80 th dport 1000-2000 th dport 1000-2000 ", "");
}

Test(choice, several_numbers_stand_in_the_rule)
{
    struct written written;
    begin(&written);
    write_numbers(&written, (const struct sp_port_range[]){{443, 443}, {80, 80}}, 2);
    end(&written, "th dport { 80, 443 } ", "");
}

Test(choice, intervals_among_several_have_a_set_of_their_own)
{
    struct written written;
    begin(&written);
    write_numbers(&written, (const struct sp_port_range[]){{80, 80}, {1000, 2000}}, 2);
    write_numbers(&written, (const struct sp_port_range[]){{1, 2}, {4, 5}}, 2);
    end(&written, "th dport @b_0 th dport @b_1 ",
        "\tset b_0 { typeof th dport; flags interval; elements = { 80, 1000-2000 } }\n"
        "\tset b_1 { typeof th dport; flags interval; elements = { 1-2, 4-5 } }\n");
}

Test(choice, neighbours_are_an_interval)
{
    struct written written;
    begin(&written);
    write_numbers(&written, (const struct sp_port_range[]){{7101, 7101}, {7105, 7105}, {7106, 7106}}, 3);
    end(&written, "th dport @b_0 ",
        "\tset b_0 { typeof th dport; flags interval; elements = { 7101, 7105-7106 } }\n");
}

Test(choice, where_any_number_will_do_nothing_is_written)
{
    struct written written;
    begin(&written);
    write_numbers(&written, (const struct sp_port_range[]){{0, 65535}}, 1);
    write_numbers(&written, NULL, 0);
    end(&written, "", "");
}

Test(choice, addresses_are_written_as_such_or_as_numbers)
{
    const struct sp_address_range ranges[] = {{address("192.0.2.1"), address("192.0.2.1")},
                                              {address("198.51.100.0"), address("198.51.100.255")}};
    struct written written;
    begin(&written);
    cr_assert(choice_ranges(&written.text, "ip saddr", ranges, 1, false));
    cr_assert(choice_ranges(&written.text, "ip saddr", ranges, 2, false));
    cr_assert(choice_ranges(&written.text, "@th,160,32", ranges + 1, 1, true));
    end(&written, "ip saddr 192.0.2.1 ip saddr @b_0 @th,160,32 0xc6336400-0xc63364ff ",
        "\tset b_0 { typeof ip saddr; flags interval; elements = { 192.0.2.1, 198.51.100.0-198.51.100.255 } "
        "}\n");
}
