/* SPDX-License-Identifier: ISC
 *
 * Flows and ike rules: whether they can be carried over, and which action theirs is.
 *
 * A flow doesn't say how it protects: the SAs do, or the negotiation. What there is among the file's SAs for
 * a flow decides. Only transport mode can be had, so a flow must lead to its peer itself.
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

static bool check_transport(struct sp_openbsd *import, const struct sp_openbsd_statement *flow)
{
    const struct sp_place *place = &flow->place;
    const bool has_peer = flow->has_peer && !flow->peer.is_any;
    const bool has_local = flow->has_local && !flow->local.is_any;
    const struct sp_openbsd_hosts *far = flow->direction == SP_INBOUND ? &flow->from : &flow->to;
    const struct sp_openbsd_hosts *near = flow->direction == SP_INBOUND ? &flow->to : &flow->from;
    const char *fault = NULL;
    if (flow->kind == SP_OPENBSD_IKE && !flow->is_transport)
        fault = "tunnels can't be carried over, only transport mode can be had: say ike esp transport";
    else if (strcmp(flow->service, "esp") != 0)
        fault = "only ESP can be had";
    else if ((has_peer && !are_all(far, &flow->peer)) || (has_local && !are_all(near, &flow->local)))
        fault = "this flow goes through a gateway, and tunnels can't be carried over";
    else if (!has_peer && far->is_any && flow->kind == SP_OPENBSD_FLOW)
        fault = "a flow to any has no peer: write its address";
    else if (!are_hosts(far))
        fault = "a network behind a peer needs a tunnel, which can't be carried over";
    if (fault != NULL)
        sp_openbsd_error(import, place, "%s", fault);
    return fault == NULL;
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

static bool serves(const struct sp_openbsd_sa *sa, const struct sp_openbsd_statement *flow, size_t *steps)
{
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
        if (!serves(sa, flow, &import->comparisons))
            continue;
        if (found != NULL && (found->encryption != sa->encryption || found->integrity != sa->integrity)) {
            sp_openbsd_error(import, &flow->place,
                             "SAs of different algorithms serve this flow: write a flow for each peer");
            return false;
        }
        found = sa;
    }
    if (found != NULL) {
        *action = (struct sp_openbsd_action){found->encryption, found->integrity, 0};
        return true;
    }
    *action = (struct sp_openbsd_action){SP_ENCRYPTION_3DES_CBC, SP_INTEGRITY_HMAC_SHA1_96, 0};
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
            action->lifetime_seconds == wanted->lifetime_seconds)
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
    if (!check_families(import, flow) || !sp_openbsd_is_protected(flow) || !check_transport(import, flow))
        return;
    const bool is_good =
        flow->kind == SP_OPENBSD_IKE ? read_suite(import, flow, &action) : find_suite(import, flow, &action);
    if (is_good && find_action(import, &action, flow))
        tell_doubts(import, flow);
}
