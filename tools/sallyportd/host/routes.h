/* SPDX-License-Identifier: ISC
 *
 * The way of marked packets: a rule for the mark, and a table with our device in it and nothing behind it.
 */
#ifndef SALLYPORTD_ROUTES_H
#define SALLYPORTD_ROUTES_H

#include <sallyport/sa.h>

/* Rules and routes carry a protocol number of their own: RTPROT_* and FRA_PROTOCOL values are free for
 * anybody above 4, and iproute2's rt_protos names none 90. */
#define ROUTES_PROTOCOL 90

struct routes {
    uint32_t mark, table;
    uint32_t device_index;                   /* of the TUN device; 0: not there yet */
    uint32_t ipv4_mtu_bytes, ipv6_mtu_bytes; /* of packets on the way to it */
};

/* Marked packets go nowhere from now on: the rules, and "blackhole default" in the table. Replaces whatever
 * an earlier daemon left. False after saying why. */
bool routes_close(const struct routes *routes);
/* And now to the device, as long as it exists. Call it again when the MTU has changed. */
bool routes_open(const struct routes *routes);
/* Puts back what others have taken away. True: something was missing. */
bool routes_repair(const struct routes *routes);
/* Gives packets to one peer an MTU of their own, or takes that away again (0). 0 or an errno value. */
int routes_set_peer(const struct routes *routes, const struct sp_address *peer, uint32_t mtu_bytes);
/* Takes all of it away. */
void routes_remove(const struct routes *routes);

#endif
