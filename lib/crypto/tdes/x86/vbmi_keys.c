/* SPDX-License-Identifier: ISC
 *
 * The three forms of round keys that rounds_vbmi.S takes. A state keeps 384 bytes, one for each round and
 * box; what is made of them here lives in a call's scratch: tables of 24 KB a key and direction would be too
 * much to keep for thousands of SAs, and cost about as much to read from memory as to make.
 *
 * No address and no branch depends on a key. Whether lanes have the same SA is public.
 */
#include "crypto/tdes/x86/vbmi.h"

#include "crypto/tdes/bytes_vbmi.h"

/* Making a group's keys anew costs as much as giving so many of its lanes new ones one by one. */
#define PATCHES_MAX 6

typedef void rounds_function(BYTES *halves, const void *keys, const uint8_t tables[BOXES][4][16]);
rounds_function sp_tdes_rounds_folded_1_vbmi, sp_tdes_rounds_folded_2_vbmi, sp_tdes_rounds_folded_3_vbmi,
    sp_tdes_rounds_broadcast_1_vbmi, sp_tdes_rounds_broadcast_2_vbmi, sp_tdes_rounds_broadcast_3_vbmi,
    sp_tdes_rounds_lanes_1_vbmi, sp_tdes_rounds_lanes_2_vbmi, sp_tdes_rounds_lanes_3_vbmi;

void sp_tdes_vbmi_run(const struct vbmi_keys *keys, BYTES *halves, int groups)
{
    static rounds_function *const functions[][GROUPS_MAX] = {
        [VBMI_FOLDED] = {sp_tdes_rounds_folded_1_vbmi, sp_tdes_rounds_folded_2_vbmi,
                         sp_tdes_rounds_folded_3_vbmi},
        [VBMI_BROADCAST] = {sp_tdes_rounds_broadcast_1_vbmi, sp_tdes_rounds_broadcast_2_vbmi,
                            sp_tdes_rounds_broadcast_3_vbmi},
        [VBMI_LANE_KEYS] = {sp_tdes_rounds_lanes_1_vbmi, sp_tdes_rounds_lanes_2_vbmi,
                            sp_tdes_rounds_lanes_3_vbmi},
    };

    functions[keys->form][groups - 1](halves, keys->bytes, boxes);
}

/* The round keys of encryption backwards are those of decryption. */
INLINE size_t in_order(size_t round, bool is_sealing)
{
    return is_sealing ? round : ALL_ROUNDS - 1 - round;
}

static void set_form(struct vbmi_keys *keys, enum vbmi_form form, size_t used_bytes)
{
    keys->form = form;
    keys->lanes = 0;
    if (keys->used_bytes < used_bytes)
        keys->used_bytes = used_bytes;
}

void sp_tdes_vbmi_fold(struct vbmi_keys *keys, const struct sp_tdes_state *state, bool is_sealing)
{
    static const uint8_t numbers[64] __attribute__((aligned(64))) = {
        0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
        22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
        44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63,
    };
    const BYTES places = _mm512_load_si512(numbers);
    const uint8_t *from = (const uint8_t *)state->round_keys; /* little-endian words: byte i is box i's */

    for (size_t round = 0; round < ALL_ROUNDS; round++) {
        BYTES *tables = keys->bytes[0][in_order(round, is_sealing)];
        UNROLL for (int box = 0; box < BOXES; box++)
        {
            BYTES key = _mm512_set1_epi8((char)from[BOXES * round + box]);
            tables[box] =
                _mm512_permutexvar_epi8(_mm512_xor_si512(places, key), _mm512_load_si512(boxes[box]));
        }
    }
    set_form(keys, VBMI_FOLDED, sizeof keys->bytes[0]);
}

void sp_tdes_vbmi_broadcast(struct vbmi_keys *keys, const struct sp_tdes_state *state, bool is_sealing)
{
    const BYTES eight_times =
        _mm512_set_epi64(0x0707070707070707, 0x0606060606060606, 0x0505050505050505, 0x0404040404040404,
                         0x0303030303030303, 0x0202020202020202, 0x0101010101010101, 0);
    BYTES *to = keys->bytes[0][0];

    for (size_t round = 0; round < ALL_ROUNDS; round++) {
        BYTES key = _mm512_set1_epi64((long long)state->round_keys[round]);
        to[in_order(round, is_sealing)] = _mm512_shuffle_epi8(key, eight_times);
    }
    set_form(keys, VBMI_BROADCAST, ALL_ROUNDS * sizeof(BYTES));
}

/* Eight rounds of all lanes of a group: words to lines of lanes, then bytes of these. */
static void set_rounds(struct vbmi_keys *keys, size_t group, size_t round, bool is_sealing)
{
    const struct sp_tdes_state *const *states = keys->of_lane + GROUP_LANES * group;

    for (size_t line = 0; line < LINES; line++) {
        BYTES words[LINE_LANES];
        UNROLL for (int i = 0; i < LINE_LANES; i++) words[i] =
            _mm512_loadu_si512(states[LINE_LANES * line + i]->round_keys + round);
        transpose_words(words);
        UNROLL for (int i = 0; i < 8; i++) keys->turned[i][line] = words[i];
    }
    UNROLL for (int i = 0; i < 8; i++)
        separate_bytes(keys->turned[i], keys->bytes[group][in_order(round + i, is_sealing)]);
}

static void set_lane(struct vbmi_keys *keys, size_t lane, bool is_sealing)
{
    const uint8_t *from = (const uint8_t *)keys->of_lane[lane]->round_keys;
    size_t place = place_of_lane(lane % GROUP_LANES);

    for (size_t round = 0; round < ALL_ROUNDS; round++) {
        uint8_t *to = (uint8_t *)keys->bytes[lane / GROUP_LANES][in_order(round, is_sealing)] + place;
        UNROLL for (int box = 0; box < BOXES; box++) to[sizeof(BYTES) * box] = from[BOXES * round + box];
    }
}

static void set_group(struct vbmi_keys *keys, size_t group, const struct sp_tdes_state *const states[],
                      size_t lanes, bool is_new, bool is_sealing)
{
    const struct sp_tdes_state **now = keys->of_lane + GROUP_LANES * group;
    size_t changed[GROUP_LANES], changes = 0;

    for (size_t lane = 0; lane < GROUP_LANES; lane++) {
        const struct sp_tdes_state *state = lane < lanes ? states[lane] : states[0]; /* idle: any key */
        if (!is_new && (now[lane] == state || lane >= lanes))
            continue;
        now[lane] = state;
        changed[changes++] = GROUP_LANES * group + lane;
    }
    if (!is_new && changes <= PATCHES_MAX) {
        for (size_t i = 0; i < changes; i++)
            set_lane(keys, changed[i], is_sealing);
        return;
    }
    for (size_t round = 0; round < ALL_ROUNDS; round += 8)
        set_rounds(keys, group, round, is_sealing);
}

void sp_tdes_vbmi_set_lanes(struct vbmi_keys *keys, const struct sp_tdes_state *const states[], size_t lanes,
                            bool is_sealing)
{
    size_t groups = (lanes + GROUP_LANES - 1) / GROUP_LANES;
    size_t kept = keys->form == VBMI_LANE_KEYS ? keys->lanes : 0;

    for (size_t group = 0; group < groups; group++) {
        size_t first = GROUP_LANES * group;
        set_group(keys, group, states + first, lanes - first < GROUP_LANES ? lanes - first : GROUP_LANES,
                  first >= kept, is_sealing);
    }
    keys->used_turned_bytes = sizeof keys->turned;
    set_form(keys, VBMI_LANE_KEYS, groups * sizeof keys->bytes[0]);
    keys->lanes = groups * GROUP_LANES > kept ? groups * GROUP_LANES : kept;
}
