/* SPDX-License-Identifier: ISC
 *
 * The inside of a mirror: one that hears and asks whom it is given.
 */
#ifndef SP_OFFLOAD_MIRROR_H
#define SP_OFFLOAD_MIRROR_H

#include "xfrm/link.h"

#include <sallyport/mirror.h>

/* What a mirror hears by: receive answers like recv(2), a datagram; -1 and EAGAIN: there is none now,
 * ENOBUFS: some were lost. Its send is never called. */
enum sp_status sp_mirror_over(struct sp_sad *sad, const struct sp_mirror_options *options,
                              const struct sp_xfrm_transport *ear, int descriptor, struct sp_xfrm_link *link,
                              struct sp_mirror **ret_mirror) SP_MUST_USE;

#endif
