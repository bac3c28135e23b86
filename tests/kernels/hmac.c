/* SPDX-License-Identifier: ISC
 *
 * The HMAC kernels: their tests come with them.
 */
#include "harness.h"

void kernels_hmac(struct harness *harness)
{
    (void)harness;
}
