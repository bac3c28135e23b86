/* SPDX-License-Identifier: ISC
 *
 * What MD5 (RFC 1321 3.4) is in vectors of any width: the steps in their order, and the loop over blocks. The
 * kernel that includes this defines before: `vector`, LANES of 32 bits each; GROUPS_MAX; add(); STEP(), one
 * step of all groups; function_1() to function_4(); and what lanes_avx2.h or lanes_avx512.h gives.
 */
#ifndef SP_CRYPTO_HMAC_X86_MD5_STEPS_H
#define SP_CRYPTO_HMAC_X86_MD5_STEPS_H

#define WORDS 4

struct group {
    vector a, b, c, d;
    vector words[16];
};

#define FOUR_STEPS(function, k0, s0, t0, k1, s1, t1, k2, s2, t2, k3, s3, t3)                                 \
    STEP(function, a, b, c, d, k0, s0, t0)                                                                   \
    STEP(function, d, a, b, c, k1, s1, t1)                                                                   \
    STEP(function, c, d, a, b, k2, s2, t2)                                                                   \
    STEP(function, b, c, d, a, k3, s3, t3)

/* clang-format off */
ALWAYS_INLINE void all_steps(struct group *group, int groups)
{
    FOUR_STEPS(function_1, 0, 7, 0xd76aa478, 1, 12, 0xe8c7b756, 2, 17, 0x242070db, 3, 22, 0xc1bdceee)
    FOUR_STEPS(function_1, 4, 7, 0xf57c0faf, 5, 12, 0x4787c62a, 6, 17, 0xa8304613, 7, 22, 0xfd469501)
    FOUR_STEPS(function_1, 8, 7, 0x698098d8, 9, 12, 0x8b44f7af, 10, 17, 0xffff5bb1, 11, 22, 0x895cd7be)
    FOUR_STEPS(function_1, 12, 7, 0x6b901122, 13, 12, 0xfd987193, 14, 17, 0xa679438e, 15, 22, 0x49b40821)
    FOUR_STEPS(function_2, 1, 5, 0xf61e2562, 6, 9, 0xc040b340, 11, 14, 0x265e5a51, 0, 20, 0xe9b6c7aa)
    FOUR_STEPS(function_2, 5, 5, 0xd62f105d, 10, 9, 0x02441453, 15, 14, 0xd8a1e681, 4, 20, 0xe7d3fbc8)
    FOUR_STEPS(function_2, 9, 5, 0x21e1cde6, 14, 9, 0xc33707d6, 3, 14, 0xf4d50d87, 8, 20, 0x455a14ed)
    FOUR_STEPS(function_2, 13, 5, 0xa9e3e905, 2, 9, 0xfcefa3f8, 7, 14, 0x676f02d9, 12, 20, 0x8d2a4c8a)
    FOUR_STEPS(function_3, 5, 4, 0xfffa3942, 8, 11, 0x8771f681, 11, 16, 0x6d9d6122, 14, 23, 0xfde5380c)
    FOUR_STEPS(function_3, 1, 4, 0xa4beea44, 4, 11, 0x4bdecfa9, 7, 16, 0xf6bb4b60, 10, 23, 0xbebfbc70)
    FOUR_STEPS(function_3, 13, 4, 0x289b7ec6, 0, 11, 0xeaa127fa, 3, 16, 0xd4ef3085, 6, 23, 0x04881d05)
    FOUR_STEPS(function_3, 9, 4, 0xd9d4d039, 12, 11, 0xe6db99e5, 15, 16, 0x1fa27cf8, 2, 23, 0xc4ac5665)
    FOUR_STEPS(function_4, 0, 6, 0xf4292244, 7, 10, 0x432aff97, 14, 15, 0xab9423a7, 5, 21, 0xfc93a039)
    FOUR_STEPS(function_4, 12, 6, 0x655b59c3, 3, 10, 0x8f0ccc92, 10, 15, 0xffeff47d, 1, 21, 0x85845dd1)
    FOUR_STEPS(function_4, 8, 6, 0x6fa87e4f, 15, 10, 0xfe2ce6e0, 6, 15, 0xa3014314, 13, 21, 0x4e0811a1)
    FOUR_STEPS(function_4, 4, 6, 0xf7537e82, 11, 10, 0xbd3af235, 2, 15, 0x2ad7d2bb, 9, 21, 0xeb86d391)
}
/* clang-format on */

ALWAYS_INLINE void compress(int groups, sp_hash_row *rows, const uint8_t *const *data, size_t blocks)
{
    vector state[GROUPS_MAX][WORDS];
    struct group group[GROUPS_MAX];

    for (int g = 0; g < groups; g++)
        load_state(state[g], rows + LANES * g, 0);
    for (size_t block = 0; block < blocks; block++) {
        for (int g = 0; g < groups; g++) {
            load_words(group[g].words, data + LANES * g, block * SP_HASH_BLOCK_BYTES);
            group[g].a = state[g][0];
            group[g].b = state[g][1];
            group[g].c = state[g][2];
            group[g].d = state[g][3];
        }
        all_steps(group, groups);
        for (int g = 0; g < groups; g++) {
            state[g][0] = add(state[g][0], group[g].a);
            state[g][1] = add(state[g][1], group[g].b);
            state[g][2] = add(state[g][2], group[g].c);
            state[g][3] = add(state[g][3], group[g].d);
        }
    }
    for (int g = 0; g < groups; g++)
        store_state(state[g], rows + LANES * g, 0);
}

#endif
