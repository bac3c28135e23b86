/* SPDX-License-Identifier: ISC
 *
 * Snapshots and what is the same for every source: sums, rates, histories.
 */
#include "model.h"

#include "tool.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *id, *title;
} known_names[] = {
#define X(name, id, title) [KNOWN_##name] = {id, title},
    KNOWN_COUNTERS(X)
#undef X
};

const char *known_counter_id(enum known_counter counter)
{
    return known_names[counter].id;
}

const char *known_counter_title(enum known_counter counter)
{
    return known_names[counter].title;
}

/* ---- making -------------------------------------------------------------------------------------------- */

struct snapshot *snapshot_create(void)
{
    struct timespec monotonic, wall;
    struct snapshot *snapshot = tool_need(calloc(1, sizeof *snapshot));
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    clock_gettime(CLOCK_REALTIME, &wall);
    snapshot->at_ns = (uint64_t)monotonic.tv_sec * 1000000000u + (uint64_t)monotonic.tv_nsec;
    snapshot->time = (double)wall.tv_sec + (double)wall.tv_nsec / 1e9;
    snapshot->warning = snapshot->backend = snapshot->version = "";
    snapshot->policy_file = snapshot->default_action = "";
    return snapshot;
}

void snapshot_destroy(struct snapshot **snapshot)
{
    if (!*snapshot)
        return;
    json_decref((*snapshot)->status);
    pool_free(&(*snapshot)->pool);
    free(*snapshot);
    *snapshot = NULL;
}

void snapshot_set_down(struct snapshot *snapshot, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(snapshot->reason, sizeof snapshot->reason, format, arguments);
    va_end(arguments);
    snapshot->is_up = false;
}

void snapshot_set_associations(struct snapshot *snapshot, size_t count)
{
    snapshot->associations = pool_take(&snapshot->pool, count * sizeof *snapshot->associations);
    snapshot->association_count = count;
    for (size_t i = 0; i < count; i++) {
        struct association *sa = &snapshot->associations[i];
        sa->name = sa->policy = sa->filter = sa->rule = sa->security = sa->suite = "";
        sa->direction = sa->source = sa->destination = sa->peer = "";
        sa->protocol = sa->source_ports = sa->destination_ports = sa->mode = sa->tunnel = "";
        sa->requested = sa->granted = sa->state = sa->fingerprint = "";
    }
}

void snapshot_set_known(struct snapshot *snapshot, enum known_counter counter, uint64_t value)
{
    snapshot->known[counter] = (struct known_value){.is_known = true, .value = value};
}

static void set_if_unknown(struct snapshot *snapshot, enum known_counter counter, uint64_t value)
{
    if (!snapshot->known[counter].is_known)
        snapshot_set_known(snapshot, counter, value);
}

static uint64_t dropped_inbound(const struct snapshot *snapshot, enum sp_drop reason)
{
    uint64_t packets = 0;
    for (size_t i = 0; i < snapshot->drop_count; i++)
        if (strcmp(snapshot->drops[i].where, "inbound") == 0 &&
            strcmp(snapshot->drops[i].reason, sp_drop_id(reason)) == 0)
            packets += snapshot->drops[i].packets;
    return packets;
}

void snapshot_sum(struct snapshot *snapshot)
{
    uint64_t active = 0, confidential[2] = {0}, authenticated[2] = {0};
    for (size_t i = 0; i < snapshot->association_count; i++) {
        const struct association *sa = &snapshot->associations[i];
        const bool is_in = strcmp(sa->direction, "in") == 0;
        active += sa->is_active;
        confidential[is_in] += sa->is_confidential ? sa->bytes : 0;
        authenticated[is_in] += sa->is_authenticated ? sa->bytes : 0;
    }
    set_if_unknown(snapshot, KNOWN_ACTIVE_ASSOCIATIONS, active);
    set_if_unknown(snapshot, KNOWN_CONFIDENTIAL_SENT, confidential[0]);
    set_if_unknown(snapshot, KNOWN_CONFIDENTIAL_RECEIVED, confidential[1]);
    set_if_unknown(snapshot, KNOWN_AUTHENTICATED_SENT, authenticated[0]);
    set_if_unknown(snapshot, KNOWN_AUTHENTICATED_RECEIVED, authenticated[1]);
    set_if_unknown(snapshot, KNOWN_BAD_SPI, dropped_inbound(snapshot, SP_DROP_UNKNOWN_SPI));
    set_if_unknown(snapshot, KNOWN_NOT_DECRYPTED,
                   dropped_inbound(snapshot, SP_DROP_BAD_PADDING) +
                       dropped_inbound(snapshot, SP_DROP_BAD_LENGTH) +
                       dropped_inbound(snapshot, SP_DROP_BAD_NEXT_HEADER));
    set_if_unknown(snapshot, KNOWN_NOT_AUTHENTICATED, dropped_inbound(snapshot, SP_DROP_BAD_ICV));
    set_if_unknown(snapshot, KNOWN_REPLAYED, dropped_inbound(snapshot, SP_DROP_REPLAY));
    set_if_unknown(snapshot, KNOWN_SOFT_ASSOCIATIONS, 0); /* nothing here ever falls back to clear text */
}

/* ---- comparing ----------------------------------------------------------------------------------------- */

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
        if (before && sa->esp_packets >= before->esp_packets && sa->packets >= before->packets) {
            sa->has_rates = true;
            sa->new_esp_packets = sa->esp_packets - before->esp_packets;
            sa->packets_second = rate(before->packets, sa->packets, snapshot->seconds);
            sa->bytes_second = rate(before->bytes, sa->bytes, snapshot->seconds);
        }
        extend_history(snapshot, sa, before);
    }
    free(index.slots);
}

static void compare_flows(struct snapshot *snapshot, const struct snapshot *former)
{
    for (int i = 0; i < FLOW_COUNT; i++) {
        struct flow *now = &snapshot->flows[i];
        const struct flow *before = &former->flows[i];
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
    if (!former || !former->is_up || !snapshot->is_up || snapshot->at_ns <= former->at_ns ||
        snapshot->life != former->life || snapshot->uptime_seconds < former->uptime_seconds)
        return;
    snapshot->seconds = (double)(snapshot->at_ns - former->at_ns) / 1e9;
    compare_associations(snapshot, former);
    compare_flows(snapshot, former);
    compare_drops(snapshot, former);
}

/* ---- words --------------------------------------------------------------------------------------------- */

const char *security_text(struct pool *pool, const char *encryption, const char *integrity)
{
    static const struct {
        const char *name, *text;
    } words[] = {
        {"null", "no encryption"},
        {"3des-cbc", "3DES"},
        {"aes128-gcm16", "AES-128-GCM"},
        {"aes256-gcm16", "AES-256-GCM"},
        {"hmac-md5-96", "HMAC MD5"},
        {"hmac-sha1-96", "HMAC SHA1"},
        {"hmac-sha2-256-128", "HMAC SHA2-256"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        encryption = strcmp(encryption, words[i].name) == 0 ? words[i].text : encryption;
        integrity = strcmp(integrity, words[i].name) == 0 ? words[i].text : integrity;
    }
    if (!*encryption)
        return "";
    if (!*integrity || strcmp(integrity, "combined") == 0)
        return pool_format(pool, "ESP %s", encryption);
    return pool_format(pool, "ESP %s/%s", encryption, integrity);
}

static int percent_of(uint64_t used, uint64_t limit)
{
    if (limit == 0)
        return -1;
    return used >= limit ? 100 : (int)((double)used * 100.0 / (double)limit);
}

int association_used_percent(const struct association *association)
{
    const int parts[] = {percent_of(association->bytes, association->hard_bytes),
                         percent_of(association->packets, association->hard_packets),
                         percent_of(association->age_seconds, association->hard_seconds)};
    int most = -1;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        most = parts[i] > most ? parts[i] : most;
    return most;
}

static bool left(uint64_t used, uint64_t limit, uint64_t *ret_left)
{
    if (limit == 0)
        return false;
    *ret_left = used < limit ? limit - used : 0;
    return true;
}

bool association_seconds_left(const struct association *association, uint64_t *ret_seconds)
{
    return left(association->age_seconds, association->hard_seconds, ret_seconds);
}

bool association_bytes_left(const struct association *association, uint64_t *ret_bytes)
{
    return left(association->bytes, association->hard_bytes, ret_bytes);
}
