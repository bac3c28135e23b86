/* SPDX-License-Identifier: ISC
 *
 * The machinery below the HMACs: hash kernels that run side by side, and the plan that says which of them
 * runs when so many packets are in flight.
 *
 * A kernel is only a compression function over some lanes, all of them as many blocks long. What HMAC is,
 * where a message ends, padding and the order of packets are the scheduler's (lanes_template.h), so that a
 * kernel file has nothing but its instructions, and so that any kernel may take over lanes that another one
 * began: they all keep chaining values as plain words, a row a lane.
 */
#ifndef SP_CRYPTO_HMAC_KERNELS_H
#define SP_CRYPTO_HMAC_KERNELS_H

#include "core/cpu.h"
#include "crypto/suite.h"

#define SP_HASH_BLOCK_BYTES 64 /* of MD5, SHA-1 and SHA-256 alike */
#define SP_HASH_ROW_WORDS 8    /* the longest chaining value, SHA-256's */
#define SP_HASH_LANES_MAX 64
#define SP_HASH_KERNELS_MAX 8

/* A lane's chaining value in the machine's own words, as many of them as the hash has. 16-byte aligned. */
typedef uint32_t sp_hash_row[SP_HASH_ROW_WORDS];

struct sp_hash_kernel {
    const char *name;      /* the instructions and the lanes: "avx2/8" */
    uint32_t cpu_features; /* enum sp_cpu_feature: all of them are needed */
    uint32_t lanes;        /* all run, wanted or not */
    /* Of all lanes together, as measured: what plans are made of. On a processor without AVX-512 (Zen 3) and
     * on one with it (Zen 5), whose vector operations take longer to answer. */
    uint32_t cycles_per_block, cycles_per_block_avx512;
    uint32_t stack_bytes; /* at most this much of the stack holds what comes from keys */
    /* Compresses the next blocks of every lane into its row. Reads blocks * 64 bytes from data[lane], no
     * more. */
    void (*compress)(sp_hash_row *rows, const uint8_t *const *data, size_t blocks);
    /* The same, and then HMAC's outer hash over what came out, from the chaining value at outer[lane] on;
     * rows end as HMAC's digests. For short packets: for others its code isn't worth the room in the caches.
     * NULL where it is not faster than the two apart. */
    void (*compress_and_finish)(sp_hash_row *rows, const uint8_t *const *data, size_t blocks,
                                const uint32_t *const *outer);
};

/* Which kernel begins when n lanes are active: it takes the first kernel->lanes of them, and the next is
 * looked up for the rest. The last may be wider than what is left. */
struct sp_lane_plan {
    uint32_t lanes; /* how many to keep active while jobs last */
    uint32_t cost[SP_HASH_LANES_MAX + 1];
    const struct sp_hash_kernel *first[SP_HASH_LANES_MAX + 1];
    char name[96]; /* of its kernels, widest first: "avx2/8 sha-ni/2 sha-ni/1" */
};

/* A hash, and HMAC over it. */
struct sp_hash {
    const char *name;
    uint32_t words; /* of the chaining value */
    bool is_big_endian;
    uint32_t initial[SP_HASH_ROW_WORDS];         /* chaining value */
    uint32_t known_answer[SP_HASH_ROW_WORDS];    /* the hash of "abc", as words */
    const struct sp_hash_kernel *const *kernels; /* the first is libcrypto's, which runs anywhere */
    size_t kernel_count;
    /* HMAC of each job under the plan; every job's state is inner and outer chaining value, words each.
     * Writes icv_bytes of the digest. Lengths below 2^61 bytes. */
    void (*mac)(const struct sp_lane_plan *plan, const struct sp_hmac_job *jobs, size_t count,
                size_t icv_bytes);
};

extern const struct sp_hash sp_hash_md5, sp_hash_sha1, sp_hash_sha2_256;

/* Whether each lane of a kernel hashes right: the known answer, and two blocks that differ from lane to lane.
 */
bool sp_hash_kernel_is_sound(const struct sp_hash *hash, const struct sp_hash_kernel *kernel);

/* The cheapest way to serve any number of lanes with these kernels, of which there is at least one, on a
 * processor with these features. */
void sp_lane_plan_make(struct sp_lane_plan *plan, const struct sp_hash_kernel *const *kernels, size_t count,
                       uint32_t features);

/* The plan of all kernels that these features (of sp_cpu_features()) suffice for and that are sound. */
void sp_lane_plan_choose(struct sp_lane_plan *plan, const struct sp_hash *hash, uint32_t features);

extern const struct sp_hash_kernel sp_md5_libcrypto, sp_sha1_libcrypto, sp_sha2_256_libcrypto;
#ifdef __x86_64__
extern const struct sp_hash_kernel sp_md5_avx2_8, sp_md5_avx2_16;
extern const struct sp_hash_kernel sp_md5_avx512_16, sp_md5_avx512_32, sp_md5_avx512_64;
extern const struct sp_hash_kernel sp_sha1_shani_1, sp_sha1_shani_2, sp_sha1_shani_4, sp_sha1_avx2;
extern const struct sp_hash_kernel sp_sha1_avx512_16, sp_sha1_avx512_32;
extern const struct sp_hash_kernel sp_sha2_256_shani_1, sp_sha2_256_shani_2, sp_sha2_256_shani_4,
    sp_sha2_256_avx2;
extern const struct sp_hash_kernel sp_sha2_256_avx512_16, sp_sha2_256_avx512_32;
#endif

#endif
