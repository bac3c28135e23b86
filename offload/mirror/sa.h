/* SPDX-License-Identifier: ISC
 *
 * From an SA of the kernel's to what makes it one of a SAD.
 */
#ifndef SP_OFFLOAD_MIRROR_SA_H
#define SP_OFFLOAD_MIRROR_SA_H

#include "xfrm/xfrm.h"

#include <sallyport/mirror.h>

#define SP_MIRROR_REASON_BYTES 256

/* Has keys, is ESP, and is asked for. */
bool sp_mirror_is_wanted(const struct sp_mirror_options *options, const struct sp_xfrm_sa *sa);

/* The lifetime that it has here: times less age_seconds, bytes within what its cipher may have. */
struct sp_lifetime sp_mirror_lifetime(const struct sp_mirror_options *options,
                                      const struct sp_xfrm_limits *limits, uint64_t age_seconds,
                                      bool has_short_blocks);

/* The keys are the message's. false: this library can't do it, and reason says what. */
bool sp_mirror_params(const struct sp_mirror_options *options, const struct sp_xfrm_sa *sa,
                      uint64_t age_seconds, struct sp_sa_params *ret_params, char *reason);

#endif
