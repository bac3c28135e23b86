/* SPDX-License-Identifier: ISC
 *
 * Reconciliation against the kernel that this test runs on, in a network namespace of its own, with a
 * transport that goes wrong at each call in turn. The host's kernel takes policies even where it has no ESP;
 * where it has (in the guest), SAs take part.
 *
 * What must hold afterwards: no policy that lets packets pass in clear is in front of one that doesn't where
 * neither the old policy nor the new one has that, and doing it once more leads to the new one exactly.
 */
#include "kernel_reconcile.h"
#include "kernel_preflight.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- a transport that goes wrong ----------------------------------------------------------------------- */

enum fault {
    FAULT_KILLED,        /* from that call on, nothing goes any more */
    FAULT_SEND_FAILS,    /* once, with each error in turn */
    FAULT_RECEIVE_FAILS, /* once; the answer stays */
    FAULT_ANSWER_LOST,   /* once: it was there, and ENOBUFS comes in its place */
    FAULT_NUMBER_WRONG,
    FAULT_ANSWER_CUT,
    FAULTS
};

static struct {
    struct sp_xfrm_transport real;
    enum fault fault;
    int error;
    int at, calls; /* at < 0: all goes well */
} wire;

static bool is_now(void)
{
    int call = wire.calls++;

    return wire.at >= 0 && (wire.fault == FAULT_KILLED ? call >= wire.at : call == wire.at);
}

static ssize_t wrong(int error)
{
    errno = error;
    return -1;
}

static ssize_t send_or_not(void *context, const void *bytes, size_t len_bytes)
{
    if (is_now() && (wire.fault == FAULT_KILLED || wire.fault == FAULT_SEND_FAILS))
        return wrong(wire.error);
    return wire.real.send(context, bytes, len_bytes);
}

static ssize_t receive_or_not(void *context, void *buffer, size_t capacity_bytes)
{
    const bool is_wrong = is_now();

    if (is_wrong && (wire.fault == FAULT_KILLED || wire.fault == FAULT_RECEIVE_FAILS))
        return wrong(wire.error);
    ssize_t len_bytes = wire.real.receive(context, buffer, capacity_bytes);
    if (!is_wrong || len_bytes < (ssize_t)sizeof(struct nlmsghdr))
        return len_bytes;
    if (wire.fault == FAULT_ANSWER_LOST)
        return wrong(ENOBUFS);
    if (wire.fault == FAULT_NUMBER_WRONG)
        ((struct nlmsghdr *)buffer)->nlmsg_seq += 1000;
    return wire.fault == FAULT_ANSWER_CUT ? (ssize_t)sizeof(struct nlmsghdr) + 2 : len_bytes;
}

static void close_it(void *context)
{
    wire.real.close(context);
}

static struct sp_xfrm_link *open_link(void)
{
    struct sp_xfrm_link *link;

    cr_assert_eq(sp_xfrm_socket_open(&wire.real), SP_OK);
    const struct sp_xfrm_transport transport = {
        .send = send_or_not, .receive = receive_or_not, .close = close_it, .context = wire.real.context};
    cr_assert_eq(sp_xfrm_link_over(&transport, &link), SP_OK);
    return link;
}

/* ---- goals --------------------------------------------------------------------------------------------- */

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
        SA_TEXT("c", "0x1003", "192.0.2.1", "192.0.2.3", "03");
/* one stays, one gets another key, one goes, one comes */
static const char new_keys[] = SA_TEXT("a", "0x1001", "192.0.2.1", "192.0.2.2", "01")
    SA_TEXT("b", "0x1002", "192.0.2.2", "192.0.2.1", "05")
        SA_TEXT("d", "0x1004", "192.0.2.1", "192.0.2.4", "04");

struct side {
    struct sp_policy *policy;
    struct sp_kernel_policies policies;
    struct sp_kernel_sas sas;
};
static struct side old_side, new_side, none;
static struct sp_report *report;
static bool has_esp;

static void make_side(const char *format, const char *protect, const char *keys, struct side *side)
{
    static const struct sp_address mine = {4, {192, 0, 2, 1}};
    const struct sp_me me = {.addresses = &mine, .count = 1};
    char text[2048], path[] = "/tmp/sallyport-keys.XXXXXX";

    snprintf(text, sizeof text, format, has_esp ? protect : "");
    cr_assert_eq(sp_policy_parse(text, strlen(text), "test", &side->policy, report), SP_OK);
    cr_assert_eq(sp_kernel_policies_make(side->policy, &me, NULL, report, &side->policies), SP_OK);
    if (!has_esp)
        return;
    int file = mkstemp(path);
    cr_assert(file >= 0);
    cr_assert_eq(write(file, keys, strlen(keys)), (ssize_t)strlen(keys));
    close(file);
    cr_assert_eq(sp_kernel_sas_load(path, side->policy, report, &side->sas), SP_OK);
    unlink(path);
}

static void begin(void)
{
    const struct sp_kernel_suite suite = {.encryption = SP_ENCRYPTION_NULL,
                                          .integrity = SP_INTEGRITY_HMAC_SHA1_96};
    char reason[256];

    if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0)
        cr_skip("a network namespace takes root");
    wire.at = -1;
    if (sp_xfrm_socket_open(&wire.real) == SP_ERR_UNSUPPORTED)
        cr_skip("this kernel was built without CONFIG_XFRM_USER");
    wire.real.close(wire.real.context);
    struct sp_xfrm_link *link = open_link();
    has_esp = sp_kernel_preflight(link, 4, &suite, reason, sizeof reason) == SP_OK;
    sp_xfrm_link_close(&link);
    cr_assert_eq(sp_report_create(&report), SP_OK);
    make_side(old_text, "protect out tcp from me to 192.0.2.2 port 25 with \"e\"\n", old_keys, &old_side);
    make_side(new_text, "protect out tcp from me to 192.0.2.0/29 port 25 with \"e\"\n", new_keys, &new_side);
}

static void end(void)
{
    struct side *sides[] = {&old_side, &new_side};

    for (int i = 0; i < 2; i++) {
        sp_policy_destroy(&sides[i]->policy);
        sp_kernel_policies_free(&sides[i]->policies);
        sp_kernel_sas_free(&sides[i]->sas);
    }
    sp_report_destroy(&report);
}

TestSuite(kernel_faults, .init = begin, .fini = end, .timeout = 120);

static enum sp_status reach(struct side *side, struct sp_offload_changes *ret_changes)
{
    const struct sp_kernel_goal goal = {.policies = &side->policies, .sas = &side->sas};
    struct sp_xfrm_link *link = open_link();
    enum sp_status status = sp_kernel_reconcile(link, &goal, report, ret_changes);

    sp_xfrm_link_close(&link);
    return status;
}

static void start_from(struct side *side)
{
    struct sp_offload_changes changes;

    wire.at = -1;
    cr_assert_eq(reach(side, &changes), SP_OK);
}

static uint32_t changed(const struct sp_offload_changes *changes)
{
    return changes->policies_added + changes->policies_changed + changes->policies_deleted +
           changes->sas_added + changes->sas_changed + changes->sas_deleted;
}

/* ---- what packets meet --------------------------------------------------------------------------------- */

struct seen {
    struct sp_xfrm_policy policies[256];
    uint32_t count;
};

static void forget(void *context)
{
    ((struct seen *)context)->count = 0;
}

static void collect(const struct sp_xfrm_message *message, void *context)
{
    struct seen *seen = context;

    cr_assert_lt(seen->count, 256);
    seen->policies[seen->count++] = message->policy;
}

struct packet {
    uint8_t direction, protocol;
    struct sp_address source, destination;
    uint16_t port;
};

static bool holds_address(const struct sp_address *address, uint8_t prefix_bits,
                          const struct sp_address *packet)
{
    for (uint32_t bit = 0; bit < prefix_bits; bit++) {
        uint8_t mask = (uint8_t)(0x80 >> bit % 8);
        if ((address->bytes[bit / 8] & mask) != (packet->bytes[bit / 8] & mask))
            return false;
    }
    return true;
}

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

/* The kernel's policies now, between the old side and the new one. */
static void check_nothing_leaks(const struct side *from, const struct side *to)
{
    static const uint16_t ports[] = {0, 22, 25, 79, 80, 90, 91, 95, 96, 1023, 1024};
    static const struct sp_address mine = {4, {192, 0, 2, 1}}, others[] = {{4, {192, 0, 2, 2}},
                                                                           {4, {198, 51, 100, 7}},
                                                                           {4, {10, 0, 0, 1}}};
    static struct seen seen;
    struct sp_xfrm_link *link = open_link();

    cr_assert_eq(sp_kernel_dump(link, XFRM_MSG_GETPOLICY, forget, collect, &seen), SP_OK);
    sp_xfrm_link_close(&link);
    for (size_t p = 0; p < sizeof ports / sizeof *ports; p++)
        for (size_t o = 0; o < 3; o++)
            for (int kind = 0; kind < 4; kind++) {
                const bool is_out = kind & 1;
                const struct packet packet = {.direction = is_out ? XFRM_POLICY_OUT : XFRM_POLICY_IN,
                                              .protocol = kind & 2 ? 6 : 17,
                                              .source = is_out ? mine : others[o],
                                              .destination = is_out ? others[o] : mine,
                                              .port = ports[p]};
                if (passes(seen.policies, seen.count, &packet))
                    cr_assert(passes(from->policies.policies, from->policies.count, &packet) ||
                                  passes(to->policies.policies, to->policies.count, &packet),
                              "port %u passes in clear, at call %d of fault %d", packet.port, wire.at,
                              wire.fault);
            }
}

/* From one side to the other with a fault at each call; returns how many calls there were. */
static int suffer(enum fault fault, int error, struct side *from, struct side *to)
{
    struct sp_offload_changes changes;

    for (int at = 0;; at++) {
        start_from(from);
        wire.fault = fault;
        wire.error = error;
        wire.calls = 0;
        wire.at = at;
        enum sp_status status = reach(to, &changes);
        const bool was_met = wire.calls > at;
        wire.at = -1;
        check_nothing_leaks(from, to);
        if (fault != FAULT_KILLED && error != EPERM)
            cr_assert_eq(status, SP_OK, "fault %d at call %d is healed by looking again", fault, at);
        const enum sp_status again = reach(to, &changes);
        cr_assert_eq(again, SP_OK, "again, after fault %d of %d at call %d: %s", fault, error, at,
                     sp_status_text(again));
        if (status == SP_OK)
            cr_assert_eq(changed(&changes), 0, "what is said to be done is done");
        cr_assert_eq(reach(to, &changes), SP_OK);
        cr_assert_eq(changed(&changes), 0);
        cr_assert_eq(changes.policies_kept + changes.policies_unreachable, to->policies.count);
        cr_assert_eq(changes.sas_kept, to->sas.count);
        if (!was_met)
            return at;
    }
}

Test(kernel_faults, killed_at_any_call_and_run_again_it_converges_and_nothing_leaks)
{
    cr_expect_gt(suffer(FAULT_KILLED, EIO, &old_side, &new_side), 6);
    suffer(FAULT_KILLED, EIO, &new_side, &old_side);
    suffer(FAULT_KILLED, EIO, &old_side, &none);
}

Test(kernel_faults, what_fails_once_is_healed_in_the_same_call)
{
    static const int errors[] = {EAGAIN, ENOBUFS, ENOMEM, EINVAL};

    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        suffer(FAULT_SEND_FAILS, errors[i], &old_side, &new_side);
        suffer(FAULT_RECEIVE_FAILS, errors[i], &new_side, &old_side);
    }
    for (enum fault fault = FAULT_ANSWER_LOST; fault < FAULTS; fault++)
        suffer(fault, 0, fault % 2 ? &old_side : &new_side, fault % 2 ? &new_side : &old_side);
}

Test(kernel_faults, without_the_right_to_ask_nothing_is_between)
{
    suffer(FAULT_SEND_FAILS, EPERM, &old_side, &new_side);
}
