/* SPDX-License-Identifier: ISC
 *
 * A flood of UDP that knows what became of it, as far as sockets tell: which of its datagrams the kernel took
 * from the sender, and which reached the receiver or were dropped for the receiver's own slowness. Python and
 * iperf3 are too slow for it, and count datagrams they could not hand over as sent.
 *
 *   udp_flood send ADDRESS PORT BYTES SECONDS   as fast as it goes; then prints taken and refused
 *   udp_flood receive ADDRESS PORT              until SIGTERM; then prints received and dropped
 */
#include "ended.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define AT_ONCE 64
#define BYTES_MAX 65507
#define RECEIVE_BUFFER_BYTES (256 << 20)

static socklen_t read_address(const char *text, const char *port, struct sockaddr_storage *ret_address)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)atoi(port))};
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1) {
        memcpy(ret_address, &four, sizeof four);
        return sizeof four;
    }
    if (inet_pton(AF_INET6, text, &six.sin6_addr) != 1)
        fail(text);
    memcpy(ret_address, &six, sizeof six);
    return sizeof six;
}

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* IP_RECVERR: or the kernel would call those sent that its own queues had no room for. */
static void hear_of_errors(int fd, sa_family_t family)
{
    const int one = 1;
    if (family == AF_INET ? setsockopt(fd, IPPROTO_IP, IP_RECVERR, &one, sizeof one)
                          : setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &one, sizeof one))
        fail("IP_RECVERR");
}

static void flood(int fd, size_t len_bytes, double seconds)
{
    static uint8_t payload[BYTES_MAX];
    struct mmsghdr messages[AT_ONCE];
    struct iovec vector = {.iov_base = payload, .iov_len = len_bytes};
    uint64_t taken = 0, refused = 0;
    for (size_t i = 0; i < AT_ONCE; i++)
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}};
    for (const double last = now_seconds() + seconds; !is_over && now_seconds() < last;) {
        const int sent = sendmmsg(fd, messages, AT_ONCE, 0);
        if (sent > 0)
            taken += (uint64_t)sent;
        else
            refused++;
    }
    printf("%llu %llu\n", (unsigned long long)taken, (unsigned long long)refused);
}

static uint32_t dropped_packets(int fd)
{
    uint32_t values[SK_MEMINFO_VARS] = {0};
    socklen_t len_bytes = sizeof values;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, values, &len_bytes))
        fail("SO_MEMINFO");
    return values[SK_MEMINFO_DROPS];
}

static void receive(int fd)
{
    static uint8_t payload[BYTES_MAX];
    struct mmsghdr messages[AT_ONCE];
    struct iovec vector = {.iov_base = payload, .iov_len = sizeof payload};
    uint64_t received = 0;
    for (size_t i = 0; i < AT_ONCE; i++)
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &vector, .msg_iovlen = 1}};
    const int buffer_bytes = RECEIVE_BUFFER_BYTES;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes))
        fail("SO_RCVBUFFORCE");
    bool is_drained = false;
    while (!is_over || !is_drained) {
        const int got = recvmmsg(fd, messages, AT_ONCE, is_over ? MSG_DONTWAIT : MSG_WAITFORONE, NULL);
        received += got > 0 ? (uint64_t)got : 0;
        is_drained = is_over && got < 0 && errno == EAGAIN;
    }
    printf("%llu %u\n", (unsigned long long)received, dropped_packets(fd));
}

int main(int argc, char **argv)
{
    struct sockaddr_storage address;
    if (argc < 4)
        return 1;
    const bool is_sender = strcmp(argv[1], "send") == 0;
    const socklen_t len_bytes = read_address(argv[2], argv[3], &address);
    const int fd = socket(address.ss_family, SOCK_DGRAM, 0);
    end_on_sigterm();
    if (fd < 0)
        fail("socket");
    if (!is_sender) {
        if (bind(fd, (struct sockaddr *)&address, len_bytes))
            fail("bind");
        receive(fd);
        return 0;
    }
    if (argc != 6)
        return 1;
    hear_of_errors(fd, address.ss_family);
    if (connect(fd, (struct sockaddr *)&address, len_bytes))
        fail("connect");
    flood(fd, (size_t)atoi(argv[4]), atof(argv[5]));
    return 0;
}
