/* SPDX-License-Identifier: ISC
 *
 * Thousands of SAs need a handful of things: families and suites, and of a NIC modes and directions besides.
 * Only what isn't there yet is asked about, so that a full NIC isn't taken for one that refuses.
 */
#include "kernel/needs.h"

#include "kernel/preflight.h"

#include <stdio.h>

#define NEEDS_MAX 64u
#define NO_SA SIZE_MAX

struct need {
    uint8_t family;
    uint32_t reqid;
    size_t sa; /* one that asks a NIC for it; NO_SA: of the kernel */
};

struct needs {
    const struct sp_kernel_goal *goal;
    struct need needs[NEEDS_MAX];
    uint32_t count;
};

static bool asks_the_same(const struct sp_kernel_sas *sas, size_t one, size_t other)
{
    if (one == NO_SA || other == NO_SA)
        return one == other;
    const struct sp_kernel_sa *left = &sas->wanted[one], *right = &sas->wanted[other];
    return left->asked.mode == right->asked.mode && left->asked.interface == right->asked.interface &&
           left->is_inbound == right->is_inbound &&
           left->replay_window_packets == right->replay_window_packets;
}

static void need(struct needs *needs, uint8_t family, uint32_t reqid, size_t sa)
{
    for (uint32_t i = 0; i < needs->count; i++)
        if (needs->needs[i].family == family && needs->needs[i].reqid == reqid &&
            asks_the_same(needs->goal->sas, needs->needs[i].sa, sa))
            return;
    if (needs->count < NEEDS_MAX)
        needs->needs[needs->count++] = (struct need){family, reqid, sa};
}

/* What the kernel itself has to have comes first: it is the better reason. */
static void gather(struct needs *needs)
{
    const struct sp_kernel_sas *sas = needs->goal->sas;
    const struct sp_kernel_policies *policies = needs->goal->policies;

    for (size_t i = 0; i < sas->count; i++)
        if (sas->wanted[i].found != SP_KERNEL_EQUAL)
            need(needs, sas->wanted[i].source.family, sp_kernel_suite_reqid(&sas->wanted[i].suite), NO_SA);
    for (uint32_t i = 0; i < policies->count; i++)
        if (policies->policies[i].template_count > 0)
            need(needs, policies->policies[i].selector.family, policies->policies[i].templates[0].reqid,
                 NO_SA);
    for (size_t i = 0; i < sas->count; i++)
        if (sas->wanted[i].found != SP_KERNEL_EQUAL && sas->wanted[i].asked.mode != SP_OFFLOAD_SOFTWARE)
            need(needs, sas->wanted[i].source.family, sp_kernel_suite_reqid(&sas->wanted[i].suite), i);
}

static struct sp_kernel_nic_question question_about(const struct sp_kernel_sa *sa)
{
    return (struct sp_kernel_nic_question){
        .suite = sa->suite,
        .place = sa->asked,
        .is_inbound = sa->is_inbound,
        .local = sa->is_inbound ? sa->destination : sa->source,
        .window_packets = sa->replay_window_packets,
    };
}

static enum sp_status ask_nic(struct sp_xfrm_link *link, struct sp_kernel_sas *sas, size_t index,
                              bool *has_lowered, char *reason, size_t reason_bytes)
{
    const struct sp_kernel_nic_question question = question_about(&sas->wanted[index]);
    enum sp_offload_mode granted;
    const enum sp_status status = sp_kernel_preflight_nic(link, &question, &granted, reason, reason_bytes);

    if (status != SP_OK || granted == question.place.mode)
        return status;
    if (!sp_kernel_sas_lower(sas, index, reason))
        return SP_ERR_UNSUPPORTED;
    *has_lowered = true;
    return SP_OK;
}

static enum sp_status ask_one(struct sp_xfrm_link *link, struct sp_kernel_sas *sas, const struct need *need,
                              bool *has_lowered, char *reason, size_t reason_bytes)
{
    struct sp_kernel_suite suite;

    if (!sp_kernel_suite_of_reqid(need->reqid, &suite))
        return SP_OK;
    if (need->sa == NO_SA)
        return sp_kernel_preflight(link, need->family, &suite, reason, reason_bytes);
    if (sas->wanted[need->sa].asked.mode == SP_OFFLOAD_SOFTWARE)
        return SP_OK; /* lowered meanwhile */
    return ask_nic(link, sas, need->sa, has_lowered, reason, reason_bytes);
}

/* ---- policies of a NIC ----------------------------------------------------------------------------------
 */

static const struct sp_kernel_sa *find_packet_sa(const struct sp_kernel_sas *sas, uint8_t family)
{
    for (size_t i = 0; i < sas->count; i++)
        if (sas->wanted[i].asked.mode == SP_OFFLOAD_PACKET && sas->wanted[i].source.family == family)
            return &sas->wanted[i];
    return NULL;
}

static enum sp_status ask_policy(struct sp_xfrm_link *link, const struct sp_kernel_sas *sas, uint8_t family,
                                 uint8_t protocol, char *reason, size_t reason_bytes)
{
    const struct sp_kernel_sa *sa = find_packet_sa(sas, family);
    bool is_taken = true;

    if (sa == NULL)
        return SP_OK;
    const struct sp_kernel_nic_question question = question_about(sa);
    const enum sp_status status =
        sp_kernel_preflight_nic_policy(link, &question, protocol, &is_taken, reason, reason_bytes);
    return status == SP_OK && !is_taken ? SP_ERR_UNSUPPORTED : status;
}

/* Drivers look at a policy's protocol. */
static enum sp_status ask_policies(struct sp_xfrm_link *link, const struct sp_kernel_goal *goal, char *reason,
                                   size_t reason_bytes)
{
    bool is_asked[2][256] = {{false}};
    enum sp_status status = SP_OK;

    for (uint32_t i = 0; i < goal->policies->count && status == SP_OK; i++) {
        const struct sp_xfrm_policy *policy = &goal->policies->policies[i];
        bool *asked = &is_asked[policy->selector.family == 4 ? 0 : 1][policy->selector.protocol];
        if (!(policy->has & SP_XFRM_HAS_DEVICE) || *asked)
            continue;
        *asked = true;
        status = ask_policy(link, goal->sas, policy->selector.family, policy->selector.protocol, reason,
                            reason_bytes);
    }
    return status;
}

enum sp_status sp_kernel_needs_ask(struct sp_xfrm_link *link, const struct sp_kernel_goal *goal,
                                   bool changes_policies, bool *ret_has_lowered, char *reason,
                                   size_t reason_bytes)
{
    struct needs needs = {.goal = goal};
    enum sp_status status = SP_OK;
    bool has_lowered = false;

    gather(&needs);
    for (uint32_t i = 0; i < needs.count && status == SP_OK; i++)
        status = ask_one(link, goal->sas, &needs.needs[i], &has_lowered, reason, reason_bytes);
    if (status == SP_OK && changes_policies)
        status = ask_policies(link, goal, reason, reason_bytes);
    if (status == SP_OK)
        *ret_has_lowered = has_lowered;
    return status;
}
