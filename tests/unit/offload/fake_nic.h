/* SPDX-License-Identifier: ISC
 *
 * A kernel with a NIC, in the test's memory, behind a link's transport. It holds SAs and policies, and each
 * kind of driver refuses what the real one does, in its words (Linux 6.12, drivers/net and
 * net/xfrm/xfrm_device.c). SAs send while they are there, so a sequence number that is used a second time is
 * seen.
 */
#ifndef TESTS_FAKE_NIC_H
#define TESTS_FAKE_NIC_H

#include "xfrm/link.h"

#define FAKE_SAS_MAX 256u
#define FAKE_RULES_MAX 128u

enum fake_driver {
    FAKE_PLAIN,       /* lo, dummy: no offload, and crypto is said yes to all the same */
    FAKE_DECLINES,    /* has offload and answers EOPNOTSUPP (a bond of plain devices): said yes to as well */
    FAKE_NO_MODULE,   /* the kernel has no esp4_offload */
    FAKE_ELSEWHERE,   /* the device has gone, and the route leads to one that takes it */
    FAKE_TRIALS_ONLY, /* takes what is tried, and then says yes and does it in software */
    FAKE_NETDEVSIM,
    FAKE_MLX5,
    FAKE_MLX5_NO_POLICIES, /* SAs for whole packets, but no policies */
    FAKE_NFP
};

struct fake_sa {
    bool is_there;
    struct sp_xfrm_sa sa;
    uint8_t cipher_key[64], integrity_key[64];
};

struct fake_nic {
    enum fake_driver driver;
    bool has_no_esp; /* the kernel itself */
    int32_t interface;
    uint32_t room, policy_room; /* how many the NIC has room for */
    struct fake_sa sas[FAKE_SAS_MAX];
    struct sp_xfrm_policy policies[FAKE_RULES_MAX];
    uint32_t policy_count;
    uint32_t changes; /* of SAs and policies, trials among them */
    bool went_back;   /* a key was given a sequence number that it had used */
    int dies_at;      /* the send after which nothing comes through any more; < 0: never */
    int sends;
    bool is_busy; /* outbound SAs send at each request */
    struct {
        uint8_t key[64];
        uint64_t sent;
    } used[FAKE_SAS_MAX];
    uint32_t used_count;
    struct {
        char bytes[1024];
        size_t len_bytes;
    } answers[512];
    size_t first_answer, answer_count;
};

/* A link to it, which must be closed; the kernel must outlive it. */
struct sp_xfrm_link *fake_nic_link(struct fake_nic *nic);
uint32_t fake_nic_sa_count(const struct fake_nic *nic);
/* The device goes down: its SAs and its policies go. */
void fake_nic_down(struct fake_nic *nic);

#endif
