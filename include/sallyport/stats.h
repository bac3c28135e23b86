/* SPDX-License-Identifier: ISC
 *
 * Sallyport: counters.
 *
 * Each worker counts for itself; readers sum. Whatever is summed, packets offered = bypassed + sealed +
 * opened + dropped, and dropped is the sum over the reasons.
 */
#ifndef SALLYPORT_STATS_H
#define SALLYPORT_STATS_H

#include <sallyport/packet.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sp_counters {
    uint64_t offered_packets; /* handed to sp_outbound or sp_inbound */
    uint64_t offered_bytes;   /* length of the IP packets as handed over */
    uint64_t bypassed_packets;
    uint64_t sealed_packets;
    uint64_t opened_packets;
    uint64_t dropped_packets[SP_DROP_COUNT]; /* by reason; [SP_DROP_NONE] is 0 */
};

/* What the engine did, by direction. */
struct sp_stats {
    struct sp_counters direction[2]; /* [SP_OUTBOUND], [SP_INBOUND] */
    uint64_t events_lost;            /* the event ring was full */
};

#ifdef __cplusplus
}
#endif
#endif
