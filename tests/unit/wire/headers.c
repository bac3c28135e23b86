/* SPDX-License-Identifier: ISC
 *
 * Reading IP headers: where things are, what is refused, and that no byte behind the packet is looked at.
 * Each packet is read from memory of exactly its size, so that the address sanitizer sees a step too far.
 */
#include "wire/headers.h"

#include "packets.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static const uint8_t ports[] = {0x30, 0x39, 0x00, 0x50, 1, 2, 3, 4, 5, 6, 7, 8};

static enum sp_drop read_exactly(const uint8_t *bytes, size_t len_bytes, bool check_checksum,
                                 struct sp_headers *headers, uint32_t *total_bytes)
{
    uint8_t *copy = malloc(len_bytes != 0 ? len_bytes : 1);

    cr_assert_not_null(copy);
    memcpy(copy, bytes, len_bytes);
    enum sp_drop fault = sp_headers_read(copy, len_bytes, check_checksum, headers, total_bytes);
    free(copy);
    return fault;
}

static enum sp_drop read_sample(const struct sample *sample, struct sp_headers *headers)
{
    uint32_t total_bytes = 0;
    enum sp_drop fault = read_exactly(sample->bytes, sample->len_bytes, true, headers, &total_bytes);

    if (fault == SP_DROP_NONE)
        cr_expect_eq(total_bytes, sample->len_bytes);
    return fault;
}

static void expect_fault(const struct sample *sample, enum sp_drop expected)
{
    struct sp_headers headers, untouched;

    memset(&headers, 0x5a, sizeof headers);
    memset(&untouched, 0x5a, sizeof untouched);
    cr_expect_eq(read_sample(sample, &headers), expected);
    cr_expect_arr_eq(&headers, &untouched, sizeof headers);
}

Test(headers, of_ipv4_are_read)
{
    struct sample sample;
    struct sp_headers headers;
    const uint8_t source[16] = {192, 0, 2, 1}, destination[16] = {198, 51, 100, 2};

    sample_ipv4(&sample, SP_PROTOCOL_TCP, 0x4000, 0, ports, sizeof ports);
    cr_assert_eq(read_sample(&sample, &headers), SP_DROP_NONE);
    cr_expect_eq(headers.source.family, 4);
    cr_expect_arr_eq(headers.source.bytes, source, 16);
    cr_expect_eq(headers.destination.family, 4);
    cr_expect_arr_eq(headers.destination.bytes, destination, 16);
    cr_expect_eq(headers.protocol, SP_PROTOCOL_TCP);
    cr_expect_not(headers.is_fragment);
    cr_expect_not(headers.is_first_fragment);
    cr_expect(headers.has_ports);
    cr_expect_eq(headers.source_port, 12345);
    cr_expect_eq(headers.destination_port, 80);
    cr_expect_eq(headers.upper_offset, 20);
    cr_expect_eq(headers.esp_offset, 20);
    cr_expect_eq(headers.next_header_offset, 9);
    cr_expect_eq(headers.esp_next_header, SP_PROTOCOL_TCP);
}

Test(headers, of_ipv4_with_options_put_esp_behind_them)
{
    struct sample sample;
    struct sp_headers headers;

    for (size_t option_bytes = 4; option_bytes <= 40; option_bytes += 4) {
        sample_ipv4(&sample, SP_PROTOCOL_UDP, 0, option_bytes, ports, sizeof ports);
        cr_assert_eq(read_sample(&sample, &headers), SP_DROP_NONE);
        cr_expect_eq(headers.esp_offset, 20 + option_bytes);
        cr_expect_eq(headers.upper_offset, 20 + option_bytes);
        cr_expect_eq(headers.destination_port, 80);
    }
}

Test(headers, of_each_protocol_with_ports_give_them)
{
    static const uint8_t with[] = {6, 17, 33, 132, 136}, without[] = {1, 4, 47, 50, 51, 58, 89};
    struct sample sample;
    struct sp_headers headers;

    for (size_t i = 0; i < sizeof with; i++) {
        sample_ipv4(&sample, with[i], 0, 0, ports, sizeof ports);
        cr_assert_eq(read_sample(&sample, &headers), SP_DROP_NONE);
        cr_expect(headers.has_ports, "protocol %u", with[i]);
        cr_expect_eq(headers.source_port, 12345);
    }
    for (size_t i = 0; i < sizeof without; i++) {
        sample_ipv4(&sample, without[i], 0, 0, ports, sizeof ports);
        cr_assert_eq(read_sample(&sample, &headers), SP_DROP_NONE);
        cr_expect_not(headers.has_ports, "protocol %u", without[i]);
        cr_expect_eq(headers.source_port, 0);
    }
}

Test(headers, too_short_for_ports_are_malformed)
{
    struct sample sample;
    struct sp_headers headers;

    for (size_t payload_bytes = 0; payload_bytes < 4; payload_bytes++) {
        sample_ipv4(&sample, SP_PROTOCOL_TCP, 0, 0, ports, payload_bytes);
        expect_fault(&sample, SP_DROP_MALFORMED);
        sample_ipv4(&sample, SP_PROTOCOL_TCP, 0x2000, 0, ports, payload_bytes); /* a tiny first fragment */
        expect_fault(&sample, SP_DROP_MALFORMED);
        sample_ipv4(&sample, SP_PROTOCOL_ICMP, 0, 0, ports, payload_bytes);
        cr_expect_eq(read_sample(&sample, &headers), SP_DROP_NONE);
    }
}

Test(headers, of_icmp_have_its_type_and_code_when_they_are_in_the_packet)
{
    struct sample sample;
    struct sp_headers headers;
    static const uint8_t message[] = {11, 7, 0, 0};

    for (size_t payload_bytes = 0; payload_bytes <= sizeof message; payload_bytes++) {
        sample_ipv4(&sample, SP_PROTOCOL_ICMP, 0, 0, message, payload_bytes);
        cr_assert_eq(read_sample(&sample, &headers), SP_DROP_NONE);
        cr_expect_eq(headers.has_icmp_type, payload_bytes >= 2);
        cr_expect_eq(headers.icmp_type, payload_bytes >= 2 ? 11 : 0);
        cr_expect_eq(headers.icmp_code, payload_bytes >= 2 ? 7 : 0);
    }
    sample_ipv4(&sample, SP_PROTOCOL_ICMP, 0x2000, 0, message, sizeof message);
    cr_assert_eq(read_sample(&sample, &headers), SP_DROP_NONE);
    cr_expect(headers.has_icmp_type, "a first fragment");
    sample_ipv4(&sample, SP_PROTOCOL_ICMP, 0x2001, 0, message, sizeof message);
    cr_assert_eq(read_sample(&sample, &headers), SP_DROP_NONE);
    cr_expect_not(headers.has_icmp_type, "a later fragment");
    sample_ipv6(&sample);
    sample_upper(&sample, SP_PROTOCOL_ICMPV6, message, sizeof message);
    cr_assert_eq(read_sample(&sample, &headers), SP_DROP_NONE);
    cr_expect(headers.has_icmp_type && headers.icmp_type == 11 && headers.icmp_code == 7);
    sample_ipv4(&sample, SP_PROTOCOL_UDP, 0, 0, ports, sizeof ports);
    cr_assert_eq(read_sample(&sample, &headers), SP_DROP_NONE);
    cr_expect_not(headers.has_icmp_type);
}

Test(headers, of_a_first_ipv4_fragment_have_ports)
{
    struct sample sample;
    struct sp_headers headers;

    sample_ipv4(&sample, SP_PROTOCOL_TCP, 0x2000, 0, ports, sizeof ports);
    cr_assert_eq(read_sample(&sample, &headers), SP_DROP_NONE);
    cr_expect(headers.is_fragment);
    cr_expect(headers.is_first_fragment);
    cr_expect(headers.has_ports);
}

Test(headers, of_a_later_ipv4_fragment_have_no_ports)
{
    static const uint16_t fields[] = {0x2001, 0x0001, 0x1000, 0x1fff};
    struct sample sample;
    struct sp_headers headers;

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        sample_ipv4(&sample, SP_PROTOCOL_TCP, fields[i], 0, ports, i); /* may be shorter than ports */
        cr_assert_eq(read_sample(&sample, &headers), SP_DROP_NONE);
        cr_expect(headers.is_fragment);
        cr_expect_not(headers.is_first_fragment);
        cr_expect_not(headers.has_ports);
        cr_expect_eq(headers.protocol, SP_PROTOCOL_TCP);
    }
}

Test(headers, of_ipv4_with_a_wrong_checksum_are_malformed_when_it_is_asked_for)
{
    struct sample sample;
    struct sp_headers headers;
    uint32_t total_bytes;

    for (size_t bit = 8; bit < 20 * 8; bit++) {
        if (bit >= 16 && bit < 32)
            continue; /* of the total length, which is refused for another reason */
        sample_ipv4(&sample, SP_PROTOCOL_ICMP, 0, 0, ports, sizeof ports);
        sample.bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
        expect_fault(&sample, SP_DROP_MALFORMED);
        cr_expect_eq(read_exactly(sample.bytes, sample.len_bytes, false, &headers, &total_bytes),
                     SP_DROP_NONE, "bit %zu", bit);
    }
}

Test(headers, of_another_version_are_malformed)
{
    struct sample sample;

    for (unsigned version = 0; version < 16; version++) {
        sample_ipv4(&sample, SP_PROTOCOL_ICMP, 0, 20, ports, sizeof ports);
        sample.bytes[0] = (uint8_t)(version << 4 | (sample.bytes[0] & 0x0f));
        if (version != 4 && version != 6)
            expect_fault(&sample, SP_DROP_MALFORMED);
    }
}

Test(headers, of_ipv4_shorter_than_20_bytes_are_malformed)
{
    struct sample sample;
    struct sp_headers headers;
    uint32_t total_bytes;

    for (unsigned words = 0; words < 5; words++) {
        sample_ipv4(&sample, SP_PROTOCOL_ICMP, 0, 0, ports, sizeof ports);
        sample.bytes[0] = (uint8_t)(0x40 | words);
        cr_expect_eq(read_exactly(sample.bytes, sample.len_bytes, false, &headers, &total_bytes),
                     SP_DROP_MALFORMED);
    }
}

Test(headers, with_a_total_length_below_the_ipv4_header_are_malformed)
{
    struct sample sample;
    struct sp_headers headers;
    uint32_t total_bytes;

    for (unsigned total = 0; total < 28; total++) {
        sample_ipv4(&sample, SP_PROTOCOL_ICMP, 0, 8, ports, sizeof ports);
        sample.bytes[3] = (uint8_t)total;
        cr_expect_eq(read_exactly(sample.bytes, sample.len_bytes, false, &headers, &total_bytes),
                     SP_DROP_MALFORMED);
    }
}

Test(headers, every_truncation_of_ipv4_is_malformed)
{
    struct sample sample;
    struct sp_headers headers;
    uint32_t total_bytes;

    for (size_t option_bytes = 0; option_bytes <= 40; option_bytes += 20) {
        sample_ipv4(&sample, SP_PROTOCOL_TCP, 0, option_bytes, ports, sizeof ports);
        for (size_t len_bytes = 0; len_bytes < sample.len_bytes; len_bytes++)
            cr_assert_eq(read_exactly(sample.bytes, len_bytes, true, &headers, &total_bytes),
                         SP_DROP_MALFORMED);
    }
}

Test(headers, leave_link_padding_out_of_the_total)
{
    struct sample sample;
    struct sp_headers headers;
    uint32_t total_bytes;

    sample_ipv4(&sample, SP_PROTOCOL_UDP, 0, 0, ports, sizeof ports);
    cr_assert_eq(read_exactly(sample.bytes, sample.len_bytes + 14, true, &headers, &total_bytes),
                 SP_DROP_NONE);
    cr_expect_eq(total_bytes, sample.len_bytes);
    sample_ipv6(&sample);
    sample_upper(&sample, SP_PROTOCOL_UDP, ports, sizeof ports);
    cr_assert_eq(read_exactly(sample.bytes, sample.len_bytes + 14, true, &headers, &total_bytes),
                 SP_DROP_NONE);
    cr_expect_eq(total_bytes, sample.len_bytes);
}

Test(headers, rewritten_have_the_right_ipv4_checksum)
{
    struct sample sample;

    srand(2);
    for (int i = 0; i < 20000; i++) {
        uint8_t protocol = (uint8_t)rand();
        uint32_t total_bytes = (uint32_t)rand() & 0xffff;
        sample_ipv4(&sample, (uint8_t)rand(), (uint16_t)rand(), (size_t)(rand() % 11) * 4, ports,
                    (size_t)(rand() % 12));
        size_t header_bytes = (sample.bytes[0] & 0x0fu) * 4;
        sp_headers_rewrite(sample.bytes, 9, protocol, total_bytes);
        cr_assert_eq(naive_sum(sample.bytes, header_bytes), 0xffff);
        cr_assert_eq(sample.bytes[9], protocol);
        cr_assert_eq((unsigned)(sample.bytes[2] << 8 | sample.bytes[3]), total_bytes);
    }
}

Test(headers, rewritten_of_ipv6_name_esp_where_it_stands)
{
    struct sample sample;

    sample_ipv6(&sample);
    sample_extension(&sample, 0, 8, 0);
    sample_upper(&sample, SP_PROTOCOL_TCP, ports, sizeof ports);
    sp_headers_rewrite(sample.bytes, 40, SP_PROTOCOL_ESP, 40 + 0x1234);
    cr_expect_eq(sample.bytes[40], SP_PROTOCOL_ESP);
    cr_expect_eq(sample.bytes[6], 0);
    cr_expect_eq(sample.bytes[4], 0x12);
    cr_expect_eq(sample.bytes[5], 0x34);
}

/* Whatever is read, the offsets stay inside of the packet and agree with it. */
static void expect_consistent(const uint8_t *bytes, size_t len_bytes)
{
    struct sp_headers headers;
    uint32_t total_bytes = 0;

    if (read_exactly(bytes, len_bytes, false, &headers, &total_bytes) != SP_DROP_NONE)
        return;
    cr_assert_leq(total_bytes, len_bytes);
    cr_assert_leq(headers.esp_offset, headers.upper_offset);
    cr_assert_leq(headers.upper_offset, total_bytes);
    cr_assert_lt(headers.next_header_offset, headers.esp_offset);
    cr_assert_eq(bytes[headers.next_header_offset], headers.esp_next_header);
    cr_assert(!headers.has_ports || headers.upper_offset + 4 <= total_bytes);
    cr_assert(!headers.has_ports || !headers.is_fragment || headers.is_first_fragment);
}

Test(headers, of_random_bytes_stay_inside_of_the_packet)
{
    static const uint8_t likely[] = {0, 6, 17, 43, 44, 50, 58, 59, 60};
    uint8_t bytes[160];

    srand(3);
    for (int i = 0; i < 100000; i++) {
        size_t len_bytes = (size_t)rand() % sizeof bytes;
        for (size_t at = 0; at < len_bytes; at++)
            bytes[at] = rand() % 2 ? (uint8_t)rand() : likely[(size_t)rand() % sizeof likely];
        if (len_bytes > 6) {
            bytes[0] = (uint8_t)(rand() % 3 ? 0x60 : 0x45 + rand() % 4);
            bytes[2] = bytes[4] = 0;
            bytes[3] = bytes[5] = (uint8_t)(rand() % 160);
        }
        expect_consistent(bytes, len_bytes);
    }
}
