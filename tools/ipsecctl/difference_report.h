/* SPDX-License-Identifier: ISC
 *
 * What compare and diff found, for people and as JSON.
 */
#ifndef IPSECCTL_DIFFERENCE_REPORT_H
#define IPSECCTL_DIFFERENCE_REPORT_H

#include <sallyport/analysis.h>

#include <jansson.h>

/* The two policies, and what they are called. */
struct difference_sides {
    const struct sp_policy *policies[2];
    const char *names[2];
};

/* Each with its rectangle, a packet of it, and both rules. */
void difference_print(const struct sp_differences *differences, const struct difference_sides *sides,
                      FILE *out);
/* An array. */
json_t *difference_json(const struct sp_differences *differences, const struct difference_sides *sides);

#endif
