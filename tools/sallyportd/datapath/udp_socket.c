/* SPDX-License-Identifier: ISC
 *
 * ESP in UDP, received and sent (udp(7), Linux Documentation/networking/segmentation-offloads.rst).
 *
 * The kernel takes IP and UDP headers off and tells what was in them, so that they can be put in front of
 * each packet again; they are not authenticated, and nothing is lost by that.
 *
 * The checksum is the kernel's, which leaves it to the network card. RFC 3948 2.1 would rather have zero over
 * IPv4, but the kernel cuts no datagrams without a checksum, and receivers have to take any.
 *
 * A socket that hears of what the kernel could not send (ip(7), IP_RECVERR) hears of ICMP errors as well: the
 * next call fails for what became of an earlier one. So what fails is tried once more, and the errors are
 * read and forgotten; those that matter are path_mtu.c's, by a socket of its own.
 *
 * Workers share the port. Who gets a datagram is decided by its source address alone, so that an SA's replay
 * window belongs to one worker, whatever a NAT does to the port, and nothing that the kernel may have joined
 * is another worker's.
 */
#include "datapath/udp_socket.h"

#include "datapath/socket_option.h"
#include "log.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103 /* linux/udp.h, which can't be included beside netinet/udp.h */
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define SOCKET_BUFFER_BYTES (8 << 20)
#define ERRORS_AT_ONCE 64
#define SEGMENTS_MAX 64u /* UDP_MAX_SEGMENTS of the first kernels that had it */
#define IPV4_DATAGRAM_BYTES_MAX (65535u - sizeof(struct iphdr) - sizeof(struct udphdr))

#define IN_CONTROL_BYTES                                                                                     \
    (BACKLOG_CONTROL_BYTES + CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int)) +              \
     CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(int)))
#define OUT_CONTROL_BYTES                                                                                    \
    (CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(int)) +            \
     CMSG_SPACE(sizeof(uint16_t)))

/* "Probe": datagrams are not to be fragmented, and what the kernel believes of the path doesn't limit them;
 * that is path_mtu.c's business. */
static bool set_options(int fd, uint8_t family)
{
    if (!socket_exempt(fd, family) || !socket_hears_errors(fd, family))
        return false;
    if (family == 4)
        return socket_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE) &&
               socket_option(fd, IPPROTO_IP, IP_PKTINFO, 1) && socket_option(fd, IPPROTO_IP, IP_RECVTOS, 1) &&
               socket_option(fd, IPPROTO_IP, IP_RECVTTL, 1);
    return socket_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) &&
           socket_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE) &&
           socket_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) &&
           socket_option(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1) &&
           socket_option(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
}

static bool bind_port(int fd, uint8_t family, uint16_t port)
{
    const struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};
    const struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    return family == 4 ? bind(fd, (const struct sockaddr *)&four, sizeof four) == 0
                       : bind(fd, (const struct sockaddr *)&six, sizeof six) == 0;
}

/* The program's answer is the number of the socket in the order in which they were bound. It sees the last
 * word of the source address. */
static bool set_share(int fd, uint8_t family, const struct esp_share *share)
{
    struct sock_filter chosen[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)SKF_NET_OFF + (family == 4 ? 12 : 20)),
        BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 2654435769u),
        BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 16),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, share->workers),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    const struct sock_fprog program = {.len = sizeof chosen / sizeof *chosen, .filter = chosen};
    return share->worker + 1 < share->workers || share->workers == 1 ||
           setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) == 0;
}

bool udp_socket_open(uint8_t family, const struct udp_settings *settings, const struct esp_share *share,
                     struct udp_socket *ret_socket)
{
    *ret_socket = (struct udp_socket){.fd = -1, .family = family, .port = settings->port};
    if (settings->port == 0)
        return true;
    const int fd = socket(family == 4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 && errno == EAFNOSUPPORT)
        return true;
    if (fd >= 0 && set_options(fd, family) && backlog_watch(fd) &&
        socket_option(fd, SOL_SOCKET, SO_MARK, (int)settings->mark) &&
        (share->workers == 1 || socket_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) &&
        bind_port(fd, family, settings->port) && set_share(fd, family, share)) {
        (void)socket_option(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER_BYTES);
        (void)socket_option(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER_BYTES);
        (void)socket_option(fd, IPPROTO_UDP, UDP_GRO, 1); /* older kernels just don't join */
        ret_socket->fd = fd;
        return true;
    }
    log_errno("can't open UDP port %u for ESP over IPv%u; does a key daemon have it?", settings->port,
              family);
    if (fd >= 0)
        close(fd);
    return false;
}

void udp_socket_close(struct udp_socket *socket)
{
    if (socket->fd >= 0)
        close(socket->fd);
    socket->fd = -1;
}

void udp_socket_forget_errors(const struct udp_socket *socket)
{
    struct msghdr message = {0};
    for (int i = 0; i < ERRORS_AT_ONCE && recvmsg(socket->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0;
         i++)
        message = (struct msghdr){0};
}

/* ---- receiving ----------------------------------------------------------------------------------------- */

/* What the kernel says beside a datagram. */
struct told {
    bool has_destination;
    union {
        struct in_addr four;
        struct in6_addr six;
    } destination;
    int traffic_class, hop_limit, segment_bytes;
};

static int number_of(const struct cmsghdr *item)
{
    int number = 0;
    if (item->cmsg_len == CMSG_LEN(1)) /* of IP_TOS */
        return *CMSG_DATA(item);
    memcpy(&number, CMSG_DATA(item), sizeof number);
    return number;
}

static struct told read_told(struct msghdr *message)
{
    struct told told = {.hop_limit = 64};
    for (struct cmsghdr *item = CMSG_FIRSTHDR(message); item; item = CMSG_NXTHDR(message, item)) {
        if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(item), sizeof info);
            told.destination.four = info.ipi_addr;
            told.has_destination = true;
        } else if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(item), sizeof info);
            told.destination.six = info.ipi6_addr;
            told.has_destination = true;
        } else if ((item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_TOS) ||
                   (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_TCLASS)) {
            told.traffic_class = number_of(item);
        } else if ((item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_TTL) ||
                   (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_HOPLIMIT)) {
            told.hop_limit = number_of(item);
        } else if (item->cmsg_level == IPPROTO_UDP && item->cmsg_type == UDP_GRO) {
            told.segment_bytes = number_of(item);
        }
    }
    return told;
}

static void build_front(struct udp_socket *socket, const struct sockaddr_storage *from,
                        const struct told *told)
{
    struct udphdr udp = {.dest = htons(socket->port)};
    if (socket->family == 4) {
        struct sockaddr_in source;
        memcpy(&source, from, sizeof source);
        const struct iphdr ip = {.version = 4,
                                 .ihl = sizeof ip / 4,
                                 .tos = (uint8_t)told->traffic_class,
                                 .frag_off = htons(IP_DF),
                                 .ttl = (uint8_t)told->hop_limit,
                                 .protocol = IPPROTO_UDP,
                                 .saddr = source.sin_addr.s_addr,
                                 .daddr = told->destination.four.s_addr};
        udp.source = source.sin_port;
        memcpy(socket->front, &ip, sizeof ip);
        socket->front_bytes = sizeof ip;
    } else {
        struct sockaddr_in6 source;
        memcpy(&source, from, sizeof source);
        const struct ip6_hdr ip = {.ip6_flow = htonl(6u << 28 | ((uint32_t)told->traffic_class & 0xff) << 20),
                                   .ip6_nxt = IPPROTO_UDP,
                                   .ip6_hlim = (uint8_t)told->hop_limit,
                                   .ip6_src = source.sin6_addr,
                                   .ip6_dst = told->destination.six};
        udp.source = source.sin6_port;
        memcpy(socket->front, &ip, sizeof ip);
        socket->front_bytes = sizeof ip;
    }
    memcpy(socket->front + socket->front_bytes, &udp, sizeof udp);
    socket->front_bytes += (uint32_t)sizeof udp;
}

/* Takes what the kernel has joined. False: nothing waits. */
static bool receive_joined(struct udp_socket *socket)
{
    struct sockaddr_storage source;
    alignas(struct cmsghdr) uint8_t control[IN_CONTROL_BYTES];
    struct iovec vector = {.iov_base = socket->joined, .iov_len = DATAGRAM_BYTES_MAX};
    struct msghdr message = {.msg_name = &source,
                             .msg_namelen = sizeof source,
                             .msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    ssize_t got;
    do
        got = recvmsg(socket->fd, &message, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return false;
    const struct told told = read_told(&message);
    build_front(socket, &source, &told);
    socket->arrival_ns = backlog_arrival_ns(&message);
    socket->at_bytes = 0;
    socket->len_bytes = told.has_destination ? (uint32_t)got : 0;
    socket->segment_bytes =
        told.segment_bytes > 0 && told.segment_bytes < got ? (uint32_t)told.segment_bytes : (uint32_t)got;
    return true;
}

static uint16_t header_checksum(const uint8_t *header)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < sizeof(struct iphdr); i += 2)
        sum += (uint32_t)(header[i] << 8 | header[i + 1]);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

static void write_u16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

/* The lengths are all that differs between the headers of what was joined. */
static void set_lengths(struct udp_socket *socket, uint32_t payload_bytes)
{
    uint8_t *front = socket->front;
    const uint32_t udp_bytes = payload_bytes + (uint32_t)sizeof(struct udphdr);
    const uint32_t ip_bytes = socket->front_bytes - (uint32_t)sizeof(struct udphdr);
    write_u16(front + ip_bytes + offsetof(struct udphdr, len), udp_bytes);
    if (socket->family == 6) {
        write_u16(front + offsetof(struct ip6_hdr, ip6_plen), udp_bytes);
        return;
    }
    write_u16(front + offsetof(struct iphdr, tot_len), ip_bytes + udp_bytes);
    write_u16(front + offsetof(struct iphdr, check), 0);
    write_u16(front + offsetof(struct iphdr, check), header_checksum(front));
}

/* Copied out of what was joined, because the headers need room in front of each. */
static void hand_out(struct udp_socket *socket, struct sp_packet *packet)
{
    const uint32_t rest_bytes = socket->len_bytes - socket->at_bytes;
    const uint32_t payload_bytes = rest_bytes < socket->segment_bytes ? rest_bytes : socket->segment_bytes;
    uint8_t *at = packet->buffer + SP_PACKET_HEADROOM_BYTES;
    if (socket->at_bytes == 0 || payload_bytes != socket->segment_bytes)
        set_lengths(socket, payload_bytes);
    memcpy(at, socket->front, socket->front_bytes);
    memcpy(at + socket->front_bytes, socket->joined + socket->at_bytes, payload_bytes);
    packet->head_bytes = SP_PACKET_HEADROOM_BYTES;
    packet->len_bytes = socket->front_bytes + payload_bytes;
    socket->at_bytes += payload_bytes;
}

size_t udp_socket_receive(struct udp_socket *socket, struct sp_packet *packets, uint64_t *ret_arrival_ns)
{
    size_t count = 0;
    while (count < BURST_PACKETS && (udp_socket_has_more(socket) || receive_joined(socket))) {
        if (!udp_socket_has_more(socket))
            continue;
        if (count == 0)
            *ret_arrival_ns = socket->arrival_ns;
        hand_out(socket, &packets[count++]);
    }
    return count;
}

/* ---- sending ------------------------------------------------------------------------------------------- */

static const uint8_t *start_of(const struct sp_packet *packet)
{
    return packet->buffer + packet->head_bytes;
}

static uint32_t ip_bytes_of(uint8_t family)
{
    return family == 4 ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);
}

bool udp_socket_can_send(const struct sp_packet *packet)
{
    const uint8_t *ip = start_of(packet);
    return ip[0] >> 4 == 6 ? ip[offsetof(struct ip6_hdr, ip6_nxt)] == IPPROTO_UDP
                           : ip[0] == 0x45 && ip[offsetof(struct iphdr, protocol)] == IPPROTO_UDP;
}

/* May both leave in one send? Addresses, ports, class and hop limit must be the same; IPv4 identification and
 * IPv6 flow label are the kernel's to choose. */
static bool goes_with(uint8_t family, const struct sp_packet *one, const struct sp_packet *other)
{
    const uint8_t *a = start_of(one), *b = start_of(other);
    if (family == 4)
        return a[1] == b[1] && a[8] == b[8] && memcmp(a + 12, b + 12, 12) == 0;
    return ((a[0] ^ b[0]) | ((a[1] ^ b[1]) & 0xf0)) == 0 && a[7] == b[7] && memcmp(a + 8, b + 8, 36) == 0;
}

/* How many packets from the first on make one send: all of one size, but the last may be shorter. */
static size_t run_length(uint8_t family, struct sp_packet *const *packets, size_t count)
{
    const uint32_t front_bytes = ip_bytes_of(family) + (uint32_t)sizeof(struct udphdr);
    uint32_t sum_bytes = packets[0]->len_bytes - front_bytes;
    size_t run = 1;
    while (run < count && run < SEGMENTS_MAX && goes_with(family, packets[0], packets[run]) &&
           packets[run - 1]->len_bytes == packets[0]->len_bytes &&
           packets[run]->len_bytes <= packets[0]->len_bytes &&
           sum_bytes + packets[run]->len_bytes - front_bytes <= IPV4_DATAGRAM_BYTES_MAX)
        sum_bytes += packets[run++]->len_bytes - front_bytes;
    return run;
}

/* One send: its packets, and what sendmmsg() needs of it. */
struct sending {
    size_t first, count;
    struct sockaddr_storage address;
    alignas(struct cmsghdr) uint8_t control[OUT_CONTROL_BYTES];
};

static void put_control(struct msghdr *message, int level, int type, const void *data, size_t data_bytes)
{
    struct cmsghdr *item =
        (struct cmsghdr *)(void *)((uint8_t *)message->msg_control + message->msg_controllen);
    item->cmsg_level = level;
    item->cmsg_type = type;
    item->cmsg_len = CMSG_LEN(data_bytes);
    memcpy(CMSG_DATA(item), data, data_bytes);
    message->msg_controllen += CMSG_SPACE(data_bytes);
}

static void put_header_four(const uint8_t *ip, struct sending *sending, struct msghdr *message)
{
    const int traffic_class = ip[1], hop_limit = ip[8];
    struct sockaddr_in four = {.sin_family = AF_INET};
    struct in_pktinfo info = {.ipi_ifindex = 0};
    memcpy(&four.sin_addr, ip + offsetof(struct iphdr, daddr), sizeof four.sin_addr);
    memcpy(&four.sin_port, ip + sizeof(struct iphdr) + 2, sizeof four.sin_port);
    memcpy(&info.ipi_spec_dst, ip + offsetof(struct iphdr, saddr), sizeof info.ipi_spec_dst);
    memcpy(&sending->address, &four, sizeof four);
    message->msg_namelen = sizeof four;
    put_control(message, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    put_control(message, IPPROTO_IP, IP_TOS, &traffic_class, sizeof traffic_class);
    put_control(message, IPPROTO_IP, IP_TTL, &hop_limit, sizeof hop_limit);
}

static void put_header_six(const uint8_t *ip, struct sending *sending, struct msghdr *message)
{
    const int traffic_class = (ip[0] & 15) << 4 | ip[1] >> 4, hop_limit = ip[7];
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    struct in6_pktinfo info = {.ipi6_ifindex = 0};
    memcpy(&six.sin6_addr, ip + offsetof(struct ip6_hdr, ip6_dst), sizeof six.sin6_addr);
    memcpy(&six.sin6_port, ip + sizeof(struct ip6_hdr) + 2, sizeof six.sin6_port);
    memcpy(&info.ipi6_addr, ip + offsetof(struct ip6_hdr, ip6_src), sizeof info.ipi6_addr);
    memcpy(&sending->address, &six, sizeof six);
    message->msg_namelen = sizeof six;
    put_control(message, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    put_control(message, IPPROTO_IPV6, IPV6_TCLASS, &traffic_class, sizeof traffic_class);
    put_control(message, IPPROTO_IPV6, IPV6_HOPLIMIT, &hop_limit, sizeof hop_limit);
}

static void prepare(uint8_t family, struct sp_packet *const *packets, struct sending *sending,
                    struct msghdr *ret_message, struct iovec *vectors)
{
    const uint32_t front_bytes = ip_bytes_of(family) + (uint32_t)sizeof(struct udphdr);
    const struct sp_packet *first = packets[sending->first];
    *ret_message = (struct msghdr){.msg_name = &sending->address,
                                   .msg_iov = &vectors[sending->first],
                                   .msg_iovlen = sending->count,
                                   .msg_control = sending->control};
    for (size_t i = sending->first; i < sending->first + sending->count; i++)
        vectors[i] = (struct iovec){.iov_base = packets[i]->buffer + packets[i]->head_bytes + front_bytes,
                                    .iov_len = packets[i]->len_bytes - front_bytes};
    if (family == 4)
        put_header_four(start_of(first), sending, ret_message);
    else
        put_header_six(start_of(first), sending, ret_message);
    const uint16_t segment_bytes = (uint16_t)(first->len_bytes - front_bytes);
    if (sending->count > 1)
        put_control(ret_message, IPPROTO_UDP, UDP_SEGMENT, &segment_bytes, sizeof segment_bytes);
}

/* Where the kernel can't cut, one by one. */
static void give_up(const struct esp_socket *raw, struct sp_packet *const *packets,
                    const struct sending *sending, int error, enum sp_drop *ret_reasons)
{
    const bool is_uncut = sending->count > 1 && (error == EINVAL || error == EIO || error == EOPNOTSUPP);
    if (is_uncut && raw->send_fd >= 0) {
        esp_socket_send(raw, packets + sending->first, sending->count, ret_reasons + sending->first);
        return;
    }
    for (size_t i = sending->first; i < sending->first + sending->count; i++)
        ret_reasons[i] = error == EMSGSIZE ? SP_DROP_HOST_MTU : SP_DROP_HOST_SEND;
}

void udp_socket_send(const struct udp_socket *socket, const struct esp_socket *raw,
                     struct sp_packet *const *packets, size_t count, enum sp_drop *ret_reasons)
{
    struct mmsghdr messages[BURST_PACKETS];
    struct iovec vectors[BURST_PACKETS];
    struct sending sendings[BURST_PACKETS];
    size_t sending_count = 0;
    for (size_t i = 0; i < count; i += sendings[sending_count++].count) {
        struct sending *sending = &sendings[sending_count];
        sending->first = i;
        sending->count = run_length(socket->family, packets + i, count - i);
        prepare(socket->family, packets, sending, &messages[sending_count].msg_hdr, vectors);
    }

    size_t tried_again = SIZE_MAX; /* which one was */
    for (size_t done = 0; done < sending_count;) {
        const int sent =
            sendmmsg(socket->fd, messages + done, (unsigned)(sending_count - done), MSG_DONTWAIT);
        const int error = errno; /* sendmmsg only fails on the first of its messages */
        for (int i = 0; i < sent; i++, done++)
            for (size_t j = 0; j < sendings[done].count; j++)
                ret_reasons[sendings[done].first + j] = SP_DROP_NONE;
        if (sent >= 0 || error == EINTR)
            continue;
        const bool is_last_try = error == ENOBUFS || error == EAGAIN || tried_again == done;
        tried_again = done;
        if (is_last_try)
            give_up(raw, packets, &sendings[done++], error, ret_reasons);
    }
}

void udp_socket_keep_alive(const struct udp_socket *socket, const struct sp_sa_info *sa)
{
    static const uint8_t keepalive = 0xff;
    struct sending sending = {.count = 1};
    struct iovec vector = {.iov_base = (void *)(uintptr_t)&keepalive, .iov_len = sizeof keepalive};
    struct msghdr message = {
        .msg_name = &sending.address, .msg_iov = &vector, .msg_iovlen = 1, .msg_control = sending.control};
    uint8_t front[UDP_FRONT_BYTES_MAX] = {0};
    const uint16_t port = htons(sa->encap.destination_port);
    const bool is_six = socket->family == 6;
    const size_t source_at = is_six ? offsetof(struct ip6_hdr, ip6_src) : offsetof(struct iphdr, saddr);
    const size_t address_bytes = is_six ? 16 : 4;
    front[0] = is_six ? 0x60 : 0x45;
    front[is_six ? 7 : 8] = 64;
    memcpy(front + source_at, sa->source.bytes, address_bytes);
    memcpy(front + source_at + address_bytes, sa->destination.bytes, address_bytes);
    memcpy(front + ip_bytes_of(socket->family) + 2, &port, sizeof port);
    if (is_six)
        put_header_six(front, &sending, &message);
    else
        put_header_four(front, &sending, &message);
    (void)!sendmsg(socket->fd, &message, MSG_DONTWAIT); /* the next one comes in a few seconds */
}
