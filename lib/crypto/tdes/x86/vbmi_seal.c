/* SPDX-License-Identifier: ISC
 *
 * Sealing by vbmi.h's kernel. lanes_seal.c says which packet is in which lane; here the lanes move on.
 *
 * Eight blocks of each packet, a line of 64 bytes, are taken at a time and transposed, so that a row has one
 * block of each lane; its ciphertext then replaces it. The chain stays in the halves: between FP of a block
 * and IP of the next there is nothing but the XOR, which may as well be done behind IP. A step so costs the
 * 48 rounds, one IP, one FP and two transpositions of words.
 *
 * Constant time: see vbmi.h.
 */
#include "crypto/tdes/variants.h"
#include "crypto/tdes/x86/vbmi_permute.h"

#define ROWS 8 /* blocks of a line */
#define PREFETCH_BYTES 128

struct scratch {
    struct vbmi_keys keys;
    BYTES rows[ROWS][GROUPS_MAX][LINES];
};

INLINE size_t lanes_of_line(const struct sp_tdes_run *run, size_t line)
{
    size_t first = line * LINE_LANES;

    if (run->lanes <= first)
        return 0;
    return run->lanes - first < LINE_LANES ? run->lanes - first : LINE_LANES;
}

INLINE __mmask8 mask_of(size_t words)
{
    return (__mmask8)((1u << words) - 1);
}

/* Fetches some blocks of all lanes into rows. */
static void fetch_rows(struct scratch *scratch, const struct sp_tdes_run *run, int groups, size_t at,
                       size_t rows)
{
    for (size_t line = 0; line < (size_t)groups * LINES; line++) {
        size_t lanes = lanes_of_line(run, line);
        const uint8_t *const *in = run->in + line * LINE_LANES;
        BYTES v[LINE_LANES];
        for (size_t i = 0; i < lanes; i++)
            __builtin_prefetch(in[i] + at + PREFETCH_BYTES);
        UNROLL for (size_t i = 0; i < LINE_LANES; i++) v[i] =
            i < lanes ? _mm512_maskz_loadu_epi64(mask_of(rows), in[i] + at) : _mm512_setzero_si512();
        transpose_words(v);
        UNROLL for (size_t i = 0; i < ROWS; i++) scratch->rows[i][line / LINES][line % LINES] = v[i];
    }
}

static void flush_rows(struct scratch *scratch, const struct sp_tdes_run *run, int groups, size_t at,
                       size_t rows)
{
    for (size_t line = 0; line < (size_t)groups * LINES; line++) {
        size_t lanes = lanes_of_line(run, line);
        uint8_t *const *out = run->out + line * LINE_LANES;
        BYTES v[ROWS];
        UNROLL for (size_t i = 0; i < ROWS; i++) v[i] = scratch->rows[i][line / LINES][line % LINES];
        transpose_words(v);
        UNROLL for (size_t i = 0; i < LINE_LANES; i++)
        {
            if (i < lanes)
                _mm512_mask_storeu_epi64(out[i] + at, mask_of(rows), v[i]);
        }
    }
}

static void add_row(BYTES halves[], BYTES row[][LINES], int groups)
{
    for (int group = 0; group < groups; group++) {
        BYTES lines[LINES], entered[HALVES];
        UNROLL for (int i = 0; i < LINES; i++) lines[i] = row[group][i];
        enter(lines, entered);
        UNROLL for (int i = 0; i < HALVES; i++) halves[HALVES * group + i] ^= entered[i];
    }
}

static void put_row(const BYTES halves[], BYTES row[][LINES], int groups)
{
    for (int group = 0; group < groups; group++) {
        BYTES lines[LINES];
        leave(halves + HALVES * group, lines);
        UNROLL for (int i = 0; i < LINES; i++) row[group][i] = lines[i];
    }
}

static void seal_run(void *at_scratch, const struct sp_tdes_run *run)
{
    struct scratch *scratch = at_scratch;
    int groups = (int)((run->lanes + GROUP_LANES - 1) / GROUP_LANES);
    size_t chain_bytes = (size_t)groups * GROUP_LANES * sizeof run->chain[0], rows = ROWS;
    BYTES halves[GROUPS_MAX * HALVES] = {0};

    memcpy(scratch->rows[0], run->chain, chain_bytes);
    add_row(halves, scratch->rows[0], groups);
    for (size_t at = 0; at < run->len_bytes; at += rows * SP_TDES_BLOCK_BYTES) {
        if ((run->len_bytes - at) / SP_TDES_BLOCK_BYTES < ROWS)
            rows = (run->len_bytes - at) / SP_TDES_BLOCK_BYTES;
        fetch_rows(scratch, run, groups, at, rows);
        for (size_t row = 0; row < rows; row++) {
            add_row(halves, scratch->rows[row], groups);
            sp_tdes_vbmi_run(&scratch->keys, halves, groups);
            put_row(halves, scratch->rows[row], groups);
        }
        flush_rows(scratch, run, groups, at, rows);
    }
    memcpy(run->chain, scratch->rows[rows - 1], chain_bytes);
}

static void set_seal_keys(void *at_scratch, const struct sp_tdes_state *const states[], size_t lanes)
{
    struct vbmi_keys *keys = &((struct scratch *)at_scratch)->keys;
    size_t same = 1;

    while (same < lanes && states[same] == states[0])
        same++;
    if (same == lanes)
        sp_tdes_vbmi_fold(keys, states[0], true);
    else
        sp_tdes_vbmi_set_lanes(keys, states, lanes, true);
}

static size_t seal(const struct sp_cbc_job *jobs, size_t count)
{
    struct scratch scratch;
    size_t blocks;

    start_keys(&scratch.keys);
    blocks = sp_tdes_lanes_seal_in(&sp_tdes_lanes_vbmi, &scratch, jobs, count);
    wipe_keys(&scratch.keys); /* the rows are ciphertext again */
    return blocks;
}

/* Cycles a step of 1, 2 and 3 groups, measured, with one key. */
static const uint16_t step_costs[GROUPS_MAX] = {1000, 1350, 1870};

const struct sp_tdes_lanes sp_tdes_lanes_vbmi = {
    .lanes = VBMI_LANES,
    .scratch_bytes = sizeof(struct scratch),
    .seal_lanes_min = 2,
    .open_lanes_min = 2,
    .seal = seal,
    .open = sp_tdes_vbmi_open,
    .set_seal_keys = set_seal_keys,
    .seal_run = seal_run,
    .group_lanes = GROUP_LANES,
    .step_costs = step_costs,
};
