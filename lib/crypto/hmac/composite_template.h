/* SPDX-License-Identifier: ISC
 *
 * The ops table that uses all kernels a hash has. No include guard: included after lanes_template.h, in whose
 * includers it also wants REFERENCE (as sp_hmac_sha1_reference) and CHOOSE, the function to make.
 *
 * The plan is made by the first call, before which no state can exist; afterwards it is only read.
 */
#include "crypto/kernels.h"

#include <pthread.h>

static struct sp_lane_plan best_plan;
static struct sp_hmac best;
static pthread_once_t best_is_chosen = PTHREAD_ONCE_INIT;

/* A single lane of libcrypto's is better off without the scheduler. */
static void mac(const struct sp_hmac_job *jobs, size_t count)
{
    if (count == 1 && best_plan.first[1] == HASH.kernels[0])
        REFERENCE.mac(jobs, 1);
    else
        run(&best_plan, jobs, count, best.icv_bytes);
}

static void mac_full(const void *state, const uint8_t *data, size_t len_bytes, uint8_t *digest)
{
    struct sp_hmac_job job = {.state = state, .data = data, .len_bytes = len_bytes, .icv = digest};

    run(&best_plan, &job, 1, DIGEST_BYTES);
}

static void choose(void)
{
    best = REFERENCE;
    sp_lane_plan_choose(&best_plan, &HASH, sp_cpu_features());
    if (best_plan.lanes == 1 && best_plan.first[1] == HASH.kernels[0])
        return;
    best.kernel = best_plan.name;
    best.mac = mac;
    best.mac_full = mac_full;
}

const struct sp_hmac *CHOOSE(void)
{
    pthread_once(&best_is_chosen, choose);
    return &best;
}
