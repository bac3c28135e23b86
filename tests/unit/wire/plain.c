/* SPDX-License-Identifier: ISC
 *
 * The short way to read and move a header says what the long one says.
 */
#include "wire/plain.h"

#include "packets.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

static const uint8_t payload[] = {0x30, 0x39, 0x00, 0x50, 1, 2, 3, 4, 5, 6, 7, 8};

static bool is_as_headers_say(const uint8_t *bytes, size_t len_bytes, const struct sp_plain *plain)
{
    struct sp_headers headers;
    uint32_t total_bytes;

    return sp_headers_read(bytes, len_bytes, true, &headers, &total_bytes) == SP_DROP_NONE &&
           !headers.is_fragment && headers.esp_offset == SP_PLAIN_HEADER_BYTES &&
           headers.next_header_offset == SP_PLAIN_NEXT_HEADER_OFFSET &&
           headers.esp_next_header == plain->protocol && total_bytes == plain->total_bytes &&
           sp_plain_addresses(headers.source.bytes, headers.destination.bytes) == plain->addresses;
}

static bool read_exactly(const uint8_t *bytes, size_t len_bytes, struct sp_plain *plain)
{
    uint8_t *copy = malloc(len_bytes != 0 ? len_bytes : 1);

    cr_assert_not_null(copy);
    memcpy(copy, bytes, len_bytes);
    bool is_plain = sp_plain_read(copy, len_bytes, plain);
    free(copy);
    return is_plain;
}

Test(plain, packets_are_read_as_headers_are)
{
    struct sample sample;
    struct sp_plain plain;

    for (unsigned protocol = 0; protocol < 256; protocol++) {
        sample_ipv4(&sample, (uint8_t)protocol, 0x4000, 0, payload, sizeof payload);
        cr_assert(read_exactly(sample.bytes, sample.len_bytes, &plain));
        cr_assert(is_as_headers_say(sample.bytes, sample.len_bytes, &plain));
        cr_assert(read_exactly(sample.bytes, sample.len_bytes + 14, &plain)); /* link padding */
        cr_assert_eq(plain.total_bytes, sample.len_bytes);
    }
}

Test(plain, a_packet_longer_than_its_memory_goes_the_long_way)
{
    struct sample sample;
    struct sp_plain plain;

    sample_ipv4(&sample, 17, 0x4000, 0, payload, sizeof payload);
    for (size_t len_bytes = 0; len_bytes < sample.len_bytes; len_bytes++)
        cr_expect_not(read_exactly(sample.bytes, len_bytes, &plain), "%zu bytes", len_bytes);
}

Test(plain, fragments_options_short_packets_and_ipv6_go_the_long_way)
{
    struct sample sample;
    struct sp_plain plain;

    sample_ipv4(&sample, 17, 0x2000, 0, payload, sizeof payload);
    cr_expect_not(read_exactly(sample.bytes, sample.len_bytes, &plain));
    sample_ipv4(&sample, 17, 1, 0, payload, sizeof payload);
    cr_expect_not(read_exactly(sample.bytes, sample.len_bytes, &plain));
    sample_ipv4(&sample, 17, 0x1fff, 0, payload, sizeof payload);
    cr_expect_not(read_exactly(sample.bytes, sample.len_bytes, &plain));
    sample_ipv4(&sample, 17, 0, 4, payload, sizeof payload);
    cr_expect_not(read_exactly(sample.bytes, sample.len_bytes, &plain));
    sample_ipv4(&sample, 17, 0, 0, payload, SP_PLAIN_PAYLOAD_BYTES_MIN - 1);
    cr_expect_not(read_exactly(sample.bytes, sample.len_bytes, &plain));
    sample_ipv6(&sample);
    sample_upper(&sample, SP_PROTOCOL_UDP, payload, sizeof payload);
    cr_expect_not(read_exactly(sample.bytes, sample.len_bytes, &plain));
    for (size_t len_bytes = 0; len_bytes < 28; len_bytes++) {
        sample_ipv4(&sample, 17, 0, 0, payload, 8);
        cr_expect_not(read_exactly(sample.bytes, len_bytes, &plain));
    }
}

Test(plain, no_bit_of_the_header_may_be_turned)
{
    struct sample sample;
    struct sp_plain plain;

    for (unsigned bit = 0; bit < SP_PLAIN_HEADER_BYTES * 8; bit++) {
        sample_ipv4(&sample, SP_PROTOCOL_TCP, 0x4000, 0, payload, sizeof payload);
        sample.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        cr_assert_not(read_exactly(sample.bytes, sample.len_bytes, &plain), "bit %u", bit);
    }
}

/* Checksums of all values, and wrong ones: rewriting mends what stands there. */
Test(plain, headers_are_moved_and_rewritten_as_the_long_way_does)
{
    srand(3);
    for (int i = 0; i < 200000; i++) {
        uint8_t from[SP_PLAIN_HEADER_BYTES], to[64], protocol = (uint8_t)rand();
        uint32_t total_bytes = (uint32_t)rand() & 0xffff, at = (uint32_t)rand() % 44;
        for (size_t k = 0; k < sizeof from; k++)
            from[k] = (uint8_t)rand();
        from[0] = 0x45;
        memcpy(to + 22, from, sizeof from);
        sp_plain_move(to + at, to + 22, protocol, total_bytes); /* over itself, too */
        sp_headers_rewrite(from, 9, protocol, total_bytes);
        cr_assert_arr_eq(to + at, from, sizeof from);
    }
}
