/* SPDX-License-Identifier: ISC
 *
 * Wanted SAs, sorted by what the kernel tells SAs apart by: destination, SPI and protocol.
 */
#include "kernel_sas.h"

#include <linux/udp.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 64u

/* ---- from the file ------------------------------------------------------------------------------------- */

struct reading {
    struct sp_kernel_sas *sas;
    const struct sp_policy *policy;
};

/* Memory of sodium_malloc twice as large; false when there is none. */
static bool make_room(struct sp_kernel_sas *sas)
{
    if (sas->count < sas->capacity)
        return true;
    size_t capacity = sas->capacity == 0 ? FIRST_CAPACITY : 2 * sas->capacity;
    struct sp_kernel_sa *wider = sodium_allocarray(capacity, sizeof *wider);
    if (wider == NULL)
        return false;
    if (sas->count > 0)
        memcpy(wider, sas->wanted, sas->count * sizeof *wider);
    sodium_free(sas->wanted);
    sas->wanted = wider;
    sas->capacity = capacity;
    return true;
}

/* As the user backend has it: the tightest of the actions with this suite, else the preset w2k. */
static struct sp_lifetime lifetime_of(const struct sp_policy *policy, const struct sp_sa_params *params)
{
    struct sp_lifetime lifetime = params->lifetime;
    bool is_limited = params->has_lifetime;

    for (uint32_t i = 0; !params->has_lifetime && i < sp_policy_action_count(policy); i++) {
        struct sp_action_info action;
        if (sp_policy_action(policy, i, &action) != SP_OK || action.encryption != params->encryption ||
            action.integrity != params->integrity || action.mode != params->mode ||
            action.is_encapsulated != sp_encap_is_on(&params->encap) || action.has_esn != params->has_esn)
            continue;
        sp_lifetime_fill_soft(&action.lifetime);
        if (is_limited)
            sp_lifetime_tighten(&lifetime, &action.lifetime);
        else
            lifetime = action.lifetime;
        is_limited = true;
    }
    if (!is_limited)
        (void)!sp_lifetime_preset("w2k", &lifetime);
    sp_lifetime_fill_soft(&lifetime);
    return lifetime;
}

static void take(const struct sp_sa_params *params, void *context)
{
    struct reading *reading = context;
    struct sp_kernel_sas *sas = reading->sas;

    if (sas->is_out_of_memory || !make_room(sas) || params->encryption_key_bytes > SP_KERNEL_KEY_BYTES_MAX ||
        params->integrity_key_bytes > SP_KERNEL_KEY_BYTES_MAX) {
        sas->is_out_of_memory = true;
        return;
    }
    struct sp_kernel_sa *sa = &sas->wanted[sas->count++];
    *sa = (struct sp_kernel_sa){
        .spi = params->spi,
        .source = params->source,
        .destination = params->destination,
        .suite = {params->encryption, params->integrity, sp_encap_is_on(&params->encap), params->has_esn},
        .encap = params->encap,
        .lifetime = lifetime_of(reading->policy, params),
        .replay_window_packets =
            params->replay_window_packets == 0 ? SP_REPLAY_WINDOW_MIN : params->replay_window_packets,
    };
    if (params->encryption_key_bytes > 0)
        memcpy(sa->encryption_key, params->encryption_key, params->encryption_key_bytes);
    if (params->integrity_key_bytes > 0)
        memcpy(sa->integrity_key, params->integrity_key, params->integrity_key_bytes);
}

static int compare_names(const struct sp_address *left, uint32_t left_spi, const struct sp_address *right,
                         uint32_t right_spi)
{
    int order = left->family - right->family;

    if (order == 0)
        order = memcmp(left->bytes, right->bytes, sizeof left->bytes);
    return order != 0 ? order : (left_spi > right_spi) - (left_spi < right_spi);
}

static int compare_sas(const struct sp_kernel_sa *one, const struct sp_kernel_sa *other)
{
    return compare_names(&one->destination, one->spi, &other->destination, other->spi);
}

static void swap(struct sp_kernel_sa *sas, size_t left, size_t right, struct sp_kernel_sa *spare)
{
    *spare = sas[left];
    sas[left] = sas[right];
    sas[right] = *spare;
}

static void sift(struct sp_kernel_sa *sas, size_t at, size_t count, struct sp_kernel_sa *spare)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count)
            return;
        if (child + 1 < count && compare_sas(&sas[child], &sas[child + 1]) < 0)
            child++;
        if (compare_sas(&sas[at], &sas[child]) >= 0)
            return;
        swap(sas, at, child, spare);
        at = child;
    }
}

/* A heap sort of our own: qsort may put keys into memory that nobody wipes. */
static bool sort(struct sp_kernel_sa *sas, size_t count)
{
    struct sp_kernel_sa *spare = sodium_malloc(sizeof *spare);

    if (spare == NULL)
        return false;
    for (size_t at = count / 2; at-- > 0;)
        sift(sas, at, count, spare);
    for (size_t end = count; end-- > 1;) {
        swap(sas, 0, end, spare);
        sift(sas, 0, end, spare);
    }
    sodium_free(spare);
    return true;
}

static enum sp_status complain(struct sp_report *report, const char *path, enum sp_status code,
                               const char *text)
{
    struct sp_error error = {.code = code, .width = 1};

    (void)snprintf(error.file, sizeof error.file, "%s", path);
    (void)snprintf(error.text, sizeof error.text, "%s", text);
    sp_report_add(report, &error);
    return code;
}

static enum sp_status check_suites(const struct sp_kernel_sas *sas, const char *path,
                                   struct sp_report *report)
{
    char text[256];

    for (size_t i = 0; i < sas->count; i++) {
        if (sp_kernel_suite_is_there(&sas->wanted[i].suite))
            continue;
        (void)snprintf(text, sizeof text,
                       "the SA with the SPI 0x%08x has algorithms that only the user backend has: make keys "
                       "for another suite, or run the policy in user space",
                       sas->wanted[i].spi);
        return complain(report, path, SP_ERR_UNSUPPORTED, text);
    }
    return SP_OK;
}

static enum sp_status check_names(const struct sp_kernel_sas *sas, const char *path, struct sp_report *report)
{
    char destination[SP_ADDRESS_TEXT_BYTES], text[256];

    for (size_t i = 1; i < sas->count; i++) {
        if (compare_sas(&sas->wanted[i - 1], &sas->wanted[i]) != 0)
            continue;
        (void)snprintf(text, sizeof text,
                       "two SAs have the SPI 0x%08x to %s: the kernel tells SAs apart by SPI and destination "
                       "alone, so give one of them another SPI",
                       sas->wanted[i].spi, sp_address_format(&sas->wanted[i].destination, destination));
        return complain(report, path, SP_ERR_EXISTS, text);
    }
    return SP_OK;
}

enum sp_status sp_kernel_sas_load(const char *path, const struct sp_policy *policy, struct sp_report *report,
                                  struct sp_kernel_sas *sas)
{
    struct reading reading = {.sas = sas, .policy = policy};

    if (sodium_init() < 0)
        return SP_ERR_MEMORY;
    enum sp_status status = sp_keys_visit(path, take, &reading, report);
    if (status != SP_OK)
        return status;
    if (sas->is_out_of_memory || (sas->count > 1 && !sort(sas->wanted, sas->count)))
        return SP_ERR_MEMORY;
    status = check_suites(sas, path, report);
    return status == SP_OK ? check_names(sas, path, report) : status;
}

void sp_kernel_sas_free(struct sp_kernel_sas *sas)
{
    sodium_free(sas->wanted);
    free(sas->old);
    *sas = (struct sp_kernel_sas){.wanted = NULL};
}

/* ---- beside the kernel's ------------------------------------------------------------------------------- */

void sp_kernel_sas_forget(struct sp_kernel_sas *sas)
{
    for (size_t i = 0; i < sas->count; i++)
        sas->wanted[i].found = SP_KERNEL_MISSING;
    sas->old_count = 0;
    sas->foreign_count = 0;
}

static struct sp_kernel_sa *find(struct sp_kernel_sas *sas, const struct sp_xfrm_sa *actual)
{
    size_t low = 0, high = sas->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        struct sp_kernel_sa *sa = &sas->wanted[middle];
        int order = compare_names(&sa->destination, sa->spi, &actual->destination, actual->spi);
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

/* A window of more than 32 packets is a bitmap in an attribute of its own, extended numbers or not: whether
 * they are, a flag of the SA says. All of ours have such a window. */
static void put_window(struct sp_xfrm_sa *sa, uint32_t window_packets)
{
    sa->has |= SP_XFRM_HAS_REPLAY_ESN;
    sa->replay_esn.window_packets = window_packets;
    sa->replay_esn.bitmap_words = (window_packets + 31) / 32;
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
        .mode = XFRM_MODE_TRANSPORT,
    };
    sp_kernel_suite_put(&sa->suite, sa->encryption_key, sa->integrity_key, ret_sa);
    put_window(ret_sa, sa->replay_window_packets);
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

#define UNWANTED_PARTS                                                                                       \
    (SP_XFRM_HAS_MARK | SP_XFRM_HAS_INTERFACE_ID | SP_XFRM_HAS_DEVICE | SP_XFRM_HAS_OUTPUT_MARK |            \
     SP_XFRM_HAS_EXTRA_FLAGS | SP_XFRM_HAS_PADDING)

static bool is_same_but_limits(const struct sp_xfrm_sa *wanted, const struct sp_xfrm_sa *actual)
{
    struct sp_kernel_suite suite, wanted_suite;

    return sp_kernel_suite_of(actual, &suite) && sp_kernel_suite_of(wanted, &wanted_suite) &&
           suite.encryption == wanted_suite.encryption && suite.integrity == wanted_suite.integrity &&
           suite.is_encapsulated == wanted_suite.is_encapsulated &&
           actual->encap.type == wanted->encap.type &&
           actual->encap.source_port == wanted->encap.source_port &&
           actual->encap.destination_port == wanted->encap.destination_port &&
           is_same_key(&wanted->encryption, &actual->encryption) &&
           is_same_key(&wanted->integrity, &actual->integrity) && is_same_key(&wanted->aead, &actual->aead) &&
           is_same_address(&wanted->source, &actual->source) && actual->reqid == wanted->reqid &&
           actual->mode == wanted->mode && actual->flags == wanted->flags &&
           (actual->has & UNWANTED_PARTS) == 0 && (actual->has & SP_XFRM_HAS_REPLAY_ESN) != 0 &&
           actual->replay_esn.window_packets == wanted->replay_esn.window_packets;
}

static enum sp_kernel_found compare(const struct sp_kernel_sa *wanted, const struct sp_xfrm_sa *actual)
{
    struct sp_xfrm_sa sa;

    if (!sp_kernel_sa_is_ours(actual))
        return SP_KERNEL_TAKEN;
    put_sa(wanted, &sa);
    if (!is_same_but_limits(&sa, actual))
        return SP_KERNEL_OTHER_KEYS;
    return memcmp(&sa.limits, &actual->limits, sizeof sa.limits) == 0 ? SP_KERNEL_EQUAL
                                                                      : SP_KERNEL_OTHER_LIMITS;
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
    for (size_t i = 0; i < sas->count; i++)
        sas->wanted[i].is_new = sas->wanted[i].found == SP_KERNEL_MISSING;
}

const struct sp_kernel_sa *sp_kernel_sas_taken(const struct sp_kernel_sas *sas)
{
    for (size_t i = 0; i < sas->count; i++)
        if (sas->wanted[i].found == SP_KERNEL_TAKEN)
            return &sas->wanted[i];
    return NULL;
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
    case SP_KERNEL_OTHER_KEYS: /* an update would leave the keys as they are */
        steps[0] = (struct sp_kernel_sa_step){XFRM_MSG_DELSA, true, index};
        steps[1] = (struct sp_kernel_sa_step){XFRM_MSG_NEWSA, true, index};
        return 2;
    default:
        return 0;
    }
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
    for (uint32_t i = 0; aim == SP_KERNEL_END_OLD && i < sas->old_count; i++)
        steps[count++] = (struct sp_kernel_sa_step){XFRM_MSG_DELSA, false, i};
    *ret_steps = steps;
    *ret_count = count;
    return SP_OK;
}

void sp_kernel_sas_message(const struct sp_kernel_sas *sas, const struct sp_kernel_sa_step *step,
                           struct sp_xfrm_message *ret_message)
{
    memset(ret_message, 0, sizeof *ret_message);
    ret_message->type = step->type;
    if (step->is_of_wanted) {
        put_sa(&sas->wanted[step->index], &ret_message->sa);
        return;
    }
    const struct sp_kernel_sa_name *name = &sas->old[step->index];
    ret_message->sa = (struct sp_xfrm_sa){.family = name->destination.family,
                                          .spi = name->spi,
                                          .protocol = IPPROTO_ESP,
                                          .source = name->source,
                                          .destination = name->destination};
}
