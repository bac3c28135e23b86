/* SPDX-License-Identifier: ISC
 *
 * The statistics segment, written (sallyport/segment.h tells the layout).
 *
 * A file is made under a name of its own and moved to its path when it is complete, so that whoever opens the
 * path finds a segment and never the beginning of one. Writing is a sequence lock with this thread as its one
 * writer (Boehm, "Can seqlocks get along with programming language memory models?", 2012).
 */
#include "core/misuse.h"
#include "engine/engine.h"

#include <sallyport/segment.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

_Static_assert(SP_DROP_COUNT <= SP_SEGMENT_REASONS, "more reasons take a new version of the segment");
_Static_assert(sizeof(struct sp_segment_header) == 48 + SP_SEGMENT_TABLES * sizeof(struct sp_segment_table),
               "no hidden padding");
_Static_assert(sizeof(struct sp_segment_rule) == sizeof(struct sp_segment_counters) * 2 + 16 + 64 + 256,
               "no hidden padding");
_Static_assert(sizeof(struct sp_segment_totals) == sizeof(struct sp_segment_counters) * 2 + 9 * 8,
               "no hidden padding");
_Static_assert(sizeof(struct sp_segment_sa) ==
                   sizeof(struct sp_segment_counters) * 2 + 16 + 32 + 11 * 8 + 64 + 3 * 24,
               "no hidden padding");

#define ROOM_LEAST 64u

struct sp_segment {
    const struct sp_engine *engine;
    char *path;
    uint64_t started_ns;
    uint8_t *memory; /* the file, mapped */
    size_t memory_bytes;
    uint64_t texts_generation; /* of the policy whose rules' texts are in the file */
    struct sp_segment_table
        tables[SP_SEGMENT_TABLES]; /* where they are: not asked of a file that others map */
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct sp_segment_header *header_of(uint8_t *memory)
{
    return (struct sp_segment_header *)memory;
}

static void *entry_at(const struct sp_segment *segment, enum sp_segment_table_id id, uint32_t index)
{
    const struct sp_segment_table *table = &segment->tables[id];
    return segment->memory + table->offset_bytes + (size_t)index * table->entry_bytes;
}

static void set_count(const struct sp_segment *segment, enum sp_segment_table_id id, uint32_t count)
{
    header_of(segment->memory)->tables[id].count = count;
}

static uint32_t rule_count(const struct sp_segment *segment)
{
    return segment->engine->snapshot ? segment->engine->snapshot->rule_count + 1 : 0;
}

/* ---- the file ------------------------------------------------------------------------------------------ */

/* Lays the tables out one after another; returns how long the file must be. */
static size_t lay_out(struct sp_segment_table *tables, uint32_t rules, uint32_t sas)
{
    const uint32_t rooms[] = {1, SP_DROP_COUNT, rules, sas};
    const uint32_t sizes[] = {sizeof(struct sp_segment_totals), sizeof(struct sp_segment_reason),
                              sizeof(struct sp_segment_rule), sizeof(struct sp_segment_sa)};
    uint64_t at = sizeof(struct sp_segment_header);
    for (int id = 0; id < SP_SEGMENT_TABLES; id++) {
        tables[id] =
            (struct sp_segment_table){.offset_bytes = at, .entry_bytes = sizes[id], .room = rooms[id]};
        at += (uint64_t)rooms[id] * sizes[id];
    }
    return at;
}

/* A new file beside path, of len_bytes zeros, mapped; its name goes to name. NULL: errno tells. */
static uint8_t *make_file(const char *path, size_t len_bytes, char **ret_name)
{
    const size_t name_bytes = strlen(path) + 8;
    char *name = malloc(name_bytes);
    if (!name)
        return NULL;
    snprintf(name, name_bytes, "%s.XXXXXX", path);
    uint8_t *memory = MAP_FAILED;
    const int fd = mkstemp(name);
    /* posix_fallocate, so that a full file system is an error here and not a signal at some later store */
    const int error = fd < 0 ? errno : posix_fallocate(fd, 0, (off_t)len_bytes);
    if (fd >= 0 && error == 0 && fchmod(fd, S_IRUSR | S_IWUSR | S_IRGRP) == 0)
        memory = mmap(NULL, len_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    const int reason = error ? error : errno;
    if (fd >= 0)
        close(fd);
    if (memory != MAP_FAILED) {
        *ret_name = name;
        return memory;
    }
    if (fd >= 0)
        unlink(name);
    free(name);
    errno = reason;
    return NULL;
}

static void put_reasons(const struct sp_segment *segment)
{
    for (uint32_t reason = 0; reason < SP_DROP_COUNT; reason++) {
        struct sp_segment_reason *entry = entry_at(segment, SP_SEGMENT_REASON, reason);
        snprintf(entry->id, sizeof entry->id, "%s", sp_drop_id((enum sp_drop)reason));
        snprintf(entry->text, sizeof entry->text, "%s", sp_drop_text((enum sp_drop)reason));
    }
    set_count(segment, SP_SEGMENT_REASON, SP_DROP_COUNT);
}

static void set_flag(uint8_t *memory, uint32_t flag)
{
    uint32_t *flags = &header_of(memory)->flags;
    __atomic_store_n(flags, *flags | flag, __ATOMIC_RELEASE);
}

/* ---- what is written ----------------------------------------------------------------------------------- */

static void put_counters(struct sp_segment_counters *entry, const struct sp_counters *counters)
{
    entry->offered_packets = counters->offered_packets;
    entry->offered_bytes = counters->offered_bytes;
    entry->bypassed_packets = counters->bypassed_packets;
    entry->sealed_packets = counters->sealed_packets;
    entry->opened_packets = counters->opened_packets;
    memcpy(entry->dropped_packets, counters->dropped_packets, sizeof counters->dropped_packets);
}

static void put_directions(struct sp_segment_counters *entries, const struct sp_stats *stats)
{
    put_counters(&entries[SP_OUTBOUND], &stats->direction[SP_OUTBOUND]);
    put_counters(&entries[SP_INBOUND], &stats->direction[SP_INBOUND]);
}

static void put_carried(struct sp_segment_totals *entry, struct sp_sad *sad)
{
    struct sp_sad_totals totals;
    sp_sad_totals(sad, &totals);
    entry->key_additions = totals.key_additions;
    entry->key_deletions = totals.key_deletions;
    for (int direction = SP_OUTBOUND; direction <= SP_INBOUND; direction++) {
        const struct sp_sad_carried *carried = &totals.direction[direction];
        entry->carried[direction] =
            (struct sp_segment_carried){.packets = carried->packets,
                                        .authenticated_bytes = carried->authenticated_bytes,
                                        .confidential_bytes = carried->confidential_bytes};
    }
}

static void put_totals(struct sp_segment *segment)
{
    struct sp_segment_totals *entry = entry_at(segment, SP_SEGMENT_TOTALS, 0);
    struct sp_stats stats;
    sp_engine_stats(segment->engine, &stats);
    put_directions(entry->direction, &stats);
    entry->events_lost = stats.events_lost;
    put_carried(entry, segment->engine->sad);
    set_count(segment, SP_SEGMENT_TOTALS, 1);
}

/* What a rule says, which only another policy changes. */
static void put_rule_text(struct sp_segment *segment, const struct sp_policy *policy, uint32_t index)
{
    struct sp_segment_rule *entry = entry_at(segment, SP_SEGMENT_RULES, index);
    struct sp_rule_info rule = {.action = sp_policy_default(policy)};
    memset(entry, 0, sizeof *entry);
    if (index == sp_policy_rule_count(policy))
        snprintf(entry->text, sizeof entry->text, "default");
    else if (sp_policy_rule(policy, index, &rule) == SP_OK)
        sp_policy_rule_text(policy, index, entry->text, sizeof entry->text);
    snprintf(entry->action, sizeof entry->action, "%s", sp_action_name(rule.action));
    snprintf(entry->name, sizeof entry->name, "%s", rule.name ? rule.name : "");
}

static void put_rules(struct sp_segment *segment)
{
    const uint64_t generation = sp_engine_generation(segment->engine);
    const uint32_t count = rule_count(segment);
    for (uint32_t index = 0; index < count; index++) {
        struct sp_segment_rule *entry = entry_at(segment, SP_SEGMENT_RULES, index);
        const uint32_t rule = index == count - 1 ? SP_NO_RULE : index;
        struct sp_stats stats = {0};
        if (generation != segment->texts_generation)
            put_rule_text(segment, segment->engine->snapshot->policy, index);
        if (sp_engine_rule_stats(segment->engine, rule, &stats) == SP_OK)
            put_directions(entry->direction, &stats);
    }
    segment->texts_generation = generation;
    set_count(segment, SP_SEGMENT_RULES, count);
}

static void put_sa(struct sp_segment *segment, const struct sp_sa_info *sa, uint32_t index)
{
    struct sp_segment_sa *entry = entry_at(segment, SP_SEGMENT_SAS, index);
    struct sp_stats stats = {0};
    *entry = (struct sp_segment_sa){.number = sa->number,
                                    .spi = sa->spi,
                                    .family = sa->source.family,
                                    .state = sa->state,
                                    .bytes = sa->bytes,
                                    .packets = sa->packets,
                                    .age_seconds = sa->age_seconds,
                                    .soft_bytes = sa->lifetime.soft_bytes,
                                    .hard_bytes = sa->lifetime.hard_bytes,
                                    .soft_packets = sa->lifetime.soft_packets,
                                    .hard_packets = sa->lifetime.hard_packets,
                                    .soft_seconds = sa->lifetime.soft_seconds,
                                    .hard_seconds = sa->lifetime.hard_seconds,
                                    .sequence_sent = sa->sequence_sent,
                                    .sequence_received = sa->sequence_received};
    if (sp_engine_sa_stats(segment->engine, sa->number, &stats) == SP_OK)
        put_directions(entry->direction, &stats);
    memcpy(entry->source, sa->source.bytes, sizeof entry->source);
    memcpy(entry->destination, sa->destination.bytes, sizeof entry->destination);
    snprintf(entry->name, sizeof entry->name, "%s", sa->name);
    snprintf(entry->encryption, sizeof entry->encryption, "%s", sp_encryption_name(sa->encryption));
    snprintf(entry->integrity, sizeof entry->integrity, "%s", sp_integrity_name(sa->integrity));
    snprintf(entry->fingerprint, sizeof entry->fingerprint, "%s", sa->fingerprint);
}

static void put_sas(struct sp_segment *segment)
{
    const struct sp_sad *sad = segment->engine->sad;
    uint32_t count = 0;
    for (uint32_t number = 0; number < sp_sad_capacity(sad) && count < segment->tables[SP_SEGMENT_SAS].room;
         number++) {
        struct sp_sa_info sa;
        if (sp_sad_get(sad, number, &sa) == SP_OK)
            put_sa(segment, &sa, count++);
    }
    set_count(segment, SP_SEGMENT_SAS, count);
}

static void put_all(struct sp_segment *segment)
{
    struct sp_segment_header *header = header_of(segment->memory);
    const uint64_t sequence = header->sequence;
    __atomic_store_n(&header->sequence, sequence + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    put_totals(segment);
    put_rules(segment);
    put_sas(segment);
    header->generation = sp_engine_generation(segment->engine);
    header->written_ns = now_ns();
    __atomic_store_n(&header->sequence, sequence + 2, __ATOMIC_RELEASE);
}

/* ---- the calls ----------------------------------------------------------------------------------------- */

static uint32_t room_for(uint32_t count)
{
    return count < ROOM_LEAST / 2 ? ROOM_LEAST : count * 2;
}

/* Makes a file with room for what there is now, writes it, and only then puts it in the other's place. */
static enum sp_status move_to_new_file(struct sp_segment *segment)
{
    struct sp_segment_header header = {.version = SP_SEGMENT_VERSION, .started_ns = segment->started_ns};
    memcpy(header.magic, SP_SEGMENT_MAGIC, sizeof header.magic);
    struct sp_segment next = *segment;
    char *name;
    next.texts_generation = 0;
    next.memory_bytes =
        lay_out(next.tables, room_for(rule_count(segment)), room_for(sp_sad_count(segment->engine->sad)));
    next.memory = make_file(segment->path, next.memory_bytes, &name);
    if (!next.memory)
        return SP_ERR_SYSTEM;
    memcpy(header.tables, next.tables, sizeof header.tables);
    *header_of(next.memory) = header;
    put_reasons(&next);
    put_all(&next);
    if (rename(name, segment->path) != 0) {
        const int error = errno;
        unlink(name);
        munmap(next.memory, next.memory_bytes);
        free(name);
        errno = error;
        return SP_ERR_SYSTEM;
    }
    free(name);
    if (segment->memory) {
        set_flag(segment->memory, SP_SEGMENT_REPLACED);
        munmap(segment->memory, segment->memory_bytes);
    }
    *segment = next;
    return SP_OK;
}

enum sp_status sp_segment_create(const char *path, const struct sp_engine *engine,
                                 struct sp_segment **ret_segment)
{
    SP_REQUIRE(path && engine && ret_segment);
    struct sp_segment *segment = calloc(1, sizeof *segment);
    char *copy = strdup(path);
    enum sp_status status = SP_ERR_MEMORY;
    if (segment && copy) {
        *segment = (struct sp_segment){.engine = engine, .path = copy, .started_ns = now_ns()};
        status = move_to_new_file(segment);
    }
    if (status == SP_OK) {
        *ret_segment = segment;
        return SP_OK;
    }
    free(copy);
    free(segment);
    return status;
}

enum sp_status sp_segment_write(struct sp_segment *segment)
{
    SP_REQUIRE(segment);
    const struct sp_segment_table *tables = segment->tables;
    if (rule_count(segment) > tables[SP_SEGMENT_RULES].room ||
        sp_sad_count(segment->engine->sad) > tables[SP_SEGMENT_SAS].room)
        return move_to_new_file(segment);
    put_all(segment);
    return SP_OK;
}

void sp_segment_destroy(struct sp_segment **segment)
{
    if (!*segment)
        return;
    if (rule_count(*segment) <= (*segment)->tables[SP_SEGMENT_RULES].room)
        put_all(*segment);
    set_flag((*segment)->memory, SP_SEGMENT_CLOSED);
    unlink((*segment)->path);
    munmap((*segment)->memory, (*segment)->memory_bytes);
    free((*segment)->path);
    free(*segment);
    *segment = NULL;
}
