/* SPDX-License-Identifier: ISC
 *
 * The UDP sockets that carry encapsulated ESP (RFC 3948). The kernel cuts and joins datagrams for us: packets
 * of one SA and one size leave as one send (UDP_SEGMENT), and come in as one (UDP_GRO), so that what a
 * datagram costs in the kernel is paid once for a few dozen.
 */
#ifndef SALLYPORTD_UDP_SOCKET_H
#define SALLYPORTD_UDP_SOCKET_H

#include "datapath/esp_socket.h"

/* What the kernel joins is no longer than this. */
#define DATAGRAM_BYTES_MAX 65536u
#define UDP_FRONT_BYTES_MAX 48u /* an IPv6 header and UDP's */

struct udp_settings {
    uint16_t port; /* host order; 0: no SA is encapsulated */
    uint32_t mark; /* of what the sockets send, by which the guard knows it */
};

struct udp_socket {
    int fd;
    uint8_t family;      /* 4, 6 */
    uint32_t overflowed; /* as in struct esp_socket */
    struct backlog backlog;
    uint8_t *joined;                             /* DATAGRAM_BYTES_MAX, the caller's */
    uint16_t port;                               /* ours */
    uint32_t at_bytes, len_bytes, segment_bytes; /* of what was joined and is not handed out yet */
    uint64_t arrival_ns;                         /* of that */
    uint8_t front[UDP_FRONT_BYTES_MAX];          /* the headers of each piece */
    uint32_t front_bytes;
};

/* Nonblocking; joined is to be set before anything is received. False after saying why, except when the host
 * has no such family or the port is 0: fd is -1 then. */
bool udp_socket_open(uint8_t family, const struct udp_settings *settings, const struct esp_share *share,
                     struct udp_socket *ret_socket);
void udp_socket_close(struct udp_socket *socket);

/* As esp_socket_receive(): whole IP packets, UDP header included, with the headers that the kernel took off
 * put together again. What doesn't fit comes first the next time: udp_socket_has_more(). */
size_t udp_socket_receive(struct udp_socket *socket, struct sp_packet *packets, uint64_t *ret_arrival_ns);
static inline bool udp_socket_has_more(const struct udp_socket *socket)
{
    return socket->at_bytes < socket->len_bytes;
}

/* Due when poll() says POLLERR. */
void udp_socket_forget_errors(const struct udp_socket *socket);

/* Can such a socket send this sealed packet? It writes headers of its own, without options. */
bool udp_socket_can_send(const struct sp_packet *packet);
/* As esp_socket_send(), for packets that it can send. raw is of the same family, for packets that the kernel
 * won't cut. */
void udp_socket_send(const struct udp_socket *socket, const struct esp_socket *raw,
                     struct sp_packet *const *packets, size_t count, enum sp_drop *ret_reasons);

/* Sends one keepalive (RFC 3948 2.3), as an SA's packets go. */
void udp_socket_keep_alive(const struct udp_socket *socket, const struct sp_sa_info *sa);

#endif
