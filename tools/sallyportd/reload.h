/* SPDX-License-Identifier: ISC
 *
 * Another policy and other keys for a running host: all of it, or nothing.
 */
#ifndef SALLYPORTD_RELOAD_H
#define SALLYPORTD_RELOAD_H

#include "daemon.h"

#define RELOAD_TRIAL_SECONDS_MAX 86400

struct reload_wish {
    uint32_t confirm_seconds; /* after it the former ones come back unless reload_confirm is called */
    bool is_strict;           /* a policy about which there are warnings is refused */
};

/* Reads the policy and the keys again, looks the policy through and puts both in force. Whatever fails, the
 * former ones stay in force, and the log says why. */
enum reload_end { RELOAD_DONE, RELOAD_BAD_TEXT, RELOAD_NOT_APPLIED };
enum reload_end reload(struct daemon *daemon, const struct reload_wish *wish,
                       struct sp_sad_reload_counts *ret_sas);

/* Says so when the files, read a moment ago, can't be read with the capabilities that are left. */
void reload_foresee(const struct daemon *daemon);

/* False: nothing waits for it. */
bool reload_confirm(struct daemon *daemon);
/* Each second: is the time for it over, or that of SAs that others took the place of? */
void reload_tick(struct daemon *daemon);
/* At the end. What is in force is so until then. */
void reload_forget(struct daemon *daemon);

/* The answers to "reload" and to "confirm", as control.h describes them. NULL when memory is out. */
json_t *reload_answer(struct daemon *daemon, const json_t *question);
json_t *reload_answer_confirm(struct daemon *daemon);

#endif
