/* SPDX-License-Identifier: ISC
 *
 * Selector tables: which rule decides a packet.
 *
 * A table is an ordered list of boxes, each an inclusive range in every dimension; the first box that holds a
 * packet decides. The policy compiler makes boxes of rules, one table per direction.
 */
#ifndef SP_SELECTOR_SELECTOR_H
#define SP_SELECTOR_SELECTOR_H

#include <sallyport/status.h>

#include <stdbool.h>

/* An address is two big-endian halves as numbers; IPv4 uses the lower 32 bits of low only and leaves the
 * others 0, family tells them apart. */
struct sp_selector_address {
    uint64_t high, low;
};

/* ICMP and ICMPv6 have their type and code where the others have ports: the type in the source port's place,
 * the code in the destination port's. A message too short to have a type has SP_SELECTOR_NO_TYPE for both,
 * which is in no rule's range: it is not of that type, whatever the type. */
#define SP_SELECTOR_NO_TYPE 0xffffu

#define SP_SELECTOR_PROTOCOL_ANY 0xffffu

struct sp_selector_box {
    uint8_t family;    /* 4, 6; 0: both, and then both address ranges are everything */
    uint16_t protocol; /* or SP_SELECTOR_PROTOCOL_ANY */
    bool is_bypass;    /* lets packets pass in clear: never decides about ports that it can't see */
    bool has_ports;    /* a port range is not everything */
    uint16_t source_port_first, source_port_last;
    uint16_t destination_port_first, destination_port_last;
    struct sp_selector_address source_first, source_last, destination_first, destination_last;
    uint32_t rule;
};

struct sp_selector_key {
    uint8_t family, protocol;
    bool ports_unknown; /* a fragment: its ports are not in the packet */
    uint16_t source_port, destination_port;
    struct sp_selector_address source, destination;
};

struct sp_selector_table;

/* Copies the boxes, and chooses for each family the method that suits their number. SP_ERR_MEMORY. */
enum sp_status sp_selector_build(const struct sp_selector_box *boxes, uint32_t count,
                                 struct sp_selector_table **ret_table) SP_MUST_USE;
/* The same by one method, "linear", "bits", "tuples" or "cuts", whether it suits or not: for tests and
 * benches. SP_ERR_LIMIT: "bits" takes 8,000 boxes of a family at most. SP_ERR_NOT_FOUND: there is no such
 * method. */
enum sp_status sp_selector_build_by(const char *method, const struct sp_selector_box *boxes, uint32_t count,
                                    struct sp_selector_table **ret_table) SP_MUST_USE;
/* Gives one hold back; nulls. The table goes with the last. *table may be NULL. */
void sp_selector_destroy(struct sp_selector_table **table);
/* One more sp_selector_destroy to come. Holding and giving back is for one thread, the one that builds. */
struct sp_selector_table *sp_selector_hold(struct sp_selector_table *table);

/* The table of these boxes, of what differs from the former one where that is little: milliseconds where
 * building anew takes hundreds. It holds the table that is unchanged below both, so the former one may go.
 * SP_ERR_MEMORY. */
enum sp_status sp_selector_update(struct sp_selector_table *former, const struct sp_selector_box *boxes,
                                  uint32_t count, struct sp_selector_table **ret_table) SP_MUST_USE;
/* So much was changed that lookups, and further changes, are better off with a table built anew. */
bool sp_selector_is_grown(const struct sp_selector_table *table);
/* The same boxes, built anew: it answers what the table answers. SP_ERR_MEMORY. */
enum sp_status sp_selector_rebuild(const struct sp_selector_table *table,
                                   struct sp_selector_table **ret_table) SP_MUST_USE;

#define SP_SELECTOR_MISS UINT32_MAX

/* ret_boxes[i]: the index of the box that decides keys[i], or SP_SELECTOR_MISS. A key with ports_unknown is
 * decided by the first box that holds whatever its ports may be, or by the first protect or block box that
 * may hold it, whichever comes first: never by a bypass box that only may hold it. */
void sp_selector_lookup(const struct sp_selector_table *table, const struct sp_selector_key *keys,
                        size_t count, uint32_t *ret_boxes);
/* The rule of the box. */
uint32_t sp_selector_rule(const struct sp_selector_table *table, uint32_t index);

/* All memory that the table holds, its copy of the boxes too. */
size_t sp_selector_bytes(const struct sp_selector_table *table);
/* Is a lookup so dear that a flow cache in front pays? */
bool sp_selector_is_dear(const struct sp_selector_table *table);
/* The method that was chosen for IPv4 or IPv6 packets with known ports. */
const char *sp_selector_method_name(const struct sp_selector_table *table, uint8_t family);

/* The naive twin, which says what all methods must find: box by box, in order. */
uint32_t sp_selector_naive(const struct sp_selector_box *boxes, uint32_t count,
                           const struct sp_selector_key *key);

#endif
