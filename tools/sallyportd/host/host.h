/* SPDX-License-Identifier: ISC
 *
 * What the daemon must know about the host it runs on: its addresses, and whether another sallyportd is at
 * work here.
 */
#ifndef SALLYPORTD_HOST_H
#define SALLYPORTD_HOST_H

#include <sallyport/policy.h>
#include <sallyport/sa.h>

/* The addresses of all interfaces but our own, without the loopback ones: what "me" stands for; free
 * ->addresses with host_addresses_free. False after saying why. */
bool host_addresses(const char *own_device, struct sp_me *ret_me);
void host_addresses_free(struct sp_me *me);
bool host_addresses_equal(const struct sp_me *left, const struct sp_me *right);
bool host_has_address(const struct sp_me *me, const struct sp_address *address);

struct host_lock {
    int fd;
    char path[64]; /* as guard_lock.h wants it */
};
/* One sallyportd a network namespace: two would take turns at breaking each other's guard. False after saying
 * why. */
bool host_lock_take(struct host_lock *ret_lock);
void host_lock_release(struct host_lock *lock);

#define HOST_RUN_FOLDER "/run/sallyport"

#endif
