/* SPDX-License-Identifier: ISC
 *
 * Holds every HMAC kernel, and every way in which kernels hand lanes to each other, against libcrypto's
 * one-shot HMAC. That is a way through libcrypto that shares nothing with the library's own reference.
 *
 * A packet's bytes lie between two pages that nobody may touch, right before the second one: a kernel that
 * reads a byte too many ends the program.
 */
#include "hmac.h"
#include "hmac_vectors.h"

#include "crypto/hmac/kernels.h"
#include "crypto/kernels.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LENGTH_MAX 2048
#define OFFSETS 64
#define JOBS_MAX 80
#define KEY_BYTES_MAX 150
#define DIGEST_BYTES_MAX 32
#define PAGE_BYTES 4096
#define CANARY 0xc5
#define STATE_BYTES_MAX 64
#define ROUNDS 6 /* of random jobs for each number of them */

struct algorithm {
    const struct sp_hash *hash;
    const struct sp_hmac *reference;
    const struct sp_hmac *(*chosen)(void);
    const EVP_MD *(*evp)(void);
};

static const struct algorithm algorithms[] = {
    {&sp_hash_md5, &sp_hmac_md5_reference, sp_hmac_md5, EVP_md5},
    {&sp_hash_sha1, &sp_hmac_sha1_reference, sp_hmac_sha1, EVP_sha1},
    {&sp_hash_sha2_256, &sp_hmac_sha2_256_reference, sp_hmac_sha2_256, EVP_sha256},
};

/* A way to compute: under a plan, or an ops table. */
struct variant {
    const struct algorithm *algorithm;
    const struct sp_hmac *ops;
    struct sp_lane_plan plan;
    char name[128];
};

/* A job with all that it needs, its ICV between canaries. */
struct packet {
    uint8_t *page; /* PAGE_BYTES between guards */
    uint8_t *data;
    size_t len_bytes;
    uint8_t state[STATE_BYTES_MAX] __attribute__((aligned(64)));
    uint8_t icv[3 * DIGEST_BYTES_MAX];
    uint8_t expected[DIGEST_BYTES_MAX];
};

static struct packet packets[JOBS_MAX];
static struct sp_hmac_job jobs[JOBS_MAX];

static uint8_t *guarded_page(void)
{
    uint8_t *pages = mmap(NULL, 3 * PAGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (pages == MAP_FAILED || mprotect(pages + PAGE_BYTES, PAGE_BYTES, PROT_READ | PROT_WRITE) != 0) {
        perror("mmap");
        exit(1);
    }
    return pages + PAGE_BYTES;
}

static void run_variant(const struct variant *variant, size_t count)
{
    if (variant->ops != NULL)
        variant->ops->mac(jobs, count);
    else
        variant->algorithm->hash->mac(&variant->plan, jobs, count, variant->algorithm->reference->icv_bytes);
}

static void expect(struct packet *packet, const struct variant *variant, const uint8_t *key, size_t key_bytes)
{
    variant->algorithm->reference->expand(packet->state, key, key_bytes);
    HMAC(variant->algorithm->evp(), key, (int)key_bytes, packet->data, packet->len_bytes, packet->expected,
         NULL);
}

static struct sp_hmac_job job_of(struct packet *packet)
{
    memset(packet->icv, CANARY, sizeof packet->icv);
    return (struct sp_hmac_job){.state = packet->state,
                                .data = packet->data,
                                .len_bytes = packet->len_bytes,
                                .icv = packet->icv + DIGEST_BYTES_MAX};
}

static bool is_canary(const uint8_t *bytes, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++)
        if (bytes[i] != CANARY)
            return false;
    return true;
}

static bool packet_is_right(const struct packet *packet, size_t icv_bytes)
{
    const uint8_t *icv = packet->icv + DIGEST_BYTES_MAX;

    return memcmp(icv, packet->expected, icv_bytes) == 0 && is_canary(packet->icv, DIGEST_BYTES_MAX) &&
           is_canary(icv + icv_bytes, 2 * DIGEST_BYTES_MAX - icv_bytes);
}

/* Every length in every lane: packets of a burst are one longer each. */
static bool every_length_is_right(struct harness *harness, const struct variant *variant)
{
    size_t icv_bytes = variant->algorithm->reference->icv_bytes;
    uint8_t key[20];
    bool is_right = true;

    harness_fill(harness, key, sizeof key);
    for (size_t first = 0; first <= LENGTH_MAX; first += JOBS_MAX) {
        size_t count = LENGTH_MAX + 1 - first < JOBS_MAX ? LENGTH_MAX + 1 - first : JOBS_MAX;
        for (size_t i = 0; i < count; i++) {
            packets[i].len_bytes = first + i;
            packets[i].data = packets[i].page + PAGE_BYTES - packets[i].len_bytes;
            expect(&packets[i], variant, key, sizeof key);
            jobs[i] = job_of(&packets[i]);
        }
        run_variant(variant, count);
        for (size_t i = 0; i < count; i++)
            is_right &= packet_is_right(&packets[i], icv_bytes);
    }
    return is_right;
}

/* Every length again, and behind every other packet the bytes that only its ICV knows. */
static bool suffix_is_hashed_behind(struct harness *harness, const struct variant *variant)
{
    uint8_t key[20], text[LENGTH_MAX + SP_HMAC_SUFFIX_BYTES];
    bool is_right = true;

    harness_fill(harness, key, sizeof key);
    for (size_t first = 0; first <= LENGTH_MAX; first += JOBS_MAX / 2)
        for (size_t i = 0; i < JOBS_MAX; i++) {
            struct packet *packet = &packets[i];
            bool has_suffix = i % 2 == 1;
            uint32_t suffix = has_suffix ? (uint32_t)harness_random(harness) : 0;
            packet->len_bytes = first + i / 2 <= LENGTH_MAX ? first + i / 2 : LENGTH_MAX;
            packet->data = packet->page + PAGE_BYTES - packet->len_bytes;
            memcpy(text, packet->data, packet->len_bytes);
            memcpy(text + packet->len_bytes, &suffix, sizeof suffix);
            variant->algorithm->reference->expand(packet->state, key, sizeof key);
            HMAC(variant->algorithm->evp(), key, (int)sizeof key, text,
                 packet->len_bytes + (has_suffix ? sizeof suffix : 0), packet->expected, NULL);
            jobs[i] = job_of(packet);
            jobs[i].suffix_bytes = has_suffix ? SP_HMAC_SUFFIX_BYTES : 0;
            jobs[i].suffix = suffix;
            if (i + 1 < JOBS_MAX)
                continue;
            run_variant(variant, JOBS_MAX);
            for (size_t k = 0; k < JOBS_MAX; k++)
                is_right &= packet_is_right(&packets[k], variant->algorithm->reference->icv_bytes);
        }
    return is_right;
}

/* The same packet at offsets first to first + 31 of a page. */
static bool offsets_are_right(const struct variant *variant, const struct packet *model, size_t first)
{
    bool is_right = true;

    for (size_t i = 0; i < OFFSETS / 2; i++) {
        packets[i].data = packets[i].page + first + i;
        packets[i].len_bytes = model->len_bytes;
        memcpy(packets[i].data, model->data, model->len_bytes);
        memcpy(packets[i].state, model->state, sizeof model->state);
        memcpy(packets[i].expected, model->expected, sizeof model->expected);
        jobs[i] = job_of(&packets[i]);
    }
    run_variant(variant, OFFSETS / 2);
    for (size_t i = 0; i < OFFSETS / 2; i++)
        is_right &= packet_is_right(&packets[i], variant->algorithm->reference->icv_bytes);
    return is_right;
}

static bool every_offset_is_right(struct harness *harness, const struct variant *variant)
{
    uint8_t key[20], text[LENGTH_MAX];
    struct packet model = {.data = text};
    bool is_right = true;

    harness_fill(harness, key, sizeof key);
    harness_fill(harness, text, sizeof text);
    for (model.len_bytes = 0; model.len_bytes <= LENGTH_MAX; model.len_bytes += harness->is_brief ? 61 : 1) {
        expect(&model, variant, key, sizeof key);
        is_right &= offsets_are_right(variant, &model, 0) && offsets_are_right(variant, &model, OFFSETS / 2);
    }
    return is_right;
}

/* Lengths as traffic has them: all the same, two sorts, or anything. */
static size_t random_length(struct harness *harness, size_t shape)
{
    size_t any = harness_random_below(harness, LENGTH_MAX + 1);

    return shape == 0 ? 1440 : shape == 1 ? (any & 1 ? 80 : 1440) : any;
}

static void random_packet(struct harness *harness, const struct variant *variant, struct packet *packet,
                          size_t shape)
{
    uint8_t key[KEY_BYTES_MAX];
    size_t key_bytes = harness_random_below(harness, sizeof key + 1);

    harness_fill(harness, key, key_bytes);
    packet->len_bytes = random_length(harness, shape);
    packet->data = packet->page + PAGE_BYTES - packet->len_bytes;
    for (size_t i = 0; i < packet->len_bytes; i += 61)
        packet->data[i] = (uint8_t)harness_random(harness);
    expect(packet, variant, key, key_bytes);
}

static bool mixed_jobs_are_right(struct harness *harness, const struct variant *variant)
{
    size_t icv_bytes = variant->algorithm->reference->icv_bytes;
    bool is_right = true;

    for (size_t count = 1; count <= JOBS_MAX; count++)
        for (size_t round = 0; round < (harness->is_brief ? 1 : ROUNDS); round++) {
            for (size_t i = 0; i < count; i++) {
                random_packet(harness, variant, &packets[i], (count + round) % 3);
                jobs[i] = job_of(&packets[i]);
            }
            run_variant(variant, count);
            for (size_t i = 0; i < count; i++)
                is_right &= packet_is_right(&packets[i], icv_bytes);
        }
    return is_right;
}

/* More jobs than the scheduler orders at once, with a packet of 64 KB among them. */
static bool long_bursts_are_right(struct harness *harness, const struct variant *variant)
{
    enum { COUNT = 600, LONGEST = 65536 };
    static struct sp_hmac_job many[COUNT];
    static uint8_t icvs[COUNT][DIGEST_BYTES_MAX], text[LONGEST];
    struct packet model = {.data = text};
    uint8_t key[20];
    bool is_right = true;

    harness_fill(harness, key, sizeof key);
    harness_fill(harness, text, sizeof text);
    expect(&model, variant, key, sizeof key);
    for (size_t i = 0; i < COUNT; i++) {
        size_t len_bytes = i % 97 == 5 ? LONGEST : harness_random_below(harness, 700);
        many[i] =
            (struct sp_hmac_job){.state = model.state, .data = text, .len_bytes = len_bytes, .icv = icvs[i]};
    }
    if (variant->ops != NULL)
        variant->ops->mac(many, COUNT);
    else
        variant->algorithm->hash->mac(&variant->plan, many, COUNT, variant->algorithm->reference->icv_bytes);
    for (size_t i = 0; i < COUNT; i++) {
        model.len_bytes = many[i].len_bytes;
        expect(&model, variant, key, sizeof key);
        is_right &= memcmp(icvs[i], model.expected, variant->algorithm->reference->icv_bytes) == 0;
    }
    return is_right;
}

/* As sealing has it: the ICV goes right behind the packet. */
static bool icv_goes_behind_packet(struct harness *harness, const struct variant *variant)
{
    size_t icv_bytes = variant->algorithm->reference->icv_bytes;
    bool is_right = true;

    for (size_t i = 0; i < JOBS_MAX; i++) {
        random_packet(harness, variant, &packets[i], 2);
        memmove(packets[i].page, packets[i].data, packets[i].len_bytes);
        packets[i].data = packets[i].page;
        jobs[i] = job_of(&packets[i]);
        jobs[i].icv = packets[i].data + packets[i].len_bytes;
    }
    run_variant(variant, JOBS_MAX);
    for (size_t i = 0; i < JOBS_MAX; i++)
        is_right &= memcmp(jobs[i].icv, packets[i].expected, icv_bytes) == 0;
    return is_right;
}

static uint8_t key_byte(const struct hmac_vector *vector, size_t i)
{
    if (vector->key != NULL)
        return (uint8_t)vector->key[i];
    return (uint8_t)(vector->key_byte != 0 ? (size_t)vector->key_byte : i + 1);
}

/* A vector as packet; false when it isn't one for the algorithm. */
static bool load_vector(const struct variant *variant, const struct hmac_vector *vector,
                        struct packet *packet)
{
    uint8_t key[KEY_BYTES_MAX];

    if (strcmp(vector->hash, variant->algorithm->hash->name) != 0)
        return false;
    for (size_t i = 0; i < vector->key_bytes; i++)
        key[i] = key_byte(vector, i);
    packet->len_bytes = vector->text != NULL ? strlen(vector->text) : 50;
    packet->data = packet->page + PAGE_BYTES - packet->len_bytes;
    memset(packet->data, vector->text_byte, packet->len_bytes);
    if (vector->text != NULL)
        memcpy(packet->data, vector->text, packet->len_bytes);
    variant->algorithm->reference->expand(packet->state, key, vector->key_bytes);
    for (size_t i = 0; i < strlen(vector->digest) / 2; i++)
        sscanf(vector->digest + 2 * i, "%2hhx", &packet->expected[i]);
    return true;
}

static bool vectors_are_right(const struct variant *variant)
{
    size_t count = 0, vector = 0;
    bool is_right = true;

    /* over and over, so that every lane sees some */
    while (count < JOBS_MAX) {
        if (load_vector(variant, &hmac_vectors[vector], &packets[count])) {
            jobs[count] = job_of(&packets[count]);
            count++;
        }
        vector = (vector + 1) % (sizeof hmac_vectors / sizeof hmac_vectors[0]);
    }
    run_variant(variant, count);
    for (size_t i = 0; i < count; i++)
        is_right &= packet_is_right(&packets[i], variant->algorithm->reference->icv_bytes);
    return is_right;
}

/* Looks for a word of the key's chaining values in what earlier calls left of the stack. Reads memory that
 * has no object any more, which no sanitizer likes. */
__attribute__((noinline, no_sanitize("address", "undefined"))) static size_t
words_on_stack(const uint32_t *words, size_t count)
{
    enum { DEPTH_WORDS = 16384 }; /* a burst's frame alone has over 16 KB, and the kernels' lie below it */
    volatile uint32_t *below = __builtin_alloca(DEPTH_WORDS * sizeof *below);
    size_t found = 0;

    for (size_t i = 0; i < DEPTH_WORDS; i++)
        for (size_t word = 0; word < count; word++)
            found += below[i] == words[word];
    return found;
}

static bool has_words_on_stack(struct harness *harness, const struct variant *variant, size_t count)
{
    random_packet(harness, variant, &packets[0], 0);
    for (size_t i = 0; i < count; i++)
        jobs[i] = job_of(&packets[0]);
    run_variant(variant, count);
    return words_on_stack((const uint32_t *)(const void *)packets[0].state,
                          2 * variant->algorithm->hash->words) != 0;
}

/* Thousands of words are compared with a few for each count of each kernel: once in some dozen runs of it all
 * two are the same by chance. A kernel that leaves the key's leaves them with every key. */
static bool stack_is_clean(struct harness *harness, const struct variant *variant, size_t count)
{
    for (int attempt = 0; attempt < 3; attempt++)
        if (!has_words_on_stack(harness, variant, count))
            return true;
    return false;
}

static bool every_count_leaves_clean_stack(struct harness *harness, const struct variant *variant)
{
    bool is_clean = true;

    for (size_t count = 1; count <= JOBS_MAX; count++)
        is_clean &= stack_is_clean(harness, variant, count);
    return is_clean;
}

/* libcrypto's own frames are not ours to wipe, and sanitizers lay frames out their own way. */
static bool has_clean_stack(const struct variant *variant)
{
#ifdef __SANITIZE_ADDRESS__
    return false;
#endif
    return variant->ops == NULL || strcmp(variant->ops->kernel, "libcrypto") != 0;
}

static void check_variant(struct harness *harness, const struct variant *variant)
{
    const char *hash = variant->algorithm->hash->name, *name = variant->name;

    harness_tell(harness, vectors_are_right(variant), "%s, %s: the RFC's vectors come out, in every lane",
                 hash, name);
    harness_tell(harness, every_length_is_right(harness, variant),
                 "%s, %s: lengths 0 to %d agree, next to a guard page", hash, name, LENGTH_MAX);
    harness_tell(harness, suffix_is_hashed_behind(harness, variant),
                 "%s, %s: lengths 0 to %d agree with a suffix behind every other packet", hash, name,
                 LENGTH_MAX);
    harness_tell(harness, every_offset_is_right(harness, variant),
                 "%s, %s: offsets 0 to %d agree, at every %slength", hash, name, OFFSETS - 1,
                 harness->is_brief ? "61st " : "");
    harness_tell(harness, mixed_jobs_are_right(harness, variant),
                 "%s, %s: 1 to %d jobs of mixed lengths and keys agree", hash, name, JOBS_MAX);
    harness_tell(harness, long_bursts_are_right(harness, variant),
                 "%s, %s: bursts of 600 with 64 KB packets agree", hash, name);
    harness_tell(harness, icv_goes_behind_packet(harness, variant),
                 "%s, %s: the ICV may lie right behind its packet", hash, name);
    if (has_clean_stack(variant))
        harness_tell(harness, every_count_leaves_clean_stack(harness, variant),
                     "%s, %s: no chaining value of a key stays on the stack", hash, name);
}

static bool can_run(const struct sp_hash_kernel *kernel)
{
    return (kernel->cpu_features & ~sp_cpu_features()) == 0;
}

static size_t runnable(const struct sp_hash *hash, const struct sp_hash_kernel **kernels)
{
    size_t count = 0;

    for (size_t i = 0; i < hash->kernel_count; i++)
        if (can_run(hash->kernels[i]))
            kernels[count++] = hash->kernels[i];
    return count;
}

/* No sane plan: every kernel takes over from every other, wide ones with a single lane in use. */
static void check_hand_over(struct harness *harness, const struct algorithm *algorithm)
{
    const struct sp_hash_kernel *kernels[SP_HASH_KERNELS_MAX];
    size_t count = runnable(algorithm->hash, kernels);
    struct variant variant = {.algorithm = algorithm, .name = "kernels at random"};

    sp_lane_plan_make(&variant.plan, kernels, count, sp_cpu_features());
    variant.plan.lanes = SP_HASH_LANES_MAX;
    for (size_t lanes = 1; lanes <= SP_HASH_LANES_MAX; lanes++)
        variant.plan.first[lanes] = kernels[harness_random_below(harness, count)];
    check_variant(harness, &variant);
}

static void check_kernels(struct harness *harness, const struct algorithm *algorithm)
{
    const struct sp_hash_kernel *kernels[SP_HASH_KERNELS_MAX];
    size_t count = runnable(algorithm->hash, kernels);
    struct variant variant = {.algorithm = algorithm};

    for (size_t i = 0; i < count; i++) {
        harness_tell(harness, sp_hash_kernel_is_sound(algorithm->hash, kernels[i]), "%s, %s: is admitted",
                     algorithm->hash->name, kernels[i]->name);
        sp_lane_plan_make(&variant.plan, &kernels[i], 1, sp_cpu_features());
        snprintf(variant.name, sizeof variant.name, "%s", kernels[i]->name);
        check_variant(harness, &variant);
    }
    check_hand_over(harness, algorithm);
    variant.ops = algorithm->reference;
    snprintf(variant.name, sizeof variant.name, "reference");
    check_variant(harness, &variant);
    variant.ops = algorithm->chosen();
    snprintf(variant.name, sizeof variant.name, "in use (%s)", variant.ops->kernel);
    check_variant(harness, &variant);
}

void kernels_hmac(struct harness *harness)
{
    for (size_t i = 0; i < JOBS_MAX; i++)
        packets[i].page = guarded_page();
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++) {
        check_kernels(harness, &algorithms[i]);
        hmac_plan(harness, algorithms[i].hash, algorithms[i].chosen());
        if (harness->is_measuring)
            hmac_measure(algorithms[i].hash, algorithms[i].reference, algorithms[i].chosen());
    }
}
