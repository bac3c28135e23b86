/* SPDX-License-Identifier: ISC
 *
 * Packets for tests, made without the library's own wire code: what it reads should not be what it wrote.
 */
#ifndef SP_TESTS_MAKE_PACKET_H
#define SP_TESTS_MAKE_PACKET_H

#include <sallyport/packet.h>
#include <sallyport/sa.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

struct made_packet {
    uint8_t memory[4096];
    struct sp_packet packet;
};

static inline uint16_t made_checksum(const void *data, size_t len_bytes)
{
    const uint8_t *bytes = data;
    uint32_t sum = 0;
    for (size_t i = 0; i + 1 < len_bytes; i += 2)
        sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
    if (len_bytes & 1)
        sum += (uint32_t)bytes[len_bytes - 1] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static inline void make_ipv4(struct iphdr *ip, const char *source, const char *destination, uint8_t protocol,
                             size_t total_bytes)
{
    *ip = (struct iphdr){
        .version = 4, .ihl = 5, .ttl = 64, .protocol = protocol, .tot_len = htons((uint16_t)total_bytes)};
    inet_pton(AF_INET, source, &ip->saddr);
    inet_pton(AF_INET, destination, &ip->daddr);
    ip->check = htons(made_checksum(ip, sizeof *ip));
}

/* A packet with an upper-layer header of TCP's size (ports first, which also serves UDP and, as zeros,
 * anything else) and payload bytes that count up. Both addresses of one family, as text. */
static inline void make_packet(struct made_packet *made, const char *source, const char *destination,
                               uint8_t protocol, uint16_t source_port, uint16_t destination_port,
                               size_t payload_bytes)
{
    bool is_ipv6 = strchr(source, ':') != NULL;
    size_t ip_bytes = is_ipv6 ? sizeof(struct ip6_hdr) : sizeof(struct iphdr);
    size_t total_bytes = ip_bytes + sizeof(struct tcphdr) + payload_bytes;
    memset(made, 0, sizeof *made);
    uint8_t *at = made->memory + SP_PACKET_HEADROOM_BYTES;
    if (is_ipv6) {
        struct ip6_hdr ip = {.ip6_flow = htonl(6u << 28),
                             .ip6_plen = htons((uint16_t)(total_bytes - ip_bytes)),
                             .ip6_nxt = protocol,
                             .ip6_hlim = 64};
        inet_pton(AF_INET6, source, &ip.ip6_src);
        inet_pton(AF_INET6, destination, &ip.ip6_dst);
        memcpy(at, &ip, sizeof ip);
    } else {
        struct iphdr ip;
        make_ipv4(&ip, source, destination, protocol, total_bytes);
        memcpy(at, &ip, sizeof ip);
    }
    struct tcphdr tcp = {.source = htons(source_port), .dest = htons(destination_port), .doff = 5};
    memcpy(at + ip_bytes, &tcp, sizeof tcp);
    for (size_t i = 0; i < payload_bytes; i++)
        at[ip_bytes + sizeof tcp + i] = (uint8_t)i;
    made->packet = (struct sp_packet){.buffer = made->memory,
                                      .capacity_bytes = sizeof made->memory,
                                      .head_bytes = SP_PACKET_HEADROOM_BYTES,
                                      .len_bytes = (uint32_t)total_bytes};
}

/* Good keys for tests: not weak, and never to be used elsewhere. */
static const uint8_t made_tdes_key[24] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                          0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01,
                                          0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23};
static const uint8_t made_hmac_key[32] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static inline struct sp_sa_params made_sa(uint32_t spi, const char *source, const char *destination)
{
    struct sp_sa_params params = {.spi = spi,
                                  .encryption = SP_ENCRYPTION_3DES_CBC,
                                  .integrity = SP_INTEGRITY_HMAC_SHA1_96,
                                  .encryption_key = made_tdes_key,
                                  .encryption_key_bytes = sizeof made_tdes_key,
                                  .integrity_key = made_hmac_key,
                                  .integrity_key_bytes = 20};
    if (sp_address_parse(source, &params.source) != SP_OK ||
        sp_address_parse(destination, &params.destination) != SP_OK)
        abort();
    return params;
}

#endif
