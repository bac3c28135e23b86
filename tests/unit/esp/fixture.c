/* SPDX-License-Identifier: ISC
 *
 * Packets to seal and open, by hand.
 */
#include "unit/esp/fixture.h"

#include "crypto/gcm.h"

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_BYTES 128u

static const struct {
    enum sp_encryption encryption;
    enum sp_integrity integrity;
    const char *name;
} suites[SUITES] = {
    {SP_ENCRYPTION_3DES_CBC, SP_INTEGRITY_HMAC_SHA1_96, "3des-cbc hmac-sha1-96"},
    {SP_ENCRYPTION_3DES_CBC, SP_INTEGRITY_HMAC_MD5_96, "3des-cbc hmac-md5-96"},
    {SP_ENCRYPTION_3DES_CBC, SP_INTEGRITY_HMAC_SHA2_256_128, "3des-cbc hmac-sha2-256-128"},
    {SP_ENCRYPTION_NULL, SP_INTEGRITY_HMAC_SHA1_96, "null hmac-sha1-96"},
    {SP_ENCRYPTION_NULL, SP_INTEGRITY_HMAC_MD5_96, "null hmac-md5-96"},
    {SP_ENCRYPTION_NULL, SP_INTEGRITY_HMAC_SHA2_256_128, "null hmac-sha2-256-128"},
    {SP_ENCRYPTION_AES128_GCM16, SP_INTEGRITY_COMBINED, "aes128-gcm16"},
    {SP_ENCRYPTION_AES256_GCM16, SP_INTEGRITY_COMBINED, "aes256-gcm16"},
};

static const struct sp_address ends[2][2] = {
    {{.family = 4, .bytes = {192, 0, 2, 1}}, {.family = 4, .bytes = {198, 51, 100, 2}}},
    {{.family = 6, .bytes = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}},
     {.family = 6, .bytes = {0x20, 0x01, 0x0d, 0xb8, [15] = 2}}},
};

static const uint8_t key_3des[24] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x23, 0x45, 0x67, 0x89,
                                     0xab, 0xcd, 0xef, 0x01, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23};
static const uint8_t key_hmac[32] = "thirty-two bytes of an HMAC key";

uint32_t fixture_sa(int suite, uint8_t family)
{
    return (uint32_t)suite * 2 + (family == 6);
}

/* GCM's are not shared. */
static void make_key(int suite, int family, uint8_t key[36])
{
    memset(key, 0, 36);
    key[0] = (uint8_t)suite;
    key[1] = (uint8_t)family;
    memcpy(key + 2, key_hmac, 32);
}

static const struct sp_address gates[2][2] = {
    {{.family = 4, .bytes = {203, 0, 113, 1}}, {.family = 4, .bytes = {203, 0, 113, 2}}},
    {{.family = 6, .bytes = {0x20, 0x01, 0x0d, 0xb8, 0xff, [15] = 1}},
     {.family = 6, .bytes = {0x20, 0x01, 0x0d, 0xb8, 0xff, [15] = 2}}},
};

void fixture_create_like(struct fixture *ret_fixture, const struct sp_sa_params *like)
{
    const bool is_tunnel = like->mode == SP_MODE_TUNNEL;
    cr_assert_eq(sp_sad_create(2 * SUITES + 4, &ret_fixture->sad), SP_OK);
    for (int suite = 0; suite < SUITES; suite++)
        for (int family = 0; family < 2; family++) {
            uint8_t key[36];
            make_key(suite, family, key);
            const struct sp_sa_params params = {
                .spi = 0x1000 + 0x11 * (uint32_t)suite, /* two bits apart at least */
                .source = is_tunnel ? gates[family][0] : ends[family][0],
                .destination = is_tunnel ? gates[family][1] : ends[family][1],
                .mode = like->mode,
                .tunnel = like->tunnel,
                .encryption = suites[suite].encryption,
                .integrity = suites[suite].integrity,
                .encryption_key = fixture_is_combined(suite) ? key : key_3des,
                .encryption_key_bytes = sp_encryption_key_bytes(suites[suite].encryption),
                .integrity_key = key_hmac,
                .integrity_key_bytes = sp_integrity_key_bytes(suites[suite].integrity),
                .replay_window_packets = like->replay_window_packets,
                .encap = like->encap,
                .has_esn = like->has_esn,
            };
            uint32_t number;
            char reason[256];
            cr_assert_eq(sp_sad_add(ret_fixture->sad, &params, &number, reason), SP_OK, "%s", reason);
            cr_assert_eq(number, fixture_sa(suite, family == 0 ? 4 : 6));
        }
    cr_assert_eq(sp_esp_create(ret_fixture->sad, &ret_fixture->esp), SP_OK);
}

void fixture_create(struct fixture *ret_fixture)
{
    fixture_create_like(ret_fixture, &(struct sp_sa_params){.replay_window_packets = SP_REPLAY_WINDOW_MIN});
}

void fixture_create_esn(struct fixture *ret_fixture, uint32_t window_packets)
{
    fixture_create_like(ret_fixture,
                        &(struct sp_sa_params){.has_esn = true, .replay_window_packets = window_packets});
}

static void expect_gcm_icv(int suite, const uint8_t *key, const uint8_t *esp, uint32_t text_bytes,
                           uint32_t high, uint8_t ret_icv[16])
{
    const bool is_256 = suites[suite].encryption == SP_ENCRYPTION_AES256_GCM16;
    uint8_t nonce[12], aad[12], text[2048];
    int done;
    cr_assert_leq(text_bytes, sizeof text);
    memcpy(nonce, key + (is_256 ? 32 : 16), 4);
    memcpy(nonce + 4, esp + 8, 8);
    memcpy(aad, esp, 4);
    for (int i = 0; i < 4; i++)
        aad[4 + i] = (uint8_t)(high >> (24 - 8 * i));
    memcpy(aad + 8, esp + 4, 4);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    cr_assert_eq(
        EVP_DecryptInit_ex(context, is_256 ? EVP_aes_256_gcm() : EVP_aes_128_gcm(), NULL, key, nonce), 1);
    cr_assert_eq(EVP_DecryptUpdate(context, text, &done, esp + 16, (int)text_bytes), 1);
    /* GCM's text of decryption, encrypted again, gives the tag */
    uint8_t again[2048];
    cr_assert_eq(
        EVP_EncryptInit_ex(context, is_256 ? EVP_aes_256_gcm() : EVP_aes_128_gcm(), NULL, key, nonce), 1);
    cr_assert_eq(EVP_EncryptUpdate(context, NULL, &done, aad, sizeof aad), 1);
    cr_assert_eq(EVP_EncryptUpdate(context, again, &done, text, (int)text_bytes), 1);
    cr_assert_eq(EVP_EncryptFinal_ex(context, again, &done), 1);
    cr_assert_eq(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, ret_icv), 1);
    EVP_CIPHER_CTX_free(context);
}

void fixture_expect_icv(int suite, uint8_t family, const uint8_t *esp, uint32_t esp_bytes, uint32_t high,
                        uint8_t ret_icv[16])
{
    static const struct {
        const EVP_MD *(*hash)(void);
    } hashes[] = {[SP_INTEGRITY_HMAC_MD5_96] = {EVP_md5},
                  [SP_INTEGRITY_HMAC_SHA1_96] = {EVP_sha1},
                  [SP_INTEGRITY_HMAC_SHA2_256_128] = {EVP_sha256}};
    uint8_t key[36], text[2048], digest[EVP_MAX_MD_SIZE];
    const uint32_t covered_bytes = esp_bytes - fixture_icv_bytes(suite);
    make_key(suite, family == 6, key);
    if (fixture_is_combined(suite)) {
        expect_gcm_icv(suite, key, esp, covered_bytes - 16, high, ret_icv);
        return;
    }
    cr_assert_leq(covered_bytes + 4, sizeof text);
    memcpy(text, esp, covered_bytes);
    for (int i = 0; i < 4; i++)
        text[covered_bytes + (uint32_t)i] = (uint8_t)(high >> (24 - 8 * i));
    HMAC(hashes[suites[suite].integrity].hash(), key_hmac,
         (int)sp_integrity_key_bytes(suites[suite].integrity), text, covered_bytes + 4, digest, NULL);
    memcpy(ret_icv, digest, fixture_icv_bytes(suite));
}

void fixture_destroy(struct fixture *fixture)
{
    sp_esp_destroy(&fixture->esp);
    sp_sad_destroy(&fixture->sad);
}

struct sp_sa *fixture_sa_pointer(const struct fixture *fixture, uint32_t number)
{
    struct sp_sa *sa = sp_sad_by_number(fixture->sad, number);
    cr_assert_not_null(sa);
    return sa;
}

const char *fixture_suite_name(int suite)
{
    return suites[suite].name;
}

bool fixture_is_null(int suite)
{
    return suites[suite].encryption == SP_ENCRYPTION_NULL;
}

bool fixture_is_combined(int suite)
{
    return suites[suite].integrity == SP_INTEGRITY_COMBINED;
}

uint32_t fixture_front_bytes(int suite)
{
    return fixture_is_null(suite) ? 8 : 16;
}

uint32_t fixture_icv_bytes(int suite)
{
    return fixture_is_combined(suite) || suites[suite].integrity == SP_INTEGRITY_HMAC_SHA2_256_128 ? 16 : 12;
}

uint32_t fixture_align_bytes(int suite)
{
    return suites[suite].encryption == SP_ENCRYPTION_3DES_CBC ? 8 : 4;
}

uint8_t shape_family(enum shape shape)
{
    return shape == SHAPE_IPV6 || shape == SHAPE_IPV6_EXTENSIONS ? 6 : 4;
}

uint16_t plain_checksum(const uint8_t *data, size_t len_bytes)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < len_bytes; i++)
        sum += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

void set_ip_length(uint8_t *ip, uint32_t len_bytes)
{
    if (ip[0] >> 4 == 6) {
        ip[4] = (uint8_t)((len_bytes - 40) >> 8);
        ip[5] = (uint8_t)(len_bytes - 40);
        return;
    }
    ip[2] = (uint8_t)(len_bytes >> 8);
    ip[3] = (uint8_t)len_bytes;
    ip[10] = ip[11] = 0;
    uint16_t checksum = plain_checksum(ip, (ip[0] & 15) * 4u);
    ip[10] = (uint8_t)(checksum >> 8);
    ip[11] = (uint8_t)checksum;
}

/* Writes the headers with "protocol" for what follows; returns their length. */
static uint32_t write_headers(uint8_t *ip, enum shape shape, uint8_t protocol)
{
    static const uint8_t options[8] = {0x94, 0x04, 0x00, 0x00, 0x01, 0x01, 0x01, 0x00}; /* router alert */
    static const uint8_t extensions[] = {
        60, 0, 5, 2, 0, 0, 1, 0,                                        /* hop-by-hop: router alert */
        43, 0, 1, 4, 0, 0, 0, 0,                                        /* destination options: padding */
        0,  2, 4, 0, 0, 0, 0, 0, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, /* routing: type 4, none left */
        0,  0, 0, 0, 0, 0, 9,
    };
    if (shape_family(shape) == 4) {
        uint8_t ihl = shape == SHAPE_IPV4_OPTIONS ? 7 : 5;
        const uint8_t header[20] = {(uint8_t)(0x40 | ihl), 0x2e, 0, 0, 0x12, 0x34, 0x40, 0, 61, protocol};
        memcpy(ip, header, 20);
        memcpy(ip + 12, ends[0][0].bytes, 4);
        memcpy(ip + 16, ends[0][1].bytes, 4);
        memcpy(ip + 20, options, ihl * 4u - 20);
        return ihl * 4u;
    }
    const uint8_t header[8] = {0x6b, 0x8a, 0xbc, 0xde, 0, 0, protocol, 61};
    memcpy(ip, header, 8);
    memcpy(ip + 8, ends[1][0].bytes, 16);
    memcpy(ip + 24, ends[1][1].bytes, 16);
    if (shape == SHAPE_IPV6)
        return 40;
    memcpy(ip + 40, extensions, sizeof extensions);
    ip[6] = 0;
    ip[40 + 16] = protocol;
    return 40 + sizeof extensions;
}

void sample_create(struct sample *ret_sample, enum shape shape, uint32_t payload_bytes)
{
    struct sample *sample = ret_sample;
    uint8_t ip[128];
    memset(sample, 0, sizeof *sample);
    sample->header_bytes = write_headers(ip, shape, PROTOCOL_TEST);
    sample->original_bytes = sample->header_bytes + payload_bytes;
    sample->original = malloc(sample->original_bytes);
    sample->memory = malloc(HEAD_BYTES + sample->original_bytes + 64);
    cr_assert(sample->original != NULL && sample->memory != NULL);
    memcpy(sample->original, ip, sample->header_bytes);
    for (uint32_t i = 0; i < payload_bytes; i++)
        sample->original[sample->header_bytes + i] = (uint8_t)(0x40 + i * 7 + (i >> 6));
    set_ip_length(sample->original, sample->original_bytes);
    sample_reset(sample);
}

void sample_reset(struct sample *sample)
{
    uint32_t capacity_bytes = HEAD_BYTES + sample->original_bytes + 64;
    sample->packet = (struct sp_packet){.buffer = sample->memory,
                                        .capacity_bytes = capacity_bytes,
                                        .head_bytes = HEAD_BYTES,
                                        .len_bytes = sample->original_bytes,
                                        .rule = 7,
                                        .sa = SP_NO_SA};
    memset(sample->memory, 0xee, capacity_bytes);
    memcpy(sample->memory + HEAD_BYTES, sample->original, sample->original_bytes);
}

void sample_destroy(struct sample *sample)
{
    free(sample->memory);
    free(sample->original);
}

bool sample_is_original(const struct sample *sample)
{
    return sample->packet.len_bytes == sample->original_bytes &&
           memcmp(packet_start(&sample->packet), sample->original, sample->original_bytes) == 0;
}

bool sample_holds_plaintext(const struct sample *sample)
{
    for (uint32_t at = sample->header_bytes; at + 8 <= sample->original_bytes; at++)
        if (memmem(sample->memory, sample->packet.capacity_bytes, sample->original + at, 8) != NULL)
            return true;
    return false;
}

static void write_number(uint8_t *at, uint32_t number)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(number >> (24 - 8 * i));
}

static void forge_combined(const struct sp_sa *sa, uint64_t sequence, uint8_t *esp, uint32_t plaintext_bytes)
{
    struct sp_gcm *gcm;
    uint8_t aad[12];
    memcpy(aad, esp, 4);
    write_number(aad + 4, (uint32_t)(sequence >> 32));
    write_number(aad + 8, (uint32_t)sequence);
    const struct sp_gcm_job job = {.cipher = sa->cipher,
                                   .state = sa->cipher_state,
                                   .iv = esp + 8,
                                   .aad = sa->has_esn ? aad : esp,
                                   .aad_bytes = sa->has_esn ? sizeof aad : 8,
                                   .text = esp + 16,
                                   .len_bytes = plaintext_bytes,
                                   .icv = esp + 16 + plaintext_bytes};
    cr_assert_eq(sp_gcm_create(&gcm), SP_OK);
    sp_gcm_seal(gcm, &job);
    sp_gcm_destroy(&gcm);
}

void sample_forge(struct sample *sample, const struct sp_sa *sa, uint64_t sequence, const uint8_t *plaintext,
                  uint32_t plaintext_bytes)
{
    static const uint8_t iv[8] = {9, 8, 7, 6, 5, 4, 3, 2};
    uint8_t *ip = sample->memory + HEAD_BYTES, *at = ip + sample->header_bytes;
    uint32_t iv_bytes = (uint32_t)sa->cipher->iv_bytes, icv_bytes = (uint32_t)sa->hmac->icv_bytes;
    uint32_t esp_bytes = 8 + iv_bytes + plaintext_bytes + icv_bytes;

    sample_reset(sample);
    cr_assert_leq(sample->header_bytes + esp_bytes, sample->packet.capacity_bytes - HEAD_BYTES);
    sample->packet.len_bytes = sample->header_bytes + esp_bytes;
    ip[ip[0] >> 4 == 4 ? 9 : 6] = 50; /* plain headers only */
    set_ip_length(ip, sample->packet.len_bytes);
    write_number(at, sa->spi);
    write_number(at + 4, (uint32_t)sequence);
    memcpy(at + 8, iv, iv_bytes);
    memcpy(at + 8 + iv_bytes, plaintext, plaintext_bytes);
    if (sa->cipher->is_combined) {
        forge_combined(sa, sequence, at, plaintext_bytes);
        return;
    }
    if (sa->cipher->cbc_seal != NULL) {
        uint8_t *text = at + 8 + iv_bytes;
        const struct sp_cbc_job job = {
            .state = sa->cipher_state, .iv = iv, .in = text, .out = text, .len_bytes = plaintext_bytes};
        sa->cipher->cbc_seal(&job, 1);
    }
    const struct sp_hmac_job job = {.state = sa->hmac_state,
                                    .data = at,
                                    .len_bytes = esp_bytes - icv_bytes,
                                    .icv = at + esp_bytes - icv_bytes,
                                    .suffix_bytes = sa->has_esn ? SP_HMAC_SUFFIX_BYTES : 0,
                                    .suffix = htobe32((uint32_t)(sequence >> 32))};
    sa->hmac->mac(&job, 1);
}
