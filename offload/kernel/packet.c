/* SPDX-License-Identifier: ISC
 *
 * Two things about a NIC's policies are not as one would think (Linux, net/xfrm/xfrm_policy.c).
 *
 * The kernel tries them before its own, whatever their priorities: a rule that has to come before one of
 * theirs and isn't theirs too would lose. RFC 4301 4.4.1 wants an ordered SPD, so where the order matters the
 * NIC gets none.
 *
 * When the device goes down the kernel drops them, and what they protected would go in clear. So behind each
 * there is one of the kernel's own that wants ESP for the same packets, for which there is no SA: they are
 * held up. To the kernel both are of another selector because of its member `user`, which matches every
 * packet.
 */
#include "kernel/packet.h"

#include "xfrm/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NIC_POLICIES_MAX 1024u /* each is compared with each */
#define TWIN_PRIORITY 0x100000u
#define TWIN_USER 0x53u

static bool is_for_nic(const struct sp_xfrm_policy *policy)
{
    return policy->template_count > 0 && policy->direction != XFRM_POLICY_FWD;
}

static bool prefixes_overlap(const struct sp_address *one, uint8_t one_bits, const struct sp_address *other,
                             uint8_t other_bits)
{
    const uint8_t bits = one_bits < other_bits ? one_bits : other_bits;

    if (memcmp(one->bytes, other->bytes, bits / 8) != 0)
        return false;
    return bits % 8 == 0 || ((one->bytes[bits / 8] ^ other->bytes[bits / 8]) >> (8 - bits % 8)) == 0;
}

static bool ports_overlap(uint16_t one, uint16_t one_mask, uint16_t other, uint16_t other_mask)
{
    return ((one ^ other) & one_mask & other_mask) == 0;
}

static bool overlap(const struct sp_xfrm_selector *one, const struct sp_xfrm_selector *other)
{
    return one->family == other->family &&
           (one->protocol == other->protocol || one->protocol == 0 || other->protocol == 0) &&
           prefixes_overlap(&one->source, one->source_prefix_bits, &other->source,
                            other->source_prefix_bits) &&
           prefixes_overlap(&one->destination, one->destination_prefix_bits, &other->destination,
                            other->destination_prefix_bits) &&
           ports_overlap(one->source_port, one->source_port_mask, other->source_port,
                         other->source_port_mask) &&
           ports_overlap(one->destination_port, one->destination_port_mask, other->destination_port,
                         other->destination_port_mask);
}

/* Which of both comes first is all the same when both want the same ESP. */
static bool must_come_before(const struct sp_xfrm_policy *earlier, const struct sp_xfrm_policy *nics)
{
    return earlier->direction == nics->direction && earlier->priority < nics->priority &&
           !(is_for_nic(earlier) && earlier->templates[0].reqid == nics->templates[0].reqid) &&
           overlap(&earlier->selector, &nics->selector);
}

static enum sp_status check_order(const struct sp_kernel_policies *plain, char *reason, size_t reason_bytes)
{
    char first[SP_XFRM_TEXT_BYTES], second[SP_XFRM_TEXT_BYTES];

    for (uint32_t i = 0; i < plain->count; i++) {
        const struct sp_xfrm_policy *nics = &plain->policies[i];
        for (uint32_t j = 0; is_for_nic(nics) && j < plain->count; j++) {
            if (!must_come_before(&plain->policies[j], nics))
                continue;
            (void)snprintf(reason, reason_bytes,
                           "a NIC's policies are tried first, but %.60s \"%.50s\" comes before \"%.50s\"",
                           sp_xfrm_action_name(&plain->policies[j]),
                           sp_xfrm_selector_text(&plain->policies[j].selector, first),
                           sp_xfrm_selector_text(&nics->selector, second));
            return SP_ERR_UNSUPPORTED;
        }
    }
    return SP_OK;
}

static void add_both(const struct sp_xfrm_policy *plain, int32_t interface,
                     struct sp_kernel_policies *policies)
{
    struct sp_xfrm_policy *nics = &policies->policies[policies->count++];
    struct sp_xfrm_policy *twin = &policies->policies[policies->count++];

    *nics = *twin = *plain;
    nics->has |= SP_XFRM_HAS_DEVICE;
    nics->device = (struct sp_xfrm_device){.interface = interface, .flags = XFRM_OFFLOAD_PACKET};
    twin->priority += TWIN_PRIORITY;
    twin->selector.user = TWIN_USER;
}

enum sp_status sp_kernel_packet_policies(const struct sp_kernel_policies *plain, int32_t interface,
                                         struct sp_kernel_policies *ret_policies, char *reason,
                                         size_t reason_bytes)
{
    struct sp_kernel_policies made = {.policies = NULL};
    uint32_t nic_count = 0;

    for (uint32_t i = 0; i < plain->count; i++)
        nic_count += is_for_nic(&plain->policies[i]);
    if (nic_count > NIC_POLICIES_MAX) {
        (void)snprintf(reason, reason_bytes, "a NIC gets at most %u policies, and it would be %u",
                       NIC_POLICIES_MAX, nic_count);
        return SP_ERR_UNSUPPORTED;
    }
    const enum sp_status status = check_order(plain, reason, reason_bytes);
    if (status != SP_OK)
        return status;
    made.policies = calloc((size_t)plain->count + nic_count + 1, sizeof *made.policies);
    if (made.policies == NULL)
        return SP_ERR_MEMORY;
    for (uint32_t i = 0; i < plain->count; i++)
        if (is_for_nic(&plain->policies[i]))
            add_both(&plain->policies[i], interface, &made);
        else
            made.policies[made.count++] = plain->policies[i];
    *ret_policies = made;
    return SP_OK;
}
