/* SPDX-License-Identifier: ISC
 *
 * What became of the request for a NIC, SA by SA. The kernel knows who does an SA's ESP; what was asked for,
 * and why it was not granted, it doesn't keep, so load leaves that in a file of /run and status reads it.
 */
#ifndef IPSECCTL_GRANTS_H
#define IPSECCTL_GRANTS_H

#include "json.h"

#include <sallyport/offload.h>

/* {"spi", "source", "destination", "requested", "granted", "device", "refusals": [{"mode", "why"}]}; of modes
 * there are besides a NIC's "kernel" and, granted, "user". */
json_t *grant_json(const struct sp_offload_grant *grant);
/* Of the SAs that the daemon has taken, as control.h lists them. refused: the grants of those who were asked
 * before, NULL: nobody was; what they don't say was refused for that reason. */
json_t *grants_of_daemon(const json_t *sas, const json_t *refused, const char *why);
/* Those of noted that the daemon took and still has, by the SAs of its status. */
json_t *grants_of_daemon_still(const json_t *noted, const json_t *sas);
/* One row for each, with the reasons. */
void grants_print(const json_t *grants);

/* Leaves them for status, of this network namespace; NULL: none were asked for any more. 0 or an errno value.
 */
int grants_save(const json_t *grants);
/* What was left; an empty list when there is nothing. The caller's. */
json_t *grants_read(void);
/* That of an SA, or NULL. */
const json_t *grants_find(const json_t *grants, uint32_t spi, const struct sp_address *destination);

#endif
