/* SPDX-License-Identifier: ISC
 *
 * Datagrams by which the change from one policy to the next can be judged packet by packet. The sender
 * numbers them and sends each number from several ports, PORT and those that follow it, to PORT of the
 * receiver. Of two neighbouring ports policies let one through, never both, and always the last port. Then of
 * each number the last port's datagram comes, and each other port's flow opens and shuts once with each
 * change: a packet that was lost, or decided by something in between, shows as a gap more.
 *
 * The receiver tells the sender how far it is, in a file that both have mapped. No more are on their way than
 * the shortest queue between the two has room for, so that none overflows, however slow the machine; what is
 * lost then was lost to something else.
 *
 *   udp_pairs send ADDRESS PORT RATE FILE   so many numbers a second, or fewer, until SIGTERM; then prints
 *                                           how many
 *   udp_pairs receive ADDRESS PORT FILE     until SIGTERM; then prints name=count of
 *       whole      numbers of which the last port's came
 *       twice      datagrams that came again
 *       disorder   ... that came after a later one of their port
 *       least_changes, most_changes   how often a port opened or shut, over those that do
 *       both, neither   numbers that came from both, or none, of two neighbours
 *       turns      from the ports at even places to those at odd ones or back, in order of arrival
 */
#include "ended.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PAIRS 3
#define LAST (2 * PAIRS)
#define PORTS (LAST + 1)
#define NUMBERS_AT_ONCE 8
/* Of 7 ports, 112 datagrams: what the daemon takes at a time. */
#define NUMBERS_ON_THEIR_WAY (2 * NUMBERS_AT_ONCE)
#define PAYLOAD_BYTES 200
#define RECEIVE_BUFFER_BYTES (64 << 20)
#define NUMBERS_MAX (64u << 20)
#define NS_A_SECOND 1000000000u
#define STEP_NS 200000
/* One that was lost must not hold up the rest for ever; nor may the rest fill a queue meanwhile. */
#define PATIENCE_STEPS 1000

static int open_bound(const char *address, uint16_t port)
{
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(port)};
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || inet_pton(AF_INET, address, &own.sin_addr) != 1 ||
        bind(fd, (struct sockaddr *)&own, sizeof own))
        fail("bind");
    return fd;
}

/* The lowest number that the receiver has not yet seen of the last port, nor a later one. */
static _Atomic uint64_t *map_progress(const char *path)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(uint64_t)))
        fail(path);
    void *progress = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (progress == MAP_FAILED)
        fail(path);
    return progress;
}

/* ---- sender -------------------------------------------------------------------------------------------- */

static void wait_for(struct timespec *next, uint64_t ns)
{
    next->tv_nsec += (long)ns;
    next->tv_sec += next->tv_nsec / NS_A_SECOND;
    next->tv_nsec %= NS_A_SECOND;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL);
}

static void wait_for_receiver(const _Atomic uint64_t *progress, uint64_t wanted)
{
    const struct timespec step = {.tv_nsec = STEP_NS};
    for (int i = 0; i < PATIENCE_STEPS && atomic_load(progress) < wanted; i++)
        nanosleep(&step, NULL);
}

static void send_numbers(const char *address, uint16_t port, uint64_t rate, const _Atomic uint64_t *progress)
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
    while (!is_over && number < NUMBERS_MAX) {
        for (int i = 0; i < NUMBERS_AT_ONCE; i++, number++)
            for (int j = 0; j < PORTS; j++) {
                memcpy(payload, &number, sizeof number);
                /* refused by a block rule: that is one way of not getting through */
                (void)!sendto(fds[j], payload, sizeof payload, 0, (struct sockaddr *)&peer, sizeof peer);
            }
        wait_for(&next, NUMBERS_AT_ONCE * (uint64_t)NS_A_SECOND / rate);
        if (number >= NUMBERS_ON_THEIR_WAY)
            wait_for_receiver(progress, number - (NUMBERS_ON_THEIR_WAY - NUMBERS_AT_ONCE));
    }
    for (int i = 0; i < 10; i++)
        wait_for_receiver(progress, number);
    printf("%llu\n", (unsigned long long)number);
}

/* ---- receiver ------------------------------------------------------------------------------------------ */

struct seen {
    uint8_t *ports; /* of each number, a bit a port */
    uint64_t next[PORTS];
    uint64_t twice, disorder, turns;
    int last_parity;
};

static void take(struct seen *seen, uint64_t number, unsigned port)
{
    const uint8_t bit = (uint8_t)(1u << port);
    seen->twice += (seen->ports[number] & bit) != 0;
    seen->ports[number] |= bit;
    seen->disorder += number < seen->next[port];
    if (number >= seen->next[port])
        seen->next[port] = number + 1;
    if (port == LAST)
        return;
    seen->turns += seen->last_parity >= 0 && (int)(port % 2) != seen->last_parity;
    seen->last_parity = (int)(port % 2);
}

static uint64_t count_changes(const struct seen *seen, unsigned port)
{
    uint64_t changes = 0;
    for (uint64_t i = 1; i < seen->next[LAST]; i++)
        changes += ((seen->ports[i] ^ seen->ports[i - 1]) >> port) & 1;
    return changes;
}

static void print_seen(const struct seen *seen)
{
    uint64_t whole = 0, both = 0, neither = 0, least = UINT64_MAX, most = 0;
    for (uint64_t i = 0; i < seen->next[LAST]; i++) {
        whole += (seen->ports[i] >> LAST) & 1;
        both += (seen->ports[i] & 3) == 3;
        neither += (seen->ports[i] & 3) == 0;
    }
    for (unsigned port = 0; port < LAST; port++) {
        const uint64_t changes = count_changes(seen, port);
        least = changes < least ? changes : least;
        most = changes > most ? changes : most;
    }
    printf("whole=%llu twice=%llu disorder=%llu least_changes=%llu most_changes=%llu both=%llu neither=%llu "
           "turns=%llu\n",
           (unsigned long long)whole, (unsigned long long)seen->twice, (unsigned long long)seen->disorder,
           (unsigned long long)least, (unsigned long long)most, (unsigned long long)both,
           (unsigned long long)neither, (unsigned long long)seen->turns);
}

static void receive_numbers(const char *address, uint16_t port, _Atomic uint64_t *progress)
{
    struct seen seen = {.last_parity = -1};
    const int fd = open_bound(address, port), buffer_bytes = RECEIVE_BUFFER_BYTES;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes))
        fail("SO_RCVBUFFORCE");
    seen.ports = mmap(NULL, NUMBERS_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (seen.ports == MAP_FAILED)
        fail("mmap");
    atomic_store(progress, 0);
    for (;;) {
        struct sockaddr_in from = {0};
        socklen_t from_bytes = sizeof from;
        uint64_t number;
        const ssize_t got = recvfrom(fd, &number, sizeof number, is_over ? MSG_DONTWAIT : 0,
                                     (struct sockaddr *)&from, &from_bytes);
        if (got < 0 && is_over && errno == EAGAIN)
            break;
        const unsigned which = (unsigned)ntohs(from.sin_port) - port;
        if (got != (ssize_t)sizeof number || which >= PORTS || number >= NUMBERS_MAX)
            continue;
        take(&seen, number, which);
        atomic_store(progress, seen.next[LAST]);
    }
    print_seen(&seen);
}

int main(int argc, char **argv)
{
    end_on_sigterm();
    if (argc == 6 && strcmp(argv[1], "send") == 0)
        send_numbers(argv[2], (uint16_t)atoi(argv[3]), (uint64_t)atoll(argv[4]), map_progress(argv[5]));
    else if (argc == 5 && strcmp(argv[1], "receive") == 0)
        receive_numbers(argv[2], (uint16_t)atoi(argv[3]), map_progress(argv[4]));
    else
        return 1;
    return 0;
}
