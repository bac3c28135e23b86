/* SPDX-License-Identifier: ISC
 *
 * Questions that a host answers with the same bytes.
 */
#include "packets.h"

#include <string.h>

#define PING_ID 0x5a11
#define ECHO_PORT 7
#define FIRST_PORT 20000
#define UPPER_HEADER_BYTES 8

static size_t ip_header_bytes(uint8_t family)
{
    return family == 4 ? 20 : 40;
}

size_t question_header_bytes(const struct question *question)
{
    return ip_header_bytes(question->family) + UPPER_HEADER_BYTES;
}

static void put16(uint8_t *at, size_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static uint32_t sum(uint32_t total, const uint8_t *bytes, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++)
        total += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
    return total;
}

/* RFC 1071; 0 becomes 0xffff, which is the same number and what UDP wants. */
static uint16_t checksum(uint32_t total)
{
    while (total > 0xffff)
        total = (total & 0xffff) + (total >> 16);
    return total == 0xffff ? 0xffff : (uint16_t)~total;
}

static void put_address(uint8_t *at, uint8_t family, uint8_t network, uint8_t host)
{
    const uint8_t ipv4[4] = {10, 0, network, host};
    const uint8_t ipv6[16] = {0xfd, [7] = network, [15] = host};

    memcpy(at, family == 4 ? ipv4 : ipv6, family == 4 ? 4 : 16);
}

static uint8_t protocol_of(const struct question *question)
{
    if (question->kind == QUESTION_UDP)
        return 17;
    return question->family == 4 ? 1 : 58;
}

static void write_ip_header(const struct question *question, uint8_t *packet, size_t upper_bytes)
{
    if (question->family == 4) {
        memset(packet, 0, 20);
        packet[0] = 0x45;
        put16(packet + 2, 20 + upper_bytes);
        put16(packet + 4, question->number);
        packet[6] = 0x40; /* don't fragment */
        packet[8] = 64;
        packet[9] = protocol_of(question);
        put_address(packet + 12, 4, question->network, 1);
        put_address(packet + 16, 4, question->network, 2);
        put16(packet + 10, checksum(sum(0, packet, 20)));
        return;
    }
    memset(packet, 0, 40);
    packet[0] = 0x60;
    put16(packet + 4, upper_bytes);
    packet[6] = protocol_of(question);
    packet[7] = 64;
    put_address(packet + 8, 6, question->network, 1);
    put_address(packet + 24, 6, question->network, 2);
}

/* The addresses stand last in both headers. */
static uint32_t pseudo_header_sum(const struct question *question, const uint8_t *packet, size_t upper_bytes)
{
    size_t addresses_bytes = question->family == 4 ? 8 : 32;

    if (question->kind == QUESTION_PING && question->family == 4)
        return 0;
    return sum((uint32_t)upper_bytes + protocol_of(question),
               packet + ip_header_bytes(question->family) - addresses_bytes, addresses_bytes);
}

size_t question_write(const struct question *question, uint8_t *packet)
{
    uint8_t *upper = packet + ip_header_bytes(question->family);
    size_t upper_bytes = UPPER_HEADER_BYTES + question->payload_bytes;

    write_ip_header(question, packet, upper_bytes);
    memset(upper, 0, UPPER_HEADER_BYTES);
    for (size_t i = 0; i < question->payload_bytes; i++)
        upper[UPPER_HEADER_BYTES + i] = (uint8_t)(question->number + 31 * i + (i >> 5));
    if (question->kind == QUESTION_PING) {
        upper[0] = question->family == 4 ? 8 : 128;
        put16(upper + 4, PING_ID);
        put16(upper + 6, question->number);
        put16(upper + 2, checksum(sum(pseudo_header_sum(question, packet, upper_bytes), upper, upper_bytes)));
    } else {
        put16(upper, (size_t)FIRST_PORT + question->number);
        put16(upper + 2, ECHO_PORT);
        put16(upper + 4, upper_bytes);
        put16(upper + 6, checksum(sum(pseudo_header_sum(question, packet, upper_bytes), upper, upper_bytes)));
    }
    return (size_t)(upper - packet) + upper_bytes;
}

bool is_to_us(const uint8_t *packet, size_t len_bytes, uint8_t network)
{
    uint8_t family = packet[0] >> 4, wanted[32];
    size_t address_bytes = family == 4 ? 4 : 16;

    if ((family != 4 && family != 6) || len_bytes < ip_header_bytes(family))
        return false;
    put_address(wanted, family, network, 2);
    put_address(wanted + address_bytes, family, network, 1);
    return memcmp(packet + ip_header_bytes(family) - 2 * address_bytes, wanted, 2 * address_bytes) == 0;
}

bool is_answer(const struct question *question, const uint8_t *packet, size_t len_bytes)
{
    uint8_t asked[65536];
    size_t asked_bytes = question_write(question, asked), ip_bytes = ip_header_bytes(question->family);
    const uint8_t *upper = packet + ip_bytes;
    uint8_t *asked_upper = asked + ip_bytes;

    if (len_bytes != asked_bytes || packet[0] != asked[0] ||
        !is_to_us(packet, len_bytes, question->network) ||
        packet[question->family == 4 ? 9 : 6] != protocol_of(question))
        return false;
    size_t upper_bytes = len_bytes - ip_bytes;
    if (checksum(sum(pseudo_header_sum(question, packet, upper_bytes), upper, upper_bytes)) != 0xffff)
        return false;
    if (question->kind == QUESTION_PING) {
        asked_upper[0] = question->family == 4 ? 0 : 129;
    } else {
        put16(asked_upper, ECHO_PORT);
        put16(asked_upper + 2, (size_t)FIRST_PORT + question->number);
    }
    memcpy(asked_upper + (question->kind == QUESTION_PING ? 2 : 6),
           upper + (question->kind == QUESTION_PING ? 2 : 6), 2); /* the checksum was looked at */
    return memcmp(asked_upper, upper, upper_bytes) == 0;
}
