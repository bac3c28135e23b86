/* SPDX-License-Identifier: ISC
 *
 * Ranges as aligned blocks of a power of two: from the lower end on, always the largest block that begins
 * there and doesn't reach beyond the upper end. That gives the fewest, at most 2w - 2 of a number of w bits.
 */
#include "kernel/selector.h"

#include <string.h>

__extension__ typedef unsigned __int128 number;

#define PORT_BITS 16u
/* The most for a port and for an IPv6 address. */
#define PORT_BLOCKS_MAX (2 * PORT_BITS)
#define ADDRESS_BLOCKS_MAX 256u

struct block {
    number first;
    uint32_t free_bits; /* the low bits that may be anything */
};

static number read_address(const struct sp_address *address)
{
    number value = 0;

    for (int i = 0; i < (address->family == 4 ? 4 : 16); i++)
        value = value << 8 | address->bytes[i];
    return value;
}

static struct sp_address write_address(number value, uint8_t family)
{
    struct sp_address address = {.family = family};

    for (int i = (family == 4 ? 4 : 16) - 1; i >= 0; i--) {
        address.bytes[i] = (uint8_t)value;
        value >>= 8;
    }
    return address;
}

/* The last number of the block of so many free bits that begins at first. */
static number block_end(number first, uint32_t free_bits)
{
    if (free_bits == 128)
        return ~(number)0;
    return first + (((number)1 << free_bits) - 1);
}

static bool is_aligned(number first, uint32_t free_bits)
{
    return free_bits == 128 ? first == 0 : (first & (((number)1 << free_bits) - 1)) == 0;
}

/* Returns how many blocks. */
static uint32_t divide(number first, number last, uint32_t width, struct block *ret_blocks)
{
    uint32_t count = 0;

    for (;;) {
        uint32_t free_bits = 0;
        while (free_bits < width && is_aligned(first, free_bits + 1) &&
               block_end(first, free_bits + 1) <= last)
            free_bits++;
        ret_blocks[count++] = (struct block){.first = first, .free_bits = free_bits};
        number end = block_end(first, free_bits);
        if (end >= last)
            return count;
        first = end + 1;
    }
}

struct blocks {
    struct block sources[ADDRESS_BLOCKS_MAX], destinations[ADDRESS_BLOCKS_MAX];
    struct block source_ports[PORT_BLOCKS_MAX], destination_ports[PORT_BLOCKS_MAX];
    uint32_t source_count, destination_count, source_port_count, destination_port_count;
};

static uint32_t divide_addresses(const struct sp_address_range *range, struct block *ret_blocks)
{
    return divide(read_address(&range->first), read_address(&range->last),
                  range->first.family == 4 ? 32 : 128, ret_blocks);
}

static void divide_area(const struct sp_area *area, struct blocks *ret_blocks)
{
    ret_blocks->source_count = divide_addresses(&area->source, ret_blocks->sources);
    ret_blocks->destination_count = divide_addresses(&area->destination, ret_blocks->destinations);
    ret_blocks->source_port_count =
        divide(area->source_ports.first, area->source_ports.last, PORT_BITS, ret_blocks->source_ports);
    ret_blocks->destination_port_count = divide(area->destination_ports.first, area->destination_ports.last,
                                                PORT_BITS, ret_blocks->destination_ports);
}

uint64_t sp_kernel_selector_count(const struct sp_area *area)
{
    struct blocks blocks;

    if (area->protocol_first == 0 && area->protocol_last == 0)
        return SP_KERNEL_SELECTORS_NONE;
    divide_area(area, &blocks);
    return (uint64_t)blocks.source_count * blocks.destination_count * blocks.source_port_count *
           blocks.destination_port_count;
}

static uint16_t port_mask(const struct block *block)
{
    return (uint16_t)(0xffffu << block->free_bits);
}

static void visit_ports(const struct blocks *blocks, struct sp_xfrm_selector selector,
                        sp_kernel_selector_visitor *visit, void *context)
{
    for (uint32_t s = 0; s < blocks->source_port_count; s++)
        for (uint32_t d = 0; d < blocks->destination_port_count; d++) {
            selector.source_port = (uint16_t)blocks->source_ports[s].first;
            selector.source_port_mask = port_mask(&blocks->source_ports[s]);
            selector.destination_port = (uint16_t)blocks->destination_ports[d].first;
            selector.destination_port_mask = port_mask(&blocks->destination_ports[d]);
            visit(&selector, context);
        }
}

void sp_kernel_selector_visit(const struct sp_area *area, sp_kernel_selector_visitor *visit, void *context)
{
    struct blocks blocks;
    const uint8_t family = area->source.first.family;
    const uint32_t width = family == 4 ? 32 : 128;
    struct sp_xfrm_selector selector = {
        .family = family, .protocol = area->protocol_first == area->protocol_last ? area->protocol_first : 0};

    divide_area(area, &blocks);
    for (uint32_t s = 0; s < blocks.source_count; s++)
        for (uint32_t d = 0; d < blocks.destination_count; d++) {
            selector.source = write_address(blocks.sources[s].first, family);
            selector.source_prefix_bits = (uint8_t)(width - blocks.sources[s].free_bits);
            selector.destination = write_address(blocks.destinations[d].first, family);
            selector.destination_prefix_bits = (uint8_t)(width - blocks.destinations[d].free_bits);
            visit_ports(&blocks, selector, visit, context);
        }
}

struct sp_area sp_kernel_everything(uint8_t family)
{
    struct sp_address first = {.family = family}, last = {.family = family};

    memset(last.bytes, 0xff, family == 4 ? 4 : 16);
    return (struct sp_area){
        .source = {first, last},
        .destination = {first, last},
        .protocol_last = UINT8_MAX,
        .source_ports = {0, UINT16_MAX},
        .destination_ports = {0, UINT16_MAX},
    };
}
