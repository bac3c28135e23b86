/* SPDX-License-Identifier: ISC
 *
 * A kernel with SAs, in the test's memory: it tells what happens to them, to a listener that can hear only so
 * much, and answers dumps message by message while its SAs change.
 *
 * It does so as the real one does: an SA that was reserved becomes a whole one by an update, an update of a
 * whole one changes its limits and tells the keys of the request, a hard expiry takes an SA away without
 * another word, and a dump misses what is added while it goes on.
 */
#ifndef TESTS_MIRROR_KERNEL_H
#define TESTS_MIRROR_KERNEL_H

#include "mirror/mirror.h"

/* Places of SAs: SPIs, destinations, and whether it is for packets with a mark. */
#define PLACE_SPIS 6u
#define PLACE_DESTINATIONS 2u
#define PLACES (PLACE_SPIS * PLACE_DESTINATIONS * 2u)
#define QUEUE_MAX 4096u

enum made_sa_kind {
    MADE_GOOD,    /* 3DES-CBC, HMAC-SHA1-96, transport */
    MADE_WEAK,    /* the same with a key that is refused */
    MADE_UNKNOWN, /* AES-CBC */
    MADE_BEET,
    MADE_KINDS
};

struct made_sa {
    bool is_there, is_larval;
    enum made_sa_kind kind;
    uint32_t key;   /* its keys are made of this number */
    uint32_t birth; /* later ones have larger ones */
    uint32_t reqid;
    uint64_t hard_seconds;
};

struct heard_message {
    char *bytes;
    size_t len_bytes;
};

struct mirror_kernel {
    struct made_sa sas[PLACES];
    uint32_t births;
    struct heard_message queue[QUEUE_MAX]; /* told and not heard yet */
    size_t first, count, room;             /* room: how many may wait */
    bool is_lost;                          /* the listener is to be told so next */
    uint32_t told, lose_at,
        lose_count; /* these of all that is told are lost: from lose_at (1 is the first) */
    bool is_dumping, is_interrupted;
    uint32_t dump_request, dump_below; /* what is left of the dump was born before */
    uint32_t dumps;
    int dump_error; /* instead of an answer, once */
    /* called before each answer of a dump */
    void (*meanwhile)(struct mirror_kernel *kernel, void *context);
    void *context;
    int last_expired; /* the place that somebody said is expired; -1: none */
};

void mirror_kernel_begin(struct mirror_kernel *kernel);
void mirror_kernel_end(struct mirror_kernel *kernel);
/* A mirror of it. */
struct sp_mirror *mirror_of(struct mirror_kernel *kernel, struct sp_sad *sad,
                            const struct sp_mirror_options *options);

void kernel_reserve(struct mirror_kernel *kernel, uint32_t place);
/* NEWSA; nothing when there is a whole one. */
void kernel_add(struct mirror_kernel *kernel, uint32_t place, enum made_sa_kind kind, uint32_t reqid);
/* UPDSA: of one that is reserved or whole. */
void kernel_update(struct mirror_kernel *kernel, uint32_t place, uint64_t hard_seconds);
void kernel_delete(struct mirror_kernel *kernel, uint32_t place);
void kernel_expire(struct mirror_kernel *kernel, uint32_t place);
void kernel_flush(struct mirror_kernel *kernel);
/* Anything else that is told. */
void kernel_tell(struct mirror_kernel *kernel, const struct sp_xfrm_message *message);
/* Goes away without a word, as with a NIC. */
void kernel_lose_sa(struct mirror_kernel *kernel, uint32_t place);

/* As the kernel says it. */
void kernel_sa(const struct mirror_kernel *kernel, uint32_t place, struct sp_xfrm_sa *ret_sa);

#endif
