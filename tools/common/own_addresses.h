/* SPDX-License-Identifier: ISC
 *
 * What "me" stands for on this host.
 */
#ifndef TOOLS_OWN_ADDRESSES_H
#define TOOLS_OWN_ADDRESSES_H

#include <sallyport/policy.h>

#include <stdbool.h>

/* This host's addresses, sorted, those of ignored_device (NULL: of none) and the loopback addresses left out;
 * the loopback interface isn't: a service's address may live there. false, with errno. */
bool own_addresses(const char *ignored_device, struct sp_me *ret_me);
void own_addresses_free(struct sp_me *me);
bool own_addresses_hold(const struct sp_me *me, const struct sp_address *address);

#endif
