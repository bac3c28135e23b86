/* SPDX-License-Identifier: ISC
 *
 * Snapshots and what is the same for every source: sums and words. Rates and histories are in
 * compare.c.
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

bool last_drop_concerns(const struct last_drop *drop, const struct association *association)
{
    if (drop->has_spi && drop->spi != association->spi)
        return false;
    if (drop->has_sa) /* whose addresses need not be the packet's: a tunnel's aren't */
        return drop->sa == association->number;
    return strcmp(drop->from, association->source) == 0 && strcmp(drop->to, association->destination) == 0;
}

int association_flow(const struct association *association)
{
    return strcmp(association->direction, "in") == 0 ? FLOW_INBOUND : FLOW_OUTBOUND;
}

void snapshot_sum(struct snapshot *snapshot)
{
    uint64_t active = 0, confidential[FLOW_COUNT], authenticated[FLOW_COUNT];
    for (int i = 0; i < FLOW_COUNT; i++) {
        confidential[i] = snapshot->ended[i].confidential_bytes;
        authenticated[i] = snapshot->ended[i].authenticated_bytes;
    }
    for (size_t i = 0; i < snapshot->association_count; i++) {
        const struct association *sa = &snapshot->associations[i];
        const int flow = association_flow(sa);
        active += sa->is_active;
        confidential[flow] += sa->is_confidential ? sa->bytes : 0;
        authenticated[flow] += sa->is_authenticated ? sa->bytes : 0;
    }
    set_if_unknown(snapshot, KNOWN_ACTIVE_ASSOCIATIONS, active);
    set_if_unknown(snapshot, KNOWN_CONFIDENTIAL_SENT, confidential[FLOW_OUTBOUND]);
    set_if_unknown(snapshot, KNOWN_CONFIDENTIAL_RECEIVED, confidential[FLOW_INBOUND]);
    set_if_unknown(snapshot, KNOWN_AUTHENTICATED_SENT, authenticated[FLOW_OUTBOUND]);
    set_if_unknown(snapshot, KNOWN_AUTHENTICATED_RECEIVED, authenticated[FLOW_INBOUND]);
    set_if_unknown(snapshot, KNOWN_BAD_SPI, dropped_inbound(snapshot, SP_DROP_UNKNOWN_SPI));
    set_if_unknown(snapshot, KNOWN_NOT_DECRYPTED,
                   dropped_inbound(snapshot, SP_DROP_BAD_PADDING) +
                       dropped_inbound(snapshot, SP_DROP_BAD_LENGTH) +
                       dropped_inbound(snapshot, SP_DROP_BAD_NEXT_HEADER));
    set_if_unknown(snapshot, KNOWN_NOT_AUTHENTICATED, dropped_inbound(snapshot, SP_DROP_BAD_ICV));
    set_if_unknown(snapshot, KNOWN_REPLAYED, dropped_inbound(snapshot, SP_DROP_REPLAY));
    set_if_unknown(snapshot, KNOWN_SOFT_ASSOCIATIONS, 0); /* nothing here ever falls back to clear text */
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
