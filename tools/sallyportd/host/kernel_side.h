/* SPDX-License-Identifier: ISC
 *
 * What "ipsecctl load" gave to the kernel of this network namespace. The kernel and this process must not
 * both do the ESP of one policy: each would have sequence numbers of its own under the same keys.
 */
#ifndef SALLYPORTD_KERNEL_SIDE_H
#define SALLYPORTD_KERNEL_SIDE_H

#include <sallyport/sa.h>

#include <stdbool.h>
#include <stdint.h>

struct kernel_side {
    uint32_t policies, sas;
};

/* At the start: says so when there is something. It is not taken away without being asked to. */
void kernel_side_foresee(void);
/* Looks what there is. False after saying why: the kernel has used one of the new SAs, whose sequence numbers
 * can't be taken along. */
bool kernel_side_look(const struct sp_sad_reload *keys, struct kernel_side *ret_side);
/* Takes it away, now that this process does it. False after saying why, and then it is as it was. */
bool kernel_side_take(const struct kernel_side *side);

#endif
