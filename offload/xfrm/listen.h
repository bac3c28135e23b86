/* SPDX-License-Identifier: ISC
 *
 * A socket that hears what the kernel's XFRM tells to all who listen.
 */
#ifndef SP_OFFLOAD_XFRM_LISTEN_H
#define SP_OFFLOAD_XFRM_LISTEN_H

#include <sallyport/status.h>

#include <stdint.h>
#include <sys/types.h>

/* The groups, as bits. linux/xfrm.h has names for the first four bits only. */
#define SP_XFRM_TELLS_ACQUIRE 0x01u
#define SP_XFRM_TELLS_EXPIRE 0x02u
#define SP_XFRM_TELLS_SA 0x04u
#define SP_XFRM_TELLS_POLICY 0x08u
#define SP_XFRM_TELLS_MIGRATE 0x40u
#define SP_XFRM_TELLS_MAPPING 0x80u

/* The longest message. */
#define SP_XFRM_HEARD_BYTES 32768u

/* Never blocks when it is read. receive_bytes: how much may wait in it, as far as we may have so much.
 * SP_ERR_UNSUPPORTED, SP_ERR_PERMISSION, SP_ERR_SYSTEM. */
enum sp_status sp_xfrm_listen(uint32_t groups, uint32_t receive_bytes, int *ret_descriptor) SP_MUST_USE;
/* Like recv(2): a datagram of the kernel's. Keys may be in it. */
ssize_t sp_xfrm_hear(int descriptor, void *buffer, size_t capacity_bytes);

#endif
