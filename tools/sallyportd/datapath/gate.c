/* SPDX-License-Identifier: ISC
 *
 * Starts and ends the workers of the data path, and holds what they share.
 */
#include "datapath/gate.h"

#include "datapath/socket_option.h"
#include "datapath/worker.h"
#include "log.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct gate {
    struct worker_common common;
    struct udp_settings udp;
    struct esp_socket reports[2][2]; /* IPv4, IPv6; about ESP, about ESP in UDP */
    size_t worker_count;
    struct worker workers[];
};

static bool open_common(struct gate *gate)
{
    gate->common.stop_fd = eventfd(0, EFD_CLOEXEC);
    gate->common.failure_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (gate->common.stop_fd < 0 || gate->common.failure_fd < 0) {
        log_errno("can't start the data path");
        return false;
    }
    for (int is_six = 0; is_six < 2; is_six++) {
        const uint8_t family = is_six ? 6 : 4;
        if (!esp_socket_open_reports(family, IPPROTO_ESP, &gate->reports[is_six][0]) ||
            (gate->udp.port != 0 && !esp_socket_open_reports(family, IPPROTO_UDP, &gate->reports[is_six][1])))
            return false;
    }
    return true;
}

static bool start_workers(struct gate *gate, const struct tun *tun)
{
    while (gate->worker_count < tun->count) {
        const size_t index = gate->worker_count++;
        const struct esp_share share = {.worker = (uint32_t)index, .workers = (uint32_t)tun->count};
        if (!worker_start(&gate->workers[index], &gate->common, tun->fds[index], &share, &gate->udp))
            return false;
    }
    return true;
}

struct gate *gate_start(struct sp_engine *engine, const struct tun *tun, const struct gate_mss *mss,
                        const struct udp_settings *udp)
{
    struct gate *gate = calloc(1, sizeof *gate + tun->count * sizeof gate->workers[0]);
    if (!gate || sem_init(&gate->common.ready, 0, 0) != 0) {
        free(gate);
        log_line("can't start the data path: no memory");
        return NULL;
    }
    gate->common.engine = engine;
    gate->common.stop_fd = gate->common.failure_fd = -1;
    gate->udp = *udp;
    for (int i = 0; i < 4; i++)
        gate->reports[i / 2][i % 2].fd = gate->reports[i / 2][i % 2].send_fd = -1;
    gate_set_mss(gate, mss);
    if (!open_common(gate) || !start_workers(gate, tun))
        gate_stop(&gate);
    return gate;
}

void gate_stop(struct gate **gate)
{
    const uint64_t one = 1;
    if (!*gate)
        return;
    struct gate *own = *gate;
    if (own->common.stop_fd >= 0)
        (void)!write(own->common.stop_fd, &one, sizeof one);
    while (own->worker_count > 0)
        worker_stop(&own->workers[--own->worker_count]);
    for (int i = 0; i < 4; i++)
        esp_socket_close(&own->reports[i / 2][i % 2]);
    if (own->common.stop_fd >= 0)
        close(own->common.stop_fd);
    if (own->common.failure_fd >= 0)
        close(own->common.failure_fd);
    sem_destroy(&own->common.ready);
    free(own);
    *gate = NULL;
}

void gate_set_mss(struct gate *gate, const struct gate_mss *mss)
{
    atomic_store_explicit(&gate->common.mss_four_bytes, mss->ipv4_bytes, memory_order_relaxed);
    atomic_store_explicit(&gate->common.mss_six_bytes, mss->ipv6_bytes, memory_order_relaxed);
}

int gate_failure_fd(const struct gate *gate)
{
    return gate->common.failure_fd;
}

uint64_t gate_take_overflowed(struct gate *gate)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < gate->worker_count; i++) {
        struct worker *worker = &gate->workers[i];
        sum += socket_take_overflowed(worker->esp_four.fd, &worker->esp_four.overflowed);
        sum += socket_take_overflowed(worker->esp_six.fd, &worker->esp_six.overflowed);
        sum += socket_take_overflowed(worker->udp_four.fd, &worker->udp_four.overflowed);
        sum += socket_take_overflowed(worker->udp_six.fd, &worker->udp_six.overflowed);
        sum += atomic_exchange_explicit(&worker->shed_packets, 0, memory_order_relaxed);
    }
    return sum;
}

int gate_report_fd(const struct gate *gate, uint8_t family, bool is_udp)
{
    return gate->reports[family == 6][is_udp].fd;
}

void gate_keep_alive(struct gate *gate, const struct sp_sa_info *sa)
{
    const struct worker *any = &gate->workers[0];
    const struct udp_socket *socket = sa->source.family == 6 ? &any->udp_six : &any->udp_four;
    if (socket->fd >= 0)
        udp_socket_keep_alive(socket, sa);
}
