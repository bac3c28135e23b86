/* SPDX-License-Identifier: ISC
 *
 * The way down from what a user hopes for: the NIC does all, the NIC does the cryptography, the kernel does
 * it. Each try is a whole reconciliation, which asks before it changes anything and puts back what it changed
 * when it was refused after all; so in between packets are protected as before, or not at all sent.
 */
#include "kernel/nic.h"

#include "kernel/packet.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *sp_offload_mode_name(enum sp_offload_mode mode)
{
    static const char *const names[] = {
        [SP_OFFLOAD_SOFTWARE] = "software", [SP_OFFLOAD_CRYPTO] = "crypto", [SP_OFFLOAD_PACKET] = "packet",
        [SP_OFFLOAD_AUTO] = "auto",         [SP_OFFLOAD_NONE] = "none",
    };

    return (unsigned)mode < sizeof names / sizeof *names ? names[mode] : "?";
}

__attribute__((format(printf, 3, 4))) static enum sp_status
complain(struct sp_report *report, enum sp_status code, const char *format, ...)
{
    struct sp_error error = {.code = code, .width = 1};
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(error.text, sizeof error.text, format, arguments);
    va_end(arguments);
    sp_report_add(report, &error);
    return code;
}

/* ---- which device ---------------------------------------------------------------------------------------
 */

struct placing {
    const struct sp_me *me;
    int32_t interface;         /* for all; 0: that of the address */
    struct ifaddrs *addresses; /* of this host, where they are needed */
};

static bool is_same_address(const struct sp_address *left, const struct sp_address *right)
{
    return left->family == right->family && memcmp(left->bytes, right->bytes, sizeof left->bytes) == 0;
}

static bool is_mine(const struct sp_me *me, const struct sp_address *address)
{
    for (uint32_t i = 0; i < me->count; i++)
        if (is_same_address(&me->addresses[i], address))
            return true;
    return false;
}

static bool is_address(const struct sockaddr *socket_address, const struct sp_address *address)
{
    if (socket_address == NULL)
        return false;
    if (address->family == 4 && socket_address->sa_family == AF_INET)
        return memcmp(&((const struct sockaddr_in *)(const void *)socket_address)->sin_addr, address->bytes,
                      4) == 0;
    return address->family == 6 && socket_address->sa_family == AF_INET6 &&
           memcmp(&((const struct sockaddr_in6 *)(const void *)socket_address)->sin6_addr, address->bytes,
                  16) == 0;
}

/* 0: none. */
static int32_t interface_of(const struct placing *placing, const struct sp_address *address)
{
    if (placing->interface != 0)
        return placing->interface;
    for (const struct ifaddrs *one = placing->addresses; one != NULL; one = one->ifa_next)
        if (is_address(one->ifa_addr, address))
            return (int32_t)if_nametoindex(one->ifa_name);
    return 0;
}

/* false: the SA is on no NIC, and why says why. */
static bool place(const struct placing *placing, struct sp_kernel_sa *sa, char *why, size_t why_bytes)
{
    char address[SP_ADDRESS_TEXT_BYTES];
    const bool is_outbound = is_mine(placing->me, &sa->source);

    sa->is_inbound = !is_outbound;
    if (!is_outbound && !is_mine(placing->me, &sa->destination)) {
        (void)snprintf(why, why_bytes, "it is to or from no address of this host");
        return false;
    }
    if (sa->suite.mode == SP_MODE_TUNNEL) {
        (void)snprintf(why, why_bytes, "it is in tunnel mode, which the kernel does itself");
        return false;
    }
    const struct sp_address *local = is_outbound ? &sa->source : &sa->destination;
    sa->asked.interface = interface_of(placing, local);
    if (sa->asked.interface != 0)
        return true;
    (void)snprintf(why, why_bytes, "no device has the address %s: name one",
                   sp_address_format(local, address));
    return false;
}

static enum sp_status place_all(struct sp_kernel_sas *sas, const struct sp_offload_nic *nic,
                                struct placing *placing, struct sp_report *report)
{
    char why[SP_KERNEL_REFUSAL_BYTES];

    for (size_t i = 0; i < sas->count; i++) {
        struct sp_kernel_sa *sa = &sas->wanted[i];
        sa->takes_what_comes = nic->mode == SP_OFFLOAD_AUTO;
        if (place(placing, sa, why, sizeof why))
            continue;
        if (nic->mode != SP_OFFLOAD_AUTO)
            return complain(report, sa->suite.mode == SP_MODE_TUNNEL ? SP_ERR_UNSUPPORTED : SP_ERR_NOT_FOUND,
                            "no NIC for the SA 0x%08x: %s", sa->spi, why);
        sa->packet_refusal = sa->crypto_refusal = sp_kernel_sas_refusal(sas, why);
    }
    return SP_OK;
}

static enum sp_status find_places(struct sp_kernel_sas *sas, const struct sp_offload_nic *nic,
                                  const struct sp_me *me, struct sp_report *report)
{
    struct placing placing = {.me = me};

    if (nic->device != NULL) {
        placing.interface = (int32_t)if_nametoindex(nic->device);
        if (placing.interface == 0)
            return complain(report, SP_ERR_NOT_FOUND, "there is no device \"%.64s\"", nic->device);
    } else if (getifaddrs(&placing.addresses) != 0) {
        return SP_ERR_SYSTEM;
    }
    const enum sp_status status = place_all(sas, nic, &placing, report);
    if (placing.addresses != NULL)
        freeifaddrs(placing.addresses);
    return status;
}

/* ---- tries ----------------------------------------------------------------------------------------------
 */

static void ask_for(struct sp_kernel_sas *sas, enum sp_offload_mode mode)
{
    for (size_t i = 0; i < sas->count; i++)
        sas->wanted[i].asked.mode = sas->wanted[i].asked.interface != 0 ? mode : SP_OFFLOAD_SOFTWARE;
}

static void note_packet_refusal(struct sp_kernel_sas *sas, const char *why)
{
    const uint8_t number = sp_kernel_sas_refusal(sas, why);

    for (size_t i = 0; i < sas->count; i++)
        if (sas->wanted[i].packet_refusal == 0)
            sas->wanted[i].packet_refusal = number;
}

/* All on one device, or the policies couldn't say which. 0: they aren't. */
static int32_t common_interface(const struct sp_kernel_sas *sas)
{
    for (size_t i = 0; i < sas->count; i++)
        if (sas->wanted[i].asked.interface != sas->wanted[0].asked.interface)
            return 0;
    return sas->count > 0 ? sas->wanted[0].asked.interface : 0;
}

/* SP_ERR_UNSUPPORTED: the NIC, or nothing, can do it so, and nothing is changed. */
static enum sp_status try_packet(struct sp_xfrm_link *link, const struct sp_kernel_goal *goal,
                                 struct sp_report *report, struct sp_offload_changes *ret_changes)
{
    struct sp_kernel_goal of_nic = *goal;
    struct sp_kernel_policies policies;
    char why[SP_KERNEL_REFUSAL_BYTES];
    const int32_t interface = common_interface(goal->sas);

    if (interface == 0)
        return complain(report, SP_ERR_UNSUPPORTED,
                        "whole packets are done by one device, and the SAs are of several or none");
    enum sp_status status = sp_kernel_packet_policies(goal->policies, interface, &policies, why, sizeof why);
    if (status == SP_ERR_UNSUPPORTED)
        return complain(report, status, "%s", why);
    if (status != SP_OK)
        return status;
    ask_for(goal->sas, SP_OFFLOAD_PACKET);
    of_nic.policies = &policies;
    status = sp_kernel_reconcile(link, &of_nic, report, ret_changes);
    sp_kernel_policies_free(&policies);
    return status;
}

static const char *last_text(const struct sp_report *report)
{
    const size_t count = sp_report_count(report);

    return count > 0 ? sp_report_get(report, count - 1)->text : "";
}

/* What is refused here is a note, and the next try follows. */
static enum sp_status try_packet_softly(struct sp_xfrm_link *link, const struct sp_kernel_goal *goal,
                                        struct sp_report *report, struct sp_offload_changes *ret_changes)
{
    struct sp_report *own = NULL;
    enum sp_status status = sp_report_create(&own);

    if (status != SP_OK)
        return status;
    status = try_packet(link, goal, own, ret_changes);
    if (status == SP_ERR_UNSUPPORTED)
        note_packet_refusal(goal->sas, last_text(own));
    else if (status != SP_OK && sp_report_count(own) > 0)
        (void)complain(report, status, "%s", last_text(own));
    sp_report_destroy(&own);
    return status;
}

enum sp_status sp_kernel_nic_bring(struct sp_xfrm_link *link, const struct sp_kernel_goal *goal,
                                   const struct sp_offload_nic *nic, const struct sp_me *me,
                                   struct sp_report *report, struct sp_offload_changes *ret_changes)
{
    enum sp_status status = find_places(goal->sas, nic, me, report);

    if (status != SP_OK)
        return status;
    if (nic->mode == SP_OFFLOAD_PACKET)
        return try_packet(link, goal, report, ret_changes);
    if (nic->mode == SP_OFFLOAD_AUTO) {
        status = try_packet_softly(link, goal, report, ret_changes);
        if (status != SP_ERR_UNSUPPORTED)
            return status;
    }
    ask_for(goal->sas, SP_OFFLOAD_CRYPTO);
    return sp_kernel_reconcile(link, goal, report, ret_changes);
}

/* ---- what became of it ----------------------------------------------------------------------------------
 */

void sp_kernel_nic_tell(const struct sp_kernel_sas *sas, enum sp_offload_mode requested, bool is_trial,
                        sp_kernel_on_grant *on_grant, void *context)
{
    for (size_t i = 0; i < sas->count; i++) {
        const struct sp_kernel_sa *sa = &sas->wanted[i];
        const struct sp_kernel_place place =
            is_trial && sa->found != SP_KERNEL_EQUAL ? sa->asked : sa->granted;
        const int32_t interface = place.interface != 0 ? place.interface : sa->asked.interface;
        char device[IF_NAMESIZE] = "";
        if (interface != 0)
            (void)if_indextoname((unsigned)interface, device);
        const struct sp_offload_grant grant = {
            .spi = sa->spi,
            .source = sa->source,
            .destination = sa->destination,
            .requested = requested,
            .granted = place.mode,
            .device = device,
            .packet_refusal = place.mode == SP_OFFLOAD_PACKET ? "" : sas->refusals[sa->packet_refusal],
            .crypto_refusal = place.mode == SP_OFFLOAD_SOFTWARE ? sas->refusals[sa->crypto_refusal] : "",
            .kernel_refusal = "",
        };
        on_grant(&grant, context);
    }
}

void sp_kernel_nic_tell_refused(const struct sp_kernel_sas *sas, const char *why,
                                sp_kernel_on_grant *on_grant, void *context)
{
    for (size_t i = 0; i < sas->count; i++) {
        const struct sp_kernel_sa *sa = &sas->wanted[i];
        char device[IF_NAMESIZE] = "";
        if (sa->asked.interface != 0)
            (void)if_indextoname((unsigned)sa->asked.interface, device);
        const struct sp_offload_grant grant = {
            .spi = sa->spi,
            .source = sa->source,
            .destination = sa->destination,
            .requested = SP_OFFLOAD_AUTO,
            .granted = SP_OFFLOAD_NONE,
            .device = device,
            .packet_refusal = sa->packet_refusal != 0 ? sas->refusals[sa->packet_refusal] : why,
            .crypto_refusal = sa->crypto_refusal != 0 ? sas->refusals[sa->crypto_refusal] : why,
            .kernel_refusal = why,
        };
        on_grant(&grant, context);
    }
}
