/* SPDX-License-Identifier: ISC
 *
 * What happens to the policy and the SAs, told to whom it concerns: the log, the audit log, and who
 * subscribed on the control socket, whoever keys among them. control.h has the lines of the latter.
 */
#ifndef SALLYPORTD_EVENTS_H
#define SALLYPORTD_EVENTS_H

#include "daemon.h"

#include <jansson.h>

/* False: no memory, which was said. */
bool events_open(struct daemon *daemon);
void events_close(struct daemon *daemon);

/* A policy is in force: cause is "start", "reload", "rollback", "addresses". */
void events_policy(struct daemon *daemon, const char *cause);
/* SAs may have come and gone since the last look. */
void events_sas(struct daemon *daemon);
/* What the engine has to tell. Each quarter of a second; where nobody waits for it, is_second counts. */
void events_tick(struct daemon *daemon, bool is_second);

/* The answer to "events"; who asked is a subscriber now, or refused. NULL when memory is out. */
json_t *events_answer(struct daemon *daemon);

#endif
