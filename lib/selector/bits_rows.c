/* SPDX-License-Identifier: ISC
 *
 * Builds the rows of one dimension by a sweep: over all values at which a box begins or ends, in ascending
 * order, the row of bits in force is kept, and stored at each unless the same one was stored before. A row is
 * recognised by a hash that is the exclusive or of one number for each box that is set (Zobrist 1970), so
 * that a step costs nothing for the boxes that don't change; what the hash finds is compared.
 */
#include "selector/bits_rows.h"

#include <stdlib.h>
#include <string.h>

struct event {
    sp_wide at;
    uint32_t box; /* begins or ends here */
};

struct sweep {
    struct sp_bits_rows *rows;
    struct event *events;
    uint32_t events_count;
    uint32_t chunks; /* in a row */
    struct sp_bits_chunk *current, *packed;
    uint64_t hash; /* of current */
    uint64_t *slot_hashes;
    uint32_t *slots; /* 1 + the row's number, 0: free */
    uint32_t slots_mask;
    sp_wide *starts;
    uint32_t *classes;
    uint32_t starts_count;
};

static sp_wide number(struct sp_selector_address address)
{
    return (sp_wide)address.high << 64 | address.low;
}

struct range {
    sp_wide first, last;
};

static struct range range_of(const struct sp_selector_box *box, enum sp_bits_dimension dimension)
{
    bool is_any = box->protocol == SP_SELECTOR_PROTOCOL_ANY;

    switch (dimension) {
    case SP_BITS_SOURCE:
        return (struct range){number(box->source_first), number(box->source_last)};
    case SP_BITS_DESTINATION:
        return (struct range){number(box->destination_first), number(box->destination_last)};
    case SP_BITS_SOURCE_PORT:
        return (struct range){box->source_port_first, box->source_port_last};
    case SP_BITS_DESTINATION_PORT:
        return (struct range){box->destination_port_first, box->destination_port_last};
    case SP_BITS_PROTOCOL:
        break;
    }
    return (struct range){is_any ? 0 : box->protocol, is_any ? UINT8_MAX : box->protocol};
}

static unsigned bits_of(enum sp_bits_dimension dimension, bool is_ipv6)
{
    if (dimension == SP_BITS_PROTOCOL)
        return 8;
    if (dimension == SP_BITS_SOURCE_PORT || dimension == SP_BITS_DESTINATION_PORT)
        return 16;
    return is_ipv6 ? 128 : 32;
}

static int by_place(const void *left, const void *right)
{
    const struct event *a = left, *b = right;

    return (a->at > b->at) - (a->at < b->at);
}

static uint64_t number_of_box(uint32_t box)
{
    uint64_t z = (box + UINT64_C(1)) * 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void sweep_destroy(struct sweep *sweep)
{
    free(sweep->events);
    free(sweep->current);
    free(sweep->packed);
    free(sweep->slot_hashes);
    free(sweep->slots);
    free(sweep->starts);
    free(sweep->classes);
}

static enum sp_status sweep_create(struct sweep *sweep, struct sp_bits_rows *rows, uint32_t count)
{
    uint32_t slots = 8;

    while (slots < 5 * count) /* 2 count + 1 rows at most */
        slots *= 2;
    *sweep = (struct sweep){.rows = rows, .slots_mask = slots - 1};
    sweep->chunks = (count + SP_BITS_CHUNK - 1) / SP_BITS_CHUNK;
    sweep->events = malloc((2 * (size_t)count + 1) * sizeof *sweep->events);
    sweep->current = calloc(sweep->chunks + 1, sizeof *sweep->current);
    sweep->packed = calloc(sweep->chunks + 1, sizeof *sweep->packed);
    sweep->slot_hashes = malloc(slots * sizeof *sweep->slot_hashes);
    sweep->slots = calloc(slots, sizeof *sweep->slots);
    sweep->starts = malloc((2 * (size_t)count + 1) * sizeof *sweep->starts);
    sweep->classes = malloc((2 * (size_t)count + 1) * sizeof *sweep->classes);
    bool is_complete = sweep->events && sweep->current && sweep->packed && sweep->slot_hashes &&
                       sweep->slots && sweep->starts && sweep->classes;
    return is_complete ? SP_OK : SP_ERR_MEMORY;
}

static void list_events(struct sweep *sweep, enum sp_bits_dimension dimension,
                        const struct sp_selector_box *boxes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct range range = range_of(&boxes[i], dimension);
        sweep->events[sweep->events_count++] = (struct event){range.first, i};
        if (range.last + 1 != 0)
            sweep->events[sweep->events_count++] = (struct event){range.last + 1, i};
    }
    qsort(sweep->events, sweep->events_count, sizeof *sweep->events, by_place);
}

static void toggle(struct sweep *sweep, uint32_t box)
{
    struct sp_bits_chunk *chunk = &sweep->current[box / SP_BITS_CHUNK];

    chunk->words[box % SP_BITS_CHUNK / 64] ^= UINT64_C(1) << box % 64;
    sweep->hash ^= number_of_box(box);
}

/* Packs current's chunks; returns how many there are. */
static uint32_t pack(struct sweep *sweep, uint64_t *ret_filled)
{
    bool is_dense = sweep->chunks <= SP_BITS_DENSE_CHUNKS_MAX;
    uint32_t count = 0;

    *ret_filled = 0;
    for (uint32_t i = 0; i < sweep->chunks; i++) {
        const uint64_t *words = sweep->current[i].words;
        if (!is_dense && (words[0] | words[1] | words[2] | words[3]) == 0)
            continue;
        *ret_filled |= UINT64_C(1) << i;
        sweep->packed[count++] = sweep->current[i];
    }
    return count;
}

/* aligned_alloc() for registers' sake; grows by doubling. */
static bool reserve_chunks(struct sp_bits_rows *rows, uint32_t count)
{
    uint32_t capacity = rows->chunks_capacity ? rows->chunks_capacity : 64;

    while (capacity - rows->chunks_count < count)
        capacity *= 2;
    if (capacity == rows->chunks_capacity)
        return true;
    struct sp_bits_chunk *chunks = aligned_alloc(64, capacity * sizeof *chunks);
    if (!chunks)
        return false;
    if (rows->chunks_count)
        memcpy(chunks, rows->chunks, rows->chunks_count * sizeof *chunks);
    free(rows->chunks);
    rows->chunks = chunks;
    rows->chunks_capacity = capacity;
    return true;
}

static bool reserve_row(struct sp_bits_rows *rows)
{
    if (rows->rows_count < rows->rows_capacity)
        return true;
    uint32_t capacity = rows->rows_capacity ? rows->rows_capacity * 2 : 16;
    struct sp_bits_row *list = realloc(rows->rows, capacity * sizeof *list);
    if (!list)
        return false;
    rows->rows = list;
    rows->rows_capacity = capacity;
    return true;
}

/* The number of the row that is current. */
static enum sp_status row_of_current(struct sweep *sweep, uint32_t *ret_row)
{
    struct sp_bits_rows *rows = sweep->rows;
    uint64_t filled;
    uint32_t count = pack(sweep, &filled), slot = (uint32_t)sweep->hash & sweep->slots_mask;

    for (; sweep->slots[slot] != 0; slot = (slot + 1) & sweep->slots_mask) {
        const struct sp_bits_row *row = &rows->rows[sweep->slots[slot] - 1];
        if (sweep->slot_hashes[slot] != sweep->hash || row->filled != filled ||
            memcmp(rows->chunks + row->first_chunk, sweep->packed, count * sizeof *sweep->packed) != 0)
            continue;
        *ret_row = sweep->slots[slot] - 1;
        return SP_OK;
    }
    if (!reserve_chunks(rows, count) || !reserve_row(rows))
        return SP_ERR_MEMORY;
    memcpy(rows->chunks + rows->chunks_count, sweep->packed, count * sizeof *sweep->packed);
    rows->rows[rows->rows_count] = (struct sp_bits_row){filled, rows->chunks_count};
    rows->chunks_count += count;
    *ret_row = rows->rows_count++;
    sweep->slots[slot] = rows->rows_count;
    sweep->slot_hashes[slot] = sweep->hash;
    return SP_OK;
}

static enum sp_status run(struct sweep *sweep)
{
    sp_wide at = 0;

    for (uint32_t next = 0;;) {
        for (; next < sweep->events_count && sweep->events[next].at == at; next++)
            toggle(sweep, sweep->events[next].box);
        uint32_t row, last = sweep->starts_count - 1;
        enum sp_status status = row_of_current(sweep, &row);
        if (status != SP_OK)
            return status;
        if (sweep->starts_count == 0 || sweep->classes[last] != row) {
            sweep->starts[sweep->starts_count] = at;
            sweep->classes[sweep->starts_count++] = row;
        }
        if (next == sweep->events_count)
            return SP_OK;
        at = sweep->events[next].at;
    }
}

enum sp_status sp_bits_rows_build(struct sp_bits_rows *rows, enum sp_bits_dimension dimension,
                                  const struct sp_selector_box *boxes, uint32_t count, bool is_ipv6)
{
    struct sweep sweep;
    enum sp_status status = sweep_create(&sweep, rows, count);

    if (status != SP_OK)
        goto out;
    list_events(&sweep, dimension, boxes, count);
    status = run(&sweep);
    if (status == SP_OK)
        status = sp_dimension_build(&rows->dimension, bits_of(dimension, is_ipv6), sweep.starts,
                                    sweep.classes, sweep.starts_count);
out:
    sweep_destroy(&sweep);
    return status;
}

void sp_bits_rows_destroy(struct sp_bits_rows *rows)
{
    sp_dimension_destroy(&rows->dimension);
    free(rows->rows);
    free(rows->chunks);
}

size_t sp_bits_rows_bytes(const struct sp_bits_rows *rows)
{
    return sp_dimension_bytes(&rows->dimension) + rows->rows_capacity * sizeof *rows->rows +
           rows->chunks_capacity * sizeof *rows->chunks;
}
