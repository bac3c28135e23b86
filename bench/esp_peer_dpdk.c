/* SPDX-License-Identifier: ISC
 *
 * DPDK's crypto_aesni_mb: IPsec-MB behind the interface of a crypto device. A burst is enqueued and dequeued
 * until all of it is back; cipher and HMAC are one operation, whose session was made before.
 *
 * It uses the widest registers that the processor has, whatever SALLYPORT_CPUMASK hides.
 */
#include "esp_peer.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cryptodev.h>
#include <rte_eal.h>
#include <rte_mbuf.h>

#define OPS 256 /* enqueued at a time */
#define QUEUE_OPS 1024
#define IV_BYTES 8
#define IV_OFFSET (sizeof(struct rte_crypto_op) + sizeof(struct rte_crypto_sym_op))

struct sessions {
    void *seal, *open;
};

struct state {
    uint8_t device;
    struct rte_crypto_op *ops[OPS];
    struct rte_mbuf mbufs[OPS];
    size_t sas;
    struct sessions sessions[];
};

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* Returns the device. EAL moves the thread to one processor, which is undone. */
static uint8_t start_dpdk(void)
{
    static char words[][32] = {"bench", "--no-huge", "--no-pci", "--no-shconf",     "--no-telemetry",
                               "-m",    "512",       "--vdev",   "crypto_aesni_mb", "--log-level=*:error"};
    char *arguments[sizeof words / sizeof words[0]];
    cpu_set_t processors;

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        arguments[i] = words[i];
    (void)sched_getaffinity(0, sizeof processors, &processors);
    require(rte_eal_init((int)(sizeof words / sizeof words[0]), arguments) >= 0);
    (void)sched_setaffinity(0, sizeof processors, &processors);
    int device = rte_cryptodev_get_dev_id("crypto_aesni_mb");
    if (device < 0) {
        (void)fprintf(stderr, "bench/esp: DPDK's driver crypto_aesni_mb is missing here: build with "
                              "-Dbench_dpdk=disabled to do without\n");
        exit(1);
    }
    return (uint8_t)device;
}

static void start_device(uint8_t device)
{
    struct rte_cryptodev_config config = {.socket_id = SOCKET_ID_ANY, .nb_queue_pairs = 1};
    const struct rte_cryptodev_qp_conf queue = {.nb_descriptors = QUEUE_OPS};

    require(rte_cryptodev_configure(device, &config) == 0);
    require(rte_cryptodev_queue_pair_setup(device, 0, &queue, SOCKET_ID_ANY) == 0);
    require(rte_cryptodev_start(device) == 0);
}

static void *session_of(uint8_t device, struct rte_mempool *pool, const struct keys *keys, bool is_sealing)
{
    struct rte_crypto_sym_xform cipher = {
        .type = RTE_CRYPTO_SYM_XFORM_CIPHER,
        .cipher = {.op = is_sealing ? RTE_CRYPTO_CIPHER_OP_ENCRYPT : RTE_CRYPTO_CIPHER_OP_DECRYPT,
                   .algo = RTE_CRYPTO_CIPHER_3DES_CBC,
                   .key = {.data = keys->encryption, .length = TDES_KEY_BYTES},
                   .iv = {.offset = IV_OFFSET, .length = IV_BYTES}}};
    struct rte_crypto_sym_xform mac = {
        .type = RTE_CRYPTO_SYM_XFORM_AUTH,
        .auth = {.op = is_sealing ? RTE_CRYPTO_AUTH_OP_GENERATE : RTE_CRYPTO_AUTH_OP_VERIFY,
                 .algo = RTE_CRYPTO_AUTH_SHA1_HMAC,
                 .key = {.data = keys->integrity, .length = SHA1_KEY_BYTES},
                 .digest_length = ICV_BYTES}};

    cipher.next = is_sealing ? &mac : NULL;
    mac.next = is_sealing ? NULL : &cipher;
    void *session = rte_cryptodev_sym_session_create(device, is_sealing ? &cipher : &mac, pool);
    require(session != NULL);
    return session;
}

static void *create(const struct keys *keys, size_t sas)
{
    struct state *state = aligned_alloc(64, (sizeof *state + sas * sizeof state->sessions[0] + 63) / 64 * 64);

    require(state != NULL);
    memset(state, 0, sizeof *state);
    state->device = start_dpdk();
    state->sas = sas;
    start_device(state->device);
    struct rte_mempool *ops =
        rte_crypto_op_pool_create("ops", RTE_CRYPTO_OP_TYPE_SYMMETRIC, OPS, 0, IV_BYTES, SOCKET_ID_ANY);
    struct rte_mempool *pool = rte_cryptodev_sym_session_pool_create(
        "sessions", (uint32_t)(2 * sas), rte_cryptodev_sym_get_private_session_size(state->device), 0, 0,
        SOCKET_ID_ANY);
    require(ops != NULL && pool != NULL);
    require(rte_crypto_op_bulk_alloc(ops, RTE_CRYPTO_OP_TYPE_SYMMETRIC, state->ops, OPS) == OPS);
    for (size_t i = 0; i < OPS; i++) {
        state->mbufs[i].nb_segs = 1;
        state->ops[i]->sym->m_src = &state->mbufs[i];
    }
    for (size_t i = 0; i < sas; i++) {
        state->sessions[i].seal = session_of(state->device, pool, &keys[i], true);
        state->sessions[i].open = session_of(state->device, pool, &keys[i], false);
    }
    return state;
}

/* What DPDK holds goes with the process. */
static void destroy(void *state_)
{
    struct state *state = state_;

    rte_cryptodev_stop(state->device);
    free(state);
}

static void fill_op(struct rte_crypto_op *op, void *session, const struct peer_packet *packet)
{
    struct rte_crypto_sym_op *work = op->sym;
    struct rte_mbuf *mbuf = work->m_src;
    size_t mac_bytes = ESP_FRONT_BYTES + packet->cipher_bytes;

    mbuf->buf_addr = packet->esp;
    mbuf->pkt_len = (uint32_t)(mac_bytes + ICV_BYTES);
    mbuf->data_len = mbuf->buf_len = (uint16_t)mbuf->pkt_len;
    op->status = RTE_CRYPTO_OP_STATUS_NOT_PROCESSED;
    op->sess_type = RTE_CRYPTO_OP_WITH_SESSION;
    work->session = session;
    work->cipher.data.offset = ESP_FRONT_BYTES;
    work->cipher.data.length = (uint32_t)packet->cipher_bytes;
    work->auth.data.offset = 0;
    work->auth.data.length = (uint32_t)mac_bytes;
    work->auth.digest.data = packet->esp + mac_bytes;
    memcpy(rte_crypto_op_ctod_offset(op, uint8_t *, IV_OFFSET), packet->esp + IV_OFFSET_BYTES, IV_BYTES);
}

static bool run_some(struct state *state, const struct peer_packet *packets, size_t count, bool is_sealing)
{
    struct rte_crypto_op *done[OPS];
    size_t back = 0;
    bool is_right = true;

    for (size_t i = 0; i < count; i++) {
        const struct sessions *sessions = &state->sessions[packets[i].sa];
        fill_op(state->ops[i], is_sealing ? sessions->seal : sessions->open, &packets[i]);
    }
    require(rte_cryptodev_enqueue_burst(state->device, 0, state->ops, (uint16_t)count) == count);
    while (back < count) {
        size_t some = rte_cryptodev_dequeue_burst(state->device, 0, done, (uint16_t)(count - back));
        for (size_t i = 0; i < some; i++)
            is_right = is_right && done[i]->status == RTE_CRYPTO_OP_STATUS_SUCCESS;
        back += some;
    }
    return is_right;
}

static bool run(struct state *state, const struct peer_packet *packets, size_t count, bool is_sealing)
{
    bool is_right = true;

    for (size_t at = 0; at < count; at += OPS)
        is_right = is_right && run_some(state, packets + at, count - at < OPS ? count - at : OPS, is_sealing);
    return is_right;
}

static void seal(void *state, const struct peer_packet *packets, size_t count)
{
    require(run(state, packets, count, true));
}

static bool open(void *state, const struct peer_packet *packets, size_t count)
{
    return run(state, packets, count, false);
}

const struct peer peer_dpdk = {
    .name = "DPDK aesni_mb", .create = create, .destroy = destroy, .seal = seal, .open = open};
