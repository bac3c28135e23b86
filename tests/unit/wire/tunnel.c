/* SPDX-License-Identifier: ISC
 *
 * Tests of lib/wire/tunnel.c: RFC 6040's table, word by word, and DF as RFC 4301 has it.
 */
#include "wire/tunnel.h"

#include "packets.h"

#include <criterion/criterion.h>

#include <string.h>

/* As in RFC 3168 5. */
enum { NOT_ECT = 0, ECT1 = 1, ECT0 = 2, CE = 3, DROP = -1 };
static const int codes[4] = {NOT_ECT, ECT0, ECT1, CE};
static const uint8_t families[2] = {4, 6};

static void set_traffic_class(uint8_t *packet, uint8_t traffic_class)
{
    if (packet[0] >> 4 == 6) {
        packet[0] = (uint8_t)(0x60 | traffic_class >> 4);
        packet[1] = (uint8_t)((packet[1] & 0x0f) | traffic_class << 4);
        return;
    }
    packet[1] = traffic_class;
    packet[10] = packet[11] = 0;
    const uint16_t checksum = (uint16_t)~naive_sum(packet, 20);
    packet[10] = (uint8_t)(checksum >> 8);
    packet[11] = (uint8_t)checksum;
}

static void make(struct sample *sample, uint8_t family, uint8_t traffic_class, uint16_t fragment)
{
    static const uint8_t payload[16] = "sixteen letters";
    if (family == 4) {
        sample_ipv4(sample, 253, fragment, 0, payload, sizeof payload);
    } else {
        sample_ipv6(sample);
        sample->bytes[1] = 0x0a; /* a flow label, which nobody may touch */
        sample->bytes[2] = 0xbc;
        sample_upper(sample, 253, payload, sizeof payload);
    }
    set_traffic_class(sample->bytes, traffic_class);
}

/* RFC 6040, figure 4: rows are the inner header, columns the outer one, both Not-ECT, ECT(0), ECT(1), CE. */
static const int figure_4[4][4] = {
    {NOT_ECT, NOT_ECT, NOT_ECT, DROP},
    {ECT0, ECT0, ECT1, CE},
    {ECT1, ECT1, ECT1, CE},
    {CE, CE, CE, CE},
};

static void check_merge(uint8_t inner_family, uint8_t outer_family, int row, int column, uint8_t dscp)
{
    struct sample inner, outer, expected;
    const int leaves = figure_4[row][column];
    make(&inner, inner_family, (uint8_t)(dscp << 2 | codes[row]), 0x4000);
    make(&outer, outer_family, (uint8_t)((63 - dscp) << 2 | codes[column]), 0);
    make(&expected, inner_family, (uint8_t)(dscp << 2 | (leaves == DROP ? codes[row] : leaves)), 0x4000);
    cr_assert_eq(sp_tunnel_keep_ecn(outer.bytes, inner.bytes), leaves != DROP);
    cr_assert_arr_eq(inner.bytes, expected.bytes, expected.len_bytes, "IPv%u in IPv%u, row %d, column %d",
                     inner_family, outer_family, row, column);
}

Test(tunnel, congestion_leaves_a_tunnel_as_rfc_6040_has_it_for_every_mark_dscp_and_family)
{
    for (int i = 0; i < 4; i++)
        for (int row = 0; row < 4; row++)
            for (int column = 0; column < 4; column++)
                for (uint8_t dscp = 0; dscp <= 63; dscp++)
                    check_merge(families[i / 2], families[i % 2], row, column, dscp);
}

Test(tunnel, the_outer_header_gets_the_inner_traffic_class_or_the_dscp_of_the_sa_and_no_ecn_if_told)
{
    for (int family = 0; family < 2; family++)
        for (int traffic_class = 0; traffic_class < 256; traffic_class++) {
            struct sample inner;
            const struct sp_tunnel usual = {0}, no_ecn = {.has_no_ecn = true},
                                   own = {.has_dscp = true, .dscp = 46}, zero = {.has_dscp = true};
            make(&inner, families[family], (uint8_t)traffic_class, 0);
            cr_assert_eq(sp_outer_traffic_class(inner.bytes, &usual), traffic_class);
            cr_assert_eq(sp_outer_traffic_class(inner.bytes, &no_ecn), traffic_class / 4 * 4);
            cr_assert_eq(sp_outer_traffic_class(inner.bytes, &own), 46 * 4 + traffic_class % 4);
            cr_assert_eq(sp_outer_traffic_class(inner.bytes, &zero), traffic_class % 4);
        }
}

Test(tunnel, df_is_copied_set_or_cleared_and_around_ipv6_copied_means_set)
{
    static const struct {
        enum sp_tunnel_df df;
        bool around_clear, around_set, around_ipv6;
    } cases[] = {{SP_TUNNEL_DF_COPY, false, true, true},
                 {SP_TUNNEL_DF_SET, true, true, true},
                 {SP_TUNNEL_DF_CLEAR, false, false, false}};
    struct sample may, may_not, ipv6;
    make(&may, 4, 0, 0x2000); /* more fragments: another flag than DF */
    make(&may_not, 4, 0, 0x4000);
    make(&ipv6, 6, 0, 0);
    ipv6.bytes[6] = 17; /* where IPv4 has its flags, none of them */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct sp_tunnel tunnel = {.df = cases[i].df};
        cr_assert_eq(sp_outer_has_df(may.bytes, &tunnel), cases[i].around_clear);
        cr_assert_eq(sp_outer_has_df(may_not.bytes, &tunnel), cases[i].around_set);
        cr_assert_eq(sp_outer_has_df(ipv6.bytes, &tunnel), cases[i].around_ipv6);
    }
}

Test(tunnel, an_outer_ipv4_header_is_byte_for_byte_as_rfc_791_has_it)
{
    static const struct sp_address source = {4, {203, 0, 113, 1}}, destination = {4, {203, 0, 113, 2}};
    uint8_t at[21];
    uint8_t expected[21] = {0x45, 0xbb, 0x12, 0x34, 0xab, 0xcd, 0x40, 0,   64, 50,  0,
                            0,    203,  0,    113,  1,    203,  0,    113, 2,  0xee};
    memset(at, 0xee, sizeof at);
    sp_outer_write(at, &(struct sp_outer){.source = &source,
                                          .destination = &destination,
                                          .protocol = 50,
                                          .traffic_class = 0xbb,
                                          .has_df = true,
                                          .identification = 0xabcd,
                                          .total_bytes = 0x1234});
    const uint16_t checksum = (uint16_t)~naive_sum(expected, 20);
    expected[10] = (uint8_t)(checksum >> 8);
    expected[11] = (uint8_t)checksum;
    cr_assert_arr_eq(at, expected, sizeof expected);
    cr_assert_eq(sp_outer_bytes(4), 20);
}

Test(tunnel, an_outer_ipv6_header_is_byte_for_byte_as_rfc_8200_has_it)
{
    static const struct sp_address source = {6, {0x20, 1, 0xd, 0xb8, [15] = 1}},
                                   destination = {6, {0x20, 1, 0xd, 0xb8, [15] = 2}};
    static const uint8_t expected[41] = {0x6b, 0xb0, 0,    0,        0x12,       0x0c,     17,
                                         64,   0x20, 1,    0xd,      0xb8,       [23] = 1, [24] = 0x20,
                                         1,    0xd,  0xb8, [39] = 2, [40] = 0xee};
    uint8_t at[41];
    memset(at, 0xee, sizeof at);
    sp_outer_write(at, &(struct sp_outer){.source = &source,
                                          .destination = &destination,
                                          .protocol = 17,
                                          .traffic_class = 0xbb,
                                          .has_df = true,
                                          .identification = 0xabcd,
                                          .total_bytes = 0x1234});
    cr_assert_arr_eq(at, expected, sizeof expected);
    cr_assert_eq(sp_outer_bytes(6), 40);
}
