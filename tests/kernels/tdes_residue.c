/* SPDX-License-Identifier: ISC
 *
 * What a variant leaves of its keys on the stack: nothing that is looked for here, and nothing that a later
 * call takes for its own. Round keys are known as words of a state and in the forms of the byte-sliced
 * kernels, three on AVX-512 and one on AVX2; not as bit slices, in which every key has the same two vectors.
 */
#include "tdes_rig.h"

#include "crypto/kernels.h"
#include "crypto/tdes/bytes_vbmi.h"
#include "crypto/tdes/state.h"

#include <string.h>

#define DEPTH_VECTORS 4096 /* more than any kernel's frames */
#define VECTOR_BYTES 64
#define BOXES 8
#define JOBS 200
#define LEN_BYTES 24

/* Two keys whose round keys have no byte in common, at the same place, and none that is zero: zeroes are
 * everywhere. */
struct residue {
    struct sp_tdes_state states[2];
    size_t rounds[SP_TDES_PARTS * 16], round_count; /* for which this is so */
    struct sp_cbc_job jobs[JOBS];
    uint8_t ivs[JOBS][SP_TDES_BLOCK_BYTES], packets[JOBS][LEN_BYTES];
};

static uint8_t key_byte(const struct residue *residue, size_t key, size_t round, size_t box)
{
    return (uint8_t)(residue->states[key].round_keys[round] >> 8 * box);
}

static bool is_folded(const uint8_t *vector, size_t box, uint8_t key)
{
    const uint8_t *table = &boxes[box][0][0];
    size_t same = 0;

    while (same < VECTOR_BYTES && vector[same] == table[same ^ key])
        same++;
    return same == VECTOR_BYTES;
}

static bool is_broadcast(const uint8_t *vector, const struct residue *residue, size_t round)
{
    size_t same = 0;

    while (same < VECTOR_BYTES && vector[same] == key_byte(residue, 0, round, same / BOXES))
        same++;
    return same == VECTOR_BYTES;
}

static bool is_lane_keys(const uint8_t *vector, uint8_t key, uint8_t other)
{
    size_t same = 0;

    while (same < VECTOR_BYTES && (vector[same] == key || vector[same] == other))
        same++;
    return same == VECTOR_BYTES;
}

/* Two boxes' keys of 32 lanes each, as the byte-sliced kernel on AVX2 has them. */
static bool is_pair_of_boxes(const uint8_t *vector, const struct residue *residue, size_t round, size_t first)
{
    size_t same = 0;

    while (same < VECTOR_BYTES &&
           (vector[same] == key_byte(residue, 0, round, first + 2 * same / VECTOR_BYTES) ||
            vector[same] == key_byte(residue, 1, round, first + 2 * same / VECTOR_BYTES)))
        same++;
    return same == VECTOR_BYTES;
}

static bool has_word(const uint8_t *vector, const struct residue *residue, size_t round)
{
    bool is_there = false;

    for (size_t i = 0; i < VECTOR_BYTES; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, vector + i, sizeof word);
        for (size_t key = 0; key < 2; key++)
            is_there = is_there || word == residue->states[key].round_keys[round];
    }
    return is_there;
}

static bool holds_keys(const struct residue *residue, const uint8_t *vector)
{
    for (size_t i = 0; i < residue->round_count; i++) {
        size_t round = residue->rounds[i];
        if (is_broadcast(vector, residue, round) || has_word(vector, residue, round))
            return true;
        for (size_t box = 0; box < BOXES; box++) {
            uint8_t key = key_byte(residue, 0, round, box), other = key_byte(residue, 1, round, box);
            if (is_folded(vector, box, key) || is_folded(vector, box, other) ||
                is_lane_keys(vector, key, other) ||
                (box % 2 == 0 && is_pair_of_boxes(vector, residue, round, box)))
                return true;
        }
    }
    return false;
}

__attribute__((noinline)) static void clear_stack(void)
{
    uint8_t *below = __builtin_alloca_with_align(DEPTH_VECTORS * VECTOR_BYTES, 8 * VECTOR_BYTES);

    memset(below, 0, DEPTH_VECTORS * VECTOR_BYTES);
    __asm__ volatile("" : : "r"(below) : "memory");
}

/* Reads memory that has no object any more, which no sanitizer likes. */
__attribute__((noinline, no_sanitize("address", "undefined"))) static size_t
vectors_with_keys(const struct residue *residue)
{
    volatile uint8_t *below = __builtin_alloca_with_align(DEPTH_VECTORS * VECTOR_BYTES, 8 * VECTOR_BYTES);
    size_t found = 0;

    for (size_t i = 0; i < DEPTH_VECTORS; i++) {
        uint8_t vector[VECTOR_BYTES];
        for (size_t j = 0; j < VECTOR_BYTES; j++)
            vector[j] = below[VECTOR_BYTES * i + j];
        found += holds_keys(residue, vector);
    }
    return found;
}

static void choose_keys(struct harness *harness, const struct sp_tdes_variant *variant,
                        struct residue *residue)
{
    residue->round_count = 0;
    for (size_t key = 0; key < 2; key++) {
        uint8_t bytes[SP_TDES_PARTS * SP_TDES_PART_BYTES];
        harness_fill(harness, bytes, sizeof bytes);
        variant->ops->expand(&residue->states[key], bytes);
    }
    for (size_t round = 0; round < SP_TDES_PARTS * 16; round++) {
        bool is_telling = true;
        for (size_t box = 0; box < BOXES; box++) {
            uint8_t key = key_byte(residue, 0, round, box), other = key_byte(residue, 1, round, box);
            is_telling = is_telling && key != 0 && other != 0 && key != other;
        }
        if (is_telling)
            residue->rounds[residue->round_count++] = round;
    }
}

static void set_jobs(struct residue *residue, size_t count, size_t keys)
{
    for (size_t i = 0; i < count; i++)
        residue->jobs[i] = (struct sp_cbc_job){.state = &residue->states[i % keys],
                                               .iv = residue->ivs[i],
                                               .in = residue->packets[i],
                                               .out = residue->packets[i],
                                               .len_bytes = LEN_BYTES};
}

static size_t leaves(struct harness *harness, const struct sp_tdes_variant *variant, size_t count,
                     size_t keys, bool is_sealing)
{
    static struct residue residue;

    choose_keys(harness, variant, &residue);
    harness_fill(harness, residue.packets, sizeof residue.packets);
    set_jobs(&residue, count, keys);
    clear_stack(); /* of what else was there, as by expanding */
    (is_sealing ? variant->ops->cbc_seal : variant->ops->cbc_open)(residue.jobs, count);
    return vectors_with_keys(&residue);
}

/* A frame like a kernel's that wasn't wiped, large enough that the one which looks is not in its place. */
__attribute__((noinline)) static void leave_on_purpose(const struct residue *residue, size_t form)
{
    _Alignas(VECTOR_BYTES) uint8_t vectors[64][VECTOR_BYTES];
    size_t round = residue->rounds[0];

    for (size_t i = 0; i < VECTOR_BYTES; i++) {
        const uint8_t by_form[] = {
            (&boxes[3][0][0])[i ^ key_byte(residue, 0, round, 3)], key_byte(residue, 0, round, i / BOXES),
            key_byte(residue, i % 3 == 0, round, 5), key_byte(residue, 0, round, 2 + 2 * i / VECTOR_BYTES),
            (uint8_t)(residue->states[1].round_keys[round] >> 8 * (i % 8))};
        vectors[0][i] = by_form[form];
    }
    __asm__ volatile("" : : "r"(vectors) : "memory");
}

static bool is_seen(struct harness *harness, const struct sp_tdes_variant *variant)
{
    static struct residue residue;
    bool is_seen = true;

    do
        choose_keys(harness, variant, &residue);
    while (residue.round_count == 0);
    for (size_t form = 0; form < 5; form++) {
        leave_on_purpose(&residue, form);
        is_seen = is_seen && vectors_with_keys(&residue) > 0;
    }
    return is_seen;
}

/* The second call finds its own pointers, and none of the keys that belonged to them, where the first had
 * both. */
static bool is_right_again(struct harness *harness, const struct sp_tdes_variant *variant, bool is_sealing)
{
    static struct residue ours, theirs;

    choose_keys(harness, variant, &ours);
    harness_fill(harness, ours.packets, sizeof ours.packets);
    theirs = ours;
    set_jobs(&ours, JOBS, 2);
    set_jobs(&theirs, JOBS, 2);
    /* one right after the other */
    (is_sealing ? variant->ops->cbc_seal : variant->ops->cbc_open)(ours.jobs, JOBS);
    (is_sealing ? variant->ops->cbc_seal : variant->ops->cbc_open)(ours.jobs, JOBS);
    for (int call = 0; call < 2; call++)
        (is_sealing ? sp_tdes_cbc_reference.cbc_seal : sp_tdes_cbc_reference.cbc_open)(theirs.jobs, JOBS);
    return memcmp(ours.packets, theirs.packets, sizeof ours.packets) == 0;
}

void tdes_residue(struct harness *harness, const struct sp_tdes_variant *variant)
{
    static const size_t counts[] = {2, 3, 7, 40, JOBS};
    size_t left = 0;

#ifdef __SANITIZE_ADDRESS__ /* it lays frames out its own way */
    return;
#endif
    if (variant->lanes == NULL)
        return;
    harness_tell(harness, is_seen(harness, variant), "tdes %s: round keys on the stack are seen",
                 variant->ops->kernel);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        for (size_t keys = 1; keys <= 2; keys++)
            left += leaves(harness, variant, counts[i], keys, true) +
                    leaves(harness, variant, counts[i], keys, false);
    harness_tell(harness, is_right_again(harness, variant, true) && is_right_again(harness, variant, false),
                 "tdes %s: the same burst twice is right twice", variant->ops->kernel);
    harness_tell(harness, left == 0, "tdes %s: no round key stays on the stack", variant->ops->kernel);
}
