/* SPDX-License-Identifier: ISC
 *
 * Reads the attributes of XFRM messages. Newer kernels append attributes and lengthen none, so one that we
 * don't know is passed over, one that is longer is fine, and a shorter one is not.
 */
#include "xfrm/read.h"

#include <arpa/inet.h>
#include <string.h>

static bool read_part(const struct sp_xfrm_attribute *attribute, void *part, size_t part_bytes)
{
    if (attribute->len_bytes < part_bytes)
        return false;
    memcpy(part, attribute->payload, part_bytes);
    return true;
}

static bool read_number(const struct sp_xfrm_attribute *attribute, uint32_t *ret_number)
{
    return read_part(attribute, ret_number, sizeof *ret_number);
}

static bool read_algorithm(const struct sp_xfrm_attribute *attribute, bool has_icv,
                           struct sp_xfrm_algorithm *ret_algorithm)
{
    size_t fixed_bytes = SP_XFRM_NAME_BYTES + (has_icv ? 2 : 1) * sizeof(uint32_t);
    struct sp_xfrm_algorithm algorithm = {.name = ""};

    if (attribute->len_bytes < fixed_bytes)
        return false;
    memcpy(algorithm.name, attribute->payload, SP_XFRM_NAME_BYTES);
    memcpy(&algorithm.key_bits, attribute->payload + SP_XFRM_NAME_BYTES, sizeof algorithm.key_bits);
    if (has_icv)
        memcpy(&algorithm.icv_bits, attribute->payload + SP_XFRM_NAME_BYTES + sizeof(uint32_t),
               sizeof algorithm.icv_bits);
    size_t name_bytes = strnlen(algorithm.name, SP_XFRM_NAME_BYTES);
    if (name_bytes == 0 || name_bytes == SP_XFRM_NAME_BYTES || algorithm.key_bits > SP_XFRM_KEY_BITS_MAX ||
        attribute->len_bytes - fixed_bytes < (algorithm.key_bits + 7) / 8)
        return false;
    memset(algorithm.name + name_bytes, 0, SP_XFRM_NAME_BYTES - name_bytes);
    if (algorithm.key_bits > 0)
        algorithm.key = (const uint8_t *)attribute->payload + fixed_bytes;
    *ret_algorithm = algorithm;
    return true;
}

/* The old form, without the length of the ICV; the kernel sends both, so the new one wins. */
static bool read_old_integrity(const struct sp_xfrm_attribute *attribute, struct sp_xfrm_algorithm *integrity)
{
    struct sp_xfrm_algorithm algorithm;

    if (!read_algorithm(attribute, false, &algorithm))
        return false;
    if (integrity->icv_bits == 0)
        *integrity = algorithm;
    return true;
}

static bool read_encap(const struct sp_xfrm_attribute *attribute, uint8_t family,
                       struct sp_xfrm_encap *ret_encap)
{
    struct xfrm_encap_tmpl in;

    if (!read_part(attribute, &in, sizeof in))
        return false;
    *ret_encap = (struct sp_xfrm_encap){.type = in.encap_type,
                                        .source_port = ntohs(in.encap_sport),
                                        .destination_port = ntohs(in.encap_dport),
                                        .original = sp_xfrm_read_address(&in.encap_oa, family)};
    return true;
}

static bool read_mark(const struct sp_xfrm_attribute *attribute, struct sp_xfrm_mark *ret_mark)
{
    struct xfrm_mark in;

    if (!read_part(attribute, &in, sizeof in))
        return false;
    *ret_mark = (struct sp_xfrm_mark){.value = in.v, .mask = in.m};
    return true;
}

static bool read_device(const struct sp_xfrm_attribute *attribute, struct sp_xfrm_device *ret_device)
{
    struct xfrm_user_offload in;

    if (!read_part(attribute, &in, sizeof in))
        return false;
    *ret_device = (struct sp_xfrm_device){.interface = in.ifindex, .flags = in.flags};
    return true;
}

static bool read_replay(const struct sp_xfrm_attribute *attribute, struct sp_xfrm_replay *ret_replay)
{
    struct xfrm_replay_state in;

    if (!read_part(attribute, &in, sizeof in))
        return false;
    *ret_replay =
        (struct sp_xfrm_replay){.sequence_sent = in.oseq, .sequence_received = in.seq, .bitmap = in.bitmap};
    return true;
}

static bool read_replay_esn(const struct sp_xfrm_attribute *attribute, struct sp_xfrm_replay_esn *replay)
{
    struct xfrm_replay_state_esn in;

    if (!read_part(attribute, &in, sizeof in) || in.bmp_len > SP_XFRM_BITMAP_WORDS_MAX ||
        attribute->len_bytes - sizeof in < in.bmp_len * sizeof *replay->bitmap)
        return false;
    replay->sequence_sent = in.oseq;
    replay->sequence_received = in.seq;
    replay->sequence_sent_high = in.oseq_hi;
    replay->sequence_received_high = in.seq_hi;
    replay->window_packets = in.replay_window;
    replay->bitmap_words = in.bmp_len;
    memcpy(replay->bitmap, attribute->payload + sizeof in, in.bmp_len * sizeof *replay->bitmap);
    return true;
}

static bool read_used(const struct sp_xfrm_attribute *attribute, struct sp_xfrm_used *ret_used)
{
    struct xfrm_lifetime_cur in;

    if (!read_part(attribute, &in, sizeof in))
        return false;
    sp_xfrm_read_used(&in, ret_used);
    return true;
}

static bool read_source(const struct sp_xfrm_attribute *attribute, struct sp_xfrm_sa *sa)
{
    xfrm_address_t in;

    if (!read_part(attribute, &in, sizeof in))
        return false;
    sa->source = sp_xfrm_read_address(&in, sa->family);
    return true;
}

static bool read_whole_sa(const struct sp_xfrm_attribute *attribute, struct sp_xfrm_sa *sa)
{
    struct xfrm_usersa_info in;

    return read_part(attribute, &in, sizeof in) && sp_xfrm_read_sa(&in, sa);
}

/* What an attribute of an SA sets in `has`, when it is well-formed; 0: nothing. -1: malformed. */
static int read_sa_attribute(const struct sp_xfrm_attribute *attribute, struct sp_xfrm_sa *sa)
{
#define SP_READ(reading, bit) ((reading) ? (int)(bit) : -1)
    switch (attribute->type) {
    case XFRMA_ALG_AEAD:
        return SP_READ(read_algorithm(attribute, true, &sa->aead), 0);
    case XFRMA_ALG_CRYPT:
        return SP_READ(read_algorithm(attribute, false, &sa->encryption), 0);
    case XFRMA_ALG_AUTH_TRUNC:
        return SP_READ(read_algorithm(attribute, true, &sa->integrity), 0);
    case XFRMA_ALG_AUTH:
        return SP_READ(read_old_integrity(attribute, &sa->integrity), 0);
    case XFRMA_ENCAP:
        return SP_READ(read_encap(attribute, sa->family, &sa->encap), SP_XFRM_HAS_ENCAP);
    case XFRMA_REPLAY_VAL:
        return SP_READ(read_replay(attribute, &sa->replay), SP_XFRM_HAS_REPLAY);
    case XFRMA_REPLAY_ESN_VAL:
        return SP_READ(read_replay_esn(attribute, &sa->replay_esn), SP_XFRM_HAS_REPLAY_ESN);
    case XFRMA_MARK:
        return SP_READ(read_mark(attribute, &sa->mark), SP_XFRM_HAS_MARK);
    case XFRMA_IF_ID:
        return SP_READ(read_number(attribute, &sa->interface_id), SP_XFRM_HAS_INTERFACE_ID);
    case XFRMA_OFFLOAD_DEV:
        return SP_READ(read_device(attribute, &sa->device), SP_XFRM_HAS_DEVICE);
    case XFRMA_SET_MARK:
        return SP_READ(read_number(attribute, &sa->output_mark.value), SP_XFRM_HAS_OUTPUT_MARK);
    case XFRMA_SET_MARK_MASK:
        return SP_READ(read_number(attribute, &sa->output_mark.mask), 0);
    case XFRMA_SA_EXTRA_FLAGS:
        return SP_READ(read_number(attribute, &sa->extra_flags), SP_XFRM_HAS_EXTRA_FLAGS);
    case XFRMA_TFCPAD:
        return SP_READ(read_number(attribute, &sa->padding_bytes), SP_XFRM_HAS_PADDING);
    case XFRMA_LASTUSED:
        return SP_READ(read_part(attribute, &sa->last_used_at, sizeof sa->last_used_at),
                       SP_XFRM_HAS_LAST_USED);
    case XFRMA_LTIME_VAL:
        return SP_READ(read_used(attribute, &sa->used), SP_XFRM_HAS_USED);
    case XFRMA_SRCADDR:
        return SP_READ(read_source(attribute, sa), 0);
    case XFRMA_SA:
        return SP_READ(read_whole_sa(attribute, sa), SP_XFRM_HAS_WHOLE);
    default:
        return 0;
    }
}

bool sp_xfrm_read_sa_attributes(struct sp_xfrm_rest rest, struct sp_xfrm_sa *sa)
{
    struct sp_xfrm_attribute attribute;
    bool is_broken;

    while (sp_xfrm_next_attribute(&rest, &attribute, &is_broken)) {
        int has = read_sa_attribute(&attribute, sa);
        if (has < 0)
            return false;
        sa->has |= (uint32_t)has;
    }
    return !is_broken;
}

static bool read_templates(const struct sp_xfrm_attribute *attribute, struct sp_xfrm_policy *policy)
{
    struct xfrm_user_tmpl in;
    struct sp_xfrm_rest rest = {attribute->payload, attribute->len_bytes};

    if (attribute->len_bytes % sizeof in != 0 || attribute->len_bytes / sizeof in > SP_XFRM_TEMPLATES_MAX)
        return false;
    policy->template_count = 0;
    while (sp_xfrm_take(&rest, &in, sizeof in))
        if (!sp_xfrm_read_template(&in, &policy->templates[policy->template_count++]))
            return false;
    return true;
}

static bool read_policy_type(const struct sp_xfrm_attribute *attribute, struct sp_xfrm_policy *policy)
{
    struct xfrm_userpolicy_type in;

    if (!read_part(attribute, &in, sizeof in))
        return false;
    policy->type = in.type;
    return true;
}

static bool read_whole_policy(const struct sp_xfrm_attribute *attribute, struct sp_xfrm_policy *policy)
{
    struct xfrm_userpolicy_info in;

    return read_part(attribute, &in, sizeof in) && sp_xfrm_read_policy(&in, policy);
}

static int read_policy_attribute(const struct sp_xfrm_attribute *attribute, struct sp_xfrm_policy *policy)
{
    switch (attribute->type) {
    case XFRMA_TMPL:
        return SP_READ(read_templates(attribute, policy), 0);
    case XFRMA_POLICY_TYPE:
        return SP_READ(read_policy_type(attribute, policy), SP_XFRM_HAS_TYPE);
    case XFRMA_MARK:
        return SP_READ(read_mark(attribute, &policy->mark), SP_XFRM_HAS_MARK);
    case XFRMA_IF_ID:
        return SP_READ(read_number(attribute, &policy->interface_id), SP_XFRM_HAS_INTERFACE_ID);
    case XFRMA_OFFLOAD_DEV:
        return SP_READ(read_device(attribute, &policy->device), SP_XFRM_HAS_DEVICE);
    case XFRMA_POLICY:
        return SP_READ(read_whole_policy(attribute, policy), SP_XFRM_HAS_WHOLE);
    default:
        return 0;
    }
#undef SP_READ
}

bool sp_xfrm_read_policy_attributes(struct sp_xfrm_rest rest, struct sp_xfrm_policy *policy)
{
    struct sp_xfrm_attribute attribute;
    bool is_broken;

    while (sp_xfrm_next_attribute(&rest, &attribute, &is_broken)) {
        int has = read_policy_attribute(&attribute, policy);
        if (has < 0)
            return false;
        policy->has |= (uint32_t)has;
    }
    return !is_broken;
}
