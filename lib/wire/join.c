/* SPDX-License-Identifier: ISC
 *
 * Joining: TCP segments of one flow become one large packet for the host (as GRO does it), for a stack takes
 * one packet of 64 KB in about the time of one of 1,500 bytes.
 *
 * The rule is that nothing gets lost: whatever could tell the receiving stack apart what came in (flags, TTL,
 * options, a timestamp, a gap) keeps segments apart. The host is told not to sum a joined packet again, so
 * each segment's checksum is verified before it is joined; a wrong one goes on alone, for the host to refuse.
 */
#include "core/misuse.h"
#include "wire/checksum.h"
#include "wire/ip.h"
#include "wire/tcp.h"

#include <sallyport/large.h>

#include <string.h>

#define IPV4_HEADER_BYTES 20 /* without options */
#define IPV4_IDENTIFICATION_AT 4
#define IPV4_FRAGMENT_AT 6
#define IPV4_DONT_FRAGMENT 0x40
#define IPV4_ADDRESSES_AT 12
#define IPV6_ADDRESSES_AT 8
#define LENGTH_MAX_BYTES 65535
#define OPEN_RUNS_MAX 8 /* flows that are looked for at a time */
#define NONE UINT16_MAX

/* What joining needs to know of a packet. */
struct segment {
    uint8_t *ip, *tcp;
    uint32_t header_bytes, payload_bytes;
    bool is_ipv6;
    bool is_tcp;      /* has a flow */
    bool is_joinable; /* and may be part of a larger one */
};

/* Segments that follow each other, linked by struct work's next. */
struct run {
    struct segment first;
    uint16_t last;
    uint32_t segments, payload_bytes;
    bool is_open;
};

struct work {
    struct run runs[SP_JOIN_PACKETS_MAX]; /* in the order of their first packets */
    size_t run_count;
    uint16_t open[OPEN_RUNS_MAX]; /* the youngest runs of TCP flows, in a ring */
    size_t open_next;
    uint16_t run_first[SP_JOIN_PACKETS_MAX]; /* a run's first packet */
    uint16_t next[SP_JOIN_PACKETS_MAX];      /* a packet's successor in its run */
    uint32_t payload_at[SP_JOIN_PACKETS_MAX];
};

static uint64_t pseudo_header_sum(const struct segment *segment, uint32_t upper_bytes)
{
    uint8_t rest[4] = {0, SP_PROTOCOL_TCP, (uint8_t)(upper_bytes >> 8), (uint8_t)upper_bytes};
    uint64_t sum = sp_sum(rest, sizeof rest, 0);

    return segment->is_ipv6 ? sp_sum(segment->ip + IPV6_ADDRESSES_AT, 32, sum)
                            : sp_sum(segment->ip + IPV4_ADDRESSES_AT, 8, sum);
}

static bool is_checksum_right(const struct segment *segment)
{
    uint32_t tcp_bytes =
        segment->payload_bytes + (uint32_t)(segment->ip + segment->header_bytes - segment->tcp);

    return sp_sum_fold(sp_sum(segment->tcp, tcp_bytes, pseudo_header_sum(segment, tcp_bytes))) == 0xffff;
}

/* Plain headers only: an IPv4 option or an IPv6 extension header is rare, and then means something. */
static bool has_plain_headers(const struct sp_headers *headers)
{
    uint32_t plain_bytes = headers->source.family == 4 ? IPV4_HEADER_BYTES : SP_IPV6_HEADER_BYTES;

    return headers->upper_offset == plain_bytes && !headers->is_fragment;
}

static struct segment read_segment(const struct sp_packet *packet)
{
    struct segment segment = {.ip = packet->buffer + packet->head_bytes};
    struct sp_headers headers;
    uint32_t total_bytes;

    if (sp_headers_read(segment.ip, packet->len_bytes, true, &headers, &total_bytes) != SP_DROP_NONE ||
        headers.protocol != SP_PROTOCOL_TCP || !has_plain_headers(&headers) ||
        total_bytes - headers.upper_offset < SP_TCP_HEADER_BYTES_MIN)
        return segment;
    segment.is_tcp = true;
    segment.is_ipv6 = headers.source.family == 6;
    segment.tcp = segment.ip + headers.upper_offset;
    uint32_t tcp_bytes = sp_tcp_header_bytes(segment.tcp);
    if (tcp_bytes < SP_TCP_HEADER_BYTES_MIN || tcp_bytes >= total_bytes - headers.upper_offset)
        return segment;
    segment.header_bytes = headers.upper_offset + tcp_bytes;
    segment.payload_bytes = total_bytes - segment.header_bytes;
    segment.is_joinable = (segment.tcp[SP_TCP_FLAGS_AT] & ~SP_TCP_PSH) == SP_TCP_ACK &&
                          (segment.tcp[SP_TCP_DATA_OFFSET_AT] & 0x0f) == 0 &&
                          total_bytes == packet->len_bytes && is_checksum_right(&segment);
    return segment;
}

static bool is_same_flow(const struct segment *a, const struct segment *b)
{
    if (a->is_ipv6 != b->is_ipv6 || memcmp(a->tcp, b->tcp, SP_TCP_SEQUENCE_AT) != 0)
        return false;
    return a->is_ipv6 ? memcmp(a->ip + IPV6_ADDRESSES_AT, b->ip + IPV6_ADDRESSES_AT, 32) == 0
                      : memcmp(a->ip + IPV4_ADDRESSES_AT, b->ip + IPV4_ADDRESSES_AT, 8) == 0;
}

/* Everything in front of TCP but length, identification and checksum; the addresses are known to be equal. */
static bool is_same_ip(const struct run *run, const struct segment *segment)
{
    const uint8_t *first = run->first.ip, *ip = segment->ip;

    if (segment->is_ipv6)
        return memcmp(first, ip, SP_IPV6_PAYLOAD_LENGTH_AT) == 0 &&
               memcmp(first + SP_IPV6_NEXT_HEADER_AT, ip + SP_IPV6_NEXT_HEADER_AT, 2) == 0;
    uint16_t counted_up =
        (uint16_t)(sp_read_u16(ip + IPV4_IDENTIFICATION_AT) - sp_read_u16(first + IPV4_IDENTIFICATION_AT));
    bool is_counted = counted_up == run->segments || (ip[IPV4_FRAGMENT_AT] & IPV4_DONT_FRAGMENT) != 0;
    return is_counted && memcmp(first, ip, SP_IPV4_TOTAL_LENGTH_AT) == 0 &&
           memcmp(first + IPV4_FRAGMENT_AT, ip + IPV4_FRAGMENT_AT, SP_IPV4_CHECKSUM_AT - IPV4_FRAGMENT_AT) ==
               0;
}

/* Acknowledgement, window, urgent pointer and options; flags are known to be equal but for PSH, which ends a
 * run. */
static bool is_same_tcp(const struct run *run, const struct segment *segment)
{
    const uint8_t *first = run->first.tcp, *tcp = segment->tcp;
    uint32_t expected = sp_read_u32(first + SP_TCP_SEQUENCE_AT) + run->payload_bytes;
    size_t tail_bytes = run->first.header_bytes - (size_t)(first - run->first.ip) - SP_TCP_CHECKSUM_AT - 2;

    return segment->header_bytes == run->first.header_bytes &&
           sp_read_u32(tcp + SP_TCP_SEQUENCE_AT) == expected && memcmp(first + 8, tcp + 8, 4) == 0 &&
           memcmp(first + SP_TCP_FLAGS_AT + 1, tcp + SP_TCP_FLAGS_AT + 1, 2) == 0 &&
           memcmp(first + SP_TCP_CHECKSUM_AT + 2, tcp + SP_TCP_CHECKSUM_AT + 2, tail_bytes) == 0;
}

static bool may_follow(const struct run *run, const struct segment *segment)
{
    return run->is_open && segment->is_joinable && segment->payload_bytes <= run->first.payload_bytes &&
           run->first.header_bytes + run->payload_bytes + segment->payload_bytes <= LENGTH_MAX_BYTES &&
           is_same_ip(run, segment) && is_same_tcp(run, segment);
}

static void append(struct work *work, struct run *run, uint16_t packet, const struct segment *segment)
{
    work->next[run->last] = packet;
    work->payload_at[packet] = segment->header_bytes;
    run->last = packet;
    run->segments++;
    run->payload_bytes += segment->payload_bytes;
    /* cutting puts a shorter segment and PSH last */
    run->is_open = segment->payload_bytes == run->first.payload_bytes &&
                   (segment->tcp[SP_TCP_FLAGS_AT] & SP_TCP_PSH) == 0;
}

static void start_run(struct work *work, uint16_t packet, const struct segment *segment)
{
    work->run_first[work->run_count] = packet;
    work->runs[work->run_count++] =
        (struct run){.first = *segment,
                     .last = packet,
                     .segments = 1,
                     .payload_bytes = segment->payload_bytes,
                     .is_open = segment->is_joinable && (segment->tcp[SP_TCP_FLAGS_AT] & SP_TCP_PSH) == 0};
}

/* The slot of the flow's youngest run, or one to give up. */
static size_t find_open(const struct work *work, const struct segment *segment)
{
    for (size_t i = 0; i < OPEN_RUNS_MAX; i++) {
        if (work->open[i] != NONE && is_same_flow(&work->runs[work->open[i]].first, segment))
            return i;
    }
    return OPEN_RUNS_MAX;
}

static void take(struct work *work, uint16_t packet, const struct segment *segment)
{
    work->next[packet] = NONE;
    if (!segment->is_tcp) {
        start_run(work, packet, segment);
        return;
    }
    size_t slot = find_open(work, segment);
    if (slot < OPEN_RUNS_MAX && may_follow(&work->runs[work->open[slot]], segment)) {
        append(work, &work->runs[work->open[slot]], packet, segment);
        return;
    }
    if (slot == OPEN_RUNS_MAX)
        slot = work->open_next++ % OPEN_RUNS_MAX;
    work->open[slot] = (uint16_t)work->run_count;
    start_run(work, packet, segment);
}

/* Makes the first packet's headers those of the whole. last: the TCP header of the last segment. */
static void write_headers(const struct run *run, const uint8_t *last)
{
    uint8_t *ip = run->first.ip, *tcp = run->first.tcp;
    uint32_t total_bytes = run->first.header_bytes + run->payload_bytes;
    uint32_t upper_bytes = total_bytes - (uint32_t)(tcp - ip);

    if (run->first.is_ipv6) {
        sp_write_u16(ip + SP_IPV6_PAYLOAD_LENGTH_AT, (uint16_t)(total_bytes - SP_IPV6_HEADER_BYTES));
    } else {
        uint16_t checksum = sp_read_u16(ip + SP_IPV4_CHECKSUM_AT);
        uint16_t old_bytes = sp_read_u16(ip + SP_IPV4_TOTAL_LENGTH_AT);
        sp_write_u16(ip + SP_IPV4_TOTAL_LENGTH_AT, (uint16_t)total_bytes);
        sp_write_u16(ip + SP_IPV4_CHECKSUM_AT, sp_checksum_mend(checksum, old_bytes, (uint16_t)total_bytes));
    }
    tcp[SP_TCP_FLAGS_AT] |= last[SP_TCP_FLAGS_AT] & SP_TCP_PSH;
    sp_write_u16(tcp + SP_TCP_CHECKSUM_AT, sp_sum_fold(pseudo_header_sum(&run->first, upper_bytes)));
}

static struct sp_piece make_piece(const struct sp_packet *packets, uint16_t packet, uint32_t skipped_bytes)
{
    const struct sp_packet *from = &packets[packet];

    return (struct sp_piece){.data = from->buffer + from->head_bytes + skipped_bytes,
                             .len_bytes = from->len_bytes - skipped_bytes,
                             .packet = packet};
}

static struct sp_joined finish_run(const struct work *work, size_t index, const struct sp_packet *packets,
                                   struct sp_piece *pieces, uint32_t first_piece)
{
    const struct run *run = &work->runs[index];
    struct sp_joined joined = {.first_piece = first_piece};

    if (run->segments > 1) {
        const struct sp_packet *last = &packets[run->last];
        write_headers(run, last->buffer + last->head_bytes + (run->first.tcp - run->first.ip));
        joined.large = (struct sp_large){.segment_bytes = (uint16_t)run->first.payload_bytes,
                                         .needs_checksum = true,
                                         .checksum_start_bytes = (uint16_t)(run->first.tcp - run->first.ip),
                                         .checksum_offset_bytes = SP_TCP_CHECKSUM_AT};
    }
    uint32_t skipped_bytes = 0;
    for (uint16_t packet = work->run_first[index]; packet != NONE; packet = work->next[packet]) {
        if (joined.piece_count > 0)
            skipped_bytes = work->payload_at[packet];
        struct sp_piece piece = make_piece(packets, packet, skipped_bytes);
        joined.len_bytes += piece.len_bytes;
        pieces[first_piece + joined.piece_count++] = piece;
    }
    return joined;
}

size_t sp_join(struct sp_packet *packets, size_t count, enum sp_verdict verdict, struct sp_piece *ret_pieces,
               struct sp_joined *ret_joined)
{
    struct work work;
    uint32_t pieces = 0;

    SP_REQUIRE(count <= SP_JOIN_PACKETS_MAX);
    work.run_count = 0;
    work.open_next = 0;
    for (size_t i = 0; i < OPEN_RUNS_MAX; i++)
        work.open[i] = NONE;
    for (size_t i = 0; i < count; i++) {
        if (packets[i].verdict != verdict)
            continue;
        struct segment segment = read_segment(&packets[i]);
        take(&work, (uint16_t)i, &segment);
    }
    for (size_t i = 0; i < work.run_count; i++) {
        ret_joined[i] = finish_run(&work, i, packets, ret_pieces, pieces);
        pieces += ret_joined[i].piece_count;
    }
    return work.run_count;
}
