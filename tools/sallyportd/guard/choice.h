/* SPDX-License-Identifier: ISC
 *
 * What a field of a packet may be, in nft(8) text: one number or interval, or one of several.
 */
#ifndef SALLYPORTD_GUARD_CHOICE_H
#define SALLYPORTD_GUARD_CHOICE_H

#include <sallyport/policy.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The guard's text, in two parts, because the rules are to be put up when the sets are there: guard.c. */
struct guard_text {
    FILE *sets, *rules;
    char tag; /* what the sets' names begin with */
    uint32_t set_count;
};

/* False when memory is out. field: "ip saddr", "th sport", or where in a packet the number is. The address
 * ranges are sorted and don't overlap; is_raw: nft takes the field for a number. Where all numbers will do,
 * nothing is written. */
bool choice_ranges(struct guard_text *text, const char *field, const struct sp_address_range *ranges,
                   size_t count, bool is_raw);
bool choice_numbers(struct guard_text *text, const char *field, const struct sp_port_range *ranges,
                    uint32_t count);
/* Some numbers, but not all? */
bool choice_is_narrow(const struct sp_port_range *ranges, uint32_t count);

#endif
