/* SPDX-License-Identifier: ISC
 *
 * Flows and ike rules: whether they can be carried over, and which action theirs is.
 *
 * A flow doesn't say how it protects: the SAs do, or the negotiation. What there is among the file's SAs for
 * a flow decides. A flow that doesn't lead to its peer itself is a tunnel; one that does has the mode of its
 * SAs.
 */
#include "policy/import/openbsd/openbsd.h"

#include <string.h>

bool sp_openbsd_is_protected(const struct sp_openbsd_statement *statement)
{
    return statement->type != SP_OPENBSD_TYPE_BYPASS && statement->type != SP_OPENBSD_TYPE_DENY;
}

static bool is_host(const struct sp_address_range *range)
{
    return memcmp(range->first.bytes, range->last.bytes, sizeof range->first.bytes) == 0;
}

static bool same_address(const struct sp_address *left, const struct sp_address *right)
{
    return left->family == right->family &&
           memcmp(left->bytes, right->bytes, left->family == 4 ? 4 : 16) == 0;
}

/* Every address of the list is the gateway itself. */
static bool are_all(const struct sp_openbsd_hosts *hosts, const struct sp_openbsd_hosts *gateway)
{
    for (uint32_t i = 0; i < hosts->count; i++)
        if (!is_host(&hosts->ranges[i]) || !same_address(&hosts->ranges[i].first, &gateway->ranges[0].first))
            return false;
    return !hosts->is_any && gateway->count == 1;
}

static bool are_hosts(const struct sp_openbsd_hosts *hosts)
{
    for (uint32_t i = 0; i < hosts->count; i++)
        if (!is_host(&hosts->ranges[i]))
            return false;
    return true;
}

static const struct sp_openbsd_hosts *far_of(const struct sp_openbsd_statement *flow)
{
    return flow->direction == SP_INBOUND ? &flow->from : &flow->to;
}

static const struct sp_openbsd_hosts *near_of(const struct sp_openbsd_statement *flow)
{
    return flow->direction == SP_INBOUND ? &flow->to : &flow->from;
}

static bool is_written(bool has_clause, const struct sp_openbsd_hosts *hosts)
{
    return has_clause && !hosts->is_any;
}

/* Do its packets go to or come from somebody else than the two ends? */
static bool is_through_gateway(const struct sp_openbsd_statement *flow)
{
    return (is_written(flow->has_peer, &flow->peer) && !are_all(far_of(flow), &flow->peer)) ||
           (is_written(flow->has_local, &flow->local) && !are_all(near_of(flow), &flow->local)) ||
           !are_hosts(far_of(flow));
}

static bool refuse(struct sp_openbsd *import, const struct sp_openbsd_statement *flow, const char *why)
{
    sp_openbsd_error(import, &flow->place, "%s", why);
    return false;
}

static bool check_form(struct sp_openbsd *import, const struct sp_openbsd_statement *flow)
{
    if (strcmp(flow->service, "esp") != 0)
        return refuse(import, flow, "only ESP can be had");
    if (!is_written(flow->has_peer, &flow->peer) && far_of(flow)->is_any && flow->kind == SP_OPENBSD_FLOW)
        return refuse(import, flow, "a flow to any has no peer: write its address");
    if (flow->kind == SP_OPENBSD_IKE && flow->is_transport && is_through_gateway(flow))
        return refuse(import, flow,
                      "this rule goes through a gateway, which takes a tunnel: leave transport out");
    return true;
}

/* The one address that hosts are; false when they are more, or none. */
static bool one_address(const struct sp_openbsd_hosts *hosts, struct sp_address *ret_address)
{
    if (hosts->is_any || hosts->count != 1 || !is_host(&hosts->ranges[0]))
        return false;
    *ret_address = hosts->ranges[0].first;
    return true;
}

/* OpenBSD takes the address that its route to the peer has; the file's SAs know it, too. */
static bool find_local(const struct sp_openbsd *import, const struct sp_address *peer,
                       struct sp_address *ret_local)
{
    for (size_t i = 0; i < import->sa_count; i++) {
        const struct sp_openbsd_sa *sa = &import->sas[i];
        const bool leads_there = same_address(&sa->destination, peer);
        if (!sa->is_tunnel || (!leads_there && !same_address(&sa->source, peer)))
            continue;
        *ret_local = leads_there ? sa->source : sa->destination;
        return true;
    }
    return false;
}

static bool find_ends(struct sp_openbsd *import, const struct sp_openbsd_statement *flow,
                      struct sp_openbsd_action *action)
{
    struct sp_address *local = &action->tunnel_from, *peer = &action->tunnel_to;
    const bool has_peer = is_written(flow->has_peer, &flow->peer);
    const bool has_local = is_written(flow->has_local, &flow->local);
    if (!one_address(has_peer ? &flow->peer : far_of(flow), peer))
        return refuse(import, flow, "a network behind a peer takes a tunnel: write peer and its address");
    if (has_local ? !one_address(&flow->local, local)
                  : !find_local(import, peer, local) && !one_address(near_of(flow), local))
        return refuse(import, flow, "this tunnel has no end here: write local and an address of this host");
    return local->family == peer->family || refuse(import, flow, "local and peer are of different families");
}

static bool has_family(const struct sp_openbsd_hosts *hosts, uint8_t family)
{
    for (uint32_t i = 0; i < hosts->count; i++)
        if (hosts->ranges[i].first.family == family)
            return true;
    return hosts->is_any;
}

static bool check_families(struct sp_openbsd *import, const struct sp_openbsd_statement *flow)
{
    if ((has_family(&flow->from, 4) && has_family(&flow->to, 4)) ||
        (has_family(&flow->from, 6) && has_family(&flow->to, 6)))
        return true;
    sp_openbsd_error(import, &flow->place, "from and to are of different families: no packet can match");
    return false;
}

static void tell_doubts(struct sp_openbsd *import, const struct sp_openbsd_statement *flow)
{
    if (flow->kind == SP_OPENBSD_IKE)
        sp_openbsd_warn(import, &flow->place,
                        "only the policy is carried over: keys are negotiated by IKE, and SAs must come "
                        "from there");
    if (flow->type == SP_OPENBSD_TYPE_USE || flow->type == SP_OPENBSD_TYPE_ACQUIRE ||
        flow->type == SP_OPENBSD_TYPE_DONTACQ)
        sp_openbsd_warn(import, &flow->place,
                        "this type isn't carried over: what isn't protected is dropped, as with require");
}

static bool holds(const struct sp_openbsd_hosts *hosts, const struct sp_address *address, size_t *steps)
{
    const size_t bytes = address->family == 4 ? 4 : 16;
    for (uint32_t i = 0; i < hosts->count; i++, ++*steps) {
        const struct sp_address_range *range = &hosts->ranges[i];
        if (range->first.family == address->family &&
            memcmp(range->first.bytes, address->bytes, bytes) <= 0 &&
            memcmp(range->last.bytes, address->bytes, bytes) >= 0)
            return true;
    }
    ++*steps;
    return hosts->is_any;
}

static bool serves_tunnel(const struct sp_openbsd_sa *sa, const struct sp_openbsd_action *action)
{
    const struct sp_address *from = &action->tunnel_from, *to = &action->tunnel_to;
    return sa->is_tunnel && ((same_address(&sa->source, from) && same_address(&sa->destination, to)) ||
                             (same_address(&sa->source, to) && same_address(&sa->destination, from)));
}

static bool serves(const struct sp_openbsd_sa *sa, const struct sp_openbsd_statement *flow,
                   const struct sp_openbsd_action *action, size_t *steps)
{
    ++*steps;
    if (action->tunnel_from.family != 0)
        return serves_tunnel(sa, action);
    return (holds(&flow->from, &sa->source, steps) && holds(&flow->to, &sa->destination, steps)) ||
           (holds(&flow->to, &sa->source, steps) && holds(&flow->from, &sa->destination, steps));
}

/* What the SAs that serve the flow use; the default, and told, when there is none. */
static bool find_suite(struct sp_openbsd *import, const struct sp_openbsd_statement *flow,
                       struct sp_openbsd_action *action)
{
    const struct sp_openbsd_sa *found = NULL;
    for (size_t i = 0; i < import->sa_count; i++) {
        const struct sp_openbsd_sa *sa = &import->sas[i];
        if (import->comparisons > SP_OPENBSD_COMPARISONS) {
            sp_diagnose(&import->diagnosis, SP_SEVERITY_ERROR, SP_ERR_LIMIT, &flow->place,
                        "there are too many flows and SAs to find which belong together");
            return false;
        }
        if (!serves(sa, flow, action, &import->comparisons))
            continue;
        if (found != NULL && (found->encryption != sa->encryption || found->integrity != sa->integrity ||
                              found->is_tunnel != sa->is_tunnel))
            return refuse(import, flow,
                          "SAs of different algorithms or modes serve this flow: write a flow for each peer");
        found = sa;
    }
    action->encryption = found != NULL ? found->encryption : SP_ENCRYPTION_3DES_CBC;
    action->integrity = found != NULL ? found->integrity : SP_INTEGRITY_HMAC_SHA1_96;
    if (found != NULL)
        return !found->is_tunnel || action->tunnel_from.family != 0 || find_ends(import, flow, action);
    sp_openbsd_warn(import, &flow->place,
                    "no SA of this file serves this flow, so its algorithms aren't known: 3des-cbc "
                    "hmac-sha1-96 stands for them");
    return true;
}

/* Of quick mode. */
static bool read_suite(struct sp_openbsd *import, const struct sp_openbsd_statement *rule,
                       struct sp_openbsd_action *action)
{
    action->lifetime_seconds = rule->lifetime_seconds;
    if (rule->enc.start != NULL && sp_openbsd_suite(rule, &action->encryption, &action->integrity))
        return true;
    sp_openbsd_error(import, &rule->place,
                     "only quick auth hmac-sha1, hmac-md5 or hmac-sha2-256 with enc 3des or null can be had, "
                     "or enc aes-128-gcm or aes-256-gcm without auth%s",
                     rule->enc.start == NULL ? "; without enc it is AES" : "");
    return false;
}

static bool find_action(struct sp_openbsd *import, const struct sp_openbsd_action *wanted,
                        struct sp_openbsd_statement *flow)
{
    for (flow->action = 0; flow->action < import->action_count; flow->action++) {
        const struct sp_openbsd_action *action = &import->actions[flow->action];
        if (action->encryption == wanted->encryption && action->integrity == wanted->integrity &&
            action->lifetime_seconds == wanted->lifetime_seconds &&
            memcmp(&action->tunnel_from, &wanted->tunnel_from, sizeof action->tunnel_from) == 0 &&
            memcmp(&action->tunnel_to, &wanted->tunnel_to, sizeof action->tunnel_to) == 0)
            return true;
    }
    if (import->action_count == SP_OPENBSD_ACTIONS) {
        sp_diagnose(&import->diagnosis, SP_SEVERITY_ERROR, SP_ERR_LIMIT, &flow->place,
                    "%d ways of protecting are the most that a file may have", SP_OPENBSD_ACTIONS);
        return false;
    }
    import->actions[import->action_count++] = *wanted;
    return true;
}

void sp_openbsd_take_flow(struct sp_openbsd *import, struct sp_openbsd_statement *flow)
{
    struct sp_openbsd_action action = {0};
    if (!check_families(import, flow) || !sp_openbsd_is_protected(flow) || !check_form(import, flow))
        return;
    const bool is_tunnel = flow->kind == SP_OPENBSD_IKE ? !flow->is_transport : is_through_gateway(flow);
    if (is_tunnel && !find_ends(import, flow, &action))
        return;
    const bool is_good =
        flow->kind == SP_OPENBSD_IKE ? read_suite(import, flow, &action) : find_suite(import, flow, &action);
    if (is_good && find_action(import, &action, flow))
        tell_doubts(import, flow);
}
