/* SPDX-License-Identifier: ISC
 *
 * ESP by raw sockets (raw(7), RFC 3542).
 *
 * Both families send with the IP header included. IPv4 also receives it; IPv6 never hands out headers, so
 * what the engine needs of it is put together again from ancillary data. ESP doesn't authenticate the IP
 * header, so nothing is lost by that: extension headers in front of ESP were the kernel's to process, and it
 * has.
 *
 * A socket of protocol "raw" sends: it receives nothing, no ICMP errors either, and so can ask to hear of
 * errors. To others the kernel says that it sent what its own queues had no room for (ip(7), IP_RECVERR).
 *
 * The kernel reassembles before it delivers here (RFC 4303 3.4.1), so a packet may be longer than any MTU.
 */
#include "datapath/esp_socket.h"

#include "datapath/socket_option.h"
#include "log.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h> /* needs time.h before it */
#include <linux/filter.h>

#ifndef IPV6_FLOWINFO
#define IPV6_FLOWINFO 11 /* linux/in6.h, which can't be included beside netinet/in.h */
#endif
#ifndef IPV6_HDRINCL
#define IPV6_HDRINCL 36 /* linux/in6.h, which can't be included beside netinet/in.h */
#endif

/* Enough for a burst of large TCP windows; what doesn't fit is dropped and counted. */
#define SOCKET_BUFFER_BYTES (8 << 20)
#define UDP_HEADER_BYTES 8u
#define FLOW_LABEL_MASK 0xfffffu /* RFC 8200 3 */
#define CONTROL_BYTES                                                                                        \
    (BACKLOG_CONTROL_BYTES + CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int)) +              \
     CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint32_t)))

/* The path MTU that the kernel keeps for a peer is that of packets before they are sealed: those are what it
 * sends there, as far as it knows. Ours must not be measured by it, nor change it: hence "interface". What
 * routers report about ours is read from the error queue instead (path_mtu.c). */
static bool set_options(int fd, uint8_t family)
{
    if (!socket_exempt(fd, family))
        return false;
    if (family == 4)
        return socket_option(fd, IPPROTO_IP, IP_HDRINCL, 1) &&
               socket_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_INTERFACE);
    return socket_option(fd, IPPROTO_IPV6, IPV6_HDRINCL, 1) &&
           socket_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_INTERFACE) &&
           socket_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
           socket_option(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1) &&
           socket_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1) &&
           socket_option(fd, IPPROTO_IPV6, IPV6_FLOWINFO, 1);
}

/* A raw socket's filter sees an IPv4 packet from its header on, an IPv6 packet from ESP on. SPIs are often
 * given in a row, or every other one to a direction, so they are mixed first (Knuth, TAOCP 6.4). */
static bool set_share(int fd, uint8_t family, const struct esp_share *share)
{
    struct sock_filter four[] = {BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
                                 BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0)};
    struct sock_filter six[] = {BPF_STMT(BPF_LDX | BPF_IMM, 0), BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0)};
    struct sock_filter mine[] = {
        BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 2654435769u),
        BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 16),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, share->workers),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, share->worker, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_filter whole[2 + sizeof mine / sizeof *mine];
    const struct sock_fprog program = {.len = sizeof whole / sizeof *whole, .filter = whole};
    memcpy(whole, family == 4 ? four : six, sizeof four);
    memcpy(whole + 2, mine, sizeof mine);
    return share->workers == 1 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

/* -1 without an error when the host has no such family. */
static int open_raw(uint8_t family, int protocol, bool *ret_is_error)
{
    const int fd =
        socket(family == 4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    *ret_is_error = fd < 0 && errno != EAFNOSUPPORT;
    return fd;
}

static bool keep_if(bool is_set, int fd, struct esp_socket *socket)
{
    if (is_set) {
        socket->fd = fd;
        return true;
    }
    log_errno("can't open a raw socket for ESP over IPv%d", socket->family);
    if (fd >= 0)
        close(fd);
    return false;
}

static bool open_receiver(const struct esp_share *share, struct esp_socket *socket)
{
    bool is_error;
    const uint8_t family = socket->family;
    const int fd = open_raw(family, IPPROTO_ESP, &is_error);
    if (fd < 0)
        return !is_error || keep_if(false, fd, socket);
    (void)socket_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER_BYTES);
    return keep_if(set_options(fd, family) && backlog_watch(fd) && set_share(fd, family, share), fd, socket);
}

static bool open_sender(uint32_t mark, struct esp_socket *socket)
{
    bool is_error;
    const uint8_t family = socket->family;
    socket->send_fd = open_raw(family, IPPROTO_RAW, &is_error);
    if (socket->send_fd < 0)
        return !is_error;
    (void)socket_option(socket->send_fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER_BYTES);
    return set_options(socket->send_fd, family) && socket_hears_errors(socket->send_fd, family) &&
           socket_option(socket->send_fd, SOL_SOCKET, SO_MARK, (int)mark);
}

bool esp_socket_open(uint8_t family, uint32_t mark, const struct esp_share *share,
                     struct esp_socket *ret_socket)
{
    *ret_socket = (struct esp_socket){.fd = -1, .send_fd = -1, .family = family};
    if (!open_receiver(share, ret_socket))
        return false;
    if (open_sender(mark, ret_socket))
        return true;
    log_errno("can't open a raw socket to send ESP over IPv%d", family);
    esp_socket_close(ret_socket);
    return false;
}

bool esp_socket_open_reports(uint8_t family, int protocol, struct esp_socket *ret_socket)
{
    struct sock_filter nothing[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
    const struct sock_fprog program = {.len = 1, .filter = nothing};
    bool is_error;
    *ret_socket = (struct esp_socket){.fd = -1, .send_fd = -1, .family = family};
    const int fd = open_raw(family, protocol, &is_error);
    if (fd < 0)
        return !is_error || keep_if(false, fd, ret_socket);
    /* set_options() too: with the header included, errors quote our packet from its header on */
    const bool is_set = set_options(fd, family) &&
                        setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0 &&
                        socket_hears_errors(fd, family);
    return keep_if(is_set, fd, ret_socket);
}

void esp_socket_close(struct esp_socket *socket)
{
    if (socket->fd >= 0)
        close(socket->fd);
    if (socket->send_fd >= 0)
        close(socket->send_fd);
    socket->fd = socket->send_fd = -1;
}

/* The IPv6 header that the kernel has taken off, in front of the payload; false when it told too little. */
static bool rebuild_header(struct msghdr *message, uint8_t *at, size_t payload_bytes)
{
    struct ip6_hdr header = {.ip6_plen = htons((uint16_t)payload_bytes), .ip6_nxt = IPPROTO_ESP};
    struct sockaddr_in6 source;
    int traffic_class = 0, hop_limit = 64;
    uint32_t flow = 0;
    bool has_destination = false;

    memcpy(&source, message->msg_name, sizeof source);
    header.ip6_src = source.sin6_addr;
    for (struct cmsghdr *item = CMSG_FIRSTHDR(message); item; item = CMSG_NXTHDR(message, item)) {
        if (item->cmsg_level != IPPROTO_IPV6)
            continue;
        if (item->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(item), sizeof info);
            header.ip6_dst = info.ipi6_addr;
            has_destination = true;
        } else if (item->cmsg_type == IPV6_HOPLIMIT) {
            memcpy(&hop_limit, CMSG_DATA(item), sizeof hop_limit);
        } else if (item->cmsg_type == IPV6_TCLASS) {
            memcpy(&traffic_class, CMSG_DATA(item), sizeof traffic_class);
        } else if (item->cmsg_type == IPV6_FLOWINFO) {
            memcpy(&flow, CMSG_DATA(item), sizeof flow); /* for the audit log (RFC 4303 3.4.2) */
        }
    }
    header.ip6_flow =
        htonl(6u << 28 | ((uint32_t)traffic_class & 0xff) << 20 | (ntohl(flow) & FLOW_LABEL_MASK));
    header.ip6_hlim = (uint8_t)hop_limit;
    memcpy(at, &header, sizeof header);
    return has_destination;
}

size_t esp_socket_receive(const struct esp_socket *socket, struct sp_packet *packets,
                          uint64_t *ret_arrival_ns)
{
    struct mmsghdr messages[BURST_PACKETS];
    struct iovec vectors[BURST_PACKETS];
    struct sockaddr_in6 sources[BURST_PACKETS];
    alignas(struct cmsghdr) uint8_t control[BURST_PACKETS][CONTROL_BYTES];
    const bool is_six = socket->family == 6;
    const size_t payload_at = SP_PACKET_HEADROOM_BYTES + (is_six ? sizeof(struct ip6_hdr) : 0);

    for (size_t i = 0; i < BURST_PACKETS; i++) {
        vectors[i] = (struct iovec){.iov_base = packets[i].buffer + payload_at,
                                    .iov_len = packets[i].capacity_bytes - payload_at};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
        if (is_six) {
            messages[i].msg_hdr.msg_name = &sources[i];
            messages[i].msg_hdr.msg_namelen = sizeof sources[i];
        }
        if (is_six || i == 0) {
            messages[i].msg_hdr.msg_control = control[i];
            messages[i].msg_hdr.msg_controllen = CONTROL_BYTES;
        }
    }
    const int got = recvmmsg(socket->fd, messages, BURST_PACKETS, MSG_DONTWAIT, NULL);
    if (got <= 0)
        return 0;
    *ret_arrival_ns = backlog_arrival_ns(&messages[0].msg_hdr);
    for (int i = 0; i < got; i++) {
        struct sp_packet *packet = &packets[i];
        packet->head_bytes = SP_PACKET_HEADROOM_BYTES;
        packet->len_bytes = messages[i].msg_len;
        if (is_six &&
            rebuild_header(&messages[i].msg_hdr, packet->buffer + packet->head_bytes, messages[i].msg_len))
            packet->len_bytes += (uint32_t)sizeof(struct ip6_hdr);
        else if (is_six)
            packet->len_bytes = 0; /* malformed, as the engine will say and count */
    }
    return (size_t)got;
}

static void address_message(uint8_t family, const struct sp_packet *packet, struct sockaddr_storage *address,
                            struct msghdr *ret_message, struct iovec *vector)
{
    uint8_t *ip = packet->buffer + packet->head_bytes;
    *vector = (struct iovec){.iov_base = ip, .iov_len = packet->len_bytes};
    *ret_message = (struct msghdr){.msg_name = address, .msg_iov = vector, .msg_iovlen = 1};
    if (family == 4) {
        struct sockaddr_in four = {.sin_family = AF_INET};
        memcpy(&four.sin_addr, ip + offsetof(struct iphdr, daddr), sizeof four.sin_addr);
        memcpy(address, &four, sizeof four);
        ret_message->msg_namelen = sizeof four;
    } else {
        struct sockaddr_in6 six = {.sin6_family = AF_INET6};
        memcpy(&six.sin6_addr, ip + offsetof(struct ip6_hdr, ip6_dst), sizeof six.sin6_addr);
        memcpy(address, &six, sizeof six);
        ret_message->msg_namelen = sizeof six;
    }
}

void esp_socket_send(const struct esp_socket *socket, struct sp_packet *const *packets, size_t count,
                     enum sp_drop *ret_reasons)
{
    struct mmsghdr messages[BURST_PACKETS];
    struct iovec vectors[BURST_PACKETS];
    struct sockaddr_storage addresses[BURST_PACKETS];
    for (size_t i = 0; i < count; i++)
        address_message(socket->family, packets[i], &addresses[i], &messages[i].msg_hdr, &vectors[i]);

    size_t done = 0;
    while (done < count) {
        const int sent = sendmmsg(socket->send_fd, messages + done, (unsigned)(count - done), MSG_DONTWAIT);
        const int error = errno; /* sendmmsg only fails on the first of its messages */
        for (int i = 0; i < sent; i++)
            ret_reasons[done++] = SP_DROP_NONE;
        if (sent < 0 && error != EINTR)
            ret_reasons[done++] = error == EMSGSIZE ? SP_DROP_HOST_MTU : SP_DROP_HOST_SEND;
    }
}

/* The beginning of our packet, as the ICMP error quotes it: addresses and SPI. */
static bool read_quote(const uint8_t *quote, size_t len_bytes, uint8_t family, struct esp_report *report)
{
    const size_t header_bytes =
        family == 4 ? (size_t)(len_bytes ? quote[0] & 15 : 0) * 4 : sizeof(struct ip6_hdr);
    const size_t address_bytes = family == 4 ? 4 : 16;
    const size_t source_at = family == 4 ? offsetof(struct iphdr, saddr) : offsetof(struct ip6_hdr, ip6_src);
    const size_t protocol_at =
        family == 4 ? offsetof(struct iphdr, protocol) : offsetof(struct ip6_hdr, ip6_nxt);
    uint32_t spi;
    if (header_bytes < sizeof(struct iphdr) || len_bytes < header_bytes)
        return false;
    const bool is_udp = quote[protocol_at] == IPPROTO_UDP; /* then ESP is behind its header */
    const size_t spi_at = header_bytes + (is_udp ? UDP_HEADER_BYTES : 0);
    if (len_bytes < spi_at + sizeof spi || (!is_udp && quote[protocol_at] != IPPROTO_ESP))
        return false;
    report->source.family = report->destination.family = family;
    memcpy(report->source.bytes, quote + source_at, address_bytes);
    memcpy(report->destination.bytes, quote + source_at + address_bytes, address_bytes);
    memcpy(&spi, quote + spi_at, sizeof spi);
    report->spi = ntohl(spi);
    return true;
}

bool esp_socket_read_report(int fd, uint8_t family, bool *ret_is_too_long, struct esp_report *ret_report)
{
    uint8_t quote[576];
    alignas(struct cmsghdr) uint8_t control[512];
    struct iovec vector = {.iov_base = quote, .iov_len = sizeof quote};
    struct msghdr message = {
        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    const ssize_t got = recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
    if (got < 0)
        return false;
    *ret_is_too_long = false;
    struct esp_report report = {0};
    for (struct cmsghdr *item = CMSG_FIRSTHDR(&message); item; item = CMSG_NXTHDR(&message, item)) {
        struct sock_extended_err error;
        const bool is_four = item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_RECVERR;
        const bool is_six = item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_RECVERR;
        if (!is_four && !is_six)
            continue;
        memcpy(&error, CMSG_DATA(item), sizeof error);
        if (error.ee_errno != EMSGSIZE || error.ee_origin == SO_EE_ORIGIN_LOCAL)
            continue;
        report.mtu_bytes = error.ee_info;
        *ret_is_too_long = read_quote(quote, (size_t)got, family, &report);
    }
    *ret_report = report;
    return true;
}
