/* SPDX-License-Identifier: ISC
 *
 * Tests of tools/ipsecmon/http_words.c: who may call us what, and which format is liked better.
 */
#include "http.h"

#include <criterion/criterion.h>

#define PROMETHEUS                                                                                           \
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"          \
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"

Test(http_words, addresses_and_localhost_and_the_hosts_own_name_are_ours)
{
    static const char *const ours[] = {"127.0.0.1",          "127.0.0.1:8750", "192.0.2.1:80", "[::1]",
                                       "[2001:db8::1]:8750", "localhost",      "LocalHost:1",  "gate",
                                       "GATE:8750",          "gate:"};
    static const char *const others[] = {"evil.example",
                                         "evil.example:8750",
                                         "localhost.evil.example",
                                         "127.0.0.1.evil.example",
                                         "gate.example",
                                         "xgate",
                                         "",
                                         ":8750",
                                         "[::1",
                                         "[::1]x",
                                         "[localhost]",
                                         "::1",
                                         "[127.0.0.1]",
                                         "127.0.0.1:80x",
                                         "localhost:80:80",
                                         "user@localhost",
                                         "localhost/evil",
                                         " localhost"};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        cr_expect(http_is_own_name(ours[i], "gate"), "%s", ours[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        cr_expect_not(http_is_own_name(others[i], "gate"), "%s", others[i]);
    cr_expect_not(http_is_own_name(NULL, "gate"));
    cr_expect_not(http_is_own_name("", ""), "a host that doesn't know its name has none");
}

Test(http_words, a_host_of_any_length_is_looked_at_within_bounds)
{
    char host[1000];
    for (size_t len_bytes = 1; len_bytes < sizeof host; len_bytes += 7) {
        memset(host, 'a', len_bytes);
        host[len_bytes] = '\0';
        cr_expect_not(http_is_own_name(host, "gate"));
        host[0] = '[';
        cr_expect_not(http_is_own_name(host, "gate"));
    }
}

Test(http_words, openmetrics_is_for_those_who_name_it_and_like_it_best)
{
    static const char *const liked[] = {PROMETHEUS, "application/openmetrics-text",
                                        "Application/OpenMetrics-Text; version=1.0.0 ; q=0.5",
                                        "text/plain;q=0.4, application/openmetrics-text;q=0.4",
                                        "text/plain;version=0.0.9,application/openmetrics-text;q=0.1"};
    static const char *const not_liked[] = {"",
                                            "*/*",
                                            "application/*",
                                            "text/html,application/xhtml+xml,*/*;q=0.8",
                                            "application/openmetrics-text;q=0",
                                            "application/openmetrics-text;q=nonsense",
                                            "application/openmetrics-text;version=2.0.0",
                                            "application/openmetrics-text;q=0.3,text/plain;q=0.4",
                                            "application/openmetrics-text;q=0.3,text/*",
                                            "xapplication/openmetrics-text",
                                            ",;,=;;q=,"};
    for (size_t i = 0; i < sizeof liked / sizeof *liked; i++)
        cr_expect(http_wants_openmetrics(liked[i]), "%s", liked[i]);
    for (size_t i = 0; i < sizeof not_liked / sizeof *not_liked; i++)
        cr_expect_not(http_wants_openmetrics(not_liked[i]), "%s", not_liked[i]);
}
