/* SPDX-License-Identifier: ISC
 *
 * Tests of lib/wire/udp.c: checksums over addresses that have changed. What is on an encapsulation port is
 * tested with ESP (tests/unit/esp/encap.c).
 */
#include "wire/udp.h"

#include "unit/wire/packets.h"

#include <criterion/criterion.h>

#include <string.h>

static uint16_t checksum_of(const struct sample *sample, uint32_t upper_at, uint8_t protocol)
{
    const uint32_t addresses_bytes = sample->bytes[0] >> 4 == 6 ? 32 : 8;
    const uint32_t addresses_at = sample->bytes[0] >> 4 == 6 ? 8 : 12;
    const size_t upper_bytes = sample->len_bytes - upper_at;
    uint8_t whole[PACKET_BYTES_MAX + 64] = {0};
    memcpy(whole, sample->bytes + addresses_at, addresses_bytes);
    whole[addresses_bytes + 1] = protocol;
    whole[addresses_bytes + 2] = (uint8_t)(upper_bytes >> 8);
    whole[addresses_bytes + 3] = (uint8_t)upper_bytes;
    memcpy(whole + addresses_bytes + 4, sample->bytes + upper_at, upper_bytes);
    return naive_sum(whole, addresses_bytes + 4 + upper_bytes);
}

static void fill(uint8_t *upper, size_t len_bytes)
{
    for (size_t i = 0; i < len_bytes; i++)
        upper[i] = (uint8_t)(i * 37 + 5);
    upper[12] = 0x50; /* TCP: five words of header */
}

static void set_udp_length(uint8_t *upper, size_t len_bytes)
{
    upper[4] = (uint8_t)(len_bytes >> 8);
    upper[5] = (uint8_t)len_bytes;
}

Test(udp, checksums_of_tcp_udp_and_icmpv6_are_renewed_over_both_families)
{
    static const uint8_t protocols[] = {SP_PROTOCOL_TCP, SP_PROTOCOL_UDP, SP_PROTOCOL_ICMPV6};
    uint8_t upper[200];
    for (size_t len_bytes = 20; len_bytes <= sizeof upper; len_bytes++)
        for (size_t i = 0; i < 6; i++) {
            const uint8_t protocol = protocols[i % 3];
            struct sample sample;
            fill(upper, len_bytes);
            if (protocol == SP_PROTOCOL_UDP)
                set_udp_length(upper, len_bytes);
            if (i < 3) {
                sample_ipv4(&sample, protocol, 0, 8, upper, len_bytes);
            } else {
                sample_ipv6(&sample);
                sample_extension(&sample, 60, 8, 0);
                sample_upper(&sample, protocol, upper, len_bytes);
            }
            sp_upper_checksum_renew(sample.bytes, (uint32_t)sample.len_bytes);
            cr_assert_eq(checksum_of(&sample, (uint32_t)(sample.len_bytes - len_bytes), protocol), 0xffff);
        }
}

static void stays(struct sample *sample)
{
    const struct sample before = *sample;
    sp_upper_checksum_renew(sample->bytes, (uint32_t)sample->len_bytes);
    cr_assert_arr_eq(sample->bytes, before.bytes, sizeof before.bytes);
}

Test(udp, udp_without_a_checksum_short_headers_fragments_and_other_protocols_stay)
{
    uint8_t upper[40];
    struct sample sample = {.len_bytes = 0};
    fill(upper, sizeof upper);
    sample_ipv4(&sample, 253, 0, 0, upper, sizeof upper);
    stays(&sample);
    sample_ipv4(&sample, SP_PROTOCOL_TCP, 0x2000, 0, upper, sizeof upper);
    stays(&sample);
    sample_ipv4(&sample, SP_PROTOCOL_TCP, 0, 0, upper, 19);
    stays(&sample);
    sample_ipv4(&sample, SP_PROTOCOL_UDP, 0, 0, upper, 7);
    stays(&sample);
    sample_ipv4(&sample, SP_PROTOCOL_ICMPV6, 0, 0, upper, 3);
    stays(&sample);
    static const size_t lies[] = {0, 7, sizeof upper + 1};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        set_udp_length(upper, lies[i]);
        sample_ipv4(&sample, SP_PROTOCOL_UDP, 0, 0, upper, sizeof upper);
        stays(&sample);
    }
    set_udp_length(upper, sizeof upper);
    upper[6] = upper[7] = 0;
    sample_ipv4(&sample, SP_PROTOCOL_UDP, 0, 0, upper, sizeof upper);
    stays(&sample);
}

/* RFC 768: as long as its header says, in the pseudo-header too; RFC 9868 has options behind that. */
Test(udp, a_udp_checksum_does_not_cover_what_is_behind_the_datagram)
{
    uint8_t upper[40];
    for (size_t len_bytes = 8; len_bytes <= sizeof upper; len_bytes++) {
        struct sample sample;
        fill(upper, sizeof upper);
        set_udp_length(upper, len_bytes);
        sample_ipv4(&sample, SP_PROTOCOL_UDP, 0, 0, upper, sizeof upper);
        sp_upper_checksum_renew(sample.bytes, (uint32_t)sample.len_bytes);
        sample.len_bytes -= sizeof upper - len_bytes;
        cr_assert_eq(checksum_of(&sample, (uint32_t)(sample.len_bytes - len_bytes), SP_PROTOCOL_UDP), 0xffff);
    }
}

Test(udp, a_udp_checksum_never_becomes_zero)
{
    uint8_t upper[10] = {0, 0, 0, 0, 0, 10, 1, 1, 0, 0};
    bool has_met_it = false;
    for (uint32_t filling = 0; filling < 65536; filling++) {
        struct sample sample;
        upper[8] = (uint8_t)(filling >> 8);
        upper[9] = (uint8_t)filling;
        sample_ipv4(&sample, SP_PROTOCOL_UDP, 0, 0, upper, sizeof upper);
        sp_upper_checksum_renew(sample.bytes, (uint32_t)sample.len_bytes);
        cr_assert(sample.bytes[26] != 0 || sample.bytes[27] != 0);
        has_met_it |= sample.bytes[26] == 0xff && sample.bytes[27] == 0xff;
    }
    cr_assert(has_met_it);
}
