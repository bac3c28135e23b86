/* SPDX-License-Identifier: ISC
 *
 * Cutting: one large TCP packet into segments, as a NIC does it for the stack (TSO).
 *
 * A segment has the large packet's headers but for lengths, IPv4 identification (counts up), sequence number,
 * flags that belong to one end only, and checksums. The payload is copied and summed in one pass: it has to
 * move anyway, for ESP headers and trailers stand between the segments. Of the pseudo-header nothing changes
 * but the length, and its sum is in the checksum field already: so IPv6 routing headers need no special care.
 */
#include "core/misuse.h"
#include "wire/checksum.h"
#include "wire/ip.h"
#include "wire/tcp.h"

#include <sallyport/large.h>

#include <string.h>

#define IPV4_IDENTIFICATION_AT 4
#define LENGTH_MAX_BYTES (SP_IPV6_HEADER_BYTES + 65535) /* IPv6 counts its header on top */

/* TCP that may be cut: with all of its header, unfragmented. */
static bool find_tcp(struct sp_cutter *cutter, const struct sp_headers *headers, uint32_t total_bytes)
{
    if (headers->protocol != SP_PROTOCOL_TCP || headers->is_fragment ||
        total_bytes - headers->upper_offset < SP_TCP_HEADER_BYTES_MIN)
        return false;
    uint32_t tcp_bytes = sp_tcp_header_bytes(cutter->packet + headers->upper_offset);
    if (tcp_bytes < SP_TCP_HEADER_BYTES_MIN || tcp_bytes > total_bytes - headers->upper_offset)
        return false;
    cutter->tcp_at = headers->upper_offset;
    cutter->header_bytes = headers->upper_offset + tcp_bytes;
    cutter->payload_bytes = total_bytes - cutter->header_bytes;
    return true;
}

static bool is_checksum_of_tcp(const struct sp_cutter *cutter)
{
    return cutter->large.needs_checksum && cutter->large.checksum_start_bytes == cutter->tcp_at &&
           cutter->large.checksum_offset_bytes == SP_TCP_CHECKSUM_AT;
}

static bool is_checksum_inside(const struct sp_large *large, size_t len_bytes)
{
    return (size_t)large->checksum_start_bytes + large->checksum_offset_bytes + 2 <= len_bytes;
}

enum sp_drop sp_cutter_start(struct sp_cutter *cutter, const uint8_t *packet, size_t len_bytes,
                             const struct sp_large *large)
{
    struct sp_headers headers;
    uint32_t total_bytes;

    *cutter = (struct sp_cutter){.packet = packet, .large = *large, .is_done = true};
    if (len_bytes == 0 || len_bytes > LENGTH_MAX_BYTES)
        return SP_DROP_MALFORMED;
    if (large->segment_bytes == 0) {
        /* whatever it is: the engine will say */
        if (large->needs_checksum && !is_checksum_inside(large, len_bytes))
            return SP_DROP_MALFORMED;
        cutter->header_bytes = (uint32_t)len_bytes;
    } else {
        /* the kernel may leave an IPv4 checksum undone here: each segment gets a new one */
        if (sp_headers_read(packet, len_bytes, false, &headers, &total_bytes) != SP_DROP_NONE ||
            !find_tcp(cutter, &headers, total_bytes) || !is_checksum_of_tcp(cutter))
            return SP_DROP_MALFORMED;
        cutter->is_ipv6 = headers.source.family == 6;
        cutter->segment_bytes = large->segment_bytes;
    }
    cutter->is_done = false;
    return SP_DROP_NONE;
}

static uint8_t *place(struct sp_packet *packet, uint32_t len_bytes)
{
    SP_REQUIRE(packet->capacity_bytes >= SP_PACKET_HEADROOM_BYTES + SP_PACKET_TAILROOM_BYTES &&
               len_bytes <= packet->capacity_bytes - SP_PACKET_HEADROOM_BYTES - SP_PACKET_TAILROOM_BYTES);
    packet->head_bytes = SP_PACKET_HEADROOM_BYTES;
    packet->len_bytes = len_bytes;
    return packet->buffer + packet->head_bytes;
}

/* The sum that the field holds goes into the sum over the whole: both together make the checksum. UDP sends 0
 * as its complement, 0 would mean no checksum (RFC 768); for TCP it comes to the same. */
static void finish_checksum(uint8_t *packet, uint32_t len_bytes, const struct sp_large *large)
{
    uint8_t *covered = packet + large->checksum_start_bytes;
    uint16_t sum = sp_sum_fold(sp_sum(covered, len_bytes - large->checksum_start_bytes, 0));

    sum = (uint16_t)~sum;
    sp_write_u16(covered + large->checksum_offset_bytes, sum != 0 ? sum : 0xffff);
}

static void copy_ordinary(const struct sp_cutter *cutter, struct sp_packet *packet)
{
    uint8_t *to = place(packet, cutter->header_bytes);

    memcpy(to, cutter->packet, cutter->header_bytes);
    if (cutter->large.needs_checksum)
        finish_checksum(to, cutter->header_bytes, &cutter->large);
}

static void write_ip(const struct sp_cutter *cutter, uint8_t *ip, uint32_t total_bytes)
{
    if (cutter->is_ipv6) {
        sp_write_u16(ip + SP_IPV6_PAYLOAD_LENGTH_AT, (uint16_t)(total_bytes - SP_IPV6_HEADER_BYTES));
        return;
    }
    uint16_t identification =
        (uint16_t)(sp_read_u16(cutter->packet + IPV4_IDENTIFICATION_AT) + cutter->segments_done);
    sp_write_u16(ip + SP_IPV4_TOTAL_LENGTH_AT, (uint16_t)total_bytes);
    sp_write_u16(ip + IPV4_IDENTIFICATION_AT, identification);
    sp_write_u16(ip + SP_IPV4_CHECKSUM_AT, 0);
    sp_write_u16(ip + SP_IPV4_CHECKSUM_AT, sp_checksum(ip, (ip[0] & 0x0fu) * 4, 0));
}

static void write_tcp(const struct sp_cutter *cutter, uint8_t *tcp, bool is_last)
{
    uint8_t flags = tcp[SP_TCP_FLAGS_AT];

    if (cutter->done_bytes > 0)
        flags &= (uint8_t)~SP_TCP_CWR;
    if (!is_last)
        flags &= (uint8_t) ~(SP_TCP_FIN | SP_TCP_PSH);
    tcp[SP_TCP_FLAGS_AT] = flags;
    sp_write_u32(tcp + SP_TCP_SEQUENCE_AT, sp_read_u32(tcp + SP_TCP_SEQUENCE_AT) + cutter->done_bytes);
}

/* The checksum field of the whole, with a segment's length for its own. */
static uint16_t pseudo_header_sum(const struct sp_cutter *cutter, uint32_t payload_bytes)
{
    uint32_t tcp_bytes = cutter->header_bytes - cutter->tcp_at;
    uint16_t whole = sp_read_u16(cutter->packet + cutter->tcp_at + SP_TCP_CHECKSUM_AT);

    return (uint16_t)~sp_checksum_mend((uint16_t)~whole, (uint16_t)(tcp_bytes + cutter->payload_bytes),
                                       (uint16_t)(tcp_bytes + payload_bytes));
}

static void write_segment(const struct sp_cutter *cutter, struct sp_packet *packet, uint32_t payload_bytes)
{
    bool is_last = cutter->done_bytes + payload_bytes == cutter->payload_bytes;
    uint8_t *ip = place(packet, cutter->header_bytes + payload_bytes);
    uint8_t *tcp = ip + cutter->tcp_at;

    memcpy(ip, cutter->packet, cutter->header_bytes);
    write_ip(cutter, ip, packet->len_bytes);
    write_tcp(cutter, tcp, is_last);
    sp_write_u16(tcp + SP_TCP_CHECKSUM_AT, pseudo_header_sum(cutter, payload_bytes));
    uint64_t sum = sp_sum(tcp, cutter->header_bytes - cutter->tcp_at, 0);
    sum = sp_sum_copy(ip + cutter->header_bytes, cutter->packet + cutter->header_bytes + cutter->done_bytes,
                      payload_bytes, sum);
    sp_write_u16(tcp + SP_TCP_CHECKSUM_AT, (uint16_t)~sp_sum_fold(sum));
}

size_t sp_cutter_next(struct sp_cutter *cutter, struct sp_packet *packets, size_t count)
{
    size_t written = 0;

    while (written < count && !cutter->is_done) {
        struct sp_packet *packet = &packets[written++];
        if (cutter->tcp_at == 0) {
            copy_ordinary(cutter, packet);
            cutter->is_done = true;
            continue;
        }
        uint32_t payload_bytes = cutter->payload_bytes - cutter->done_bytes;
        if (payload_bytes > cutter->segment_bytes)
            payload_bytes = cutter->segment_bytes;
        write_segment(cutter, packet, payload_bytes);
        cutter->done_bytes += payload_bytes;
        cutter->segments_done++;
        cutter->is_done = cutter->done_bytes == cutter->payload_bytes;
    }
    return written;
}
