/* SPDX-License-Identifier: ISC
 *
 * Path MTU (RFC 1191, RFC 8201, RFC 4301 8.2).
 *
 * What our link to the peers carries, less what ESP takes, is the MTU of the steering routes: a longer packet
 * is refused by the kernel itself, so that the connection it belongs to learns of it. New TCP connections are
 * told beforehand, by the MSS option.
 *
 * A router with a narrower link reports ESP packets that are too long for it. The peer then gets a steering
 * route of its own with a smaller MTU, and the kernel tells the connections, as above. Anybody can forge such
 * reports, so they must quote an SA of ours, are only believed down to what the standards require of links,
 * and only for a while.
 *
 * Behind a tunnel's end are networks, whose hosts have no route of their own here: while the path to the end
 * of a tunnel is narrow, the steering routes are for all that is steered. The kernel tells the hosts that
 * packets are forwarded for as it tells connections of our own.
 */
#include "datapath/path_mtu.h"

#include "datapath/esp_socket.h"
#include "host/rtnetlink.h"
#include "log.h"

#include <errno.h>
#include <string.h>

#define DEFAULT_PATH_MTU_BYTES 1500u
#define IPV6_LEAST_MTU_BYTES 1280u
#define IPV4_LEAST_MTU_BYTES 68u
#define IPV4_BELIEVED_MTU_BYTES 576u /* RFC 791: what every host must take */
#define IPV4_HEADER_BYTES 20u
#define IPV6_HEADER_BYTES 40u
#define TCP_HEADER_BYTES 20u
#define NARROW_SECONDS 600u /* RFC 1191 6.3, RFC 8201 4 */
#define REPORTS_AT_ONCE 64
#define MSS_LEAST_BYTES 88u /* what Linux itself will not go below (TCP_MIN_MSS) */

/* The smallest of the links to the destinations of this host's SAs. */
static uint32_t link_mtu_bytes(const struct sp_sad *sad, const struct sp_me *me)
{
    uint32_t least = 0, seen = 0;
    const uint32_t count = sp_sad_count(sad);
    for (uint32_t number = 0; number < sp_sad_capacity(sad) && seen < count; number++) {
        struct sp_sa_info sa;
        if (sp_sad_get(sad, number, &sa) != SP_OK)
            continue;
        seen++;
        const uint32_t mtu = host_has_address(me, &sa.source) ? rtnetlink_link_mtu_bytes(&sa.destination) : 0;
        if (mtu && (!least || mtu < least))
            least = mtu;
    }
    if (!least)
        return DEFAULT_PATH_MTU_BYTES;
    return least > UINT16_MAX ? UINT16_MAX : least;
}

/* The most that an action of the policy adds to a packet. */
static uint32_t overhead_bytes(const struct sp_policy *policy)
{
    size_t most = 0;
    for (uint32_t i = 0; i < sp_policy_action_count(policy); i++) {
        struct sp_action_info action;
        if (sp_policy_action(policy, i, &action) != SP_OK)
            continue;
        const size_t overhead =
            sp_suite_overhead_bytes(action.encryption, action.integrity) +
            (action.is_encapsulated ? SP_ENCAP_OVERHEAD_BYTES : 0) +
            (action.mode == SP_MODE_TUNNEL ? sp_tunnel_overhead_bytes(action.tunnel_from.family) : 0);
        most = overhead > most ? overhead : most;
    }
    return (uint32_t)most;
}

static uint16_t mss_bytes(uint32_t inner_mtu, uint32_t ip_header_bytes)
{
    const uint32_t headers = ip_header_bytes + TCP_HEADER_BYTES;
    return (uint16_t)(inner_mtu > headers + MSS_LEAST_BYTES ? inner_mtu - headers : MSS_LEAST_BYTES);
}

static uint32_t at_least(uint32_t value, uint32_t least)
{
    return value > least ? value : least;
}

static bool is_tunnel_end(const struct sp_policy *policy, const struct sp_address *peer)
{
    for (uint32_t i = 0; i < sp_policy_action_count(policy); i++) {
        struct sp_action_info action;
        if (sp_policy_action(policy, i, &action) == SP_OK && action.mode == SP_MODE_TUNNEL &&
            memcmp(&action.tunnel_to, peer, sizeof *peer) == 0)
            return true;
    }
    return false;
}

/* The narrowest way to a tunnel's end that a router has told of, or what the link carries. */
static uint32_t least_path_bytes(const struct daemon *daemon, const struct sp_policy *policy, uint32_t link)
{
    uint32_t least = link;
    for (uint32_t i = 0; i < daemon->narrow_count; i++)
        if (daemon->narrow[i].path_mtu_bytes < least && is_tunnel_end(policy, &daemon->narrow[i].address))
            least = daemon->narrow[i].path_mtu_bytes;
    return least;
}

struct path_limits path_limits_now(const struct daemon *daemon, const struct sp_policy *policy)
{
    const uint32_t asked = daemon->options.path_mtu_bytes;
    const uint32_t link = asked ? asked : link_mtu_bytes(daemon->sad, &daemon->me);
    const uint32_t path = least_path_bytes(daemon, policy, link);
    const uint32_t overhead = overhead_bytes(policy);
    const uint32_t inner = path > overhead ? path - overhead : 0;
    return (struct path_limits){
        .path_mtu_bytes = path,
        .ipv4_mtu_bytes = at_least(inner, IPV4_LEAST_MTU_BYTES),
        .ipv6_mtu_bytes = at_least(inner, IPV6_LEAST_MTU_BYTES), /* RFC 8200 5: no link may have less */
        .mss = {mss_bytes(inner, IPV4_HEADER_BYTES), mss_bytes(inner, IPV6_HEADER_BYTES)},
    };
}

void path_follow(struct daemon *daemon)
{
    const struct path_limits limits = path_limits_now(daemon, sp_engine_policy(daemon->engine));
    if (memcmp(&limits, &daemon->limits, sizeof limits) == 0)
        return;
    daemon->limits = limits;
    daemon->routes.ipv4_mtu_bytes = limits.ipv4_mtu_bytes;
    daemon->routes.ipv6_mtu_bytes = limits.ipv6_mtu_bytes;
    gate_set_mss(daemon->gate, &limits.mss);
    (void)routes_open(&daemon->routes);
    log_line("the path carries %u bytes now, %u of them ours to seal", limits.path_mtu_bytes,
             limits.ipv4_mtu_bytes);
}

/* ---- narrow paths -------------------------------------------------------------------------------------- */

static bool is_ours(const struct sp_sad *sad, const struct esp_report *report)
{
    uint32_t seen = 0;
    const uint32_t count = sp_sad_count(sad);
    for (uint32_t number = 0; number < sp_sad_capacity(sad) && seen < count; number++) {
        struct sp_sa_info sa;
        if (sp_sad_get(sad, number, &sa) != SP_OK)
            continue;
        seen++;
        if (sa.spi == report->spi &&
            memcmp(&sa.destination, &report->destination, sizeof sa.destination) == 0 &&
            memcmp(&sa.source, &report->source, sizeof sa.source) == 0)
            return true;
    }
    return false;
}

static struct narrow_peer *find_narrow(struct daemon *daemon, const struct sp_address *peer)
{
    for (uint32_t i = 0; i < daemon->narrow_count; i++)
        if (memcmp(&daemon->narrow[i].address, peer, sizeof *peer) == 0)
            return &daemon->narrow[i];
    if (daemon->narrow_count == NARROW_PEERS_MAX)
        return NULL;
    struct narrow_peer *added = &daemon->narrow[daemon->narrow_count++];
    *added = (struct narrow_peer){.address = *peer, .path_mtu_bytes = UINT32_MAX};
    return added;
}

/* Without a route of its own yet. */
static void forget_if_new(struct daemon *daemon, struct narrow_peer *peer)
{
    if (peer->path_mtu_bytes == UINT32_MAX)
        *peer = daemon->narrow[--daemon->narrow_count];
}

static void narrow(struct daemon *daemon, const struct sp_address *peer, uint32_t path_mtu)
{
    char text[SP_ADDRESS_TEXT_BYTES];
    const bool is_six = peer->family == 6;
    const uint32_t believed = at_least(path_mtu, is_six ? IPV6_LEAST_MTU_BYTES : IPV4_BELIEVED_MTU_BYTES);
    struct narrow_peer *known = believed < daemon->limits.path_mtu_bytes ? find_narrow(daemon, peer) : NULL;
    if (!known || believed > known->path_mtu_bytes)
        return;
    known->seconds_left = NARROW_SECONDS;
    if (believed == known->path_mtu_bytes)
        return;
    const uint32_t overhead = overhead_bytes(sp_engine_policy(daemon->engine));
    const uint32_t inner =
        at_least(believed - overhead, is_six ? IPV6_LEAST_MTU_BYTES : IPV4_LEAST_MTU_BYTES);
    const int error = routes_set_peer(&daemon->routes, peer, inner);
    if (error) {
        errno = error;
        log_errno("can't narrow the path to %s: the next report is heeded again",
                  sp_address_format(peer, text));
        forget_if_new(daemon, known);
        return;
    }
    known->path_mtu_bytes = believed;
    log_line("the path to %s carries %u bytes, says a router on the way; %u of them ours to seal",
             sp_address_format(peer, text), believed, inner);
    path_follow(daemon);
}

void path_read_reports(struct daemon *daemon, int fd, uint8_t family)
{
    struct esp_report report;
    bool is_too_long = false;
    for (int i = 0; i < REPORTS_AT_ONCE; i++) {
        if (!esp_socket_read_report(fd, family, &is_too_long, &report))
            return;
        if (is_too_long && !daemon->options.path_mtu_bytes && is_ours(daemon->sad, &report))
            narrow(daemon, &report.destination, report.mtu_bytes);
    }
}

void path_tick(struct daemon *daemon)
{
    for (uint32_t i = 0; i < daemon->narrow_count;) {
        struct narrow_peer *peer = &daemon->narrow[i];
        if (--peer->seconds_left > 0) {
            i++;
            continue;
        }
        (void)routes_set_peer(&daemon->routes, &peer->address, 0);
        *peer = daemon->narrow[--daemon->narrow_count];
        path_follow(daemon);
    }
}
