/* SPDX-License-Identifier: ISC
 *
 * The policy that a running daemon has in force.
 */
#ifndef IPSECCTL_LOADED_H
#define IPSECCTL_LOADED_H

#include <sallyport/policy.h>

/* Asks the daemon at path. An exit code, complaints printed; on TOOL_OK *ret_policy is the caller's. */
int load_loaded_policy(const char *path, struct sp_policy **ret_policy);

#endif
