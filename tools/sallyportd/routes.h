/* SPDX-License-Identifier: ISC
 *
 * The way of marked packets: a rule for the mark, and a table with our device in it and nothing behind it.
 */
#ifndef SALLYPORTD_ROUTES_H
#define SALLYPORTD_ROUTES_H

#include <stdbool.h>
#include <stdint.h>

struct routes {
    uint32_t mark, table;
    uint32_t device_index; /* of the TUN device; 0: not there yet */
};

/* Marked packets go nowhere from now on: the rules, and "blackhole default" in the table. Replaces whatever
 * an earlier daemon left. False after saying why. */
bool routes_close(const struct routes *routes);
/* And now to the device, as long as it exists. */
bool routes_open(const struct routes *routes);
/* Takes all of it away. */
void routes_remove(const struct routes *routes);

#endif
