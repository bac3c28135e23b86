/* SPDX-License-Identifier: ISC
 *
 * Reads XFRM messages out of any bytes: the fixed part is copied out, then attributes follow to the end.
 */
#include "xfrm/read.h"

#include <arpa/inet.h>
#include <string.h>

static bool decode_sa(struct sp_xfrm_rest rest, struct sp_xfrm_message *message)
{
    struct xfrm_usersa_info in;

    return sp_xfrm_take(&rest, &in, sizeof in) && sp_xfrm_read_sa(&in, &message->sa) &&
           sp_xfrm_read_sa_attributes(rest, &message->sa);
}

static bool read_sa_id(const struct xfrm_usersa_id *in, struct sp_xfrm_sa *sa)
{
    if (!sp_xfrm_read_family(in->family, &sa->family))
        return false;
    sa->destination = sp_xfrm_read_address(&in->daddr, sa->family);
    sa->spi = ntohl(in->spi);
    sa->protocol = in->proto;
    return true;
}

static bool decode_sa_name(struct sp_xfrm_rest rest, struct sp_xfrm_message *message)
{
    struct xfrm_usersa_id in;

    if (message->flags & NLM_F_DUMP && rest.len_bytes == 0)
        return true;
    return sp_xfrm_take(&rest, &in, sizeof in) && read_sa_id(&in, &message->sa) &&
           sp_xfrm_read_sa_attributes(rest, &message->sa);
}

static bool decode_sa_flush(struct sp_xfrm_rest rest, struct sp_xfrm_message *message)
{
    struct xfrm_usersa_flush in;

    if (!sp_xfrm_take(&rest, &in, sizeof in))
        return false;
    message->sa.protocol = in.proto;
    return true;
}

static bool decode_expire(struct sp_xfrm_rest rest, struct sp_xfrm_message *message)
{
    struct xfrm_user_expire in;

    if (!sp_xfrm_take(&rest, &in, sizeof in))
        return false;
    message->is_hard = in.hard != 0;
    return sp_xfrm_read_sa(&in.state, &message->sa) && sp_xfrm_read_sa_attributes(rest, &message->sa);
}

static bool decode_spi(struct sp_xfrm_rest rest, struct sp_xfrm_message *message)
{
    struct xfrm_userspi_info in;

    if (!sp_xfrm_take(&rest, &in, sizeof in))
        return false;
    message->spi_min = in.min;
    message->spi_max = in.max;
    return sp_xfrm_read_sa(&in.info, &message->sa) && sp_xfrm_read_sa_attributes(rest, &message->sa);
}

static bool decode_policy(struct sp_xfrm_rest rest, struct sp_xfrm_message *message)
{
    struct xfrm_userpolicy_info in;

    return sp_xfrm_take(&rest, &in, sizeof in) && sp_xfrm_read_policy(&in, &message->policy) &&
           sp_xfrm_read_policy_attributes(rest, &message->policy);
}

static bool decode_policy_name(struct sp_xfrm_rest rest, struct sp_xfrm_message *message)
{
    struct xfrm_userpolicy_id in;

    if (message->flags & NLM_F_DUMP && rest.len_bytes == 0)
        return true;
    if (!sp_xfrm_take(&rest, &in, sizeof in) || !sp_xfrm_read_selector(&in.sel, &message->policy.selector))
        return false;
    message->policy.index = in.index;
    message->policy.direction = in.dir;
    return sp_xfrm_read_policy_attributes(rest, &message->policy);
}

static bool decode_policy_flush(struct sp_xfrm_rest rest, struct sp_xfrm_message *message)
{
    return sp_xfrm_read_policy_attributes(rest, &message->policy);
}

static bool decode_policy_expire(struct sp_xfrm_rest rest, struct sp_xfrm_message *message)
{
    struct xfrm_user_polexpire in;

    if (!sp_xfrm_take(&rest, &in, sizeof in))
        return false;
    message->is_hard = in.hard != 0;
    return sp_xfrm_read_policy(&in.pol, &message->policy) &&
           sp_xfrm_read_policy_attributes(rest, &message->policy);
}

static bool decode_acquire(struct sp_xfrm_rest rest, struct sp_xfrm_message *message)
{
    struct xfrm_user_acquire in;
    struct sp_xfrm_acquire *acquire = &message->acquire;

    if (!sp_xfrm_take(&rest, &in, sizeof in) || !sp_xfrm_read_selector(&in.sel, &acquire->selector) ||
        !sp_xfrm_read_policy(&in.policy, &acquire->policy))
        return false;
    acquire->destination = sp_xfrm_read_address(&in.id.daddr, acquire->selector.family);
    acquire->source = sp_xfrm_read_address(&in.saddr, acquire->selector.family);
    acquire->spi = ntohl(in.id.spi);
    acquire->protocol = in.id.proto;
    acquire->integrity_algorithms = in.aalgos;
    acquire->encryption_algorithms = in.ealgos;
    acquire->compression_algorithms = in.calgos;
    acquire->sequence = in.seq;
    return sp_xfrm_read_policy_attributes(rest, &acquire->policy);
}

static bool decode_aevent(struct sp_xfrm_rest rest, struct sp_xfrm_message *message)
{
    struct xfrm_aevent_id in;
    struct sp_xfrm_sa *sa = &message->aevent.sa;

    if (!sp_xfrm_take(&rest, &in, sizeof in) || !read_sa_id(&in.sa_id, sa))
        return false;
    sa->source = sp_xfrm_read_address(&in.saddr, sa->family);
    sa->reqid = in.reqid;
    message->aevent.flags = in.flags;
    return sp_xfrm_read_sa_attributes(rest, sa);
}

static bool decode_mapping(struct sp_xfrm_rest rest, struct sp_xfrm_message *message)
{
    struct xfrm_user_mapping in;
    struct sp_xfrm_mapping *mapping = &message->mapping;

    if (!sp_xfrm_take(&rest, &in, sizeof in) || !sp_xfrm_read_family(in.id.family, &mapping->family))
        return false;
    mapping->destination = sp_xfrm_read_address(&in.id.daddr, mapping->family);
    mapping->old_source = sp_xfrm_read_address(&in.old_saddr, mapping->family);
    mapping->new_source = sp_xfrm_read_address(&in.new_saddr, mapping->family);
    mapping->spi = ntohl(in.id.spi);
    mapping->protocol = in.id.proto;
    mapping->reqid = in.reqid;
    mapping->old_source_port = ntohs(in.old_sport);
    mapping->new_source_port = ntohs(in.new_sport);
    return true;
}

typedef bool decoder(struct sp_xfrm_rest rest, struct sp_xfrm_message *message);

static decoder *const decoders[__XFRM_MSG_MAX] = {
    [XFRM_MSG_NEWSA] = decode_sa,
    [XFRM_MSG_UPDSA] = decode_sa,
    [XFRM_MSG_DELSA] = decode_sa_name,
    [XFRM_MSG_GETSA] = decode_sa_name,
    [XFRM_MSG_FLUSHSA] = decode_sa_flush,
    [XFRM_MSG_EXPIRE] = decode_expire,
    [XFRM_MSG_ALLOCSPI] = decode_spi,
    [XFRM_MSG_NEWPOLICY] = decode_policy,
    [XFRM_MSG_UPDPOLICY] = decode_policy,
    [XFRM_MSG_DELPOLICY] = decode_policy_name,
    [XFRM_MSG_GETPOLICY] = decode_policy_name,
    [XFRM_MSG_FLUSHPOLICY] = decode_policy_flush,
    [XFRM_MSG_POLEXPIRE] = decode_policy_expire,
    [XFRM_MSG_ACQUIRE] = decode_acquire,
    [XFRM_MSG_NEWAE] = decode_aevent,
    [XFRM_MSG_GETAE] = decode_aevent,
    [XFRM_MSG_MAPPING] = decode_mapping,
};

enum sp_xfrm_reading sp_xfrm_decode(const void *bytes, size_t len_bytes, struct sp_xfrm_message *ret_message)
{
    struct nlmsghdr header;
    struct sp_xfrm_rest rest;

    memset(ret_message, 0, sizeof *ret_message);
    if (!sp_xfrm_read_header(bytes, len_bytes, &header, &rest))
        return SP_XFRM_MALFORMED;
    ret_message->type = header.nlmsg_type;
    ret_message->flags = header.nlmsg_flags;
    ret_message->sequence = header.nlmsg_seq;
    ret_message->port = header.nlmsg_pid;
    if (header.nlmsg_type >= __XFRM_MSG_MAX || decoders[header.nlmsg_type] == NULL)
        return SP_XFRM_UNKNOWN;
    return decoders[header.nlmsg_type](rest, ret_message) ? SP_XFRM_READ : SP_XFRM_MALFORMED;
}
