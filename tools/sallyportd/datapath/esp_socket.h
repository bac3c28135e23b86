/* SPDX-License-Identifier: ISC
 *
 * The raw sockets that carry ESP (IP protocol 50), a burst a call.
 */
#ifndef SALLYPORTD_ESP_SOCKET_H
#define SALLYPORTD_ESP_SOCKET_H

#include "datapath/backlog.h"

#include <sallyport/packet.h>
#include <sallyport/sa.h>

#include <stdbool.h>

/* Two large TCP packets are as many segments; fewer leave the lanes of the ciphers half empty. */
#define BURST_PACKETS 128

struct esp_socket {
    int fd; /* receives */
    int send_fd;
    uint8_t family;      /* 4, 6 */
    uint32_t overflowed; /* packets that its queue had no room for, as known so far; the control thread's */
    struct backlog backlog;
};

/* Who reads of several sockets: the kernel hands each of them every packet, so each lets those through whose
 * SPI falls to its worker. An SA's replay window then belongs to one worker. */
struct esp_share {
    uint32_t worker, workers;
};

/* Nonblocking; mark: of what it sends, for packets that are ESP in UDP (udp_socket.h). False after saying
 * why, except when the host has no such family: fd is -1 then. */
bool esp_socket_open(uint8_t family, uint32_t mark, const struct esp_share *share,
                     struct esp_socket *ret_socket);
/* One that carries nothing, but hears of what became of packets that were sent: IPPROTO_ESP or, of ESP in
 * UDP, IPPROTO_UDP. */
bool esp_socket_open_reports(uint8_t family, int protocol, struct esp_socket *ret_socket);
void esp_socket_close(struct esp_socket *socket);

/* Receives up to BURST_PACKETS: each packets[i].buffer of capacity_bytes gets one whole IP packet at
 * SP_PACKET_HEADROOM_BYTES. How many; 0: none waits. *ret_arrival_ns: backlog_arrival_ns() of the first. */
size_t esp_socket_receive(const struct esp_socket *socket, struct sp_packet *packets,
                          uint64_t *ret_arrival_ns);

/* Sends the packets, which are of this socket's family and at most BURST_PACKETS. ret_reasons[i] says what
 * became of packets[i]: SP_DROP_NONE or SP_DROP_HOST_*. */
void esp_socket_send(const struct esp_socket *socket, struct sp_packet *const *packets, size_t count,
                     enum sp_drop *ret_reasons);

/* A router's word that one of our ESP packets was too long for it (RFC 1191, RFC 8201). */
struct esp_report {
    struct sp_address source, destination;
    uint32_t spi;
    uint32_t mtu_bytes; /* of its next link; 0: an old router that doesn't say */
};
/* Takes one error report off such a socket. False: none is left. *ret_is_too_long: it is one of those above.
 */
bool esp_socket_read_report(int fd, uint8_t family, bool *ret_is_too_long, struct esp_report *ret_report);

#endif
