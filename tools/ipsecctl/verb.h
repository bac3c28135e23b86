/* SPDX-License-Identifier: ISC
 *
 * What a verb of ipsecctl is: one file each, one row in main.c's table.
 */
#ifndef IPSECCTL_VERB_H
#define IPSECCTL_VERB_H

#include "tool.h"

struct verb {
    const char *name;
    const char *summary; /* a few words for the list of verbs */
    const char *help;    /* fits a screen and shows an example */
    /* argv[0] is the verb; returns an exit code */
    int (*run)(int argc, char **argv);
};

extern const struct verb verb_check, verb_show, verb_explain, verb_apply, verb_keygen, verb_export,
    verb_import, verb_status, verb_compare, verb_cpu, verb_diff, verb_reload, verb_confirm, verb_load,
    verb_flush, verb_monitor, verb_offload;

#endif
