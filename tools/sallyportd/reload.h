/* SPDX-License-Identifier: ISC
 *
 * Another policy and other keys for a running host: all of it, or nothing.
 */
#ifndef SALLYPORTD_RELOAD_H
#define SALLYPORTD_RELOAD_H

#include "control/handed.h"
#include "daemon.h"
#include "host/kernel_side.h"

#define RELOAD_TRIAL_SECONDS_MAX 86400

enum reload_kind {
    RELOAD_FILES, /* the daemon's own, again */
    RELOAD_LOAD,  /* what a client hands over */
    RELOAD_FLUSH, /* the daemon's own in the place of that */
};

struct reload_wish {
    enum reload_kind kind;
    const struct handed *handed; /* of RELOAD_LOAD */
    uint32_t confirm_seconds;    /* after it the former ones come back unless reload_confirm is called */
    bool is_strict;              /* a policy about which there are warnings is refused */
};

struct reload_outcome {
    struct sp_sad_reload_counts sas;
    struct kernel_side kernel; /* that was taken away */
    uint32_t rules;
    json_t *granted; /* the caller's array, to which each SA of the file is added; NULL: not asked */
};

/* Reads the policy and the keys, looks the policy through and puts both in force. Whatever fails, the
 * former ones stay in force, and the log says why. */
enum reload_end { RELOAD_DONE, RELOAD_BAD_TEXT, RELOAD_NOT_APPLIED };
enum reload_end reload(struct daemon *daemon, const struct reload_wish *wish, struct reload_outcome *outcome);

/* Says so when the files, read a moment ago, can't be read with the capabilities that are left. */
void reload_foresee(const struct daemon *daemon);

/* False: nothing waits for it. */
bool reload_confirm(struct daemon *daemon);
/* Each second: is the time for it over, or that of SAs that others took the place of? */
void reload_tick(struct daemon *daemon);
/* At the end. What is in force is so until then. */
void reload_forget(struct daemon *daemon);

/* reload_answer.c: the answers to "reload", "load", "flush" and "confirm", as control.h describes them. NULL
 * when memory is out. */
json_t *reload_answer(struct daemon *daemon, const json_t *question);
json_t *reload_answer_load(struct daemon *daemon, const json_t *question, const int *descriptors,
                           size_t descriptor_count);
json_t *reload_answer_flush(struct daemon *daemon);
json_t *reload_answer_confirm(struct daemon *daemon);

#endif
