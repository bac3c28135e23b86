/* SPDX-License-Identifier: ISC
 *
 * Policies: sallyport.conf(5). What parses is printed, parsed again and must be the same text and the same
 * policy; its tables must find what the naive twin and explain find; check and diff must come to an end.
 */
#include "fuzz.h"

#include "policy/compile.h"

#include <sallyport/analysis.h>

#include <string.h>

/* What takes time beyond all measure is left to policies that are small. */
#define COMPILED_BOXES_MAX 4096u
#define PROBED_BOXES_MAX 48u
#define CHECKED_BOXES_MAX 256u
#define COMPARED_BOXES_MAX 12u

static const struct sp_address mine[] = {
    {.family = 4, .bytes = {192, 0, 2, 1}},
    {.family = 6, .bytes = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},
};
static const struct sp_me me = {.addresses = mine, .count = 2};

static struct sp_policy *parse(const char *text, size_t len_bytes)
{
    struct sp_policy *policy = NULL;
    struct sp_report *report;
    FUZZ_HOLDS(sp_report_create(&report) == SP_OK);
    const enum sp_status status = sp_policy_parse(text, len_bytes, "fuzz.policy", &policy, report);
    FUZZ_HOLDS(status == SP_OK || status == SP_ERR_PARSE || status == SP_ERR_IO);
    FUZZ_HOLDS((status == SP_OK) == (policy != NULL));
    FUZZ_HOLDS((status == SP_OK) == (sp_report_errors(report) == 0));
    fuzz_finish_report(&report, false);
    return policy;
}

static char *text_of(const struct sp_policy *policy, void (*print)(const struct sp_policy *, FILE *))
{
    char *text = NULL;
    size_t len_bytes;
    FILE *out = open_memstream(&text, &len_bytes);
    FUZZ_HOLDS(out != NULL);
    print(policy, out);
    FUZZ_HOLDS(fclose(out) == 0 && strlen(text) == len_bytes);
    return text;
}

static struct sp_address address_of(uint8_t family, const struct sp_selector_address *number)
{
    struct sp_address address = {.family = family};
    for (int i = 0; i < 8; i++) {
        address.bytes[i] = (uint8_t)(number->high >> (56 - 8 * i));
        address.bytes[8 + i] = (uint8_t)(number->low >> (56 - 8 * i));
    }
    if (family == 4) {
        memmove(address.bytes, address.bytes + 12, 4);
        memset(address.bytes + 4, 0, 12);
    }
    return address;
}

/* The first or the last packet of a box. */
static struct sp_selector_key corner_of(const struct sp_selector_box *box, bool is_last)
{
    const bool is_any = box->protocol == SP_SELECTOR_PROTOCOL_ANY;
    struct sp_selector_key key = {
        .family = box->family == 0 ? 4 : box->family,
        .protocol = is_any ? 6 : (uint8_t)box->protocol,
        .source = is_last ? box->source_last : box->source_first,
        .destination = is_last ? box->destination_last : box->destination_first,
        .source_port = is_last ? box->source_port_last : box->source_port_first,
        .destination_port = is_last ? box->destination_port_last : box->destination_port_first,
    };
    if (box->family == 0)
        key.source = key.destination = (struct sp_selector_address){.low = is_last ? UINT32_MAX : 0};
    if (key.protocol == 1 || key.protocol == 58) { /* types and codes */
        key.source_port &= UINT8_MAX;
        key.destination_port &= UINT8_MAX;
    }
    return key;
}

static struct sp_flow flow_of(const struct sp_selector_key *key, enum sp_direction direction)
{
    struct sp_flow flow = {
        .direction = direction,
        .protocol = key->protocol,
        .source = address_of(key->family, &key->source),
        .destination = address_of(key->family, &key->destination),
    };
    if (key->protocol == 1 || key->protocol == 58) {
        flow.has_icmp_type = true;
        flow.icmp_type = (uint8_t)key->source_port;
        flow.icmp_code = (uint8_t)key->destination_port;
        return flow;
    }
    flow.source_port = key->source_port;
    flow.destination_port = key->destination_port;
    return flow;
}

/* The table, the naive twin and explain decide a packet alike. */
static void probe(const struct sp_policy *policy, const struct sp_selector_table *table,
                  enum sp_direction direction, const struct sp_selector_box *boxes, uint32_t count,
                  const struct sp_selector_key *key)
{
    const struct sp_flow flow = flow_of(key, direction);
    struct sp_match match;
    uint32_t found;
    sp_selector_lookup(table, key, 1, &found);
    FUZZ_HOLDS(found == sp_selector_naive(boxes, count, key));
    FUZZ_HOLDS(sp_policy_explain(policy, &me, &flow, &match, 1) >= 1);
    FUZZ_HOLDS(match.rule == (found == SP_SELECTOR_MISS ? SP_NO_RULE : boxes[found].rule));
    struct sp_selector_key fragment = *key;
    fragment.ports_unknown = true;
    fragment.source_port = fragment.destination_port = 0;
    sp_selector_lookup(table, &fragment, 1, &found);
    FUZZ_HOLDS(found == sp_selector_naive(boxes, count, &fragment));
}

/* How many boxes the policy has in both directions; it compiles. */
static uint32_t compile(const struct sp_policy *policy)
{
    struct sp_selector_box *boxes[2] = {NULL, NULL};
    uint32_t counts[2] = {0, 0};
    struct sp_selector_table *tables[2] = {NULL, NULL};
    for (int direction = SP_OUTBOUND; direction <= SP_INBOUND; direction++) {
        const enum sp_status status =
            sp_policy_boxes(policy, (enum sp_direction)direction, &me, &boxes[direction], &counts[direction]);
        FUZZ_HOLDS(status == SP_OK || status == SP_ERR_LIMIT);
        if (status == SP_ERR_LIMIT || counts[direction] > COMPILED_BOXES_MAX)
            counts[direction] = COMPILED_BOXES_MAX + 1;
    }
    if (counts[0] <= COMPILED_BOXES_MAX && counts[1] <= COMPILED_BOXES_MAX)
        FUZZ_HOLDS(sp_policy_compile(policy, &me, NULL, tables) == SP_OK);
    for (int direction = SP_OUTBOUND; direction <= SP_INBOUND && tables[0] != NULL; direction++)
        for (uint32_t i = 0; i < counts[direction] && i < PROBED_BOXES_MAX; i++)
            for (int is_last = 0; is_last < 2; is_last++) {
                const struct sp_selector_key key = corner_of(&boxes[direction][i], is_last);
                probe(policy, tables[direction], (enum sp_direction)direction, boxes[direction],
                      counts[direction], &key);
            }
    for (int direction = SP_OUTBOUND; direction <= SP_INBOUND; direction++) {
        sp_selector_destroy(&tables[direction]);
        free(boxes[direction]);
    }
    return counts[0] + counts[1];
}

static void analyse(const struct sp_policy *policy)
{
    struct sp_check *check;
    FUZZ_HOLDS(sp_policy_check(policy, &me, &check) == SP_OK);
    for (size_t i = 0; i < sp_check_count(check); i++) {
        const struct sp_check_finding *finding = sp_check_get(check, i);
        char text[SP_AREA_TEXT_BYTES], flow[SP_FLOW_TEXT_BYTES];
        FUZZ_HOLDS(finding->text[0] != '\0');
        if (finding->has_example)
            FUZZ_HOLDS(*sp_area_format(&finding->area, text) && *sp_flow_format(&finding->example, flow));
    }
    sp_check_destroy(&check);
}

static void expect_no_difference(const struct sp_policy *first, const struct sp_policy *second)
{
    struct sp_differences *differences;
    FUZZ_HOLDS(sp_policy_diff(first, second, &me, &differences) == SP_OK);
    FUZZ_HOLDS(sp_differences_count(differences) == 0);
    sp_differences_destroy(&differences);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_policy *policy = parse((const char *)data, size);
    if (policy == NULL)
        return 0;
    char *text = text_of(policy, sp_policy_print), *compiled = text_of(policy, sp_policy_print_compiled);
    struct sp_policy *again = parse(text, strlen(text)), *in_order = parse(compiled, strlen(compiled));
    FUZZ_HOLDS(again != NULL && in_order != NULL);
    char *text_again = text_of(again, sp_policy_print);
    FUZZ_HOLDS(strcmp(text, text_again) == 0);
    const uint32_t boxes = compile(policy);
    if (boxes <= CHECKED_BOXES_MAX)
        analyse(policy);
    if (boxes <= COMPARED_BOXES_MAX) {
        expect_no_difference(policy, again);
        expect_no_difference(policy, in_order);
    }
    free(text);
    free(text_again);
    free(compiled);
    sp_policy_destroy(&again);
    sp_policy_destroy(&in_order);
    sp_policy_destroy(&policy);
    return 0;
}
