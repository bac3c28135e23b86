/* SPDX-License-Identifier: ISC
 *
 * Where in a captured frame the IP packet is, and how long.
 */
#ifndef IPSECCTL_LINK_H
#define IPSECCTL_LINK_H

#include <stdbool.h>
#include <stdint.h>

bool link_is_supported(int link_type);
/* For messages: the ones that are. */
const char *link_supported_list(void);

/* The length of the link header in front of an IP packet; false when the frame carries something else. */
bool link_find_ip(int link_type, const uint8_t *frame, uint32_t len_bytes, uint32_t *ret_link_bytes);

/* The length that the IP header claims, 0 when it can't be told (too short, or no length in it). */
uint32_t link_ip_bytes(const uint8_t *packet, uint32_t len_bytes);

#endif
