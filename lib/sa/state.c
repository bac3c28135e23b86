/* SPDX-License-Identifier: ISC
 *
 * The state of a SAD's SAs: who took up what, and how far each may go.
 *
 * Each SA has a place: a record on disk and a line of exact figures in shared memory, which the data path
 * raises after it took numbers and before the packet is used. The limits of the data path (sequence_limit,
 * replay.limit, reserved_bytes, reserved_packets) are what the record on disk says, so whatever happens, no
 * more was used than that. SAs that are gone keep their place, because their keys may come back: a file that
 * is restored from a backup must not start at 1 again. Only when places run out the oldest of those are
 * forgotten, on disk first.
 *
 * With AES-GCM, whose IV is the SA's random start plus its sequence number, the start is kept too, and an SA
 * is known by its key alone: a key that comes back under another SPI must go on as well (RFC 4106 3.1).
 *
 * The replay window's bits aren't kept: whatever is not right of the highest number counts as seen, which
 * costs the packets that were overtaken just then.
 */
#include "sa/state.h"

#include "core/clock.h"
#include "core/misuse.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sa/state_file.h"

#define NS_PER_SECOND 1000000000u
#define PLACES_PER_SA 3u /* those that are gone keep theirs */
#define NO_PLACE UINT32_MAX
/* A second of any SA: at 250 ms between two calls, more is reserved before half of it is used. */
#define SEQUENCE_BLOCK ((uint64_t)1 << 20)
#define BUSY_FACTOR 8 /* of what was used since the last call */
#define LIMIT_PARTS 4 /* of a byte or packet limit: what is reserved at a time */

struct place {
    struct sp_state_record record; /* as it is on disk, once it is */
    struct sp_sa *sa;              /* NULL: gone, or empty */
    uint32_t next;                 /* of its bucket */
    uint64_t gone_order;           /* larger: gone later */
    uint64_t sent_before, received_before;
};

struct sp_state {
    struct sp_sad *sad;
    struct sp_state_files files;
    struct place *places;
    uint32_t capacity, count, known; /* count: places up to the last one in use */
    uint32_t used;                   /* not empty */
    uint32_t *buckets;
    uint32_t bucket_mask;
    uint64_t gone_count;
    bool is_exact, is_dirty; /* is_dirty: SAs came or went since the last writing */
};

static uint64_t read_figure(const _Atomic uint64_t *figure)
{
    return atomic_load_explicit(figure, memory_order_relaxed);
}

static void set_figure(_Atomic uint64_t *figure, uint64_t value)
{
    atomic_store_explicit(figure, value, memory_order_relaxed);
}

static struct sp_sa_live *live_of(const struct sp_state *state, uint32_t index)
{
    return &state->files.live->places[index];
}

static bool is_empty(const struct sp_state_record *record)
{
    return record->fingerprint[0] == '\0';
}

static uint32_t *bucket_of(const struct sp_state *state, const char fingerprint[16])
{
    char digits[9] = {0};
    memcpy(digits, fingerprint, 8);
    return &state->buckets[(uint32_t)strtoul(digits, NULL, 16) & state->bucket_mask];
}

static void link_place(struct sp_state *state, uint32_t index)
{
    uint32_t *bucket = bucket_of(state, state->places[index].record.fingerprint);
    state->places[index].next = *bucket;
    *bucket = index;
}

static void unlink_place(struct sp_state *state, uint32_t index)
{
    uint32_t *link = bucket_of(state, state->places[index].record.fingerprint);
    while (*link != index)
        link = &state->places[*link].next;
    *link = state->places[index].next;
}

static uint32_t find_place(const struct sp_state *state, const struct sp_sa *sa)
{
    uint32_t index = *bucket_of(state, sa->fingerprint);
    for (; index != NO_PLACE; index = state->places[index].next) {
        const struct sp_state_record *record = &state->places[index].record;
        if (memcmp(record->fingerprint, sa->fingerprint, sizeof record->fingerprint) != 0)
            continue;
        if (sa->cipher->is_combined ||
            (record->spi == sa->spi && record->family == sa->source.family &&
             memcmp(record->source, sa->source.bytes, sizeof record->source) == 0 &&
             memcmp(record->destination, sa->destination.bytes, sizeof record->destination) == 0))
            return index;
    }
    return NO_PLACE;
}

/* ---- SAs come and go ----------------------------------------------------------------------------------- */

static int64_t now_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec;
}

/* The wall clock knows how old an SA is after a restart of the host; set back, it makes nothing younger than
 * it was. */
static uint64_t age_of(const struct sp_state_record *record)
{
    int64_t seconds = now_seconds() - record->born_seconds;
    uint64_t age_seconds = seconds > 0 ? (uint64_t)seconds : 0;
    return age_seconds > record->age_seconds ? age_seconds : record->age_seconds;
}

static void begin_place(struct sp_state *state, uint32_t index, const struct sp_sa *sa)
{
    struct sp_state_record *record = &state->places[index].record;
    struct sp_sa_live *live = live_of(state, index);
    *record = (struct sp_state_record){
        .iv_start = sa->iv_start, .born_seconds = now_seconds(), .family = sa->source.family};
    memcpy(record->fingerprint, sa->fingerprint, sizeof record->fingerprint);
    set_figure(&live->sent, 0);
    set_figure(&live->received, 0);
    set_figure(&live->bytes, 0);
    set_figure(&live->packets, 0);
    link_place(state, index);
    state->used++;
}

static uint32_t take_place(struct sp_state *state)
{
    if (state->count < state->capacity)
        return state->count++;
    for (uint32_t i = 0; i < state->capacity; i++)
        if (is_empty(&state->places[i].record))
            return i;
    return NO_PLACE;
}

/* What the place says the SA has used. Nothing may be used on top before it is reserved. */
static void take_up(struct sp_state *state, uint32_t index, struct sp_sa *sa)
{
    struct place *place = &state->places[index];
    struct sp_sa_live *live = live_of(state, index);
    uint64_t sent = read_figure(&live->sent), received = read_figure(&live->received);
    uint64_t bytes = read_figure(&live->bytes), packets = read_figure(&live->packets);

    sa->iv_start = place->record.iv_start;
    set_figure(&sa->sequence_sent, sent);
    set_figure(&sa->bytes, bytes);
    set_figure(&sa->packets, packets);
    sp_replay_resume(&sa->replay, received);
    sp_sa_set_age(sa, age_of(&place->record) * NS_PER_SECOND);
    set_figure(&sa->limits.sequence_limit, sent);
    set_figure(&sa->replay.limit, received);
    set_figure(&sa->limits.reserved_bytes, bytes);
    set_figure(&sa->limits.reserved_packets, packets);
    sa->live = live;
    sa->replay.live = &live->received;
    sa->place = index;
    place->sa = sa;
    place->sent_before = sent;
    place->received_before = received;
}

enum sp_status sp_state_adopt(struct sp_state *state, struct sp_sa *sa)
{
    uint32_t index = find_place(state, sa);
    if (index == NO_PLACE) {
        index = take_place(state);
        if (index == NO_PLACE)
            return SP_ERR_LIMIT;
        begin_place(state, index, sa);
    }
    struct sp_state_record *record = &state->places[index].record;
    record->spi = sa->spi;
    record->family = sa->source.family;
    memcpy(record->source, sa->source.bytes, sizeof record->source);
    memcpy(record->destination, sa->destination.bytes, sizeof record->destination);
    take_up(state, index, sa);
    state->is_dirty = true;
    return SP_OK;
}

void sp_state_retire(struct sp_state *state, const struct sp_sa *sa)
{
    struct place *place = &state->places[sa->place];
    place->sa = NULL;
    place->gone_order = ++state->gone_count;
    state->is_dirty = true;
}

/* ---- reserving ----------------------------------------------------------------------------------------- */

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* The reservation, or a further one when less than half a block of it is left. */
static uint64_t reserve(uint64_t used, uint64_t reserved, uint64_t block, uint64_t most)
{
    if (reserved >= most || (reserved >= used && reserved - used >= block / 2))
        return reserved;
    return used >= most || most - used <= block ? most : used + block;
}

static uint64_t reserve_limit(uint64_t used, uint64_t reserved, uint64_t hard)
{
    if (hard == 0)
        return UINT64_MAX;
    return reserve(used, reserved, hard / LIMIT_PARTS + 1, hard);
}

static uint64_t block_of(uint64_t used, uint64_t before)
{
    return larger(SEQUENCE_BLOCK, BUSY_FACTOR * (used - before));
}

/* An SA that is in use: what it shall have reserved. */
static void plan_place(const struct sp_state *state, uint32_t index, struct sp_state_record *record)
{
    struct place *place = &state->places[index];
    const struct sp_sa *sa = place->sa;
    const struct sp_sa_live *live = live_of(state, index);
    uint64_t sent = read_figure(&sa->sequence_sent), received = read_figure(&live->received);

    record->sent = reserve(sent, read_figure(&sa->limits.sequence_limit), block_of(sent, place->sent_before),
                           sp_sa_sequence_max(sa));
    record->received = reserve(received, read_figure(&sa->replay.limit),
                               block_of(received, place->received_before), sp_sa_sequence_max(sa));
    record->bytes = reserve_limit(read_figure(&live->bytes), read_figure(&sa->limits.reserved_bytes),
                                  sa->lifetime.hard_bytes);
    record->packets = reserve_limit(read_figure(&live->packets), read_figure(&sa->limits.reserved_packets),
                                    sa->lifetime.hard_packets);
    place->sent_before = sent;
    place->received_before = received;
    record->age_seconds = sp_sa_age_ns(sa, sp_clock_now_ns()) / NS_PER_SECOND;
}

/* Without a limit there is nothing to reserve: what was used by now is all that can be known. */
static void plan_exact(const struct sp_sa_live *live, struct sp_state_record *record)
{
    record->sent = read_figure(&live->sent);
    record->received = read_figure(&live->received);
    record->bytes = read_figure(&live->bytes);
    record->packets = read_figure(&live->packets);
}

static bool runs_low(const struct sp_state_record *record, const struct sp_sa *sa)
{
    return record->sent != read_figure(&sa->limits.sequence_limit) ||
           record->received != read_figure(&sa->replay.limit) ||
           record->bytes != read_figure(&sa->limits.reserved_bytes) ||
           record->packets != read_figure(&sa->limits.reserved_packets);
}

/* False: what is on disk will do. */
static bool plan(struct sp_state *state, struct sp_state_record *records)
{
    bool is_needed = state->is_dirty;
    for (uint32_t i = 0; i < state->count; i++) {
        const struct place *place = &state->places[i];
        records[i] = place->record;
        if (place->sa == NULL) {
            if (!is_empty(&place->record))
                plan_exact(live_of(state, i), &records[i]);
            continue;
        }
        plan_place(state, i, &records[i]);
        is_needed |= runs_low(&records[i], place->sa);
    }
    return is_needed;
}

/* For the disk, "no limit" would be "all used" when the exact figures are lost. */
static void cap_unlimited(const struct sp_state *state, struct sp_state_record *records)
{
    for (uint32_t i = 0; i < state->count; i++) {
        if (records[i].bytes == UINT64_MAX)
            records[i].bytes = read_figure(&live_of(state, i)->bytes);
        if (records[i].packets == UINT64_MAX)
            records[i].packets = read_figure(&live_of(state, i)->packets);
    }
}

static uint32_t oldest_gone(const struct sp_state *state, const struct sp_state_record *records)
{
    uint32_t oldest = NO_PLACE;
    for (uint32_t i = 0; i < state->count; i++)
        if (state->places[i].sa == NULL && !is_empty(&records[i]) &&
            (oldest == NO_PLACE || state->places[i].gone_order < state->places[oldest].gone_order))
            oldest = i;
    return oldest;
}

/* The oldest of those that are gone, so that all SAs could be exchanged for others before the next writing.
 * The disk forgets them first: a place is given anew only after the writing that this one belongs to. */
static void forget_oldest(const struct sp_state *state, struct sp_state_record *records)
{
    for (uint32_t used = state->used; used > state->capacity - sp_sad_capacity(state->sad); used--) {
        uint32_t oldest = oldest_gone(state, records);
        if (oldest == NO_PLACE)
            return;
        records[oldest] = (struct sp_state_record){.spi = 0};
    }
}

/* What is on disk now holds for the data path. */
static void put_in_force(struct sp_state *state, const struct sp_state_record *records)
{
    for (uint32_t i = 0; i < state->count; i++) {
        struct place *place = &state->places[i];
        struct sp_sa *sa = place->sa;
        if (is_empty(&records[i]) && !is_empty(&place->record)) {
            unlink_place(state, i);
            state->used--;
        }
        place->record = records[i];
        if (sa == NULL)
            continue;
        set_figure(&sa->limits.reserved_bytes, sa->lifetime.hard_bytes == 0 ? UINT64_MAX : records[i].bytes);
        set_figure(&sa->limits.reserved_packets,
                   sa->lifetime.hard_packets == 0 ? UINT64_MAX : records[i].packets);
        set_figure(&sa->limits.sequence_limit, records[i].sent);
        set_figure(&sa->replay.limit, records[i].received);
    }
    state->is_dirty = false;
}

enum sp_status sp_state_save(struct sp_state *state)
{
    SP_REQUIRE(state != NULL);
    struct sp_state_record *records = calloc(state->count + 1, sizeof *records);
    enum sp_status status = SP_OK;
    if (records == NULL)
        return SP_ERR_MEMORY;
    if (plan(state, records)) {
        cap_unlimited(state, records);
        forget_oldest(state, records);
        status = sp_state_write(&state->files, records, state->count, false);
        if (status == SP_OK)
            put_in_force(state, records);
    }
    free(records);
    return status;
}

/* ---- the beginning and the end ------------------------------------------------------------------------- */

static bool allocate(struct sp_state *state, uint32_t known)
{
    uint32_t buckets = 1;
    state->capacity = PLACES_PER_SA * sp_sad_capacity(state->sad) + known;
    while (buckets < state->capacity)
        buckets *= 2;
    state->bucket_mask = buckets - 1;
    state->places = calloc(state->capacity, sizeof *state->places);
    state->buckets = malloc(buckets * sizeof *state->buckets);
    if (state->places == NULL || state->buckets == NULL)
        return false;
    memset(state->buckets, 0xff, buckets * sizeof *state->buckets);
    return true;
}

/* Without exact figures, all that was reserved counts as used. */
static void use_reserved(struct sp_sa_live *live, const struct sp_state_record *record)
{
    set_figure(&live->sent, record->sent);
    set_figure(&live->received, record->received);
    set_figure(&live->bytes, record->bytes);
    set_figure(&live->packets, record->packets);
}

static enum sp_status take_over(struct sp_state *state, const struct sp_state_record *records, uint32_t count,
                                char *reason)
{
    struct sp_sa_live *figures = aligned_alloc(_Alignof(struct sp_sa_live), (count + 1) * sizeof *figures);
    if (figures == NULL || !allocate(state, count)) {
        free(figures);
        (void)snprintf(reason, SP_STATE_REASON_BYTES, "there is no memory for the state");
        return SP_ERR_MEMORY;
    }
    memset((void *)figures, 0, (count + 1) * sizeof *figures);
    enum sp_status status = sp_state_live_read(&state->files, figures, count, &state->is_exact, reason);
    for (uint32_t i = 0; i < count && status == SP_OK; i++) {
        state->places[i].record = records[i];
        if (!state->is_exact)
            use_reserved(&figures[i], &records[i]);
        if (is_empty(&records[i]))
            continue;
        link_place(state, i);
        state->used++;
        state->known++;
    }
    state->count = count;
    if (status == SP_OK)
        status = sp_state_live_make(&state->files, figures, count, state->capacity, reason);
    free(figures);
    return status;
}

static void destroy(struct sp_state *state)
{
    sp_state_files_close(&state->files);
    free(state->places);
    free(state->buckets);
    free(state);
}

enum sp_status sp_state_open(struct sp_sad *sad, const char *folder, const char *live_folder,
                             struct sp_state **ret_state, char *reason)
{
    SP_REQUIRE(sad != NULL && folder != NULL && live_folder != NULL && ret_state != NULL && reason != NULL);
    SP_REQUIRE(sp_sad_count(sad) == 0);
    struct sp_state *state = calloc(1, sizeof *state);
    struct sp_state_record *records = NULL;
    uint32_t count = 0;
    bool has_ended_well = false;
    if (state == NULL) {
        (void)snprintf(reason, SP_STATE_REASON_BYTES, "there is no memory for the state");
        return SP_ERR_MEMORY;
    }
    state->sad = sad;
    enum sp_status status = sp_state_files_open(&state->files, folder, live_folder, reason);
    if (status == SP_OK)
        status = sp_state_read(&state->files, &records, &count, &has_ended_well, reason);
    if (status == SP_OK)
        status = take_over(state, records, count, reason);
    free(records);
    if (status != SP_OK) {
        destroy(state);
        return status;
    }
    state->is_exact |= count == 0 || has_ended_well;
    sp_sad_set_state(sad, state);
    *ret_state = state;
    return SP_OK;
}

uint32_t sp_state_known(const struct sp_state *state)
{
    SP_REQUIRE(state != NULL);
    return state->known;
}

bool sp_state_is_exact(const struct sp_state *state)
{
    SP_REQUIRE(state != NULL);
    return state->is_exact;
}

/* SAs may outlive the state for a moment, but carry nothing any more. */
static void stop_sas(struct sp_state *state)
{
    for (uint32_t i = 0; i < state->count; i++) {
        struct sp_sa *sa = state->places[i].sa;
        if (sa == NULL)
            continue;
        set_figure(&sa->limits.sequence_limit, 0);
        set_figure(&sa->replay.limit, 0);
        sa->live = NULL;
        sa->replay.live = NULL;
    }
}

enum sp_status sp_state_close(struct sp_state **state)
{
    SP_REQUIRE(state != NULL);
    if (*state == NULL)
        return SP_OK;
    struct sp_state *own = *state;
    struct sp_state_record *records = calloc(own->count + 1, sizeof *records);
    enum sp_status status = records != NULL ? SP_OK : SP_ERR_MEMORY;
    for (uint32_t i = 0; i < own->count && records != NULL; i++) {
        const struct sp_sa *sa = own->places[i].sa;
        records[i] = own->places[i].record;
        if (!is_empty(&records[i]))
            plan_exact(live_of(own, i), &records[i]);
        if (sa != NULL)
            records[i].age_seconds = sp_sa_age_ns(sa, sp_clock_now_ns()) / NS_PER_SECOND;
    }
    if (status == SP_OK)
        status = sp_state_write(&own->files, records, own->count, true);
    if (status == SP_OK)
        sp_state_live_remove(&own->files);
    free(records);
    stop_sas(own);
    sp_sad_set_state(own->sad, NULL);
    destroy(own);
    *state = NULL;
    return status;
}
