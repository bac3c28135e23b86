/* SPDX-License-Identifier: ISC
 *
 * Another policy and other keys for a running host: all of it, or nothing.
 */
#ifndef SALLYPORTD_RELOAD_H
#define SALLYPORTD_RELOAD_H

#include "daemon.h"

#define RELOAD_TRIAL_SECONDS_MAX 86400

/* Reads the policy and the keys again and puts them in force. With confirm_seconds the former ones come back
 * after that time unless reload_confirm is called before. Whatever fails, they stay in force, and the log
 * says why. */
enum reload_end { RELOAD_DONE, RELOAD_BAD_TEXT, RELOAD_NOT_APPLIED };
enum reload_end reload(struct daemon *daemon, uint32_t confirm_seconds, struct sp_sad_reload_counts *ret_sas);

/* False: nothing waits for it. */
bool reload_confirm(struct daemon *daemon);
/* Each second: is the time for it over? */
void reload_tick(struct daemon *daemon);
/* At the end. What is in force is so until then. */
void reload_forget(struct daemon *daemon);

/* The answers to "reload" and to "confirm", as control.h describes them. NULL when memory is out. */
json_t *reload_answer(struct daemon *daemon, const json_t *question);
json_t *reload_answer_confirm(struct daemon *daemon);

#endif
