/* SPDX-License-Identifier: ISC
 *
 * Sallyport: the statistics segment, a file in shared memory that tells what an engine does.
 *
 * The control thread writes it, from counters that the workers keep anyway: the data path neither knows nor
 * feels who reads, or how often. Any number of processes may read, with the calls below, or in any language
 * by mapping the file and following these structs (docs/examples/stats.py does).
 *
 * Layout, version 1. Numbers are in the host's byte order, structs have no hidden padding. The header comes
 * first; tables are where it says, and an entry may be longer than the struct here in a later version 1: step
 * by entry_bytes. A reader refuses entries that are shorter than its structs: the writer is older than it.
 * Texts are UTF-8 and end in a zero byte.
 *
 * Reading consistently (a sequence lock): read header.sequence; when it is odd, begin again; copy; read it
 * again; when it has changed, begin again. All entries of a copy are then of one writing. When flags say
 * REPLACED, the path leads to another file with more room: open that. The file never shrinks while mapped.
 */
#ifndef SALLYPORT_SEGMENT_H
#define SALLYPORT_SEGMENT_H

#include <sallyport/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SP_SEGMENT_MAGIC "SPstats"
#define SP_SEGMENT_VERSION 1u
#define SP_SEGMENT_REASONS 32u /* room for reasons of dropping */

enum {
    SP_SEGMENT_REPLACED = 1, /* the path leads to a newer file */
    SP_SEGMENT_CLOSED = 2,   /* the engine is gone, in good order; these are its last words */
};

enum sp_segment_table_id {
    SP_SEGMENT_TOTALS, /* struct sp_segment_totals, one */
    SP_SEGMENT_REASON, /* struct sp_segment_reason: what dropped_packets[i] counts; [0] is never counted */
    SP_SEGMENT_RULES,  /* struct sp_segment_rule, in the policy's order; the last one is its default */
    SP_SEGMENT_SAS,    /* struct sp_segment_sa, those that exist */
    SP_SEGMENT_TABLES
};

struct sp_segment_table {
    uint64_t offset_bytes; /* from the beginning of the file, a multiple of 8 */
    uint32_t entry_bytes;
    uint32_t count, room; /* entries that are there, and that fit this file */
    uint32_t unused;
};

struct sp_segment_header {
    char magic[8];
    uint32_t version;
    uint32_t flags;
    uint64_t sequence;   /* odd while it is being written, 2 more after each writing */
    uint64_t written_ns; /* since the epoch: when it was last written */
    uint64_t started_ns; /* since the epoch: when the segment was first made */
    uint64_t generation; /* of the policy in force */
    struct sp_segment_table tables[SP_SEGMENT_TABLES];
};

/* struct sp_counters, in a form that doesn't depend on how many reasons there are. */
struct sp_segment_counters {
    uint64_t offered_packets, offered_bytes;
    uint64_t bypassed_packets, sealed_packets, opened_packets;
    uint64_t dropped_packets[SP_SEGMENT_REASONS];
};

/* struct sp_sad_carried: of all SAs that there were, so none of these falls. */
struct sp_segment_carried {
    uint64_t packets, authenticated_bytes, confidential_bytes;
};

struct sp_segment_totals {
    struct sp_segment_counters direction[2]; /* [SP_OUTBOUND], [SP_INBOUND] */
    uint64_t events_lost;
    uint64_t key_additions, key_deletions;
    struct sp_segment_carried carried[2]; /* [SP_OUTBOUND], [SP_INBOUND] */
};

struct sp_segment_reason {
    char id[32];    /* "bad-icv" */
    char text[128]; /* for people */
};

struct sp_segment_rule {
    struct sp_segment_counters direction[2];
    char action[16]; /* "protect" */
    char name[64];   /* cut */
    char text[256];  /* in the policy language, cut; "default" for the last */
};

struct sp_segment_sa {
    struct sp_segment_counters direction[2];
    uint32_t number, spi;
    uint32_t family;                      /* 4 or 6 */
    uint32_t state;                       /* enum sp_sa_state */
    uint8_t source[16], destination[16];  /* network order; of IPv4 the first four bytes */
    uint64_t bytes, packets, age_seconds; /* used of the lifetime */
    uint64_t soft_bytes, hard_bytes, soft_packets, hard_packets, soft_seconds, hard_seconds;
    uint64_t sequence_sent, sequence_received;
    char name[64];
    char encryption[24], integrity[24], fingerprint[24];
};

/* ---- writing ------------------------------------------------------------------------------------------- */

struct sp_segment;

/* Makes the file at path (any old one is replaced in one step), readable by its owner and group, and writes
 * it once. The engine must outlive the segment. SP_ERR_SYSTEM (errno), SP_ERR_MEMORY. Control thread. */
SP_API enum sp_status sp_segment_create(const char *path, const struct sp_engine *engine,
                                        struct sp_segment **ret_segment) SP_MUST_USE;
/* Writes what the counters are now. When rules or SAs have outgrown the file, a larger one takes its place.
 * SP_ERR_SYSTEM (errno: no larger file; the old one stays as it was), SP_ERR_MEMORY. Control thread. */
SP_API enum sp_status sp_segment_write(struct sp_segment *segment) SP_MUST_USE;
/* Writes once more, marked CLOSED, removes the file from its path, frees and nulls. Who has it open keeps the
 * last figures. *segment may be NULL. */
SP_API void sp_segment_destroy(struct sp_segment **segment);

/* ---- reading ------------------------------------------------------------------------------------------- */

struct sp_stats_reader;

/* Opens the segment at path and takes a first copy. SP_ERR_SYSTEM (errno), SP_ERR_UNSUPPORTED (not a segment,
 * or of another version), SP_ERR_MEMORY. A reader is for one thread at a time. */
SP_API enum sp_status sp_stats_open(const char *path, struct sp_stats_reader **ret_reader) SP_MUST_USE;
/* Takes a new consistent copy; what the calls below returned before is void. Follows a REPLACED file.
 * SP_ERR_LIMIT (the writer writes without a pause, or died while it wrote), else as sp_stats_open; on failure
 * the former copy stays. */
SP_API enum sp_status sp_stats_refresh(struct sp_stats_reader *reader) SP_MUST_USE;
/* Of the copy: the header, how many entries a table has, and entry index of it, NULL past its end. Cast to
 * the struct that the table's name stands for. Valid until the next refresh. */
SP_API const struct sp_segment_header *sp_stats_header(const struct sp_stats_reader *reader);
SP_API uint32_t sp_stats_count(const struct sp_stats_reader *reader, enum sp_segment_table_id table);
SP_API const void *sp_stats_entry(const struct sp_stats_reader *reader, enum sp_segment_table_id table,
                                  uint32_t index);
/* Frees and nulls; *reader may be NULL. */
SP_API void sp_stats_close(struct sp_stats_reader **reader);

#ifdef __cplusplus
}
#endif
#endif
