/* SPDX-License-Identifier: ISC
 *
 * Opening: ESP inbound processing (RFC 4303 3.4).
 *
 * The order is the RFC's, and each step is for the whole burst: SA, length and replay check on all packets;
 * then all ICVs; then, packet by packet, the comparison and the replay window's acceptance, so that a number
 * twice in one burst passes once; only then is anything decrypted. What fails before leaves the packet as it
 * came. What fails after decryption is wiped, so a dropped packet never holds plaintext.
 *
 * AES-GCM computes its ICV over the ciphertext, but libcrypto decrypts on the way to it: there the step of
 * the ICVs leaves plaintext, or zeros where the ICV is wrong, and what is dropped later is wiped.
 *
 * The ICV covers padding and trailer, so who reads them here talks to a peer that has the key: padding needs
 * no check in constant time, and can be no oracle (RFC 4303 3.4.4.1; Vaudenay 2002 needs a forged packet to
 * come this far).
 */
#include "esp/esp.h"
#include "esp/plain.h"
#include "wire/tunnel.h"
#include "wire/udp.h"

#include <endian.h>
#include <sodium.h>

/* Is there room for at least an empty payload, in whole blocks? */
static bool set_cipher_bytes(struct sp_esp_item *item, uint32_t esp_bytes)
{
    const struct sp_sa *sa = item->sa;
    uint32_t align = sp_esp_align_bytes(sa->cipher);
    uint32_t fixed_bytes = SP_ESP_HEADER_BYTES + (uint32_t)(sa->cipher->iv_bytes + sa->hmac->icv_bytes);
    if (esp_bytes < fixed_bytes + align || (esp_bytes - fixed_bytes) % align != 0)
        return false;
    item->cipher_bytes = esp_bytes - fixed_bytes;
    return true;
}

/* Packets come in runs of one SA: that of the packet before, if any, is asked before the SAD is. */
static struct sp_sa *find_sa(const struct sp_esp *esp, uint32_t spi, const struct sp_headers *headers,
                             struct sp_sa *before)
{
    if (before != NULL && before->spi == spi &&
        sp_sa_is_between(before, &headers->source, &headers->destination))
        return before;
    return sp_sad_find_inbound(esp->sad, spi, &headers->source, &headers->destination);
}

/* A packet like the one before, whose SA was alive: false when it is none, or is to be refused. */
static bool is_like_before(struct sp_packet *packet, struct sp_sa *before, struct sp_esp_item *item)
{
    if (before == NULL || !sp_esp_find_plain(packet, before, item) ||
        !sp_replay_check(&before->replay, item->sequence))
        return false;
    packet->sa = before->number;
    return true;
}

static enum sp_drop judge_udp(const uint8_t *header, const struct sp_headers *headers, uint32_t *end)
{
    switch (sp_udp_read(header, *end, headers, end)) {
    case SP_UDP_ESP:
        return SP_DROP_NONE;
    case SP_UDP_IKE:
        return SP_DROP_IKE;
    case SP_UDP_KEEPALIVE:
        return SP_DROP_KEEPALIVE;
    case SP_UDP_SHORT:
        return SP_DROP_BAD_LENGTH;
    default:
        return SP_DROP_MALFORMED;
    }
}

/* Where ESP is in the packet, and where the packet ends. */
static enum sp_drop find_esp(const struct sp_esp *esp, const struct sp_packet *packet,
                             const struct sp_headers *headers, uint32_t *end, struct sp_esp_item *item)
{
    uint8_t *header = packet->buffer + packet->head_bytes;

    *item = (struct sp_esp_item){.esp_offset = headers->esp_offset,
                                 .next_header_offset = headers->next_header_offset};
    if (headers->protocol != SP_PROTOCOL_ESP) {
        enum sp_drop reason =
            sp_esp_is_encapsulated(esp->sad, headers) ? judge_udp(header, headers, end) : SP_DROP_CLEAR_TEXT;
        if (reason != SP_DROP_NONE)
            return reason;
        item->udp_bytes = SP_UDP_HEADER_BYTES;
    }
    item->esp = header + headers->esp_offset + item->udp_bytes;
    return *end - headers->esp_offset - item->udp_bytes < SP_ESP_HEADER_BYTES ? SP_DROP_BAD_LENGTH
                                                                              : SP_DROP_NONE;
}

/* All that can be told of a packet before its ICV. */
static enum sp_drop judge(struct sp_esp *esp, struct sp_packet *packet, uint64_t now_ns, struct sp_sa *before,
                          struct sp_esp_item *item)
{
    uint8_t *header = packet->buffer + packet->head_bytes;
    struct sp_headers headers;
    uint32_t total_bytes;

    if (is_like_before(packet, before, item))
        return SP_DROP_NONE;
    enum sp_drop reason = sp_headers_read(header, packet->len_bytes, true, &headers, &total_bytes);
    if (reason != SP_DROP_NONE)
        return reason;
    if (headers.is_fragment) /* reassembly comes before ESP (RFC 4303 3.4.1) */
        return SP_DROP_FRAGMENT;
    reason = find_esp(esp, packet, &headers, &total_bytes, item);
    if (reason != SP_DROP_NONE)
        return reason;
    item->packet = packet;
    item->sa = find_sa(esp, sp_read_u32(item->esp), &headers, before);
    if (item->sa == NULL)
        return SP_DROP_UNKNOWN_SPI;
    packet->sa = item->sa->number;
    if (sp_esp_udp_bytes(item->sa) != item->udp_bytes)
        return SP_DROP_ENCAP;
    if (sp_sa_state_at(item->sa, now_ns) == SP_SA_HARD_EXPIRED)
        return sp_sa_expired_by(item->sa);
    if (!set_cipher_bytes(item, total_bytes - headers.esp_offset - item->udp_bytes))
        return SP_DROP_BAD_LENGTH;
    item->is_plain = item->sa->plain.is_plain && headers.esp_offset == SP_PLAIN_HEADER_BYTES;
    uint32_t low = sp_read_u32(item->esp + 4);
    item->sequence = item->sa->has_esn ? sp_replay_extend(&item->sa->replay, low) : low;
    if (sp_replay_check(&item->sa->replay, item->sequence))
        return SP_DROP_NONE;
    uint64_t limit = atomic_load_explicit(&item->sa->replay.limit, memory_order_relaxed);
    return item->sequence > limit ? SP_DROP_STATE_BEHIND : SP_DROP_REPLAY;
}

static size_t judge_all(struct sp_esp *esp, struct sp_packet *packets, size_t count, uint64_t now_ns)
{
    size_t items = 0;
    for (size_t i = 0; i < count; i++) {
        struct sp_packet *packet = &packets[i];
        struct sp_sa *before = items > 0 ? esp->items[items - 1].sa : NULL;
        if (i + SP_ESP_AHEAD < count)
            sp_esp_prefetch(packet + SP_ESP_AHEAD);
        if (packet->verdict != SP_VERDICT_NONE)
            continue;
        sp_esp_require_bounds(packet);
        enum sp_drop reason = judge(esp, packet, now_ns, before, &esp->items[items]);
        if (reason == SP_DROP_NONE)
            items++;
        else
            sp_esp_drop(packet, reason);
    }
    return items;
}

/* In constant time: how many bytes of a forged ICV are right must not show. Two words cover 8 to 16 bytes,
 * overlapping where there are fewer than 16. */
static bool is_same_icv(const uint8_t *a, const uint8_t *b, size_t icv_bytes)
{
    uint64_t first[2], last[2];
    memcpy(&first[0], a, sizeof first[0]);
    memcpy(&first[1], b, sizeof first[1]);
    memcpy(&last[0], a + icv_bytes - sizeof last[0], sizeof last[0]);
    memcpy(&last[1], b + icv_bytes - sizeof last[1], sizeof last[1]);
    return ((first[0] ^ first[1]) | (last[0] ^ last[1])) == 0;
}
_Static_assert(SP_ICV_BYTES_MIN >= 8 && SP_ICV_BYTES_MAX <= 16, "two words cover an ICV");

/* Drops a packet whose ICV was looked at. */
static void refuse(const struct sp_esp_item *item, enum sp_drop reason)
{
    if (item->sa->cipher->is_combined)
        sodium_memzero(sp_esp_cipher_start(item), item->cipher_bytes);
    sp_esp_drop(item->packet, reason);
}

static enum sp_drop authenticate(const struct sp_esp_item *item, const uint8_t *icv)
{
    const uint8_t *received = sp_esp_cipher_start(item) + item->cipher_bytes;
    if (!is_same_icv(icv, received, item->sa->hmac->icv_bytes))
        return SP_DROP_BAD_ICV;
    return sp_replay_accept(&item->sa->replay, item->sequence) ? SP_DROP_NONE : SP_DROP_REPLAY;
}

/* Packet by packet only near a limit. Leaves what the lifetimes allow at the front of esp->items, in order.
 */
static size_t spend_all(struct sp_esp *esp, size_t count, uint64_t now_ns)
{
    size_t kept = 0, run;
    for (size_t i = 0; i < count; i += run) {
        const struct sp_esp_item *items = &esp->items[i];
        run = sp_esp_run_length(items, count - i);
        bool is_spent = sp_sa_spend_many(items[0].sa, run, sp_esp_run_bytes(items, run), now_ns);
        for (size_t j = i; j < i + run; j++) {
            const struct sp_esp_item *item = &esp->items[j];
            enum sp_drop reason = is_spent ? SP_DROP_NONE : sp_sa_spend(item->sa, item->cipher_bytes, now_ns);
            if (reason != SP_DROP_NONE)
                refuse(item, reason);
            else if (kept++ != j)
                esp->items[kept - 1] = *item;
        }
    }
    return kept;
}

static void compute_icvs(struct sp_esp *esp, size_t count)
{
    if (count == 0 || !sp_esp_is_uniform(esp->items, count)) {
        sp_esp_run_integrity(esp, esp->items, count, SP_INBOUND);
        return;
    }
    for (size_t i = 0; i < count; i++)
        sp_esp_set_hmac_job(esp, i, &esp->items[i], esp->icvs[i]);
    esp->items[0].sa->hmac->mac(esp->hmac_jobs, count);
}

static void decrypt(struct sp_esp *esp, size_t count)
{
    if (count == 0 || !sp_esp_is_uniform(esp->items, count)) {
        sp_esp_run_cipher(esp, esp->items, count, SP_INBOUND);
        return;
    }
    for (size_t i = 0; i < count; i++)
        sp_esp_set_cbc_job(esp, i, &esp->items[i]);
    esp->items[0].sa->cipher->cbc_open(esp->cbc_jobs, count);
}

/* Leaves the authentic ones at the front of esp->items, in order. A packet that isn't proven real costs the
 * SA nothing: window and lifetime come after the ICV. */
static size_t authenticate_all(struct sp_esp *esp, size_t count, uint64_t now_ns)
{
    size_t kept = 0;
    compute_icvs(esp, count);
    for (size_t i = 0; i < count; i++) {
        enum sp_drop reason = authenticate(&esp->items[i], esp->icvs[i]);
        if (reason != SP_DROP_NONE)
            refuse(&esp->items[i], reason);
        else if (kept++ != i)
            esp->items[kept - 1] = esp->items[i];
    }
    sodium_memzero(esp->icvs, count * sizeof esp->icvs[0]); /* the right ICV of a forged packet is a secret */
    return spend_all(esp, kept, now_ns);
}

static bool is_padding(const uint8_t *padding, uint32_t pad_bytes)
{
    uint64_t first;
    memcpy(&first, padding, sizeof first);
    first ^= sp_esp_padding();
    if (pad_bytes < SP_ESP_PADDING_BYTES) /* what any sender needs: without a loop */
        return (le64toh(first) & (((uint64_t)1 << 8 * pad_bytes) - 1)) == 0;
    for (uint32_t i = SP_ESP_PADDING_BYTES; i < pad_bytes; i++)
        if (padding[i] != i + 1)
            return false;
    return first == 0;
}

/* Reads the trailer and checks the padding to be 1, 2, 3, ... (RFC 4303 2.4). */
static enum sp_drop read_trailer(struct sp_esp_item *item)
{
    const uint8_t *start = sp_esp_cipher_start(item);
    const uint8_t *trailer = start + item->cipher_bytes - SP_ESP_TRAILER_BYTES;
    uint32_t pad_bytes = trailer[0];
    item->next_header = trailer[1];
    if (pad_bytes > item->cipher_bytes - SP_ESP_TRAILER_BYTES)
        return SP_DROP_BAD_PADDING;
    item->payload_bytes = item->cipher_bytes - SP_ESP_TRAILER_BYTES - pad_bytes;
    const uint8_t *padding = start + item->payload_bytes;
    if (!is_padding(padding, pad_bytes))
        return SP_DROP_BAD_PADDING;
    if (item->next_header == SP_PROTOCOL_NONE)
        return SP_DROP_DUMMY;
    if (item->sa->mode == SP_MODE_TUNNEL)
        return item->next_header == SP_PROTOCOL_IPV4 || item->next_header == SP_PROTOCOL_IPV6
                   ? SP_DROP_NONE
                   : SP_DROP_BAD_NEXT_HEADER;
    return sp_esp_is_transport_payload(item->next_header) ? SP_DROP_NONE : SP_DROP_BAD_NEXT_HEADER;
}

static uint8_t *ip_header(const struct sp_esp_item *item)
{
    return item->esp - item->udp_bytes - item->esp_offset;
}

/* The packet in the tunnel is as good as any that comes off a wire, no better. It may be followed by what
 * only hides its length (RFC 4303 2.7), which goes. */
static enum sp_drop read_inner(struct sp_esp_item *item)
{
    uint8_t *inner = sp_esp_cipher_start(item);
    struct sp_headers headers;

    if (item->payload_bytes == 0 || sp_tunnel_protocol(inner) != item->next_header ||
        sp_headers_read(inner, item->payload_bytes, true, &headers, &item->payload_bytes) != SP_DROP_NONE)
        return SP_DROP_BAD_INNER;
    return sp_tunnel_keep_ecn(ip_header(item), inner) ? SP_DROP_NONE : SP_DROP_BAD_ECN;
}

/* What the cipher gave, in clear. */
static enum sp_drop read_plaintext(struct sp_esp_item *item)
{
    enum sp_drop reason = read_trailer(item);
    return reason == SP_DROP_NONE && item->sa->mode == SP_MODE_TUNNEL ? read_inner(item) : reason;
}

static void deliver_inner(const struct sp_esp_item *item)
{
    struct sp_packet *packet = item->packet;

    packet->head_bytes = (uint32_t)(sp_esp_cipher_start(item) - packet->buffer);
    packet->len_bytes = item->payload_bytes;
    packet->reason = SP_DROP_NONE;
}

/* In transport mode moves the IP header up to the payload. */
static void deliver(const struct sp_esp_item *item)
{
    struct sp_packet *packet = item->packet;
    uint32_t front_bytes = item->udp_bytes + (uint32_t)(sp_esp_cipher_start(item) - item->esp);
    uint8_t *header = ip_header(item);

    packet->verdict = SP_VERDICT_OPENED;
    if (item->sa->mode == SP_MODE_TUNNEL) {
        deliver_inner(item);
        return;
    }
    if (item->is_plain) {
        sp_esp_move_plain(packet, header + front_bytes, header, item->next_header,
                          SP_PLAIN_HEADER_BYTES + item->payload_bytes);
        return;
    }
    sp_esp_move_header(header + front_bytes, header, item->esp_offset);
    packet->head_bytes += front_bytes;
    packet->len_bytes = item->esp_offset + item->payload_bytes;
    packet->reason = SP_DROP_NONE;
    sp_headers_rewrite(header + front_bytes, item->next_header_offset, item->next_header, packet->len_bytes);
    if (item->udp_bytes > 0) /* a NAT may have changed the addresses (RFC 3948 3.1.2 b) */
        sp_upper_checksum_renew(header + front_bytes, packet->len_bytes);
}

void sp_esp_open_chunk(struct sp_esp *esp, struct sp_packet *packets, size_t count, uint64_t now_ns)
{
    size_t items = judge_all(esp, packets, count, now_ns);
    items = authenticate_all(esp, items, now_ns);
    decrypt(esp, items);
    for (size_t i = 0; i < items; i++) {
        struct sp_esp_item *item = &esp->items[i];
        enum sp_drop reason = read_plaintext(item);
        if (reason == SP_DROP_NONE) {
            deliver(item);
            continue;
        }
        sodium_memzero(sp_esp_cipher_start(item), item->cipher_bytes);
        sp_esp_drop(item->packet, reason);
    }
}
