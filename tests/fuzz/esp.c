/* SPDX-License-Identifier: ISC
 *
 * ESP. The first byte says which SA and what is made of the rest:
 *
 *   raw: an IP packet as it came; nearly always a wrong ICV
 *
 *   forged: what follows the ESP header, ciphertext and all, behind good headers and under a right ICV: what
 * a peer that has the keys could send
 *
 *   sealed: an IP packet to seal, with rooms that the second byte picks; opening must give it back
 *
 * Buffers are of exactly the size that the packet says, so that a step outside is seen.
 */
#include "fuzz.h"

#include "crypto/gcm.h"
#include "sa/sad.h"

#include <sallyport/esp.h>

#include <endian.h>
#include <string.h>

/* Behind all SAs come their twins with ESP in UDP, then those in tunnel mode, then those with both. */
enum { SUITES = 8, FAMILIES = 2, SA_COUNT = SUITES * FAMILIES, TWINS = 4 };
enum { TWIN_IN_UDP = 1, TWIN_TUNNEL = 2 }; /* bits */
#define SPI 0x1001u
#define IV_BYTES_MAX 8u
#define PROTOCOL_ESP 50
#define PROTOCOL_UDP 17
#define UDP_BYTES 8u

#define BORDER ((uint64_t)1 << 32)
#define INPUTS_MAX 1000u /* with one SAD: making one costs more than using it */

/* One for what is forged, whose sequence numbers are the target's, and one for what is sealed. */
struct side {
    struct sp_sad *sad;
    struct sp_esp *esp;
    struct sp_gcm *gcm;
    uint32_t inputs;
};
static struct side forging, sealing;

static const struct sp_address ends[FAMILIES][2] = {
    {{.family = 4, .bytes = {192, 0, 2, 1}}, {.family = 4, .bytes = {192, 0, 2, 2}}},
    {{.family = 6, .bytes = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},
     {.family = 6, .bytes = {0x20, 0x01, 0x0d, 0xb8, [15] = 2}}},
};

static const struct {
    enum sp_encryption encryption;
    enum sp_integrity integrity;
    bool has_esn;
} suites[SUITES] = {
    {SP_ENCRYPTION_3DES_CBC, SP_INTEGRITY_HMAC_MD5_96, false},
    {SP_ENCRYPTION_NULL, SP_INTEGRITY_HMAC_MD5_96, false},
    {SP_ENCRYPTION_3DES_CBC, SP_INTEGRITY_HMAC_SHA1_96, false},
    {SP_ENCRYPTION_NULL, SP_INTEGRITY_HMAC_SHA1_96, true},
    {SP_ENCRYPTION_3DES_CBC, SP_INTEGRITY_HMAC_SHA2_256_128, false},
    {SP_ENCRYPTION_NULL, SP_INTEGRITY_HMAC_SHA2_256_128, false},
    {SP_ENCRYPTION_AES128_GCM16, SP_INTEGRITY_COMBINED, false},
    {SP_ENCRYPTION_AES256_GCM16, SP_INTEGRITY_COMBINED, true},
};

/* As if nearly 2^32 packets had gone both ways: the inputs go over the border (RFC 4303 appendix A). */
static void start_near_border(struct sp_sa *sa)
{
    sa->sequence_sent = BORDER - INPUTS_MAX / 2;
    FUZZ_HOLDS(sp_replay_accept(&sa->replay, BORDER - INPUTS_MAX / 2));
}

/* SA number n has suite n / 2 % 8 and family n % 2. */
static void create_sas(struct side *side)
{
    uint8_t key[36] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x23, 0x45, 0x67, 0x89,
                       0xab, 0xcd, 0xef, 0x01, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23,
                       25,   26,   27,   28,   29,   30,   31,   32,   33,   34,   35,   36};
    FUZZ_HOLDS(sp_sad_create(TWINS * SA_COUNT, &side->sad) == SP_OK);
    for (uint32_t number = 0; number < TWINS * SA_COUNT; number++) {
        const uint32_t suite = number / FAMILIES % SUITES, twin = number / SA_COUNT;
        struct sp_sa_params params = {
            .spi = SPI + number / FAMILIES,
            .source = ends[number % FAMILIES][0],
            .destination = ends[number % FAMILIES][1],
            .encryption = suites[suite].encryption,
            .integrity = suites[suite].integrity,
            .has_esn = suites[suite].has_esn,
            .encryption_key = key,
            .integrity_key = key,
            .mode = twin & TWIN_TUNNEL ? SP_MODE_TUNNEL : SP_MODE_TRANSPORT,
        };
        params.encryption_key_bytes = sp_encryption_key_bytes(params.encryption);
        params.integrity_key_bytes = sp_integrity_key_bytes(params.integrity);
        if (twin & TWIN_IN_UDP)
            params.encap = (struct sp_encap){SP_ENCAP_PORT, SP_ENCAP_PORT};
        /* of AES-GCM each SA needs its own (RFC 4106 2) */
        key[15] = (uint8_t)(0x10 | twin << 2 | number % FAMILIES << 1);
        uint32_t added;
        FUZZ_HOLDS(sp_sad_add(side->sad, &params, &added, NULL) == SP_OK && added == number);
    }
    for (uint32_t number = 0; number < TWINS * SA_COUNT; number++)
        if (suites[number / FAMILIES % SUITES].has_esn)
            start_near_border(sp_sad_by_number(side->sad, number));
    FUZZ_HOLDS(sp_esp_create(side->sad, &side->esp) == SP_OK && sp_gcm_create(&side->gcm) == SP_OK);
}

static void take_turn(struct side *side)
{
    if (side->inputs++ % INPUTS_MAX != 0)
        return;
    sp_gcm_destroy(&side->gcm);
    sp_esp_destroy(&side->esp);
    sp_sad_destroy(&side->sad);
    create_sas(side);
}

static struct sp_packet packet_of(const uint8_t *data, size_t size, uint32_t head_bytes, uint32_t tail_bytes)
{
    uint8_t *buffer = malloc(head_bytes + size + tail_bytes + 1);
    FUZZ_HOLDS(buffer != NULL);
    memset(buffer, 0xee, head_bytes + size + tail_bytes);
    memcpy(buffer + head_bytes, data, size);
    return (struct sp_packet){.buffer = buffer,
                              .capacity_bytes = (uint32_t)(head_bytes + size + tail_bytes),
                              .head_bytes = head_bytes,
                              .len_bytes = (uint32_t)size};
}

/* The verdict is one that the header allows, and the packet lies in its buffer. */
static void expect_sane(const struct sp_packet *packet)
{
    FUZZ_HOLDS(packet->verdict == SP_VERDICT_SEALED || packet->verdict == SP_VERDICT_OPENED ||
               packet->verdict == SP_VERDICT_DROP);
    FUZZ_HOLDS((packet->verdict == SP_VERDICT_DROP) == (packet->reason != SP_DROP_NONE));
    FUZZ_HOLDS(packet->reason < SP_DROP_COUNT);
    FUZZ_HOLDS(packet->head_bytes <= packet->capacity_bytes &&
               packet->len_bytes <= packet->capacity_bytes - packet->head_bytes);
}

/* Opens it once more afterwards: what was opened is a replay then. */
static void open_it(struct sp_packet *packet)
{
    uint8_t *former = malloc(packet->capacity_bytes + 1u);
    FUZZ_HOLDS(former != NULL);
    memcpy(former, packet->buffer, packet->capacity_bytes);
    struct sp_packet again = *packet;
    sp_esp_open(forging.esp, packet, 1);
    expect_sane(packet);
    if (packet->verdict == SP_VERDICT_OPENED) {
        again.buffer = former;
        sp_esp_open(forging.esp, &again, 1);
        FUZZ_HOLDS(again.verdict == SP_VERDICT_DROP && again.reason == SP_DROP_REPLAY);
    }
    free(former);
}

static void open_raw(const uint8_t *data, size_t size)
{
    struct sp_packet packet = packet_of(data, size, 0, 0);
    open_it(&packet);
    free(packet.buffer);
}

static uint16_t checksum(const uint8_t *bytes, size_t len_bytes)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len_bytes; i += 2)
        sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static size_t write_udp(uint8_t *at, const struct sp_encap *encap, size_t esp_bytes)
{
    const size_t len_bytes = UDP_BYTES + esp_bytes;
    const uint8_t header[UDP_BYTES] = {(uint8_t)(encap->source_port >> 8),
                                       (uint8_t)encap->source_port,
                                       (uint8_t)(encap->destination_port >> 8),
                                       (uint8_t)encap->destination_port,
                                       (uint8_t)(len_bytes >> 8),
                                       (uint8_t)len_bytes};
    memcpy(at, header, sizeof header);
    return sizeof header;
}

static size_t write_headers(uint8_t *at, const struct sp_sa *sa, size_t esp_bytes)
{
    const bool is_ipv6 = sa->source.family == 6;
    const size_t header_bytes = is_ipv6 ? 40 : 20,
                 payload_bytes = esp_bytes + (sp_encap_is_on(&sa->encap) ? UDP_BYTES : 0);
    const size_t length = is_ipv6 ? payload_bytes : header_bytes + payload_bytes, length_at = is_ipv6 ? 4 : 2;
    memset(at, 0, header_bytes);
    at[0] = is_ipv6 ? 0x60 : 0x45;
    at[length_at] = (uint8_t)(length >> 8);
    at[length_at + 1] = (uint8_t)length;
    at[is_ipv6 ? 7 : 8] = 64;
    at[is_ipv6 ? 6 : 9] = sp_encap_is_on(&sa->encap) ? PROTOCOL_UDP : PROTOCOL_ESP;
    memcpy(at + (is_ipv6 ? 8 : 12), sa->source.bytes, is_ipv6 ? 16 : 4);
    memcpy(at + (is_ipv6 ? 24 : 16), sa->destination.bytes, is_ipv6 ? 16 : 4);
    if (!is_ipv6) {
        const uint16_t sum = checksum(at, header_bytes);
        at[10] = (uint8_t)(sum >> 8);
        at[11] = (uint8_t)sum;
    }
    if (sp_encap_is_on(&sa->encap))
        return header_bytes + write_udp(at + header_bytes, &sa->encap, esp_bytes);
    return header_bytes;
}

/* Enciphers size bytes behind the ESP header and IV at `at`, and writes the ICV behind them. */
/* high: of an extended sequence number (RFC 4303 2.2.1), else 0. */
static void forge_separate(const struct sp_sa *sa, uint8_t *at, size_t size, uint32_t high)
{
    uint8_t *payload = at + 8 + sa->cipher->iv_bytes;
    if (sa->cipher->cbc_seal != NULL && size % sa->cipher->block_bytes == 0 && size > 0) {
        const struct sp_cbc_job job = {
            .state = sa->cipher_state, .iv = at + 8, .in = payload, .out = payload, .len_bytes = size};
        sa->cipher->cbc_seal(&job, 1);
    }
    const struct sp_hmac_job job = {.state = sa->hmac_state,
                                    .data = at,
                                    .len_bytes = 8 + sa->cipher->iv_bytes + size,
                                    .icv = payload + size,
                                    .suffix_bytes = sa->has_esn ? SP_HMAC_SUFFIX_BYTES : 0,
                                    .suffix = htobe32(high)};
    sa->hmac->mac(&job, 1);
}

static void forge_combined(const struct sp_sa *sa, uint8_t *at, size_t size, uint32_t high)
{
    uint8_t *payload = at + 8 + sa->cipher->iv_bytes, aad[12];
    memcpy(aad, at, 4);
    for (int i = 0; i < 4; i++)
        aad[4 + i] = (uint8_t)(high >> (24 - 8 * i));
    memcpy(aad + 8, at + 4, 4);
    const struct sp_gcm_job job = {.cipher = sa->cipher,
                                   .state = sa->cipher_state,
                                   .iv = at + 8,
                                   .aad = sa->has_esn ? aad : at,
                                   .aad_bytes = sa->has_esn ? sizeof aad : 8,
                                   .text = payload,
                                   .len_bytes = size,
                                   .icv = payload + size};
    sp_gcm_seal(forging.gcm, &job);
    sp_gcm_forget(forging.gcm);
}

/* data: what the payload decrypts to, when the cipher's block divides its length. */
static void open_forged(const struct sp_sa *sa, const uint8_t *data, size_t size)
{
    static const uint8_t iv[IV_BYTES_MAX] = {8, 7, 6, 5, 4, 3, 2, 1};
    uint8_t packet_bytes[65536];
    const size_t iv_bytes = sa->cipher->iv_bytes, icv_bytes = sa->hmac->icv_bytes;
    const size_t esp_bytes = 8 + iv_bytes + size + icv_bytes;
    if (esp_bytes > 60000)
        return;
    uint8_t *at = packet_bytes + write_headers(packet_bytes, sa, esp_bytes);
    const uint64_t sequence =
        sa->has_esn ? BORDER - INPUTS_MAX / 2 + (forging.inputs - 1) % INPUTS_MAX + 1 : forging.inputs;
    const uint32_t high = sa->has_esn ? (uint32_t)(sequence >> 32) : 0;
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(sa->spi >> (24 - 8 * i));
        at[4 + i] = (uint8_t)(sequence >> (24 - 8 * i));
    }
    memcpy(at + 8, iv, iv_bytes);
    memcpy(at + 8 + iv_bytes, data, size);
    if (sa->cipher->is_combined)
        forge_combined(sa, at, size, high);
    else
        forge_separate(sa, at, size, high);
    struct sp_packet packet = packet_of(packet_bytes, (size_t)(at - packet_bytes) + esp_bytes, 0, 0);
    open_it(&packet);
    FUZZ_HOLDS(packet.reason != SP_DROP_BAD_ICV && packet.reason != SP_DROP_UNKNOWN_SPI);
    free(packet.buffer);
}

/* Whether both have the same IP packet in front of any link padding. */
static bool is_same(const struct sp_packet *packet, const uint8_t *data, size_t size)
{
    return packet->len_bytes <= size &&
           memcmp(packet->buffer + packet->head_bytes, data, packet->len_bytes) == 0;
}

static void seal(uint32_t number, uint8_t rooms, const uint8_t *data, size_t size)
{
    struct sp_packet packet = packet_of(data, size, rooms % 16 * 5, rooms / 16 * 4);
    packet.sa = number;
    sp_esp_seal(sealing.esp, &packet, 1);
    expect_sane(&packet);
    if (packet.verdict == SP_VERDICT_DROP) {
        FUZZ_HOLDS(packet.len_bytes == size && is_same(&packet, data, size));
    } else {
        packet.verdict = SP_VERDICT_NONE;
        packet.reason = SP_DROP_NONE;
        sp_esp_open(sealing.esp, &packet, 1);
        /* "no next header" (RFC 8200 4.7) is what makes a dummy of an ESP packet */
        const bool is_opened = packet.verdict == SP_VERDICT_OPENED,
                   is_tunnel = number / SA_COUNT & TWIN_TUNNEL;
        FUZZ_HOLDS(is_opened || (!is_tunnel && packet.reason == SP_DROP_DUMMY));
        /* in transport mode out of UDP, checksums are made right, whatever they were */
        const bool may_differ = number / SA_COUNT == TWIN_IN_UDP;
        FUZZ_HOLDS(!is_opened || (packet.sa == number && (may_differ || is_same(&packet, data, size))));
    }
    free(packet.buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 60000)
        return 0;
    take_turn(&forging);
    take_turn(&sealing);
    const uint32_t number = data[0] % 16 % SA_COUNT + data[0] / 48 % TWINS * SA_COUNT;
    switch (data[0] / 16 % 3) {
    case 0:
        open_raw(data + 1, size - 1);
        break;
    case 1:
        open_forged(sp_sad_by_number(forging.sad, number), data + 1, size - 1);
        break;
    default:
        seal(number, data[1], data + 2, size - 2);
    }
    return 0;
}
