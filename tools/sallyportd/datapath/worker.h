/* SPDX-License-Identifier: ISC
 *
 * One thread of the data path: a queue of the TUN device, sockets of its own, a worker of the engine.
 */
#ifndef SALLYPORTD_WORKER_H
#define SALLYPORTD_WORKER_H

#include "datapath/esp_socket.h"
#include "datapath/tun.h"
#include "datapath/udp_socket.h"

#include <sallyport/engine.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

/* What all workers share. */
struct worker_common {
    struct sp_engine *engine;
    int stop_fd, failure_fd; /* readable: end; the data path tells that it broke */
    _Atomic uint16_t mss_four_bytes, mss_six_bytes;
    sem_t ready;
};

struct worker {
    struct worker_common *common;
    int tun_fd;
    struct esp_socket esp_four, esp_six;
    struct udp_socket udp_four, udp_six;
    _Atomic uint64_t shed_packets; /* not opened, because they had waited too long */
    struct sp_worker *engine;
    uint8_t *memory;
    uint8_t *large_packet; /* from the device, while it is cut */
    struct sp_cutter cutter;
    struct sp_packet packets[BURST_PACKETS];
    struct sp_piece pieces[BURST_PACKETS];
    struct sp_joined joined[BURST_PACKETS];
    pthread_t thread;
    bool is_running;
};

/* False after saying why; worker_stop() is due then, too. */
bool worker_start(struct worker *worker, struct worker_common *common, int tun_fd,
                  const struct esp_share *share, const struct udp_settings *udp);
/* common->stop_fd must be readable. */
void worker_stop(struct worker *worker);

#endif
