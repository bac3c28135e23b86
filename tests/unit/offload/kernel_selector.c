/* SPDX-License-Identifier: ISC
 *
 * Areas as kernel selectors: exactly the packets of the area, none twice, and the fewest prefixes.
 */
#include "kernel/selector.h"

#include "kernel_match.h"

#include <criterion/criterion.h>
#include <string.h>

static uint64_t state = 88172645463325252u;

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static struct sp_address address_of(uint8_t family, uint8_t last)
{
    struct sp_address address = {.family = family};

    address.bytes[family == 4 ? 3 : 15] = last;
    return address;
}

static struct sp_area draw_area(uint8_t family)
{
    uint8_t numbers[8];
    struct sp_area area = {.protocol_first = 6, .protocol_last = 6};

    for (int i = 0; i < 8; i += 2) {
        uint8_t one = (uint8_t)(draw() % 24), other = (uint8_t)(draw() % 24);
        numbers[i] = one < other ? one : other;
        numbers[i + 1] = one < other ? other : one;
    }
    area.source = (struct sp_address_range){address_of(family, numbers[0]), address_of(family, numbers[1])};
    area.destination =
        (struct sp_address_range){address_of(family, numbers[2]), address_of(family, numbers[3])};
    area.source_ports = (struct sp_port_range){numbers[4], numbers[5]};
    area.destination_ports = (struct sp_port_range){numbers[6], numbers[7]};
    return area;
}

struct packet {
    struct sp_address source, destination;
    uint16_t source_port, destination_port;
    uint32_t found;
};

static void look(const struct sp_xfrm_selector *selector, void *context)
{
    struct packet *packet = context;

    cr_assert_eq(selector->protocol, 6);
    cr_assert_eq(selector->family, packet->source.family);
    packet->found +=
        holds_address(&selector->source, selector->source_prefix_bits, &packet->source) &&
        holds_address(&selector->destination, selector->destination_prefix_bits, &packet->destination) &&
        ((packet->source_port ^ selector->source_port) & selector->source_port_mask) == 0 &&
        ((packet->destination_port ^ selector->destination_port) & selector->destination_port_mask) == 0;
}

static bool is_within(uint8_t number, uint8_t first, uint8_t last)
{
    return first <= number && number <= last;
}

Test(kernel_selector, selectors_hold_exactly_the_packets_of_an_area_each_once)
{
    for (int round = 0; round < 20000; round++) {
        const uint8_t family = round % 2 ? 4 : 6, at = family == 4 ? 3 : 15;
        struct sp_area area = draw_area(family);
        struct packet packet = {.source = address_of(family, (uint8_t)(draw() % 26)),
                                .destination = address_of(family, (uint8_t)(draw() % 26)),
                                .source_port = (uint16_t)(draw() % 26),
                                .destination_port = (uint16_t)(draw() % 26)};
        const bool is_inside =
            is_within(packet.source.bytes[at], area.source.first.bytes[at], area.source.last.bytes[at]) &&
            is_within(packet.destination.bytes[at], area.destination.first.bytes[at],
                      area.destination.last.bytes[at]) &&
            area.source_ports.first <= packet.source_port && packet.source_port <= area.source_ports.last &&
            area.destination_ports.first <= packet.destination_port &&
            packet.destination_port <= area.destination_ports.last;
        sp_kernel_selector_visit(&area, look, &packet);
        cr_assert_eq(packet.found, is_inside ? 1 : 0, "round %d: found %u", round, packet.found);
    }
}

static void count(const struct sp_xfrm_selector *selector, void *context)
{
    (void)selector;
    (*(uint64_t *)context)++;
}

Test(kernel_selector, ranges_take_the_fewest_prefixes_and_the_count_is_right)
{
    struct sp_address first = {.family = 6}, last = {.family = 6}, one = {4, {10, 0, 0, 1}};
    struct sp_area area = {.source = {one, one}, .destination = {one, one}, .protocol_last = UINT8_MAX};
    uint64_t visited = 0;

    area.source_ports = (struct sp_port_range){0, UINT16_MAX};
    area.destination_ports = (struct sp_port_range){1024, 65535};
    cr_expect_eq(sp_kernel_selector_count(&area), 6, "1024-2047, 2048-4095, ... 32768-65535");
    area.source_ports = (struct sp_port_range){1, 65534};
    cr_expect_eq(sp_kernel_selector_count(&area), 6 * 30, "the most that a range of ports takes");
    sp_kernel_selector_visit(&area, count, &visited);
    cr_expect_eq(visited, 6 * 30);

    memset(last.bytes, 0xff, 16);
    area.source = area.destination = (struct sp_address_range){first, last};
    area.source_ports = area.destination_ports = (struct sp_port_range){0, UINT16_MAX};
    cr_expect_eq(sp_kernel_selector_count(&area), 1, "everything is one selector");
    first.bytes[15] = 1;
    last.bytes[15] = 0xfe;
    area.source = (struct sp_address_range){first, last};
    cr_expect_eq(sp_kernel_selector_count(&area), 254, "the most that a range of addresses takes");
}

Test(kernel_selector, protocol_0_can_not_be_told)
{
    struct sp_address one = {4, {10, 0, 0, 1}};
    struct sp_area area = {.source = {one, one}, .destination = {one, one}};

    cr_expect_eq(sp_kernel_selector_count(&area), SP_KERNEL_SELECTORS_NONE);
}
