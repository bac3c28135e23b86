/* SPDX-License-Identifier: ISC
 *
 * SAs, policies and events of the kernel in our words.
 */
#include "kernel/view.h"

#include "kernel/suite.h"
#include "xfrm/plan.h"
#include "xfrm/text.h"

#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

static const char *mode_name(uint8_t mode)
{
    static const char *const names[] = {"transport", "tunnel", "route-optimization", "in-trigger", "beet"};

    return mode < sizeof names / sizeof *names ? names[mode] : "?";
}

static uint64_t or_none(uint64_t limit)
{
    return limit == UINT64_MAX ? 0 : limit;
}

static struct sp_lifetime lifetime_of(const struct sp_xfrm_limits *limits)
{
    return (struct sp_lifetime){
        .soft_bytes = or_none(limits->soft_bytes),
        .hard_bytes = or_none(limits->hard_bytes),
        .soft_packets = or_none(limits->soft_packets),
        .hard_packets = or_none(limits->hard_packets),
        .soft_seconds = limits->soft_seconds,
        .hard_seconds = limits->hard_seconds,
    };
}

static bool has_spent(uint64_t used, uint64_t limit)
{
    return limit != 0 && used >= limit;
}

static void view_sequence(const struct sp_xfrm_sa *sa, struct sp_offload_sa *view)
{
    if (sa->has & SP_XFRM_HAS_REPLAY_ESN) {
        view->replay_window_packets = sa->replay_esn.window_packets;
        view->sequence_sent =
            (uint64_t)sa->replay_esn.sequence_sent_high << 32 | sa->replay_esn.sequence_sent;
        view->sequence_received =
            (uint64_t)sa->replay_esn.sequence_received_high << 32 | sa->replay_esn.sequence_received;
    } else {
        view->replay_window_packets = sa->replay_window_packets;
        view->sequence_sent = sa->replay.sequence_sent;
        view->sequence_received = sa->replay.sequence_received;
    }
}

/* A number where the device has gone meanwhile. */
static enum sp_offload_mode view_device(const struct sp_xfrm_device *device, char *name, size_t name_bytes)
{
    char current[IF_NAMESIZE];

    if (if_indextoname((unsigned)device->interface, current) != NULL)
        (void)snprintf(name, name_bytes, "%s", current);
    else
        (void)snprintf(name, name_bytes, "%d", device->interface);
    return device->flags & XFRM_OFFLOAD_PACKET ? SP_OFFLOAD_PACKET : SP_OFFLOAD_CRYPTO;
}

static void put_suite(const struct sp_kernel_suite *suite, char *text, size_t text_bytes)
{
    char name[SP_SUITE_TEXT_BYTES];

    (void)snprintf(text, text_bytes, "%s%s", sp_suite_format(suite->encryption, suite->integrity, name),
                   suite->has_esn ? " esn" : "");
}

static void view_algorithms(const struct sp_xfrm_sa *sa, struct sp_offload_sa *view)
{
    struct sp_kernel_suite suite;

    if (sa->protocol != IPPROTO_ESP || !sp_kernel_suite_of(sa, &suite)) {
        (void)snprintf(
            view->algorithms, sizeof view->algorithms, "%s%s%s%s", sa->aead.name, sa->encryption.name,
            sa->encryption.name[0] != '\0' && sa->integrity.name[0] != '\0' ? " " : "", sa->integrity.name);
        return;
    }
    view->has_suite = true;
    view->encryption = suite.encryption;
    view->integrity = suite.integrity;
    put_suite(&suite, view->algorithms, sizeof view->algorithms);
    const struct sp_xfrm_algorithm *cipher = sa->aead.name[0] != '\0' ? &sa->aead : &sa->encryption;
    sp_sa_fingerprint(&(struct sp_sa_params){.encryption = suite.encryption,
                                             .integrity = suite.integrity,
                                             .encryption_key = cipher->key,
                                             .encryption_key_bytes = cipher->key_bits / 8,
                                             .integrity_key = sa->integrity.key,
                                             .integrity_key_bytes = sa->integrity.key_bits / 8},
                      view->fingerprint);
}

void sp_kernel_view_sa(const struct sp_xfrm_sa *sa, uint64_t now, struct sp_offload_sa *ret_sa)
{
    *ret_sa = (struct sp_offload_sa){
        .is_ours = sp_kernel_sa_is_ours(sa),
        .is_larval = sp_kernel_sa_is_larval(sa),
        .spi = sa->spi,
        .reqid = sa->reqid,
        .source = sa->source,
        .destination = sa->destination,
        .mode = mode_name(sa->mode),
        .lifetime = lifetime_of(&sa->limits),
        .bytes = sa->used.bytes,
        .packets = sa->used.packets,
        .age_seconds = sa->used.added_at != 0 && sa->used.added_at < now ? now - sa->used.added_at : 0,
        .replayed_packets = sa->replay_failures,
        .too_old_packets = sa->replay_window_failures,
        .bad_icv_packets = sa->integrity_failures,
        .encap = {sa->encap.source_port, sa->encap.destination_port},
        .has_esn = (sa->flags & XFRM_STATE_ESN) != 0,
    };
    view_sequence(sa, ret_sa);
    view_algorithms(sa, ret_sa);
    if (sa->has & SP_XFRM_HAS_DEVICE)
        ret_sa->offload = view_device(&sa->device, ret_sa->device, sizeof ret_sa->device);
    const struct sp_lifetime *lifetime = &ret_sa->lifetime;
    if (has_spent(ret_sa->bytes, lifetime->soft_bytes) ||
        has_spent(ret_sa->packets, lifetime->soft_packets) ||
        has_spent(ret_sa->age_seconds, lifetime->soft_seconds))
        ret_sa->state = SP_SA_SOFT_EXPIRED;
}

void sp_kernel_view_policy(const struct sp_xfrm_policy *policy, struct sp_offload_policy *ret_policy)
{
    char selector[SP_XFRM_TEXT_BYTES];
    struct sp_kernel_suite suite;

    *ret_policy = (struct sp_offload_policy){
        .is_ours = sp_xfrm_policy_is_ours(policy),
        .direction = sp_xfrm_direction_name(policy->direction),
        .action = policy->action != XFRM_POLICY_ALLOW   ? SP_ACTION_BLOCK
                  : sp_xfrm_policy_passes_clear(policy) ? SP_ACTION_BYPASS
                                                        : SP_ACTION_PROTECT,
        .priority = policy->priority,
        .index = policy->index,
    };
    if (policy->has & SP_XFRM_HAS_DEVICE)
        (void)view_device(&policy->device, ret_policy->device, sizeof ret_policy->device);
    (void)snprintf(ret_policy->selector, sizeof ret_policy->selector, "%.159s",
                   sp_xfrm_selector_text(&policy->selector, selector));
    if (ret_policy->action == SP_ACTION_PROTECT && ret_policy->is_ours &&
        sp_kernel_suite_of_reqid(policy->templates[0].reqid, &suite))
        put_suite(&suite, ret_policy->suite, sizeof ret_policy->suite);
}

/* ---- events -------------------------------------------------------------------------------------------- */

const char *sp_offload_event_name(enum sp_offload_event_kind kind)
{
    static const char *const names[] = {
        [SP_OFFLOAD_SA_ADDED] = "sa-added",
        [SP_OFFLOAD_SA_CHANGED] = "sa-changed",
        [SP_OFFLOAD_SA_DELETED] = "sa-deleted",
        [SP_OFFLOAD_SAS_FLUSHED] = "sas-flushed",
        [SP_OFFLOAD_SA_SOFT_EXPIRED] = "sa-soft-expired",
        [SP_OFFLOAD_SA_HARD_EXPIRED] = "sa-hard-expired",
        [SP_OFFLOAD_SA_MAPPED] = "sa-mapped",
        [SP_OFFLOAD_POLICY_ADDED] = "policy-added",
        [SP_OFFLOAD_POLICY_CHANGED] = "policy-changed",
        [SP_OFFLOAD_POLICY_DELETED] = "policy-deleted",
        [SP_OFFLOAD_POLICIES_FLUSHED] = "policies-flushed",
        [SP_OFFLOAD_POLICY_EXPIRED] = "policy-expired",
        [SP_OFFLOAD_ACQUIRE] = "acquire",
        [SP_OFFLOAD_LOST] = "lost",
    };

    return (unsigned)kind < sizeof names / sizeof *names ? names[kind] : "?";
}

/* "..., crypto on eth0" */
static void put_offload(const struct sp_xfrm_device *device, struct sp_offload_event *event)
{
    const size_t used = strlen(event->text);

    event->offload = view_device(device, event->device, sizeof event->device);
    (void)snprintf(event->text + used, sizeof event->text - used, ", %s on %s",
                   sp_offload_mode_name(event->offload), event->device);
}

static bool event_of_sa(const struct sp_xfrm_sa *sa, enum sp_offload_event_kind kind,
                        struct sp_offload_event *event)
{
    char text[SP_XFRM_TEXT_BYTES];
    struct sp_offload_sa view;

    sp_kernel_view_sa(sa, 0, &view);
    *event = (struct sp_offload_event){.kind = kind,
                                       .is_ours = sp_kernel_reqid_is_ours(sa->reqid),
                                       .spi = sa->spi,
                                       .source = sa->source,
                                       .destination = sa->destination};
    (void)snprintf(event->text, sizeof event->text, "%.100s%s%.100s%s%s", sp_xfrm_sa_text(sa, text),
                   view.algorithms[0] != '\0' ? " " : "", view.algorithms, view.has_suite ? " " : "",
                   view.fingerprint);
    if (sa->has & SP_XFRM_HAS_DEVICE)
        put_offload(&sa->device, event);
    return true;
}

static bool event_of_policy(const struct sp_xfrm_policy *policy, enum sp_offload_event_kind kind,
                            struct sp_offload_event *event)
{
    char text[SP_XFRM_TEXT_BYTES];

    *event = (struct sp_offload_event){.kind = kind, .is_ours = sp_xfrm_policy_is_ours(policy)};
    (void)snprintf(event->text, sizeof event->text, "%s", sp_xfrm_policy_text(policy, text));
    if (policy->has & SP_XFRM_HAS_DEVICE)
        put_offload(&policy->device, event);
    return true;
}

static bool event_of_acquire(const struct sp_xfrm_acquire *acquire, struct sp_offload_event *event)
{
    char selector[SP_XFRM_TEXT_BYTES];

    *event = (struct sp_offload_event){
        .kind = SP_OFFLOAD_ACQUIRE,
        .is_ours = sp_xfrm_policy_is_ours(&acquire->policy),
        .source = acquire->source,
        .destination = acquire->destination,
    };
    (void)snprintf(event->text, sizeof event->text, "no SA for %.240s",
                   sp_xfrm_selector_text(&acquire->selector, selector));
    return true;
}

static bool event_of_mapping(const struct sp_xfrm_mapping *mapping, struct sp_offload_event *event)
{
    char was[SP_ADDRESS_TEXT_BYTES], is[SP_ADDRESS_TEXT_BYTES], destination[SP_ADDRESS_TEXT_BYTES];

    *event = (struct sp_offload_event){
        .kind = SP_OFFLOAD_SA_MAPPED,
        .is_ours = sp_kernel_reqid_is_ours(mapping->reqid),
        .spi = mapping->spi,
        .source = mapping->new_source,
        .destination = mapping->destination,
    };
    (void)snprintf(event->text, sizeof event->text,
                   "SA 0x%08x to %s: the peer is %s port %u now, was %s port %u", mapping->spi,
                   sp_address_format(&mapping->destination, destination),
                   sp_address_format(&mapping->new_source, is), mapping->new_source_port,
                   sp_address_format(&mapping->old_source, was), mapping->old_source_port);
    return true;
}

static bool event_of_flush(enum sp_offload_event_kind kind, const char *text, struct sp_offload_event *event)
{
    *event = (struct sp_offload_event){.kind = kind};
    (void)snprintf(event->text, sizeof event->text, "%s", text);
    return true;
}

bool sp_kernel_view_event(const struct sp_xfrm_message *message, struct sp_offload_event *ret_event)
{
    switch (message->type) {
    case XFRM_MSG_NEWSA:
        return event_of_sa(&message->sa, SP_OFFLOAD_SA_ADDED, ret_event);
    case XFRM_MSG_UPDSA:
        return event_of_sa(&message->sa, SP_OFFLOAD_SA_CHANGED, ret_event);
    case XFRM_MSG_DELSA:
        return event_of_sa(&message->sa, SP_OFFLOAD_SA_DELETED, ret_event);
    case XFRM_MSG_FLUSHSA:
        return event_of_flush(SP_OFFLOAD_SAS_FLUSHED, "all SAs were taken away", ret_event);
    case XFRM_MSG_EXPIRE:
        return event_of_sa(&message->sa,
                           message->is_hard ? SP_OFFLOAD_SA_HARD_EXPIRED : SP_OFFLOAD_SA_SOFT_EXPIRED,
                           ret_event);
    case XFRM_MSG_NEWPOLICY:
        return event_of_policy(&message->policy, SP_OFFLOAD_POLICY_ADDED, ret_event);
    case XFRM_MSG_UPDPOLICY:
        return event_of_policy(&message->policy, SP_OFFLOAD_POLICY_CHANGED, ret_event);
    case XFRM_MSG_DELPOLICY:
        return event_of_policy(&message->policy, SP_OFFLOAD_POLICY_DELETED, ret_event);
    case XFRM_MSG_FLUSHPOLICY:
        return event_of_flush(SP_OFFLOAD_POLICIES_FLUSHED, "all policies were taken away", ret_event);
    case XFRM_MSG_POLEXPIRE:
        return event_of_policy(&message->policy, SP_OFFLOAD_POLICY_EXPIRED, ret_event);
    case XFRM_MSG_MAPPING:
        return event_of_mapping(&message->mapping, ret_event);
    case XFRM_MSG_ACQUIRE:
        return event_of_acquire(&message->acquire, ret_event);
    default:
        return false;
    }
}
