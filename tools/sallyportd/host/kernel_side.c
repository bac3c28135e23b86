/* SPDX-License-Identifier: ISC
 *
 * Looks at the kernel's side and takes it away; kernel_side.h says why.
 */
#include "host/kernel_side.h"

#include "log.h"

#include <sallyport/offload.h>

#include <stdlib.h>
#include <string.h>

/* An SA, as bytes that can be compared. */
struct identity {
    uint32_t spi;
    struct sp_address source, destination;
    char fingerprint[17];
};

struct look {
    struct kernel_side side;
    struct identity *used; /* by the kernel */
    size_t used_count, capacity;
    bool is_out_of_memory;
    const struct identity *conflict;
};

static struct identity identity_of(uint32_t spi, const struct sp_address *source,
                                   const struct sp_address *destination, const char *fingerprint)
{
    struct identity identity;
    memset(&identity, 0, sizeof identity);
    identity.spi = spi;
    identity.source.family = source->family;
    identity.destination.family = destination->family;
    memcpy(identity.source.bytes, source->bytes, source->family == 4 ? 4 : 16);
    memcpy(identity.destination.bytes, destination->bytes, destination->family == 4 ? 4 : 16);
    memcpy(identity.fingerprint, fingerprint, sizeof identity.fingerprint);
    return identity;
}

static int compare(const void *left, const void *right)
{
    return memcmp(left, right, sizeof(struct identity));
}

static void note(struct look *look, const struct identity *identity)
{
    if (look->used_count == look->capacity) {
        const size_t capacity = look->capacity ? 2 * look->capacity : 64;
        struct identity *wider = realloc(look->used, capacity * sizeof *wider);
        if (!wider) {
            look->is_out_of_memory = true;
            return;
        }
        look->used = wider;
        look->capacity = capacity;
    }
    look->used[look->used_count++] = *identity;
}

static void see_sa(const struct sp_offload_sa *sa, void *context)
{
    struct look *look = context;
    if (!sa->is_ours || sa->is_larval)
        return;
    look->side.sas++;
    if (!sa->has_suite || (sa->packets == 0 && sa->sequence_sent == 0 && sa->sequence_received == 0))
        return;
    const struct identity identity = identity_of(sa->spi, &sa->source, &sa->destination, sa->fingerprint);
    note(look, &identity);
}

static void see_policy(const struct sp_offload_policy *policy, void *context)
{
    struct look *look = context;
    look->side.policies += policy->is_ours;
}

static void see_new(const struct sp_sa_info *sa, void *context)
{
    struct look *look = context;
    const struct identity identity = identity_of(sa->spi, &sa->source, &sa->destination, sa->fingerprint);
    const struct identity *found =
        bsearch(&identity, look->used, look->used_count, sizeof *look->used, compare);
    if (found && !look->conflict)
        look->conflict = found;
}

static bool hold_against(struct look *look, const struct sp_sad_reload *keys)
{
    if (look->is_out_of_memory) {
        log_line("no memory");
        return false;
    }
    if (look->used_count == 0)
        return true;
    qsort(look->used, look->used_count, sizeof *look->used, compare);
    sp_sad_reload_visit(keys, see_new, look);
    if (look->conflict)
        log_line("the kernel has used the SA 0x%08x, and its sequence numbers can't be taken along: make "
                 "new keys",
                 look->conflict->spi);
    return !look->conflict;
}

bool kernel_side_look(const struct sp_sad_reload *keys, struct kernel_side *ret_side)
{
    struct look look = {.used = NULL};
    const struct sp_offload_visitor visitor = {.on_sa = see_sa, .on_policy = see_policy, .context = &look};
    const enum sp_status status = sp_offload_kernel_visit(&visitor);
    *ret_side = (struct kernel_side){0};
    if (status == SP_ERR_UNSUPPORTED)
        return true; /* no XFRM: nothing is there */
    if (status != SP_OK)
        log_line("can't look at what the kernel's IPsec has: %s", sp_status_text(status));
    const bool is_free = status == SP_OK && hold_against(&look, keys);
    if (is_free)
        *ret_side = look.side;
    free(look.used);
    return is_free;
}

void kernel_side_foresee(void)
{
    struct look look = {.used = NULL};
    const struct sp_offload_visitor visitor = {.on_sa = see_sa, .on_policy = see_policy, .context = &look};
    if (sp_offload_kernel_visit(&visitor) == SP_OK && look.side.policies + look.side.sas > 0)
        log_line("the kernel has %u policies and %u SAs that \"ipsecctl load\" gave it, and both must not do "
                 "the ESP: \"ipsecctl flush --backend kernel\" now that the guard is up",
                 look.side.policies, look.side.sas);
    free(look.used);
}

bool kernel_side_take(const struct kernel_side *side)
{
    struct sp_report *report = NULL;
    struct sp_offload_changes changes;
    if (side->policies == 0 && side->sas == 0)
        return true;
    enum sp_status status = sp_report_create(&report);
    if (status == SP_OK)
        status = sp_offload_kernel_flush(false, NULL, NULL, report, &changes);
    if (status == SP_OK)
        log_line("taken from the kernel, which \"ipsecctl load\" had given it: %u policies, %u SAs",
                 changes.policies_deleted, changes.sas_deleted);
    else
        log_line("what \"ipsecctl load\" gave the kernel can't be taken away: %s",
                 report && sp_report_count(report) > 0 ? sp_report_get(report, 0)->text
                                                       : sp_status_text(status));
    sp_report_destroy(&report);
    return status == SP_OK;
}
