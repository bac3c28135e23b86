/* SPDX-License-Identifier: ISC
 *
 * Tests of ESP in UDP (RFC 3948): what lib/esp/seal.c and lib/esp/open.c make of an encapsulated SA.
 */
#include "common/make_packet.h"
#include "sa/sad.h"

#include <sallyport/esp.h>

#include <criterion/criterion.h>

#define FRONT "192.0.2.1"
#define NAT "203.0.113.9"
#define BACK "192.0.2.2"
#define FRONT6 "2001:db8::1"
#define BACK6 "2001:db8::2"

static struct made_packet made, before;

/* The same sequence numbers and keys on both hosts; the receiver may know the sender by another address. */
struct pair {
    struct sp_sad *sads[2];
    struct sp_esp *esps[2];
    uint32_t numbers[2];
};

static uint32_t add(struct sp_sad *sad, const char *source, const char *destination, struct sp_encap encap)
{
    struct sp_sa_params params = made_sa(0x1001, source, destination);
    uint32_t number;
    char reason[256] = "";
    params.encap = encap;
    cr_assert_eq(sp_sad_add(sad, &params, &number, reason), SP_OK, "%s", reason);
    return number;
}

static struct pair pair_create(const char *source, const char *seen_source, const char *destination,
                               struct sp_encap encap, struct sp_encap receiver_encap)
{
    struct pair pair;
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(sp_sad_create(8, &pair.sads[i]), SP_OK);
        pair.numbers[i] =
            add(pair.sads[i], i == 0 ? source : seen_source, destination, i == 0 ? encap : receiver_encap);
        cr_assert_eq(sp_esp_create(pair.sads[i], &pair.esps[i]), SP_OK);
    }
    return pair;
}

static void pair_destroy(struct pair *pair)
{
    for (int i = 0; i < 2; i++) {
        sp_esp_destroy(&pair->esps[i]);
        sp_sad_destroy(&pair->sads[i]);
    }
}

static uint8_t *start(void)
{
    return made.memory + made.packet.head_bytes;
}

static void seal(struct pair *pair)
{
    made.packet.sa = pair->numbers[0];
    made.packet.verdict = SP_VERDICT_NONE;
    sp_esp_seal(pair->esps[0], &made.packet, 1);
    cr_assert_eq(made.packet.verdict, SP_VERDICT_SEALED, "%s", sp_drop_id(made.packet.reason));
}

static enum sp_drop open_it(struct pair *pair)
{
    made.packet.verdict = SP_VERDICT_NONE;
    made.packet.reason = SP_DROP_NONE;
    made.packet.sa = SP_NO_SA;
    sp_esp_open(pair->esps[1], &made.packet, 1);
    return made.packet.reason;
}

/* The checksum of a TCP segment, computed by itself over its own pseudo-header: 0 when it is right. */
static uint16_t tcp_fault(const uint8_t *ip, uint32_t len_bytes)
{
    uint8_t whole[4096] = {0};
    const bool is_six = ip[0] >> 4 == 6;
    const uint32_t ip_bytes = is_six ? 40 : 20, addresses_bytes = is_six ? 32 : 8;
    const uint32_t tcp_bytes = len_bytes - ip_bytes;
    memcpy(whole, ip + ip_bytes - addresses_bytes, addresses_bytes);
    whole[addresses_bytes + 1] = IPPROTO_TCP;
    whole[addresses_bytes + 2] = (uint8_t)(tcp_bytes >> 8);
    whole[addresses_bytes + 3] = (uint8_t)tcp_bytes;
    memcpy(whole + addresses_bytes + 4, ip + ip_bytes, tcp_bytes);
    return made_checksum(whole, addresses_bytes + 4 + tcp_bytes);
}

static void set_tcp_checksum(void)
{
    const uint32_t at = start()[0] >> 4 == 6 ? 56 : 36;
    start()[at] = start()[at + 1] = 0;
    const uint16_t checksum = tcp_fault(start(), made.packet.len_bytes);
    start()[at] = (uint8_t)(checksum >> 8);
    start()[at + 1] = (uint8_t)checksum;
}

static const struct sp_encap usual = {4500, 4500}, other_ports = {4501, 10000}, none = {0, 0};

static void make_tcp(const char *source, const char *destination, size_t payload_bytes)
{
    make_packet(&made, source, destination, IPPROTO_TCP, 4000, 80, payload_bytes);
    set_tcp_checksum();
    before = made;
}

static void assert_as_before(void)
{
    cr_assert_eq(made.packet.verdict, SP_VERDICT_OPENED, "%s", sp_drop_id(made.packet.reason));
    cr_assert_eq(made.packet.len_bytes, before.packet.len_bytes);
    cr_assert_arr_eq(start(), before.memory + before.packet.head_bytes, made.packet.len_bytes);
}

static uint16_t word(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

Test(encap, a_udp_header_stands_between_ipv4_and_esp_with_checksum_zero)
{
    struct pair pair = pair_create(FRONT, FRONT, BACK, other_ports, other_ports);
    make_tcp(FRONT, BACK, 100);
    seal(&pair);
    const uint8_t *ip = start(), *udp = ip + 20;
    cr_assert_eq(ip[9], IPPROTO_UDP);
    cr_assert_eq(word(ip + 2), made.packet.len_bytes);
    cr_assert_eq(made_checksum(ip, 20), 0);
    cr_assert_eq(word(udp), 4501);
    cr_assert_eq(word(udp + 2), 10000);
    cr_assert_eq(word(udp + 4), made.packet.len_bytes - 20);
    cr_assert_eq(word(udp + 6), 0);
    cr_assert_eq(word(udp + 10), 0x1001); /* the SPI */
    cr_assert_eq(open_it(&pair), SP_DROP_NONE);
    assert_as_before();
    pair_destroy(&pair);
}

Test(encap, over_ipv6_the_udp_checksum_is_right)
{
    struct pair pair = pair_create(FRONT6, FRONT6, BACK6, usual, usual);
    for (size_t payload = 0; payload < 40; payload++) {
        uint8_t whole[4096] = {0};
        make_tcp(FRONT6, BACK6, payload);
        seal(&pair);
        const uint32_t udp_bytes = made.packet.len_bytes - 40;
        cr_assert_eq(start()[6], IPPROTO_UDP);
        cr_assert_neq(word(start() + 46), 0);
        memcpy(whole, start() + 8, 32);
        whole[33] = IPPROTO_UDP;
        whole[34] = (uint8_t)(udp_bytes >> 8);
        whole[35] = (uint8_t)udp_bytes;
        memcpy(whole + 36, start() + 40, udp_bytes);
        cr_assert_eq(made_checksum(whole, 36 + udp_bytes), 0);
        cr_assert_eq(open_it(&pair), SP_DROP_NONE);
        assert_as_before();
    }
    pair_destroy(&pair);
}

Test(encap, any_udp_checksum_is_taken)
{
    struct pair pair = pair_create(FRONT, FRONT, BACK, usual, usual);
    make_tcp(FRONT, BACK, 9);
    seal(&pair);
    start()[26] = 0x12;
    cr_assert_eq(open_it(&pair), SP_DROP_NONE);
    assert_as_before();
    pair_destroy(&pair);
}

Test(encap, behind_a_nat_the_tcp_checksum_is_made_right_again)
{
    struct pair pair = pair_create(FRONT, NAT, BACK, usual, usual);
    struct in_addr nat;
    make_tcp(FRONT, BACK, 77);
    seal(&pair);
    inet_pton(AF_INET, NAT, &nat);
    memcpy(start() + 12, &nat, sizeof nat);
    start()[10] = start()[11] = 0;
    const uint16_t checksum = made_checksum(start(), 20);
    start()[10] = (uint8_t)(checksum >> 8);
    start()[11] = (uint8_t)checksum;
    start()[20] ^= 0x55; /* NATs change the port, too */
    cr_assert_eq(open_it(&pair), SP_DROP_NONE);
    cr_assert_eq(tcp_fault(start(), made.packet.len_bytes), 0);
    memcpy(start() + 36, before.memory + before.packet.head_bytes + 36, 2);
    cr_assert_arr_eq(start() + 20, before.memory + before.packet.head_bytes + 20, made.packet.len_bytes - 20);
    pair_destroy(&pair);
}

/* What is on the port, with these bytes behind the UDP header. */
static enum sp_drop open_cargo(struct pair *pair, const void *cargo, size_t cargo_bytes, uint16_t port)
{
    make_packet(&made, FRONT, BACK, IPPROTO_UDP, 4500, port, 0);
    made.packet.len_bytes = (uint32_t)(28 + cargo_bytes);
    struct iphdr ip;
    make_ipv4(&ip, FRONT, BACK, IPPROTO_UDP, made.packet.len_bytes);
    memcpy(start(), &ip, sizeof ip);
    const struct udphdr udp = {
        .source = htons(4500), .dest = htons(port), .len = htons((uint16_t)(8 + cargo_bytes))};
    memcpy(start() + 20, &udp, sizeof udp);
    if (cargo_bytes > 0)
        memcpy(start() + 28, cargo, cargo_bytes);
    before = made;
    const enum sp_drop reason = open_it(pair);
    cr_assert_arr_eq(made.memory, before.memory, sizeof made.memory);
    return reason;
}

Test(encap, keepalives_and_ike_are_known_for_what_they_are)
{
    struct pair pair = pair_create(FRONT, FRONT, BACK, usual, usual);
    static const uint8_t ike[32] = {0, 0, 0, 0, 1}, esp[32] = {0, 0, 0x20, 1}, cut[10] = {0, 0, 0x10, 1};
    static const uint8_t high_spi[32] = {0xff, 0, 0x20, 1};
    cr_assert_eq(open_cargo(&pair, "\xff", 1, 4500), SP_DROP_KEEPALIVE);
    cr_assert_eq(open_cargo(&pair, ike, sizeof ike, 4500), SP_DROP_IKE);
    cr_assert_eq(open_cargo(&pair, ike, 4, 4500), SP_DROP_IKE);
    cr_assert_eq(open_cargo(&pair, esp, sizeof esp, 4500), SP_DROP_UNKNOWN_SPI);
    cr_assert_eq(open_cargo(&pair, high_spi, sizeof high_spi, 4500), SP_DROP_UNKNOWN_SPI);
    cr_assert_eq(open_cargo(&pair, cut, sizeof cut, 4500), SP_DROP_BAD_LENGTH);
    cr_assert_eq(open_cargo(&pair, cut, 5, 4500), SP_DROP_BAD_LENGTH);
    cr_assert_eq(open_cargo(&pair, "\xfe", 1, 4500), SP_DROP_BAD_LENGTH);
    cr_assert_eq(open_cargo(&pair, "", 0, 4500), SP_DROP_BAD_LENGTH);
    cr_assert_eq(open_cargo(&pair, ike, sizeof ike, 4501), SP_DROP_CLEAR_TEXT);
    pair_destroy(&pair);
}

Test(encap, a_udp_length_that_lies_is_malformed_and_what_is_behind_it_does_not_count)
{
    struct pair pair = pair_create(FRONT, FRONT, BACK, usual, usual);
    static const int lies[] = {-1000, 1, 8};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        make_tcp(FRONT, BACK, 50);
        seal(&pair);
        uint16_t length = (uint16_t)(lies[i] < 0 ? 7 : word(start() + 24) + lies[i]);
        start()[24] = (uint8_t)(length >> 8);
        start()[25] = (uint8_t)length;
        cr_assert_eq(open_it(&pair), SP_DROP_MALFORMED);
    }
    make_tcp(FRONT, BACK, 50);
    seal(&pair);
    struct iphdr ip;
    make_ipv4(&ip, FRONT, BACK, IPPROTO_UDP, made.packet.len_bytes + 8);
    memcpy(start(), &ip, sizeof ip);
    made.packet.len_bytes += 8;
    cr_assert_eq(open_it(&pair), SP_DROP_NONE);
    cr_assert_eq(made.packet.len_bytes, before.packet.len_bytes);
    pair_destroy(&pair);
}

Test(encap, an_sa_s_packets_come_the_way_that_it_says)
{
    static const struct sp_encap ways[2] = {{4500, 4500}, {0, 0}};
    for (int way = 0; way < 2; way++) {
        struct pair pair = pair_create(FRONT, FRONT, BACK, ways[way], ways[!way]);
        /* another encapsulated SA, so that the port is one */
        struct sp_sa_params other = made_sa(0x2002, BACK, FRONT);
        uint32_t number;
        other.encap = usual;
        cr_assert_eq(sp_sad_add(pair.sads[1], &other, &number, NULL), SP_OK);
        make_tcp(FRONT, BACK, 30);
        seal(&pair);
        cr_assert_eq(open_it(&pair), SP_DROP_ENCAP);
        pair_destroy(&pair);
    }
}

Test(encap, the_port_is_an_ordinary_one_again_when_the_last_of_its_sas_is_gone)
{
    struct pair pair = pair_create(FRONT, FRONT, BACK, usual, usual);
    struct sp_sa_params other = made_sa(0x2002, FRONT, BACK);
    uint32_t number;
    other.encap = usual;
    cr_assert_eq(sp_sad_add(pair.sads[1], &other, &number, NULL), SP_OK);
    cr_assert_eq(sp_sad_remove(pair.sads[1], pair.numbers[1]), SP_OK);
    cr_assert_eq(open_cargo(&pair, "\xff", 1, 4500), SP_DROP_KEEPALIVE);
    cr_assert_eq(sp_sad_remove(pair.sads[1], number), SP_OK);
    cr_assert_eq(open_cargo(&pair, "\xff", 1, 4500), SP_DROP_CLEAR_TEXT);
    pair_destroy(&pair);
}

Test(encap, headroom_has_to_hold_the_udp_header_too)
{
    struct pair pair = pair_create(FRONT, FRONT, BACK, usual, usual);
    for (uint32_t room = 20; room <= 28; room++) {
        make_tcp(FRONT, BACK, 30);
        made.packet.buffer += made.packet.head_bytes - room;
        made.packet.capacity_bytes -= made.packet.head_bytes - room;
        made.packet.head_bytes = room;
        made.packet.sa = pair.numbers[0];
        sp_esp_seal(pair.esps[0], &made.packet, 1);
        cr_assert_eq(made.packet.reason, room < 24 ? SP_DROP_NO_ROOM : SP_DROP_NONE);
    }
    pair_destroy(&pair);
}

Test(encap, both_ports_or_none)
{
    struct sp_sad *sad;
    uint32_t number;
    cr_assert_eq(sp_sad_create(8, &sad), SP_OK);
    struct sp_sa_params params = made_sa(0x1001, FRONT, BACK);
    params.encap = (struct sp_encap){4500, 0};
    cr_assert_eq(sp_sad_add(sad, &params, &number, NULL), SP_ERR_INVALID);
    params.encap = (struct sp_encap){0, 4500};
    cr_assert_eq(sp_sad_add(sad, &params, &number, NULL), SP_ERR_INVALID);
    params.encap = none;
    cr_assert_eq(sp_sad_add(sad, &params, &number, NULL), SP_OK);
    cr_assert_not(sp_sa_is_made_of(sp_sad_by_number(sad, number), &(struct sp_sa_params){.encap = usual}));
    sp_sad_destroy(&sad);
}
