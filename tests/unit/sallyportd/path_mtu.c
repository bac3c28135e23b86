/* SPDX-License-Identifier: ISC
 *
 * Tests of tools/sallyportd/datapath/path_mtu.c: routers that report, truly or not. The kernel's routes, the
 * raw sockets and the gate are this file's.
 */
#include "datapath/path_mtu.h"

#include "datapath/esp_socket.h"
#include "host/rtnetlink.h"
#include "log.h"
#include "unit/sa/fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#define SPI 0x1001u
#define OVERHEAD ((uint32_t)sp_suite_overhead_bytes(SP_ENCRYPTION_3DES_CBC, SP_INTEGRITY_HMAC_SHA1_96))
#define NARROW_SECONDS 600
#define SADS_MAX 2000u

static const struct sp_address us = {4, {192, 0, 2, 1}}, peer = {4, {192, 0, 2, 2}};
static const struct sp_address us_six = {6, {0x20, 1, 0xd, 0xb8, [15] = 1}};
static const struct sp_address peer_six = {6, {0x20, 1, 0xd, 0xb8, [15] = 2}};
static struct daemon daemon;
static struct esp_report waiting;
static bool is_waiting, waiting_is_too_long;
static struct {
    struct sp_address peer;
    uint32_t mtu_bytes, count;
    int error;
} told;

/* ---- the host ------------------------------------------------------------------------------------------ */

bool esp_socket_read_report(int fd, uint8_t family, bool *ret_is_too_long, struct esp_report *ret_report)
{
    (void)fd;
    (void)family;
    if (!is_waiting)
        return false;
    is_waiting = false;
    *ret_is_too_long = waiting_is_too_long;
    *ret_report = waiting;
    return true;
}

int routes_set_peer(const struct routes *routes, const struct sp_address *to, uint32_t mtu_bytes)
{
    (void)routes;
    told.peer = *to;
    told.mtu_bytes = mtu_bytes;
    told.count++;
    return told.error;
}

bool routes_open(const struct routes *routes)
{
    (void)routes;
    return true;
}

uint32_t rtnetlink_link_mtu_bytes(const struct sp_address *destination)
{
    (void)destination;
    return 1500;
}

bool host_has_address(const struct sp_me *me, const struct sp_address *address)
{
    (void)me;
    return memcmp(address, &us, sizeof us) == 0 || memcmp(address, &us_six, sizeof us_six) == 0;
}

void gate_set_mss(struct gate *gate, const struct gate_mss *mss)
{
    (void)gate;
    (void)mss;
}

void log_line(const char *format, ...)
{
    (void)format;
}

void log_errno(const char *format, ...)
{
    (void)format;
}

/* ---- the play ------------------------------------------------------------------------------------------ */

static void add_sa(uint32_t spi, const struct sp_address *from, const struct sp_address *to)
{
    struct sp_sa_params params = good_params();
    uint32_t number;
    params.spi = spi;
    params.source = *from;
    params.destination = *to;
    cr_assert_eq(sp_sad_add(daemon.sad, &params, &number, NULL), SP_OK);
}

static void publish(const char *mode)
{
    struct sp_policy *policy = NULL;
    struct sp_report *report;
    char text[512];
    snprintf(text, sizeof text,
             "action \"e\" {\n esp 3des-cbc hmac-sha1-96\n %s\n}\n"
             "protect out tcp from any to any port 80 with \"e\"\ndefault bypass\n",
             mode);
    cr_assert_eq(sp_report_create(&report), SP_OK);
    cr_assert_eq(sp_policy_parse(text, strlen(text), "test", &policy, report), SP_OK);
    sp_report_destroy(&report);
    cr_assert_eq(sp_engine_publish(daemon.engine, &policy, &(struct sp_me){.addresses = &us, .count = 1}),
                 SP_OK);
    daemon.limits = path_limits_now(&daemon, sp_engine_policy(daemon.engine));
}

static void setup(void)
{
    cr_assert_eq(sp_sad_create(SADS_MAX, &daemon.sad), SP_OK);
    cr_assert_eq(sp_engine_create(daemon.sad, &daemon.engine), SP_OK);
    add_sa(SPI, &us, &peer);
    add_sa(SPI + 1, &us_six, &peer_six);
    publish("");
}

static void teardown(void)
{
    sp_engine_destroy(&daemon.engine);
    sp_sad_destroy(&daemon.sad);
}

TestSuite(path_mtu, .init = setup, .fini = teardown);

static void report(uint32_t spi, const struct sp_address *from, const struct sp_address *to, uint32_t mtu)
{
    waiting = (struct esp_report){.source = *from, .destination = *to, .spi = spi, .mtu_bytes = mtu};
    is_waiting = waiting_is_too_long = true;
    path_read_reports(&daemon, 0, from->family);
    cr_assert_not(is_waiting);
}

static void tick(int seconds)
{
    for (int i = 0; i < seconds; i++)
        path_tick(&daemon);
}

Test(path_mtu, a_router_that_quotes_an_sa_of_ours_narrows_the_path_to_its_peer_alone)
{
    report(SPI, &us, &peer, 1400);
    cr_assert_eq(told.count, 1u);
    cr_assert_eq(memcmp(&told.peer, &peer, sizeof peer), 0);
    cr_assert_eq(told.mtu_bytes, 1400 - OVERHEAD);
    cr_assert_eq(daemon.limits.path_mtu_bytes, 1500u);
    report(SPI, &us, &peer, 1300);
    cr_assert_eq(told.mtu_bytes, 1300 - OVERHEAD);
    cr_assert_eq(daemon.narrow_count, 1u);
}

Test(path_mtu, who_does_not_know_the_spi_and_both_addresses_is_not_believed)
{
    const struct sp_address other = {4, {192, 0, 2, 3}};
    report(SPI + 1, &us, &peer, 1400);
    report(SPI, &other, &peer, 1400);
    report(SPI, &us, &other, 1400);
    report(SPI, &peer, &us, 1400);
    waiting_is_too_long = false;
    is_waiting = true;
    path_read_reports(&daemon, 0, 4);
    cr_assert_eq(told.count, 0u);
    cr_assert_eq(daemon.narrow_count, 0u);
}

Test(path_mtu, nobody_is_believed_below_what_every_link_must_carry)
{
    report(SPI, &us, &peer, 68);
    cr_assert_eq(daemon.narrow[0].path_mtu_bytes, 576u);
    cr_assert_eq(told.mtu_bytes, 576 - OVERHEAD);
    report(SPI + 1, &us_six, &peer_six, 0);
    cr_assert_eq(daemon.narrow[1].path_mtu_bytes, 1280u);
    cr_assert_eq(told.mtu_bytes, 1280u, "less than IPv6 allows inside");
}

Test(path_mtu, nobody_makes_a_path_wider)
{
    report(SPI, &us, &peer, 1500);
    report(SPI, &us, &peer, 65535);
    cr_assert_eq(told.count, 0u);
    report(SPI, &us, &peer, 1300);
    report(SPI, &us, &peer, 1400);
    cr_assert_eq(told.count, 1u);
    cr_assert_eq(daemon.narrow[0].path_mtu_bytes, 1300u);
}

Test(path_mtu, a_narrow_path_gets_another_chance_after_ten_minutes_without_a_report)
{
    report(SPI, &us, &peer, 1400);
    tick(NARROW_SECONDS - 1);
    report(SPI, &us, &peer, 1450); /* not the narrowest link: doesn't count */
    cr_assert_eq(told.count, 1u);
    tick(1);
    cr_assert_eq(told.count, 2u);
    cr_assert_eq(told.mtu_bytes, 0u);
    cr_assert_eq(daemon.narrow_count, 0u);
    report(SPI, &us, &peer, 1400);
    tick(NARROW_SECONDS - 1);
    report(SPI, &us, &peer, 1400);
    cr_assert_eq(told.count, 3u, "the route is as it should be");
    tick(NARROW_SECONDS - 1);
    cr_assert_eq(daemon.narrow_count, 1u);
    tick(1);
    cr_assert_eq(daemon.narrow_count, 0u);
}

Test(path_mtu, of_several_narrow_paths_each_ends_in_its_own_time)
{
    report(SPI, &us, &peer, 1400);
    tick(300);
    report(SPI + 1, &us_six, &peer_six, 1400);
    tick(300);
    cr_assert_eq(daemon.narrow_count, 1u);
    cr_assert_eq(memcmp(&daemon.narrow[0].address, &peer_six, sizeof peer_six), 0);
    tick(300);
    cr_assert_eq(daemon.narrow_count, 0u);
}

Test(path_mtu, who_says_how_wide_the_path_is_hears_no_routers)
{
    daemon.options.path_mtu_bytes = 1500;
    report(SPI, &us, &peer, 1400);
    cr_assert_eq(told.count, 0u);
}

Test(path_mtu, a_route_that_could_not_be_made_is_tried_again_with_the_next_report)
{
    told.error = ENOBUFS;
    report(SPI, &us, &peer, 1400);
    cr_assert_eq(told.count, 1u);
    told.error = 0;
    report(SPI, &us, &peer, 1400);
    cr_assert_eq(told.count, 2u);
    cr_assert_eq(told.mtu_bytes, 1400 - OVERHEAD);
    report(SPI, &us, &peer, 1400);
    cr_assert_eq(told.count, 2u);
}

Test(path_mtu, a_narrow_way_to_a_tunnels_end_narrows_all_that_is_steered_until_it_is_over)
{
    publish("mode tunnel from 192.0.2.1 to 192.0.2.2");
    report(SPI, &us, &peer, 1400);
    cr_assert_eq(daemon.limits.path_mtu_bytes, 1400u);
    cr_assert_eq(daemon.limits.ipv4_mtu_bytes, 1400 - OVERHEAD - 20);
    cr_assert_eq(daemon.routes.ipv4_mtu_bytes, daemon.limits.ipv4_mtu_bytes);
    cr_assert_eq(daemon.limits.mss.ipv4_bytes, daemon.limits.ipv4_mtu_bytes - 40);
    tick(NARROW_SECONDS);
    cr_assert_eq(daemon.limits.path_mtu_bytes, 1500u);
}

Test(path_mtu, more_peers_than_there_is_room_for_change_nothing_about_the_others)
{
    for (uint32_t i = 0; i < NARROW_PEERS_MAX + 2; i++) {
        const struct sp_address one = {4, {10, 0, (uint8_t)(i >> 8), (uint8_t)i}};
        add_sa(0x2000 + i, &us, &one);
        report(0x2000 + i, &us, &one, 1400);
    }
    cr_assert_eq(daemon.narrow_count, NARROW_PEERS_MAX);
    cr_assert_eq(told.count, NARROW_PEERS_MAX);
    tick(NARROW_SECONDS);
    cr_assert_eq(daemon.narrow_count, 0u);
    cr_assert_eq(told.count, 2 * NARROW_PEERS_MAX);
}
