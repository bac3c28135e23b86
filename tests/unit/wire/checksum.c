/* SPDX-License-Identifier: ISC
 *
 * The Internet checksum.
 */
#include "wire/checksum.h"

#include "packets.h"

#include <criterion/criterion.h>

#include <stdlib.h>

Test(checksum, of_the_example_in_rfc_1071_is_right)
{
    static const uint8_t data[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};

    cr_expect_eq(sp_checksum(data, sizeof data, 0), (uint16_t)~0xddf2);
}

Test(checksum, pads_an_odd_byte_with_zero)
{
    static const uint8_t data[] = {0x12, 0x34, 0x56};

    cr_expect_eq(sp_checksum(data, sizeof data, 0), (uint16_t) ~(0x1234 + 0x5600));
}

Test(checksum, mended_gives_zero_where_rfc_1624_says_so)
{
    /* its section 4: 0x5555 becomes 0x3285 under the checksum 0xdd2f */
    cr_expect_eq(sp_checksum_mend(0xdd2f, 0x5555, 0x3285), 0x0000);
}

Test(checksum, mended_is_the_one_computed_anew)
{
    uint8_t data[40];

    srand(4);
    for (int i = 0; i < 100000; i++) {
        for (size_t at = 0; at < sizeof data; at++)
            data[at] = (uint8_t)rand();
        uint16_t checksum = sp_checksum(data, sizeof data, 0);
        size_t at = (size_t)(rand() % 20) * 2;
        uint16_t old_word = (uint16_t)(data[at] << 8 | data[at + 1]), new_word = (uint16_t)rand();
        data[at] = (uint8_t)(new_word >> 8);
        data[at + 1] = (uint8_t)new_word;
        cr_assert_eq(sp_checksum_mend(checksum, old_word, new_word), (uint16_t)~naive_sum(data, sizeof data));
    }
}
