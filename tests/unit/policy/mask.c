/* SPDX-License-Identifier: ISC
 *
 * Lines of SA files as they may be shown.
 */
#include "policy/mask.h"

#include "unit/policy/fixture.h"

#include <criterion/criterion.h>
#include <string.h>

static const char *masked(const char *line)
{
    static char out[256];
    sp_mask_line(line, strlen(line), out);
    return out;
}

Test(mask, keys_become_xs_and_the_rest_of_the_line_stays)
{
    cr_assert_str_eq(masked("    encryption-key 0x0123456789abcdef"),
                     "    encryption-key xxxxxxxxxxxxxxxxxx");
    cr_assert_str_eq(masked("integrity-key  file \"keys/front.hex\""),
                     "integrity-key  file \"keys/front.hex\"");
    cr_assert_str_eq(masked("sa \"front to back\" {"), "sa \"front to back\" {");
    cr_assert_str_eq(masked("  from 192.0.2.1 to 2001:db8::1"), "  from 192.0.2.1 to 2001:db8::1");
    cr_assert_str_eq(masked("spi 0x1001"), "spi 0x1001");
    cr_assert_str_eq(masked("spi 4294967295"), "spi 4294967295");
    cr_assert_str_eq(masked("lifetime 8 MB 3600 seconds"), "lifetime 8 MB 3600 seconds");
    cr_assert_str_eq(masked("}"), "}");
}

Test(mask, a_key_in_the_wrong_place_is_hidden)
{
    cr_assert_str_eq(masked("0123456789abcdef"), "xxxxxxxxxxxxxxxx");
    cr_assert_str_eq(masked("encrytpion-key 0123"), "xxxxxxxxxxxxxx xxxx");
    cr_assert_str_eq(masked("encryption-key 0x01 23"), "encryption-key xxxx xx");
    cr_assert_str_eq(masked("integrity-key \"0123456789\""), "integrity-key xxxxxxxxxxxx");
    cr_assert_str_eq(masked("spi 0123456789abcdef"), "spi xxxxxxxxxxxxxxxx");
    cr_assert_str_eq(masked("from 0123456789abcdef to 192.0.2.1"), "from xxxxxxxxxxxxxxxx to 192.0.2.1");
    cr_assert_str_eq(masked("sa \"0123456789abcdef\" {"), "sa xxxxxxxxxxxxxxxxxx {");
    cr_assert_str_eq(masked("encryption-key file \"0x0123456789abcdef\""),
                     "encryption-key file xxxxxxxxxxxxxxxxxxxx");
    cr_assert_str_eq(masked("}0123"), "}xxxx");
}

Test(mask, comments_and_the_blanks_before_them_are_left_out)
{
    cr_assert_str_eq(masked("spi 0x1001   # was 0123456789abcdef"), "spi 0x1001");
    cr_assert_str_eq(masked("# encryption-key 0x0123"), "");
}

Test(mask, every_byte_keeps_its_column)
{
    static const char line[] = "sa \"open { \xff\x00 0123";
    char out[sizeof line];
    sp_mask_line(line, sizeof line - 1, out);
    cr_assert_eq(strlen(out), sizeof line - 1);
    cr_assert_str_eq(out, "sa xxxxxxxxxxxxxxx");
}

static bool is_hex(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
}

Test(mask, no_long_run_of_hex_digits_is_ever_shown_wherever_it_stands)
{
    static const char *const pieces[] = {
        "sa", "spi", "from", "to", "esp", "encryption-key", "lifetime", "file", "\"", "{",  "}",
        ",",  " ",   "\t",   "0x", "-",   "\\\"",           ".",        ":",    "#",  "MB", "transport"};
    uint64_t state = 0x5a11;
    for (int round = 0; round < 20000; round++) {
        char line[256] = "", out[256];
        for (int i = 0; i < 8; i++) {
            size_t used = strlen(line), pick = draw(&state) % (sizeof pieces / sizeof *pieces + 4);
            if (pick < sizeof pieces / sizeof *pieces)
                snprintf(line + used, sizeof line - used, "%s%s", pieces[pick], draw(&state) % 2 ? " " : "");
            else
                snprintf(line + used, sizeof line - used, "%016llx", (unsigned long long)draw(&state));
        }
        sp_mask_line(line, strlen(line), out);
        size_t run = 0;
        for (const char *at = out; *at != '\0'; at++) {
            run = is_hex(*at) ? run + 1 : 0;
            cr_assert_lt(run, 12, "%s became %s", line, out);
        }
    }
}
