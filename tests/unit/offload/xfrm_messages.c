/* SPDX-License-Identifier: ISC
 *
 * Every field is set and every field is compared: a field that the codec forgets in both directions shows.
 */
#include "xfrm_messages.h"

#include <string.h>

const uint16_t xfrm_types[] = {
    XFRM_MSG_NEWSA,     XFRM_MSG_UPDSA,       XFRM_MSG_DELSA,     XFRM_MSG_GETSA,     XFRM_MSG_FLUSHSA,
    XFRM_MSG_EXPIRE,    XFRM_MSG_ALLOCSPI,    XFRM_MSG_NEWPOLICY, XFRM_MSG_UPDPOLICY, XFRM_MSG_DELPOLICY,
    XFRM_MSG_GETPOLICY, XFRM_MSG_FLUSHPOLICY, XFRM_MSG_POLEXPIRE, XFRM_MSG_ACQUIRE,   XFRM_MSG_NEWAE,
    XFRM_MSG_GETAE,     XFRM_MSG_MAPPING,
};
const size_t xfrm_type_count = sizeof xfrm_types / sizeof *xfrm_types;

uint64_t chance(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static uint8_t byte(uint64_t *state)
{
    return (uint8_t)(chance(state) >> 24);
}
static uint16_t half(uint64_t *state)
{
    return (uint16_t)(chance(state) >> 24);
}
static uint32_t word(uint64_t *state)
{
    return (uint32_t)(chance(state) >> 24);
}

static uint8_t family(uint64_t *state)
{
    static const uint8_t families[] = {4, 6, 0};
    return families[chance(state) % 3];
}

static struct sp_address address(uint64_t *state, uint8_t of_family)
{
    struct sp_address result = {.family = of_family};
    for (size_t i = 0; i < (of_family == 4 ? 4 : 16); i++)
        result.bytes[i] = byte(state);
    return result;
}

static struct sp_xfrm_selector selector(uint64_t *state)
{
    uint8_t of_family = family(state);
    return (struct sp_xfrm_selector){
        .family = of_family,
        .source = address(state, of_family),
        .destination = address(state, of_family),
        .source_prefix_bits = byte(state),
        .destination_prefix_bits = byte(state),
        .source_port = half(state),
        .source_port_mask = half(state),
        .destination_port = half(state),
        .destination_port_mask = half(state),
        .protocol = byte(state),
        .interface = (int32_t)word(state),
        .user = word(state),
    };
}

static void limits_and_use(uint64_t *state, struct sp_xfrm_limits *limits, struct sp_xfrm_used *used)
{
    *limits = (struct sp_xfrm_limits){chance(state), chance(state), chance(state), chance(state),
                                      chance(state), chance(state), chance(state), chance(state)};
    *used = (struct sp_xfrm_used){chance(state), chance(state), chance(state), chance(state)};
}

static struct sp_xfrm_algorithm algorithm(uint64_t *state, const uint8_t *keys, bool has_icv)
{
    struct sp_xfrm_algorithm result = {.name = ""};
    if (chance(state) % 4 == 0)
        return result;
    size_t name_bytes = 1 + chance(state) % (SP_XFRM_NAME_BYTES - 1);
    for (size_t i = 0; i < name_bytes; i++)
        result.name[i] = (char)('a' + chance(state) % 26);
    result.key_bits = word(state) % (SP_XFRM_KEY_BITS_MAX + 1);
    result.key = result.key_bits > 0 ? keys : NULL;
    result.icv_bits = has_icv ? 1 + word(state) % 1000 : 0;
    return result;
}

static void sa_scope(uint64_t *state, struct sp_xfrm_sa *sa)
{
    if (sa->has & SP_XFRM_HAS_MARK)
        sa->mark = (struct sp_xfrm_mark){word(state), word(state)};
    if (sa->has & SP_XFRM_HAS_INTERFACE_ID)
        sa->interface_id = word(state);
}

static void sa_replay(uint64_t *state, struct sp_xfrm_sa *sa)
{
    if (sa->has & SP_XFRM_HAS_REPLAY)
        sa->replay = (struct sp_xfrm_replay){word(state), word(state), word(state)};
    if (sa->has & SP_XFRM_HAS_REPLAY_ESN) {
        sa->replay_esn = (struct sp_xfrm_replay_esn){word(state), word(state),       word(state), word(state),
                                                     word(state), word(state) % 129, {0}};
        for (uint32_t i = 0; i < sa->replay_esn.bitmap_words; i++)
            sa->replay_esn.bitmap[i] = word(state);
    }
}

static void sa_name(uint64_t *state, struct sp_xfrm_sa *sa)
{
    sa->family = family(state);
    sa->destination = address(state, sa->family);
    sa->spi = word(state);
    sa->protocol = byte(state);
}

static void sa_info(uint64_t *state, struct sp_xfrm_sa *sa)
{
    sa_name(state, sa);
    sa->source = address(state, sa->family);
    sa->selector = selector(state);
    limits_and_use(state, &sa->limits, &sa->used);
    sa->replay_window_failures = word(state);
    sa->replay_failures = word(state);
    sa->integrity_failures = word(state);
    sa->acquire_sequence = word(state);
    sa->reqid = word(state);
    sa->mode = byte(state);
    sa->replay_window_packets = byte(state);
    sa->flags = byte(state);
    sa_scope(state, sa);
}

static void sa_attributes(uint64_t *state, const uint8_t *keys, struct sp_xfrm_sa *sa)
{
    sa->encryption = algorithm(state, keys, false);
    sa->integrity = algorithm(state, keys, true);
    sa->aead = algorithm(state, keys, true);
    if (sa->has & SP_XFRM_HAS_ENCAP)
        sa->encap = (struct sp_xfrm_encap){half(state), half(state), half(state), address(state, sa->family)};
    sa_replay(state, sa);
    if (sa->has & SP_XFRM_HAS_DEVICE)
        sa->device = (struct sp_xfrm_device){(int32_t)word(state), byte(state)};
    if (sa->has & SP_XFRM_HAS_OUTPUT_MARK)
        sa->output_mark = (struct sp_xfrm_mark){word(state), word(state)};
    if (sa->has & SP_XFRM_HAS_EXTRA_FLAGS)
        sa->extra_flags = word(state);
    if (sa->has & SP_XFRM_HAS_PADDING)
        sa->padding_bytes = word(state);
    if (sa->has & SP_XFRM_HAS_LAST_USED)
        sa->last_used_at = chance(state);
}

#define SA_SCOPE (SP_XFRM_HAS_MARK | SP_XFRM_HAS_INTERFACE_ID)
#define SA_ATTRIBUTES                                                                                        \
    (SA_SCOPE | SP_XFRM_HAS_ENCAP | SP_XFRM_HAS_REPLAY | SP_XFRM_HAS_REPLAY_ESN | SP_XFRM_HAS_DEVICE |       \
     SP_XFRM_HAS_OUTPUT_MARK | SP_XFRM_HAS_EXTRA_FLAGS | SP_XFRM_HAS_PADDING | SP_XFRM_HAS_LAST_USED |       \
     SP_XFRM_HAS_USED)

static void sa_of_chance(uint64_t *state, uint16_t type, const uint8_t *keys, struct sp_xfrm_message *message)
{
    struct sp_xfrm_sa *sa = &message->sa;
    const bool is_name = type == XFRM_MSG_DELSA || type == XFRM_MSG_GETSA;
    const bool is_whole = is_name && chance(state) % 2;

    if (type == XFRM_MSG_FLUSHSA) {
        sa->protocol = byte(state);
        return;
    }
    if (is_name && chance(state) % 8 == 0) {
        message->flags |= NLM_F_DUMP;
        return;
    }
    if (type == XFRM_MSG_NEWSA || type == XFRM_MSG_UPDSA || is_whole) {
        sa->has = word(state) & SA_ATTRIBUTES;
        sa->has |= is_whole ? (uint32_t)SP_XFRM_HAS_WHOLE : 0;
        sa_info(state, sa);
        sa_attributes(state, keys, sa);
        return;
    }
    sa->has = word(state) & SA_SCOPE;
    if (!is_name) {
        sa_info(state, sa);
        return;
    }
    sa_name(state, sa);
    sa_scope(state, sa);
    if (chance(state) % 2 && sa->family != 0)
        sa->source = address(state, sa->family);
}

static struct sp_xfrm_template template(uint64_t *state)
{
    uint8_t of_family = family(state);
    return (struct sp_xfrm_template){
        .family = of_family,
        .source = address(state, of_family),
        .destination = address(state, of_family),
        .spi = word(state),
        .reqid = word(state),
        .protocol = byte(state),
        .mode = byte(state),
        .share = byte(state),
        .is_optional = chance(state) % 2,
        .integrity_algorithms = word(state),
        .encryption_algorithms = word(state),
        .compression_algorithms = word(state),
    };
}

#define POLICY_SCOPE (SP_XFRM_HAS_TYPE | SP_XFRM_HAS_MARK | SP_XFRM_HAS_INTERFACE_ID)

static void policy_scope(uint64_t *state, struct sp_xfrm_policy *policy)
{
    if (policy->has & SP_XFRM_HAS_TYPE)
        policy->type = byte(state);
    if (policy->has & SP_XFRM_HAS_MARK)
        policy->mark = (struct sp_xfrm_mark){word(state), word(state)};
    if (policy->has & SP_XFRM_HAS_INTERFACE_ID)
        policy->interface_id = word(state);
}

static void policy_info(uint64_t *state, struct sp_xfrm_policy *policy)
{
    policy->selector = selector(state);
    limits_and_use(state, &policy->limits, &policy->used);
    policy->priority = word(state);
    policy->index = word(state);
    policy->direction = byte(state);
    policy->action = byte(state);
    policy->flags = byte(state);
    policy->share = byte(state);
    policy->template_count = word(state) % (SP_XFRM_TEMPLATES_MAX + 1);
    for (uint32_t i = 0; i < policy->template_count; i++)
        policy->templates[i] = template(state);
    policy_scope(state, policy);
    if (policy->has & SP_XFRM_HAS_DEVICE)
        policy->device = (struct sp_xfrm_device){(int32_t)word(state), byte(state)};
}

static void policy_of_chance(uint64_t *state, uint16_t type, struct sp_xfrm_message *message)
{
    struct sp_xfrm_policy *policy = &message->policy;
    const bool is_name = type == XFRM_MSG_DELPOLICY || type == XFRM_MSG_GETPOLICY;
    const bool is_whole = is_name && chance(state) % 2;

    if (type == XFRM_MSG_FLUSHPOLICY) {
        policy->has = SP_XFRM_HAS_TYPE;
        policy->type = byte(state);
        return;
    }
    if (is_name && chance(state) % 8 == 0) {
        message->flags |= NLM_F_DUMP;
        return;
    }
    policy->has = word(state) & POLICY_SCOPE;
    if (!is_name || is_whole) {
        policy->has |= word(state) & SP_XFRM_HAS_DEVICE;
        policy->has |= is_whole ? (uint32_t)SP_XFRM_HAS_WHOLE : 0;
        policy_info(state, policy);
        return;
    }
    policy->selector = selector(state);
    policy->index = word(state);
    policy->direction = byte(state);
    policy_scope(state, policy);
}

static void acquire_of_chance(uint64_t *state, struct sp_xfrm_acquire *acquire)
{
    acquire->selector = selector(state);
    acquire->source = address(state, acquire->selector.family);
    acquire->destination = address(state, acquire->selector.family);
    acquire->spi = word(state);
    acquire->sequence = word(state);
    acquire->protocol = byte(state);
    acquire->integrity_algorithms = word(state);
    acquire->encryption_algorithms = word(state);
    acquire->compression_algorithms = word(state);
    acquire->policy.has = word(state) & POLICY_SCOPE;
    policy_info(state, &acquire->policy);
}

static void aevent_of_chance(uint64_t *state, struct sp_xfrm_aevent *aevent)
{
    struct sp_xfrm_sa *sa = &aevent->sa;

    aevent->flags = word(state);
    sa->has = word(state) & (SA_SCOPE | SP_XFRM_HAS_REPLAY | SP_XFRM_HAS_REPLAY_ESN | SP_XFRM_HAS_USED);
    sa_name(state, sa);
    sa->source = address(state, sa->family);
    sa->reqid = word(state);
    sa_scope(state, sa);
    sa_replay(state, sa);
    if (sa->has & SP_XFRM_HAS_USED)
        sa->used = (struct sp_xfrm_used){chance(state), chance(state), chance(state), chance(state)};
}

static void mapping_of_chance(uint64_t *state, struct sp_xfrm_mapping *mapping)
{
    mapping->family = family(state);
    mapping->destination = address(state, mapping->family);
    mapping->old_source = address(state, mapping->family);
    mapping->new_source = address(state, mapping->family);
    mapping->protocol = byte(state);
    mapping->spi = word(state);
    mapping->reqid = word(state);
    mapping->old_source_port = half(state);
    mapping->new_source_port = half(state);
}

void message_of_chance(uint64_t *state, uint16_t type, const uint8_t *keys, struct sp_xfrm_message *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->type = type;
    ret->flags = half(state) & ~NLM_F_DUMP & 0xffff;
    ret->sequence = word(state);
    ret->port = word(state);
    ret->is_hard = (type == XFRM_MSG_EXPIRE || type == XFRM_MSG_POLEXPIRE) && chance(state) % 2;
    if (type == XFRM_MSG_ALLOCSPI) {
        ret->spi_min = word(state);
        ret->spi_max = word(state);
    }
    switch (type) {
    case XFRM_MSG_NEWPOLICY:
    case XFRM_MSG_UPDPOLICY:
    case XFRM_MSG_DELPOLICY:
    case XFRM_MSG_GETPOLICY:
    case XFRM_MSG_FLUSHPOLICY:
    case XFRM_MSG_POLEXPIRE:
        policy_of_chance(state, type, ret);
        return;
    case XFRM_MSG_ACQUIRE:
        acquire_of_chance(state, &ret->acquire);
        return;
    case XFRM_MSG_NEWAE:
    case XFRM_MSG_GETAE:
        aevent_of_chance(state, &ret->aevent);
        return;
    case XFRM_MSG_MAPPING:
        mapping_of_chance(state, &ret->mapping);
        return;
    default:
        sa_of_chance(state, type, keys, ret);
    }
}

/* ---- comparing */

#define SAME(field)                                                                                          \
    if (left->field != right->field)                                                                         \
    return #field
#define SAME_BYTES(field)                                                                                    \
    if (memcmp(&left->field, &right->field, sizeof left->field) != 0)                                        \
    return #field
#define SAME_BY(compare, field)                                                                              \
    do {                                                                                                     \
        const char *part = compare(&left->field, &right->field);                                             \
        if (part != NULL)                                                                                    \
            return part;                                                                                     \
    } while (0)

static const char *selectors(const struct sp_xfrm_selector *left, const struct sp_xfrm_selector *right)
{
    SAME(family);
    SAME_BYTES(source);
    SAME_BYTES(destination);
    SAME(source_prefix_bits);
    SAME(destination_prefix_bits);
    SAME(source_port);
    SAME(source_port_mask);
    SAME(destination_port);
    SAME(destination_port_mask);
    SAME(protocol);
    SAME(interface);
    SAME(user);
    return NULL;
}

static const char *algorithms(const struct sp_xfrm_algorithm *left, const struct sp_xfrm_algorithm *right)
{
    SAME_BYTES(name);
    SAME(key_bits);
    SAME(icv_bits);
    if ((left->key == NULL) != (right->key == NULL))
        return "whether there is a key";
    return left->key != NULL && memcmp(left->key, right->key, (left->key_bits + 7) / 8) != 0 ? "key" : NULL;
}

static const char *sas(const struct sp_xfrm_sa *left, const struct sp_xfrm_sa *right)
{
    SAME(has);
    SAME(family);
    SAME(spi);
    SAME(protocol);
    SAME_BYTES(source);
    SAME_BYTES(destination);
    SAME_BY(selectors, selector);
    SAME_BYTES(limits);
    SAME_BYTES(used);
    SAME(replay_window_failures);
    SAME(replay_failures);
    SAME(integrity_failures);
    SAME(acquire_sequence);
    SAME(reqid);
    SAME(mode);
    SAME(replay_window_packets);
    SAME(flags);
    SAME_BY(algorithms, encryption);
    SAME_BY(algorithms, integrity);
    SAME_BY(algorithms, aead);
    SAME(encap.type);
    SAME(encap.source_port);
    SAME(encap.destination_port);
    SAME_BYTES(encap.original);
    SAME_BYTES(mark);
    SAME_BYTES(output_mark);
    SAME(interface_id);
    SAME(extra_flags);
    SAME(padding_bytes);
    SAME(device.interface);
    SAME(device.flags);
    SAME_BYTES(replay);
    SAME_BYTES(replay_esn);
    SAME(last_used_at);
    return NULL;
}

static const char *templates(const struct sp_xfrm_template *left, const struct sp_xfrm_template *right)
{
    SAME(family);
    SAME_BYTES(source);
    SAME_BYTES(destination);
    SAME(spi);
    SAME(reqid);
    SAME(protocol);
    SAME(mode);
    SAME(share);
    SAME(is_optional);
    SAME(integrity_algorithms);
    SAME(encryption_algorithms);
    SAME(compression_algorithms);
    return NULL;
}

static const char *policies(const struct sp_xfrm_policy *left, const struct sp_xfrm_policy *right)
{
    SAME(has);
    SAME_BY(selectors, selector);
    SAME_BYTES(limits);
    SAME_BYTES(used);
    SAME(priority);
    SAME(index);
    SAME(direction);
    SAME(action);
    SAME(flags);
    SAME(share);
    SAME(type);
    SAME(template_count);
    for (uint32_t i = 0; i < left->template_count; i++)
        SAME_BY(templates, templates[i]);
    SAME_BYTES(mark);
    SAME(interface_id);
    SAME(device.interface);
    SAME(device.flags);
    return NULL;
}

static const char *acquires(const struct sp_xfrm_acquire *left, const struct sp_xfrm_acquire *right)
{
    SAME_BYTES(source);
    SAME_BYTES(destination);
    SAME(spi);
    SAME(sequence);
    SAME(protocol);
    SAME_BY(selectors, selector);
    SAME_BY(policies, policy);
    SAME(integrity_algorithms);
    SAME(encryption_algorithms);
    SAME(compression_algorithms);
    return NULL;
}

static const char *mappings(const struct sp_xfrm_mapping *left, const struct sp_xfrm_mapping *right)
{
    SAME_BYTES(destination);
    SAME_BYTES(old_source);
    SAME_BYTES(new_source);
    SAME(family);
    SAME(protocol);
    SAME(spi);
    SAME(reqid);
    SAME(old_source_port);
    SAME(new_source_port);
    return NULL;
}

const char *message_difference(const struct sp_xfrm_message *left, const struct sp_xfrm_message *right)
{
    SAME(type);
    SAME(flags);
    SAME(sequence);
    SAME(port);
    SAME(is_hard);
    SAME(spi_min);
    SAME(spi_max);
    switch (left->type) {
    case XFRM_MSG_NEWPOLICY:
    case XFRM_MSG_UPDPOLICY:
    case XFRM_MSG_DELPOLICY:
    case XFRM_MSG_GETPOLICY:
    case XFRM_MSG_FLUSHPOLICY:
    case XFRM_MSG_POLEXPIRE:
        return policies(&left->policy, &right->policy);
    case XFRM_MSG_ACQUIRE:
        return acquires(&left->acquire, &right->acquire);
    case XFRM_MSG_NEWAE:
    case XFRM_MSG_GETAE:
        SAME(aevent.flags);
        return sas(&left->aevent.sa, &right->aevent.sa);
    case XFRM_MSG_MAPPING:
        return mappings(&left->mapping, &right->mapping);
    default:
        return sas(&left->sa, &right->sa);
    }
}
