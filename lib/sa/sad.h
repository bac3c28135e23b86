/* The SAD as the data path sees it.
 *
 * Readers are registered liburcu QSBR threads that are online for the length of a burst; the control thread
 * is the only writer. What a burst found stays valid to the end of that burst.
 */
#ifndef SP_SA_SAD_H
#define SP_SA_SAD_H

#include "crypto/suite.h"
#include "sa/replay.h"

#include <sallyport/sa.h>
#include <sallyport/packet.h>

#include <stdalign.h>
#include <stdatomic.h>

struct sp_sa {
    uint32_t number, spi;
    struct sp_address source, destination;
    enum sp_mode mode;
    enum sp_encryption encryption;
    enum sp_integrity integrity;
    const struct sp_cipher *cipher;
    const struct sp_hmac *hmac;
    void *cipher_state, *hmac_state; /* in the arena; cipher_state is NULL for null encryption */
    struct sp_lifetime lifetime;     /* soft limits filled in */
    bool has_own_lifetime;
    uint64_t born_ns;
    char name[64];
    char fingerprint[17];
    struct sp_sa *next_inbound, *next_outbound; /* hash chains, published with RCU */

    /* written by the data path: on lines of its own */
    alignas(64) _Atomic uint64_t
        sequence_sent; /* last one handed out; goes past 2^32-1 only to say "exhausted" */
    _Atomic uint64_t bytes, packets;
    _Atomic uint32_t state; /* enum sp_sa_state, only ever grows */
    struct sp_replay replay;
    uint32_t reported_state; /* the control thread's: up to which state an event was given out */
};

/* NULL when there is no such SA. */
struct sp_sa *sp_sad_by_number(const struct sp_sad *sad, uint32_t number);
/* By SPI and both addresses (RFC 4301 4.1). */
struct sp_sa *sp_sad_find_inbound(const struct sp_sad *sad, uint32_t spi, const struct sp_address *source,
                                  const struct sp_address *destination);
/* The newest live SA from source to destination with exactly this suite and mode; one that is hard-expired
 * only when there is no other. */
struct sp_sa *sp_sad_find_outbound(const struct sp_sad *sad, const struct sp_address *source,
                                   const struct sp_address *destination, enum sp_encryption encryption,
                                   enum sp_integrity integrity, enum sp_mode mode);

/* Gives an SA that has no lifetime of its own this one, when it is tighter (per limit; 0 is no limit).
 * Control thread. */
void sp_sa_tighten_lifetime(struct sp_sa *sa, const struct sp_lifetime *lifetime);

/* Spends packets and bytes of the lifetime: SP_DROP_NONE, or SP_DROP_HARD_* and nothing is spent. Moves the
 * state to soft or hard expired as limits are met. */
enum sp_drop sp_sa_spend(struct sp_sa *sa, uint64_t bytes, uint64_t now_ns) SP_MUST_USE;
/* The state now, moving it on when a time limit has passed. */
enum sp_sa_state sp_sa_state_at(struct sp_sa *sa, uint64_t now_ns);

/* Whose SAD it is: an engine or an ESP context counts itself in and out, so that destroying a SAD in use is
 * caught. */
void sp_sad_hold(struct sp_sad *sad);
void sp_sad_release(struct sp_sad *sad);

#endif
