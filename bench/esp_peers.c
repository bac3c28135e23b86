/* SPDX-License-Identifier: ISC
 *
 * The peers of this build.
 *
 * Without AVX-512, IPsec-MB 1.3 ran at 0.4 MB/s where libcrypto ran at 20 (64-byte payloads): a cell of it
 * takes minutes and tells nothing more. So it stands last, and is left out there unless it is asked for.
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
#define SLOW_PEERS 2
    &peer_ipsec_mb_jobs, &peer_ipsec_mb_burst,
#else
#define SLOW_PEERS 0
#endif
};
size_t peer_count = sizeof peers / sizeof peers[0];
_Static_assert(sizeof peers / sizeof peers[0] <= PEERS_MAX, "make room");

size_t peers_leave_slow_ones(void)
{
    if (sp_cpu_features() & SP_CPU_AVX512)
        return 0;
    peer_count -= SLOW_PEERS;
    return SLOW_PEERS;
}
