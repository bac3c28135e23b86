/* SPDX-License-Identifier: ISC
 *
 * What the kernel's addr_match() does, on what its documentation says of it: for tests that look packets up
 * in kernel policies.
 */
#ifndef TESTS_KERNEL_MATCH_H
#define TESTS_KERNEL_MATCH_H

#include <sallyport/sa.h>

#include <stdbool.h>
#include <stdint.h>

static inline bool holds_address(const struct sp_address *prefix, uint8_t prefix_bits,
                                 const struct sp_address *address)
{
    for (uint32_t bit = 0; bit < prefix_bits; bit++)
        if (((prefix->bytes[bit / 8] ^ address->bytes[bit / 8]) & 0x80 >> bit % 8) != 0)
            return false;
    return true;
}

#endif
