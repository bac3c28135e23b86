/* SPDX-License-Identifier: ISC
 *
 * The short way for the usual packet: IPv4 without options, under an SA in transport mode with CBC.
 *
 * A packet of 64 bytes costs about 150 cycles of cipher and hash, so what ESP itself does with it must be a
 * few dozen: no call, no division, nothing written twice, and the jobs for cipher and hash made while the
 * packet is at hand. Which SAs go this way is one flag on the SA's first line (sa/sad.c); whatever an SA has
 * that is out of the common costs those that have it, and the others nothing. What is refused here is judged
 * again the long way, which knows the reason; both ways write the same bytes.
 */
#ifndef SP_ESP_PLAIN_H
#define SP_ESP_PLAIN_H

#include "esp/context.h"
#include "wire/plain.h"

static inline uint32_t sp_esp_front_bytes(const struct sp_sa_plain *plain)
{
    return SP_ESP_HEADER_BYTES + (uint32_t)plain->iv_bytes;
}

/* The jobs of a packet that is the number-th of esp->items. */
static inline void sp_esp_set_cbc_job(struct sp_esp *esp, size_t number, const struct sp_esp_item *item)
{
    uint8_t *iv = item->esp + SP_ESP_HEADER_BYTES, *start = item->esp + sp_esp_front_bytes(&item->sa->plain);
    esp->cbc_jobs[number] = (struct sp_cbc_job){.state = item->sa->cipher_state,
                                                .iv = iv,
                                                .in = start,
                                                .out = start,
                                                .len_bytes = item->cipher_bytes};
}

static inline void sp_esp_set_hmac_job(struct sp_esp *esp, size_t number, const struct sp_esp_item *item,
                                       uint8_t *icv)
{
    esp->hmac_jobs[number] =
        (struct sp_hmac_job){.state = item->sa->hmac_state,
                             .data = item->esp,
                             .len_bytes = sp_esp_front_bytes(&item->sa->plain) + item->cipher_bytes,
                             .icv = icv};
}

/* Have all items come this way, and do they want the same algorithms? Then their jobs stand ready. */
static inline bool sp_esp_is_uniform(const struct sp_esp_item *items, size_t count)
{
    uint32_t differences = 0;
    for (size_t i = 0; i < count; i++)
        differences |= (uint32_t)!items[i].is_plain |
                       (uint32_t)(items[i].sa->encryption ^ items[0].sa->encryption) |
                       (uint32_t)(items[i].sa->integrity ^ items[0].sa->integrity);
    return differences == 0;
}

/* Lays the sealed packet out; false when it is none for this way, or none to be sealed. */
static inline bool sp_esp_lay_out_plain(struct sp_packet *packet, struct sp_sa *sa,
                                        struct sp_esp_item *ret_item)
{
    const struct sp_sa_plain *plain = &sa->plain;
    uint32_t front_bytes = sp_esp_front_bytes(plain);
    struct sp_plain ip;

    if (!plain->is_plain || packet->head_bytes < front_bytes ||
        !sp_plain_read(packet->buffer + packet->head_bytes, packet->len_bytes, &ip) ||
        ip.addresses != plain->addresses || !sp_esp_is_transport_payload(ip.protocol))
        return false;
    uint32_t payload_bytes = ip.total_bytes - SP_PLAIN_HEADER_BYTES;
    uint32_t cipher_bytes =
        (payload_bytes + SP_ESP_TRAILER_BYTES + plain->align_bytes - 1) & ~(plain->align_bytes - 1u);
    uint32_t back_bytes = cipher_bytes - payload_bytes + plain->icv_bytes;
    if (ip.total_bytes + front_bytes + back_bytes > UINT16_MAX ||
        packet->capacity_bytes - packet->head_bytes - ip.total_bytes < back_bytes)
        return false;
    *ret_item = (struct sp_esp_item){
        .packet = packet,
        .sa = sa,
        .esp = packet->buffer + packet->head_bytes + SP_PLAIN_HEADER_BYTES - front_bytes,
        .esp_offset = SP_PLAIN_HEADER_BYTES,
        .next_header_offset = SP_PLAIN_NEXT_HEADER_OFFSET,
        .cipher_bytes = cipher_bytes,
        .payload_bytes = payload_bytes,
        .next_header = ip.protocol,
        .is_plain = true,
    };
    __builtin_prefetch(packet->buffer + packet->head_bytes + ip.total_bytes, 1);
    return true;
}

/* The packet's new length and place; header is where its IP header stood, moved where it stands now. */
static inline void sp_esp_move_plain(struct sp_packet *packet, uint8_t *moved, const uint8_t *header,
                                     uint8_t protocol, uint32_t total_bytes)
{
    sp_plain_move(moved, header, protocol, total_bytes);
    packet->head_bytes = (uint32_t)(moved - packet->buffer);
    packet->len_bytes = total_bytes;
    packet->reason = SP_DROP_NONE;
}

/* How an ESP packet of this SA stands in its memory; false when it is none for this way. The next header is
 * only told by the trailer. */
static inline bool sp_esp_find_plain(struct sp_packet *packet, struct sp_sa *sa, struct sp_esp_item *ret_item)
{
    const struct sp_sa_plain *plain = &sa->plain;
    uint8_t *header = packet->buffer + packet->head_bytes, *esp = header + SP_PLAIN_HEADER_BYTES;
    struct sp_plain ip;

    if (!plain->is_plain || !sp_plain_read(header, packet->len_bytes, &ip) ||
        ip.protocol != SP_PROTOCOL_ESP || ip.addresses != plain->addresses || sp_read_u32(esp) != sa->spi)
        return false;
    uint32_t esp_bytes = ip.total_bytes - SP_PLAIN_HEADER_BYTES;
    uint32_t fixed_bytes = sp_esp_front_bytes(plain) + plain->icv_bytes;
    if (esp_bytes < fixed_bytes + plain->align_bytes || (esp_bytes - fixed_bytes) & (plain->align_bytes - 1u))
        return false;
    *ret_item = (struct sp_esp_item){
        .packet = packet,
        .sa = sa,
        .esp = esp,
        .esp_offset = SP_PLAIN_HEADER_BYTES,
        .next_header_offset = SP_PLAIN_NEXT_HEADER_OFFSET,
        .cipher_bytes = esp_bytes - fixed_bytes,
        .sequence = sp_read_u32(esp + 4),
        .is_plain = true,
    };
    return true;
}

#endif
