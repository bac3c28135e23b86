/* SPDX-License-Identifier: ISC
 *
 * The data path; gate.h says how it is divided.
 *
 * Each thread takes what waits, up to a burst, has the engine judge it in one call, and hands it on. There
 * are no queues of our own: the kernel's socket and device queues do the waiting, and drop when they are
 * full.
 */
#include "gate.h"

#include "esp_socket.h"
#include "log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

/* Room for any IP packet. The pages behind the longest one that ever came are never touched. */
#define SLOT_BYTES (SP_PACKET_HEADROOM_BYTES + 65536u + SP_PACKET_TAILROOM_BYTES)

struct lane {
    struct gate *gate;
    void (*run)(struct lane *lane);
    struct sp_worker *worker;
    uint8_t *memory;
    struct sp_packet packets[BURST_PACKETS];
    pthread_t thread;
    bool is_running;
};

struct gate {
    struct sp_engine *engine;
    int tun_fd, stop_fd, failure_fd;
    struct esp_socket esp_four, esp_six;
    _Atomic uint16_t mss_four_bytes, mss_six_bytes;
    struct lane outbound, inbound;
    sem_t ready;
};

static void tell(int event_fd)
{
    const uint64_t one = 1;
    (void)!write(event_fd, &one, sizeof one);
}

static uint8_t packet_version(const struct sp_packet *packet)
{
    return packet->len_bytes > 0 ? packet->buffer[packet->head_bytes] >> 4 : 0;
}

static void clamp(struct gate *gate, struct sp_packet *packet)
{
    const uint16_t mss_bytes = packet_version(packet) == 6
                                   ? atomic_load_explicit(&gate->mss_six_bytes, memory_order_relaxed)
                                   : atomic_load_explicit(&gate->mss_four_bytes, memory_order_relaxed);
    if (mss_bytes)
        (void)sp_packet_clamp_mss(packet, mss_bytes);
}

/* ---- outbound ------------------------------------------------------------------------------------------ */

/* How many packets waited in the device, up to a burst. */
static size_t read_device(struct lane *lane)
{
    size_t count = 0;
    while (count < BURST_PACKETS) {
        struct sp_packet *packet = &lane->packets[count];
        packet->head_bytes = SP_PACKET_HEADROOM_BYTES;
        const ssize_t got =
            read(lane->gate->tun_fd, packet->buffer + packet->head_bytes,
                 packet->capacity_bytes - SP_PACKET_HEADROOM_BYTES - SP_PACKET_TAILROOM_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        packet->len_bytes = (uint32_t)got;
        clamp(lane->gate, packet);
        count++;
    }
    return count;
}

static void send_family(struct lane *lane, const struct esp_socket *socket, size_t count)
{
    struct sp_packet *chosen[BURST_PACKETS];
    enum sp_drop reasons[BURST_PACKETS];
    size_t chosen_count = 0;
    for (size_t i = 0; i < count; i++)
        if (lane->packets[i].verdict == SP_VERDICT_SEALED &&
            packet_version(&lane->packets[i]) == socket->family)
            chosen[chosen_count++] = &lane->packets[i];
    if (chosen_count == 0)
        return;
    esp_socket_send(socket, chosen, chosen_count, reasons);
    for (size_t i = 0; i < chosen_count; i++)
        if (reasons[i] != SP_DROP_NONE)
            sp_worker_not_sent(lane->worker, SP_OUTBOUND, chosen[i], reasons[i]);
}

/* What the policy lets pass in clear would not have been steered here: the guard and the engine disagree, for
 * instance about an address that the host has just gained. It must not leave from here, then. */
static void refuse_unsteered(struct lane *lane, enum sp_direction direction, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (lane->packets[i].verdict == SP_VERDICT_BYPASS)
            sp_worker_not_sent(lane->worker, direction, &lane->packets[i], SP_DROP_HOST_NOT_STEERED);
}

static void run_outbound(struct lane *lane)
{
    const size_t count = read_device(lane);
    if (count == 0)
        return;
    sp_outbound(lane->worker, lane->packets, count);
    refuse_unsteered(lane, SP_OUTBOUND, count);
    send_family(lane, &lane->gate->esp_four, count);
    send_family(lane, &lane->gate->esp_six, count);
}

/* ---- inbound ------------------------------------------------------------------------------------------- */

static void deliver(struct lane *lane, struct sp_packet *packet)
{
    clamp(lane->gate, packet);
    const ssize_t written = write(lane->gate->tun_fd, packet->buffer + packet->head_bytes, packet->len_bytes);
    if (written != (ssize_t)packet->len_bytes)
        sp_worker_not_sent(lane->worker, SP_INBOUND, packet, SP_DROP_HOST_SEND);
}

static void receive_family(struct lane *lane, const struct esp_socket *socket)
{
    if (socket->fd < 0)
        return;
    const size_t count = esp_socket_receive(socket, lane->packets);
    if (count == 0)
        return;
    sp_inbound(lane->worker, lane->packets, count);
    refuse_unsteered(lane, SP_INBOUND, count);
    for (size_t i = 0; i < count; i++)
        if (lane->packets[i].verdict == SP_VERDICT_OPENED)
            deliver(lane, &lane->packets[i]);
}

static void run_inbound(struct lane *lane)
{
    receive_family(lane, &lane->gate->esp_four);
    receive_family(lane, &lane->gate->esp_six);
}

/* ---- threads ------------------------------------------------------------------------------------------- */

static bool wait_for_packets(const struct lane *lane)
{
    const struct gate *gate = lane->gate;
    const bool is_outbound = lane == &gate->outbound;
    struct pollfd watched[] = {
        {.fd = gate->stop_fd, .events = POLLIN},
        {.fd = is_outbound ? gate->tun_fd : gate->esp_four.fd, .events = POLLIN},
        {.fd = is_outbound ? -1 : gate->esp_six.fd, .events = POLLIN},
    };
    if (poll(watched, sizeof watched / sizeof *watched, -1) < 0)
        return errno == EINTR;
    if (watched[0].revents)
        return false;
    /* A socket reports ICMP errors that way, and a read takes them; a device that does is gone. */
    if (is_outbound && watched[1].revents & (POLLERR | POLLNVAL)) {
        log_line("the TUN device is gone: nothing can be sent or received any more");
        tell(gate->failure_fd);
        return false;
    }
    return true;
}

static void *lane_main(void *argument)
{
    struct lane *lane = argument;
    const bool has_worker = sp_worker_create(lane->gate->engine, &lane->worker) == SP_OK;
    lane->is_running = has_worker;
    sem_post(&lane->gate->ready);
    if (!has_worker)
        return NULL;
    while (wait_for_packets(lane))
        lane->run(lane);
    sp_worker_destroy(&lane->worker);
    return NULL;
}

static bool lane_start(struct gate *gate, struct lane *lane, void (*run)(struct lane *))
{
    lane->gate = gate;
    lane->run = run;
    void *memory = mmap(NULL, (size_t)SLOT_BYTES * BURST_PACKETS, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    lane->memory = memory;
    for (size_t i = 0; i < BURST_PACKETS; i++)
        lane->packets[i] =
            (struct sp_packet){.buffer = lane->memory + i * SLOT_BYTES, .capacity_bytes = SLOT_BYTES};
    if (pthread_create(&lane->thread, NULL, lane_main, lane) != 0)
        return false;
    while (sem_wait(&gate->ready) != 0)
        ;
    if (!lane->is_running)
        pthread_join(lane->thread, NULL);
    return lane->is_running;
}

static void lane_stop(struct lane *lane)
{
    if (lane->is_running)
        pthread_join(lane->thread, NULL);
    if (lane->memory)
        munmap(lane->memory, (size_t)SLOT_BYTES * BURST_PACKETS);
}

struct gate *gate_start(struct sp_engine *engine, int tun_fd, const struct gate_mss *mss)
{
    struct gate *gate = calloc(1, sizeof *gate);
    if (!gate || sem_init(&gate->ready, 0, 0) != 0) {
        free(gate);
        log_line("can't start the data path: no memory");
        return NULL;
    }
    gate->engine = engine;
    gate->tun_fd = tun_fd;
    gate_set_mss(gate, mss);
    gate->esp_four.fd = gate->esp_six.fd = -1;
    gate->stop_fd = eventfd(0, EFD_CLOEXEC);
    gate->failure_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (gate->stop_fd < 0 || gate->failure_fd < 0) {
        log_errno("can't start the data path");
        goto fail;
    }
    if (!esp_socket_open(4, &gate->esp_four) || !esp_socket_open(6, &gate->esp_six))
        goto fail;
    if (lane_start(gate, &gate->outbound, run_outbound) && lane_start(gate, &gate->inbound, run_inbound))
        return gate;
    log_line("can't start the data path's threads");
fail:
    gate_stop(&gate);
    return NULL;
}

void gate_stop(struct gate **gate)
{
    if (!*gate)
        return;
    struct gate *own = *gate;
    if (own->stop_fd >= 0)
        tell(own->stop_fd);
    lane_stop(&own->outbound);
    lane_stop(&own->inbound);
    esp_socket_close(&own->esp_four);
    esp_socket_close(&own->esp_six);
    if (own->stop_fd >= 0)
        close(own->stop_fd);
    if (own->failure_fd >= 0)
        close(own->failure_fd);
    sem_destroy(&own->ready);
    free(own);
    *gate = NULL;
}

void gate_set_mss(struct gate *gate, const struct gate_mss *mss)
{
    atomic_store_explicit(&gate->mss_four_bytes, mss->ipv4_bytes, memory_order_relaxed);
    atomic_store_explicit(&gate->mss_six_bytes, mss->ipv6_bytes, memory_order_relaxed);
}

int gate_failure_fd(const struct gate *gate)
{
    return gate->failure_fd;
}

int gate_esp_fd(const struct gate *gate, uint8_t family)
{
    return family == 6 ? gate->esp_six.fd : gate->esp_four.fd;
}
