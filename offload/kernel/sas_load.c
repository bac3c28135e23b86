/* SPDX-License-Identifier: ISC
 *
 * Wanted SAs from an SA file, sorted by what the kernel tells SAs apart by: destination, SPI and protocol.
 */
#include "kernel/sas.h"

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
            !sp_action_is_between(&action, &params->source, &params->destination) ||
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
        .suite = {params->encryption, params->integrity, sp_encap_is_on(&params->encap), params->has_esn,
                  params->mode},
        .encap = params->encap,
        .tunnel = params->tunnel,
        .lifetime = lifetime_of(reading->policy, params),
        .replay_window_packets =
            params->replay_window_packets == 0 ? SP_REPLAY_WINDOW_MIN : params->replay_window_packets,
    };
    if (params->encryption_key_bytes > 0)
        memcpy(sa->encryption_key, params->encryption_key, params->encryption_key_bytes);
    if (params->integrity_key_bytes > 0)
        memcpy(sa->integrity_key, params->integrity_key, params->integrity_key_bytes);
}

int sp_kernel_sa_order(const struct sp_address *left, uint32_t left_spi, const struct sp_address *right,
                       uint32_t right_spi)
{
    int order = left->family - right->family;

    if (order == 0)
        order = memcmp(left->bytes, right->bytes, sizeof left->bytes);
    return order != 0 ? order : (left_spi > right_spi) - (left_spi < right_spi);
}

static int compare_sas(const struct sp_kernel_sa *one, const struct sp_kernel_sa *other)
{
    return sp_kernel_sa_order(&one->destination, one->spi, &other->destination, other->spi);
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
                       "the SA with the SPI 0x%08x has algorithms that only the user backend has: make "
                       "keys for another one, or run the policy in user space",
                       sas->wanted[i].spi);
        return complain(report, path, SP_ERR_UNSUPPORTED, text);
    }
    return SP_OK;
}

/* It copies DF and DSCP, or clears them. */
static enum sp_status check_tunnels(const struct sp_kernel_sas *sas, const char *path,
                                    struct sp_report *report)
{
    char text[256];

    for (size_t i = 0; i < sas->count; i++) {
        const struct sp_tunnel *tunnel = &sas->wanted[i].tunnel;
        const bool sets_df = tunnel->df == SP_TUNNEL_DF_SET;
        if (!sets_df && (!tunnel->has_dscp || tunnel->dscp == 0))
            continue;
        (void)snprintf(
            text, sizeof text,
            "the SA with the SPI 0x%08x has a %s of its own, which the kernel can't give: write copy "
            "or %s, or run the policy in user space",
            sas->wanted[i].spi, sets_df ? "DF" : "DSCP", sets_df ? "clear" : "0");
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
    if (status == SP_OK)
        status = check_tunnels(sas, path, report);
    return status == SP_OK ? check_names(sas, path, report) : status;
}

void sp_kernel_sas_free(struct sp_kernel_sas *sas)
{
    sodium_free(sas->wanted);
    free(sas->old);
    *sas = (struct sp_kernel_sas){.wanted = NULL};
}
