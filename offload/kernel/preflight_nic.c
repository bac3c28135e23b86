/* SPDX-License-Identifier: ISC
 *
 * What a NIC would take. The kernel's yes means little: where a device has no ESP offload it does the ESP in
 * software without a word, and for a device that isn't there it takes the one that the route leads to. So the
 * SA is added, read back and taken away again.
 */
#include "kernel/preflight.h"

#include "kernel/policies.h"
#include "kernel/requests.h"
#include "xfrm/plan.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define TRIES_MAX 4     /* the SPI is of chance, and may be there */
#define DISCARD_PORT 9u /* RFC 863; from this host to itself no packet leaves by a NIC anyway */

static const char *device_name(int32_t interface, char *name)
{
    if (if_indextoname((unsigned)interface, name) == NULL)
        (void)snprintf(name, IF_NAMESIZE, "interface");
    return name;
}

/* From the local address to itself, by UDP or whatever else, so that nothing is concerned. */
static struct sp_xfrm_selector narrow_selector(const struct sp_address *local, uint8_t protocol)
{
    const uint8_t prefix_bits = local->family == 4 ? 32 : 128;
    const bool has_ports = protocol == IPPROTO_UDP || protocol == IPPROTO_TCP;

    return (struct sp_xfrm_selector){
        .family = local->family,
        .source = *local,
        .destination = *local,
        .source_prefix_bits = prefix_bits,
        .destination_prefix_bits = prefix_bits,
        .protocol = protocol,
        .source_port = has_ports ? DISCARD_PORT : 0,
        .source_port_mask = has_ports ? UINT16_MAX : 0,
        .destination_port = has_ports ? DISCARD_PORT : 0,
        .destination_port_mask = has_ports ? UINT16_MAX : 0,
    };
}

/* As the wanted SAs are where drivers look: limits that differ, a window, the selector's protocol. */
static void make_trial(const struct sp_kernel_nic_question *question, struct sp_kernel_trial *trial)
{
    const bool is_packet = question->place.mode == SP_OFFLOAD_PACKET;

    sp_kernel_trial_make(question->local.family, &question->suite, trial);
    trial->sa.source = trial->sa.destination = question->local;
    trial->sa.selector = narrow_selector(&question->local, IPPROTO_UDP);
    trial->sa.limits.soft_packets = 1;
    trial->sa.limits.hard_packets = 2;
    trial->sa.has |= SP_XFRM_HAS_DEVICE;
    trial->sa.device = (struct sp_xfrm_device){
        .interface = question->place.interface,
        .flags = (uint8_t)((question->is_inbound ? XFRM_OFFLOAD_INBOUND : 0) |
                           (is_packet ? XFRM_OFFLOAD_PACKET : 0)),
    };
    sp_kernel_window_put(&trial->sa, question->window_packets);
}

/* ---- one request ----------------------------------------------------------------------------------------
 */

static void copy_message(uint32_t number, struct sp_xfrm_message *ret_message, void *context)
{
    (void)number;
    *ret_message = *(const struct sp_xfrm_message *)context;
}

/* *ret_answer: error 0 when it is done. */
static enum sp_status ask(struct sp_xfrm_link *link, struct sp_xfrm_message *message,
                          struct sp_xfrm_answer *ret_answer)
{
    struct sp_kernel_requests requests = {.make = copy_message, .context = message, .count = 1};
    const enum sp_status status = sp_kernel_requests_send(link, &requests);

    *ret_answer = requests.is_refused ? requests.answer : (struct sp_xfrm_answer){.error = 0};
    return status;
}

static void say_refusal(const struct sp_kernel_nic_question *question, const struct sp_xfrm_message *message,
                        const struct sp_xfrm_answer *answer, char *reason, size_t reason_bytes)
{
    char name[IF_NAMESIZE], text[SP_KERNEL_REFUSAL_BYTES];

    (void)device_name(question->place.interface, name);
    if (strcmp(answer->text, "Type doesn't support offload") == 0)
        (void)snprintf(reason, reason_bytes, "this kernel has no ESP offload: CONFIG_INET%s_ESP_OFFLOAD",
                       question->local.family == 6 ? "6" : "");
    else if (answer->error == EINVAL && answer->text[0] == '\0' && question->place.mode == SP_OFFLOAD_PACKET)
        (void)snprintf(reason, reason_bytes,
                       "%s does no ESP for whole packets, or the kernel is older than Linux 6.2", name);
    else
        (void)snprintf(reason, reason_bytes, "%s refuses it: %s", name,
                       sp_xfrm_refusal(message, answer, text, sizeof text));
}

/* ---- an SA ----------------------------------------------------------------------------------------------
 */

static void see(const struct sp_xfrm_message *message, void *context)
{
    struct sp_kernel_place *place = context;

    if (message->type == XFRM_MSG_NEWSA && message->sa.has & SP_XFRM_HAS_DEVICE)
        *place = (struct sp_kernel_place){message->sa.device.interface,
                                          message->sa.device.flags & XFRM_OFFLOAD_PACKET ? SP_OFFLOAD_PACKET
                                                                                         : SP_OFFLOAD_CRYPTO};
}

static void judge_place(const struct sp_kernel_nic_question *question, const struct sp_kernel_place *place,
                        enum sp_offload_mode *ret_granted, char *reason, size_t reason_bytes)
{
    char asked[IF_NAMESIZE], other[IF_NAMESIZE];

    *ret_granted = place->mode;
    if (place->mode == SP_OFFLOAD_SOFTWARE) {
        (void)snprintf(reason, reason_bytes,
                       "the kernel says yes and does it in software: %s does not offload ESP",
                       device_name(question->place.interface, asked));
    } else if (place->interface != question->place.interface) {
        *ret_granted = SP_OFFLOAD_SOFTWARE;
        (void)snprintf(reason, reason_bytes, "the kernel gives it to %s instead of %s",
                       device_name(place->interface, other), device_name(question->place.interface, asked));
    } else if (place->mode != question->place.mode) {
        (void)snprintf(reason, reason_bytes, "%s takes encryption and integrity only",
                       device_name(question->place.interface, asked));
    }
}

static enum sp_status read_back(struct sp_xfrm_link *link, struct sp_xfrm_message *message,
                                struct sp_kernel_place *ret_place)
{
    struct sp_xfrm_answer answer;

    *ret_place = (struct sp_kernel_place){.mode = SP_OFFLOAD_SOFTWARE};
    message->type = XFRM_MSG_GETSA;
    const enum sp_status status = sp_xfrm_link_get(link, message, see, ret_place);
    message->type = XFRM_MSG_DELSA;
    const enum sp_status end = ask(link, message, &answer);
    return status == SP_OK ? end : status;
}

enum sp_status sp_kernel_preflight_nic(struct sp_xfrm_link *link,
                                       const struct sp_kernel_nic_question *question,
                                       enum sp_offload_mode *ret_granted, char *reason, size_t reason_bytes)
{
    struct sp_kernel_trial trial;
    struct sp_xfrm_message message;
    struct sp_xfrm_answer answer;
    struct sp_kernel_place place;
    enum sp_status status;
    int tries = 0;

    memset(&message, 0, sizeof message);
    message.type = XFRM_MSG_NEWSA;
    do {
        make_trial(question, &trial);
        message.sa = trial.sa;
        status = ask(link, &message, &answer);
    } while (status == SP_OK && answer.error == EEXIST && ++tries < TRIES_MAX);
    sodium_memzero(&trial, sizeof trial);
    message.sa.encryption.key = message.sa.integrity.key = message.sa.aead.key = NULL;
    if (status != SP_OK)
        return status;
    if (answer.error != 0) {
        *ret_granted = SP_OFFLOAD_SOFTWARE;
        say_refusal(question, &message, &answer, reason, reason_bytes);
        return SP_OK;
    }
    status = read_back(link, &message, &place);
    if (status == SP_OK)
        judge_place(question, &place, ret_granted, reason, reason_bytes);
    return status;
}

/* ---- a policy -------------------------------------------------------------------------------------------
 */

/* By its index. It may not be there. */
static enum sp_status take_away(struct sp_xfrm_link *link, struct sp_xfrm_message *message)
{
    struct sp_xfrm_answer answer;

    message->type = XFRM_MSG_DELPOLICY;
    const enum sp_status status = ask(link, message, &answer);
    message->type = XFRM_MSG_NEWPOLICY;
    return status;
}

enum sp_status sp_kernel_preflight_nic_policy(struct sp_xfrm_link *link,
                                              const struct sp_kernel_nic_question *question, uint8_t protocol,
                                              bool *ret_is_taken, char *reason, size_t reason_bytes)
{
    struct sp_xfrm_message message;
    struct sp_xfrm_answer answer;

    memset(&message, 0, sizeof message);
    message.type = XFRM_MSG_NEWPOLICY;
    message.policy = (struct sp_xfrm_policy){
        .has = SP_XFRM_HAS_DEVICE,
        .selector = narrow_selector(&question->local, protocol),
        .limits = {.soft_bytes = UINT64_MAX,
                   .hard_bytes = UINT64_MAX,
                   .soft_packets = UINT64_MAX,
                   .hard_packets = UINT64_MAX},
        .priority = SP_KERNEL_PRIORITY_FIRST,
        .index = (SP_XFRM_INDEX_LAST & ~7u) | XFRM_POLICY_OUT,
        .direction = XFRM_POLICY_OUT,
        .action = XFRM_POLICY_ALLOW,
        .templates = {sp_kernel_template(question->local.family, sp_kernel_suite_reqid(&question->suite))},
        .template_count = 1,
        .device = {question->place.interface, XFRM_OFFLOAD_PACKET},
    };
    enum sp_status status = ask(link, &message, &answer);
    if (status == SP_OK &&
        answer.error == EEXIST) /* a killed process may have left one, and it has our index */
        status = take_away(link, &message);
    if (status == SP_OK && answer.error == EEXIST)
        status = ask(link, &message, &answer);
    if (status != SP_OK)
        return status;
    *ret_is_taken = answer.error == 0;
    if (*ret_is_taken)
        return take_away(link, &message);
    say_refusal(question, &message, &answer, reason, reason_bytes);
    return SP_OK;
}
