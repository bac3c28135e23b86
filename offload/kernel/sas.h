/* SPDX-License-Identifier: ISC
 *
 * The SAs that a kernel shall have, beside those that it has.
 *
 * The keys are in memory of sodium_malloc from the file to the message. Those of the kernel's SAs are
 * compared while they are dumped and never kept.
 */
#ifndef SP_OFFLOAD_KERNEL_SAS_H
#define SP_OFFLOAD_KERNEL_SAS_H

#include "kernel/suite.h"

#include <sallyport/offload.h>

/* Of a wanted SA, what the kernel has. */
enum sp_kernel_found {
    SP_KERNEL_MISSING,
    SP_KERNEL_EQUAL,
    SP_KERNEL_OTHER_LIMITS, /* which can be changed while it works */
    SP_KERNEL_OTHER_FORM, /* the same keys, but another device, window, ...: replaced, and goes on counting */
    SP_KERNEL_OTHER_KEYS, /* or other algorithms: replaced */
    SP_KERNEL_TAKEN,      /* its SPI is somebody else's, maybe only reserved */
};

/* Who does the ESP: a NIC, by its interface's index, or in software the kernel, interface 0. */
struct sp_kernel_place {
    int32_t interface;
    enum sp_offload_mode mode;
};

/* How far an SA has come. One that is replaced under its keys goes on from there: a sequence number that came
 * twice would be a replay let in, or with AES-GCM an IV that comes twice, as some NICs make the IV of the
 * sequence number alone (RFC 4106 3). */
struct sp_kernel_numbers {
    bool is_known;
    uint64_t sent, received;
    struct sp_xfrm_used used;
};

#define SP_KERNEL_KEY_BYTES_MAX 64u
struct sp_kernel_sa {
    uint32_t spi;
    struct sp_address source, destination;
    struct sp_kernel_suite suite;
    struct sp_lifetime lifetime;
    uint32_t replay_window_packets;
    struct sp_encap encap;
    struct sp_tunnel tunnel;
    enum sp_kernel_found found;
    bool is_new;                            /* was missing when it was noted by sp_kernel_sas_note_new */
    bool is_inbound;                        /* what comes to this host; NICs are told */
    bool takes_what_comes;                  /* asked is the most that is hoped for, and less is taken */
    struct sp_kernel_place asked, granted;  /* granted: as it was seen */
    struct sp_kernel_place former;          /* granted, when it was noted */
    uint8_t packet_refusal, crypto_refusal; /* in sas->refusals */
    struct sp_kernel_numbers numbers;
    uint8_t encryption_key[SP_KERNEL_KEY_BYTES_MAX], integrity_key[SP_KERNEL_KEY_BYTES_MAX];
};

/* What to ask of the kernel about one SA. */
struct sp_kernel_sa_step {
    uint16_t type;     /* XFRM_MSG_NEWSA, XFRM_MSG_UPDSA, XFRM_MSG_DELSA */
    bool is_of_wanted; /* index is of wanted, else of old */
    uint32_t index;
};

/* An SA of ours that nobody wants any more. */
struct sp_kernel_sa_name {
    uint32_t spi;
    struct sp_address source, destination;
};

/* Why a NIC doesn't do it, said once for all SAs. Number 0 is none. */
#define SP_KERNEL_REFUSALS_MAX 64u
#define SP_KERNEL_REFUSAL_BYTES 192u

/* Starts as all zeroes, which want none. */
struct sp_kernel_sas {
    struct sp_kernel_sa *wanted; /* sorted by destination and SPI */
    size_t count, capacity;
    struct sp_kernel_sa_name *old;
    size_t old_count, old_capacity;
    uint32_t foreign_count;
    bool is_out_of_memory;
    char refusals[SP_KERNEL_REFUSALS_MAX][SP_KERNEL_REFUSAL_BYTES];
};

/* Reads an SA file; the policy's actions limit SAs without limits of their own. SP_ERR_MEMORY, SP_ERR_EXISTS
 * and what sp_keys_visit answers; the report says the rest. */
enum sp_status sp_kernel_sas_load(const char *path, const struct sp_policy *policy, struct sp_report *report,
                                  struct sp_kernel_sas *sas) SP_MUST_USE;
void sp_kernel_sas_free(struct sp_kernel_sas *sas);

/* < 0, 0, > 0: by what the kernel tells SAs apart by. */
int sp_kernel_sa_order(const struct sp_address *left, uint32_t left_spi, const struct sp_address *right,
                       uint32_t right_spi);

/* Before a dump, and for each of its SAs. */
void sp_kernel_sas_forget(struct sp_kernel_sas *sas);
void sp_kernel_sas_see(struct sp_kernel_sas *sas, const struct sp_xfrm_sa *actual);

/* The number of a refusal of these words; the last one when there are too many different ones. */
uint8_t sp_kernel_sas_refusal(struct sp_kernel_sas *sas, const char *text);
/* What is asked for one SA is refused, so it and all that are alike ask for no NIC any more. false: it takes
 * no less than what it asked for. */
bool sp_kernel_sas_lower(struct sp_kernel_sas *sas, size_t index, const char *why);

/* Remembers which are missing now, and where the others are. */
void sp_kernel_sas_note_new(struct sp_kernel_sas *sas);
/* Each asks for where it was when it was noted. */
void sp_kernel_sas_ask_former(struct sp_kernel_sas *sas);
/* The first one that was found so, or NULL. */
const struct sp_kernel_sa *sp_kernel_sas_find(const struct sp_kernel_sas *sas, enum sp_kernel_found found);
/* The first one that has to be replaced and has no sequence numbers left for that, or NULL. */
const struct sp_kernel_sa *sp_kernel_sas_spent(const struct sp_kernel_sas *sas);
/* The steps that bring wanted SAs, that end old ones, or that take new ones back and bring the others to
 * where they are asked for. *ret_steps is the caller's to free. SP_ERR_MEMORY. */
enum sp_kernel_sas_aim { SP_KERNEL_BRING, SP_KERNEL_END_OLD, SP_KERNEL_TAKE_BACK };
enum sp_status sp_kernel_sas_plan(const struct sp_kernel_sas *sas, enum sp_kernel_sas_aim aim,
                                  struct sp_kernel_sa_step **ret_steps, uint32_t *ret_count) SP_MUST_USE;
/* The step takes an SA away that the next one brings back: both go out together. */
bool sp_kernel_sas_is_tied(const struct sp_kernel_sas *sas, const struct sp_kernel_sa_step *step);
/* The request that does a step; its keys point into sas. */
void sp_kernel_sas_message(const struct sp_kernel_sas *sas, const struct sp_kernel_sa_step *step,
                           struct sp_xfrm_message *ret_message);

#endif
