/* SPDX-License-Identifier: ISC
 *
 * Wanted SAs beside those that the kernel has: what is as it shall be, and what to ask for.
 */
#include "kernel/sas.h"

#include <linux/udp.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 64u

/* ---- beside the kernel's ------------------------------------------------------------------------------- */

void sp_kernel_sas_forget(struct sp_kernel_sas *sas)
{
    for (size_t i = 0; i < sas->count; i++) {
        sas->wanted[i].found = SP_KERNEL_MISSING;
        sas->wanted[i].granted = (struct sp_kernel_place){.mode = SP_OFFLOAD_SOFTWARE};
    }
    sas->old_count = 0;
    sas->foreign_count = 0;
}

static struct sp_kernel_sa *find(struct sp_kernel_sas *sas, const struct sp_xfrm_sa *actual)
{
    size_t low = 0, high = sas->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct sp_kernel_sa *sa = &sas->wanted[middle];
        int order = sp_kernel_sa_order(&sa->destination, sa->spi, &actual->destination, actual->spi);
        if (order == 0)
            return sa;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static uint64_t or_no_limit(uint64_t limit)
{
    return limit == 0 ? UINT64_MAX : limit;
}

static struct sp_xfrm_limits limits_of(const struct sp_lifetime *lifetime)
{
    return (struct sp_xfrm_limits){
        .soft_bytes = or_no_limit(lifetime->soft_bytes),
        .hard_bytes = or_no_limit(lifetime->hard_bytes),
        .soft_packets = or_no_limit(lifetime->soft_packets),
        .hard_packets = or_no_limit(lifetime->hard_packets),
        .soft_seconds = lifetime->soft_seconds,
        .hard_seconds = lifetime->hard_seconds,
    };
}

static void put_device(struct sp_xfrm_sa *sa, const struct sp_kernel_place *place, bool is_inbound)
{
    if (place->mode == SP_OFFLOAD_SOFTWARE)
        return;
    sa->has |= SP_XFRM_HAS_DEVICE;
    sa->device = (struct sp_xfrm_device){
        .interface = place->interface,
        .flags = (uint8_t)((is_inbound ? XFRM_OFFLOAD_INBOUND : 0) |
                           (place->mode == SP_OFFLOAD_PACKET ? XFRM_OFFLOAD_PACKET : 0)),
    };
}

/* Packets of either family go in, and which ones is the policy's business. The flags are the kernel's for
 * what it does otherwise than RFC 4301 and RFC 6040 have it. */
static void put_tunnel(struct sp_xfrm_sa *sa, const struct sp_tunnel *tunnel)
{
    sa->selector = (struct sp_xfrm_selector){.family = 0};
    sa->flags |=
        (uint8_t)(XFRM_STATE_AF_UNSPEC | (tunnel->df == SP_TUNNEL_DF_CLEAR ? XFRM_STATE_NOPMTUDISC : 0) |
                  (tunnel->has_no_ecn ? XFRM_STATE_NOECN : 0));
    if (!tunnel->has_dscp)
        return;
    sa->has |= SP_XFRM_HAS_EXTRA_FLAGS;
    sa->extra_flags = XFRM_SA_XFLAG_DONT_ENCAP_DSCP;
}

static void put_sa(const struct sp_kernel_sa *sa, struct sp_xfrm_sa *ret_sa)
{
    const uint8_t prefix_bits = sa->source.family == 4 ? 32 : 128;

    *ret_sa = (struct sp_xfrm_sa){
        .family = sa->source.family,
        .spi = sa->spi,
        .protocol = IPPROTO_ESP,
        .source = sa->source,
        .destination = sa->destination,
        /* RFC 4301 4.4.2.1; ports and protocol are the policy's business */
        .selector = {.family = sa->source.family,
                     .source = sa->source,
                     .destination = sa->destination,
                     .source_prefix_bits = prefix_bits,
                     .destination_prefix_bits = prefix_bits},
        .limits = limits_of(&sa->lifetime),
        .reqid = sp_kernel_suite_reqid(&sa->suite),
    };
    sp_kernel_suite_put(&sa->suite, sa->encryption_key, sa->integrity_key, ret_sa);
    sp_kernel_window_put(ret_sa, sa->replay_window_packets);
    if (sa->suite.mode == SP_MODE_TUNNEL)
        put_tunnel(ret_sa, &sa->tunnel);
    put_device(ret_sa, &sa->asked, sa->is_inbound);
    if (sa->suite.is_encapsulated) {
        ret_sa->has |= SP_XFRM_HAS_ENCAP;
        ret_sa->encap = (struct sp_xfrm_encap){.type = UDP_ENCAP_ESPINUDP,
                                               .source_port = sa->encap.source_port,
                                               .destination_port = sa->encap.destination_port,
                                               .original = {.family = sa->source.family}};
    }
}

static bool is_same_key(const struct sp_xfrm_algorithm *left, const struct sp_xfrm_algorithm *right)
{
    return left->key_bits == right->key_bits &&
           (left->key_bits == 0 || sodium_memcmp(left->key, right->key, left->key_bits / 8) == 0);
}

static bool is_same_address(const struct sp_address *left, const struct sp_address *right)
{
    return left->family == right->family && memcmp(left->bytes, right->bytes, sizeof left->bytes) == 0;
}

static bool has_same_keys(const struct sp_xfrm_sa *wanted, const struct sp_xfrm_sa *actual)
{
    struct sp_kernel_suite suite, wanted_suite;

    return sp_kernel_suite_of(actual, &suite) && sp_kernel_suite_of(wanted, &wanted_suite) &&
           suite.encryption == wanted_suite.encryption && suite.integrity == wanted_suite.integrity &&
           is_same_key(&wanted->encryption, &actual->encryption) &&
           is_same_key(&wanted->integrity, &actual->integrity) && is_same_key(&wanted->aead, &actual->aead);
}

#define UNWANTED_PARTS                                                                                       \
    (SP_XFRM_HAS_MARK | SP_XFRM_HAS_INTERFACE_ID | SP_XFRM_HAS_OUTPUT_MARK | SP_XFRM_HAS_PADDING)

static bool has_same_form(const struct sp_xfrm_sa *wanted, const struct sp_xfrm_sa *actual)
{
    return actual->encap.type == wanted->encap.type &&
           actual->encap.source_port == wanted->encap.source_port &&
           actual->encap.destination_port == wanted->encap.destination_port &&
           is_same_address(&wanted->source, &actual->source) && actual->reqid == wanted->reqid &&
           actual->mode == wanted->mode && actual->flags == wanted->flags &&
           actual->extra_flags == wanted->extra_flags && (actual->has & UNWANTED_PARTS) == 0 &&
           (actual->has & SP_XFRM_HAS_REPLAY_ESN) != 0 &&
           actual->replay_esn.window_packets == wanted->replay_esn.window_packets;
}

/* One that hoped for no NIC any more, because others were refused, stays on it when it is there. */
static bool is_in_place(const struct sp_kernel_sa *wanted)
{
    if (wanted->asked.mode == SP_OFFLOAD_SOFTWARE && wanted->granted.mode == SP_OFFLOAD_CRYPTO)
        return wanted->takes_what_comes && wanted->granted.interface == wanted->asked.interface;
    return wanted->granted.mode == wanted->asked.mode &&
           (wanted->granted.mode == SP_OFFLOAD_SOFTWARE ||
            wanted->granted.interface == wanted->asked.interface);
}

static struct sp_kernel_place place_of(const struct sp_xfrm_sa *actual)
{
    if (!(actual->has & SP_XFRM_HAS_DEVICE))
        return (struct sp_kernel_place){.mode = SP_OFFLOAD_SOFTWARE};
    return (struct sp_kernel_place){
        .interface = actual->device.interface,
        .mode = actual->device.flags & XFRM_OFFLOAD_PACKET ? SP_OFFLOAD_PACKET : SP_OFFLOAD_CRYPTO,
    };
}

static struct sp_kernel_numbers numbers_of(const struct sp_xfrm_sa *actual)
{
    const struct sp_xfrm_replay_esn *esn = &actual->replay_esn;
    const bool has_bitmap = (actual->has & SP_XFRM_HAS_REPLAY_ESN) != 0;

    return (struct sp_kernel_numbers){
        .is_known = true,
        .sent = has_bitmap ? (uint64_t)esn->sequence_sent_high << 32 | esn->sequence_sent
                           : actual->replay.sequence_sent,
        .received = has_bitmap ? (uint64_t)esn->sequence_received_high << 32 | esn->sequence_received
                               : actual->replay.sequence_received,
        .used = actual->used,
    };
}

/* The limits of an SA that a NIC does alone are the NIC's, and an update doesn't reach them. */
static enum sp_kernel_found compare(struct sp_kernel_sa *wanted, const struct sp_xfrm_sa *actual)
{
    struct sp_xfrm_sa sa;

    if (!sp_kernel_sa_is_ours(actual))
        return SP_KERNEL_TAKEN;
    put_sa(wanted, &sa);
    wanted->granted = place_of(actual);
    if (!has_same_keys(&sa, actual))
        return SP_KERNEL_OTHER_KEYS;
    wanted->numbers = numbers_of(actual);
    if (!has_same_form(&sa, actual) || !is_in_place(wanted))
        return SP_KERNEL_OTHER_FORM;
    if (memcmp(&sa.limits, &actual->limits, sizeof sa.limits) == 0)
        return SP_KERNEL_EQUAL;
    return wanted->granted.mode == SP_OFFLOAD_PACKET ? SP_KERNEL_OTHER_FORM : SP_KERNEL_OTHER_LIMITS;
}

static void note_old(struct sp_kernel_sas *sas, const struct sp_xfrm_sa *actual)
{
    if (sas->old_count == sas->old_capacity) {
        size_t capacity = sas->old_capacity == 0 ? FIRST_CAPACITY : 2 * sas->old_capacity;
        struct sp_kernel_sa_name *wider = realloc(sas->old, capacity * sizeof *wider);
        if (wider == NULL) {
            sas->is_out_of_memory = true;
            return;
        }
        sas->old = wider;
        sas->old_capacity = capacity;
    }
    sas->old[sas->old_count++] = (struct sp_kernel_sa_name){actual->spi, actual->source, actual->destination};
}

/* To the kernel, SAs under marks are others than those without, be their SPIs the same. */
void sp_kernel_sas_see(struct sp_kernel_sas *sas, const struct sp_xfrm_sa *actual)
{
    struct sp_kernel_sa *wanted =
        actual->protocol == IPPROTO_ESP && !(actual->has & SP_XFRM_HAS_MARK) ? find(sas, actual) : NULL;

    if (!sp_kernel_sa_is_ours(actual) &&
        !(sp_kernel_sa_is_larval(actual) && sp_kernel_reqid_is_ours(actual->reqid)))
        sas->foreign_count++;
    if (wanted != NULL)
        wanted->found = compare(wanted, actual);
    else if (sp_kernel_sa_is_ours(actual))
        note_old(sas, actual);
}

void sp_kernel_sas_note_new(struct sp_kernel_sas *sas)
{
    for (size_t i = 0; i < sas->count; i++) {
        sas->wanted[i].is_new = sas->wanted[i].found == SP_KERNEL_MISSING;
        sas->wanted[i].former = sas->wanted[i].granted;
    }
}

void sp_kernel_sas_ask_former(struct sp_kernel_sas *sas)
{
    for (size_t i = 0; i < sas->count; i++)
        sas->wanted[i].asked = sas->wanted[i].former;
}

const struct sp_kernel_sa *sp_kernel_sas_find(const struct sp_kernel_sas *sas, enum sp_kernel_found found)
{
    for (size_t i = 0; i < sas->count; i++)
        if (sas->wanted[i].found == found)
            return &sas->wanted[i];
    return NULL;
}

/* ---- going on where it was -------------------------------------------------------------------------------
 */

/* More than an SA sends between our look at it and its end: a tenth of a second of the smallest packets at
 * 100 Gbit/s. */
#define MARGIN_PACKETS (UINT64_C(1) << 24)

static uint64_t next_sent(const struct sp_kernel_numbers *numbers)
{
    return numbers->sent == 0 ? 0 : numbers->sent + MARGIN_PACKETS;
}

static uint64_t last_sequence(const struct sp_kernel_sa *sa)
{
    return sa->suite.has_esn ? UINT64_MAX - MARGIN_PACKETS : UINT32_MAX;
}

const struct sp_kernel_sa *sp_kernel_sas_spent(const struct sp_kernel_sas *sas)
{
    for (size_t i = 0; i < sas->count; i++)
        if (sas->wanted[i].found == SP_KERNEL_OTHER_FORM &&
            next_sent(&sas->wanted[i].numbers) >= last_sequence(&sas->wanted[i]))
            return &sas->wanted[i];
    return NULL;
}

/* What came before counts as received, all of it: rather a late packet dropped than one let in twice. */
static void go_on(const struct sp_kernel_sa *wanted, struct sp_xfrm_sa *sa)
{
    const struct sp_kernel_numbers *numbers = &wanted->numbers;
    const uint64_t sent = next_sent(numbers);

    if (!numbers->is_known)
        return;
    sa->replay_esn.sequence_sent = (uint32_t)sent;
    sa->replay_esn.sequence_sent_high = wanted->suite.has_esn ? (uint32_t)(sent >> 32) : 0;
    sa->replay_esn.sequence_received = (uint32_t)numbers->received;
    sa->replay_esn.sequence_received_high = wanted->suite.has_esn ? (uint32_t)(numbers->received >> 32) : 0;
    if (numbers->received > 0)
        memset(sa->replay_esn.bitmap, 0xff, sa->replay_esn.bitmap_words * sizeof *sa->replay_esn.bitmap);
    sa->has |= SP_XFRM_HAS_USED;
    sa->used = numbers->used;
}

/* ---- what a NIC refuses -----------------------------------------------------------------------------------
 */

uint8_t sp_kernel_sas_refusal(struct sp_kernel_sas *sas, const char *text)
{
    uint8_t number = 1;

    while (number < SP_KERNEL_REFUSALS_MAX - 1 && sas->refusals[number][0] != '\0' &&
           strncmp(sas->refusals[number], text, SP_KERNEL_REFUSAL_BYTES - 1) != 0)
        number++;
    (void)snprintf(sas->refusals[number], sizeof sas->refusals[number], "%s", text);
    return number;
}

/* What NICs tell SAs apart by. */
struct kind {
    struct sp_kernel_place asked;
    bool is_inbound;
    uint8_t family;
    uint32_t reqid;
};

static struct kind kind_of(const struct sp_kernel_sa *sa)
{
    return (struct kind){sa->asked, sa->is_inbound, sa->source.family, sp_kernel_suite_reqid(&sa->suite)};
}

static bool is_of_kind(const struct sp_kernel_sa *sa, const struct kind *kind)
{
    const struct kind own = kind_of(sa);

    return own.asked.mode == kind->asked.mode && own.asked.interface == kind->asked.interface &&
           own.is_inbound == kind->is_inbound && own.family == kind->family && own.reqid == kind->reqid;
}

bool sp_kernel_sas_lower(struct sp_kernel_sas *sas, size_t index, const char *why)
{
    const struct kind refused = kind_of(&sas->wanted[index]);

    if (!sas->wanted[index].takes_what_comes || refused.asked.mode != SP_OFFLOAD_CRYPTO)
        return false;
    const uint8_t number = sp_kernel_sas_refusal(sas, why);
    for (size_t i = 0; i < sas->count; i++) {
        if (!is_of_kind(&sas->wanted[i], &refused))
            continue;
        sas->wanted[i].asked.mode = SP_OFFLOAD_SOFTWARE;
        sas->wanted[i].crypto_refusal = number;
    }
    return true;
}

/* ---- what to ask --------------------------------------------------------------------------------------- */

static uint32_t plan_wanted(const struct sp_kernel_sa *sa, uint32_t index, struct sp_kernel_sa_step *steps)
{
    switch (sa->found) {
    case SP_KERNEL_MISSING:
        steps[0] = (struct sp_kernel_sa_step){XFRM_MSG_NEWSA, true, index};
        return 1;
    case SP_KERNEL_OTHER_LIMITS:
        steps[0] = (struct sp_kernel_sa_step){XFRM_MSG_UPDSA, true, index};
        return 1;
    case SP_KERNEL_OTHER_FORM: /* an update would leave all this as it is */
    case SP_KERNEL_OTHER_KEYS:
        steps[0] = (struct sp_kernel_sa_step){XFRM_MSG_DELSA, true, index};
        steps[1] = (struct sp_kernel_sa_step){XFRM_MSG_NEWSA, true, index};
        return 2;
    default:
        return 0;
    }
}

static bool is_out_of_place(const struct sp_kernel_sa *sa)
{
    return sa->numbers.is_known && (sa->found == SP_KERNEL_MISSING || sa->found == SP_KERNEL_OTHER_FORM);
}

enum sp_status sp_kernel_sas_plan(const struct sp_kernel_sas *sas, enum sp_kernel_sas_aim aim,
                                  struct sp_kernel_sa_step **ret_steps, uint32_t *ret_count)
{
    struct sp_kernel_sa_step *steps = calloc(2 * sas->count + sas->old_count + 1, sizeof *steps);
    uint32_t count = 0;

    if (steps == NULL)
        return SP_ERR_MEMORY;
    for (uint32_t i = 0; aim == SP_KERNEL_BRING && i < sas->count; i++)
        count += plan_wanted(&sas->wanted[i], i, &steps[count]);
    for (uint32_t i = 0; aim == SP_KERNEL_TAKE_BACK && i < sas->count; i++)
        if (sas->wanted[i].is_new)
            steps[count++] = (struct sp_kernel_sa_step){XFRM_MSG_DELSA, true, i};
        else if (is_out_of_place(&sas->wanted[i]))
            count += plan_wanted(&sas->wanted[i], i, &steps[count]);
    for (uint32_t i = 0; aim == SP_KERNEL_END_OLD && i < sas->old_count; i++)
        steps[count++] = (struct sp_kernel_sa_step){XFRM_MSG_DELSA, false, i};
    *ret_steps = steps;
    *ret_count = count;
    return SP_OK;
}

bool sp_kernel_sas_is_tied(const struct sp_kernel_sas *sas, const struct sp_kernel_sa_step *step)
{
    return step->type == XFRM_MSG_DELSA && step->is_of_wanted && !sas->wanted[step->index].is_new;
}

void sp_kernel_sas_message(const struct sp_kernel_sas *sas, const struct sp_kernel_sa_step *step,
                           struct sp_xfrm_message *ret_message)
{
    memset(ret_message, 0, sizeof *ret_message);
    ret_message->type = step->type;
    if (step->is_of_wanted) {
        put_sa(&sas->wanted[step->index], &ret_message->sa);
        if (step->type == XFRM_MSG_NEWSA && sas->wanted[step->index].found != SP_KERNEL_OTHER_KEYS)
            go_on(&sas->wanted[step->index], &ret_message->sa);
        if (step->type == XFRM_MSG_UPDSA) /* the device stays; asked for, it would be tried on a second SA */
            ret_message->sa.has &= ~(uint32_t)SP_XFRM_HAS_DEVICE;
        return;
    }
    const struct sp_kernel_sa_name *name = &sas->old[step->index];
    ret_message->sa = (struct sp_xfrm_sa){.family = name->destination.family,
                                          .spi = name->spi,
                                          .protocol = IPPROTO_ESP,
                                          .source = name->source,
                                          .destination = name->destination};
}
