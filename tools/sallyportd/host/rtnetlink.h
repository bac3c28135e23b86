/* SPDX-License-Identifier: ISC
 *
 * One question to the kernel's routing, and its word on it.
 */
#ifndef SALLYPORTD_RTNETLINK_H
#define SALLYPORTD_RTNETLINK_H

#include <sallyport/sa.h>

#include <linux/netlink.h>

/* Sends a request, whose flags and sequence number are completed here, and waits for the acknowledgement: 0
 * or an errno value. */
int rtnetlink_ask(struct nlmsghdr *request);

/* The MTU of the route to a destination as it is configured: the route's own, or else its device's. Nothing
 * that the kernel has learnt of the path meanwhile is in it. 0: no route. */
uint32_t rtnetlink_link_mtu_bytes(const struct sp_address *destination);

/* How many packets that were to leave by a device it has dropped itself; 0 also when there is no such device.
 */
uint64_t rtnetlink_dropped_packets(uint32_t device_index);

#endif
