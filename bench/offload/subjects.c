/* SPDX-License-Identifier: ISC
 *
 * SAs and policies by the number.
 */
#include "subjects.h"

#include "kernel/suite.h"
#include "xfrm/plan.h"

#include <netinet/in.h>
#include <string.h>

#define SPI_FIRST 0x1000u
#define PRIORITY 0x1000u

const char *const subject_names[SUBJECT_KINDS] = {[SUBJECT_SA] = "SAs", [SUBJECT_POLICY] = "policies"};

static const struct sp_kernel_suite suite = {.encryption = SP_ENCRYPTION_3DES_CBC,
                                             .integrity = SP_INTEGRITY_HMAC_SHA1_96};
static const struct sp_address host = {4, {192, 0, 2, 1}};
/* Of no secret, but no weak key either. */
static const uint8_t encryption_key[24] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                           0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01,
                                           0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23};
static const uint8_t integrity_key[20] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10,
                                          11, 12, 13, 14, 15, 16, 17, 18, 19, 20};

static struct sp_address peer_of(uint32_t number)
{
    return (struct sp_address){4, {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number}};
}

static const struct sp_xfrm_limits no_limits = {.soft_bytes = UINT64_MAX,
                                                .hard_bytes = UINT64_MAX,
                                                .soft_packets = UINT64_MAX,
                                                .hard_packets = UINT64_MAX};

static void make_sa(uint32_t number, struct sp_xfrm_sa *sa)
{
    *sa = (struct sp_xfrm_sa){.family = 4,
                              .spi = SPI_FIRST + number,
                              .protocol = IPPROTO_ESP,
                              .source = host,
                              .destination = peer_of(number),
                              .selector = {.family = 4},
                              .limits = no_limits,
                              .reqid = sp_kernel_suite_reqid(&suite),
                              .mode = XFRM_MODE_TRANSPORT};
    sp_kernel_suite_put(&suite, encryption_key, integrity_key, sa);
}

static void make_policy(uint32_t number, struct sp_xfrm_policy *policy)
{
    *policy = (struct sp_xfrm_policy){.selector = {.family = 4,
                                                   .source = host,
                                                   .source_prefix_bits = 32,
                                                   .destination = peer_of(number),
                                                   .destination_prefix_bits = 32,
                                                   .destination_port = 80,
                                                   .destination_port_mask = UINT16_MAX,
                                                   .protocol = IPPROTO_TCP},
                                      .limits = no_limits,
                                      .priority = PRIORITY,
                                      .index = SP_XFRM_INDEX_FIRST | number << 3 | XFRM_POLICY_OUT,
                                      .direction = XFRM_POLICY_OUT,
                                      .action = XFRM_POLICY_ALLOW,
                                      .templates = {sp_kernel_template(4, sp_kernel_suite_reqid(&suite))},
                                      .template_count = 1};
}

void subject_message(enum subject_kind kind, bool is_deletion, uint32_t number,
                     struct sp_xfrm_message *ret_message)
{
    memset(ret_message, 0, sizeof *ret_message);
    if (kind == SUBJECT_SA) {
        ret_message->type = is_deletion ? XFRM_MSG_DELSA : XFRM_MSG_NEWSA;
        make_sa(number, &ret_message->sa);
        return;
    }
    ret_message->type = is_deletion ? XFRM_MSG_DELPOLICY : XFRM_MSG_NEWPOLICY;
    make_policy(number, &ret_message->policy);
    if (is_deletion)
        ret_message->policy.index = 0; /* by its selector: iproute2 gave it an index of the kernel's choice */
}

static void put_hex(const uint8_t *bytes, size_t count, FILE *out)
{
    (void)fputs("0x", out);
    for (size_t i = 0; i < count; i++)
        (void)fprintf(out, "%02x", bytes[i]);
}

void subject_batch_line(enum subject_kind kind, bool is_deletion, uint32_t number, FILE *out)
{
    const struct sp_address peer = peer_of(number);
    const uint32_t reqid = sp_kernel_suite_reqid(&suite);
    const char *verb = is_deletion ? "delete" : "add";
    char to[SP_ADDRESS_TEXT_BYTES];

    sp_address_format(&peer, to);
    if (kind == SUBJECT_POLICY) {
        (void)fprintf(out, "xfrm policy %s src 192.0.2.1/32 dst %s/32 proto tcp dport 80 dir out", verb, to);
        if (!is_deletion)
            (void)fprintf(out, " priority %u tmpl proto esp reqid %u mode transport", PRIORITY, reqid);
        (void)fputc('\n', out);
        return;
    }
    (void)fprintf(out, "xfrm state %s src 192.0.2.1 dst %s proto esp spi 0x%x", verb, to, SPI_FIRST + number);
    if (!is_deletion) {
        (void)fprintf(out, " reqid %u mode transport enc cbc(des3_ede) ", reqid);
        put_hex(encryption_key, sizeof encryption_key, out);
        (void)fputs(" auth-trunc hmac(sha1) ", out);
        put_hex(integrity_key, sizeof integrity_key, out);
        (void)fputs(" 96", out);
    }
    (void)fputc('\n', out);
}

static uint64_t mix(uint64_t sum, const void *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) /* FNV-1a */
        sum = (sum ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
    return sum;
}

static uint64_t mix_key(uint64_t sum, const struct sp_xfrm_algorithm *algorithm)
{
    sum = mix(sum, algorithm->name, strlen(algorithm->name));
    sum = mix(sum, &algorithm->icv_bits, sizeof algorithm->icv_bits);
    return algorithm->key_bits == 0 ? sum : mix(sum, algorithm->key, algorithm->key_bits / 8);
}

uint64_t subject_sum(const struct sp_xfrm_message *message)
{
    uint64_t sum = 0xcbf29ce484222325u;

    if (message->type == XFRM_MSG_NEWSA) {
        const struct sp_xfrm_sa *sa = &message->sa;
        sum = mix(sum, &sa->spi, sizeof sa->spi);
        sum = mix(sum, sa->source.bytes, 4);
        sum = mix(sum, sa->destination.bytes, 4);
        sum = mix(sum, &sa->reqid, sizeof sa->reqid);
        sum = mix(sum, &sa->mode, sizeof sa->mode);
        sum = mix_key(sum, &sa->encryption);
        return mix_key(sum, &sa->integrity);
    }
    const struct sp_xfrm_policy *policy = &message->policy;
    sum = mix(sum, policy->selector.source.bytes, 4);
    sum = mix(sum, policy->selector.destination.bytes, 4);
    sum = mix(sum, &policy->selector.destination_port, sizeof policy->selector.destination_port);
    sum = mix(sum, &policy->direction, sizeof policy->direction);
    sum = mix(sum, &policy->priority, sizeof policy->priority);
    return mix(sum, &policy->templates[0].reqid, sizeof policy->templates[0].reqid);
}
