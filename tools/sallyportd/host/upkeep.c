/* SPDX-License-Identifier: ISC
 *
 * Upkeep of the host's part: upkeep.h says what. While something is broken the rest of it holds: each piece
 * alone is enough to keep what must be protected from leaving in clear.
 */
#include "host/upkeep.h"

#include "audit/audit.h"
#include "datapath/losses.h"
#include "log.h"

#include <net/if.h>
#include <string.h>

static struct second_guard_goal goal_of(const struct daemon *daemon)
{
    return (struct second_guard_goal){.policy = sp_engine_policy(daemon->engine),
                                      .me = &daemon->me,
                                      .device_index = daemon->routes.device_index};
}

void upkeep_second_guard(struct daemon *daemon)
{
    const struct second_guard_goal goal = goal_of(daemon);
    second_guard_follow(&daemon->second_guard, &goal);
}

/* ---- the gate ------------------------------------------------------------------------------------------ */

bool upkeep_open_gate(struct daemon *daemon)
{
    if (!tun_open(daemon->options.device, daemon->options.workers, &daemon->tun))
        return false;
    daemon->routes.device_index = if_nametoindex(daemon->options.device);
    daemon->device_dropped_packets = 0;
    upkeep_second_guard(daemon);
    const struct udp_settings udp = {.port = (uint16_t)daemon->options.encap_port,
                                     .mark = options_encap_mark(&daemon->options)};
    daemon->gate = gate_start(daemon->engine, &daemon->tun, &daemon->limits.mss, &udp);
    if (!daemon->gate)
        return false;
    daemon->routes.ipv4_mtu_bytes = daemon->limits.ipv4_mtu_bytes;
    daemon->routes.ipv6_mtu_bytes = daemon->limits.ipv6_mtu_bytes;
    return routes_open(&daemon->routes);
}

bool upkeep_reopen_gate(struct daemon *daemon)
{
    log_line("the device %s was taken away; it is made again", daemon->options.device);
    losses_take(daemon);
    gate_stop(&daemon->gate);
    tun_close(&daemon->tun);
    daemon->routes.device_index = 0;
    daemon->narrow_count = 0; /* their routes went with the device: the routers will say so again */
    const bool is_open = upkeep_open_gate(daemon);
    audit_damage(daemon, "device", is_open);
    return is_open;
}

/* ---- damage -------------------------------------------------------------------------------------------- */

void upkeep_look_at_guard(struct daemon *daemon)
{
    if (!guard_is_damaged(daemon->guard))
        return;
    log_line("somebody changed or removed the guard; it is put up again");
    audit_damage(daemon, "nftables", guard_install(daemon->guard, sp_engine_policy(daemon->engine)));
}

static void check_second_guard(struct daemon *daemon)
{
    const struct second_guard_goal goal = goal_of(daemon);
    if (!second_guard_repair(&daemon->second_guard, &goal))
        return;
    log_line("somebody changed the kernel policies of the second guard; they are put up again");
    audit_damage(daemon, "kernel-policies", true);
}

void upkeep_look_at_second_guard(struct daemon *daemon)
{
    second_guard_read_watch(&daemon->second_guard);
    check_second_guard(daemon);
}

void upkeep_look_at_ways(struct daemon *daemon)
{
    const bool was_down = tun_repair(daemon->options.device);
    const bool was_cut = routes_repair(&daemon->routes);
    if (was_down) {
        log_line("somebody changed the device %s; it is set up again", daemon->options.device);
        audit_damage(daemon, "device", true);
    }
    if (was_cut) {
        log_line("somebody removed the way to the device; it is laid again");
        audit_damage(daemon, "routes", true);
    }
}

void upkeep_tick(struct daemon *daemon)
{
    upkeep_look_at_guard(daemon); /* what was heard when it was put up wakes nobody again */
    if (second_guard_needs_look(&daemon->second_guard))
        check_second_guard(daemon);
}
