/* SPDX-License-Identifier: ISC
 *
 * Two questions of generic netlink, as far as they are needed: which number the family "ethtool" has, and
 * which of its ESP features a device has. Nothing here opens a socket.
 */
#ifndef SP_OFFLOAD_ETHTOOL_CODEC_H
#define SP_OFFLOAD_ETHTOOL_CODEC_H

#include <sallyport/offload.h>

#include <linux/netlink.h>

#define SP_ETHTOOL_REQUEST_BYTES 128u

/* Both write a request to an aligned buffer of SP_ETHTOOL_REQUEST_BYTES; return it. device: cut to 15 bytes.
 */
struct nlmsghdr *sp_ethtool_ask_family(void *buffer, uint32_t sequence);
struct nlmsghdr *sp_ethtool_ask_features(void *buffer, uint16_t family, const char *device,
                                         uint32_t sequence);

/* Both read one message, header first, from memory aligned to 4. false: it is not that answer, or not whole.
 */
bool sp_ethtool_read_family(const void *bytes, size_t len_bytes, uint16_t *ret_family);
/* States by the order of enum sp_offload_feature. */
bool sp_ethtool_read_features(const void *bytes, size_t len_bytes,
                              enum sp_offload_feature_state ret_states[SP_OFFLOAD_FEATURE_COUNT]);

#endif
