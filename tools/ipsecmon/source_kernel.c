/* SPDX-License-Identifier: ISC
 *
 * The kernel's SAs, policies and reasons (XFRM and /proc/net/xfrm_stat), whoever put them there, with the
 * work done by the kernel or by a NIC.
 */
#include "sources.h"

#include "own_addresses.h"
#include "tool.h"

#include <sallyport/offload.h>

#include <stdlib.h>
#include <string.h>

struct gathered {
    struct snapshot *snapshot;
    struct sp_me me;
    size_t association_room, drop_room;
    bool has_policy;
};

/* Room for one more of a growing array in the pool; what it outgrows stays there until the end. */
static void *grow(struct pool *pool, void *array, size_t count, size_t *room, size_t entry_bytes)
{
    if (count < *room)
        return array;
    *room = *room ? *room * 2 : 64;
    void *larger = pool_take(pool, *room * entry_bytes);
    if (count > 0)
        memcpy(larger, array, count * entry_bytes);
    return larger;
}

static const char *address_text(struct pool *pool, const struct sp_address *address)
{
    char text[SP_ADDRESS_TEXT_BYTES];
    return address->family ? pool_text(pool, sp_address_format(address, text)) : "";
}

static const char *direction_of(const struct sp_me *me, const struct sp_offload_sa *sa)
{
    if (own_addresses_hold(me, &sa->source))
        return "out";
    return own_addresses_hold(me, &sa->destination) ? "in" : "none";
}

/* A NIC does only what somebody asked it to do; whether more was asked for, the kernel doesn't remember. */
static void set_backend(struct pool *pool, struct association *own, const struct sp_offload_sa *sa)
{
    const bool is_on_nic = sa->device[0] != '\0' && sa->offload != SP_OFFLOAD_SOFTWARE;
    own->requested = is_on_nic ? "nic" : "kernel";
    own->granted = is_on_nic ? pool_format(pool, "nic %s (%s)", sa->device, sp_offload_mode_name(sa->offload))
                             : "kernel";
}

static void set_texts(struct gathered *gathered, struct association *own, const struct sp_offload_sa *sa)
{
    struct pool *pool = &gathered->snapshot->pool;
    own->source = address_text(pool, &sa->source);
    own->destination = address_text(pool, &sa->destination);
    own->direction = direction_of(&gathered->me, sa);
    own->peer = strcmp(own->direction, "in") == 0 ? own->source : own->destination;
    own->mode = pool_text(pool, sa->mode);
    own->suite = pool_text(pool, sa->algorithms);
    own->security = sa->has_suite ? security_text(pool, sp_encryption_name(sa->encryption),
                                                  sp_integrity_name(sa->integrity))
                                  : pool_format(pool, "ESP %s", sa->algorithms);
    if (strcmp(own->mode, "tunnel") == 0)
        own->tunnel = pool_format(pool, "%s -> %s", own->source, own->destination);
    own->fingerprint = pool_text(pool, sa->fingerprint);
    own->state = sa->is_larval ? "larval" : sa->state == SP_SA_SOFT_EXPIRED ? "soft-expired" : "live";
    own->policy = sa->is_ours ? "kernel" : "foreign";
    set_backend(pool, own, sa);
}

static void take_sa(const struct sp_offload_sa *sa, void *context)
{
    struct gathered *gathered = context;
    struct snapshot *snapshot = gathered->snapshot;
    const struct association *former = snapshot->associations;
    const size_t count = snapshot->association_count;
    if (count == gathered->association_room) {
        gathered->association_room = count ? count * 2 : 64;
        snapshot_set_associations(snapshot, gathered->association_room);
        if (count > 0)
            memcpy(snapshot->associations, former, count * sizeof *former);
    }
    snapshot->association_count = count + 1;
    struct association *own = &snapshot->associations[count];
    set_texts(gathered, own, sa);
    own->number = (uint32_t)count;
    own->spi = sa->spi;
    own->is_ours = sa->is_ours;
    own->is_active = !sa->is_larval;
    own->is_confidential = !sa->has_suite || sa->encryption != SP_ENCRYPTION_NULL;
    own->is_authenticated = true;
    own->bytes = sa->bytes;
    own->packets = own->esp_packets = sa->packets;
    own->age_seconds = sa->age_seconds;
    own->drops[SP_DROP_REPLAY] = (uint64_t)sa->replayed_packets + sa->too_old_packets;
    own->drops[SP_DROP_BAD_ICV] = sa->bad_icv_packets;
    own->dropped_packets = own->drops[SP_DROP_REPLAY] + own->drops[SP_DROP_BAD_ICV];
    own->soft_bytes = sa->lifetime.soft_bytes;
    own->hard_bytes = sa->lifetime.hard_bytes;
    own->soft_packets = sa->lifetime.soft_packets;
    own->hard_packets = sa->lifetime.hard_packets;
    own->soft_seconds = sa->lifetime.soft_seconds;
    own->hard_seconds = sa->lifetime.hard_seconds;
    own->sequence_sent = sa->sequence_sent;
    own->sequence_received = sa->sequence_received;
    own->replay_window_packets = sa->replay_window_packets;
}

static void take_policy(const struct sp_offload_policy *policy, void *context)
{
    struct gathered *gathered = context;
    gathered->has_policy |= policy->action != SP_ACTION_BYPASS;
}

/* "XfrmInNoStates" and "XfrmFwdHdrError" concern what comes in, "XfrmOut..." what leaves. */
static void take_drop(const struct sp_offload_drop *drop, void *context)
{
    struct gathered *gathered = context;
    struct snapshot *snapshot = gathered->snapshot;
    const bool is_out = strncmp(drop->name, "XfrmOut", 7) == 0;
    snapshot->drops = grow(&snapshot->pool, snapshot->drops, snapshot->drop_count, &gathered->drop_room,
                           sizeof *snapshot->drops);
    snapshot->drops[snapshot->drop_count++] = (struct drop_count){
        .where = is_out ? "outbound" : "inbound",
        .reason = pool_text(&snapshot->pool, drop->name),
        .text = pool_text(&snapshot->pool, drop->text),
        .packets = drop->packets,
    };
    snapshot->flows[is_out ? FLOW_OUTBOUND : FLOW_INBOUND].dropped_packets += drop->packets;
}

static uint64_t drops_named(const struct snapshot *snapshot, const char *name)
{
    for (size_t i = 0; i < snapshot->drop_count; i++)
        if (strcmp(snapshot->drops[i].reason, name) == 0)
            return snapshot->drops[i].packets;
    return 0;
}

static uint64_t less(uint64_t one, uint64_t other)
{
    return one > other ? one - other : 0;
}

static void add_carried(struct snapshot *snapshot, int which, uint64_t packets, uint64_t bytes)
{
    struct flow *flow = &snapshot->flows[which];
    flow->offered_packets += packets;
    flow->offered_bytes += bytes;
    *(which == FLOW_INBOUND ? &flow->opened_packets : &flow->sealed_packets) += packets;
}

/* What passed in clear the kernel doesn't count, so the flows are those of the SAs. */
static void sum_flows(struct snapshot *snapshot)
{
    uint64_t bad_icv =
        snapshot->ended[FLOW_OUTBOUND].bad_icv_packets + snapshot->ended[FLOW_INBOUND].bad_icv_packets;
    for (int i = 0; i < FLOW_COUNT; i++)
        add_carried(snapshot, i, snapshot->ended[i].packets, snapshot->ended[i].bytes);
    for (size_t i = 0; i < snapshot->association_count; i++) {
        const struct association *sa = &snapshot->associations[i];
        add_carried(snapshot, association_flow(sa), sa->packets, sa->bytes);
        bad_icv += sa->drops[SP_DROP_BAD_ICV];
    }
    for (int i = 0; i < FLOW_COUNT; i++)
        snapshot->flows[i].offered_packets += snapshot->flows[i].dropped_packets;
    snapshot_set_known(snapshot, KNOWN_BAD_SPI, drops_named(snapshot, "XfrmInNoStates"));
    snapshot_set_known(snapshot, KNOWN_NOT_AUTHENTICATED, bad_icv);
    snapshot_set_known(snapshot, KNOWN_NOT_DECRYPTED,
                       less(drops_named(snapshot, "XfrmInStateProtoError"), bad_icv) +
                           drops_named(snapshot, "XfrmInHdrError"));
    snapshot_set_known(snapshot, KNOWN_REPLAYED, drops_named(snapshot, "XfrmInStateSeqError"));
}

static void set_refused(struct snapshot *snapshot, enum sp_status status)
{
    if (status == SP_ERR_PERMISSION)
        snapshot_set_down(snapshot, "the kernel's SAs are for root: run this as root (CAP_NET_ADMIN)");
    else if (status == SP_ERR_UNSUPPORTED)
        snapshot_set_down(snapshot, "this kernel has no IPsec (CONFIG_XFRM_USER)");
    else
        snapshot_set_down(snapshot, "the kernel does not answer: %s", sp_status_text(status));
}

void source_kernel(struct source *source, struct snapshot *snapshot, const struct snapshot *former)
{
    struct gathered gathered = {.snapshot = snapshot};
    struct sp_offload_kernel kernel;
    const struct sp_offload_visitor visitor = {
        .on_sa = take_sa, .on_policy = take_policy, .on_drop = take_drop, .context = &gathered};
    (void)source;
    if (!own_addresses(NULL, &gathered.me))
        gathered.me = (struct sp_me){0};
    const enum sp_status status = sp_offload_kernel_visit(&visitor);
    own_addresses_free(&gathered.me);
    if (status != SP_OK) {
        set_refused(snapshot, status);
        return;
    }
    snapshot->is_up = true;
    snapshot->is_enabled = gathered.has_policy;
    snapshot->backend = "kernel";
    snapshot->version =
        sp_offload_kernel_probe(&kernel) == SP_OK ? pool_text(&snapshot->pool, kernel.text) : "";
    snapshot_keep_ended(snapshot, former);
    sum_flows(snapshot);
}
