/* SPDX-License-Identifier: ISC
 *
 * The kernel with a NIC.
 */
#include "fake_nic.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <string.h>

#define OTHER_INTERFACE 77

/* ---- what drivers say -----------------------------------------------------------------------------------
 */

struct verdict {
    int error;
    const char *text; /* NULL: none */
    bool is_silent;   /* done in software */
};

static bool is_gcm16(const struct sp_xfrm_sa *sa)
{
    return strcmp(sa->aead.name, "rfc4106(gcm(aes))") == 0 && sa->aead.icv_bits == 128;
}

static struct verdict refuse(int error, const char *text)
{
    return (struct verdict){.error = error, .text = text};
}

static const struct verdict taken = {.error = 0};

static struct verdict ask_mlx5(const struct sp_xfrm_sa *sa)
{
    const uint32_t window = sa->replay_esn.window_packets;
    const bool is_inbound = (sa->device.flags & XFRM_OFFLOAD_INBOUND) != 0;

    if (sa->integrity.name[0] != '\0')
        return refuse(EINVAL, "mlx5_core: Cannot offload authenticated xfrm states");
    if (!is_gcm16(sa))
        return refuse(EINVAL, "mlx5_core: Only AES-GCM-ICV16 xfrm state may be offloaded");
    if (!(sa->device.flags & XFRM_OFFLOAD_PACKET))
        return taken;
    if (is_inbound && window != 32 && window != 64 && window != 128 && window != 256)
        return refuse(EINVAL, "mlx5_core: Unsupported replay window size");
    if (sa->reqid == 0)
        return refuse(EINVAL, "mlx5_core: Cannot offload without reqid");
    if (sa->limits.soft_bytes >= sa->limits.hard_bytes && sa->limits.hard_bytes != UINT64_MAX)
        return refuse(EINVAL, "mlx5_core: Hard byte limit must be greater than soft one");
    if (sa->limits.soft_packets >= sa->limits.hard_packets && sa->limits.hard_packets != UINT64_MAX)
        return refuse(EINVAL, "mlx5_core: Hard packet limit must be greater than soft one");
    return taken;
}

static struct verdict ask_nfp(const struct sp_xfrm_sa *sa)
{
    if (sa->flags & XFRM_STATE_ESN)
        return refuse(EINVAL, "nfp: Unsupported XFRM_REPLAY_MODE_ESN for xfrm offload");
    if (sa->device.flags & XFRM_OFFLOAD_PACKET)
        return refuse(EINVAL, "nfp: Unsupported xfrm offload type");
    return taken;
}

static uint32_t count_on_nic(const struct fake_nic *nic)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < FAKE_SAS_MAX; i++)
        count += nic->sas[i].is_there && (nic->sas[i].sa.has & SP_XFRM_HAS_DEVICE) != 0;
    return count;
}

static bool is_trial(const struct sp_xfrm_sa *sa)
{
    return sa->reqid == 0x53ffffffu;
}

static struct verdict ask_driver(const struct fake_nic *nic, const struct sp_xfrm_sa *sa)
{
    const bool is_packet = (sa->device.flags & XFRM_OFFLOAD_PACKET) != 0;

    switch (nic->driver) {
    case FAKE_NO_MODULE:
        return refuse(EINVAL, "Type doesn't support offload");
    case FAKE_PLAIN:
        return is_packet ? refuse(EINVAL, NULL) : (struct verdict){.is_silent = true};
    case FAKE_TRIALS_ONLY:
        return is_packet ? refuse(EINVAL, NULL) : (struct verdict){.is_silent = !is_trial(sa)};
    case FAKE_DECLINES:
        return is_packet ? refuse(EOPNOTSUPP, "bonding: Slave does not support ipsec offload")
                         : (struct verdict){.is_silent = true};
    case FAKE_NETDEVSIM:
        if (is_packet)
            return refuse(EINVAL, "netdevsim: Unsupported ipsec offload type");
        if (count_on_nic(nic) == nic->room)
            return refuse(ENOSPC, "netdevsim: No space for SA in Rx table!");
        return is_gcm16(sa) ? taken : refuse(EINVAL, "netdevsim: Failed to get key data for SA table");
    case FAKE_NFP:
        return ask_nfp(sa);
    default:
        return count_on_nic(nic) == nic->room ? refuse(ENOSPC, NULL) : ask_mlx5(sa);
    }
}

static uint32_t count_policies_on_nic(const struct fake_nic *nic)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < nic->policy_count; i++)
        count += (nic->policies[i].has & SP_XFRM_HAS_DEVICE) != 0;
    return count;
}

static struct verdict ask_driver_for_policy(const struct fake_nic *nic, const struct sp_xfrm_policy *policy)
{
    if (nic->driver != FAKE_MLX5)
        return refuse(EINVAL, "Policy offload is not supported");
    if (policy->direction == XFRM_POLICY_FWD)
        return refuse(EINVAL, "mlx5_core: Cannot offload forward policy");
    if (policy->selector.protocol != 0 && policy->selector.protocol != 6 && policy->selector.protocol != 17)
        return refuse(EINVAL, "mlx5_core: Device does not support upper protocol other than TCP/UDP");
    return count_policies_on_nic(nic) < nic->policy_room ? taken : refuse(ENOSPC, NULL);
}

/* ---- answers --------------------------------------------------------------------------------------------
 */

static void put_answer(struct fake_nic *nic, const void *bytes, size_t len_bytes)
{
    size_t place = nic->first_answer + nic->answer_count++;

    cr_assert_lt(place, sizeof nic->answers / sizeof *nic->answers);
    cr_assert_leq(len_bytes, sizeof nic->answers[place].bytes);
    memcpy(nic->answers[place].bytes, bytes, len_bytes);
    nic->answers[place].len_bytes = len_bytes;
}

static void acknowledge(struct fake_nic *nic, const struct nlmsghdr *request, struct verdict verdict)
{
    _Alignas(8) struct {
        struct nlmsghdr header;
        struct nlmsgerr body;
        struct nlattr attribute;
        char text[128];
    } answer = {{.nlmsg_type = NLMSG_ERROR, .nlmsg_flags = NLM_F_CAPPED, .nlmsg_seq = request->nlmsg_seq},
                {.error = -verdict.error, .msg = *request},
                {0},
                ""};

    if (verdict.error == 0 && !(request->nlmsg_flags & NLM_F_ACK))
        return;
    answer.header.nlmsg_len = sizeof answer.header + sizeof answer.body;
    if (verdict.text != NULL) {
        const size_t text_bytes = strlen(verdict.text) + 1;
        memcpy(answer.text, verdict.text, text_bytes);
        answer.attribute.nla_type = NLMSGERR_ATTR_MSG;
        answer.attribute.nla_len = (uint16_t)(sizeof answer.attribute + text_bytes);
        answer.header.nlmsg_flags |= NLM_F_ACK_TLVS;
        answer.header.nlmsg_len += NLMSG_ALIGN(answer.attribute.nla_len);
    }
    put_answer(nic, &answer, answer.header.nlmsg_len);
}

static void tell(struct fake_nic *nic, const struct nlmsghdr *request, struct sp_xfrm_message *message)
{
    static _Alignas(8) char buffer[SP_XFRM_MESSAGE_BYTES_MAX];

    message->sequence = request->nlmsg_seq;
    put_answer(nic, buffer, sp_xfrm_encode(message, buffer, sizeof buffer));
}

static void end_dump(struct fake_nic *nic, const struct nlmsghdr *request)
{
    const struct {
        struct nlmsghdr header;
        int error;
    } done = {{.nlmsg_len = sizeof done, .nlmsg_type = NLMSG_DONE, .nlmsg_seq = request->nlmsg_seq}, 0};

    put_answer(nic, &done, sizeof done);
}

/* ---- SAs ------------------------------------------------------------------------------------------------
 */

static struct fake_sa *find_sa(struct fake_nic *nic, const struct sp_xfrm_sa *sa)
{
    for (uint32_t i = 0; i < FAKE_SAS_MAX; i++)
        if (nic->sas[i].is_there && nic->sas[i].sa.spi == sa->spi &&
            memcmp(&nic->sas[i].sa.destination, &sa->destination, sizeof sa->destination) == 0)
            return &nic->sas[i];
    return NULL;
}

static uint64_t *used_of(struct fake_nic *nic, const uint8_t *key)
{
    for (uint32_t i = 0; i < nic->used_count; i++)
        if (memcmp(nic->used[i].key, key, sizeof nic->used[i].key) == 0)
            return &nic->used[i].sent;
    cr_assert_lt(nic->used_count, FAKE_SAS_MAX);
    memcpy(nic->used[nic->used_count].key, key, sizeof nic->used[0].key);
    return &nic->used[nic->used_count++].sent;
}

/* Each outbound SA, SPIs of odd numbers, sends a thousand packets. */
static void send_packets(struct fake_nic *nic)
{
    for (uint32_t i = 0; i < FAKE_SAS_MAX; i++) {
        struct fake_sa *sa = &nic->sas[i];
        if (!sa->is_there || is_trial(&sa->sa) || sa->sa.spi % 2 == 0)
            continue;
        sa->sa.replay_esn.sequence_sent += 1000;
        *used_of(nic, sa->cipher_key) = sa->sa.replay_esn.sequence_sent;
    }
}

static void copy_key(struct sp_xfrm_algorithm *algorithm, uint8_t *place)
{
    if (algorithm->key_bits == 0)
        return;
    memcpy(place, algorithm->key, algorithm->key_bits / 8);
    algorithm->key = place;
}

static void keep_sa(struct fake_nic *nic, const struct sp_xfrm_sa *sa, struct verdict verdict)
{
    struct fake_sa *place = nic->sas;

    while (place->is_there)
        cr_assert(++place < nic->sas + FAKE_SAS_MAX);
    memset(place, 0, sizeof *place);
    place->is_there = true;
    place->sa = *sa;
    copy_key(&place->sa.encryption, place->cipher_key);
    copy_key(&place->sa.aead, place->cipher_key);
    copy_key(&place->sa.integrity, place->integrity_key);
    if (verdict.is_silent)
        place->sa.has &= ~(uint32_t)SP_XFRM_HAS_DEVICE;
    if (nic->driver == FAKE_ELSEWHERE && place->sa.has & SP_XFRM_HAS_DEVICE)
        place->sa.device.interface = OTHER_INTERFACE;
    if (!is_trial(sa) && sa->replay_esn.sequence_sent < *used_of(nic, place->cipher_key))
        nic->went_back = true;
}

static void add_sa(struct fake_nic *nic, const struct nlmsghdr *request, const struct sp_xfrm_sa *sa)
{
    struct verdict verdict = taken;

    if (find_sa(nic, sa) != NULL) {
        acknowledge(nic, request, refuse(EEXIST, NULL));
        return;
    }
    if (nic->has_no_esp)
        verdict = refuse(EPROTONOSUPPORT, NULL);
    else if (sa->has & SP_XFRM_HAS_DEVICE)
        verdict = ask_driver(nic, sa);
    if (verdict.error == 0)
        keep_sa(nic, sa, verdict);
    acknowledge(nic, request, verdict);
}

static void obey_about_sa(struct fake_nic *nic, const struct nlmsghdr *request,
                          struct sp_xfrm_message *message)
{
    struct fake_sa *found;

    if (message->flags & NLM_F_DUMP) {
        for (uint32_t i = 0; i < FAKE_SAS_MAX; i++)
            if (nic->sas[i].is_there) {
                *message = (struct sp_xfrm_message){.type = XFRM_MSG_NEWSA, .sa = nic->sas[i].sa};
                tell(nic, request, message);
            }
        end_dump(nic, request);
        return;
    }
    if (message->type == XFRM_MSG_NEWSA) {
        add_sa(nic, request, &message->sa);
        return;
    }
    found = find_sa(nic, &message->sa);
    if (found == NULL) {
        acknowledge(nic, request, refuse(ESRCH, NULL));
        return;
    }
    if (message->type == XFRM_MSG_DELSA)
        found->is_there = false;
    else if (message->type == XFRM_MSG_UPDSA) {
        cr_expect_not(message->sa.has & SP_XFRM_HAS_DEVICE, "an update would be tried on a second SA");
        found->sa.limits = message->sa.limits;
    } else {
        *message = (struct sp_xfrm_message){.type = XFRM_MSG_NEWSA, .sa = found->sa};
        tell(nic, request, message);
    }
    acknowledge(nic, request, taken);
}

/* ---- policies -------------------------------------------------------------------------------------------
 */

static uint32_t find_policy(const struct fake_nic *nic, const struct sp_xfrm_policy *policy, bool by_selector)
{
    uint32_t i = 0;

    while (i < nic->policy_count &&
           (by_selector ? nic->policies[i].direction != policy->direction ||
                              memcmp(&nic->policies[i].selector, &policy->selector, sizeof policy->selector)
                        : nic->policies[i].index != policy->index))
        i++;
    return i;
}

static void obey_about_policy(struct fake_nic *nic, const struct nlmsghdr *request,
                              struct sp_xfrm_message *message)
{
    struct verdict verdict = taken;

    if (message->flags & NLM_F_DUMP) {
        for (uint32_t i = 0; i < nic->policy_count; i++) {
            *message = (struct sp_xfrm_message){.type = XFRM_MSG_NEWPOLICY, .policy = nic->policies[i]};
            tell(nic, request, message);
        }
        end_dump(nic, request);
        return;
    }
    const struct sp_xfrm_policy *policy = &message->policy;
    const uint32_t place = find_policy(nic, policy, message->type != XFRM_MSG_DELPOLICY);
    if (message->type == XFRM_MSG_DELPOLICY) {
        if (place == nic->policy_count)
            verdict = refuse(ENOENT, NULL);
        else
            nic->policies[place] = nic->policies[--nic->policy_count];
    } else if (message->type == XFRM_MSG_NEWPOLICY && place < nic->policy_count) {
        verdict = refuse(EEXIST, NULL);
    } else {
        if (policy->has & SP_XFRM_HAS_DEVICE)
            verdict = ask_driver_for_policy(nic, policy);
        cr_assert_lt(place, FAKE_RULES_MAX);
        if (verdict.error == 0)
            nic->policies[place] = *policy;
        nic->policy_count += verdict.error == 0 && place == nic->policy_count;
    }
    acknowledge(nic, request, verdict);
}

/* ---- the transport --------------------------------------------------------------------------------------
 */

static void obey(struct fake_nic *nic, const struct nlmsghdr *request)
{
    static struct sp_xfrm_message message;

    cr_assert_eq(sp_xfrm_decode(request, request->nlmsg_len, &message), SP_XFRM_READ);
    if (nic->is_busy)
        send_packets(nic);
    switch (message.type) {
    case XFRM_MSG_NEWSA:
    case XFRM_MSG_UPDSA:
    case XFRM_MSG_DELSA:
        nic->changes++;
        obey_about_sa(nic, request, &message);
        return;
    case XFRM_MSG_GETSA:
        obey_about_sa(nic, request, &message);
        return;
    case XFRM_MSG_GETPOLICY:
        obey_about_policy(nic, request, &message);
        return;
    default:
        nic->changes++;
        obey_about_policy(nic, request, &message);
        return;
    }
}

static ssize_t fake_send(void *context, const void *bytes, size_t len_bytes)
{
    struct fake_nic *nic = context;

    if (nic->dies_at >= 0 && nic->sends >= nic->dies_at) {
        errno = EIO;
        return -1;
    }
    nic->sends++;
    for (size_t at = 0; at < len_bytes;) {
        const struct nlmsghdr *request = (const struct nlmsghdr *)(const void *)((const char *)bytes + at);
        obey(nic, request);
        at += NLMSG_ALIGN(request->nlmsg_len);
    }
    return (ssize_t)len_bytes;
}

static ssize_t fake_receive(void *context, void *buffer, size_t capacity_bytes)
{
    struct fake_nic *nic = context;

    if (nic->answer_count == 0) {
        errno = EAGAIN;
        return -1;
    }
    const size_t len_bytes = nic->answers[nic->first_answer].len_bytes;
    cr_assert_leq(len_bytes, capacity_bytes);
    memcpy(buffer, nic->answers[nic->first_answer].bytes, len_bytes);
    nic->first_answer++;
    if (--nic->answer_count == 0)
        nic->first_answer = 0;
    return (ssize_t)len_bytes;
}

static void fake_close(void *context)
{
    (void)context;
}

struct sp_xfrm_link *fake_nic_link(struct fake_nic *nic)
{
    const struct sp_xfrm_transport transport = {
        .send = fake_send, .receive = fake_receive, .close = fake_close, .context = nic};
    struct sp_xfrm_link *link;

    nic->sends = 0;
    cr_assert_eq(sp_xfrm_link_over(&transport, &link), SP_OK);
    return link;
}

uint32_t fake_nic_sa_count(const struct fake_nic *nic)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < FAKE_SAS_MAX; i++)
        count += nic->sas[i].is_there;
    return count;
}

void fake_nic_down(struct fake_nic *nic)
{
    for (uint32_t i = 0; i < FAKE_SAS_MAX; i++)
        if (nic->sas[i].sa.has & SP_XFRM_HAS_DEVICE)
            nic->sas[i].is_there = false;
    for (uint32_t i = 0; i < nic->policy_count;)
        if (nic->policies[i].has & SP_XFRM_HAS_DEVICE)
            nic->policies[i] = nic->policies[--nic->policy_count];
        else
            i++;
}
