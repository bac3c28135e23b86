/* SPDX-License-Identifier: ISC
 *
 * The host's end of a guest's vec0.
 */
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HEADER_BYTES 14
#define READY_SECONDS 120

static const uint8_t guest_mac[6] = {2, 0, 0, 0, 0, 2}, our_mac[6] = {2, 0, 0, 0, 0, 1};

static void give_up(const char *why)
{
    fprintf(stderr, "%s\n", why);
    exit(1);
}

int wire_open(void)
{
    const char *number = getenv("SP_WIRE"), *share = getenv("SP_SHARE");
    char ready[4096];

    if (number == NULL || share == NULL)
        give_up("run this as a peer: tests/guest/in-guest SCRIPT --peer THIS");
    (void)snprintf(ready, sizeof ready, "%s/guest-ready", share);
    for (int tries = READY_SECONDS * 50; access(ready, F_OK) != 0; tries--) {
        if (tries == 0)
            give_up("the guest does not get ready");
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    return atoi(number);
}

void wire_send(int wire, const uint8_t *ip_packet, size_t len_bytes)
{
    uint8_t frame[HEADER_BYTES + WIRE_MTU_BYTES];
    bool is_ipv6 = ip_packet[0] >> 4 == 6;

    if (len_bytes > WIRE_MTU_BYTES)
        give_up("a packet is longer than the wire takes");
    memcpy(frame, guest_mac, 6);
    memcpy(frame + 6, our_mac, 6);
    frame[12] = is_ipv6 ? 0x86 : 0x08;
    frame[13] = is_ipv6 ? 0xdd : 0x00;
    memcpy(frame + HEADER_BYTES, ip_packet, len_bytes);
    if (send(wire, frame, HEADER_BYTES + len_bytes, 0) < 0)
        give_up(strerror(errno));
}

size_t wire_receive(int wire, uint8_t *ip_packet, size_t capacity_bytes, int wait_ms)
{
    uint8_t frame[HEADER_BYTES + 65536];
    struct pollfd poll_for = {.fd = wire, .events = POLLIN};

    if (poll(&poll_for, 1, wait_ms) <= 0)
        return 0;
    ssize_t got_bytes = recv(wire, frame, sizeof frame, 0);
    if (got_bytes <= HEADER_BYTES || (size_t)got_bytes - HEADER_BYTES > capacity_bytes)
        return 0;
    memcpy(ip_packet, frame + HEADER_BYTES, (size_t)got_bytes - HEADER_BYTES);
    return (size_t)got_bytes - HEADER_BYTES;
}
