/* SPDX-License-Identifier: ISC
 *
 * Puts the second guard up, and sees to it that it stays as it was put up.
 *
 * net.core.xfrm_larval_drop decides what a socket gets whose packets wait for an SA: a route that goes
 * nowhere (1), or one that holds them (0). Ours are steered away before that matters, but a route that goes
 * nowhere has no device and no MTU, and connections need both. So it is 0 as long as the guard is up.
 */
#include "guard/second_guard.h"

#include "log.h"

#include <sallyport/offload.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SETTING_PATH "/proc/sys/net/core/xfrm_larval_drop"
#define HOLD '0'
#define DROP '1' /* the kernel's default */

/* ---- the kernel's setting ------------------------------------------------------------------------------ */

static char read_setting(const struct second_guard *guard)
{
    char value = DROP;
    return pread(guard->setting_fd, &value, 1, 0) == 1 ? value : DROP;
}

static bool write_setting(const struct second_guard *guard, char value)
{
    return pwrite(guard->setting_fd, &value, 1, 0) == 1;
}

/* ---- telling ------------------------------------------------------------------------------------------- */

static void not_up(struct second_guard *guard, const char *why)
{
    if (guard->why[0] == '\0' || guard->is_up)
        log_line("there is no second guard behind nftables: %s", why);
    snprintf(guard->why, sizeof guard->why, "%s", why);
    guard->is_up = false;
}

/* ---- the policies -------------------------------------------------------------------------------------- */

static int open_watch(void)
{
    const struct sockaddr_nl address = {.nl_family = AF_NETLINK};
    const int group = XFRMNLGRP_POLICY;
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_XFRM);
    if (fd < 0)
        return -1;
    if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
        setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) == 0)
        return fd;
    close(fd);
    return -1;
}

void second_guard_open(struct second_guard *guard)
{
    *guard = (struct second_guard){.setting_fd = -1, .watch_fd = open_watch(), .former_setting = DROP};
    if (guard->watch_fd < 0) {
        not_up(guard, "the kernel has no XFRM (CONFIG_XFRM_USER)");
        return;
    }
    guard->setting_fd = open(SETTING_PATH, O_RDWR | O_CLOEXEC);
    if (guard->setting_fd < 0)
        not_up(guard, "net.core.xfrm_larval_drop can't be set");
}

void second_guard_close(struct second_guard *guard)
{
    if (guard->setting_fd >= 0)
        close(guard->setting_fd);
    if (guard->watch_fd >= 0)
        close(guard->watch_fd);
    guard->setting_fd = guard->watch_fd = -1;
}

static bool load(struct second_guard *guard, const struct second_guard_goal *goal,
                 struct sp_offload_changes *ret_changes)
{
    const struct sp_offload_guard wanted = {
        .policy = goal->policy, .me = *goal->me, .device = goal->device_index};
    struct sp_report *report = NULL;
    if (sp_report_create(&report) != SP_OK) {
        not_up(guard, "no memory");
        return false;
    }
    const enum sp_status status = sp_offload_guard_load(&wanted, report, ret_changes);
    if (status != SP_OK)
        not_up(guard, sp_report_count(report) ? sp_report_get(report, 0)->text : sp_status_text(status));
    sp_report_destroy(&report);
    return status == SP_OK;
}

void second_guard_follow(struct second_guard *guard, const struct second_guard_goal *goal)
{
    struct sp_offload_changes changes;
    if (guard->setting_fd < 0)
        return;
    if (!guard->is_up)
        guard->former_setting = read_setting(guard);
    if (read_setting(guard) != HOLD && !write_setting(guard, HOLD)) {
        not_up(guard, "net.core.xfrm_larval_drop can't be set");
        return;
    }
    if (!load(guard, goal, &changes))
        return;
    /* left by one that was killed: then the setting is its, too */
    if (!guard->is_up && changes.policies_kept + changes.policies_changed + changes.policies_deleted > 0)
        guard->former_setting = DROP;
    guard->policy_count = changes.policies_kept + changes.policies_added + changes.policies_changed;
    guard->why[0] = '\0';
    guard->is_up = true;
}

bool second_guard_repair(struct second_guard *guard, const struct second_guard_goal *goal)
{
    struct sp_offload_changes changes = {0};
    if (guard->setting_fd < 0)
        return false;
    if (!guard->is_up) { /* perhaps now? */
        second_guard_follow(guard, goal);
        return false;
    }
    const bool is_set = read_setting(guard) == HOLD;
    if (!is_set)
        (void)write_setting(guard, HOLD);
    return load(guard, goal, &changes) &&
           (!is_set || changes.policies_added + changes.policies_changed + changes.policies_deleted > 0);
}

bool second_guard_needs_look(const struct second_guard *guard)
{
    return guard->setting_fd >= 0 && (!guard->is_up || read_setting(guard) != HOLD);
}

void second_guard_remove(struct second_guard *guard)
{
    struct sp_offload_changes changes = {0};
    struct sp_report *report = NULL;
    if (guard->setting_fd < 0 || sp_report_create(&report) != SP_OK)
        return;
    if (sp_offload_guard_flush(report, &changes) != SP_OK)
        log_report("the second guard", SP_ERR_SYSTEM, report);
    sp_report_destroy(&report);
    if (guard->is_up || changes.policies_deleted > 0)
        (void)write_setting(guard, guard->former_setting);
    guard->is_up = false;
}

void second_guard_read_watch(const struct second_guard *guard)
{
    char message[8192];
    for (;;)
        if (recv(guard->watch_fd, message, sizeof message, MSG_DONTWAIT) < 0 && errno != ENOBUFS)
            return;
}

/* ---- status -------------------------------------------------------------------------------------------- */

static void count_refused(const struct sp_offload_drop *drop, void *context)
{
    if (strcmp(drop->name, "XfrmOutNoStates") == 0 || strcmp(drop->name, "XfrmOutNoQueueSpace") == 0)
        *(uint64_t *)context += drop->packets;
}

json_t *second_guard_status(const struct second_guard *guard)
{
    uint64_t refused = 0;
    const struct sp_offload_visitor visitor = {.on_drop = count_refused, .context = &refused};
    if (guard->is_up)
        (void)!sp_offload_kernel_visit(&visitor);
    return json_pack("{s:b, s:I, s:I, s:o}", "is_up", guard->is_up, "policies",
                     (json_int_t)(guard->is_up ? guard->policy_count : 0), "refused_packets",
                     (json_int_t)refused, "why", guard->is_up ? json_null() : json_string(guard->why));
}
