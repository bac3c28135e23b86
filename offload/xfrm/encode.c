/* SPDX-License-Identifier: ISC
 *
 * Writes XFRM messages. A message is a netlink header, a fixed part that its type says, and attributes; each
 * piece is zeroed before it is filled, and room is checked in one place. Netlink aligns to 4 bytes, many of
 * linux/xfrm.h's structs want 8: those are filled beside the message and copied.
 */
#include "xfrm/parts.h"

#include <libmnl/libmnl.h>

#include <arpa/inet.h>
#include <string.h>

struct writer {
    struct nlmsghdr *header;
    size_t capacity_bytes;
    bool is_full; /* something didn't fit: the message is worth nothing */
};

/* The next len_bytes of the message, zeroed up to the alignment; NULL: no room. */
static void *reserve(struct writer *writer, size_t len_bytes)
{
    size_t padded_bytes = MNL_ALIGN(len_bytes);

    if (writer->is_full || padded_bytes > writer->capacity_bytes - writer->header->nlmsg_len) {
        writer->is_full = true;
        return NULL;
    }
    void *place = (char *)writer->header + writer->header->nlmsg_len;
    writer->header->nlmsg_len += (uint32_t)padded_bytes;
    return memset(place, 0, padded_bytes);
}

static void *reserve_attribute(struct writer *writer, uint16_t type, size_t payload_bytes)
{
    struct nlattr *attribute = reserve(writer, MNL_ATTR_HDRLEN + payload_bytes);

    if (attribute == NULL)
        return NULL;
    attribute->nla_type = type;
    attribute->nla_len = (uint16_t)(MNL_ATTR_HDRLEN + payload_bytes);
    return mnl_attr_get_payload(attribute);
}

/* The fixed part. */
static void put_fixed(struct writer *writer, const void *part, size_t part_bytes)
{
    void *place = reserve(writer, part_bytes);

    if (place != NULL)
        memcpy(place, part, part_bytes);
}

static void put(struct writer *writer, uint16_t type, const void *payload, size_t payload_bytes)
{
    void *place = reserve_attribute(writer, type, payload_bytes);

    if (place != NULL)
        memcpy(place, payload, payload_bytes);
}

static void put_number(struct writer *writer, uint16_t type, uint32_t number)
{
    put(writer, type, &number, sizeof number);
}

/* struct xfrm_algo: the name, the length of the key, and the key; struct xfrm_algo_auth and xfrm_algo_aead
 * have the length of the ICV before the key. The key goes from the caller's memory to the message alone. */
static void put_algorithm(struct writer *writer, uint16_t type, const struct sp_xfrm_algorithm *algorithm,
                          bool has_icv)
{
    size_t key_bytes = (algorithm->key_bits + 7) / 8;
    size_t fixed_bytes = SP_XFRM_NAME_BYTES + (has_icv ? 2 : 1) * sizeof(uint32_t);

    if (algorithm->name[0] == '\0')
        return;
    if (algorithm->key_bits > SP_XFRM_KEY_BITS_MAX) {
        writer->is_full = true;
        return;
    }
    char *place = reserve_attribute(writer, type, fixed_bytes + key_bytes);
    if (place == NULL)
        return;
    memcpy(place, algorithm->name, SP_XFRM_NAME_BYTES);
    memcpy(place + SP_XFRM_NAME_BYTES, &algorithm->key_bits, sizeof algorithm->key_bits);
    if (has_icv)
        memcpy(place + SP_XFRM_NAME_BYTES + sizeof(uint32_t), &algorithm->icv_bits,
               sizeof algorithm->icv_bits);
    if (key_bytes > 0)
        memcpy(place + fixed_bytes, algorithm->key, key_bytes);
}

static void put_encap(struct writer *writer, const struct sp_xfrm_encap *encap)
{
    struct xfrm_encap_tmpl out = {.encap_type = encap->type,
                                  .encap_sport = htons(encap->source_port),
                                  .encap_dport = htons(encap->destination_port)};

    sp_xfrm_put_address(&encap->original, &out.encap_oa);
    put(writer, XFRMA_ENCAP, &out, sizeof out);
}

static void put_mark(struct writer *writer, const struct sp_xfrm_mark *mark)
{
    const struct xfrm_mark out = {.v = mark->value, .m = mark->mask};

    put(writer, XFRMA_MARK, &out, sizeof out);
}

static void put_used(struct writer *writer, const struct sp_xfrm_used *used)
{
    struct xfrm_lifetime_cur out;

    sp_xfrm_put_used(used, &out);
    put(writer, XFRMA_LTIME_VAL, &out, sizeof out);
}

static void put_device(struct writer *writer, const struct sp_xfrm_device *device)
{
    struct xfrm_user_offload *out = reserve_attribute(writer, XFRMA_OFFLOAD_DEV, sizeof *out);

    if (out == NULL)
        return;
    out->ifindex = device->interface;
    out->flags = device->flags;
}

static void put_replay_esn(struct writer *writer, const struct sp_xfrm_replay_esn *replay)
{
    size_t bitmap_bytes = replay->bitmap_words * sizeof *replay->bitmap;

    if (replay->bitmap_words > SP_XFRM_BITMAP_WORDS_MAX) {
        writer->is_full = true;
        return;
    }
    struct xfrm_replay_state_esn *out =
        reserve_attribute(writer, XFRMA_REPLAY_ESN_VAL, sizeof *out + bitmap_bytes);
    if (out == NULL)
        return;
    out->bmp_len = replay->bitmap_words;
    out->oseq = replay->sequence_sent;
    out->seq = replay->sequence_received;
    out->oseq_hi = replay->sequence_sent_high;
    out->seq_hi = replay->sequence_received_high;
    out->replay_window = replay->window_packets;
    memcpy(out->bmp, replay->bitmap, bitmap_bytes);
}

static void put_replay(struct writer *writer, const struct sp_xfrm_sa *sa)
{
    const struct xfrm_replay_state out = {
        .oseq = sa->replay.sequence_sent, .seq = sa->replay.sequence_received, .bitmap = sa->replay.bitmap};

    if (sa->has & SP_XFRM_HAS_REPLAY)
        put(writer, XFRMA_REPLAY_VAL, &out, sizeof out);
    if (sa->has & SP_XFRM_HAS_REPLAY_ESN)
        put_replay_esn(writer, &sa->replay_esn);
}

/* What messages that only name an SA may say too. */
static void put_sa_scope(struct writer *writer, const struct sp_xfrm_sa *sa)
{
    if (sa->has & SP_XFRM_HAS_MARK)
        put_mark(writer, &sa->mark);
    if (sa->has & SP_XFRM_HAS_INTERFACE_ID)
        put_number(writer, XFRMA_IF_ID, sa->interface_id);
}

static void put_sa_attributes(struct writer *writer, const struct sp_xfrm_sa *sa)
{
    put_algorithm(writer, XFRMA_ALG_AEAD, &sa->aead, true);
    put_algorithm(writer, XFRMA_ALG_CRYPT, &sa->encryption, false);
    put_algorithm(writer, XFRMA_ALG_AUTH_TRUNC, &sa->integrity, true);
    if (sa->has & SP_XFRM_HAS_ENCAP)
        put_encap(writer, &sa->encap);
    put_replay(writer, sa);
    put_sa_scope(writer, sa);
    if (sa->has & SP_XFRM_HAS_DEVICE)
        put_device(writer, &sa->device);
    if (sa->has & SP_XFRM_HAS_OUTPUT_MARK) {
        put_number(writer, XFRMA_SET_MARK, sa->output_mark.value);
        put_number(writer, XFRMA_SET_MARK_MASK, sa->output_mark.mask);
    }
    if (sa->has & SP_XFRM_HAS_EXTRA_FLAGS)
        put_number(writer, XFRMA_SA_EXTRA_FLAGS, sa->extra_flags);
    if (sa->has & SP_XFRM_HAS_PADDING)
        put_number(writer, XFRMA_TFCPAD, sa->padding_bytes);
    if (sa->has & SP_XFRM_HAS_USED)
        put_used(writer, &sa->used);
    if (sa->has & SP_XFRM_HAS_LAST_USED)
        put(writer, XFRMA_LASTUSED, &sa->last_used_at, sizeof sa->last_used_at);
}

static void put_sa_id(const struct sp_xfrm_sa *sa, struct xfrm_usersa_id *out)
{
    sp_xfrm_put_address(&sa->destination, &out->daddr);
    out->spi = htonl(sa->spi);
    out->family = sp_xfrm_family_number(sa->family);
    out->proto = sa->protocol;
}

static void encode_sa(struct writer *writer, const struct sp_xfrm_message *message)
{
    struct xfrm_usersa_info out;

    sp_xfrm_put_sa(&message->sa, &out);
    put_fixed(writer, &out, sizeof out);
    put_sa_attributes(writer, &message->sa);
}

static void encode_sa_name(struct writer *writer, const struct sp_xfrm_message *message)
{
    const struct sp_xfrm_sa *sa = &message->sa;

    if (message->flags & NLM_F_DUMP)
        return;
    struct xfrm_usersa_id *id = reserve(writer, sizeof *id);
    if (id != NULL)
        put_sa_id(sa, id);
    if (sa->has & SP_XFRM_HAS_WHOLE) {
        struct xfrm_usersa_info info;
        sp_xfrm_put_sa(sa, &info);
        put(writer, XFRMA_SA, &info, sizeof info);
        put_sa_attributes(writer, sa);
        return;
    }
    if (sa->source.family != 0) {
        xfrm_address_t *source = reserve_attribute(writer, XFRMA_SRCADDR, sizeof *source);
        if (source != NULL)
            sp_xfrm_put_address(&sa->source, source);
    }
    put_sa_scope(writer, sa);
}

static void encode_sa_flush(struct writer *writer, const struct sp_xfrm_message *message)
{
    struct xfrm_usersa_flush *out = reserve(writer, sizeof *out);

    if (out != NULL)
        out->proto = message->sa.protocol;
}

static void encode_expire(struct writer *writer, const struct sp_xfrm_message *message)
{
    struct xfrm_user_expire out;

    memset(&out, 0, sizeof out);
    sp_xfrm_put_sa(&message->sa, &out.state);
    out.hard = message->is_hard;
    put_fixed(writer, &out, sizeof out);
    put_sa_scope(writer, &message->sa);
}

static void encode_spi(struct writer *writer, const struct sp_xfrm_message *message)
{
    struct xfrm_userspi_info out;

    memset(&out, 0, sizeof out);
    sp_xfrm_put_sa(&message->sa, &out.info);
    out.min = message->spi_min;
    out.max = message->spi_max;
    put_fixed(writer, &out, sizeof out);
    put_sa_scope(writer, &message->sa);
}

static void put_policy_type(struct writer *writer, const struct sp_xfrm_policy *policy)
{
    const struct xfrm_userpolicy_type out = {.type = policy->type};

    if (policy->has & SP_XFRM_HAS_TYPE)
        put(writer, XFRMA_POLICY_TYPE, &out, sizeof out);
}

static void put_policy_scope(struct writer *writer, const struct sp_xfrm_policy *policy)
{
    put_policy_type(writer, policy);
    if (policy->has & SP_XFRM_HAS_MARK)
        put_mark(writer, &policy->mark);
    if (policy->has & SP_XFRM_HAS_INTERFACE_ID)
        put_number(writer, XFRMA_IF_ID, policy->interface_id);
}

static void put_policy_attributes(struct writer *writer, const struct sp_xfrm_policy *policy)
{
    if (policy->template_count > SP_XFRM_TEMPLATES_MAX) {
        writer->is_full = true;
        return;
    }
    if (policy->template_count > 0) {
        struct xfrm_user_tmpl *out =
            reserve_attribute(writer, XFRMA_TMPL, policy->template_count * sizeof *out);
        for (uint32_t i = 0; out != NULL && i < policy->template_count; i++)
            sp_xfrm_put_template(&policy->templates[i], &out[i]);
    }
    put_policy_scope(writer, policy);
    if (policy->has & SP_XFRM_HAS_DEVICE)
        put_device(writer, &policy->device);
}

static void encode_policy(struct writer *writer, const struct sp_xfrm_message *message)
{
    struct xfrm_userpolicy_info out;

    sp_xfrm_put_policy(&message->policy, &out);
    put_fixed(writer, &out, sizeof out);
    put_policy_attributes(writer, &message->policy);
}

static void encode_policy_name(struct writer *writer, const struct sp_xfrm_message *message)
{
    const struct sp_xfrm_policy *policy = &message->policy;

    if (message->flags & NLM_F_DUMP)
        return;
    struct xfrm_userpolicy_id *id = reserve(writer, sizeof *id);
    if (id != NULL) {
        sp_xfrm_put_selector(&policy->selector, &id->sel);
        id->index = policy->index;
        id->dir = policy->direction;
    }
    if (policy->has & SP_XFRM_HAS_WHOLE) {
        struct xfrm_userpolicy_info info;
        sp_xfrm_put_policy(policy, &info);
        put(writer, XFRMA_POLICY, &info, sizeof info);
        put_policy_attributes(writer, policy);
        return;
    }
    put_policy_scope(writer, policy);
}

static void encode_policy_flush(struct writer *writer, const struct sp_xfrm_message *message)
{
    put_policy_type(writer, &message->policy);
}

static void encode_policy_expire(struct writer *writer, const struct sp_xfrm_message *message)
{
    struct xfrm_user_polexpire out;

    memset(&out, 0, sizeof out);
    sp_xfrm_put_policy(&message->policy, &out.pol);
    out.hard = message->is_hard;
    put_fixed(writer, &out, sizeof out);
    put_policy_attributes(writer, &message->policy);
}

static void encode_acquire(struct writer *writer, const struct sp_xfrm_message *message)
{
    const struct sp_xfrm_acquire *acquire = &message->acquire;
    struct xfrm_user_acquire out;

    memset(&out, 0, sizeof out);
    sp_xfrm_put_address(&acquire->destination, &out.id.daddr);
    out.id.spi = htonl(acquire->spi);
    out.id.proto = acquire->protocol;
    sp_xfrm_put_address(&acquire->source, &out.saddr);
    sp_xfrm_put_selector(&acquire->selector, &out.sel);
    sp_xfrm_put_policy(&acquire->policy, &out.policy);
    out.aalgos = acquire->integrity_algorithms;
    out.ealgos = acquire->encryption_algorithms;
    out.calgos = acquire->compression_algorithms;
    out.seq = acquire->sequence;
    put_fixed(writer, &out, sizeof out);
    put_policy_attributes(writer, &acquire->policy);
}

static void encode_aevent(struct writer *writer, const struct sp_xfrm_message *message)
{
    const struct sp_xfrm_sa *sa = &message->aevent.sa;
    struct xfrm_aevent_id *out = reserve(writer, sizeof *out);

    if (out != NULL) {
        put_sa_id(sa, &out->sa_id);
        sp_xfrm_put_address(&sa->source, &out->saddr);
        out->flags = message->aevent.flags;
        out->reqid = sa->reqid;
    }
    put_replay(writer, sa);
    if (sa->has & SP_XFRM_HAS_USED) {
        struct xfrm_lifetime_cur used;
        sp_xfrm_put_used(&sa->used, &used);
        put(writer, XFRMA_LTIME_VAL, &used, sizeof used);
    }
    put_sa_scope(writer, sa);
}

static void encode_mapping(struct writer *writer, const struct sp_xfrm_message *message)
{
    const struct sp_xfrm_mapping *mapping = &message->mapping;
    struct xfrm_user_mapping *out = reserve(writer, sizeof *out);

    if (out == NULL)
        return;
    sp_xfrm_put_address(&mapping->destination, &out->id.daddr);
    out->id.spi = htonl(mapping->spi);
    out->id.family = sp_xfrm_family_number(mapping->family);
    out->id.proto = mapping->protocol;
    out->reqid = mapping->reqid;
    sp_xfrm_put_address(&mapping->old_source, &out->old_saddr);
    sp_xfrm_put_address(&mapping->new_source, &out->new_saddr);
    out->old_sport = htons(mapping->old_source_port);
    out->new_sport = htons(mapping->new_source_port);
}

typedef void encoder(struct writer *writer, const struct sp_xfrm_message *message);

static encoder *const encoders[__XFRM_MSG_MAX] = {
    [XFRM_MSG_NEWSA] = encode_sa,
    [XFRM_MSG_UPDSA] = encode_sa,
    [XFRM_MSG_DELSA] = encode_sa_name,
    [XFRM_MSG_GETSA] = encode_sa_name,
    [XFRM_MSG_FLUSHSA] = encode_sa_flush,
    [XFRM_MSG_EXPIRE] = encode_expire,
    [XFRM_MSG_ALLOCSPI] = encode_spi,
    [XFRM_MSG_NEWPOLICY] = encode_policy,
    [XFRM_MSG_UPDPOLICY] = encode_policy,
    [XFRM_MSG_DELPOLICY] = encode_policy_name,
    [XFRM_MSG_GETPOLICY] = encode_policy_name,
    [XFRM_MSG_FLUSHPOLICY] = encode_policy_flush,
    [XFRM_MSG_POLEXPIRE] = encode_policy_expire,
    [XFRM_MSG_ACQUIRE] = encode_acquire,
    [XFRM_MSG_NEWAE] = encode_aevent,
    [XFRM_MSG_GETAE] = encode_aevent,
    [XFRM_MSG_MAPPING] = encode_mapping,
};

size_t sp_xfrm_encode(const struct sp_xfrm_message *message, void *buffer, size_t capacity_bytes)
{
    if (message->type >= __XFRM_MSG_MAX || encoders[message->type] == NULL ||
        capacity_bytes < MNL_NLMSG_HDRLEN)
        return 0;
    struct writer writer = {.header = mnl_nlmsg_put_header(buffer), .capacity_bytes = capacity_bytes};
    writer.header->nlmsg_type = message->type;
    writer.header->nlmsg_flags = message->flags;
    writer.header->nlmsg_seq = message->sequence;
    writer.header->nlmsg_pid = message->port;
    encoders[message->type](&writer, message);
    return writer.is_full ? 0 : writer.header->nlmsg_len;
}
