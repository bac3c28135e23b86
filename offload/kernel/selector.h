/* SPDX-License-Identifier: ISC
 *
 * A policy's areas are ranges; the kernel's selectors are prefixes of addresses, ports under a mask, and one
 * protocol or all. An area becomes the product of the fewest prefixes and masked ports that make up its
 * ranges.
 */
#ifndef SP_OFFLOAD_KERNEL_SELECTOR_H
#define SP_OFFLOAD_KERNEL_SELECTOR_H

#include "xfrm/xfrm.h"

#include <sallyport/policy.h>

/* No kernel can be told: the area is about protocol 0, which to it means all. */
#define SP_KERNEL_SELECTORS_NONE 0u

/* How many selectors the area takes, UINT64_MAX at most, or SP_KERNEL_SELECTORS_NONE. */
uint64_t sp_kernel_selector_count(const struct sp_area *area);

typedef void sp_kernel_selector_visitor(const struct sp_xfrm_selector *selector, void *context);
/* All of them; together they hold exactly the packets of the area, and no two hold the same one. */
void sp_kernel_selector_visit(const struct sp_area *area, sp_kernel_selector_visitor *visit, void *context);

/* All packets of a family, in its outbound direction. */
struct sp_area sp_kernel_everything(uint8_t family);

#endif
