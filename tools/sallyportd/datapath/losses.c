/* SPDX-License-Identifier: ISC
 *
 * Reads the host's own counters of dropped packets: losses.h says which. The data path pays nothing for it.
 */
#include "datapath/losses.h"

#include "host/rtnetlink.h"

void losses_take(struct daemon *daemon)
{
    const uint64_t known = daemon->device_dropped_packets;
    const uint64_t dropped = rtnetlink_dropped_packets(daemon->routes.device_index);
    if (dropped > known) {
        sp_engine_lost(daemon->engine, SP_OUTBOUND, SP_DROP_HOST_DEVICE_QUEUE, dropped - known);
        daemon->device_dropped_packets = dropped;
    }
    const uint64_t overflowed = daemon->gate ? gate_take_overflowed(daemon->gate) : 0;
    if (overflowed > 0)
        sp_engine_lost(daemon->engine, SP_INBOUND, SP_DROP_HOST_SOCKET_QUEUE, overflowed);
}
