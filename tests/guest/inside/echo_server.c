/* SPDX-License-Identifier: ISC
 *
 * Answers each UDP datagram to port 7 with itself (RFC 862), on IPv4 and IPv6.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#define ECHO_PORT 7

static int open_port(int family)
{
    int channel = socket(family, SOCK_DGRAM, 0), yes = 1;
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(ECHO_PORT)};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(ECHO_PORT)};

    if (family == AF_INET6)
        (void)setsockopt(channel, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes);
    const struct sockaddr *name = family == AF_INET ? (struct sockaddr *)&ipv4 : (struct sockaddr *)&ipv6;
    if (bind(channel, name, family == AF_INET ? sizeof ipv4 : sizeof ipv6) != 0)
        perror("echo-server: port 7");
    return channel;
}

int main(void)
{
    struct pollfd ports[2] = {{.fd = open_port(AF_INET), .events = POLLIN},
                              {.fd = open_port(AF_INET6), .events = POLLIN}};
    static char datagram[65536];

    while (poll(ports, 2, -1) > 0) {
        for (int i = 0; i < 2; i++) {
            struct sockaddr_storage from;
            socklen_t from_bytes = sizeof from;
            if ((ports[i].revents & POLLIN) == 0)
                continue;
            ssize_t got_bytes =
                recvfrom(ports[i].fd, datagram, sizeof datagram, 0, (struct sockaddr *)&from, &from_bytes);
            if (got_bytes >= 0)
                (void)sendto(ports[i].fd, datagram, (size_t)got_bytes, 0, (struct sockaddr *)&from,
                             from_bytes);
        }
    }
    return 1;
}
