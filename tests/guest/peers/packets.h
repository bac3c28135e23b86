/* SPDX-License-Identifier: ISC
 *
 * Questions that a host answers with the same bytes: ICMP echo requests, and UDP datagrams to the echo port.
 *
 * Made byte by byte, so that neither the library nor the kernel has a hand in what they are held against.
 */
#ifndef SALLYPORT_TESTS_GUEST_PACKETS_H
#define SALLYPORT_TESTS_GUEST_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum question_kind { QUESTION_PING, QUESTION_UDP };

/* Hosts of one family: this is host 1 of its network, the guest is host 2. IPv4 10.0.NETWORK.HOST, IPv6
 * fd00:0:0:NETWORK::HOST. */
struct question {
    enum question_kind kind;
    uint8_t family;  /* 4 or 6 */
    uint8_t network; /* 1..255 */
    uint16_t number; /* tells answers apart */
    size_t payload_bytes;
};

size_t question_header_bytes(const struct question *question); /* IP header and the 8 bytes of ICMP or UDP */
/* Writes the IP packet; returns its length. */
size_t question_write(const struct question *question, uint8_t *packet);
/* Whether it came from the network's host 2 to host 1. */
bool is_to_us(const uint8_t *packet, size_t len_bytes, uint8_t network);
/* Whether this clear packet is the answer, all of it. */
bool is_answer(const struct question *question, const uint8_t *packet, size_t len_bytes);

#endif
