/* SPDX-License-Identifier: ISC
 *
 * The SAs that a kernel shall have, beside those that it has.
 *
 * The keys are in memory of sodium_malloc from the file to the message. Those of the kernel's SAs are
 * compared while they are dumped and never kept.
 */
#ifndef SP_OFFLOAD_KERNEL_SAS_H
#define SP_OFFLOAD_KERNEL_SAS_H

#include "kernel_suite.h"

#include <sallyport/policy.h>

/* Of a wanted SA, what the kernel has. */
enum sp_kernel_found {
    SP_KERNEL_MISSING,
    SP_KERNEL_EQUAL,
    SP_KERNEL_OTHER_LIMITS, /* which can be changed while it works */
    SP_KERNEL_OTHER_KEYS,   /* or other algorithms, window, ...: replaced */
    SP_KERNEL_TAKEN,        /* its SPI is somebody else's, maybe only reserved */
};

#define SP_KERNEL_KEY_BYTES_MAX 64u
struct sp_kernel_sa {
    uint32_t spi;
    struct sp_address source, destination;
    struct sp_kernel_suite suite;
    struct sp_lifetime lifetime;
    uint32_t replay_window_packets;
    struct sp_encap encap;
    enum sp_kernel_found found;
    bool is_new; /* was missing when it was noted by sp_kernel_sas_note_new */
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

/* Starts as all zeroes, which want none. */
struct sp_kernel_sas {
    struct sp_kernel_sa *wanted; /* sorted by destination and SPI */
    size_t count, capacity;
    struct sp_kernel_sa_name *old;
    size_t old_count, old_capacity;
    uint32_t foreign_count;
    bool is_out_of_memory;
};

/* Reads an SA file; the policy's actions limit SAs without limits of their own. SP_ERR_MEMORY, SP_ERR_EXISTS
 * and what sp_keys_visit answers; the report says the rest. */
enum sp_status sp_kernel_sas_load(const char *path, const struct sp_policy *policy, struct sp_report *report,
                                  struct sp_kernel_sas *sas) SP_MUST_USE;
void sp_kernel_sas_free(struct sp_kernel_sas *sas);

/* Before a dump, and for each of its SAs. */
void sp_kernel_sas_forget(struct sp_kernel_sas *sas);
void sp_kernel_sas_see(struct sp_kernel_sas *sas, const struct sp_xfrm_sa *actual);

/* Remembers which are missing now. */
void sp_kernel_sas_note_new(struct sp_kernel_sas *sas);
/* The one that is taken by somebody else, or NULL. */
const struct sp_kernel_sa *sp_kernel_sas_taken(const struct sp_kernel_sas *sas);
/* The steps that bring wanted SAs, that end old ones, or that take new ones back. *ret_steps is the caller's
 * to free. SP_ERR_MEMORY. */
enum sp_kernel_sas_aim { SP_KERNEL_BRING, SP_KERNEL_END_OLD, SP_KERNEL_TAKE_BACK };
enum sp_status sp_kernel_sas_plan(const struct sp_kernel_sas *sas, enum sp_kernel_sas_aim aim,
                                  struct sp_kernel_sa_step **ret_steps, uint32_t *ret_count) SP_MUST_USE;
/* The request that does a step; its keys point into sas. */
void sp_kernel_sas_message(const struct sp_kernel_sas *sas, const struct sp_kernel_sa_step *step,
                           struct sp_xfrm_message *ret_message);

#endif
