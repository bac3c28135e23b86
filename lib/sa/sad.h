/* SPDX-License-Identifier: ISC
 *
 * The SAD as the data path sees it.
 *
 * Readers are registered threads (thread.h) that are online for the length of a burst; the control thread is
 * the only writer. What a burst found stays valid to the end of that burst.
 */
#ifndef SP_SA_SAD_H
#define SP_SA_SAD_H

#include "crypto/suite.h"
#include "sa/replay.h"

#include <sallyport/sa.h>
#include <sallyport/packet.h>

#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

/* A lifetime as the data path compares with it: UINT64_MAX is no limit, times are moments of sp_clock_now_ns.
 * The control thread may lower each at any time. */
struct sp_sa_limits {
    _Atomic uint64_t soft_bytes, hard_bytes;
    _Atomic uint64_t soft_packets, hard_packets;
    _Atomic uint64_t soft_ns, hard_ns;
    /* what may be used before the state (state.h) has reserved more; without one there is no such limit */
    _Atomic uint64_t reserved_bytes, reserved_packets;
    _Atomic uint64_t sequence_limit; /* the last sequence number that may be sent */
};

/* What an SA has used, for the next process to go on from: a line of shared memory. */
struct sp_sa_live {
    alignas(64) _Atomic uint64_t sent;
    _Atomic uint64_t received, bytes, packets;
};

/* What the usual packet needs to be sealed or opened by the short way (esp/plain.h). */
struct sp_sa_plain {
    uint64_t addresses; /* as sp_plain_addresses() */
    uint8_t iv_bytes, align_bytes, icv_bytes;
    bool is_plain; /* IPv4, transport mode, CBC, short numbers, and nothing else that is out of the common */
};

struct sp_sa {
    /* what each packet reads: the first lines */
    alignas(64) uint32_t number, spi;
    struct sp_sa_plain plain;
    struct sp_address source, destination;
    bool has_esn; /* sequence numbers have 64 bits, the upper 32 of which aren't sent */
    enum sp_mode mode;
    enum sp_encryption encryption;
    enum sp_integrity integrity;
    struct sp_encap encap;
    struct sp_tunnel tunnel;
    uint16_t
        identification_start;   /* of the outer IPv4 headers: a packet's is this plus its sequence number */
    struct sp_sa *next_inbound; /* hash chain, published with RCU */
    const struct sp_cipher *cipher;
    const struct sp_hmac *hmac;
    void *cipher_state, *hmac_state; /* in the arena; cipher_state is NULL for null encryption */
    struct sp_sa_limits limits;
    uint64_t iv_start; /* of a combined mode cipher: a packet's IV is this plus its sequence number */

    struct sp_sa_live *live;     /* raised before what was taken is used; NULL: no state is kept */
    struct sp_sa *next_outbound; /* hash chain, published with RCU */
    struct sp_sa *next_same_key; /* hash chain, the control thread's */
    struct sp_lifetime lifetime; /* soft limits filled in; the control thread's */
    bool has_own_lifetime;
    bool is_default_lifetime;  /* no own one, and no action has given one yet */
    uint32_t reported_state;   /* the control thread's: up to which state an event was given out */
    uint64_t born_ns;          /* when it was added: a number that is given again is told apart by it */
    uint64_t aged_ns;          /* how old it was then, in an earlier process */
    uint64_t retired_until_ns; /* then a retired one goes; the control thread's */
    uint32_t place;            /* in the state */
    char name[64];
    char fingerprint[17];

    /* written by the data path: on lines of its own, so that workers that share the SA don't take the above
     * from each other with each packet */
    alignas(64) _Atomic uint64_t
        sequence_sent; /* last one handed out; goes past the last one only to say "exhausted" */
    _Atomic uint64_t bytes, packets;
    _Atomic bool is_retired;      /* another one has taken its place: nothing is sealed under it any more */
    _Atomic uint32_t state;       /* enum sp_sa_state, only ever grows */
    _Atomic uint32_t expired_by;  /* enum sp_drop: which hard limit was met first, set before the state */
    _Atomic uint32_t softened_by; /* enum sp_limit: the same of the soft ones */
    struct sp_replay replay;
};

/* The last sequence number that may be sent. Of 64 bits the last 2^32 are left alone: the counter is moved on
 * before it is known to be too far, and workers that race at the end must not make it wrap. */
static inline uint64_t sp_sa_sequence_max(const struct sp_sa *sa)
{
    return sa->has_esn ? UINT64_MAX - UINT32_MAX : UINT32_MAX;
}

/* Workers that share an SA come in any order. */
static inline void sp_live_raise(_Atomic uint64_t *figure, uint64_t value)
{
    uint64_t was = atomic_load_explicit(figure, memory_order_relaxed);
    while (was < value && !atomic_compare_exchange_weak_explicit(figure, &was, value, memory_order_relaxed,
                                                                 memory_order_relaxed))
        continue;
}

static inline bool sp_address_is_same(const struct sp_address *a, const struct sp_address *b)
{
    uint64_t words_a[2], words_b[2];

    memcpy(words_a, a->bytes, sizeof words_a);
    memcpy(words_b, b->bytes, sizeof words_b);
    return ((words_a[0] ^ words_b[0]) | (words_a[1] ^ words_b[1])) == 0 && a->family == b->family;
}

static inline bool sp_sa_is_between(const struct sp_sa *sa, const struct sp_address *source,
                                    const struct sp_address *destination)
{
    return sp_address_is_same(&sa->source, source) && sp_address_is_same(&sa->destination, destination);
}

/* Fetches the lines that each packet needs, ahead of it. */
static inline void sp_sa_prefetch(const struct sp_sa *sa)
{
    __builtin_prefetch(sa);
    __builtin_prefetch(&sa->cipher);
    __builtin_prefetch(&sa->limits.soft_ns);
    __builtin_prefetch(&sa->sequence_sent, 1);
}

/* NULL when there is no such SA. */
struct sp_sa *sp_sad_by_number(const struct sp_sad *sad, uint32_t number);
/* By SPI and both addresses (RFC 4301 4.1). */
struct sp_sa *sp_sad_find_inbound(const struct sp_sad *sad, uint32_t spi, const struct sp_address *source,
                                  const struct sp_address *destination);
/* The newest live SA from source to destination with exactly this suite, mode, encapsulation and kind of
 * numbers; one that is hard-expired or has no sequence numbers left only when there is no other; a retired
 * one never. */
struct sp_sa *sp_sad_find_outbound(const struct sp_sad *sad, const struct sp_address *source,
                                   const struct sp_address *destination, enum sp_encryption encryption,
                                   enum sp_integrity integrity, enum sp_mode mode, bool is_encapsulated,
                                   bool has_esn);
/* Retires an SA until then, and takes that back. Control thread. */
void sp_sa_retire(struct sp_sa *sa, uint64_t until_ns);
void sp_sa_revive(struct sp_sa *sa);
/* Is there another one that would carry what this one, which is retired, did? */
bool sp_sad_has_successor(const struct sp_sad *sad, const struct sp_sa *sa);
/* Is UDP to this port encapsulated ESP, because an SA says so? */
bool sp_sad_has_encap_port(const struct sp_sad *sad, uint16_t port);

/* For an SA without a lifetime of its own, which starts with w2k: the first call gives it this one instead,
 * be it longer or shorter; each later call lowers its limits one by one to those that are tighter (0 is no
 * limit). A 64-bit block cipher keeps a byte limit of at most 2^32 blocks whatever is asked. An SA with its
 * own lifetime is left alone. Control thread; a limit met already makes the next packet expire the SA. */
void sp_sa_tighten_lifetime(struct sp_sa *sa, const struct sp_lifetime *lifetime);

/* The SA is so old already, older perhaps than the clock: its time limits count from then. Before it is
 * published. */
void sp_sa_set_age(struct sp_sa *sa, uint64_t age_ns);
static inline uint64_t sp_sa_age_ns(const struct sp_sa *sa, uint64_t now_ns)
{
    return now_ns - sa->born_ns + sa->aged_ns;
}

/* Spends one packet of so many bytes: SP_DROP_NONE, or SP_DROP_HARD_* or STATE_BEHIND and nothing is spent.
 * Moves the state to soft or hard expired as limits are met; what meets a hard limit exactly still passes,
 * and is the last.
 */
enum sp_drop sp_sa_spend(struct sp_sa *sa, uint64_t bytes, uint64_t now_ns) SP_MUST_USE;
/* The same for many packets of so many bytes in all, or nothing: false when any limit is in the way, and what
 * of them still fits is then to be spent packet by packet. */
bool sp_sa_spend_many(struct sp_sa *sa, uint64_t packets, uint64_t bytes, uint64_t now_ns) SP_MUST_USE;
/* The state now, moving it on when a time limit has passed. */
enum sp_sa_state sp_sa_state_at(struct sp_sa *sa, uint64_t now_ns);
/* SP_DROP_HARD_* of a hard-expired SA, SP_DROP_NONE of any other. */
enum sp_drop sp_sa_expired_by(const struct sp_sa *sa);
/* Which limit brought an SA to this state, that it has reached. One that met its hard limit with the packet
 * that met the soft one met both by the same. */
enum sp_limit sp_sa_limit_met(const struct sp_sa *sa, enum sp_sa_state state);

/* same.c: would an SA made of these parameters, with the same SPI and addresses, be this one? */
bool sp_sa_is_made_of(const struct sp_sa *sa, const struct sp_sa_params *params);

/* Whose SAD it is: an engine or an ESP context counts itself in and out, so that destroying a SAD in use is
 * caught. */
void sp_sad_hold(struct sp_sad *sad);
void sp_sad_release(struct sp_sad *sad);

#endif
