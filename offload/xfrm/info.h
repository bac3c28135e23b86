/* SPDX-License-Identifier: ISC
 *
 * Two netlink questions to the kernel's IPsec, and how to read the answers: XFRM_MSG_GETSADINFO and
 * XFRM_MSG_GETSPDINFO of linux/xfrm.h. Nothing here opens a socket.
 */
#ifndef SP_OFFLOAD_XFRM_INFO_H
#define SP_OFFLOAD_XFRM_INFO_H

#include <linux/netlink.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SP_XFRM_REQUEST_BYTES 64

enum sp_xfrm_question { SP_XFRM_HOW_MANY_SAS, SP_XFRM_HOW_MANY_POLICIES };

/* Writes the question into buffer; its length is in the header. */
struct nlmsghdr *sp_xfrm_info_ask(void *buffer, enum sp_xfrm_question question, uint32_t sequence);

/* Reads one message. false when it isn't the whole answer to this question. */
bool sp_xfrm_info_read(const struct nlmsghdr *message, enum sp_xfrm_question question, uint32_t *ret_count);

#endif
