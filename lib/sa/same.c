/* SPDX-License-Identifier: ISC
 *
 * Whether an SA is the one that a file asks for. Keys in use can't be read back: their fingerprint is what is
 * compared, which covers the suite too.
 */
#include "sa/lifetime.h"
#include "sa/params.h"
#include "sa/sad.h"

#include <string.h>

static bool is_same_lifetime(const struct sp_lifetime *a, const struct sp_lifetime *b)
{
    return a->soft_bytes == b->soft_bytes && a->hard_bytes == b->hard_bytes &&
           a->soft_packets == b->soft_packets && a->hard_packets == b->hard_packets &&
           a->soft_seconds == b->soft_seconds && a->hard_seconds == b->hard_seconds;
}

static bool is_same_tunnel(const struct sp_tunnel *a, const struct sp_tunnel *b)
{
    return a->df == b->df && a->has_dscp == b->has_dscp && a->dscp == b->dscp &&
           a->has_no_ecn == b->has_no_ecn;
}

bool sp_sa_is_made_of(const struct sp_sa *sa, const struct sp_sa_params *params)
{
    char fingerprint[sizeof sa->fingerprint];
    struct sp_lifetime lifetime = params->lifetime;
    uint32_t window_packets =
        params->replay_window_packets ? params->replay_window_packets : SP_REPLAY_WINDOW_DEFAULT;

    if (sa->mode != params->mode || !is_same_tunnel(&sa->tunnel, &params->tunnel) ||
        sa->has_esn != params->has_esn || sa->replay.window_packets != window_packets ||
        sa->has_own_lifetime != params->has_lifetime || sa->encap.source_port != params->encap.source_port ||
        sa->encap.destination_port != params->encap.destination_port)
        return false;
    sp_lifetime_fill_soft(&lifetime);
    if (params->has_lifetime && !is_same_lifetime(&sa->lifetime, &lifetime))
        return false;
    sp_sa_fingerprint(params, fingerprint);
    return strcmp(sa->fingerprint, fingerprint) == 0;
}
