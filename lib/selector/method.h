/* SPDX-License-Identifier: ISC
 *
 * What a method of classification is to the selector table: it gets prepared boxes of one family and finds
 * the first that holds a packet of it.
 *
 * The table takes two things off the methods. Boxes that can't hold a packet of the family are gone, and
 * every range is spelt out. And ports that aren't known are no matter for them: packets without ports go to a
 * second classifier, whose boxes hold all ports, the bypass boxes that named some being left out.
 */
#ifndef SP_SELECTOR_METHOD_H
#define SP_SELECTOR_METHOD_H

#include "selector/selector.h"

#define SP_SELECTOR_BATCH 64

/* Packets of one family, dimension by dimension so that eight can be compared at once. Beyond count, up to
 * the next multiple of eight, stands anything that may be read. */
struct sp_selector_batch {
    uint32_t count;
    uint32_t key_index[SP_SELECTOR_BATCH]; /* where in the burst the packet stands */
    uint32_t found[SP_SELECTOR_BATCH];     /* out: the box's index (its rule member), or SP_SELECTOR_MISS */
    uint32_t ports[SP_SELECTOR_BATCH];     /* source port in the upper half */
    uint32_t protocol[SP_SELECTOR_BATCH];
    uint32_t source[SP_SELECTOR_BATCH], destination[SP_SELECTOR_BATCH]; /* of IPv4 */
    struct sp_selector_address source_ipv6[SP_SELECTOR_BATCH], destination_ipv6[SP_SELECTOR_BATCH];
};

struct sp_selector_method {
    const char *name;
    /* In boxes, family is the one asked for, and rule the index to report; both it and the priority ascend.
     */
    enum sp_status (*build)(const struct sp_selector_box *boxes, uint32_t count, uint8_t family,
                            void **ret_classifier);
    void (*destroy)(void *classifier);
    void (*lookup)(const void *classifier, struct sp_selector_batch *batch);
    size_t (*bytes)(const void *classifier);
};

extern const struct sp_selector_method sp_selector_linear, sp_selector_bits, sp_selector_tuples,
    sp_selector_cuts;

#define SP_SELECTOR_BITS_MAX 8000

/* The method for count boxes; for the rest that rest_of (cuts, tuples or NULL: no rest) doesn't take. */
const struct sp_selector_method *sp_selector_choose(uint32_t count, uint8_t family,
                                                    const struct sp_selector_method *rest_of);

#endif
