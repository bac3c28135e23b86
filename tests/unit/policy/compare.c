/* SPDX-License-Identifier: ISC
 *
 * Two ends and two versions: the pair of the design agrees, broken pairs are found, and random pairs differ
 * in exactly the packets that sp_policy_explain() tells apart.
 */
#include "unit/policy/fixture.h"
#include "unit/policy/random_policy.h"

#include <criterion/criterion.h>
#include <sallyport/analysis.h>
#include <stdlib.h>
#include <string.h>

#define ACTION "action \"e\" { esp 3des-cbc hmac-sha1-96\n}\n"
#define BLOCK_IN "block in tcp from any to me port 80\n"
#define PROTECT_OUT "protect out tcp from me to any port 80 with \"e\"\n"
#define PROTECT_IN "protect in tcp from any to me port 80 with \"e\"\n"
#define DEFAULT "default bypass\n"
#define FRONT_END ACTION BLOCK_IN PROTECT_OUT DEFAULT
#define BACK_END ACTION PROTECT_IN DEFAULT

static struct sp_differences *differences_of(const struct sp_policy *first, const struct sp_policy *second)
{
    struct sp_differences *differences = NULL;
    const struct sp_address a = address_of("192.0.2.1"), b = address_of("192.0.2.2");
    cr_assert_eq(sp_policy_compare(first, second, &a, &b, &differences), SP_OK);
    return differences;
}

/* The kinds that are no notes, each once, in the order of their enumeration. */
static void kinds_of(const char *first_text, const char *second_text, char *kinds)
{
    struct sp_policy *first = policy_of(first_text), *second = policy_of(second_text);
    struct sp_differences *differences = differences_of(first, second);
    unsigned seen = 0;
    for (size_t i = 0; i < sp_differences_count(differences); i++) {
        const struct sp_difference *difference = sp_differences_get(differences, i);
        cr_assert_eq(difference->is_note, i >= sp_differences_disagreements(differences));
        if (!difference->is_note)
            seen |= 1u << difference->kind;
    }
    kinds[0] = '\0';
    for (int kind = 0; kind <= SP_DIFFERENCE_MEANING; kind++) {
        if (seen & 1u << kind)
            strcat(strcat(kinds, kinds[0] ? " " : ""), sp_difference_name((enum sp_difference_kind)kind));
    }
    sp_differences_destroy(&differences);
    sp_policy_destroy(&first);
    sp_policy_destroy(&second);
}

Test(compare, the_front_end_and_the_back_end_agree_and_each_broken_pair_is_found)
{
    static const struct {
        const char *first, *second, *wanted;
    } cases[] = {
        {FRONT_END, BACK_END, ""},
        {BACK_END, FRONT_END, ""},
        /* one end forgot its rule */
        {ACTION BLOCK_IN DEFAULT, BACK_END, "not-required clear"},
        {FRONT_END, ACTION DEFAULT, "not-required clear"},
        /* another port, protocol, peer */
        {ACTION BLOCK_IN "protect out tcp from me to any port 8080 with \"e\"\n" DEFAULT, BACK_END,
         "not-required clear"},
        {ACTION BLOCK_IN "protect out udp from me to any port 80 with \"e\"\n" DEFAULT, BACK_END,
         "not-required clear"},
        {ACTION BLOCK_IN "protect out tcp from me to 192.0.2.7 port 80 with \"e\"\n" DEFAULT, BACK_END,
         "not-required clear"},
        {FRONT_END, ACTION "protect in tcp from 192.0.2.7 to me port 80 with \"e\"\n" DEFAULT,
         "not-required clear"},
        /* wider at one end */
        {FRONT_END, ACTION "protect in tcp from any to me port 80-81 with \"e\"\n" DEFAULT,
         "not-required clear"},
        {FRONT_END, ACTION "protect in tcp from any to me with \"e\"\n" DEFAULT,
         "not-required refused clear"},
        {ACTION "protect out from me to any with \"e\"\n" DEFAULT, BACK_END, "not-required clear"},
        /* the direction turned round */
        {ACTION BLOCK_IN "protect out tcp from me port 80 to any with \"e\"\n" DEFAULT, BACK_END,
         "not-required clear"},
        /* other algorithms */
        {FRONT_END, "action \"e\" { esp 3des-cbc hmac-md5-96\n}\n" PROTECT_IN DEFAULT, "parameters"},
        {FRONT_END, "action \"e\" { esp null hmac-sha1-96\n}\n" PROTECT_IN DEFAULT, "parameters"},
        /* an exception or a block at one end only */
        {ACTION "bypass out tcp from me to 192.0.2.2 port 80\n" BLOCK_IN PROTECT_OUT DEFAULT, BACK_END,
         "clear"},
        {ACTION BLOCK_IN "block in tcp from any port 80 to me\n" PROTECT_OUT DEFAULT, BACK_END, "refused"},
        {FRONT_END, ACTION "block in tcp from 192.0.2.0/24 to me\n" PROTECT_IN DEFAULT, "refused"},
        {FRONT_END, ACTION "default block\n", "refused"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char kinds[256];
        kinds_of(cases[i].first, cases[i].second, kinds);
        cr_expect_str_eq(kinds, cases[i].wanted, "%s--\n%s: \"%s\", not \"%s\"", cases[i].first,
                         cases[i].second, kinds, cases[i].wanted);
    }
}

Test(compare, lifetimes_and_intended_denials_are_only_noted)
{
    struct sp_policy *first = policy_of(FRONT_END);
    struct sp_policy *second =
        policy_of("action \"e\" { esp 3des-cbc hmac-sha1-96\nlifetime nist-r2\n}\n" PROTECT_IN DEFAULT);
    struct sp_differences *differences = differences_of(first, second);
    unsigned seen = 0;
    for (size_t i = 0; i < sp_differences_count(differences); i++)
        seen |= 1u << sp_differences_get(differences, i)->kind;
    cr_assert_eq(sp_differences_disagreements(differences), 0);
    cr_assert_eq(seen,
                 1u << SP_DIFFERENCE_DENIED | 1u << SP_DIFFERENCE_CLIENT_PORT | 1u << SP_DIFFERENCE_LIFETIME);
    sp_differences_destroy(&differences);
    sp_policy_destroy(&first);
    sp_policy_destroy(&second);
}

Test(compare, an_address_with_itself_or_of_another_family_is_refused)
{
    struct sp_policy *policy = policy_of(FRONT_END);
    struct sp_differences *differences = NULL;
    const struct sp_address a = address_of("192.0.2.1"), six = address_of("2001:db8::1");
    cr_assert_eq(sp_policy_compare(policy, policy, &a, &a, &differences), SP_ERR_INVALID);
    cr_assert_eq(sp_policy_compare(policy, policy, &a, &six, &differences), SP_ERR_INVALID);
    cr_assert_null(differences);
    sp_policy_destroy(&policy);
}

static bool is_in_addresses(const struct sp_address_range *range, const struct sp_address *address)
{
    return range->first.family == address->family && memcmp(range->first.bytes, address->bytes, 16) <= 0 &&
           memcmp(address->bytes, range->last.bytes, 16) <= 0;
}

static bool is_in_area(const struct sp_area *area, const struct sp_flow *flow)
{
    return area->direction == flow->direction && is_in_addresses(&area->source, &flow->source) &&
           is_in_addresses(&area->destination, &flow->destination) &&
           area->protocol_first <= flow->protocol && flow->protocol <= area->protocol_last &&
           area->source_ports.first <= flow->source_port && flow->source_port <= area->source_ports.last &&
           area->destination_ports.first <= flow->destination_port &&
           flow->destination_port <= area->destination_ports.last;
}

/* The kind of the only difference that holds the packet, -1: none. */
static int kind_at(const struct sp_differences *differences, const struct sp_flow *flow)
{
    int kind = -1;
    for (size_t i = 0; i < sp_differences_count(differences); i++) {
        const struct sp_difference *difference = sp_differences_get(differences, i);
        cr_assert(is_in_area(&difference->area, &difference->example));
        if (!is_in_area(&difference->area, flow))
            continue;
        cr_assert_eq(kind, -1, "areas overlap");
        kind = (int)difference->kind;
    }
    return kind;
}

/* The relation as the man page tells it, for one packet. flow: as the sender sees it. */
static int relation(const struct sp_policy *sender, const struct sp_policy *receiver,
                    const struct sp_flow *flow)
{
    const struct sp_me here = {.addresses = &flow->source, .count = 1};
    const struct sp_me there = {.addresses = &flow->destination, .count = 1};
    struct sp_flow arriving = *flow;
    struct sp_match sent, received;
    arriving.direction = SP_INBOUND;
    sp_policy_explain(sender, &here, flow, &sent, 1);
    sp_policy_explain(receiver, &there, &arriving, &received, 1);
    const bool sends = sent.action == SP_ACTION_PROTECT, requires = received.action == SP_ACTION_PROTECT;
    if (sends && requires) {
        if (!means_the_same(sender, &sent, receiver, &received))
            return SP_DIFFERENCE_PARAMETERS;
        return -1;
    }
    if (sent.action == received.action)
        return -1;
    if (sends && received.action == SP_ACTION_BYPASS)
        return SP_DIFFERENCE_NOT_REQUIRED;
    if (requires && sent.action == SP_ACTION_BYPASS)
        return SP_DIFFERENCE_CLEAR;
    if (!sends && !requires)
        return SP_DIFFERENCE_DENIED;
    const bool is_real =
        sends ? is_as_service(sender, sent.rule, flow) : is_as_service(receiver, received.rule, &arriving);
    return is_real ? SP_DIFFERENCE_REFUSED : SP_DIFFERENCE_CLIENT_PORT;
}

Test(compare, random_ends_disagree_in_exactly_the_packets_that_explain_tells_apart)
{
    const struct sp_address a = address_of("192.0.2.1"), b = address_of("192.0.2.2");
    uint64_t state = 815;
    for (int round = 0; round < 60; round++) {
        struct sp_policy *first = random_policy(&state, 7), *second = random_policy(&state, 7);
        struct sp_differences *differences = differences_of(first, second);
        for (uint32_t i = 0; i < world_pair_size(); i++) {
            struct sp_flow there = world_pair_flow(i, SP_OUTBOUND, &a, &b);
            struct sp_flow back = world_pair_flow(i, SP_OUTBOUND, &b, &a);
            cr_assert_eq(kind_at(differences, &there), relation(first, second, &there), "%d", round);
            const int wanted = relation(second, first, &back);
            back.direction = SP_INBOUND; /* as the first end sees it */
            cr_assert_eq(kind_at(differences, &back), wanted, "%d", round);
        }
        sp_differences_destroy(&differences);
        sp_policy_destroy(&first);
        sp_policy_destroy(&second);
    }
}

static const struct sp_me anybody = {.unknown = true};

Test(compare, random_versions_differ_in_exactly_the_packets_that_explain_tells_apart)
{
    uint64_t state = 99;
    for (int round = 0; round < 8; round++) {
        struct sp_policy *first = random_policy(&state, 4), *second = random_policy(&state, 4);
        struct sp_differences *differences = NULL;
        cr_assert_eq(sp_policy_diff(first, second, &anybody, &differences), SP_OK);
        for (uint32_t i = round; i < world_size(); i += 3) {
            const struct sp_flow flow = world_flow(i);
            struct sp_match before, after;
            if (flow.source.family != flow.destination.family)
                continue;
            sp_policy_explain(first, &anybody, &flow, &before, 1);
            sp_policy_explain(second, &anybody, &flow, &after, 1);
            const bool is_same = means_the_same(first, &before, second, &after);
            cr_assert_eq(kind_at(differences, &flow), is_same ? -1 : SP_DIFFERENCE_MEANING);
        }
        sp_differences_destroy(&differences);
        sp_policy_destroy(&first);
        sp_policy_destroy(&second);
    }
}

#define LINES_MAX 64

/* The policy with a few rules taken out, written again elsewhere, or in each other's place. */
static struct sp_policy *edit(const struct sp_policy *policy, uint64_t *state)
{
    char *text = print_of(policy), *lines[LINES_MAX], edited[16384] = "";
    size_t count = 0;
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
        lines[count++] = line;
    const size_t rules = sp_policy_rule_count(policy), first = count - rules - 1; /* default is last */
    cr_assert(rules > 2 && count < LINES_MAX);
    for (int edits = 0; edits < 2; edits++) {
        const size_t one = first + (draw(state) >> 20) % rules, other = first + (draw(state) >> 20) % rules;
        char *line = lines[one];
        switch ((draw(state) >> 20) % 3) {
        case 0:
            lines[one] = lines[other];
            lines[other] = line;
            break;
        case 1:
            lines[one] = lines[other];
            break;
        default:
            *line = '\0';
        }
    }
    for (size_t i = 0; i < count; i++)
        strcat(strcat(edited, lines[i]), "\n");
    struct sp_policy *version = policy_of(edited);
    free(text);
    return version;
}

Test(compare, edited_versions_differ_in_exactly_the_packets_that_explain_tells_apart)
{
    uint64_t state = 1414;
    for (int round = 0; round < 40; round++) {
        struct sp_policy *first = random_policy(&state, 9), *second = edit(first, &state);
        struct sp_differences *differences = NULL;
        cr_assert_eq(sp_policy_diff(first, second, &anybody, &differences), SP_OK);
        for (uint32_t i = (uint32_t)round; i < world_size(); i += 17) {
            const struct sp_flow flow = world_flow(i);
            struct sp_match before, after;
            if (flow.source.family != flow.destination.family)
                continue;
            sp_policy_explain(first, &anybody, &flow, &before, 1);
            sp_policy_explain(second, &anybody, &flow, &after, 1);
            const bool is_same = means_the_same(first, &before, second, &after);
            cr_assert_eq(kind_at(differences, &flow), is_same ? -1 : SP_DIFFERENCE_MEANING);
        }
        sp_differences_destroy(&differences);
        sp_policy_destroy(&first);
        sp_policy_destroy(&second);
    }
}

Test(compare, a_policy_reordered_without_consequence_is_no_difference_and_a_lifetime_is_one)
{
    static const struct {
        const char *first, *second;
        bool is_same;
    } cases[] = {
        {"block in tcp from any to me port 80\nblock in tcp from any to me port 81\n" DEFAULT,
         "block in tcp from any to me port 80-81 as \"both\"\n" DEFAULT, true},
        {BACK_END, ACTION "protect out tcp from me port 80 to any with \"e\"\n" DEFAULT, true},
        {BACK_END, "action \"e\" { esp 3des-cbc hmac-sha1-96\nlifetime nist-r2\n}\n" PROTECT_IN DEFAULT,
         false},
        {"action \"e\" { esp 3des-cbc hmac-sha1-96\nlifetime w2k\n}\n" PROTECT_IN DEFAULT,
         "action \"f\" { esp 3des-cbc hmac-sha1-96\nlifetime 100000 KB 3600 seconds\n}\n"
         "protect in tcp from any to me port 80 with \"f\"\n" DEFAULT,
         true},
        {"default bypass\n", "default block\n", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sp_policy *first = policy_of(cases[i].first), *second = policy_of(cases[i].second);
        struct sp_differences *differences = NULL;
        cr_assert_eq(sp_policy_diff(first, second, &anybody, &differences), SP_OK);
        cr_assert_eq(sp_differences_count(differences) == 0, cases[i].is_same, "%s", cases[i].second);
        sp_differences_destroy(&differences);
        sp_policy_destroy(&first);
        sp_policy_destroy(&second);
    }
}
