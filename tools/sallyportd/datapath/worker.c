/* SPDX-License-Identifier: ISC
 *
 * Each worker takes what waits, up to a burst, has the engine judge it in one call, and hands it on. There
 * are no queues of our own: the kernel's socket and device queues do the waiting, and drop when they are
 * full.
 *
 * A large TCP packet from the device is cut straight into the burst; what doesn't fit goes into the next
 * one, before anything else is read, so that a flow keeps its order.
 */
#include "datapath/worker.h"

#include "log.h"
#include "privilege/privilege.h"

#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

/* Room for any IP packet. The pages behind the longest one that ever came are never touched. */
#define SLOT_BYTES (SP_PACKET_HEADROOM_BYTES + TUN_PACKET_BYTES_MAX + SP_PACKET_TAILROOM_BYTES)
#define MEMORY_BYTES ((size_t)SLOT_BYTES * BURST_PACKETS + TUN_PACKET_BYTES_MAX + 2 * DATAGRAM_BYTES_MAX)

static uint8_t packet_version(const struct sp_packet *packet)
{
    return packet->len_bytes > 0 ? packet->buffer[packet->head_bytes] >> 4 : 0;
}

static void clamp(struct worker_common *common, struct sp_packet *packet)
{
    const uint16_t mss_bytes = packet_version(packet) == 6
                                   ? atomic_load_explicit(&common->mss_six_bytes, memory_order_relaxed)
                                   : atomic_load_explicit(&common->mss_four_bytes, memory_order_relaxed);
    if (mss_bytes)
        (void)sp_packet_clamp_mss(packet, mss_bytes);
}

/* What the policy lets pass in clear would not have been steered here: the guard and the engine disagree, for
 * instance about an address that the host has just gained. It must not leave from here, then. */
static void refuse_unsteered(struct worker *worker, enum sp_direction direction, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (worker->packets[i].verdict == SP_VERDICT_BYPASS)
            sp_worker_not_sent(worker->engine, direction, &worker->packets[i], SP_DROP_HOST_NOT_STEERED);
}

/* ---- outbound ------------------------------------------------------------------------------------------ */

/* Goes on with the packet that is being cut, into the burst from count on. */
static size_t cut(struct worker *worker, size_t count)
{
    return sp_cutter_next(&worker->cutter, worker->packets + count, BURST_PACKETS - count);
}

/* Takes one packet from the device. False: none waits. One that can't be cut goes on whole, so that the
 * engine or the path refuses and counts it. */
static bool read_one(struct worker *worker)
{
    static const struct sp_large ordinary = {0};
    struct sp_large large;
    const size_t len_bytes = tun_read(worker->tun_fd, worker->large_packet, &large);
    if (len_bytes == 0)
        return false;
    if (sp_cutter_start(&worker->cutter, worker->large_packet, len_bytes, &large) != SP_DROP_NONE)
        (void)!sp_cutter_start(&worker->cutter, worker->large_packet, len_bytes, &ordinary);
    return true;
}

static size_t fill_burst(struct worker *worker)
{
    size_t count = cut(worker, 0);
    while (count < BURST_PACKETS && read_one(worker)) {
        const size_t first = count;
        count += cut(worker, count);
        if (count == first + 1)
            clamp(worker->common, &worker->packets[first]);
    }
    return count;
}

/* What is to be sent of one family, by the sockets that do it. */
struct outgoing {
    struct sp_packet *packets[BURST_PACKETS];
    size_t count;
};

static void note_unsent(struct worker *worker, const struct outgoing *outgoing, const enum sp_drop *reasons)
{
    for (size_t i = 0; i < outgoing->count; i++)
        if (reasons[i] != SP_DROP_NONE)
            sp_worker_not_sent(worker->engine, SP_OUTBOUND, outgoing->packets[i], reasons[i]);
}

static void send_family(struct worker *worker, const struct esp_socket *esp, const struct udp_socket *udp,
                        size_t count)
{
    struct outgoing raw = {.count = 0}, in_udp = {.count = 0};
    enum sp_drop reasons[BURST_PACKETS];
    for (size_t i = 0; i < count; i++) {
        struct sp_packet *packet = &worker->packets[i];
        if (packet->verdict != SP_VERDICT_SEALED || packet_version(packet) != esp->family)
            continue;
        struct outgoing *outgoing = udp->fd >= 0 && udp_socket_can_send(packet) ? &in_udp : &raw;
        outgoing->packets[outgoing->count++] = packet;
    }
    if (raw.count > 0) {
        esp_socket_send(esp, raw.packets, raw.count, reasons);
        note_unsent(worker, &raw, reasons);
    }
    if (in_udp.count > 0) {
        udp_socket_send(udp, esp, in_udp.packets, in_udp.count, reasons);
        note_unsent(worker, &in_udp, reasons);
    }
}

static bool run_outbound(struct worker *worker)
{
    const size_t count = fill_burst(worker);
    if (count == 0)
        return false;
    sp_outbound(worker->engine, worker->packets, count);
    refuse_unsteered(worker, SP_OUTBOUND, count);
    send_family(worker, &worker->esp_four, &worker->udp_four, count);
    send_family(worker, &worker->esp_six, &worker->udp_six, count);
    return count == BURST_PACKETS;
}

/* ---- inbound ------------------------------------------------------------------------------------------- */

static void deliver(struct worker *worker, const struct sp_joined *joined)
{
    const struct sp_piece *pieces = worker->pieces + joined->first_piece;
    if (joined->piece_count == 1) /* no SYN is ever joined */
        clamp(worker->common, &worker->packets[pieces[0].packet]);
    if (tun_write(worker->tun_fd, worker->pieces, joined))
        return;
    for (uint32_t i = 0; i < joined->piece_count; i++)
        sp_worker_not_sent(worker->engine, SP_INBOUND, &worker->packets[pieces[i].packet], SP_DROP_HOST_SEND);
}

static void take_in(struct worker *worker, size_t count)
{
    sp_inbound(worker->engine, worker->packets, count);
    refuse_unsteered(worker, SP_INBOUND, count);
    const size_t joined_count =
        sp_join(worker->packets, count, SP_VERDICT_OPENED, worker->pieces, worker->joined);
    for (size_t i = 0; i < joined_count; i++)
        deliver(worker, &worker->joined[i]);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now); /* as the kernel stamps packets */
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Packets that have waited too long, because there are too many, go no further; the control thread counts
 * them with those that the queue had no room for. */
static void take_in_time(struct worker *worker, struct backlog *backlog, size_t count, uint64_t arrival_ns)
{
    if (count == 0)
        return;
    if (!backlog_stands(backlog, arrival_ns, now_ns(), count < BURST_PACKETS))
        take_in(worker, count);
    else
        atomic_fetch_add_explicit(&worker->shed_packets, count, memory_order_relaxed);
}

static bool run_inbound(struct worker *worker, struct esp_socket *socket)
{
    uint64_t arrival_ns = 0;
    const size_t count = esp_socket_receive(socket, worker->packets, &arrival_ns);
    take_in_time(worker, &socket->backlog, count, arrival_ns);
    return count == BURST_PACKETS;
}

static bool run_inbound_udp(struct worker *worker, struct udp_socket *socket, short told)
{
    uint64_t arrival_ns = 0;
    if (told & POLLERR)
        udp_socket_forget_errors(socket);
    const size_t count = udp_socket_receive(socket, worker->packets, &arrival_ns);
    take_in_time(worker, &socket->backlog, count, arrival_ns);
    return count == BURST_PACKETS;
}

/* ---- the thread ---------------------------------------------------------------------------------------- */

enum {
    WATCH_STOP,
    WATCH_DEVICE, /* from here on what brings packets */
    WATCH_ESP_FOUR,
    WATCH_ESP_SIX,
    WATCH_UDP_FOUR,
    WATCH_UDP_SIX,
    WATCH_COUNT
};

/* False: it is over. A source that filled a burst probably has more, and is asked again before sleeping. */
static bool work(struct worker *worker, struct pollfd *watched)
{
    bool has_more = false;
    for (int i = WATCH_DEVICE; i < WATCH_COUNT; i++)
        has_more |= watched[i].revents != 0;
    if (poll(watched, WATCH_COUNT, has_more ? 0 : -1) < 0)
        return errno == EINTR;
    if (watched[WATCH_STOP].revents)
        return false;
    if (watched[WATCH_DEVICE].revents & (POLLERR | POLLNVAL)) {
        log_line("the TUN device is gone: nothing can be sent or received any more");
        const uint64_t one = 1;
        (void)!write(worker->common->failure_fd, &one, sizeof one);
        return false;
    }
    if (watched[WATCH_ESP_FOUR].revents && !run_inbound(worker, &worker->esp_four))
        watched[WATCH_ESP_FOUR].revents = 0;
    if (watched[WATCH_ESP_SIX].revents && !run_inbound(worker, &worker->esp_six))
        watched[WATCH_ESP_SIX].revents = 0;
    if (watched[WATCH_UDP_FOUR].revents &&
        !run_inbound_udp(worker, &worker->udp_four, watched[WATCH_UDP_FOUR].revents))
        watched[WATCH_UDP_FOUR].revents = 0;
    if (watched[WATCH_UDP_SIX].revents &&
        !run_inbound_udp(worker, &worker->udp_six, watched[WATCH_UDP_SIX].revents))
        watched[WATCH_UDP_SIX].revents = 0;
    if (watched[WATCH_DEVICE].revents && !run_outbound(worker))
        watched[WATCH_DEVICE].revents = 0;
    return true;
}

static void *worker_main(void *argument)
{
    struct worker *worker = argument;
    struct pollfd watched[WATCH_COUNT] = {
        [WATCH_STOP] = {.fd = worker->common->stop_fd, .events = POLLIN},
        [WATCH_DEVICE] = {.fd = worker->tun_fd, .events = POLLIN},
        [WATCH_ESP_FOUR] = {.fd = worker->esp_four.fd, .events = POLLIN},
        [WATCH_ESP_SIX] = {.fd = worker->esp_six.fd, .events = POLLIN},
        [WATCH_UDP_FOUR] = {.fd = worker->udp_four.fd, .events = POLLIN},
        [WATCH_UDP_SIX] = {.fd = worker->udp_six.fd, .events = POLLIN},
    };
    /* in this order: libcrypto opens its configuration when it is first used */
    worker->is_running =
        sp_worker_create(worker->common->engine, &worker->engine) == SP_OK && privilege_enter_worker();
    const bool is_running = worker->is_running; /* from now on the other thread's */
    sem_post(&worker->common->ready);
    while (is_running && work(worker, watched))
        ;
    sp_worker_destroy(&worker->engine);
    return NULL;
}

static bool start_thread(struct worker *worker)
{
    void *memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    worker->memory = memory;
    for (size_t i = 0; i < BURST_PACKETS; i++)
        worker->packets[i] =
            (struct sp_packet){.buffer = worker->memory + i * SLOT_BYTES, .capacity_bytes = SLOT_BYTES};
    worker->large_packet = worker->memory + (size_t)SLOT_BYTES * BURST_PACKETS;
    worker->udp_four.joined = worker->large_packet + TUN_PACKET_BYTES_MAX;
    worker->udp_six.joined = worker->udp_four.joined + DATAGRAM_BYTES_MAX;
    if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
        return false;
    while (sem_wait(&worker->common->ready) != 0)
        ;
    if (!worker->is_running)
        pthread_join(worker->thread, NULL);
    return worker->is_running;
}

bool worker_start(struct worker *worker, struct worker_common *common, int tun_fd,
                  const struct esp_share *share, const struct udp_settings *udp)
{
    worker->common = common;
    worker->tun_fd = tun_fd;
    worker->cutter.is_done = true;
    worker->esp_four.fd = worker->esp_six.fd = worker->udp_four.fd = worker->udp_six.fd = -1;
    worker->esp_four.send_fd = worker->esp_six.send_fd = -1;
    if (!esp_socket_open(4, udp->mark, share, &worker->esp_four) ||
        !esp_socket_open(6, udp->mark, share, &worker->esp_six) ||
        !udp_socket_open(4, udp, share, &worker->udp_four) ||
        !udp_socket_open(6, udp, share, &worker->udp_six))
        return false;
    if (start_thread(worker))
        return true;
    log_line("can't start a thread of the data path");
    return false;
}

void worker_stop(struct worker *worker)
{
    if (worker->is_running)
        pthread_join(worker->thread, NULL);
    worker->is_running = false;
    if (worker->memory)
        munmap(worker->memory, MEMORY_BYTES);
    worker->memory = NULL;
    if (worker->common) {
        esp_socket_close(&worker->esp_four);
        esp_socket_close(&worker->esp_six);
        udp_socket_close(&worker->udp_four);
        udp_socket_close(&worker->udp_six);
    }
}
