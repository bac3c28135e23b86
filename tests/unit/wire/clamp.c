/* SPDX-License-Identifier: ISC
 *
 * Lowering the MSS of a SYN. The TCP checksum is verified with code that the library doesn't share.
 */
#include <sallyport/packet.h>

#include "packets.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#define SYN 0x02
#define ACK 0x10

static const uint8_t mss_first[] = {2, 4, 0x05, 0xb4, 1, 3, 3, 7};
static const uint8_t mss_at_odd_offset[] = {1, 2, 4, 0x05, 0xb4, 1, 1, 0};
static const uint8_t mss_behind_others[] = {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 2, 4, 0x05, 0xb4};

/* A SYN with its right checksum; returns where TCP starts. */
static size_t build(struct sample *sample, bool is_ipv6, uint8_t flags, const uint8_t *options,
                    size_t option_bytes)
{
    uint8_t tcp[60];
    size_t tcp_bytes = tcp_header(tcp, flags, options, option_bytes);

    if (is_ipv6) {
        sample_ipv6(sample);
        sample_extension(sample, 60, 8, 0);
        sample_upper(sample, 6, tcp, tcp_bytes);
    } else {
        sample_ipv4(sample, 6, 0, 4, tcp, tcp_bytes);
    }
    size_t tcp_at = sample->len_bytes - tcp_bytes;
    uint16_t checksum = (uint16_t)~naive_tcp_sum(sample->bytes + (is_ipv6 ? 8 : 12), is_ipv6 ? 32 : 8,
                                                 sample->bytes + tcp_at, tcp_bytes);
    sample->bytes[tcp_at + 16] = (uint8_t)(checksum >> 8);
    sample->bytes[tcp_at + 17] = (uint8_t)checksum;
    return tcp_at;
}

static bool is_checksum_right(const struct sample *sample, bool is_ipv6, size_t tcp_at)
{
    return naive_tcp_sum(sample->bytes + (is_ipv6 ? 8 : 12), is_ipv6 ? 32 : 8, sample->bytes + tcp_at,
                         sample->len_bytes - tcp_at) == 0xffff;
}

/* From memory of exactly its size, at an odd address. */
static bool clamp(struct sample *sample, uint16_t mss_bytes)
{
    uint8_t *buffer = malloc(sample->len_bytes + 1);
    struct sp_packet packet = {.buffer = buffer,
                               .capacity_bytes = (uint32_t)sample->len_bytes + 1,
                               .head_bytes = 1,
                               .len_bytes = (uint32_t)sample->len_bytes};

    cr_assert_not_null(buffer);
    memcpy(buffer + 1, sample->bytes, sample->len_bytes);
    bool is_changed = sp_packet_clamp_mss(&packet, mss_bytes);
    memcpy(sample->bytes, buffer + 1, sample->len_bytes);
    free(buffer);
    return is_changed;
}

static void expect_lowered(bool is_ipv6, const uint8_t *options, size_t option_bytes, size_t value_at)
{
    struct sample sample;

    for (unsigned mss_bytes = 0; mss_bytes < 1460; mss_bytes++) {
        size_t tcp_at = build(&sample, is_ipv6, SYN, options, option_bytes);
        cr_assert(is_checksum_right(&sample, is_ipv6, tcp_at));
        cr_assert(clamp(&sample, (uint16_t)mss_bytes));
        const uint8_t *value = sample.bytes + tcp_at + 20 + value_at;
        cr_assert_eq((unsigned)(value[0] << 8 | value[1]), mss_bytes);
        cr_assert(is_checksum_right(&sample, is_ipv6, tcp_at), "mss %u", mss_bytes);
    }
}

Test(clamp, lowers_the_mss_and_mends_the_checksum)
{
    expect_lowered(false, mss_first, sizeof mss_first, 2);
    expect_lowered(true, mss_first, sizeof mss_first, 2);
}

Test(clamp, mends_the_checksum_of_an_mss_at_an_odd_offset)
{
    expect_lowered(false, mss_at_odd_offset, sizeof mss_at_odd_offset, 3);
    expect_lowered(true, mss_at_odd_offset, sizeof mss_at_odd_offset, 3);
}

Test(clamp, finds_the_mss_behind_other_options)
{
    expect_lowered(false, mss_behind_others, sizeof mss_behind_others, 14);
}

static void expect_untouched(struct sample *sample, uint16_t mss_bytes)
{
    struct sample before = *sample;

    cr_expect_not(clamp(sample, mss_bytes));
    cr_expect_arr_eq(sample->bytes, before.bytes, before.len_bytes);
}

Test(clamp, leaves_a_smaller_or_equal_mss_alone)
{
    struct sample sample;

    (void)build(&sample, false, SYN, mss_first, sizeof mss_first);
    expect_untouched(&sample, 1460);
    expect_untouched(&sample, 65535);
}

Test(clamp, lowers_the_answer_to_a_syn_too)
{
    struct sample sample;

    (void)build(&sample, false, SYN | ACK, mss_first, sizeof mss_first);
    cr_expect(clamp(&sample, 1000));
}

Test(clamp, leaves_segments_without_syn_alone)
{
    struct sample sample;

    (void)build(&sample, false, ACK, mss_first, sizeof mss_first);
    expect_untouched(&sample, 1000);
}

Test(clamp, leaves_other_protocols_alone)
{
    struct sample sample;
    uint8_t tcp[60];
    size_t tcp_bytes = tcp_header(tcp, SYN, mss_first, sizeof mss_first);

    sample_ipv4(&sample, 17, 0, 0, tcp, tcp_bytes);
    expect_untouched(&sample, 1000);
}

/* Behind each of these are the payload's bytes, or nothing: whoever goes on writes into them. */
Test(clamp, leaves_options_that_run_out_of_the_header_alone)
{
    static const struct {
        uint8_t bytes[4];
    } ends[] = {{{1, 2, 4, 0x05}},  /* a value that goes on behind the header */
                {{1, 1, 2, 4}},     /* no value at all */
                {{1, 1, 1, 2}},     /* no length */
                {{1, 3, 4, 0}},     /* another option that does so */
                {{30, 0, 2, 4}},    /* a length below its own two bytes */
                {{30, 255, 2, 4}}}; /* and one beyond everything */
    struct sample sample;

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        uint8_t segment[60];
        size_t bytes = tcp_header(segment, SYN, ends[i].bytes, sizeof ends[i].bytes);
        memset(segment + bytes, 0xff, 4);
        sample_ipv4(&sample, 6, 0, 4, segment, bytes + 4);
        expect_untouched(&sample, 1000);
        sample_ipv4(&sample, 6, 0, 4, segment, bytes);
        expect_untouched(&sample, 1000);
    }
}

Test(clamp, reads_nothing_behind_an_option_of_one_byte_that_has_a_length)
{
    static const uint8_t options[] = {30, 1, 2, 4, 0x05, 0xb4, 1, 1};
    struct sample sample;

    (void)build(&sample, false, SYN, options, sizeof options);
    expect_untouched(&sample, 1000);
}

Test(clamp, leaves_fragments_alone)
{
    static const uint16_t fragments[] = {0x2000, 0x2001, 0x0001};
    struct sample sample;
    uint8_t tcp[60];
    size_t tcp_bytes = tcp_header(tcp, SYN, mss_first, sizeof mss_first);

    for (size_t i = 0; i < 3; i++) {
        sample_ipv4(&sample, 6, fragments[i], 0, tcp, tcp_bytes);
        expect_untouched(&sample, 1000);
    }
}

Test(clamp, leaves_a_syn_without_the_option_alone)
{
    static const uint8_t others[] = {1, 3, 3, 7}, ended[] = {0, 2, 2, 4, 0x05, 0xb4, 0, 0};
    struct sample sample;

    (void)build(&sample, false, SYN, NULL, 0);
    expect_untouched(&sample, 1000);
    (void)build(&sample, false, SYN, others, sizeof others);
    expect_untouched(&sample, 1000);
    (void)build(&sample, false, SYN, ended, sizeof ended);
    expect_untouched(&sample, 1000);
}

Test(clamp, leaves_broken_options_alone)
{
    static const uint8_t broken[][4] = {{3, 0, 2, 4}, {3, 1, 2, 4}, {3, 9, 2, 4},
                                        {1, 1, 1, 2}, {1, 1, 2, 4}, {2, 3, 5, 0}};
    struct sample sample;

    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        (void)build(&sample, false, SYN, broken[i], sizeof broken[i]);
        expect_untouched(&sample, 1000);
    }
}

Test(clamp, leaves_a_header_longer_than_the_packet_alone)
{
    struct sample sample;
    size_t tcp_at = build(&sample, false, SYN, mss_first, sizeof mss_first);

    sample.bytes[tcp_at + 12] = 0xf0;
    expect_untouched(&sample, 1000);
    sample.bytes[tcp_at + 12] = 0x10; /* and one shorter than TCP's least */
    expect_untouched(&sample, 1000);
}
