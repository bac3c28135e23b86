/* SPDX-License-Identifier: ISC
 *
 * Set algebra on boxes of packets: a box is an inclusive range in each dimension, within one address family.
 * All dimensions are numbers of 128 bits, so that one loop serves addresses, protocols and ports alike. */
#ifndef SP_POLICY_BOX_H
#define SP_POLICY_BOX_H

#include "selector/selector.h"

#include <sallyport/analysis.h>

__extension__ typedef unsigned __int128 sp_number;

enum sp_dimension {
    SP_SOURCE,
    SP_DESTINATION,
    SP_PROTOCOL,
    SP_SOURCE_PORT,
    SP_DESTINATION_PORT,
    SP_DIMENSIONS
};

struct sp_box {
    uint8_t family; /* 4 or 6 */
    sp_number first[SP_DIMENSIONS], last[SP_DIMENSIONS];
};

/* Every packet of the family. */
struct sp_box sp_box_everything(uint8_t family);
/* A selector box as boxes: one, or one for each family. Returns how many. */
uint32_t sp_box_from_selector(const struct sp_selector_box *selector, struct sp_box ret_boxes[2]);
sp_number sp_box_number(const struct sp_address *address);
/* All values of the dimension. */
bool sp_box_is_open(const struct sp_box *box, enum sp_dimension dimension);

bool sp_box_meets(const struct sp_box *left, const struct sp_box *right);
/* False, and ret_common untouched, when there is nothing in common. */
bool sp_box_intersect(const struct sp_box *left, const struct sp_box *right, struct sp_box *ret_common);
/* Is inner within outer? */
bool sp_box_covers(const struct sp_box *outer, const struct sp_box *inner);
/* How large it is, roughly: the bits of its sides' lengths. */
unsigned sp_box_size_bits(const struct sp_box *box);
/* box less what is taken away, as disjoint boxes. taken must meet box. Returns how many. */
#define SP_BOX_REMAINS_MAX (2 * SP_DIMENSIONS)
uint32_t sp_box_subtract(const struct sp_box *box, const struct sp_box *taken,
                         struct sp_box ret_remains[SP_BOX_REMAINS_MAX]);
/* Makes *box the union of both when that is a box: they touch in one dimension and are equal in the rest. */
bool sp_box_join(struct sp_box *box, const struct sp_box *other);

/* Is it ICMP or ICMPv6 alone? Then type and code ride where ports do (selector/selector.h). */
bool sp_box_is_icmp(const struct sp_box *box);
/* Can a host send any packet of the box? Not ICMP of the other family, nor a type or code above 255. */
bool sp_box_is_sent(const struct sp_box *box);

/* Source and destination in each other's place; an ICMP message's type and code stay. */
struct sp_box sp_box_mirror(const struct sp_box *box);
/* The box as a client would use it: where one port is open and the other is not, the open one is 1024 and
 * up, because clients take no lower ports for themselves. */
#define SP_CLIENT_PORT_MIN 1024u
void sp_box_as_service(struct sp_box *box);

struct sp_area sp_box_area(const struct sp_box *box, enum sp_direction direction);
/* The packet of the box that people read most easily. */
struct sp_flow sp_box_example(const struct sp_box *box, enum sp_direction direction);

#endif
