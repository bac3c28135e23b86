/* SPDX-License-Identifier: ISC
 *
 * What of the kernel's SAs this library can do, and in its words.
 */
#include "mirror/sa.h"

#include "kernel/suite.h"

#include <linux/udp.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>

static bool is_asked_for(const struct sp_mirror_options *options, const struct sp_xfrm_sa *sa)
{
    if (!options->with_ours && sp_kernel_reqid_is_ours(sa->reqid))
        return false;
    if (options->reqid_max != 0 && (sa->reqid < options->reqid_min || sa->reqid > options->reqid_max))
        return false;
    if (options->by_mark && (sa->mark.value != options->mark || sa->mark.mask != options->mark_mask))
        return false;
    return !options->by_interface_id || sa->interface_id == options->interface_id;
}

bool sp_mirror_is_wanted(const struct sp_mirror_options *options, const struct sp_xfrm_sa *sa)
{
    return sa->protocol == IPPROTO_ESP && !sp_kernel_sa_is_larval(sa) && is_asked_for(options, sa);
}

/* ---- lifetimes ----------------------------------------------------------------------------------------- */

static uint64_t or_none(uint64_t limit)
{
    return limit == UINT64_MAX ? 0 : limit;
}

/* 0 stays none; what is used up is the least that is some. */
static uint64_t less(uint64_t seconds, uint64_t age_seconds)
{
    return seconds == 0 ? 0 : seconds > age_seconds ? seconds - age_seconds : 1;
}

/* The kernel allows a soft limit beyond the hard one, which is then never met. */
static void keep_within(uint64_t *soft, uint64_t hard)
{
    if (hard != 0 && *soft > hard)
        *soft = hard;
}

static void limit_bytes(struct sp_lifetime *lifetime)
{
    struct sp_lifetime preset, bytes = {.hard_bytes = 0};

    if (sp_lifetime_preset(lifetime->hard_bytes == 0 ? "w2k" : "nist-r1", &preset) != SP_OK)
        return;
    bytes.soft_bytes = preset.soft_bytes;
    bytes.hard_bytes = preset.hard_bytes;
    sp_lifetime_tighten(lifetime, &bytes);
}

struct sp_lifetime sp_mirror_lifetime(const struct sp_mirror_options *options,
                                      const struct sp_xfrm_limits *limits, uint64_t age_seconds,
                                      bool has_short_blocks)
{
    struct sp_lifetime lifetime = {
        .soft_bytes = or_none(limits->soft_bytes),
        .hard_bytes = or_none(limits->hard_bytes),
        .soft_packets = or_none(limits->soft_packets),
        .hard_packets = or_none(limits->hard_packets),
        .soft_seconds = less(limits->soft_seconds, age_seconds),
        .hard_seconds = less(limits->hard_seconds, age_seconds),
    };
    /* when its first packet comes is only known to be later than now */
    const struct sp_lifetime first_use = {.soft_seconds = limits->soft_first_use_seconds,
                                          .hard_seconds = limits->hard_first_use_seconds};

    sp_lifetime_tighten(&lifetime, &first_use);
    sp_lifetime_tighten(&lifetime, &options->lifetime);
    if (has_short_blocks)
        limit_bytes(&lifetime);
    keep_within(&lifetime.soft_bytes, lifetime.hard_bytes);
    keep_within(&lifetime.soft_packets, lifetime.hard_packets);
    keep_within(&lifetime.soft_seconds, lifetime.hard_seconds);
    return lifetime;
}

/* ---- the rest ------------------------------------------------------------------------------------------ */

static uint32_t window_of(const struct sp_xfrm_sa *sa)
{
    const uint32_t step = SP_REPLAY_WINDOW_MIN;
    uint32_t packets =
        sa->has & SP_XFRM_HAS_REPLAY_ESN ? sa->replay_esn.window_packets : sa->replay_window_packets;

    if (packets >= SP_REPLAY_WINDOW_MAX)
        return SP_REPLAY_WINDOW_MAX;
    packets = (packets + step - 1) / step * step;
    return packets != 0 ? packets : step;
}

static bool is_zero(const struct sp_xfrm_algorithm *algorithm)
{
    return algorithm->key_bits == 0 || sodium_is_zero(algorithm->key, algorithm->key_bits / 8);
}

/* Nobody chooses keys of zeroes: a kernel in lockdown shows them in the keys' place. */
static bool has_no_keys(const struct sp_xfrm_sa *sa)
{
    return is_zero(&sa->encryption) && is_zero(&sa->integrity) && is_zero(&sa->aead);
}

static bool is_any(const struct sp_address *address)
{
    return sodium_is_zero(address->bytes, sizeof address->bytes);
}

/* NULL: nothing is in the way but, perhaps, its algorithms. */
static const char *obstacle(const struct sp_xfrm_sa *sa)
{
    if (sa->mode != XFRM_MODE_TRANSPORT && sa->mode != XFRM_MODE_TUNNEL)
        return "it is of neither transport nor tunnel mode";
    if (sa->has & SP_XFRM_HAS_ENCAP && sa->encap.type != UDP_ENCAP_ESPINUDP)
        return "its packets travel in something else than ESP in UDP (RFC 3948)";
    if (is_any(&sa->source) || is_any(&sa->destination))
        return "it is not from one address to one address";
    if (has_no_keys(sa))
        return "the kernel doesn't show its keys: it is locked down (kernel_lockdown(7), confidentiality)";
    return NULL;
}

/* The kernel has one flag for each choice. */
static struct sp_tunnel tunnel_of(const struct sp_xfrm_sa *sa)
{
    if (sa->mode != XFRM_MODE_TUNNEL)
        return (struct sp_tunnel){.df = SP_TUNNEL_DF_COPY};
    return (struct sp_tunnel){
        .df = sa->flags & XFRM_STATE_NOPMTUDISC ? SP_TUNNEL_DF_CLEAR : SP_TUNNEL_DF_COPY,
        .has_dscp = (sa->extra_flags & XFRM_SA_XFLAG_DONT_ENCAP_DSCP) != 0,
        .has_no_ecn = (sa->flags & XFRM_STATE_NOECN) != 0,
    };
}

bool sp_mirror_params(const struct sp_mirror_options *options, const struct sp_xfrm_sa *sa,
                      uint64_t age_seconds, struct sp_sa_params *ret_params, char *reason)
{
    const char *why = obstacle(sa);
    struct sp_kernel_suite suite;

    if (why != NULL) {
        (void)snprintf(reason, SP_MIRROR_REASON_BYTES, "%s", why);
        return false;
    }
    if (!sp_kernel_suite_of(sa, &suite)) {
        (void)snprintf(reason, SP_MIRROR_REASON_BYTES, "there is no suite of %s%s%.60s",
                       sa->aead.name[0] != '\0' ? sa->aead.name : sa->encryption.name,
                       sa->integrity.name[0] != '\0' ? " and " : "", sa->integrity.name);
        return false;
    }
    const struct sp_xfrm_algorithm *cipher = sa->aead.name[0] != '\0' ? &sa->aead : &sa->encryption;
    *ret_params = (struct sp_sa_params){
        .spi = sa->spi,
        .source = sa->source,
        .destination = sa->destination,
        .mode = suite.mode,
        .tunnel = tunnel_of(sa),
        .encryption = suite.encryption,
        .integrity = suite.integrity,
        .encryption_key = cipher->key,
        .encryption_key_bytes = cipher->key_bits / 8,
        .integrity_key = sa->integrity.key,
        .integrity_key_bytes = sa->integrity.key_bits / 8,
        .replay_window_packets = window_of(sa),
        .encap = {.source_port = suite.is_encapsulated ? sa->encap.source_port : 0,
                  .destination_port = suite.is_encapsulated ? sa->encap.destination_port : 0},
        .has_esn = suite.has_esn,
        .has_lifetime = true,
        .lifetime =
            sp_mirror_lifetime(options, &sa->limits, age_seconds, suite.encryption == SP_ENCRYPTION_3DES_CBC),
    };
    return true;
}
