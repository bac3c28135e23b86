/* SPDX-License-Identifier: ISC
 *
 * Sallyport offload: who can do the ESP, this process, the Linux kernel or a NIC. Library
 * libsallyport-offload.
 *
 * A policy and its SAs are given to the kernel of this network namespace (XFRM): a rule becomes some kernel
 * policies, an SA of a file becomes a kernel SA. All that is done here concerns only entries of ours; those
 * of others, an IKE daemon's or typed by hand, are told apart by their numbers (policy indices and reqids of
 * 0x53000000 to 0x53ffffff are ours) and never touched. No call keeps anything: each makes and closes its own
 * socket, any thread may call, and only root gets an answer (CAP_NET_ADMIN).
 */
#ifndef SALLYPORT_OFFLOAD_H
#define SALLYPORT_OFFLOAD_H

#include <sallyport/policy.h>

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What the kernel of this network namespace answered. */
struct sp_offload_kernel {
    bool has_xfrm; /* policies and SAs can be asked for over netlink (CONFIG_XFRM_USER) */
    uint32_t sa_count, policy_count;
    char text[256]; /* one sentence for people */
};

/* Asks the kernel over NETLINK_XFRM. SP_OK also when it has none (has_xfrm is false then); SP_ERR_PERMISSION,
 * SP_ERR_SYSTEM. Makes and closes its own socket; any thread. */
SP_API enum sp_status sp_offload_kernel_probe(struct sp_offload_kernel *ret_kernel) SP_MUST_USE;

/* The most kernel policies that a policy may become. */
#define SP_OFFLOAD_POLICIES_MAX 65536u

/* ---- a NIC -------------------------------------------------------------------------------------------- */

/* How much of the ESP a NIC does. */
enum sp_offload_mode {
    SP_OFFLOAD_SOFTWARE, /* none: the kernel does it */
    SP_OFFLOAD_CRYPTO, /* encryption and integrity; the kernel keeps headers, sequence numbers and policies */
    SP_OFFLOAD_PACKET, /* all, policies too */
    SP_OFFLOAD_AUTO,   /* in a request: the most that is granted, in software if need be */
    SP_OFFLOAD_NONE    /* in an answer: not even the kernel does it */
};
/* "software", "crypto", "packet", "auto", "none"; "?" outside the list. Static storage. */
SP_API const char *sp_offload_mode_name(enum sp_offload_mode mode);

struct sp_offload_nic {
    const char *device; /* its name; NULL: for each SA the device that has its local address */
    /* SP_OFFLOAD_CRYPTO, SP_OFFLOAD_PACKET: that for each SA, or the load fails and nothing is changed.
     * SP_OFFLOAD_AUTO: packet for all, else crypto for those of which it is granted, else software. */
    enum sp_offload_mode mode;
};

/* What became of the request for one SA, as the kernel tells when it is asked again: it also says yes where
 * it then does the ESP in software. */
struct sp_offload_grant {
    uint32_t spi;
    struct sp_address source, destination;
    enum sp_offload_mode requested, granted;
    const char *device; /* that does it, or was asked; "": none */
    /* Why not that, in a sentence; "": it is granted, or was not asked for. */
    const char *packet_refusal, *crypto_refusal;
    const char *kernel_refusal; /* "" unless SP_OFFLOAD_NONE is granted */
};

/* "add SA 0x00001001 192.0.2.1 -> 192.0.2.2", before it is asked for. */
typedef void sp_offload_on_step(const char *step, void *context);

struct sp_offload_load {
    const struct sp_policy *policy;
    struct sp_me me;                  /* must be known: the kernel's policies have addresses only */
    const char *keys_path;            /* an SA file, sallyport.keys(5); NULL: no SAs */
    const struct sp_offload_nic *nic; /* NULL: all in software; otherwise there must be an SA file */
    bool is_trial;                    /* find out what would be done, and do nothing */
    sp_offload_on_step *on_step;      /* NULL: nobody listens */
    /* For each SA that a NIC was asked for, when all is done, or would be; what it gets is valid during the
     * call. With SP_OFFLOAD_AUTO also when the kernel refuses (SP_ERR_UNSUPPORTED, SP_ERR_LIMIT), for there
     * is one more who can do it. NULL: nobody listens. */
    void (*on_grant)(const struct sp_offload_grant *grant, void *context);
    void *context;
    uint64_t
        *rule_policies; /* receives, for each rule, how many kernel policies it becomes; NULL: not asked */
};

/* What a call changed, or would. unreachable: of a selector that an earlier rule has too. */
struct sp_offload_changes {
    uint32_t policies_added, policies_changed, policies_deleted, policies_kept, policies_unreachable,
        policies_foreign;
    uint32_t sas_added, sas_changed, sas_deleted, sas_kept, sas_foreign;
};

/* Brings the kernel to have this policy and these SAs, and nothing else of ours: what is right already stays
 * (an SA of the same keys keeps its sequence numbers), the rest is added, changed or deleted in an order in
 * which no packet passes in clear that neither the former policy nor this one lets pass. A process that is
 * killed in between leaves the kernel in such a state; loading again goes on from there.
 *
 * Lifetimes are as in the user backend: an SA without one of its own has the tightest of the actions of its
 * suite. The kernel counts the bytes of whole packets, which are a few more.
 *
 * On a NIC, an SA that moves to another place under the same keys goes on with its sequence numbers, 2^24
 * ahead, and with what it used of its lifetime; what is late from before the move is dropped. With
 * SP_OFFLOAD_PACKET each policy that protects has a second one behind it that does so in software: when the
 * device goes down, the kernel drops its SAs and policies, and traffic is then held up rather than let
 * through in clear until it is loaded again.
 *
 * SP_ERR_UNSUPPORTED: the kernel or the NIC can't, and the report says what is lacking (ESP, DES, ...); a
 * mode by name of an SA that no NIC does, as in tunnel mode, among it.
 * SP_ERR_NOT_FOUND: no such device, or none with an SA's local address. SP_ERR_EXISTS: a
 * policy or SA of somebody else is in the way. SP_ERR_LIMIT: over SP_OFFLOAD_POLICIES_MAX kernel policies;
 * the report names the rule. SP_ERR_INVALID: me is unknown, or a NIC is asked without SAs. SP_ERR_PERMISSION,
 * SP_ERR_MEMORY, SP_ERR_SYSTEM, and what sp_keys_visit answers. After a refusal everything is put back as it
 * was, except SAs whose keys were replaced; where only a former SA could not be ended, what is new stays in
 * force. The report says which, and when putting back could not be done. *ret_changes is untouched on
 * failure. */
SP_API enum sp_status sp_offload_kernel_load(const struct sp_offload_load *load, struct sp_report *report,
                                             struct sp_offload_changes *ret_changes) SP_MUST_USE;
/* Takes all of ours away, policies first. What was protected goes in clear afterwards. The same answers. */
SP_API enum sp_status sp_offload_kernel_flush(bool is_trial, sp_offload_on_step *on_step, void *context,
                                              struct sp_report *report,
                                              struct sp_offload_changes *ret_changes) SP_MUST_USE;

/* ---- a guard behind a data path in user space ---------------------------------------------------------
 *
 * Where ESP is done by a process and packets reach it by a device of its own, the kernel's policies can see
 * to it that what a policy protects or blocks leaves by no other device. That takes no ESP in the kernel: the
 * packets are asked for under an SA that never comes, so they are held for a moment and then dropped. Only
 * net.core.xfrm_larval_drop must be 0, or the kernel would drop them too early, before they are steered to
 * the device. ICMP errors, IPv6 echo replies, neighbour discovery and multicast listener reports are let
 * through, because for these the kernel has no "too early".
 *
 * These policies have indices and a reqid of 0x54000000 to 0x54ffffff. */

/* Each new flow of the host is held against them, so there may not be too many. */
#define SP_OFFLOAD_GUARD_POLICIES_MAX 2048u

struct sp_offload_guard {
    const struct sp_policy *policy;
    struct sp_me me; /* must be known */
    uint32_t device; /* index of the one that packets may leave by; 0: it isn't there yet */
};
/* Brings the kernel to have this guard in the place of any former one; what is right already stays. In no
 * moment does a packet leave that neither of both lets leave. SP_ERR_LIMIT: it would be over
 * SP_OFFLOAD_GUARD_POLICIES_MAX policies; SP_ERR_EXISTS: a policy of somebody else is in the way;
 * SP_ERR_UNSUPPORTED: no XFRM; SP_ERR_INVALID: me is unknown; SP_ERR_PERMISSION, SP_ERR_MEMORY,
 * SP_ERR_SYSTEM. The report says more. After a refusal there may be more policies than wanted, never fewer.
 */
SP_API enum sp_status sp_offload_guard_load(const struct sp_offload_guard *guard, struct sp_report *report,
                                            struct sp_offload_changes *ret_changes) SP_MUST_USE;
/* Takes it away. The same answers. */
SP_API enum sp_status sp_offload_guard_flush(struct sp_report *report,
                                             struct sp_offload_changes *ret_changes) SP_MUST_USE;
/* What leaves by this socket, of family 4 or 6, needs no kernel policy: it is ESP already.
 * SP_ERR_UNSUPPORTED: no XFRM; SP_ERR_PERMISSION, SP_ERR_SYSTEM. */
SP_API enum sp_status sp_offload_guard_exempt(int socket, uint8_t family) SP_MUST_USE;

/* ---- looking ------------------------------------------------------------------------------------------ */

/* An SA that the kernel has; never its keys. */
struct sp_offload_sa {
    bool is_ours;
    bool is_larval; /* reserved, or waited for: it has no keys yet */
    uint32_t spi, reqid;
    struct sp_address source, destination; /* family 0: not said */
    const char *mode;                      /* "transport", "tunnel", ... */
    bool has_suite;                        /* encryption, integrity and fingerprint hold */
    enum sp_encryption encryption;
    enum sp_integrity integrity;
    char fingerprint[17];
    char algorithms[200]; /* ours, "3des-cbc hmac-sha1-96", or else as the kernel names them */
    struct sp_lifetime lifetime;
    enum sp_sa_state state; /* soft-expired by what it has used; an SA that is hard-expired is gone */
    uint64_t bytes, packets, age_seconds;
    uint32_t replay_window_packets;
    struct sp_encap encap;
    enum sp_offload_mode offload;
    char device[16]; /* the NIC that does it; "": none */
    uint64_t sequence_sent, sequence_received;
    uint32_t replayed_packets, too_old_packets, bad_icv_packets;
    bool has_esn;
};
/* A policy that the kernel has. It counts no packets. */
struct sp_offload_policy {
    bool is_ours;
    const char *direction; /* "out", "in", "fwd" */
    enum sp_action action;
    uint32_t priority, index; /* lower priorities are tried first */
    char device[16];          /* the NIC that does it; "": none */
    char selector[160];       /* "tcp 192.0.2.1 -> any port 80" */
    char suite[64];           /* of protect: what its SAs must be; "" where the kernel's policy doesn't say */
};
/* Why the kernel dropped packets: a line of /proc/net/xfrm_stat, for all SAs and policies, whoever's. */
struct sp_offload_drop {
    const char *name; /* "XfrmInTmplMismatch" */
    const char *text; /* "came in clear, but a policy wants it under ESP" */
    uint64_t packets;
};
/* What to call with each; members that are NULL are not asked for. What they get is valid during the call. */
struct sp_offload_visitor {
    void (*on_sa)(const struct sp_offload_sa *sa, void *context);
    void (*on_policy)(const struct sp_offload_policy *policy, void *context);
    void (*on_drop)(const struct sp_offload_drop *drop, void *context);
    void *context;
};
/* Visits what the kernel has, policies as they are tried. SP_ERR_UNSUPPORTED (no XFRM), SP_ERR_PERMISSION,
 * SP_ERR_MEMORY, SP_ERR_SYSTEM. A kernel without counters of drops just has none. */
SP_API enum sp_status sp_offload_kernel_visit(const struct sp_offload_visitor *visitor) SP_MUST_USE;

/* What a device advertises, in ethtool's names. */
enum sp_offload_feature {
    SP_OFFLOAD_FEATURE_ESP,          /* "esp-hw-offload" */
    SP_OFFLOAD_FEATURE_CHECKSUM,     /* "esp-tx-csum-hw-offload" */
    SP_OFFLOAD_FEATURE_SEGMENTATION, /* "tx-esp-segmentation" */
    SP_OFFLOAD_FEATURE_COUNT
};
enum sp_offload_feature_state {
    SP_OFFLOAD_FEATURE_UNKNOWN, /* to the kernel */
    SP_OFFLOAD_FEATURE_ABSENT,
    SP_OFFLOAD_FEATURE_OFF, /* "ethtool -K" can turn it on */
    SP_OFFLOAD_FEATURE_ON
};
/* "?" outside the list. Static storage. */
SP_API const char *sp_offload_feature_name(enum sp_offload_feature feature);

struct sp_offload_device {
    char name[16];
    char driver[32];        /* "": not told */
    char driver_takes[160]; /* in words, by the sources of Linux 6.12; "": no ESP by these */
    bool has_features;      /* features hold */
    enum sp_offload_feature_state features[SP_OFFLOAD_FEATURE_COUNT];
    char trouble[96]; /* why the kernel could not be asked about suites, or not about all; "": it was */
};
/* One of our suites and that device. */
struct sp_offload_suite {
    enum sp_encryption encryption;
    enum sp_integrity integrity;
    bool is_known, is_taken; /* by the driver's sources: they are known, and it is taken */
    bool is_asked; /* the rest holds: the kernel was asked with an SA of chance, which is gone again */
    bool is_there; /* the kernel can do it; otherwise both refusals say what it lacks */
    enum sp_offload_mode granted;
    const char *packet_refusal,
        *crypto_refusal; /* why not that; "": granted, or not tried because better was */
};
typedef void sp_offload_on_suite(const struct sp_offload_suite *suite, void *context);
/* Looks at a device and, with root's rights, tries each suite on it with an SA from one of its addresses to
 * itself, which is deleted at once; on_suite, which may be NULL, is called for each. SP_ERR_NOT_FOUND: no
 * such device. What could not be found out is left out of *ret_device, and trouble says why. Any thread. */
SP_API enum sp_status sp_offload_device_probe(const char *name, sp_offload_on_suite *on_suite, void *context,
                                              struct sp_offload_device *ret_device) SP_MUST_USE;

enum sp_offload_event_kind {
    SP_OFFLOAD_SA_ADDED,
    SP_OFFLOAD_SA_CHANGED,
    SP_OFFLOAD_SA_DELETED,
    SP_OFFLOAD_SAS_FLUSHED,
    SP_OFFLOAD_SA_SOFT_EXPIRED,
    SP_OFFLOAD_SA_HARD_EXPIRED,
    SP_OFFLOAD_SA_MAPPED, /* its peer's address or port, as a NAT has it, changed */
    SP_OFFLOAD_POLICY_ADDED,
    SP_OFFLOAD_POLICY_CHANGED,
    SP_OFFLOAD_POLICY_DELETED,
    SP_OFFLOAD_POLICIES_FLUSHED,
    SP_OFFLOAD_POLICY_EXPIRED,
    SP_OFFLOAD_ACQUIRE, /* a packet needs an SA that isn't there */
    SP_OFFLOAD_LOST,    /* more happened than could be told */
};
/* "sa-added", "acquire", ...; "?" outside the list. Static storage. */
SP_API const char *sp_offload_event_name(enum sp_offload_event_kind kind);

struct sp_offload_event {
    enum sp_offload_event_kind kind;
    bool is_ours;
    uint32_t spi;                          /* of SAs; 0: none */
    struct sp_address source, destination; /* family 0: not said */
    enum sp_offload_mode offload;          /* of SAs and policies */
    char device[16];                       /* the NIC that does it; "": none */
    char text[256];                        /* the whole of it in words */
};

/* Listens to what happens to the kernel's SAs and policies from now on. SP_ERR_UNSUPPORTED,
 * SP_ERR_PERMISSION, SP_ERR_MEMORY, SP_ERR_SYSTEM. */
struct sp_offload_monitor;
SP_API enum sp_status sp_offload_monitor_open(struct sp_offload_monitor **ret_monitor) SP_MUST_USE;
SP_API void sp_offload_monitor_close(struct sp_offload_monitor **monitor);
/* Readable when there is an event. */
SP_API int sp_offload_monitor_descriptor(const struct sp_offload_monitor *monitor);
/* The next event; SP_ERR_NOT_FOUND: there is none now. SP_ERR_SYSTEM. */
SP_API enum sp_status sp_offload_monitor_next(struct sp_offload_monitor *monitor,
                                              struct sp_offload_event *ret_event) SP_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
