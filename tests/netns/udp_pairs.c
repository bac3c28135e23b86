/* SPDX-License-Identifier: ISC
 *
 * Datagrams by which the change from one policy to the next can be judged packet by packet. The sender
 * numbers them and sends each number three times, from the ports PORT, PORT + 1 and PORT + 2, in that order,
 * to PORT of the receiver. Policies let the first or the second through, never both, and always the third.
 * Then what the receiver gets, in the order in which it comes, turns from one port to the other once for each
 * change, and the third is whole.
 *
 *   udp_pairs send ADDRESS PORT RATE   so many numbers a second until SIGTERM; then prints how many
 *   udp_pairs receive ADDRESS PORT     until SIGTERM; then prints how many of each port, turns, and how many
 * out of order
 */
#include "ended.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define PORTS 3
#define NUMBERS_AT_ONCE 16
#define PAYLOAD_BYTES 200
#define RECEIVE_BUFFER_BYTES (64 << 20)

static int open_bound(const char *address, uint16_t port)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(port)};
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || inet_pton(AF_INET, address, &own.sin_addr) != 1 ||
        bind(fd, (struct sockaddr *)&own, sizeof own))
        fail("bind");
    return fd;
}

/* A burst at a time, so that a sleep that is too long is made up for. */
static void wait_for(struct timespec *next, uint64_t ns)
{
    next->tv_nsec += (long)ns;
    next->tv_sec += next->tv_nsec / 1000000000;
    next->tv_nsec %= 1000000000;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

static void send_numbers(const char *address, uint16_t port, uint64_t rate)
{
    uint8_t payload[PAYLOAD_BYTES] = {0};
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timespec next;
    int fds[PORTS];
    uint64_t number = 0;
    inet_pton(AF_INET, address, &peer.sin_addr);
    for (uint16_t i = 0; i < PORTS; i++)
        fds[i] = open_bound("0.0.0.0", (uint16_t)(port + i));
    clock_gettime(CLOCK_MONOTONIC, &next);
    while (!is_over) {
        for (int i = 0; i < NUMBERS_AT_ONCE; i++, number++)
            for (int j = 0; j < PORTS; j++) {
                memcpy(payload, &number, sizeof number);
                /* refused by a block rule: that is one way of not getting through */
                (void)!sendto(fds[j], payload, sizeof payload, 0, (struct sockaddr *)&peer, sizeof peer);
            }
        wait_for(&next, NUMBERS_AT_ONCE * 1000000000u / rate);
    }
    printf("%llu\n", (unsigned long long)number);
}

struct seen {
    uint64_t count, next;
};

static void receive_numbers(const char *address, uint16_t port)
{
    struct seen seen[PORTS] = {0};
    uint64_t turns = 0, disorder = 0;
    unsigned last = PORTS;
    const int fd = open_bound(address, port), buffer_bytes = RECEIVE_BUFFER_BYTES;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes))
        fail("SO_RCVBUFFORCE");
    for (;;) {
        struct sockaddr_in from = {0};
        socklen_t from_bytes = sizeof from;
        uint64_t number;
        const ssize_t got = recvfrom(fd, &number, sizeof number, is_over ? MSG_DONTWAIT : 0,
                                     (struct sockaddr *)&from, &from_bytes);
        if (got < 0 && is_over && errno == EAGAIN)
            break;
        const unsigned which = (unsigned)ntohs(from.sin_port) - port;
        if (got != (ssize_t)sizeof number || which >= PORTS)
            continue;
        seen[which].count++;
        disorder += number < seen[which].next;
        seen[which].next = number + 1;
        if (which < 2) {
            turns += last < 2 && which != last;
            last = which;
        }
    }
    printf("%llu %llu %llu %llu %llu\n", (unsigned long long)seen[0].count, (unsigned long long)seen[1].count,
           (unsigned long long)seen[2].count, (unsigned long long)turns, (unsigned long long)disorder);
}

int main(int argc, char **argv)
{
    end_on_sigterm();
    if (argc == 5 && strcmp(argv[1], "send") == 0)
        send_numbers(argv[2], (uint16_t)atoi(argv[3]), (uint64_t)atoll(argv[4]));
    else if (argc == 4 && strcmp(argv[1], "receive") == 0)
        receive_numbers(argv[2], (uint16_t)atoi(argv[3]));
    else
        return 1;
    return 0;
}
