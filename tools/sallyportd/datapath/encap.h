/* SPDX-License-Identifier: ISC
 *
 * What UDP encapsulation (RFC 3948) asks of the control thread: one port for all SAs, and keepalives.
 */
#ifndef SALLYPORTD_ENCAP_H
#define SALLYPORTD_ENCAP_H

#include "daemon.h"

/* Sets options.encap_port to this host's end of the encapsulated SAs, if there are any and no port was asked
 * for. False after saying why: they don't agree with each other or with it. */
bool encap_choose_port(struct daemon *daemon);
/* Do all SAs go by the port that is open? For a reload; says why not. */
bool encap_fits(const struct daemon *daemon);

/* Every second: sends keepalives for SAs that nothing else was sent under. */
void encap_tick(struct daemon *daemon);
void encap_free(struct daemon *daemon);

#endif
