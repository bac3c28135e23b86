/* SPDX-License-Identifier: ISC
 *
 * Sallyport mirror: the kernel's SAs in a SAD. Library libsallyport-offload.
 *
 * An IKE daemon gives the SAs that it negotiates to the kernel. Where packets go past the kernel (an
 * appliance whose data path is this library over DPDK, AF_XDP, ...), a mirror brings them to where they are
 * needed: SAs that come, change and go in the kernel do so in the SAD, which any engine may use meanwhile.
 * The daemon needs no change. docs/examples/mirror.c is a whole program.
 *
 * The kernel tells what happens, and where it could not tell all, its table is read again and compared. So
 * after each sp_mirror_pump that says so (not is_behind), the SAD has the kernel's SAs, none is missing and
 * none left over; SAs that didn't change meanwhile were not touched, nor their sequence numbers.
 *
 * Not mirrored are use and sequence numbers, in either direction: an SA begins here as if new. Therefore have
 * the kernel not use the SAs itself, for example by dropping the peer's ESP before it sees it.
 *
 * A mirror belongs to the SAD's control thread.
 */
#ifndef SALLYPORT_MIRROR_H
#define SALLYPORT_MIRROR_H

#include <sallyport/offload.h>
#include <sallyport/packet.h>

#ifdef __cplusplus
extern "C" {
#endif

enum sp_mirror_news_kind {
    SP_MIRROR_ADDED,   /* an SA is in the SAD now */
    SP_MIRROR_CHANGED, /* its lifetime */
    SP_MIRROR_REMOVED, /* its keys are wiped, its number is free */
    SP_MIRROR_REFUSED, /* the SAD can't have it, and text says why; said once for each SA */
    SP_MIRROR_LOST,    /* the kernel could not tell all: its table is read again */
    SP_MIRROR_HEARD,   /* event is something else: a packet that needs an SA, a policy, a soft expiry, ... */
};
/* "added", "refused", ...; "?" outside the list. Static storage. */
SP_API const char *sp_mirror_news_name(enum sp_mirror_news_kind kind);

struct sp_mirror_news {
    enum sp_mirror_news_kind kind;
    uint32_t number;                       /* the SA's in the SAD, SP_NO_SA where it has none */
    uint32_t spi;                          /* 0: it is about no SA */
    struct sp_address source, destination; /* family 0: not said */
    const char *text;                      /* in words, never a key */
    const struct sp_offload_event *event;  /* of HEARD, else NULL */
};
/* What it gets is valid during the call; it must not call the mirror. */
typedef void sp_mirror_on_news(const struct sp_mirror_news *news, void *context);

/* Which SAs, and what becomes of them. All zeroes: all that an IKE daemon installs, whatever their mark. */
struct sp_mirror_options {
    bool with_ours;                /* also those of ipsecctl load, which came from a file */
    uint32_t reqid_min, reqid_max; /* only of these reqids; max 0: of any */
    bool by_mark;                  /* only those whose mark is this one, value and mask */
    uint32_t mark, mark_mask;      /* 0 and 0 is no mark */
    bool by_interface_id;          /* only those of this XFRM interface; 0 is of none */
    uint32_t interface_id;
    struct sp_lifetime lifetime; /* tightens what the kernel's SA has. An SA of 3DES that still has no byte
                                    limit gets that of w2k */
    uint32_t receive_bytes;      /* for what the kernel tells and nobody has heard yet; 0: 8 MiB */
    sp_mirror_on_news *on_news;  /* NULL: nobody listens */
    void *context;
};

struct sp_mirror;

/* Listens, and brings the SAD to have the kernel's SAs; SAs that are in it already are others' and stay, be
 * they the same. The SAD must outlive the mirror, and nobody else may remove the mirror's SAs from it.
 * SP_ERR_UNSUPPORTED (the kernel has no XFRM), SP_ERR_PERMISSION, SP_ERR_MEMORY, SP_ERR_SYSTEM. */
SP_API enum sp_status sp_mirror_open(struct sp_sad *sad, const struct sp_mirror_options *options,
                                     struct sp_mirror **ret_mirror) SP_MUST_USE;
/* Takes the mirror's SAs out of the SAD, frees, nulls; *mirror may be NULL. */
SP_API void sp_mirror_close(struct sp_mirror **mirror);

/* Readable when there is something to pump. */
SP_API int sp_mirror_descriptor(const struct sp_mirror *mirror);
/* Does what there is to do, without waiting for more. Call it when the descriptor is readable, and each
 * second or so: what could not be done for now is tried again then. SP_OK also when some SAs are refused or
 * it is_behind; SP_ERR_PERMISSION, SP_ERR_MEMORY, SP_ERR_SYSTEM: nothing more can be heard. */
SP_API enum sp_status sp_mirror_pump(struct sp_mirror *mirror) SP_MUST_USE;
/* Reads the kernel's table at the next pump, as after a loss. What a kernel does silently (a NIC that goes
 * away takes its SAs with it) is found by this alone, so call it now and then. */
SP_API void sp_mirror_resync(struct sp_mirror *mirror);

/* Tells the IKE daemon, by way of the kernel, that an SA of the mirror's met a soft limit (time for new ones)
 * or a hard one (the kernel removes it, and the mirror by that). The kernel can't know: it saw none of the
 * packets. Meant for sp_engine_events. SP_ERR_NOT_FOUND: that is no SA of the mirror's, or no longer one of
 * the kernel's. SP_ERR_PERMISSION, SP_ERR_SYSTEM. */
SP_API enum sp_status sp_mirror_expired(struct sp_mirror *mirror, uint32_t number, bool is_hard) SP_MUST_USE;

struct sp_mirror_counts {
    uint32_t mirrored, refused; /* now: together, what the kernel has of what was asked for */
    uint64_t messages, losses, dumps;
    bool is_behind; /* the SAD is known to differ, or may: pump again */
};
SP_API void sp_mirror_count(const struct sp_mirror *mirror, struct sp_mirror_counts *ret_counts);

#ifdef __cplusplus
}
#endif
#endif
