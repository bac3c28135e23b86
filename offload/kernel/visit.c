/* SPDX-License-Identifier: ISC
 *
 * What the kernel has, visited. Dumps are taken whole first, because one that was interrupted is asked for
 * again and nobody shall see an entry twice.
 */
#include "kernel/reconcile.h"
#include "kernel/view.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DROPS_PATH "/proc/net/xfrm_stat"

struct list {
    char *entries;
    size_t count, capacity, entry_bytes;
    uint64_t now;
    bool is_out_of_memory;
};

static void begin(void *context)
{
    ((struct list *)context)->count = 0;
}

/* Room for one more; NULL when memory is out. */
static void *next(struct list *list)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 64 : 2 * list->capacity;
        char *wider = realloc(list->entries, capacity * list->entry_bytes);
        if (wider == NULL) {
            list->is_out_of_memory = true;
            return NULL;
        }
        list->entries = wider;
        list->capacity = capacity;
    }
    return list->entries + list->count++ * list->entry_bytes;
}

static void keep_sa(const struct sp_xfrm_message *message, void *context)
{
    struct list *list = context;
    struct sp_offload_sa *sa = message->type == XFRM_MSG_NEWSA ? next(list) : NULL;

    if (sa != NULL)
        sp_kernel_view_sa(&message->sa, list->now, sa);
}

static void keep_policy(const struct sp_xfrm_message *message, void *context)
{
    struct sp_offload_policy *policy =
        message->type == XFRM_MSG_NEWPOLICY && message->policy.direction <= XFRM_POLICY_FWD ? next(context)
                                                                                            : NULL;

    if (policy != NULL)
        sp_kernel_view_policy(&message->policy, policy);
}

static int compare_policies(const void *left, const void *right)
{
    const struct sp_offload_policy *one = left, *other = right;
    int order = -strcmp(one->direction, other->direction); /* out, in, fwd */

    if (order != 0)
        return order;
    return (one->priority > other->priority) - (one->priority < other->priority);
}

static enum sp_status gather(struct sp_xfrm_link *link, uint16_t type, sp_xfrm_on_message *keep,
                             struct list *list)
{
    enum sp_status status = sp_kernel_dump(link, type, begin, keep, list);

    return status == SP_OK && list->is_out_of_memory ? SP_ERR_MEMORY : status;
}

static enum sp_status visit_sas(struct sp_xfrm_link *link, const struct sp_offload_visitor *visitor)
{
    struct list list = {.entry_bytes = sizeof(struct sp_offload_sa), .now = (uint64_t)time(NULL)};
    enum sp_status status = gather(link, XFRM_MSG_GETSA, keep_sa, &list);
    const struct sp_offload_sa *sas = (const void *)list.entries;

    for (size_t i = 0; status == SP_OK && i < list.count; i++)
        visitor->on_sa(&sas[i], visitor->context);
    free(list.entries);
    return status;
}

static enum sp_status visit_policies(struct sp_xfrm_link *link, const struct sp_offload_visitor *visitor)
{
    struct list list = {.entry_bytes = sizeof(struct sp_offload_policy)};
    enum sp_status status = gather(link, XFRM_MSG_GETPOLICY, keep_policy, &list);
    const struct sp_offload_policy *policies = (const void *)list.entries;

    if (status == SP_OK && list.count > 1)
        qsort(list.entries, list.count, list.entry_bytes, compare_policies);
    for (size_t i = 0; status == SP_OK && i < list.count; i++)
        visitor->on_policy(&policies[i], visitor->context);
    free(list.entries);
    return status;
}

static void visit_drops(const struct sp_offload_visitor *visitor)
{
    FILE *in = fopen(DROPS_PATH, "re");

    if (in == NULL)
        return;
    sp_kernel_view_drops(in, visitor->on_drop, visitor->context);
    (void)fclose(in);
}

enum sp_status sp_offload_kernel_visit(const struct sp_offload_visitor *visitor)
{
    struct sp_xfrm_link *link;
    enum sp_status status = sp_xfrm_link_open(&link);

    if (status != SP_OK)
        return status;
    if (visitor->on_sa != NULL)
        status = visit_sas(link, visitor);
    if (status == SP_OK && visitor->on_policy != NULL)
        status = visit_policies(link, visitor);
    if (status == SP_OK && visitor->on_drop != NULL)
        visit_drops(visitor);
    sp_xfrm_link_close(&link);
    return status;
}
