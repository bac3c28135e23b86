/* SPDX-License-Identifier: ISC
 *
 * Any bytes at all: they end in a policy or in a report, never in a crash or a hang. The seed is printed; set
 * SALLYPORT_TEST_SEED to run one again.
 */
#include "unit/policy/fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_BYTES 4096

static const char example[] =
    "# front-end.policy\n"
    "action \"encrypt\" {\n"
    "    esp 3des-cbc hmac-sha1-96\n"
    "    mode transport\n"
    "    lifetime 100 MB 3600 seconds 12 packets\n"
    "    require                      # no fallback to clear text\n"
    "}\n"
    "set \"backends\" { me, 192.0.2.0/24, 192.0.2.3-192.0.2.9 }\n"
    "set \"mail\" { 25, 6000-6100 }\n"
    "bypass in tcp from \"backends\" port { 80, \"mail\" } to me\n"
    "block   in  tcp from any to me  port 80                  as \"Inbound TCP 80 - front-end\"\n"
    "protect out tcp from { me, 192.0.2.0/24, 2001:db8::1-2001:db8::ff }\n"
    "    to any port { 80, 8000-8099 } with \"encrypt\"   as \"Outbound \\\"TCP\\\" 80\"\n"
    "bypass in icmp type { echo-request, 0 } code 0-2 from any to me\n"
    "include \"/nowhere/none\"\n"
    "default bypass\n";

static const char *const pieces[] = {
    "action",
    "set",
    "order",
    "specific",
    "icmp",
    "type",
    "code",
    "protect",
    "bypass",
    "block",
    "default",
    "include",
    "in",
    "out",
    "tcp",
    "from",
    "to",
    "me",
    "any",
    "port",
    "with",
    "as",
    "{",
    "}",
    ",",
    "\"x\"",
    "\"",
    "#",
    "\n",
    "192.0.2.1",
    "192.0.2.0/24",
    "2001:db8::/32",
    "1-2",
    "80",
    "esp",
    "null",
    "mode",
    "w2k",
    "lifetime",
    "hmac-md5-96",
    "\xff",
    "\r\n",
    "\\",
    "/",
    "-",
    "99999999999999999999",
    "::",
    "require",
};

static uint64_t state;
static char text[TEXT_BYTES];

static void begin(void)
{
    const char *seed = getenv("SALLYPORT_TEST_SEED");
    state = seed != NULL ? strtoull(seed, NULL, 0) : 0x5eed5a11u;
    state = state == 0 ? 1 : state;
    fprintf(stderr, "garbage: SALLYPORT_TEST_SEED=0x%llx\n", (unsigned long long)state);
    make_folder();
}

TestSuite(garbage, .init = begin, .fini = remove_folder, .timeout = 120);

static size_t pick(size_t below)
{
    return (size_t)(draw(&state) % below);
}

/* From a copy of exactly that size, so that a read behind the end is seen by the sanitizers. */
static void feed(size_t len_bytes)
{
    char *exact = malloc(len_bytes == 0 ? 1 : len_bytes);
    memcpy(exact, text, len_bytes);
    enum sp_status status = status_of(exact, len_bytes, NULL);
    cr_assert(status == SP_OK || status == SP_ERR_PARSE || status == SP_ERR_IO, "%s", sp_status_text(status));
    free(exact);
}

Test(garbage, random_bytes_never_crash_it)
{
    for (int round = 0; round < 2000; round++) {
        size_t len_bytes = pick(600);
        for (size_t i = 0; i < len_bytes; i++)
            text[i] = (char)draw(&state);
        feed(len_bytes);
    }
}

Test(garbage, random_words_of_the_language_never_crash_it)
{
    for (int round = 0; round < 4000; round++) {
        size_t len_bytes = 0;
        for (size_t words = pick(80); words > 0; words--)
            len_bytes += (size_t)snprintf(text + len_bytes, sizeof text - len_bytes, "%s%s",
                                          pieces[pick(sizeof pieces / sizeof *pieces)], pick(8) ? " " : "");
        feed(len_bytes);
    }
}

/* One change: a byte, a cut, a piece put in, or a stretch taken away or said twice. */
static size_t mutate(size_t len_bytes)
{
    size_t at = pick(len_bytes), span = 1 + pick(len_bytes - at), room = sizeof text - len_bytes;
    const char *piece = pieces[pick(sizeof pieces / sizeof *pieces)];
    switch (pick(5)) {
    case 0:
        text[at] = (char)draw(&state);
        return len_bytes;
    case 1:
        return at;
    case 2:
        memmove(text + at, text + at + span, len_bytes - at - span);
        return len_bytes - span;
    case 3:
        if (span > room)
            return len_bytes;
        memmove(text + at + span, text + at, len_bytes - at);
        return len_bytes + span;
    default:
        if (strlen(piece) > room)
            return len_bytes;
        memmove(text + at + strlen(piece), text + at, len_bytes - at);
        memcpy(text + at, piece, strlen(piece));
        return len_bytes + strlen(piece);
    }
}

Test(garbage, mutations_of_a_good_policy_never_crash_it)
{
    for (int round = 0; round < 6000; round++) {
        size_t len_bytes = sizeof example - 1;
        memcpy(text, example, len_bytes);
        for (size_t changes = 1 + pick(4); changes > 0 && len_bytes > 0; changes--)
            len_bytes = mutate(len_bytes);
        feed(len_bytes);
    }
}

Test(garbage, every_cut_of_a_good_policy_ends_in_a_report)
{
    memcpy(text, example, sizeof example - 1);
    for (size_t len_bytes = 0; len_bytes < sizeof example; len_bytes++)
        feed(len_bytes);
}

Test(garbage, mutations_of_an_sa_file_never_crash_it_and_never_leave_half_a_file)
{
    static const char keys[] = "sa \"a\" {\n"
                               "    spi 0x1001\n"
                               "    from 192.0.2.1 to 192.0.2.2\n"
                               "    esp null hmac-md5-96\n"
                               "    integrity-key 0x000102030405060708090a0b0c0d0e0f\n"
                               "    replay-window 128\n"
                               "}\n"
                               "sa \"b\" { spi 4098\n"
                               "    from 2001:db8::1 to 2001:db8::2\n"
                               "    esp null hmac-md5-96\n"
                               "    integrity-key file \"none\"\n"
                               "    lifetime nist-r2 }\n";
    for (int round = 0; round < 3000; round++) {
        size_t len_bytes = sizeof keys - 1;
        memcpy(text, keys, len_bytes);
        for (size_t changes = 1 + pick(4); changes > 0 && len_bytes > 0; changes--)
            len_bytes = mutate(len_bytes);
        struct sp_sad *sad;
        struct sp_report *report;
        cr_assert_eq(sp_sad_create(8, &sad), SP_OK);
        cr_assert_eq(sp_report_create(&report), SP_OK);
        enum sp_status status = sp_sad_load(sad, write_file("keys", text, len_bytes, 0600), report);
        cr_assert(status == SP_OK || sp_sad_count(sad) == 0);
        cr_assert_eq(status == SP_OK, sp_report_errors(report) == 0);
        sp_report_destroy(&report);
        sp_sad_destroy(&sad);
    }
}
