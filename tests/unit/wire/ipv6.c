/* SPDX-License-Identifier: ISC
 *
 * IPv6 extension headers: where ESP goes between them, fragments, and what is refused.
 */
#include "wire/headers.h"

#include "packets.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#define HOP 0
#define ROUTING 43
#define FRAGMENT 44
#define DESTINATION 60

static const uint8_t ports[] = {0x30, 0x39, 0x00, 0x50, 1, 2, 3, 4, 5, 6, 7, 8};

struct chain {
    const char *name;
    size_t count;
    struct {
        uint8_t kind;
        uint8_t size_bytes;
    } extensions[9];
    uint32_t esp_offset, next_header_offset;
    uint8_t esp_next_header;
};

static const struct chain chains[] = {
    {"none", 0, {{0, 0}}, 40, 6, SP_PROTOCOL_TCP},
    {"hop-by-hop", 1, {{HOP, 16}}, 56, 40, SP_PROTOCOL_TCP},
    {"destination", 1, {{DESTINATION, 24}}, 40, 6, DESTINATION},
    {"hop-by-hop, destination", 2, {{HOP, 8}, {DESTINATION, 8}}, 48, 40, DESTINATION},
    {"destination, routing", 2, {{DESTINATION, 8}, {ROUTING, 24}}, 72, 48, SP_PROTOCOL_TCP},
    {"routing", 1, {{ROUTING, 24}}, 64, 40, SP_PROTOCOL_TCP},
    {"routing, destination", 2, {{ROUTING, 24}, {DESTINATION, 16}}, 64, 40, DESTINATION},
    {"atomic fragment", 1, {{FRAGMENT, 8}}, 48, 40, SP_PROTOCOL_TCP},
    {"all that RFC 8200 4.1 lists",
     5,
     {{HOP, 8}, {DESTINATION, 16}, {ROUTING, 24}, {FRAGMENT, 8}, {DESTINATION, 8}},
     96,
     88,
     DESTINATION},
    {"eight of them",
     8,
     {{HOP, 8},
      {DESTINATION, 8},
      {ROUTING, 8},
      {DESTINATION, 8},
      {ROUTING, 8},
      {DESTINATION, 8},
      {DESTINATION, 8},
      {DESTINATION, 8}},
     80,
     72,
     DESTINATION},
};
#define CHAINS (sizeof chains / sizeof chains[0])

static void build(struct sample *sample, const struct chain *chain)
{
    sample_ipv6(sample);
    for (size_t i = 0; i < chain->count; i++)
        sample_extension(sample, chain->extensions[i].kind, chain->extensions[i].size_bytes, 0);
    sample_upper(sample, SP_PROTOCOL_TCP, ports, sizeof ports);
}

static enum sp_drop read_bytes(const uint8_t *bytes, size_t len_bytes, struct sp_headers *headers)
{
    uint8_t *copy = malloc(len_bytes != 0 ? len_bytes : 1);
    uint32_t total_bytes;

    cr_assert_not_null(copy);
    memcpy(copy, bytes, len_bytes);
    enum sp_drop fault = sp_headers_read(copy, len_bytes, true, headers, &total_bytes);
    free(copy);
    return fault;
}

static enum sp_drop read_sample(const struct sample *sample, struct sp_headers *headers)
{
    return read_bytes(sample->bytes, sample->len_bytes, headers);
}

Test(ipv6, addresses_and_ports_are_read)
{
    const uint8_t source[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    const uint8_t destination[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 2};
    struct sample sample;
    struct sp_headers headers;

    for (size_t i = 0; i < CHAINS; i++) {
        build(&sample, &chains[i]);
        cr_assert_eq(read_sample(&sample, &headers), SP_DROP_NONE, "%s", chains[i].name);
        cr_expect_eq(headers.source.family, 6);
        cr_expect_arr_eq(headers.source.bytes, source, 16);
        cr_expect_arr_eq(headers.destination.bytes, destination, 16);
        cr_expect_eq(headers.protocol, SP_PROTOCOL_TCP);
        cr_expect_eq(headers.upper_offset, sample.len_bytes - sizeof ports);
        cr_expect(headers.has_ports);
        cr_expect_eq(headers.source_port, 12345);
        cr_expect_eq(headers.destination_port, 80);
        cr_expect_not(headers.is_fragment, "%s", chains[i].name);
    }
}

Test(ipv6, esp_stands_behind_the_right_extension_headers)
{
    struct sample sample;
    struct sp_headers headers;

    for (size_t i = 0; i < CHAINS; i++) {
        const struct chain *chain = &chains[i];
        build(&sample, chain);
        cr_assert_eq(read_sample(&sample, &headers), SP_DROP_NONE, "%s", chain->name);
        cr_expect_eq(headers.esp_offset, chain->esp_offset, "%s", chain->name);
        cr_expect_eq(headers.next_header_offset, chain->next_header_offset, "%s", chain->name);
        cr_expect_eq(headers.esp_next_header, chain->esp_next_header, "%s", chain->name);
    }
}

Test(ipv6, esp_that_is_there_already_is_found_where_it_is)
{
    struct sample sample;
    struct sp_headers headers;

    sample_ipv6(&sample);
    sample_extension(&sample, HOP, 8, 0);
    sample_extension(&sample, DESTINATION, 16, 0);
    sample_upper(&sample, SP_PROTOCOL_ESP, ports, sizeof ports);
    cr_assert_eq(read_sample(&sample, &headers), SP_DROP_NONE);
    cr_expect_eq(headers.esp_offset, 64);
    cr_expect_eq(headers.next_header_offset, 48);
    cr_expect_eq(headers.esp_next_header, SP_PROTOCOL_ESP);
}

Test(ipv6, every_truncation_is_malformed)
{
    struct sample sample;
    struct sp_headers headers;

    for (size_t i = 0; i < CHAINS; i++) {
        build(&sample, &chains[i]);
        for (size_t len_bytes = 0; len_bytes < sample.len_bytes; len_bytes++)
            cr_assert_eq(read_bytes(sample.bytes, len_bytes, &headers), SP_DROP_MALFORMED, "%s at %zu",
                         chains[i].name, len_bytes);
    }
}

Test(ipv6, every_truncation_with_a_payload_length_to_match_is_malformed_up_to_the_ports)
{
    struct sample sample;
    struct sp_headers headers;

    for (size_t i = 0; i < CHAINS; i++) {
        build(&sample, &chains[i]);
        size_t needed_bytes = sample.len_bytes - sizeof ports + 4;
        for (size_t len_bytes = 40; len_bytes < sample.len_bytes; len_bytes++) {
            sample.bytes[5] = (uint8_t)(len_bytes - 40);
            enum sp_drop expected = len_bytes < needed_bytes ? SP_DROP_MALFORMED : SP_DROP_NONE;
            cr_assert_eq(read_bytes(sample.bytes, len_bytes, &headers), expected, "%s at %zu", chains[i].name,
                         len_bytes);
        }
    }
}

Test(ipv6, more_than_eight_extension_headers_are_malformed)
{
    struct sample sample;
    struct sp_headers headers;

    sample_ipv6(&sample);
    for (int i = 0; i < 9; i++)
        sample_extension(&sample, DESTINATION, 8, 0);
    sample_upper(&sample, SP_PROTOCOL_TCP, ports, sizeof ports);
    cr_expect_eq(read_sample(&sample, &headers), SP_DROP_MALFORMED);
}

Test(ipv6, hop_by_hop_options_that_are_not_first_are_malformed)
{
    struct sample sample;
    struct sp_headers headers;

    sample_ipv6(&sample);
    sample_extension(&sample, DESTINATION, 8, 0);
    sample_extension(&sample, HOP, 8, 0);
    sample_upper(&sample, SP_PROTOCOL_TCP, ports, sizeof ports);
    cr_expect_eq(read_sample(&sample, &headers), SP_DROP_MALFORMED);
}

Test(ipv6, two_fragment_headers_are_malformed)
{
    struct sample sample;
    struct sp_headers headers;

    sample_ipv6(&sample);
    sample_extension(&sample, FRAGMENT, 8, 0);
    sample_extension(&sample, FRAGMENT, 8, 0);
    sample_upper(&sample, SP_PROTOCOL_TCP, ports, sizeof ports);
    cr_expect_eq(read_sample(&sample, &headers), SP_DROP_MALFORMED);
}

Test(ipv6, a_jumbogram_is_malformed)
{
    struct sample sample;
    struct sp_headers headers;

    build(&sample, &chains[0]);
    sample.bytes[4] = sample.bytes[5] = 0;
    cr_expect_eq(read_sample(&sample, &headers), SP_DROP_MALFORMED);
    build(&sample, &chains[1]);
    sample.bytes[4] = sample.bytes[5] = 0;
    cr_expect_eq(read_sample(&sample, &headers), SP_DROP_MALFORMED);
}

Test(ipv6, an_upper_layer_of_no_bytes_is_read)
{
    struct sample sample;
    struct sp_headers headers;

    sample_ipv6(&sample);
    sample.bytes[6] = 253;
    cr_assert_eq(read_sample(&sample, &headers), SP_DROP_NONE);
    cr_expect_eq(headers.protocol, 253);
    cr_expect_eq(headers.upper_offset, 40);
}

Test(ipv6, a_header_that_nothing_follows_is_read)
{
    struct sample sample;
    struct sp_headers headers;

    sample_ipv6(&sample);
    cr_assert_eq(read_sample(&sample, &headers), SP_DROP_NONE);
    cr_expect_eq(headers.protocol, SP_PROTOCOL_NONE);
    cr_expect_eq(headers.upper_offset, 40);
}

Test(ipv6, a_first_fragment_has_ports_and_a_later_one_has_none)
{
    struct sample sample;
    struct sp_headers headers;

    sample_ipv6(&sample);
    sample_extension(&sample, FRAGMENT, 8, 0x0001);
    sample_upper(&sample, SP_PROTOCOL_TCP, ports, sizeof ports);
    cr_assert_eq(read_sample(&sample, &headers), SP_DROP_NONE);
    cr_expect(headers.is_fragment && headers.is_first_fragment && headers.has_ports);

    static const uint16_t later[] = {0x0008, 0x0009, 0x8000, 0xfff9};
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        sample_ipv6(&sample);
        sample_extension(&sample, FRAGMENT, 8, later[i]);
        sample_upper(&sample, SP_PROTOCOL_TCP, ports, 3);
        cr_assert_eq(read_sample(&sample, &headers), SP_DROP_NONE);
        cr_expect(headers.is_fragment && !headers.is_first_fragment && !headers.has_ports);
        cr_expect_eq(headers.protocol, SP_PROTOCOL_TCP);
        cr_expect_eq(headers.upper_offset, 48);
    }
}

Test(ipv6, a_first_fragment_without_its_whole_header_chain_is_malformed)
{
    struct sample sample;
    struct sp_headers headers;

    sample_ipv6(&sample);
    sample_extension(&sample, FRAGMENT, 8, 0x0001);
    sample_extension(&sample, DESTINATION, 16, 0);
    sample_upper(&sample, SP_PROTOCOL_TCP, ports, 0);
    cr_expect_eq(read_sample(&sample, &headers), SP_DROP_MALFORMED);
}

Test(ipv6, a_later_fragment_whose_upper_protocol_nobody_can_tell_is_refused)
{
    static const uint8_t kinds[] = {HOP, ROUTING, FRAGMENT, DESTINATION};
    struct sample sample;
    struct sp_headers headers;

    for (size_t i = 0; i < sizeof kinds; i++) {
        sample_ipv6(&sample);
        sample_extension(&sample, FRAGMENT, 8, 0x0008);
        sample_upper(&sample, kinds[i], ports, sizeof ports);
        cr_expect_eq(read_sample(&sample, &headers), SP_DROP_FRAGMENT, "kind %u", kinds[i]);
    }
}
