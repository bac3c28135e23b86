/* SPDX-License-Identifier: ISC
 *
 * The peers of this build.
 *
 * Without AVX-512, IPsec-MB 1.3 ran at 0.4 MB/s where libcrypto ran at 20 (64-byte payloads): a cell of it
 * takes minutes and tells nothing more. So it stands last, and is left out there unless it is asked for.
 * DPDK's driver can't be told to do without AVX-512, so it has no part in what stands for another processor.
 */
#include "esp_peer.h"

#include "core/cpu.h"

const struct peer *const peers[] = {
    &peer_libcrypto,
#ifdef BENCH_LIBGCRYPT
    &peer_libgcrypt,
#endif
    &peer_aes_gcm,
#ifdef BENCH_IPSEC_MB
    &peer_ipsec_mb_jobs, &peer_ipsec_mb_burst,
#endif
#ifdef BENCH_DPDK_CRYPTO
    &peer_dpdk,
#endif
};
size_t peer_count = sizeof peers / sizeof peers[0];
_Static_assert(sizeof peers / sizeof peers[0] <= PEERS_MAX, "make room");

static size_t leave_last(const struct peer *first, const struct peer *second)
{
    size_t before = peer_count;

    while (peers[peer_count - 1] == first || peers[peer_count - 1] == second)
        peer_count--;
    return before - peer_count;
}

size_t peers_leave_out(bool has_slow_ones)
{
    if (sp_cpu_features() & SP_CPU_AVX512)
        return 0;
#ifdef BENCH_DPDK_CRYPTO
    (void)leave_last(&peer_dpdk, NULL);
#endif
#ifdef BENCH_IPSEC_MB
    if (!has_slow_ones)
        return leave_last(&peer_ipsec_mb_jobs, &peer_ipsec_mb_burst);
#endif
    return 0;
}
