/* SPDX-License-Identifier: ISC
 *
 * The model: what a host's IPsec does at one moment, whoever does it. Sources fill it, views show it; neither
 * knows the other.
 *
 * Texts are never NULL; "" means that the source doesn't say. A number that a source can't know is marked so.
 */
#ifndef IPSECMON_MODEL_H
#define IPSECMON_MODEL_H

#include "pool.h"

#include <sallyport/stats.h>

#include <jansson.h>
#include <stdbool.h>

/* How many past rates an association remembers, for its graph. */
#define HISTORY_SAMPLES 120u

struct association {
    uint32_t number, spi;
    const char *name;                        /* of the SA */
    const char *policy, *filter;             /* the file, and the rule's name or its place */
    const char *rule;                        /* its text */
    const char *security, *suite;            /* "ESP 3DES/HMAC SHA1", "3des-cbc hmac-sha1-96" */
    const char *direction;                   /* "out", "in", "none" */
    const char *source, *destination, *peer; /* addresses */
    const char *protocol, *source_ports, *destination_ports; /* of the rule; "any" */
    const char *mode, *tunnel;                               /* tunnel: its endpoints, "" in transport mode */
    const char *requested, *granted; /* backends: "user", "kernel", "nic eth0 (crypto)" */
    const char *state, *fingerprint;
    bool is_ours, is_active;
    bool is_confidential, is_authenticated;
    uint64_t bytes, packets, age_seconds; /* used of the lifetime */
    uint64_t esp_packets;                 /* really sealed or opened */
    uint64_t dropped_packets;
    uint64_t drops[SP_DROP_COUNT];
    uint64_t soft_bytes, hard_bytes, soft_packets, hard_packets, soft_seconds, hard_seconds; /* 0: none */
    uint64_t sequence_sent, sequence_received, replay_window_packets;
    /* since the former snapshot */
    bool has_rates;
    uint64_t new_esp_packets;
    double packets_second, bytes_second;
    const float *history; /* bits a second, the oldest first; NULL: not kept */
    uint32_t history_count;
};

/* Why packets didn't go on. */
struct drop_count {
    const char *where; /* "outbound", "inbound", or what else drops: "guard_in", "kernel" */
    const char *reason, *text;
    uint64_t packets;
    double packets_second;
};

/* A packet that was dropped. */
struct last_drop {
    double age_seconds;
    const char *direction, *protocol; /* "": it could not be read, nor could what follows */
    const char *source, *destination; /* with ports where there are any */
    const char *from, *to;            /* the addresses alone */
    const char *reason, *rule;
    bool has_spi, has_sequence, has_sa;
    uint32_t spi, sequence, sa;
};

/* One direction of everything. */
struct flow {
    uint64_t offered_packets, offered_bytes, bypassed_packets, sealed_packets, opened_packets,
        dropped_packets;
    double packets_second, bytes_second, dropped_second;
};
enum { FLOW_OUTBOUND, FLOW_INBOUND, FLOW_COUNT };

/* What associations of one direction carried that are gone, as far as it was seen. */
struct ended {
    uint64_t packets, bytes, confidential_bytes, authenticated_bytes, bad_icv_packets;
};

/* The counters by the names under which people know them. */
#define KNOWN_COUNTERS(X)                                                                                    \
    X(ACTIVE_ASSOCIATIONS, "active_associations", "Active Associations")                                     \
    X(CONFIDENTIAL_SENT, "confidential_bytes_sent", "Confidential Bytes Sent")                               \
    X(CONFIDENTIAL_RECEIVED, "confidential_bytes_received", "Confidential Bytes Received")                   \
    X(AUTHENTICATED_SENT, "authenticated_bytes_sent", "Authenticated Bytes Sent")                            \
    X(AUTHENTICATED_RECEIVED, "authenticated_bytes_received", "Authenticated Bytes Received")                \
    X(BAD_SPI, "bad_spi_packets", "Bad SPI Packets")                                                         \
    X(NOT_DECRYPTED, "packets_not_decrypted", "Packets Not Decrypted")                                       \
    X(NOT_AUTHENTICATED, "packets_not_authenticated", "Packets Not Authenticated")                           \
    X(REPLAYED, "packets_with_replay_detection", "Packets With Replay Detection")                            \
    X(KEY_ADDITIONS, "key_additions", "Key Additions")                                                       \
    X(KEY_DELETIONS, "key_deletions", "Key Deletions")                                                       \
    X(SOFT_ASSOCIATIONS, "soft_associations", "Soft Associations")                                           \
    X(PENDING, "acquires", "Associations Missed (acquires)")                                                 \
    X(SOFT_EXPIRED, "soft_expirations", "Soft Expirations")                                                  \
    X(HARD_EXPIRED, "hard_expirations", "Hard Expirations")

enum known_counter {
#define X(name, id, title) KNOWN_##name,
    KNOWN_COUNTERS(X)
#undef X
        KNOWN_COUNT
};
const char *known_counter_id(enum known_counter counter);
const char *known_counter_title(enum known_counter counter);

struct known_value {
    bool is_known;
    uint64_t value;
};

struct snapshot {
    struct pool pool;
    bool is_up; /* the source answered; else reason says why not, for people */
    char reason[256];
    bool is_enabled;     /* a policy is in force that protects or blocks */
    const char *warning; /* up, but not all is well: "" or a sentence */
    uint64_t at_ns;      /* CLOCK_MONOTONIC */
    double time;         /* seconds since 1970 */
    double seconds;      /* since the former snapshot of the same source's life; 0: there is none */
    const char *backend, *version, *policy_file, *default_action;
    uint64_t life; /* differs from the former's: its counters began anew */
    uint64_t pid, uptime_seconds, generation;
    bool has_daemon; /* pid, uptime and generation mean something */
    struct flow flows[FLOW_COUNT];
    struct ended ended[FLOW_COUNT];
    struct known_value known[KNOWN_COUNT];
    struct association *associations;
    size_t association_count;
    struct drop_count *drops;
    size_t drop_count;
    struct last_drop *last_drops; /* the newest first */
    size_t last_drop_count;
    bool has_last_drops; /* the source keeps them */
    json_t *status;      /* the source's own words, for scripts; NULL: none */
};

/* Names a source can't be. */
struct snapshot *snapshot_create(void);
void snapshot_destroy(struct snapshot **snapshot);
/* Not up, for this reason. */
void snapshot_set_down(struct snapshot *snapshot, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Room for so many; pool memory, zeroed, with all texts "". */
void snapshot_set_associations(struct snapshot *snapshot, size_t count);
void snapshot_set_known(struct snapshot *snapshot, enum known_counter counter, uint64_t value);
/* For a source that tells of living associations only: what went since the former snapshot stays in the sums.
 * Before snapshot_sum(). former: NULL: none. */
void snapshot_keep_ended(struct snapshot *snapshot, const struct snapshot *former);
/* What can be summed over associations and drop reasons, where a source has no better figure. */
void snapshot_sum(struct snapshot *snapshot);
/* Rates and histories since the former one, NULL: none. */
void snapshot_compare(struct snapshot *snapshot, const struct snapshot *former);

/* "ESP 3DES/HMAC SHA1" of the names in the policy language. */
const char *security_text(struct pool *pool, const char *encryption, const char *integrity);
/* Is it a packet of this association, or one that found none on the way between its addresses? */
bool last_drop_concerns(const struct last_drop *drop, const struct association *association);
/* Which flow it is part of. */
int association_flow(const struct association *association);
/* How much of its tightest hard limit is used, in percent; -1: it has none. */
int association_used_percent(const struct association *association);
/* What is left of it; false: no such limit. */
bool association_seconds_left(const struct association *association, uint64_t *ret_seconds);
bool association_bytes_left(const struct association *association, uint64_t *ret_bytes);

#endif
