/* SPDX-License-Identifier: ISC
 *
 * The sides, and what packets meet between them.
 */
#include "kernel_sides.h"

#include "kernel_match.h"
#include "kernel/preflight.h"
#include "kernel_wire.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char old_text[] = "action \"e\" { esp null hmac-sha1-96 }\n"
                               "bypass out tcp from me to 198.51.100.0/24 port 80-90\n"
                               "block out tcp from me to any port 80-95\n"
                               "block in udp from any to me\n"
                               "%s"
                               "default bypass\n";
static const char new_text[] = "action \"e\" { esp null hmac-sha1-96 }\n"
                               "block in udp from any to me port 0-1023\n"
                               "block out tcp from me to any port 80-95\n"
                               "bypass out tcp from me to 198.51.100.0/24 port 22\n"
                               "bypass in udp from any to me\n"
                               "%s"
                               "default block\n";

#define SA_TEXT(name, spi, from, to, key)                                                                    \
    "sa \"" name "\" {\n spi " spi "\n from " from " to " to "\n esp null hmac-sha1-96\n integrity-key 0x"   \
    "000102030405060708090a0b0c0d0e0f101112" key "\n}\n"
static const char old_keys[] = SA_TEXT("a", "0x1001", "192.0.2.1", "192.0.2.2", "01")
    SA_TEXT("b", "0x1002", "192.0.2.2", "192.0.2.1", "02")
        SA_TEXT("c", "0x1003", "192.0.2.1", "192.0.2.3", "03")
            SA_TEXT("e", "0x1005", "192.0.2.1", "192.0.2.3", "05");
/* one stays, one gets another key, two go, one comes */
static const char new_keys[] = SA_TEXT("a", "0x1001", "192.0.2.1", "192.0.2.2", "01")
    SA_TEXT("b", "0x1002", "192.0.2.2", "192.0.2.1", "05")
        SA_TEXT("d", "0x1004", "192.0.2.1", "192.0.2.4", "04");

struct side old_side, new_side, none;
struct sp_report *sides_report;
static bool has_esp;

static void read_keys(const char *keys, struct side *side)
{
    const char *temporary = getenv("TMPDIR");
    char path[256];

    (void)snprintf(path, sizeof path, "%s/sallyport-keys.XXXXXX", temporary ? temporary : "/tmp");
    int file = mkstemp(path);
    cr_assert(file >= 0);
    cr_assert_eq(write(file, keys, strlen(keys)), (ssize_t)strlen(keys));
    close(file);
    cr_assert_eq(sp_kernel_sas_load(path, side->policy, sides_report, &side->sas), SP_OK);
    unlink(path);
}

static void make_side(const char *format, const char *protect, const char *keys, struct side *side)
{
    static const struct sp_address mine = {4, {192, 0, 2, 1}};
    const struct sp_me me = {.addresses = &mine, .count = 1};
    char text[2048];

    snprintf(text, sizeof text, format, has_esp ? protect : "");
    cr_assert_eq(sp_policy_parse(text, strlen(text), "test", &side->policy, sides_report), SP_OK);
    cr_assert_eq(sp_kernel_policies_make(side->policy, &me, NULL, sides_report, &side->policies), SP_OK);
    if (has_esp)
        read_keys(keys, side);
}

void sides_begin(void)
{
    const struct sp_kernel_suite suite = {.encryption = SP_ENCRYPTION_NULL,
                                          .integrity = SP_INTEGRITY_HMAC_SHA1_96};
    char reason[256];

    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0)
        cr_skip("a network namespace takes root");
    wire_heal();
    if (sp_xfrm_socket_open(&wire.real) == SP_ERR_UNSUPPORTED)
        cr_skip("this kernel was built without CONFIG_XFRM_USER");
    wire.real.close(wire.real.context);
    struct sp_xfrm_link *link = wire_open();
    has_esp = sp_kernel_preflight(link, 4, &suite, reason, sizeof reason) == SP_OK;
    sp_xfrm_link_close(&link);
    cr_assert(has_esp || getenv("SP_TESTS_NEED_ESP") == NULL, "the guest's kernel has ESP: %s", reason);
    cr_assert_eq(sp_report_create(&sides_report), SP_OK);
    make_side(old_text, "protect out tcp from me to 192.0.2.2 port 25 with \"e\"\n", old_keys, &old_side);
    make_side(new_text, "protect out tcp from me to 192.0.2.0/29 port 25 with \"e\"\n", new_keys, &new_side);
}

void sides_end(void)
{
    struct side *sides[] = {&old_side, &new_side};

    for (int i = 0; i < 2; i++) {
        sp_policy_destroy(&sides[i]->policy);
        sp_kernel_policies_free(&sides[i]->policies);
        sp_kernel_sas_free(&sides[i]->sas);
    }
    sp_report_destroy(&sides_report);
}

enum sp_status reach(struct side *side, struct sp_offload_changes *ret_changes)
{
    const struct sp_kernel_goal goal = {.policies = &side->policies, .sas = &side->sas};
    struct sp_xfrm_link *link = wire_open();
    enum sp_status status = sp_kernel_reconcile(link, &goal, sides_report, ret_changes);

    sp_xfrm_link_close(&link);
    return status;
}

void start_from(struct side *side)
{
    struct sp_offload_changes changes;

    wire_heal();
    cr_assert_eq(reach(side, &changes), SP_OK);
}

uint32_t changed(const struct sp_offload_changes *changes)
{
    return changes->policies_added + changes->policies_changed + changes->policies_deleted +
           changes->sas_added + changes->sas_changed + changes->sas_deleted;
}

/* ---- what the kernel has ------------------------------------------------------------------------------- */

static void forget_policies(void *context)
{
    ((struct state *)context)->policy_count = 0;
}

static void collect_policy(const struct sp_xfrm_message *message, void *context)
{
    struct state *state = context;

    cr_assert_lt(state->policy_count, STATE_MAX);
    state->policies[state->policy_count++] = message->policy;
}

static void forget_sas(void *context)
{
    ((struct state *)context)->sa_count = 0;
}

bool is_of_a_trial(const struct sp_xfrm_sa *sa)
{
    return sa->destination.bytes[0] == 127;
}

static void collect_sa(const struct sp_xfrm_message *message, void *context)
{
    struct state *state = context;
    const struct sp_xfrm_sa *sa = &message->sa;

    if (is_of_a_trial(sa))
        return;
    cr_assert_lt(state->sa_count, STATE_MAX);
    cr_assert_eq(sa->integrity.key_bits, 160);
    state->sas[state->sa_count].spi = sa->spi;
    state->sas[state->sa_count].destination = sa->destination;
    state->sas[state->sa_count].source = sa->source;
    state->sas[state->sa_count].limits = sa->limits;
    memcpy(state->sas[state->sa_count++].key, sa->integrity.key, 20);
}

void look(struct state *ret_state)
{
    struct sp_xfrm_link *link = wire_open();

    memset(ret_state, 0, sizeof *ret_state);
    cr_assert_eq(sp_kernel_dump(link, XFRM_MSG_GETPOLICY, forget_policies, collect_policy, ret_state), SP_OK);
    cr_assert_eq(sp_kernel_dump(link, XFRM_MSG_GETSA, forget_sas, collect_sa, ret_state), SP_OK);
    sp_xfrm_link_close(&link);
}

static bool is_same_policy(const struct sp_xfrm_policy *left, const struct sp_xfrm_policy *right)
{
    return left->direction == right->direction && left->action == right->action &&
           left->priority == right->priority && left->template_count == right->template_count &&
           memcmp(&left->selector, &right->selector, sizeof left->selector) == 0 &&
           (left->template_count == 0 || left->templates[0].reqid == right->templates[0].reqid);
}

static bool is_among(const struct sp_xfrm_policy *policy, const struct sp_xfrm_policy *policies,
                     uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (is_same_policy(policy, &policies[i]))
            return true;
    return false;
}

bool has_policy(const struct state *state, const struct sp_xfrm_policy *policy)
{
    return is_among(policy, state->policies, state->policy_count);
}

bool has_same_sa(const struct state *state, const struct state *other, uint32_t other_index)
{
    for (uint32_t i = 0; i < state->sa_count; i++)
        if (memcmp(&state->sas[i], &other->sas[other_index], sizeof state->sas[i]) == 0)
            return true;
    return false;
}

/* ---- what packets meet --------------------------------------------------------------------------------- */

struct packet {
    uint8_t direction, protocol;
    struct sp_address source, destination;
    uint16_t port;
};

static bool holds(const struct sp_xfrm_policy *policy, const struct packet *packet)
{
    const struct sp_xfrm_selector *selector = &policy->selector;

    return policy->direction == packet->direction && selector->family == 4 &&
           (selector->protocol == 0 || selector->protocol == packet->protocol) &&
           holds_address(&selector->source, selector->source_prefix_bits, &packet->source) &&
           holds_address(&selector->destination, selector->destination_prefix_bits, &packet->destination) &&
           ((packet->port ^ selector->destination_port) & selector->destination_port_mask) == 0;
}

static bool passes(const struct sp_xfrm_policy *policies, uint32_t count, const struct packet *packet)
{
    const struct sp_xfrm_policy *first = NULL;

    for (uint32_t i = 0; i < count; i++)
        if (holds(&policies[i], packet) && (first == NULL || policies[i].priority < first->priority))
            first = &policies[i];
    return first == NULL || (first->action == XFRM_POLICY_ALLOW && first->template_count == 0);
}

static void check_nothing_leaks(const struct state *state, const struct side *from, const struct side *to)
{
    static const uint16_t ports[] = {0, 22, 25, 79, 80, 90, 91, 95, 96, 1023, 1024};
    static const struct sp_address mine = {4, {192, 0, 2, 1}}, others[] = {{4, {192, 0, 2, 2}},
                                                                           {4, {198, 51, 100, 7}},
                                                                           {4, {10, 0, 0, 1}}};

    for (size_t p = 0; p < sizeof ports / sizeof *ports; p++)
        for (size_t o = 0; o < 3; o++)
            for (int kind = 0; kind < 4; kind++) {
                const bool is_out = kind & 1;
                const struct packet packet = {.direction = is_out ? XFRM_POLICY_OUT : XFRM_POLICY_IN,
                                              .protocol = kind & 2 ? 6 : 17,
                                              .source = is_out ? mine : others[o],
                                              .destination = is_out ? others[o] : mine,
                                              .port = ports[p]};
                if (passes(state->policies, state->policy_count, &packet))
                    cr_assert(passes(from->policies.policies, from->policies.count, &packet) ||
                                  passes(to->policies.policies, to->policies.count, &packet),
                              "port %u passes in clear", packet.port);
            }
}

static bool wants_sa(const struct side *side, uint32_t spi, const uint8_t *key)
{
    for (size_t i = 0; i < side->sas.count; i++)
        if (side->sas.wanted[i].spi == spi && memcmp(side->sas.wanted[i].integrity_key, key, 20) == 0)
            return true;
    return false;
}

void check_is_between(const struct side *from, const struct side *to)
{
    static struct state state;

    look(&state);
    check_nothing_leaks(&state, from, to);
    for (uint32_t i = 0; i < state.policy_count; i++)
        cr_assert(is_among(&state.policies[i], from->policies.policies, from->policies.count) ||
                      is_among(&state.policies[i], to->policies.policies, to->policies.count),
                  "a policy of neither side");
    for (uint32_t i = 0; i < state.sa_count; i++)
        cr_assert(wants_sa(from, state.sas[i].spi, state.sas[i].key) ||
                      wants_sa(to, state.sas[i].spi, state.sas[i].key),
                  "the SA 0x%x is of neither side", state.sas[i].spi);
}
