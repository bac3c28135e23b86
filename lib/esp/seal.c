/* SPDX-License-Identifier: ISC
 *
 * Sealing: ESP outbound processing (RFC 4303 3.3). In transport mode:
 *
 *     before:            | IP header, options, ext. headers |          upper layer          |
 *     after:    | IP header, options, ext. headers | ESP | IV | upper layer, padding, trailer | ICV |
 *                                                         |<------------- cipher ----------->|
 *                                                  |<------------- integrity -------------->|
 *
 * In tunnel mode the whole packet stands where the upper layer does here, and an IP header that says nothing
 * but where the tunnel ends stands in front (RFC 4303 3.1.2).
 *
 * An encapsulated SA has a UDP header in front of ESP, which neither cipher nor integrity cover (RFC
 * 3948 2.1).
 *
 * What gets encrypted, most of the bytes, stays where it is: headers go into the headroom to make place.
 * A packet is judged whole before a byte of it is written, so one that is dropped is as it was. Encryption
 * comes before integrity (RFC 4303 3.3.2), for the whole burst each.
 */
#include "esp/plain.h"
#include "wire/tunnel.h"
#include "wire/udp.h"

#include <endian.h>

#define IP_PACKET_BYTES_MAX 65535u

/* Lays the sealed packet out; writes nothing but the item. kept_bytes of it stay in front of ESP. */
static enum sp_drop lay_out(struct sp_esp_item *item, uint32_t kept_bytes, uint32_t total_bytes)
{
    const struct sp_packet *packet = item->packet;
    const struct sp_sa *sa = item->sa;
    uint32_t align = sp_esp_align_bytes(sa->cipher);
    uint32_t esp_front_bytes = SP_ESP_HEADER_BYTES + (uint32_t)sa->cipher->iv_bytes;
    uint32_t icv_bytes = (uint32_t)sa->hmac->icv_bytes;

    item->payload_bytes = total_bytes - kept_bytes;
    item->cipher_bytes = (item->payload_bytes + SP_ESP_TRAILER_BYTES + align - 1) / align * align;
    item->udp_bytes = sp_esp_udp_bytes(sa);
    uint32_t front_bytes = item->esp_offset - kept_bytes + item->udp_bytes + esp_front_bytes;
    uint32_t back_bytes = item->cipher_bytes - item->payload_bytes + icv_bytes;
    if (total_bytes + front_bytes + back_bytes > IP_PACKET_BYTES_MAX)
        return SP_DROP_TOO_LONG;
    if (packet->head_bytes < front_bytes ||
        packet->capacity_bytes - packet->head_bytes - total_bytes < back_bytes)
        return SP_DROP_NO_ROOM;
    item->esp = packet->buffer + packet->head_bytes + kept_bytes - esp_front_bytes;
    __builtin_prefetch(sp_esp_cipher_start(item) + item->payload_bytes, 1);
    return SP_DROP_NONE;
}

/* RFC 4303 3.1.2: all of it goes in, fragments as well. */
static enum sp_drop judge_for_tunnel(struct sp_packet *packet, struct sp_sa *sa, uint32_t total_bytes,
                                     struct sp_esp_item *item)
{
    *item = (struct sp_esp_item){.packet = packet,
                                 .sa = sa,
                                 .esp_offset = sp_outer_bytes(sa->source.family),
                                 .next_header = sp_tunnel_protocol(packet->buffer + packet->head_bytes)};
    return lay_out(item, 0, total_bytes);
}

/* All that can be told of a packet without spending anything of its SA. */
static enum sp_drop judge(struct sp_packet *packet, struct sp_sa *sa, struct sp_esp_item *item)
{
    struct sp_headers headers;
    uint32_t total_bytes;

    if (sa == NULL)
        return SP_DROP_NO_SA;
    if (sp_esp_lay_out_plain(packet, sa, item))
        return SP_DROP_NONE;
    enum sp_drop reason =
        sp_headers_read(packet->buffer + packet->head_bytes, packet->len_bytes, true, &headers, &total_bytes);
    if (reason != SP_DROP_NONE)
        return reason;
    if (sa->mode == SP_MODE_TUNNEL)
        return judge_for_tunnel(packet, sa, total_bytes, item);
    if (headers.is_fragment) /* RFC 4303 3.3.4: transport mode is for whole datagrams */
        return SP_DROP_FRAGMENT;
    if (!sp_sa_is_between(sa, &headers.source, &headers.destination)) /* whatever number the caller gave */
        return SP_DROP_NO_SA;
    if (!sp_esp_is_transport_payload(headers.esp_next_header)) /* the peer would have to refuse it */
        return SP_DROP_BAD_NEXT_HEADER;

    *item = (struct sp_esp_item){.packet = packet,
                                 .sa = sa,
                                 .esp_offset = headers.esp_offset,
                                 .next_header_offset = headers.next_header_offset,
                                 .next_header = headers.esp_next_header};
    return lay_out(item, headers.esp_offset, total_bytes);
}

static void prefetch(const struct sp_esp *esp, const struct sp_packet *packet)
{
    sp_esp_prefetch(packet);
    if (packet[0].sa == packet[-1].sa)
        return;
    const struct sp_sa *sa = sp_sad_by_number(esp->sad, packet->sa);
    if (sa != NULL)
        sp_sa_prefetch(sa);
}

static size_t judge_all(struct sp_esp *esp, struct sp_packet *packets, size_t count)
{
    size_t items = 0;
    uint32_t number = SP_NO_SA; /* which sa was asked for */
    struct sp_sa *sa = NULL;
    for (size_t i = 0; i < count; i++) {
        struct sp_packet *packet = &packets[i];
        if (i + SP_ESP_AHEAD < count)
            prefetch(esp, packet + SP_ESP_AHEAD);
        if (packet->verdict != SP_VERDICT_NONE)
            continue;
        sp_esp_require_bounds(packet);
        if (packet->sa != number)
            sa = sp_sad_by_number(esp->sad, number = packet->sa);
        enum sp_drop reason = judge(packet, sa, &esp->items[items]);
        if (reason == SP_DROP_NONE)
            items++;
        else
            sp_esp_drop(packet, reason);
    }
    return items;
}

static uint64_t sequence_limit(const struct sp_sa *sa)
{
    return atomic_load_explicit(&sa->limits.sequence_limit, memory_order_relaxed);
}

/* Takes so many sequence numbers in a row. They start at 1 and never wrap (RFC 4303 3.3.3): past the last one
 * there is none, for ever. The counter behind goes further, so that racing refusals can't wrap it either. */
static bool take_sequence(struct sp_sa *sa, uint32_t count, uint64_t *ret_first)
{
    uint64_t last = atomic_fetch_add_explicit(&sa->sequence_sent, count, memory_order_relaxed) + count;
    if (last > sequence_limit(sa))
        return false;
    if (sa->live != NULL)
        sp_live_raise(&sa->live->sent, last);
    *ret_first = last - count + 1;
    return true;
}

static bool has_sequence(const struct sp_sa *sa, uint32_t count)
{
    return atomic_load_explicit(&sa->sequence_sent, memory_order_relaxed) + count <= sequence_limit(sa);
}

/* Numbers and lifetime for packets of one SA, all at once; false when not all of them can have both. */
static bool spend_run(struct sp_esp_item *items, size_t count, uint64_t now_ns)
{
    struct sp_sa *sa = items[0].sa;
    uint64_t bytes = sp_esp_run_bytes(items, count);
    uint64_t first;
    if (!has_sequence(sa, (uint32_t)count) || !sp_sa_spend_many(sa, count, bytes, now_ns) ||
        !take_sequence(sa, (uint32_t)count, &first))
        return false;
    for (size_t i = 0; i < count; i++)
        items[i].sequence = first + i;
    return true;
}

static enum sp_drop no_sequence(const struct sp_sa *sa)
{
    return sequence_limit(sa) < sp_sa_sequence_max(sa) ? SP_DROP_STATE_BEHIND : SP_DROP_SEQ_EXHAUSTED;
}

/* An SA without sequence numbers spends nothing. */
static enum sp_drop spend_one(struct sp_esp_item *item, uint64_t now_ns)
{
    struct sp_sa *sa = item->sa;
    if (!has_sequence(sa, 1))
        return no_sequence(sa);
    enum sp_drop reason = sp_sa_spend(sa, item->cipher_bytes, now_ns);
    if (reason != SP_DROP_NONE)
        return reason;
    return take_sequence(sa, 1, &item->sequence) ? SP_DROP_NONE : no_sequence(sa);
}

/* Packet by packet only near a limit. Leaves those that may go at the front of esp->items, in order. */
static size_t spend_all(struct sp_esp *esp, size_t count, uint64_t now_ns)
{
    size_t kept = 0, run;
    for (size_t i = 0; i < count; i += run) {
        run = sp_esp_run_length(&esp->items[i], count - i);
        bool is_spent = spend_run(&esp->items[i], run, now_ns);
        for (size_t j = i; j < i + run; j++) {
            enum sp_drop reason = is_spent ? SP_DROP_NONE : spend_one(&esp->items[j], now_ns);
            if (reason != SP_DROP_NONE)
                sp_esp_drop(esp->items[j].packet, reason);
            else if (kept++ != j)
                esp->items[kept - 1] = esp->items[j];
        }
    }
    return kept;
}

/* Padding is 1, 2, 3, ... so that the receiver can check it (RFC 4303 2.4). */
static inline void write_trailer_at(uint8_t *start, const struct sp_esp_item *item)
{
    uint8_t *at = start + item->payload_bytes;
    uint32_t pad_bytes = item->cipher_bytes - item->payload_bytes - SP_ESP_TRAILER_BYTES;
    uint64_t padding = sp_esp_padding(); /* less than that is needed, as blocks are no longer */
    memcpy(at, &padding, sizeof padding);
    at[pad_bytes] = (uint8_t)pad_bytes;
    at[pad_bytes + 1] = item->next_header;
}

/* CBC's are drawn (iv.c). GCM's must never come twice under a key, and chance alone would not do: after 2^32
 * draws of 64 bits a repeat is likely. So they are counted, as RFC 4106 3.1 allows: the SA's start plus the
 * sequence number. Workers take sequence numbers of one atomic counter that doesn't wrap, so within an SA all
 * differ, whoever seals; and the SAD gives no two SAs the same key.
 *
 * What is left is a key that a process gets that an earlier one had: manual keys after a restart, where
 * sequence numbers begin at 1 again. The start is 64 random bits, drawn when the SA is added, so the runs of
 * IVs lie anywhere in 2^64 and those of R starts that seal N packets in all meet with a chance of at most
 * (R - 1) N / 2^64; docs/security.md has the figures. RFC 4106 2 asks for automated keying for this reason.
 */
static void write_iv(struct sp_esp *esp, const struct sp_esp_item *item)
{
    const struct sp_sa *sa = item->sa;
    uint8_t *iv = item->esp + SP_ESP_HEADER_BYTES;
    if (sa->cipher->is_combined) {
        uint64_t counted = htobe64(sa->iv_start + item->sequence);
        memcpy(iv, &counted, sizeof counted);
    } else {
        sp_iv_pool_take(esp->ivs, iv, sa->cipher->iv_bytes);
    }
}

/* Identification (RFC 6864): a packet's own among the SA's last 65,536, from a start that others don't share.
 */
static void write_outer(uint8_t *outer, const uint8_t *inner, const struct sp_esp_item *item)
{
    const struct sp_sa *sa = item->sa;
    sp_outer_write(outer,
                   &(struct sp_outer){.source = &sa->source,
                                      .destination = &sa->destination,
                                      .protocol = item->udp_bytes > 0 ? SP_PROTOCOL_UDP : SP_PROTOCOL_ESP,
                                      .traffic_class = sp_outer_traffic_class(inner, &sa->tunnel),
                                      .has_df = sp_outer_has_df(inner, &sa->tunnel),
                                      .identification = (uint16_t)(sa->identification_start + item->sequence),
                                      .total_bytes = item->packet->len_bytes});
}

static void write_packet(struct sp_esp *esp, const struct sp_esp_item *item)
{
    struct sp_packet *packet = item->packet;
    const struct sp_sa *sa = item->sa;
    uint8_t *header = packet->buffer + packet->head_bytes;
    uint8_t *moved = item->esp - item->udp_bytes - item->esp_offset;

    if (sa->mode == SP_MODE_TRANSPORT)
        sp_esp_move_header(moved, header, item->esp_offset);
    sp_write_u32(item->esp, sa->spi);
    sp_write_u32(item->esp + 4, (uint32_t)item->sequence); /* RFC 4303 2.2.1: the lower half is sent */
    write_iv(esp, item);
    write_trailer_at(sp_esp_cipher_start(item), item);

    packet->len_bytes = item->esp_offset + item->udp_bytes + SP_ESP_HEADER_BYTES +
                        (uint32_t)sa->cipher->iv_bytes + item->cipher_bytes + (uint32_t)sa->hmac->icv_bytes;
    if (item->udp_bytes > 0)
        sp_udp_write(moved + item->esp_offset, sa->encap.source_port, sa->encap.destination_port,
                     packet->len_bytes - item->esp_offset);
    packet->head_bytes -= (uint32_t)(header - moved);
    packet->verdict = SP_VERDICT_SEALED;
    packet->reason = SP_DROP_NONE;
    if (sa->mode == SP_MODE_TUNNEL)
        write_outer(moved, header, item);
    else
        sp_headers_rewrite(moved, item->next_header_offset,
                           item->udp_bytes > 0 ? SP_PROTOCOL_UDP : SP_PROTOCOL_ESP, packet->len_bytes);
}

/* Zero over IPv4, as RFC 3948 2.1 wants it. Over IPv6 RFC 6935 would allow zero, too, but receivers refuse it
 * unless they were told (RFC 8200 8.1), Linux' own ESP among them: there it is computed. */
static void finish_udp(const struct sp_esp_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (items[i].udp_bytes > 0 && items[i].sa->source.family == 6)
            sp_udp_checksum_write(items[i].packet->buffer + items[i].packet->head_bytes, items[i].esp_offset,
                                  items[i].packet->len_bytes);
}

/* As write_packet() does it. Each packet's first line was read a while ago, in the pass before. */
static void write_plain(struct sp_esp *esp, size_t number)
{
    const struct sp_esp_item *item = &esp->items[number];
    const struct sp_sa *sa = item->sa;
    struct sp_packet *packet = item->packet;
    uint8_t *header = packet->buffer + packet->head_bytes;
    uint8_t *start = item->esp + sp_esp_front_bytes(&sa->plain), *icv = start + item->cipher_bytes;

    sp_esp_move_plain(packet, item->esp - SP_PLAIN_HEADER_BYTES, header, SP_PROTOCOL_ESP,
                      (uint32_t)(icv - item->esp) + SP_PLAIN_HEADER_BYTES + sa->plain.icv_bytes);
    packet->verdict = SP_VERDICT_SEALED;
    sp_write_u32(item->esp, sa->spi);
    sp_write_u32(item->esp + 4, (uint32_t)item->sequence);
    if (sa->plain.iv_bytes == 8)
        sp_iv_pool_take_8(esp->ivs, item->esp + SP_ESP_HEADER_BYTES);
    else
        sp_iv_pool_take(esp->ivs, item->esp + SP_ESP_HEADER_BYTES, sa->plain.iv_bytes);
    write_trailer_at(start, item);
    sp_esp_set_cbc_job(esp, number, item);
    sp_esp_set_hmac_job(esp, number, item, icv);
}

static void write_all(struct sp_esp *esp, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (esp->items[i].is_plain)
            write_plain(esp, i);
        else
            write_packet(esp, &esp->items[i]);
    }
}

void sp_esp_seal_chunk(struct sp_esp *esp, struct sp_packet *packets, size_t count, uint64_t now_ns)
{
    size_t items = judge_all(esp, packets, count);
    items = spend_all(esp, items, now_ns);
    write_all(esp, items);
    if (items > 0 && sp_esp_is_uniform(esp->items, items)) {
        esp->items[0].sa->cipher->cbc_seal(esp->cbc_jobs, items);
        esp->items[0].sa->hmac->mac(esp->hmac_jobs, items);
        return;
    }
    sp_esp_run_cipher(esp, esp->items, items, SP_OUTBOUND);
    sp_esp_run_integrity(esp, esp->items, items, SP_OUTBOUND);
    finish_udp(esp->items, items);
}
