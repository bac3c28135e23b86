/* SPDX-License-Identifier: ISC
 *
 * No target: three faults planted, so that the suite can show that it would see one.
 */
#include "fuzz.h"

#include <limits.h>
#include <string.h>

static int sink;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const volatile uint8_t *bytes = data;
    volatile int number = INT_MAX;
    FUZZ_HOLDS(size == 0 || data[0] != 'a');
    if (size > 0 && data[0] == 'o')
        sink += bytes[size];
    if (size > 0 && data[0] == 'u')
        number += size > 1;
    return 0 * number;
}
