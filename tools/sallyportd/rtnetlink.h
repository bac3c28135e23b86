/* SPDX-License-Identifier: ISC
 *
 * One question to the kernel's routing, and its word on it.
 */
#ifndef SALLYPORTD_RTNETLINK_H
#define SALLYPORTD_RTNETLINK_H

#include <linux/netlink.h>

/* Sends a request, whose flags and sequence number are completed here, and waits for the acknowledgement: 0
 * or an errno value. */
int rtnetlink_ask(struct nlmsghdr *request);

#endif
