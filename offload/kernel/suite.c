/* SPDX-License-Identifier: ISC
 *
 * The table of suites. A new algorithm is a row.
 */
#include "kernel/suite.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *kernel_name;
    uint32_t number;            /* in reqids: never changes */
    uint32_t combined_icv_bits; /* 0: integrity is an algorithm of its own */
    const char *lack;
} encryptions[SP_ENCRYPTION_COUNT] = {
    [SP_ENCRYPTION_NULL] = {"ecb(cipher_null)", 0, 0, "null encryption: CONFIG_CRYPTO_NULL"},
    [SP_ENCRYPTION_3DES_CBC] = {"cbc(des3_ede)", 1, 0, "DES: CONFIG_CRYPTO_DES"},
    [SP_ENCRYPTION_AES128_GCM16] = {"rfc4106(gcm(aes))", 2, 128, "AES-GCM: CONFIG_CRYPTO_GCM"},
    [SP_ENCRYPTION_AES256_GCM16] = {"rfc4106(gcm(aes))", 3, 128, "AES-GCM: CONFIG_CRYPTO_GCM"},
};

static const struct {
    const char *kernel_name; /* NULL: none of its own */
    uint32_t number;
    uint32_t icv_bits;
    const char *lack;
} integrities[SP_INTEGRITY_COUNT] = {
    [SP_INTEGRITY_HMAC_MD5_96] = {"hmac(md5)", 0, 96, "HMAC-MD5: CONFIG_CRYPTO_MD5"},
    [SP_INTEGRITY_HMAC_SHA1_96] = {"hmac(sha1)", 1, 96, "HMAC-SHA1: CONFIG_CRYPTO_SHA1"},
    [SP_INTEGRITY_HMAC_SHA2_256_128] = {"hmac(sha256)", 2, 128, "HMAC-SHA2-256: CONFIG_CRYPTO_SHA256"},
    [SP_INTEGRITY_COMBINED] = {NULL, 3, 0, NULL},
};

#define REQID_ESN 0x20000u
#define REQID_TUNNEL 0x40000u

bool sp_kernel_encryption_is_combined(enum sp_encryption encryption)
{
    return encryptions[encryption].combined_icv_bits > 0;
}

bool sp_kernel_suite_is_there(const struct sp_kernel_suite *suite)
{
    return encryptions[suite->encryption].kernel_name != NULL &&
           sp_kernel_encryption_is_combined(suite->encryption) ==
               (integrities[suite->integrity].kernel_name == NULL);
}

uint32_t sp_kernel_suite_reqid(const struct sp_kernel_suite *suite)
{
    return SP_KERNEL_REQID_FIRST | (uint32_t)suite->is_encapsulated << 16 | (suite->has_esn ? REQID_ESN : 0) |
           (suite->mode == SP_MODE_TUNNEL ? REQID_TUNNEL : 0) | encryptions[suite->encryption].number << 8 |
           integrities[suite->integrity].number;
}

static void name_algorithm(struct sp_xfrm_algorithm *algorithm, const char *kernel_name, const uint8_t *key,
                           size_t key_bytes)
{
    (void)snprintf(algorithm->name, sizeof algorithm->name, "%s", kernel_name);
    algorithm->key = key;
    algorithm->key_bits = (uint32_t)(8 * key_bytes);
}

void sp_kernel_suite_put(const struct sp_kernel_suite *suite, const uint8_t *encryption_key,
                         const uint8_t *integrity_key, struct sp_xfrm_sa *sa)
{
    /* RFC 4106 8.1: the kernel, too, takes the salt behind the key */
    const bool is_combined = sp_kernel_encryption_is_combined(suite->encryption);

    name_algorithm(is_combined ? &sa->aead : &sa->encryption, encryptions[suite->encryption].kernel_name,
                   encryption_key, sp_encryption_key_bytes(suite->encryption));
    sa->aead.icv_bits = encryptions[suite->encryption].combined_icv_bits;
    if (suite->has_esn)
        sa->flags |= XFRM_STATE_ESN;
    sa->mode = suite->mode == SP_MODE_TUNNEL ? XFRM_MODE_TUNNEL : XFRM_MODE_TRANSPORT;
    if (is_combined)
        return;
    name_algorithm(&sa->integrity, integrities[suite->integrity].kernel_name, integrity_key,
                   sp_integrity_key_bytes(suite->integrity));
    sa->integrity.icv_bits = integrities[suite->integrity].icv_bits;
}

void sp_kernel_window_put(struct sp_xfrm_sa *sa, uint32_t window_packets)
{
    sa->has |= SP_XFRM_HAS_REPLAY_ESN;
    sa->replay_esn.window_packets = window_packets;
    sa->replay_esn.bitmap_words = (window_packets + 31) / 32;
}

static bool is_same_algorithm(const struct sp_xfrm_algorithm *left, const struct sp_xfrm_algorithm *right)
{
    return strcmp(left->name, right->name) == 0 && left->key_bits == right->key_bits &&
           left->icv_bits == right->icv_bits;
}

static bool has_suite(const struct sp_xfrm_sa *sa, const struct sp_kernel_suite *suite)
{
    struct sp_xfrm_sa ours = {.family = 0};

    sp_kernel_suite_put(suite, NULL, NULL, &ours);
    return is_same_algorithm(&sa->encryption, &ours.encryption) &&
           is_same_algorithm(&sa->integrity, &ours.integrity) && is_same_algorithm(&sa->aead, &ours.aead) &&
           ((sa->has & SP_XFRM_HAS_ENCAP) != 0) == suite->is_encapsulated;
}

bool sp_kernel_suite_next(struct sp_kernel_suite *suite)
{
    if (suite->integrity + 1 < SP_INTEGRITY_COUNT) {
        suite->integrity++;
        return true;
    }
    suite->integrity = (enum sp_integrity)0;
    if (suite->encryption + 1 < SP_ENCRYPTION_COUNT) {
        suite->encryption++;
        return true;
    }
    suite->encryption = (enum sp_encryption)0;
    suite->is_encapsulated = !suite->is_encapsulated;
    return suite->is_encapsulated;
}

bool sp_kernel_suite_of(const struct sp_xfrm_sa *sa, struct sp_kernel_suite *ret_suite)
{
    struct sp_kernel_suite suite = {.has_esn = (sa->flags & XFRM_STATE_ESN) != 0};

    if (sa->mode != XFRM_MODE_TRANSPORT && sa->mode != XFRM_MODE_TUNNEL)
        return false;
    suite.mode = sa->mode == XFRM_MODE_TUNNEL ? SP_MODE_TUNNEL : SP_MODE_TRANSPORT;

    do {
        if (sp_kernel_suite_is_there(&suite) && has_suite(sa, &suite)) {
            *ret_suite = suite;
            return true;
        }
    } while (sp_kernel_suite_next(&suite));
    return false;
}

bool sp_kernel_suite_of_reqid(uint32_t reqid, struct sp_kernel_suite *ret_suite)
{
    struct sp_kernel_suite suite = {.has_esn = (reqid & REQID_ESN) != 0,
                                    .mode = reqid & REQID_TUNNEL ? SP_MODE_TUNNEL : SP_MODE_TRANSPORT};

    do {
        if (sp_kernel_suite_is_there(&suite) && sp_kernel_suite_reqid(&suite) == reqid) {
            *ret_suite = suite;
            return true;
        }
    } while (sp_kernel_suite_next(&suite));
    return false;
}

struct sp_xfrm_template sp_kernel_template(uint8_t family, uint32_t reqid)
{
    return (struct sp_xfrm_template){
        .family = family,
        .source = {.family = family},
        .destination = {.family = family},
        .reqid = reqid,
        .protocol = IPPROTO_ESP,
        .mode = XFRM_MODE_TRANSPORT,
        .integrity_algorithms = UINT32_MAX,
        .encryption_algorithms = UINT32_MAX,
        .compression_algorithms = UINT32_MAX,
    };
}

struct sp_xfrm_template sp_kernel_tunnel_template(const struct sp_address *from, const struct sp_address *to,
                                                  uint32_t reqid)
{
    struct sp_xfrm_template template = sp_kernel_template(from->family, reqid);

    template.mode = XFRM_MODE_TUNNEL;
    template.source = *from;
    template.destination = *to;
    return template;
}

const char *sp_kernel_encryption_lack(enum sp_encryption encryption)
{
    return encryptions[encryption].lack;
}

const char *sp_kernel_integrity_lack(enum sp_integrity integrity)
{
    return integrities[integrity].lack;
}

bool sp_kernel_reqid_is_ours(uint32_t reqid)
{
    return reqid >= SP_KERNEL_REQID_FIRST && reqid <= SP_KERNEL_REQID_LAST;
}

bool sp_kernel_sa_is_larval(const struct sp_xfrm_sa *sa)
{
    return sa->spi == 0 ||
           (sa->encryption.name[0] == '\0' && sa->integrity.name[0] == '\0' && sa->aead.name[0] == '\0');
}

bool sp_kernel_sa_is_ours(const struct sp_xfrm_sa *sa)
{
    return sa->protocol == IPPROTO_ESP && sp_kernel_reqid_is_ours(sa->reqid) && !sp_kernel_sa_is_larval(sa) &&
           (sa->has & (SP_XFRM_HAS_MARK | SP_XFRM_HAS_INTERFACE_ID)) == 0;
}
