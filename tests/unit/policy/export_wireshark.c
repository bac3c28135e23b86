/* SPDX-License-Identifier: ISC
 *
 * The export for Wireshark: exactly the file's keys, and nothing at all of a file that has an error.
 */
#include <sallyport/sa.h>

#include "unit/policy/fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define KEY_3DES "0123456789abcdef23456789abcdef01456789abcdef0123"
#define KEY_WEAK "0123456789abcdef0123456789abcdef456789abcdef0123"
#define KEY_SHA1 "000102030405060708090a0b0c0d0e0f10111213"
#define KEY_MD5 "000102030405060708090a0b0c0d0e0f"
#define KEY_SHA2 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define SA_3DES(key)                                                                                         \
    "sa \"a\" {\n spi 0x1001\n from 192.0.2.1 to 192.0.2.2\n esp 3des-cbc hmac-sha1-96\n encryption-key "    \
    "0x" key "\n integrity-key 0x" KEY_SHA1 "\n}\n"
#define SA_NULL(integrity, key)                                                                              \
    "sa \"b\" {\n spi 0xdeadbeef\n from 2001:db8::1 to 2001:db8::2\n esp null " integrity                    \
    "\n integrity-key 0x" key "\n}\n"

static struct sp_report *report;
static char *table;
static size_t table_bytes;

static void begin(void)
{
    make_folder();
    cr_assert_eq(sp_report_create(&report), SP_OK);
}

static void end(void)
{
    free(table);
    sp_report_destroy(&report);
    remove_folder();
}

TestSuite(export_wireshark, .init = begin, .fini = end, .timeout = 60);

static enum sp_status export(const char *text, unsigned mode) {
    FILE *out = open_memstream(&table, &table_bytes); cr_assert_not_null(out);
    const enum sp_status status = sp_keys_export_wireshark(write_file("keys", text, strlen(text), mode), out,
                                                           report);
    fclose(out);
    return status;
}

Test(export_wireshark, each_sa_is_a_line_of_eight_columns_in_the_order_of_the_file)
{
    cr_assert_eq(export(SA_3DES(KEY_3DES) SA_NULL("hmac-md5-96", KEY_MD5), 0600), SP_OK);
    cr_assert_str_eq(
        table, "\"IPv4\",\"192.0.2.1\",\"192.0.2.2\",\"0x00001001\",\"TripleDES-CBC [RFC2451]\",\"0x" KEY_3DES
               "\",\"HMAC-SHA-1-96 [RFC2404]\",\"0x" KEY_SHA1 "\"\n"
               "\"IPv6\",\"2001:db8::1\",\"2001:db8::2\",\"0xdeadbeef\",\"NULL\",\"\","
               "\"HMAC-MD5-96 [RFC2403]\",\"0x" KEY_MD5 "\"\n");
}

Test(export_wireshark, the_longest_keys_are_whole)
{
    cr_assert_eq(export(SA_NULL("hmac-sha2-256-128", KEY_SHA2), 0600), SP_OK);
    cr_assert_not_null(strstr(table, ",\"HMAC-SHA-256-128 [RFC4868]\",\"0x" KEY_SHA2 "\"\n"));
}

Test(export_wireshark, nothing_is_written_of_a_file_with_an_error)
{
    cr_assert_eq(export(SA_3DES(KEY_3DES) "sa \"c\" {\n spi 5\n}\n", 0600), SP_ERR_PARSE);
    cr_assert_eq(table_bytes, 0);
    cr_assert_gt(sp_report_errors(report), 0);
}

Test(export_wireshark, nothing_is_written_of_a_file_that_no_sad_would_take)
{
    cr_assert_neq(export(SA_NULL("hmac-md5-96", KEY_MD5) SA_3DES(KEY_WEAK), 0600), SP_OK);
    cr_assert_eq(table_bytes, 0);
    cr_assert_gt(sp_report_errors(report), 0);
}

Test(export_wireshark, a_file_that_others_may_read_is_refused)
{
    cr_assert_eq(export(SA_3DES(KEY_3DES), 0644), SP_ERR_PERMISSION);
    cr_assert_eq(table_bytes, 0);
}

Test(export_wireshark, a_stream_that_is_full_is_an_error)
{
    FILE *full = fopen("/dev/full", "w");
    const char *text = SA_3DES(KEY_3DES);
    cr_assert_not_null(full);
    cr_assert_eq(sp_keys_export_wireshark(write_file("keys", text, strlen(text), 0600), full, report),
                 SP_ERR_IO);
    cr_assert_eq(sp_report_errors(report), 1);
    fclose(full);
}
