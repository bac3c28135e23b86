/* SPDX-License-Identifier: ISC
 *
 * A snapshot beside the former one: rates, histories, and counters that don't fall.
 *
 * An association takes its counters with it when it goes. A source that knows nothing of those that are gone
 * (the kernel) would show sums that fall with each new key, which whoever computes a rate takes for a
 * restart. So what went between two looks stays in the sums, as much as was seen of it.
 */
#include "model.h"

#include "tool.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_text(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}

static uint64_t hash_of(const struct association *sa)
{
    uint64_t hash = (0xcbf29ce484222325u ^ sa->spi) * 0x100000001b3u;
    hash = hash_text(hash, sa->destination);
    return hash_text(hash, sa->fingerprint);
}

static bool is_same(const struct association *one, const struct association *other)
{
    return one->spi == other->spi && strcmp(one->source, other->source) == 0 &&
           strcmp(one->destination, other->destination) == 0 &&
           strcmp(one->fingerprint, other->fingerprint) == 0;
}

/* Where each association of the former snapshot stands: open addressing, at most half full. */
struct index {
    const struct association **slots;
    size_t mask;
};

static struct index index_of(const struct snapshot *snapshot)
{
    struct index index = {.mask = 15};
    while (index.mask < snapshot->association_count * 2)
        index.mask = index.mask * 2 + 1;
    index.slots = tool_need(calloc(index.mask + 1, sizeof(const struct association *)));
    for (size_t i = 0; i < snapshot->association_count; i++) {
        size_t slot = hash_of(&snapshot->associations[i]) & index.mask;
        while (index.slots[slot])
            slot = (slot + 1) & index.mask;
        index.slots[slot] = &snapshot->associations[i];
    }
    return index;
}

static const struct association *find(const struct index *index, const struct association *wanted)
{
    for (size_t slot = hash_of(wanted) & index->mask; index->slots[slot]; slot = (slot + 1) & index->mask)
        if (is_same(index->slots[slot], wanted))
            return index->slots[slot];
    return NULL;
}

/* It goes on in now: the same one, and not made anew under the same name. */
static bool goes_on(const struct association *before, const struct association *now)
{
    return now && now->esp_packets >= before->esp_packets && now->packets >= before->packets &&
           now->bytes >= before->bytes;
}

static bool is_comparable(const struct snapshot *snapshot, const struct snapshot *former)
{
    return former && former->is_up && snapshot->is_up && snapshot->at_ns > former->at_ns &&
           snapshot->life == former->life && snapshot->uptime_seconds >= former->uptime_seconds;
}

/* ---- what is gone -------------------------------------------------------------------------------------- */

static void add_ended(struct ended *ended, const struct association *sa)
{
    ended->packets += sa->packets;
    ended->bytes += sa->bytes;
    ended->confidential_bytes += sa->is_confidential ? sa->bytes : 0;
    ended->authenticated_bytes += sa->is_authenticated ? sa->bytes : 0;
    ended->bad_icv_packets += sa->drops[SP_DROP_BAD_ICV];
}

void snapshot_keep_ended(struct snapshot *snapshot, const struct snapshot *former)
{
    if (!is_comparable(snapshot, former))
        return;
    const struct index index = index_of(snapshot);
    memcpy(snapshot->ended, former->ended, sizeof snapshot->ended);
    for (size_t i = 0; i < former->association_count; i++) {
        const struct association *before = &former->associations[i];
        if (!goes_on(before, find(&index, before)))
            add_ended(&snapshot->ended[association_flow(before)], before);
    }
    free(index.slots);
}

/* ---- rates --------------------------------------------------------------------------------------------- */

static double rate(uint64_t before, uint64_t now, double seconds)
{
    return seconds > 0 && now >= before ? (double)(now - before) / seconds : 0;
}

static void extend_history(struct snapshot *snapshot, struct association *sa,
                           const struct association *former)
{
    const uint32_t known = former ? former->history_count : 0;
    const uint32_t kept = known < HISTORY_SAMPLES ? known : HISTORY_SAMPLES - 1;
    float *history = pool_take(&snapshot->pool, (kept + 1) * sizeof *history);
    if (kept > 0)
        memcpy(history, former->history + (known - kept), kept * sizeof *history);
    history[kept] = (float)(sa->bytes_second * 8.0);
    sa->history = history;
    sa->history_count = kept + 1;
}

static void compare_associations(struct snapshot *snapshot, const struct snapshot *former)
{
    const struct index index = index_of(former);
    for (size_t i = 0; i < snapshot->association_count; i++) {
        struct association *sa = &snapshot->associations[i];
        const struct association *before = find(&index, sa);
        if (before && goes_on(before, sa)) {
            sa->has_rates = true;
            sa->new_esp_packets = sa->esp_packets - before->esp_packets;
            sa->packets_second = rate(before->packets, sa->packets, snapshot->seconds);
            sa->bytes_second = rate(before->bytes, sa->bytes, snapshot->seconds);
        }
        extend_history(snapshot, sa, before);
    }
    free(index.slots);
}

/* A packet that the host could not send moves from one verdict to another, and is already counted when we
 * look in between: for that moment the former figure stands. */
static void hold_flow(struct flow *now, const struct flow *before)
{
    uint64_t *const figures[] = {&now->bypassed_packets, &now->sealed_packets, &now->opened_packets,
                                 &now->dropped_packets};
    const uint64_t former[] = {before->bypassed_packets, before->sealed_packets, before->opened_packets,
                               before->dropped_packets};
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        *figures[i] = *figures[i] > former[i] ? *figures[i] : former[i];
}

static void compare_flows(struct snapshot *snapshot, const struct snapshot *former)
{
    for (int i = 0; i < FLOW_COUNT; i++) {
        struct flow *now = &snapshot->flows[i];
        const struct flow *before = &former->flows[i];
        hold_flow(now, before);
        now->packets_second = rate(before->offered_packets, now->offered_packets, snapshot->seconds);
        now->bytes_second = rate(before->offered_bytes, now->offered_bytes, snapshot->seconds);
        now->dropped_second = rate(before->dropped_packets, now->dropped_packets, snapshot->seconds);
    }
}

/* Both lists are in the same order as long as the policy is the same one. */
static void compare_drops(struct snapshot *snapshot, const struct snapshot *former)
{
    for (size_t i = 0; i < snapshot->drop_count && i < former->drop_count; i++) {
        struct drop_count *now = &snapshot->drops[i];
        const struct drop_count *before = &former->drops[i];
        if (strcmp(now->where, before->where) == 0 && strcmp(now->reason, before->reason) == 0)
            now->packets_second = rate(before->packets, now->packets, snapshot->seconds);
    }
}

void snapshot_compare(struct snapshot *snapshot, const struct snapshot *former)
{
    if (!is_comparable(snapshot, former))
        return;
    snapshot->seconds = (double)(snapshot->at_ns - former->at_ns) / 1e9;
    compare_associations(snapshot, former);
    compare_flows(snapshot, former);
    compare_drops(snapshot, former);
}
