/* SPDX-License-Identifier: ISC
 *
 * Intel IPsec-MB, by its job API and by its burst API; which of them is faster depends on the burst. Cipher
 * and HMAC are one job. Every call drains the manager, as a caller must who answers burst by burst: version
 * 1.3 loses count when its ring of jobs wraps with some in flight. What SALLYPORT_CPUMASK hides from our
 * kernels is hidden from it too, as far as it has a choice.
 *
 * Compiled with LINUX defined: its header aligns key structures only then.
 */
#include "esp_peer.h"

#include "core/cpu.h"

#include <intel-ipsec-mb.h>

#include <stdlib.h>
#include <string.h>

#define CHUNK_JOBS 128 /* IMB_MAX_BURST_SIZE */

struct sa {
    uint64_t schedules[3][IMB_DES_KEY_SCHED_SIZE / sizeof(uint64_t)];
    const void *schedule_list[3];
    uint8_t inner[SHA1_BYTES], outer[SHA1_BYTES];
} __attribute__((aligned(64)));

struct state {
    IMB_MGR *manager;
    uint8_t icvs[CHUNK_JOBS][ICV_BYTES_MAX];
    struct sa *sas;
};

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void half_of(IMB_MGR *manager, const uint8_t *key, uint8_t pad, uint8_t *ret_half)
{
    uint8_t block[IMB_SHA1_BLOCK_SIZE];

    memset(block, pad, sizeof block);
    for (size_t i = 0; i < SHA1_KEY_BYTES; i++)
        block[i] ^= key[i];
    IMB_SHA1_ONE_BLOCK(manager, block, ret_half);
}

static void start(IMB_MGR *manager)
{
    uint32_t features = sp_cpu_features();

    if (features & SP_CPU_AVX512)
        init_mb_mgr_auto(manager, NULL);
    else if (features & SP_CPU_AVX2)
        init_mb_mgr_avx2(manager);
    else
        init_mb_mgr_sse(manager);
}

static void *create(const struct keys *keys, size_t sas)
{
    struct state *state = calloc(1, sizeof *state);

    require(state != NULL && (state->manager = alloc_mb_mgr(0)) != NULL);
    start(state->manager);
    state->sas = aligned_alloc(64, sas * sizeof *state->sas);
    require(state->sas != NULL);
    for (size_t i = 0; i < sas; i++) {
        struct sa *sa = &state->sas[i];
        for (size_t part = 0; part < 3; part++) {
            IMB_DES_KEYSCHED(state->manager, sa->schedules[part], keys[i].encryption + part * 8);
            sa->schedule_list[part] = sa->schedules[part];
        }
        half_of(state->manager, keys[i].integrity, 0x36, sa->inner);
        half_of(state->manager, keys[i].integrity, 0x5c, sa->outer);
    }
    return state;
}

static void destroy(void *state_)
{
    struct state *state = state_;

    free_mb_mgr(state->manager);
    free(state->sas);
    free(state);
}

static void fill_job(IMB_JOB *job, const struct sa *sa, const struct peer_packet *packet, uint8_t *icv,
                     bool is_sealing)
{
    job->cipher_mode = IMB_CIPHER_DES3;
    job->cipher_direction = is_sealing ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
    job->chain_order = is_sealing ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    job->enc_keys = sa->schedule_list;
    job->dec_keys = sa->schedule_list;
    job->key_len_in_bytes = TDES_KEY_BYTES;
    job->src = packet->esp;
    job->dst = packet->esp + ESP_FRONT_BYTES;
    job->cipher_start_src_offset_in_bytes = ESP_FRONT_BYTES;
    job->msg_len_to_cipher_in_bytes = packet->cipher_bytes;
    job->iv = packet->esp + IV_OFFSET_BYTES;
    job->iv_len_in_bytes = 8;
    job->hash_alg = IMB_AUTH_HMAC_SHA_1;
    job->hash_start_src_offset_in_bytes = 0;
    job->msg_len_to_hash_in_bytes = ESP_FRONT_BYTES + packet->cipher_bytes;
    job->auth_tag_output = icv;
    job->auth_tag_output_len_in_bytes = ICV_BYTES;
    job->u.HMAC._hashed_auth_key_xor_ipad = sa->inner;
    job->u.HMAC._hashed_auth_key_xor_opad = sa->outer;
}

static uint8_t *icv_of(const struct peer_packet *packet)
{
    return packet->esp + ESP_FRONT_BYTES + packet->cipher_bytes;
}

/* A chunk through one of the APIs, until all of it is done. */
typedef void run_chunk(struct state *state, const struct peer_packet *packets, size_t count, bool is_sealing);

static void run_jobs(struct state *state, const struct peer_packet *packets, size_t count, bool is_sealing)
{
    size_t done = 0;

    for (size_t i = 0; i < count; i++) {
        fill_job(IMB_GET_NEXT_JOB(state->manager), &state->sas[packets[i].sa], &packets[i],
                 is_sealing ? icv_of(&packets[i]) : state->icvs[i], is_sealing);
        IMB_JOB *job = IMB_SUBMIT_JOB_NOCHECK(state->manager);
        for (; job != NULL; job = IMB_GET_COMPLETED_JOB(state->manager))
            done += job->status == IMB_STATUS_COMPLETED;
    }
    for (IMB_JOB *job; (job = IMB_FLUSH_JOB(state->manager)) != NULL;)
        done += job->status == IMB_STATUS_COMPLETED;
    require(done == count);
}

static void run_burst(struct state *state, const struct peer_packet *packets, size_t count, bool is_sealing)
{
    IMB_JOB *jobs[CHUNK_JOBS];

    require(IMB_GET_NEXT_BURST(state->manager, (uint32_t)count, jobs) == count);
    for (size_t i = 0; i < count; i++)
        fill_job(jobs[i], &state->sas[packets[i].sa], &packets[i],
                 is_sealing ? icv_of(&packets[i]) : state->icvs[i], is_sealing);
    size_t done = IMB_SUBMIT_BURST_NOCHECK(state->manager, (uint32_t)count, jobs);
    while (done < count) {
        size_t flushed = IMB_FLUSH_BURST(state->manager, (uint32_t)(count - done), jobs);
        require(flushed > 0);
        done += flushed;
    }
}

static bool run(run_chunk *chunk, struct state *state, const struct peer_packet *packets, size_t count,
                bool is_sealing)
{
    for (size_t at = 0; at < count; at += CHUNK_JOBS) {
        size_t jobs = count - at < CHUNK_JOBS ? count - at : CHUNK_JOBS;
        chunk(state, packets + at, jobs, is_sealing);
        for (size_t i = 0; i < jobs && !is_sealing; i++)
            if (memcmp(state->icvs[i], icv_of(&packets[at + i]), ICV_BYTES) != 0)
                return false;
    }
    return true;
}

static void seal_jobs(void *state, const struct peer_packet *packets, size_t count)
{
    (void)run(run_jobs, state, packets, count, true);
}

static bool open_jobs(void *state, const struct peer_packet *packets, size_t count)
{
    return run(run_jobs, state, packets, count, false);
}

static void seal_burst(void *state, const struct peer_packet *packets, size_t count)
{
    (void)run(run_burst, state, packets, count, true);
}

static bool open_burst(void *state, const struct peer_packet *packets, size_t count)
{
    return run(run_burst, state, packets, count, false);
}

const struct peer peer_ipsec_mb_jobs = {
    .name = "IPsec-MB jobs", .create = create, .destroy = destroy, .seal = seal_jobs, .open = open_jobs};
const struct peer peer_ipsec_mb_burst = {
    .name = "IPsec-MB burst", .create = create, .destroy = destroy, .seal = seal_burst, .open = open_burst};
