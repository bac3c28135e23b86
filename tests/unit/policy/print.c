/* SPDX-License-Identifier: ISC
 *
 * The canonical text: of whole policies, drawn at random, and of single rules, cut.
 */
#include "unit/policy/fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(print, a_rules_text_is_its_line_of_the_print)
{
    static const char line[] =
        "protect out tcp from me to { 192.0.2.1, 2001:db8::/32 } port { 80, 443 } with \"a\" "
        "as \"web \\\"x\\\"\"";
    char text[512], got[512];
    snprintf(text, sizeof text, "action \"a\" {\nesp null hmac-md5-96\n}\n%s\ndefault block\n", line);
    struct sp_policy *policy = policy_of(text);
    cr_assert_str_eq(sp_policy_rule_text(policy, 0, got, sizeof got), line);
    sp_policy_destroy(&policy);
}

Test(print, a_rules_text_is_cut_to_any_size_and_always_ends_with_a_zero)
{
    static const char line[] = "block in from any to me as \"\xc3\xbc\xe2\x86\x92\"";
    char text[128], got[128];
    snprintf(text, sizeof text, "%s\ndefault block\n", line);
    struct sp_policy *policy = policy_of(text);
    for (size_t size = 1; size <= sizeof line + 2; size++) {
        memset(got, 'x', sizeof got);
        cr_assert_eq(sp_policy_rule_text(policy, 0, got, size), got);
        size_t len = strlen(got);
        cr_assert_lt(len, size);
        cr_assert_eq(memcmp(got, line, len), 0);
        cr_assert(size < 4 || len >= size - 4 || len == sizeof line - 1, "no more is cut than must be");
        cr_assert_neq((unsigned char)line[len] & 0xc0, 0x80, "the cut is between characters");
        cr_assert_eq(got[size], 'x', "nothing is written behind the size");
    }
    sp_policy_destroy(&policy);
}

static uint64_t state;

static unsigned pick(unsigned below)
{
    return (unsigned)(draw(&state) % below);
}

static void put_address(FILE *out, bool is_six)
{
    if (is_six)
        fprintf(out, "2001:db8::%x", pick(65536));
    else
        fprintf(out, "192.0.2.%u", pick(256));
}

static void put_element(FILE *out)
{
    if (pick(5) == 0) {
        fprintf(out, "\"addresses %u\"", pick(3));
        return;
    }
    bool is_six = pick(3) == 0;
    unsigned low = pick(200);
    switch (pick(4)) {
    case 0:
        put_address(out, is_six);
        break;
    case 1:
        fprintf(out, is_six ? "2001:db8:%x::/48" : "198.51.100.%u/28", pick(16) * 16);
        break;
    case 2:
        fprintf(out, is_six ? "2001:db8::%x-2001:db8::%x" : "192.0.2.%d-192.0.2.%d", low, low + pick(50));
        break;
    default:
        fprintf(out, "me");
    }
}

static void put_endpoint(FILE *out, bool has_ports)
{
    unsigned count = pick(5);
    if (count == 0)
        fprintf(out, "any");
    else
        fprintf(out, "{ me");
    for (unsigned i = 1; i < count; i++) {
        fprintf(out, ", ");
        put_element(out);
    }
    fprintf(out, count == 0 ? "" : " }");
    count = has_ports ? pick(4) : 0;
    if (count > 0)
        fprintf(out, " port { %u", pick(65536));
    for (unsigned i = 1; i < count; i++) {
        if (pick(4) == 0) {
            fprintf(out, ", \"ports\"");
            continue;
        }
        unsigned first = pick(60000);
        fprintf(out, ", %u-%u", first, first + pick(5000));
    }
    fprintf(out, count == 0 ? "" : " }");
}

static void put_rule(FILE *out, unsigned number)
{
    static const char *const actions[] = {"protect", "bypass", "block"};
    static const char *const protocols[] = {"tcp",
                                            "udp",
                                            "sctp",
                                            "33",
                                            "",
                                            "any",
                                            "icmp",
                                            "icmp6",
                                            "50",
                                            "icmp type 3 code { 0, 2-5 }",
                                            "icmp6 type { echo-request, 133-137 }"};
    unsigned action = pick(3), protocol = pick(11);
    fprintf(out, "%s %s %s from ", actions[action], pick(2) ? "in" : "out", protocols[protocol]);
    put_endpoint(out, protocol < 4);
    fprintf(out, " to ");
    put_endpoint(out, protocol < 4);
    if (action == 0)
        fprintf(out, " with \"%u\"", pick(3));
    if (pick(2))
        fprintf(out, " as \"rule \\\\ %u \\\"\"", number);
    fprintf(out, "\n");
}

static char *draw_policy(void)
{
    char *text;
    size_t len_bytes;
    FILE *out = open_memstream(&text, &len_bytes);
    for (unsigned i = 0; i < 3; i++)
        fprintf(out, "action \"%u\" { esp null hmac-sha1-96\nlifetime %u KB %u minutes %u packets }\n", i,
                1 + pick(1000000), 1 + pick(1000), 1 + pick(99999));
    if (pick(3) == 0)
        fprintf(out, "order specific\n");
    fprintf(out, "set \"addresses 0\" { me }\nset \"ports\" { %u-%u, 443 }\n", pick(80), 80 + pick(999));
    fprintf(out, "set \"addresses 1\" { \"addresses 0\", 192.0.2.%u }\n", pick(256));
    fprintf(out, "set \"addresses 2\" { 2001:db8::/%u, \"addresses 1\" }\n", 32 + pick(97));
    for (unsigned i = pick(20); i > 0; i--)
        put_rule(out, i);
    fprintf(out, "default %s\n", pick(2) ? "bypass" : "block");
    cr_assert_eq(fclose(out), 0);
    return text;
}

Test(print, the_print_of_a_random_policy_reads_as_the_same_policy_and_prints_the_same)
{
    state = 0x9e3779b97f4a7c15u;
    for (int round = 0; round < 500; round++) {
        char *text = draw_policy();
        struct sp_policy *first = policy_of(text);
        char *printed = print_of(first);
        struct sp_policy *second = policy_of(printed);
        char *again = print_of(second);
        cr_assert_str_eq(printed, again, "%s", text);
        cr_assert_eq(sp_policy_rule_count(first), sp_policy_rule_count(second));
        sp_policy_destroy(&first);
        sp_policy_destroy(&second);
        free(text);
        free(printed);
        free(again);
    }
}
