/* SPDX-License-Identifier: ISC
 *
 * The check against its naive twin, and with more rules than the twin could ever bear.
 */
#include "unit/policy/check_twin.h"
#include "unit/policy/fixture.h"

#include <criterion/criterion.h>
#include <sallyport/analysis.h>
#include <stdlib.h>
#include <string.h>

TestSuite(check_scale, .timeout = 120);

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define ACTIONS                                                                                              \
    "action \"a\" { esp 3des-cbc hmac-sha1-96\n}\naction \"b\" { esp 3des-cbc hmac-md5-96\n}\n"              \
    "action \"c\" { esp 3des-cbc hmac-sha1-96\n}\n"

static const struct sp_me anybody = {.unknown = true};

static const char *pick(const char *const *words, size_t count, uint64_t *state)
{
    return words[(draw(state) >> 20) % count];
}
#define PICK(words, state) pick(words, COUNT(words), state)

/* Few addresses and ports, so that rules meet in all ways; ICMP, lists, both families. */
static void write_rule(FILE *out, uint64_t *state)
{
    static const char *const actions[] = {"protect", "protect", "protect", "bypass", "bypass", "block"};
    static const char *const protocols[] = {"tcp", "tcp", "tcp", "udp", "any", "icmp", "icmp6"};
    static const char *const four[] = {
        "any", "me", "any", "192.0.2.1", "192.0.2.0/30", "{ 192.0.2.2, 192.0.2.4-192.0.2.5 }", "0.0.0.0/0"};
    static const char *const six[] = {"any", "me", "2001:db8::1", "2001:db8::/126", "::/0"};
    static const char *const ports[] = {"",
                                        "",
                                        "",
                                        " port 80",
                                        " port 0-80",
                                        " port { 25, 80-1024 }",
                                        " port 1000-2000",
                                        " port { 1, 3, 5, 7, 9, 11, 13, 15, 80 }"};
    static const char *const types[] = {"", " type 8", " type { 3, 4 }", " type 3 code 0-4", " type 0-255"};
    static const char *const ways[] = {"out", "in"};
    static const char *const names[] = {"a", "a", "b", "c"};
    const char *action = PICK(actions, state), *protocol = PICK(protocols, state);
    const bool is_six = (draw(state) >> 20) % 4 == 0, is_icmp = strncmp(protocol, "icmp", 4) == 0;
    const bool has_ports = !is_icmp && strcmp(protocol, "any") != 0;
    fprintf(out, "%s %s %s%s", action, PICK(ways, state), protocol, is_icmp ? PICK(types, state) : "");
    fprintf(out, " from %s", is_six ? PICK(six, state) : PICK(four, state));
    fprintf(out, "%s", has_ports ? PICK(ports, state) : "");
    fprintf(out, " to %s", is_six ? PICK(six, state) : PICK(four, state));
    fprintf(out, "%s", has_ports ? PICK(ports, state) : "");
    if (strcmp(action, "protect") == 0)
        fprintf(out, " with \"%s\"", PICK(names, state));
    fputc('\n', out);
}

static struct sp_policy *draw_policy(uint64_t *state)
{
    char *text = NULL;
    size_t len_bytes;
    const uint64_t rules = 2 + (draw(state) >> 20) % 14;
    FILE *out = open_memstream(&text, &len_bytes);
    fprintf(out, "%s" ACTIONS, (draw(state) >> 20) % 4 == 0 ? "order specific\n" : "");
    for (uint64_t i = 0; i < rules; i++)
        write_rule(out, state);
    fprintf(out, "default %s\n", (draw(state) >> 20) % 3 == 0 ? "block" : "bypass");
    fclose(out);
    struct sp_policy *policy = policy_of(text);
    free(text);
    return policy;
}

static size_t findings_of(const struct sp_check *check, struct twin_finding *findings)
{
    size_t count = 0;
    for (size_t i = 0; i < sp_check_count(check); i++) {
        const struct sp_check_finding *finding = sp_check_get(check, i);
        if (finding->kind != SP_CHECK_LIFETIME && finding->kind != SP_CHECK_UNUSED)
            findings[count++] =
                (struct twin_finding){finding->rule, finding->other_rule, finding->kind, finding->is_note};
    }
    twin_sort(findings, count);
    return count;
}

/* Is the example decided by the rule that the finding is about, or by the one that it names? */
static void ask_about_example(const struct sp_policy *policy, const struct sp_me *me,
                              const struct sp_check_finding *finding)
{
    struct sp_match match;
    const struct sp_flow *asked = &finding->example;
    const bool is_icmp = asked->protocol == 1 || asked->protocol == 58;
    if (!finding->has_example || finding->kind == SP_CHECK_SHADOWED || finding->kind == SP_CHECK_UNREACHABLE)
        return;
    if (is_icmp && !asked->has_icmp_type)
        return; /* too short for a type; to explain, a message whose type isn't known */
    cr_assert_geq(sp_policy_explain(policy, me, asked, &match, 1), 1);
    char flow[SP_FLOW_TEXT_BYTES], area[SP_AREA_TEXT_BYTES];
    cr_assert_eq(match.rule, finding->other_rule, "%s: %s in %s", finding->text, sp_flow_format(asked, flow),
                 sp_area_format(&finding->area, area));
}

static bool compare_with_twin(const struct sp_policy *policy, const struct sp_me *me)
{
    static struct twin_finding wanted[TWIN_FINDINGS_MAX], found[TWIN_FINDINGS_MAX];
    struct sp_check *check = NULL;
    cr_assert_eq(sp_policy_check(policy, me, &check), SP_OK);
    const size_t wanted_count = twin_check(policy, me, wanted);
    const size_t found_count = findings_of(check, found);
    bool is_same = found_count == wanted_count;
    for (size_t i = 0; i < wanted_count && is_same; i++)
        is_same = wanted[i].rule == found[i].rule && wanted[i].kind == found[i].kind &&
                  wanted[i].other_rule == found[i].other_rule && wanted[i].is_note == found[i].is_note;
    for (size_t i = 0; i < sp_check_count(check) && is_same; i++)
        ask_about_example(policy, me, sp_check_get(check, i));
    sp_check_destroy(&check);
    return is_same;
}

Test(check_scale, random_policies_have_exactly_the_findings_of_the_naive_twin)
{
    const struct sp_address addresses[] = {address_of("192.0.2.1"), address_of("2001:db8::1")};
    const struct sp_me hosts[] = {
        anybody, {.addresses = addresses, .count = 1}, {.addresses = addresses, .count = 2}};
    uint64_t state = 271828;
    for (int round = 0; round < 300; round++) {
        struct sp_policy *policy = draw_policy(&state);
        char *text = print_of(policy);
        cr_assert(compare_with_twin(policy, &hosts[round % COUNT(hosts)]), "round %d:\n%s", round, text);
        free(text);
        sp_policy_destroy(&policy);
    }
}

#define HOSTS 20000u
#define EVERY 500u

/* Rules about one host each; every so often one that an earlier one makes needless, contradicts, or meets. */
static char *write_hosts(void)
{
    char *text = NULL;
    size_t len_bytes;
    FILE *out = open_memstream(&text, &len_bytes);
    fputs(ACTIONS, out);
    for (unsigned i = 0; i < HOSTS; i++) {
        const unsigned one = i / 2 * 2; /* the same host as the rule before has */
        const unsigned host = i % EVERY == 1 ? one : i;
        char address[32];
        snprintf(address, sizeof address, "10.%u.%u.%u", host >> 16, host >> 8 & 255, host & 255);
        if (i % EVERY == 0)
            fprintf(out, "block in tcp from %s port 80-90 to me\n", address);
        else if (i % EVERY == 1)
            fprintf(out, "protect out tcp from me to %s port 80 with \"a\"\n", address);
        else if (i % EVERY == 3)
            fprintf(out, "bypass in tcp from 10.0.0.0/8 port 7 to me port %u\n", i);
        else
            fprintf(out, "protect out tcp from me to %s port 443 with \"a\"\n", address);
    }
    fputs("block in tcp from 10.0.0.0/9 port 85 to me\nblock in from any to me\ndefault block\n", out);
    fclose(out);
    return text;
}

Test(check_scale, planted_faults_are_all_that_is_found_among_twenty_thousand_rules)
{
    char *text = write_hosts();
    struct sp_policy *policy = policy_of(text);
    struct sp_check *check = NULL;
    uint32_t mirrors = 0, unused = 0;
    cr_assert_eq(sp_policy_check(policy, &anybody, &check), SP_OK);
    for (size_t i = 0; i < sp_check_count(check); i++) {
        const struct sp_check_finding *finding = sp_check_get(check, i);
        if (finding->kind == SP_CHECK_UNUSED) {
            unused++;
            continue;
        }
        cr_assert_eq(finding->kind, SP_CHECK_MIRROR, "%s", finding->text);
        cr_assert_eq(finding->rule % EVERY, 1);
        cr_assert_eq(finding->other_rule, finding->rule - 1);
        mirrors++;
    }
    cr_assert_eq(mirrors, HOSTS / EVERY);
    cr_assert_eq(unused, 2);
    sp_check_destroy(&check);
    sp_policy_destroy(&policy);
    free(text);
}

Test(check_scale, a_rule_that_many_others_together_take_from_is_seen_to_be_dead_and_one_packet_keeps_it_alive)
{
    for (unsigned missing = 0; missing < 2; missing++) {
        char *text = NULL;
        size_t len_bytes;
        FILE *out = open_memstream(&text, &len_bytes);
        struct sp_check *check = NULL;
        for (unsigned i = 0; i < 4096; i++)
            fprintf(out, "%s in tcp from 10.0.%u.%u to me%s\n", i % 2 ? "block" : "bypass", i >> 8, i & 255,
                    missing && i == 2345 ? " port { 0-4710, 4712-65535 }" : "");
        fputs("block in tcp from 10.0.0.0/20 to me port 4711\ndefault bypass\n", out);
        fclose(out);
        struct sp_policy *policy = policy_of(text);
        cr_assert_eq(sp_policy_check(policy, &anybody, &check), SP_OK);
        cr_assert_eq(sp_check_count(check), missing ? 2048 : 1);
        cr_assert_eq(sp_check_get(check, 0)->kind, missing ? SP_CHECK_OVERLAP : SP_CHECK_UNREACHABLE);
        sp_check_destroy(&check);
        sp_policy_destroy(&policy);
        free(text);
    }
}

#if !SP_HAS_ASAN /* it takes its time there */
Test(check_scale, more_findings_than_anybody_reads_are_a_limit)
{
    char *text = NULL;
    size_t len_bytes;
    FILE *out = open_memstream(&text, &len_bytes);
    struct sp_check *check = NULL;
    for (unsigned i = 0; i < 900; i++)
        fprintf(out,
                i < 450 ? "block in tcp from 10.%u.%u.0/24 to any\n"
                        : "bypass in tcp from any to 10.%u.%u.0/24\n",
                i >> 8, i & 255);
    fputs("default bypass\n", out);
    fclose(out);
    struct sp_policy *policy = policy_of(text);
    cr_assert_eq(sp_policy_check(policy, &anybody, &check), SP_ERR_LIMIT);
    cr_assert_null(check);
    sp_policy_destroy(&policy);
    free(text);
}
#endif
