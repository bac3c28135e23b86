/* SPDX-License-Identifier: ISC
 *
 * Addresses from and to text.
 */
#include <sallyport/sa.h>

#include <criterion/criterion.h>

#include <string.h>

static void round_trip(const char *text, uint8_t family, const char *expected)
{
    struct sp_address address;
    char again[SP_ADDRESS_TEXT_BYTES];
    cr_assert_eq(sp_address_parse(text, &address), SP_OK, "%s", text);
    cr_assert_eq(address.family, family);
    cr_assert_str_eq(sp_address_format(&address, again), expected);
}

Test(address, what_is_read_is_written_in_canonical_form)
{
    round_trip("192.0.2.1", 4, "192.0.2.1");
    round_trip("2001:db8::1", 6, "2001:db8::1");
    round_trip("2001:0DB8:0:0:0:0:0:1", 6, "2001:db8::1");
    round_trip("::", 6, "::");
    round_trip("::ffff:192.0.2.1", 6, "::ffff:192.0.2.1");
    round_trip("2001:db8:1111:2222:3333:4444:5555:6666", 6, "2001:db8:1111:2222:3333:4444:5555:6666");
}

Test(address, anything_else_is_refused_and_touches_nothing)
{
    static const char *const bad[] = {"",           "192.0.2",      "192.0.2.256",  "192.0.2.1 ",
                                      "192.0.2.01", "0xc0000201",   "2001:db8:::1", "2001:db8::1%lo",
                                      "host",       "192.0.2.1/24", "12345::",      "1.2.3.4.5"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sp_address address, untouched;
        memset(&address, 0xa5, sizeof address);
        untouched = address;
        cr_assert_eq(sp_address_parse(bad[i], &address), SP_ERR_PARSE, "%s", bad[i]);
        cr_assert_eq(memcmp(&address, &untouched, sizeof address), 0);
    }
}

Test(address, the_tail_of_an_ipv4_address_is_zero)
{
    static const uint8_t zero[12];
    struct sp_address address;
    memset(&address, 0xa5, sizeof address);
    cr_assert_eq(sp_address_parse("198.51.100.7", &address), SP_OK);
    cr_assert_eq(memcmp(address.bytes + 4, zero, 12), 0);
}
