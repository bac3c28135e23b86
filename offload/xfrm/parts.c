/* SPDX-License-Identifier: ISC
 *
 * Field by field between our structs and linux/xfrm.h's. The kernel's have padding, which must not carry
 * bytes of ours out: each writer starts from zeroes.
 */
#include "xfrm/parts.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

uint16_t sp_xfrm_family_number(uint8_t family)
{
    return family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC;
}

bool sp_xfrm_read_family(uint16_t number, uint8_t *ret_family)
{
    if (number != AF_INET && number != AF_INET6 && number != AF_UNSPEC)
        return false;
    *ret_family = number == AF_INET ? 4 : number == AF_INET6 ? 6 : 0;
    return true;
}

/* How much of an xfrm_address_t counts. The rest is 0 when written and whatever when read. */
static size_t address_bytes(uint8_t family)
{
    return family == 4 ? 4 : 16;
}

void sp_xfrm_put_address(const struct sp_address *address, xfrm_address_t *out)
{
    memset(out, 0, sizeof *out);
    memcpy(out, address->bytes, address_bytes(address->family));
}

struct sp_address sp_xfrm_read_address(const xfrm_address_t *in, uint8_t family)
{
    struct sp_address address = {.family = family};

    memcpy(address.bytes, in, address_bytes(family));
    return address;
}

void sp_xfrm_put_selector(const struct sp_xfrm_selector *selector, struct xfrm_selector *out)
{
    memset(out, 0, sizeof *out);
    sp_xfrm_put_address(&selector->destination, &out->daddr);
    sp_xfrm_put_address(&selector->source, &out->saddr);
    out->dport = htons(selector->destination_port);
    out->dport_mask = htons(selector->destination_port_mask);
    out->sport = htons(selector->source_port);
    out->sport_mask = htons(selector->source_port_mask);
    out->family = sp_xfrm_family_number(selector->family);
    out->prefixlen_d = selector->destination_prefix_bits;
    out->prefixlen_s = selector->source_prefix_bits;
    out->proto = selector->protocol;
    out->ifindex = selector->interface;
    out->user = selector->user;
}

bool sp_xfrm_read_selector(const struct xfrm_selector *in, struct sp_xfrm_selector *ret_selector)
{
    uint8_t family;

    if (!sp_xfrm_read_family(in->family, &family))
        return false;
    *ret_selector = (struct sp_xfrm_selector){
        .family = family,
        .source = sp_xfrm_read_address(&in->saddr, family),
        .destination = sp_xfrm_read_address(&in->daddr, family),
        .source_prefix_bits = in->prefixlen_s,
        .destination_prefix_bits = in->prefixlen_d,
        .source_port = ntohs(in->sport),
        .source_port_mask = ntohs(in->sport_mask),
        .destination_port = ntohs(in->dport),
        .destination_port_mask = ntohs(in->dport_mask),
        .protocol = in->proto,
        .interface = in->ifindex,
        .user = in->user,
    };
    return true;
}

void sp_xfrm_put_limits(const struct sp_xfrm_limits *limits, struct xfrm_lifetime_cfg *out)
{
    *out = (struct xfrm_lifetime_cfg){
        .soft_byte_limit = limits->soft_bytes,
        .hard_byte_limit = limits->hard_bytes,
        .soft_packet_limit = limits->soft_packets,
        .hard_packet_limit = limits->hard_packets,
        .soft_add_expires_seconds = limits->soft_seconds,
        .hard_add_expires_seconds = limits->hard_seconds,
        .soft_use_expires_seconds = limits->soft_first_use_seconds,
        .hard_use_expires_seconds = limits->hard_first_use_seconds,
    };
}

void sp_xfrm_read_limits(const struct xfrm_lifetime_cfg *in, struct sp_xfrm_limits *ret_limits)
{
    *ret_limits = (struct sp_xfrm_limits){
        .soft_bytes = in->soft_byte_limit,
        .hard_bytes = in->hard_byte_limit,
        .soft_packets = in->soft_packet_limit,
        .hard_packets = in->hard_packet_limit,
        .soft_seconds = in->soft_add_expires_seconds,
        .hard_seconds = in->hard_add_expires_seconds,
        .soft_first_use_seconds = in->soft_use_expires_seconds,
        .hard_first_use_seconds = in->hard_use_expires_seconds,
    };
}

void sp_xfrm_put_used(const struct sp_xfrm_used *used, struct xfrm_lifetime_cur *out)
{
    *out = (struct xfrm_lifetime_cur){
        .bytes = used->bytes,
        .packets = used->packets,
        .add_time = used->added_at,
        .use_time = used->first_used_at,
    };
}

void sp_xfrm_read_used(const struct xfrm_lifetime_cur *in, struct sp_xfrm_used *ret_used)
{
    *ret_used = (struct sp_xfrm_used){
        .bytes = in->bytes,
        .packets = in->packets,
        .added_at = in->add_time,
        .first_used_at = in->use_time,
    };
}

void sp_xfrm_put_sa(const struct sp_xfrm_sa *sa, struct xfrm_usersa_info *out)
{
    memset(out, 0, sizeof *out);
    sp_xfrm_put_selector(&sa->selector, &out->sel);
    sp_xfrm_put_address(&sa->destination, &out->id.daddr);
    out->id.spi = htonl(sa->spi);
    out->id.proto = sa->protocol;
    sp_xfrm_put_address(&sa->source, &out->saddr);
    sp_xfrm_put_limits(&sa->limits, &out->lft);
    sp_xfrm_put_used(&sa->used, &out->curlft);
    out->stats.replay_window = sa->replay_window_failures;
    out->stats.replay = sa->replay_failures;
    out->stats.integrity_failed = sa->integrity_failures;
    out->seq = sa->acquire_sequence;
    out->reqid = sa->reqid;
    out->family = sp_xfrm_family_number(sa->family);
    out->mode = sa->mode;
    out->replay_window = sa->replay_window_packets;
    out->flags = sa->flags;
}

bool sp_xfrm_read_sa(const struct xfrm_usersa_info *in, struct sp_xfrm_sa *sa)
{
    if (!sp_xfrm_read_family(in->family, &sa->family) || !sp_xfrm_read_selector(&in->sel, &sa->selector))
        return false;
    sa->destination = sp_xfrm_read_address(&in->id.daddr, sa->family);
    sa->source = sp_xfrm_read_address(&in->saddr, sa->family);
    sa->spi = ntohl(in->id.spi);
    sa->protocol = in->id.proto;
    sp_xfrm_read_limits(&in->lft, &sa->limits);
    sp_xfrm_read_used(&in->curlft, &sa->used);
    sa->replay_window_failures = in->stats.replay_window;
    sa->replay_failures = in->stats.replay;
    sa->integrity_failures = in->stats.integrity_failed;
    sa->acquire_sequence = in->seq;
    sa->reqid = in->reqid;
    sa->mode = in->mode;
    sa->replay_window_packets = in->replay_window;
    sa->flags = in->flags;
    return true;
}

void sp_xfrm_put_template(const struct sp_xfrm_template *template, struct xfrm_user_tmpl *out)
{
    memset(out, 0, sizeof *out);
    sp_xfrm_put_address(&template->destination, &out->id.daddr);
    out->id.spi = htonl(template->spi);
    out->id.proto = template->protocol;
    out->family = sp_xfrm_family_number(template->family);
    sp_xfrm_put_address(&template->source, &out->saddr);
    out->reqid = template->reqid;
    out->mode = template->mode;
    out->share = template->share;
    out->optional = template->is_optional;
    out->aalgos = template->integrity_algorithms;
    out->ealgos = template->encryption_algorithms;
    out->calgos = template->compression_algorithms;
}

bool sp_xfrm_read_template(const struct xfrm_user_tmpl *in, struct sp_xfrm_template *ret_template)
{
    uint8_t family;

    if (!sp_xfrm_read_family(in->family, &family))
        return false;
    *ret_template = (struct sp_xfrm_template){
        .family = family,
        .source = sp_xfrm_read_address(&in->saddr, family),
        .destination = sp_xfrm_read_address(&in->id.daddr, family),
        .spi = ntohl(in->id.spi),
        .reqid = in->reqid,
        .protocol = in->id.proto,
        .mode = in->mode,
        .share = in->share,
        .is_optional = in->optional != 0,
        .integrity_algorithms = in->aalgos,
        .encryption_algorithms = in->ealgos,
        .compression_algorithms = in->calgos,
    };
    return true;
}

void sp_xfrm_put_policy(const struct sp_xfrm_policy *policy, struct xfrm_userpolicy_info *out)
{
    memset(out, 0, sizeof *out);
    sp_xfrm_put_selector(&policy->selector, &out->sel);
    sp_xfrm_put_limits(&policy->limits, &out->lft);
    sp_xfrm_put_used(&policy->used, &out->curlft);
    out->priority = policy->priority;
    out->index = policy->index;
    out->dir = policy->direction;
    out->action = policy->action;
    out->flags = policy->flags;
    out->share = policy->share;
}

bool sp_xfrm_read_policy(const struct xfrm_userpolicy_info *in, struct sp_xfrm_policy *policy)
{
    if (!sp_xfrm_read_selector(&in->sel, &policy->selector))
        return false;
    sp_xfrm_read_limits(&in->lft, &policy->limits);
    sp_xfrm_read_used(&in->curlft, &policy->used);
    policy->priority = in->priority;
    policy->index = in->index;
    policy->direction = in->dir;
    policy->action = in->action;
    policy->flags = in->flags;
    policy->share = in->share;
    return true;
}
